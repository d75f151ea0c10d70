/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"
#include "format/json.h"
#include "model/option.h"
#include "tests/unit/test.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

struct test_options {
    bool notify;
    uint32_t attempts;
    int64_t shift;
    double factor;
    struct text uri, mode, applies_to, password, verbose;
    struct kv filters;
    uint32_t quota, seats;
};

static const char *const modes[] = { "small_group", "classical", NULL };
static const char *const failures[] = { "connect", "timeout", "5xx", NULL };
enum { EVERYWHERE = LEVEL_APPLICATION | LEVEL_CAMPAIGN_GROUP };
#define ROW(in_section, of_name, of_type, member, default_text)                                    \
    .section = (in_section), .name = (of_name), .type = (of_type),                                 \
    .offset = offsetof(struct test_options, member), .fallback = (default_text)
static const struct option rows[] = {
    { ROW("", "notify", OPTION_BOOL, notify, "false"), .levels = EVERYWHERE },
    { ROW("", "http-retry-max-attempts", OPTION_U32, attempts, "3"), .min = 0, .max = 100,
      .levels = EVERYWHERE },
    { ROW("", "shift", OPTION_I64, shift, "-5"), .min = -10, .max = 10, .levels = EVERYWHERE },
    { ROW("", "factor", OPTION_FLOAT, factor, "1.5"), .min = 0, .max = 10, .levels = EVERYWHERE },
    { ROW("", "uri", OPTION_URL, uri, ""), .levels = EVERYWHERE },
    { ROW("", "mode", OPTION_ENUM, mode, "small_group"), .choices = modes, .levels = EVERYWHERE },
    { ROW("", "applies-to", OPTION_LIST, applies_to, ""), .choices = failures,
      .levels = EVERYWHERE },
    { ROW("", "password", OPTION_SECRET, password, ""), .levels = LEVEL_APPLICATION },
    { ROW("log", "verbose", OPTION_TEXT, verbose, "standard"), .levels = LEVEL_APPLICATION },
    { ROW("log-filter-data", "*", OPTION_TEXT, filters, ""), .levels = LEVEL_APPLICATION,
      .is_family = true },
    { ROW("", "action-queue-quota", OPTION_U32, quota, "10000"), .min = 11, .max = 100000,
      .levels = LEVEL_APPLICATION, .effect = EFFECT_RESTART },
    { ROW("license", "num-of-licenses", OPTION_U32, seats, "max"), .max_word = "max",
      .levels = LEVEL_APPLICATION },
};
static const struct option_table table = { "test", rows, sizeof rows / sizeof rows[0],
                                           sizeof(struct test_options) };

static struct scope *scope;
static struct buf told; /* reports, a line each */

static void on_report(void *self, const struct option_report *report)
{
    static const char *const words[] = { "invalid", "unknown", "twice", "misplaced", "waits" };
    (void)self;
    buf_format(&told, "%s [%.*s] %.*s=%.*s: %s; used %.*s\n", words[report->trouble],
               TEXT_ARG(report->section), TEXT_ARG(report->name), TEXT_ARG(report->value),
               report->words, TEXT_ARG(report->used));
}

static void begin(void)
{
    scope = scope_new(NULL, "test", SCOPE_NO_LIMIT);
    buf_clear(&told);
}

static void end(void)
{
    buf_free(&told);
    scope_close(scope);
}

static struct kv *sections(const char *json)
{
    struct kv *kv = scope_alloc(scope, sizeof *kv);
    CHECK_OK(json_read_kv(text_of(json), scope, kv, NULL));
    return kv;
}

/* `group` and `application` as JSON, NULL: that object has no sections. */
static struct test_options *resolve(const char *group, const char *application,
                                    const struct test_options *previous)
{
    struct option_layer layers[] = {
        { LEVEL_CAMPAIGN_GROUP, group ? sections(group) : NULL },
        { LEVEL_APPLICATION, application ? sections(application) : NULL },
    };
    struct option_source source = { TEXT("OCS_1"), layers, 2 };
    return option_resolve(&table, &source, previous, scope, on_report, NULL);
}

TEST(without_sections_the_defaults_hold)
{
    begin();
    struct test_options *options = resolve(NULL, NULL, NULL);
    CHECK(!options->notify && options->attempts == 3 && options->shift == -5);
    CHECK(options->factor > 1.49 && options->factor < 1.51);
    CHECK_I64(options->uri.len, 0);
    CHECK_TEXT(options->mode, "small_group");
    CHECK_TEXT(options->verbose, "standard");
    CHECK_I64(options->filters.count, 0);
    CHECK_I64(told.len, 0);
    end();
}

TEST(inside_an_object_the_applications_section_comes_first_then_default_then_ocserver)
{ /* spec outbound 3.1 */
    begin();
    CHECK_U32(resolve(NULL, "{\"OCServer\":{\"http-retry-max-attempts\":\"1\"}}", NULL)->attempts,
              1);
    CHECK_U32(resolve(NULL,
                      "{\"OCServer\":{\"http-retry-max-attempts\":\"1\"},"
                      "\"default\":{\"http-retry-max-attempts\":\"2\"}}",
                      NULL)
                  ->attempts,
              2);
    CHECK_U32(resolve(NULL,
                      "{\"OCServer\":{\"http-retry-max-attempts\":\"1\"},"
                      "\"default\":{\"http-retry-max-attempts\":\"2\"},"
                      "\"ocs_1\":{\"HTTP-Retry-Max-Attempts\":\"4\"}}",
                      NULL)
                  ->attempts,
              4);
    CHECK_U32(resolve(NULL, "{\"elsewhere\":{\"http-retry-max-attempts\":\"9\"}}", NULL)->attempts,
              3);
    end();
}

TEST(the_nearest_object_wins_whatever_its_section)
{
    begin();
    struct test_options *options =
        resolve("{\"OCServer\":{\"http-retry-max-attempts\":\"7\"}}",
                "{\"OCS_1\":{\"http-retry-max-attempts\":\"8\",\"notify\":\"yes\"}}", NULL);
    CHECK_U32(options->attempts, 7);
    CHECK(options->notify); /* the group is silent about it */
    end();
}

TEST(an_option_is_read_only_on_its_levels_and_in_its_own_section)
{
    begin();
    struct test_options *options =
        resolve("{\"log\":{\"verbose\":\"trace\"}}", "{\"default\":{\"verbose\":\"debug\"}}", NULL);
    CHECK_TEXT(options->verbose, "standard");
    options = resolve(NULL, "{\"Log\":{\"VERBOSE\":\"all\"}}", NULL);
    CHECK_TEXT(options->verbose, "all");
    end();
}

TEST(a_name_with_a_number_sign_is_ignored)
{
    begin();
    struct test_options *options = resolve(
        NULL, "{\"default\":{\"#notify\":\"true\"},\"#default\":{\"notify\":\"true\"}}", NULL);
    CHECK(!options->notify);
    CHECK_I64(told.len, 0);
    end();
}

TEST(values_are_parsed_by_type_and_numbers_of_json_are_taken)
{
    begin();
    struct test_options *options =
        resolve(NULL,
                "{\"default\":{\"notify\":true,\"http-retry-max-attempts\":5,\"shift\":\"10\","
                "\"factor\":2.5,\"uri\":\"https://h/x\",\"mode\":\"CLASSICAL\","
                "\"applies-to\":\"timeout, 5XX\",\"password\":\"s\"}}",
                NULL);
    CHECK(options->notify && options->attempts == 5 && options->shift == 10);
    CHECK(options->factor > 2.49 && options->factor < 2.51);
    CHECK_TEXT(options->uri, "https://h/x");
    CHECK_TEXT(options->mode, "classical"); /* the choice's own spelling */
    CHECK_TEXT(options->applies_to, "timeout, 5XX");
    CHECK_TEXT(options->password, "s");
    CHECK_I64(told.len, 0);
    end();
}

TEST(an_invalid_value_leaves_the_default_at_start_and_says_so) /* framework 4.1 */
{
    begin();
    CHECK_U32(resolve(NULL, "{\"default\":{\"http-retry-max-attempts\":\"101\"}}", NULL)->attempts,
              3);
    CHECK_TEXT(buf_text(&told), "invalid [default] http-retry-max-attempts=101: must be a whole "
                                "number from 0 to 100; used 3\n");
    end();
}

TEST(an_invalid_value_keeps_the_previous_one_later)
{
    begin();
    struct test_options *before = resolve(NULL, "{\"default\":{\"mode\":\"classical\"}}", NULL);
    struct test_options *after = resolve(NULL, "{\"default\":{\"mode\":\"best\"}}", before);
    CHECK_TEXT(after->mode, "classical");
    CHECK_TEXT(buf_text(&told), "invalid [default] mode=best: must be one of small_group, "
                                "classical; used classical\n");
    end();
}

TEST(every_type_has_values_it_refuses)
{
    static const char *const bad[] = {
        "\"notify\":\"maybe\"",   "\"http-retry-max-attempts\":\"-1\"",
        "\"shift\":\"11\"",       "\"shift\":\"\"",
        "\"factor\":\"10.1\"",    "\"factor\":\"x\"",
        "\"uri\":\"ftp://x\"",    "\"mode\":\"\"",
        "\"applies-to\":\"4xx\"", "\"notify\":{}",
        "\"uri\":\"http://a b\"", "\"http-retry-max-attempts\":1.5",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        begin();
        (void)resolve(NULL, scope_format(scope, "{\"default\":{%s}}", bad[i]).at, NULL);
        CHECK(text_starts(buf_text(&told), TEXT("invalid [default] ")));
        end();
    }
}

TEST(a_word_stands_for_the_highest_number)
{
    const struct option *seats = &rows[sizeof rows / sizeof rows[0] - 1];
    char words[OPTION_WORDS_MAX];
    begin();
    const struct test_options *options = resolve(NULL, NULL, NULL);
    CHECK_U32(options->seats, UINT32_MAX);
    CHECK_TEXT(option_format(seats, options, scope), "max");
    options = resolve(NULL, "{\"license\":{\"num-of-licenses\":\"30\"}}", NULL);
    CHECK_U32(options->seats, 30);
    CHECK_TEXT(option_format(seats, options, scope), "30");
    CHECK_OK(option_value_check(seats, TEXT("MAX"), words));
    CHECK(option_value_check(seats, TEXT("many"), words) == ERR_INVALID);
    CHECK_TEXT(text_of(words), "must be a whole number from 0 to 4294967295, or max");
    end();
}

TEST(a_secret_is_never_told)
{
    begin();
    struct test_options *options = resolve(NULL, "{\"default\":{\"password\":\"hush\"}}", NULL);
    CHECK_TEXT(option_format(&rows[7], options, scope), "***");
    (void)resolve(NULL, "{\"default\":{\"password\":[\"hush\"]}}", options);
    CHECK_TEXT(buf_text(&told), "invalid [default] password=***: must be text; used ***\n");
    end();
}

TEST(a_family_gathers_the_free_names_of_its_section)
{
    begin();
    struct test_options *options = resolve(
        "{\"log-filter-data\":{\"ANI\":\"skip\"}}",
        "{\"log-filter-data\":{\"PIN\":\"hide\",\"#DOB\":\"skip\",\"pin\":\"copy\"}}", NULL);
    CHECK_I64(options->filters.count, 1); /* the group's is not read; the second PIN is the same */
    CHECK_TEXT(options->filters.at[0].name, "PIN");
    CHECK_TEXT(options->filters.at[0].value.text, "hide");
    end();
}

TEST(a_restart_option_waits_beside_a_previous_snapshot)
{
    begin();
    const char *changed = "{\"default\":{\"action-queue-quota\":\"20000\"}}";
    struct test_options *first = resolve(NULL, NULL, NULL);
    struct test_options *second = resolve(NULL, changed, first);
    CHECK_U32(second->quota, 10000);
    CHECK_TEXT(buf_text(&told), "waits [default] action-queue-quota=20000: takes effect at the "
                                "next restart; used 10000\n");
    CHECK_U32(resolve(NULL, changed, NULL)->quota, 20000); /* after the restart */
    end();
}

static void count_moved(void *self, const struct option *option)
{
    buf_add_z(self, option->name);
    buf_add_byte(self, ' ');
}

TEST(two_snapshots_tell_what_moved)
{
    begin();
    struct test_options *before = resolve(NULL, "{\"log-filter-data\":{\"PIN\":\"hide\"}}", NULL);
    struct test_options *same = resolve(NULL, "{\"Log-Filter-Data\":{\"PIN\":\"hide\"}}", before);
    CHECK_I64(option_moved(&table, before, same, count_moved, &told), 0);
    struct test_options *after =
        resolve(NULL,
                "{\"default\":{\"notify\":\"1\",\"factor\":\"1.6\",\"uri\":\"http://x\"},"
                "\"log-filter-data\":{\"PIN\":\"skip\"}}",
                before);
    CHECK_I64(option_moved(&table, before, after, count_moved, &told), 4);
    CHECK_TEXT(buf_text(&told), "notify factor uri * ");
    end();
}

static enum err check(const char *json, enum option_level level, struct fault *fault)
{
    *fault = (struct fault){ 0 };
    buf_clear(&told);
    return option_check(&table, TEXT("OCS_1"), level, sections(json), on_report, NULL, fault);
}

TEST(a_write_with_an_invalid_value_is_refused_and_names_it)
{
    begin();
    struct fault fault;
    CHECK_I64(check("{\"OCServer\":{\"shift\":\"99\"}}", LEVEL_APPLICATION, &fault), ERR_INVALID);
    CHECK_TEXT(text_of(fault.field), "[OCServer] shift");
    CHECK_TEXT(text_of(fault.words), "must be a whole number from -10 to 10");
    CHECK_I64(check("{\"default\":5}", LEVEL_APPLICATION, &fault), ERR_INVALID);
    CHECK_TEXT(text_of(fault.words), "a section must hold options");
    CHECK_OK(check("{\"OCServer\":{\"shift\":\"9\"},\"log-filter-data\":{\"any\":\"hide\"}}",
                   LEVEL_APPLICATION, &fault));
    CHECK_I64(told.len, 0);
    end();
}

TEST(the_same_name_after_folding_is_refused)
{
    begin();
    struct fault fault;
    CHECK_I64(check("{\"default\":{\"shift\":\"1\",\"Shift\":\"2\"}}", LEVEL_APPLICATION, &fault),
              ERR_INVALID);
    CHECK_TEXT(text_of(fault.words), "is there twice");
    CHECK_I64(check("{\"default\":{},\"DEFAULT\":{}}", LEVEL_APPLICATION, &fault), ERR_INVALID);
    CHECK_OK(check("{\"default\":{\"#shift\":\"x\",\"#Shift\":\"y\"}}", LEVEL_APPLICATION, &fault));
    end();
}

TEST(unknown_and_misplaced_options_are_warnings)
{
    begin();
    struct fault fault;
    CHECK_OK(
        check("{\"default\":{\"shfit\":\"1\"},\"mine\":{\"x\":\"y\"}}", LEVEL_APPLICATION, &fault));
    CHECK_TEXT(buf_text(&told), "unknown [default] shfit=1: is unknown and not read; used \n"
                                "unknown [mine] x=y: is unknown and not read; used \n");
    CHECK_OK(check("{\"log\":{\"verbose\":\"all\"}}", LEVEL_CAMPAIGN_GROUP, &fault));
    CHECK(text_starts(buf_text(&told), TEXT("misplaced [log] verbose=all")));
    end();
}

TEST(an_option_is_found_under_the_sections_it_is_read_in)
{
    CHECK(option_find(&table, TEXT("OCS_1"), TEXT("ocs_1"), TEXT("SHIFT")) == &rows[2]);
    CHECK(option_find(&table, TEXT("OCS_1"), TEXT("OCS_2"), TEXT("shift")) == NULL);
    CHECK(option_find(&table, TEXT("OCS_1"), TEXT("log-filter-data"), TEXT("x")) == &rows[9]);
    char words[OPTION_WORDS_MAX];
    CHECK_OK(option_value_check(&rows[2], TEXT("-10"), words));
    CHECK_I64(option_value_check(&rows[2], TEXT("-11"), words), ERR_INVALID);
}

/* --- texts with a grammar ------------------------------------------------------------------- */

struct grammar_options {
    int64_t wait;
    struct text pattern, json, ports;
    struct kv passwords;
};

#define GRAMMAR_ROW(of_name, of_type, member, default_text)                                        \
    .section = "s", .name = (of_name), .type = (of_type),                                          \
    .offset = offsetof(struct grammar_options, member), .fallback = (default_text),                \
    .levels = LEVEL_APPLICATION
static const struct option grammar_rows[] = {
    { GRAMMAR_ROW("wait", OPTION_DURATION, wait, "90"), .min = 1, .max = 3600, .unit = "s" },
    { GRAMMAR_ROW("pattern", OPTION_REGEX, pattern, "") },
    { GRAMMAR_ROW("json", OPTION_JSON, json, "") },
    { GRAMMAR_ROW("ports", OPTION_PORTRANGE, ports, "") },
    { .section = "pop-client*",
      .name = "password",
      .type = OPTION_SECRET,
      .fallback = "",
      .offset = offsetof(struct grammar_options, passwords),
      .levels = LEVEL_APPLICATION,
      .is_family = true },
};
static const struct option_table grammar = { "grammar", grammar_rows,
                                             sizeof grammar_rows / sizeof grammar_rows[0],
                                             sizeof(struct grammar_options) };

TEST(texts_with_a_grammar_are_checked_as_they_are_written) /* framework 4.1 */
{
    static const struct {
        size_t row;
        const char *value;
        bool is_fit;
    } cases[] = {
        { 0, "15min", true },       { 0, "2 s", true },
        { 0, "1500ms", true },      { 0, "1h", true },
        { 0, "2h", false },         { 0, "0", false },
        { 0, "soon", false },       { 0, "5 weeks", false },
        { 0, "-5", false },         { 0, "99999999999999999999d", false },
        { 1, "^[0-9]{3,}$", true }, { 1, "", true },
        { 1, "(unclosed", false },  { 2, "{\"a\":[1,2]}", true },
        { 2, "[]", true },          { 2, "1", false },
        { 2, "{\"a\"}", false },    { 3, "52000-53000", true },
        { 3, "80,443", true },      { 3, "0-5", false },
        { 3, "9-5", false },        { 3, "70000", false },
    };
    char words[OPTION_WORDS_MAX];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        bool is_fit = option_value_check(&grammar_rows[cases[i].row], text_of(cases[i].value),
                                         words) == ERR_OK;
        if (is_fit != cases[i].is_fit) printf("# %s\n", cases[i].value);
        CHECK(is_fit == cases[i].is_fit);
    }
}

TEST(a_duration_is_milliseconds_and_a_pattern_of_sections_gives_a_value_for_each)
{
    begin();
    struct kv written;
    struct fault fault;
    CHECK_OK(json_read_kv(
        TEXT("{\"s\":{\"wait\":\"15 min\"},\"pop-client1\":{\"password\":\"a\",\"x\":\"1\"},"
             "\"POP-clientX\":{\"password\":\"b\"},\"pop\":{\"password\":\"c\"}}"),
        scope, &written, &fault));
    struct option_layer layer = { LEVEL_APPLICATION, &written };
    struct option_source source = { TEXT("app"), &layer, 1 };
    const struct grammar_options *options =
        option_resolve(&grammar, &source, NULL, scope, on_report, NULL);
    CHECK_I64(options->wait, 15 * 60 * 1000);
    CHECK_U32(options->passwords.count, 2);
    CHECK_TEXT(options->passwords.at[0].name, "pop-client1");
    CHECK_TEXT(options->passwords.at[1].value.text, "b");
    CHECK_U32(told.len, 0);
    CHECK_OK(
        option_check(&grammar, TEXT("app"), LEVEL_APPLICATION, &written, on_report, NULL, &fault));
    CHECK(memmem(told.at, told.len, "unknown [pop-client1] x", 23) != NULL);
    CHECK(memmem(told.at, told.len, "unknown [pop] password", 22) != NULL);
    end();
}
