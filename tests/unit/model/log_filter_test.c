/* SPDX-License-Identifier: Apache-2.0 */
#include "model/log_filter.h"

#include "base/random.h"
#include "tests/unit/test.h"

#include <string.h>

/* The value of a key under a filter, "(left out)" where it is skipped. */
static const char *shown(const char *type, const char *key, const char *value)
{
    static char out[256];
    struct buf buf = { 0 };
    struct log_filter filter = { .usual = text_of(type) };
    bool is_shown = log_filter_value(&buf, &filter, text_of(key), text_of(value));
    CHECK(text_to_z(is_shown ? buf_text(&buf) : TEXT("(left out)"), out, sizeof out) == ERR_OK);
    if (is_shown && buf.len == 0) out[0] = '\0';
    buf_free(&buf);
    return out;
}

#define CHECK_SHOWN(type, value, wanted)                                                           \
    CHECK_TEXT(text_of(shown((type), "GSW_PHONE", (value))), (wanted))

TEST(scenario_45_the_first_four_of_a_number_are_hidden)
{
    CHECK_SHOWN("hide-first,4", "15550111", "****0111");
}

TEST(each_word_hides_what_it_says)
{
    const struct {
        const char *type, *value, *wanted;
    } rows[] = {
        { "copy", "15550111", "15550111" },           { "", "15550111", "15550111" },
        { "hide", "15550111", "********" },           { "hide-first,0", "15550111", "15550111" },
        { "hide-first,8", "15550111", "********" },   { "hide-first,99", "15550111", "********" },
        { "hide-last,4", "15550111", "1555****" },    { "hide-last, 4", "15550111", "1555****" },
        { "unhide-first,3", "15550111", "155*****" }, { "unhide-last,3", "15550111", "*****111" },
        { "unhide-last,99", "15550111", "15550111" }, { "unhide-first,0", "15550111", "********" },
        { "skip", "15550111", "(left out)" },         { "tag(<,>)", "15550111", "<15550111>" },
        { "tag", "15550111", "<#15550111#>" },        { "hide", "", "" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        CHECK_SHOWN(rows[i].type, rows[i].value, rows[i].wanted);
}

TEST(characters_are_counted_not_bytes)
{
    CHECK_SHOWN("hide-first,2", "\xC3\xA9\xC3\xA8xy", "**xy");
    CHECK_SHOWN("unhide-first,1", "\xE2\x82\xAC 99", "\xE2\x82\xAC***");
}

TEST(a_filter_that_cannot_be_read_hides)
{
    const char *const bad[] = { "hide-first",   "hide-first,", "hide-first,-1",
                                "hide-first,x", "show",        "hide,4",
                                "tag(",         "tag(x)",      "HIDE" };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        CHECK(log_filter_check(text_of(bad[i])) != ERR_OK);
        CHECK_SHOWN(bad[i], "15550111", "********");
    }
}

TEST(a_key_of_its_own_wins_over_the_usual_filter)
{
    struct pair pairs[] = { { TEXT("gsw_Phone"), /* keys have no case */
                              { .kind = VALUE_TEXT, .text = TEXT("hide-first,4") } } };
    struct kv keys = { pairs, 1 };
    struct log_filter filter = { .usual = TEXT("hide"), .keys = &keys };
    struct pair data[] = { { TEXT("GSW_PHONE"), { .kind = VALUE_TEXT, .text = TEXT("15550111") } },
                           { TEXT("Other1"), { .kind = VALUE_TEXT, .text = TEXT("secret") } },
                           { TEXT("GSW_CHAIN_ID"), { .kind = VALUE_INTEGER, .integer = 81 } } };
    struct kv all = { data, 3 };
    struct buf out = { 0 };
    struct scope *scope = scope_new(NULL, "test", SCOPE_NO_LIMIT);
    struct kv visible = log_filter_apply(scope, &filter, &all);
    log_filter_dump(&out, &visible);
    CHECK_TEXT(buf_text(&out), "\n\tGSW_PHONE '****0111'\n\tOther1 '******'\n\tGSW_CHAIN_ID '**'");
    scope_close(scope);
    buf_free(&out);
}

TEST(secrets_are_hidden_whatever_the_filter_says)
{
    CHECK_TEXT(text_of(shown("copy", "AdminPassword", "swordfish")), "*********");
    CHECK_TEXT(text_of(shown("copy", "XXX_card", "4111")), "(left out)");
    CHECK_TEXT(text_of(shown("copy", "MMM_card", "4111")), "MMM");
}

TEST(any_bytes_are_hidden_without_a_trace)
{
    struct random random;
    random_seed(&random, 3);
    struct log_filter filter = { .usual = TEXT("hide") };
    for (int i = 0; i < 2000; i++) {
        char bytes[64];
        size_t len = (size_t)random_below(&random, sizeof bytes);
        for (size_t k = 0; k < len; k++) bytes[k] = (char)random_u64(&random);
        struct buf out = { 0 };
        (void)log_filter_value(&out, &filter, TEXT("GSW_PHONE"), (struct text){ bytes, len });
        for (size_t k = 0; k < out.len; k++) CHECK(out.at[k] == '*');
        buf_free(&out);
    }
}

/* Characters of well-formed UTF-8, of one to four bytes. */
static size_t random_text(struct random *random, struct buf *out)
{
    static const char *const characters[] = {
        "a", "7", "\xC3\xA9", "\xE2\x82\xAC", "\xF0\x9F\x98\x80", " ", "'", "\n"
    };
    size_t count = (size_t)random_below(random, 20);
    for (size_t i = 0; i < count; i++) buf_add_z(out, characters[random_below(random, 8)]);
    return count;
}

static size_t characters_of(struct text in)
{
    size_t count = 0;
    for (size_t i = 0; i < in.len; i++) count += ((unsigned char)in.at[i] & 0xC0) != 0x80;
    return count;
}

/* Every filter, any text: a character is shown whole or is one star; never more of them are shown
 * than the filter says. */
TEST(no_filter_cuts_a_character_or_shows_one_too_many)
{
    static const char *const words[] = { "hide-first", "hide-last", "unhide-first", "unhide-last" };
    struct random random;
    random_seed(&random, 11);
    for (int i = 0; i < 20000; i++) {
        struct buf value = { 0 }, out = { 0 }, type = { 0 };
        size_t count = random_text(&random, &value), some = (size_t)random_below(&random, 24);
        size_t which = (size_t)random_below(&random, 4);
        buf_format(&type, "%s,%zu", words[which], some);
        struct log_filter filter = { .usual = buf_text(&type) };
        CHECK(log_filter_value(&out, &filter, TEXT("key"), buf_text(&value)));
        struct text shown = buf_text(&out);
        CHECK(text_is_utf8(shown));
        CHECK_I64(characters_of(shown), count);
        size_t stars = 0;
        for (size_t k = 0; k < shown.len; k++) stars += shown.at[k] == '*';
        size_t least = some < count ? some : count;
        CHECK_I64(stars, which < 2 ? least : count - least);
        buf_free(&value);
        buf_free(&out);
        buf_free(&type);
    }
}

static bool holds(struct text in, struct text what)
{
    for (size_t at = 0; at + what.len <= in.len; at++)
        if (text_starts(text_slice(in, at, what.len), what)) return true;
    return false;
}

TEST(what_is_hidden_is_hidden_at_every_depth)
{
    struct pair inner[] = { { TEXT("pin"), { .kind = VALUE_TEXT, .text = TEXT("0815-4711") } },
                            { TEXT("XXX_a"), { .kind = VALUE_TEXT, .text = TEXT("0815-4711") } },
                            { TEXT("note"), { .kind = VALUE_TEXT, .text = TEXT("fine") } } };
    struct value items[] = { { .kind = VALUE_TEXT, .text = TEXT("0815-4711") },
                             { .kind = VALUE_KV, .pairs = { inner, 3 } } };
    struct pair data[] = {
        { TEXT("UserData"), { .kind = VALUE_KV, .pairs = { inner, 3 } } },
        { TEXT("pin"), { .kind = VALUE_LIST, .items = { items, 1 } } },
        { TEXT("list"), { .kind = VALUE_LIST, .items = { items + 1, 1 } } },
        { TEXT("blob"), { .kind = VALUE_BYTES, .text = TEXT("0815-4711") } },
    };
    struct pair pin = { TEXT("pin"), { .kind = VALUE_TEXT, .text = TEXT("hide") } };
    struct kv keys = { &pin, 1 }, all = { data, 4 };
    struct log_filter filter = { .keys = &keys };
    struct scope *scope = scope_new(NULL, "test", SCOPE_NO_LIMIT);
    struct kv visible = log_filter_apply(scope, &filter, &all);
    struct buf out = { 0 };
    log_filter_dump(&out, &visible);
    CHECK(!holds(buf_text(&out), TEXT("0815")));
    CHECK(!holds(buf_text(&out), TEXT("XXX")));
    CHECK(holds(buf_text(&out), TEXT("note 'fine'")));
    CHECK(holds(buf_text(&out), TEXT("blob '(9 bytes)'")));
    buf_free(&out);
    scope_close(scope);
}
