/* SPDX-License-Identifier: Apache-2.0 */
#include "model/log_option.h"

#include "gen/options.h"
#include "model/option.h"
#include "tests/unit/test.h"

#include <string.h>

/* What config says of one value of [section] name: "" it is taken, "unknown", or the rule. */
static const char *said(const char *section, const char *name, const char *value)
{
    static char out[OPTION_WORDS_MAX];
    struct pair option = { text_of(name), { .kind = VALUE_TEXT, .text = text_of(value) } };
    struct pair of_section = { text_of(section), { .kind = VALUE_KV, .pairs = { &option, 1 } } };
    struct kv sections = { &of_section, 1 };
    struct fault fault = { 0 };
    out[0] = '\0';
    if (option_check(&OPTIONS_COMMON, TEXT("x"), LEVEL_APPLICATION, &sections, NULL, NULL, &fault))
        (void)text_to_z(text_of(fault.words), out, sizeof out);
    return out;
}

#define TAKEN(section, name, value)   CHECK_TEXT(text_of(said((section), (name), (value))), "")
#define REFUSED(section, name, value) CHECK(strstr(said((section), (name), (value)), "must be"))

TEST(what_framework_8_1_allows_is_taken)
{
    const char *const segments[] = { "false", "100 KB", "100 MB", "1 hr", "10MB" };
    const char *const expires[] = { "false", "10", "3 file", "1000 file", "100 day" };
    const char *const outputs[] = { "", "stdout", "stdout, network", "outbound, memory", "/x/y" };
    for (size_t i = 0; i < 5; i++) {
        TAKEN("log", "segment", segments[i]);
        TAKEN("log", "expire", expires[i]);
        TAKEN("log", "standard", outputs[i]);
    }
    TAKEN("log", "verbose", "interaction");
    TAKEN("log", "spool", "/var/spool/carillon");
    TAKEN("log", "buffering", "false");
}

TEST(what_it_does_not_is_refused_in_words)
{
    const char *const segments[] = { "", "0 MB", "100 GB", "-1 KB", "MB", "1 day", "true" };
    const char *const expires[] = { "", "0", "1001", "101 day", "2 weeks", "ten", "true" };
    for (size_t i = 0; i < sizeof segments / sizeof segments[0]; i++)
        REFUSED("log", "segment", segments[i]);
    for (size_t i = 0; i < sizeof expires / sizeof expires[0]; i++)
        REFUSED("log", "expire", expires[i]);
    REFUSED("log", "verbose", "chatty");
    REFUSED("log", "buffering", "perhaps");
    REFUSED("log", "check-point", "25");
    REFUSED("log", "all", "logs/");
    REFUSED("log", "debug", "a\nb");
    REFUSED("log", "memory", "ring\x01");
    REFUSED("log", "message-file", "a\tb");
}

TEST(filters_are_tried_by_the_parser_that_reads_them) /* framework 8.4 */
{
    const char *const good[] = { "copy", "hide", "hide-first,4", "unhide-last, 4",
                                 "skip", "tag",  "tag(<,>)" };
    const char *const bad[] = { "", "hide-first", "hide,4", "show", "tag(x)", "unhide-last,x" };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        TAKEN("log-filter-data", "ssn", good[i]);
        TAKEN("log-filter", "default-filter-type", good[i]);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        REFUSED("log-filter-data", "ssn", bad[i]);
        REFUSED("log-filter", "default-filter-type", bad[i]);
    }
}

static void keep_trouble(void *self, const struct option_report *report)
{
    *(enum option_trouble *)self = report->trouble;
}

TEST(levels_of_ones_own_name_an_event_and_a_level)
{
    TAKEN("log-extended", "level-reassign-04503", "alarm");
    TAKEN("log-extended", "level-reassign-00-04504", "none");
    TAKEN("log-extended", "level-reassign-disable", "true");
    REFUSED("log-extended", "level-reassign-04503", "loud");
    REFUSED("log-extended", "level-reassign-disable", "perhaps");
    struct pair option = { TEXT("level-reassign-77777"),
                           { .kind = VALUE_TEXT, .text = TEXT("alarm") } };
    struct pair section = { TEXT("log-extended"), { .kind = VALUE_KV, .pairs = { &option, 1 } } };
    struct kv sections = { &section, 1 };
    struct fault fault;
    enum option_trouble trouble = OPTION_WAITS;
    CHECK(option_check(&OPTIONS_COMMON, TEXT("x"), LEVEL_APPLICATION, &sections, keep_trouble,
                       &trouble, &fault) == ERR_OK);
    CHECK(trouble == OPTION_UNKNOWN); /* of a release to come, or of somebody else's server */
}

TEST(every_default_follows_its_own_grammar)
{
    char words[OPTION_WORDS_MAX];
    for (size_t i = 0; i < OPTIONS_COMMON.count; i++) {
        const struct option *option = &OPTIONS_COMMON.options[i];
        if (option->is_family) continue;
        CHECK(log_option_check(option->grammar, text_of(option->name), text_of(option->fallback),
                               words, sizeof words) == ERR_OK);
    }
}
