/* SPDX-License-Identifier: Apache-2.0 */
#include "io/http/signature.h"
#include "tests/unit/test.h"

#include <string.h>

#define SECRET  "whsec_plJ3nmyCDGBKInavdOK15jsl"
#define OTHER   "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
#define EXAMPLE "v1,rAvfW3dJ/X/qxhsaXPOyyCGmRKsaKWcsNccKXlIktD0="

static struct buf out;

static enum err sign(const char *secrets)
{
    buf_clear(&out);
    return signature_write(text_of(secrets), TEXT("msg_loFOjxBNrRLzqYUf"), 1731705121,
                           TEXT("{\"event_type\":\"ping\",\"data\":{\"success\":true}}"), &out);
}

TEST(the_example_of_the_convention_has_the_signature_it_prints)
{
    CHECK_OK(sign(SECRET));
    CHECK_TEXT(buf_text(&out), EXAMPLE);
    buf_free(&out);
}

TEST(the_prefix_of_a_secret_may_be_left_out)
{
    CHECK_OK(sign("plJ3nmyCDGBKInavdOK15jsl"));
    CHECK_TEXT(buf_text(&out), EXAMPLE);
    buf_free(&out);
}

TEST(while_a_secret_is_replaced_both_sign)
{
    CHECK_OK(sign("  " OTHER "  " SECRET " "));
    struct text first, second;
    CHECK(text_cut(buf_text(&out), ' ', &first, &second));
    CHECK(text_starts(first, TEXT("v1,")));
    CHECK(!text_eq(first, TEXT(EXAMPLE)));
    CHECK_TEXT(second, EXAMPLE);
    buf_free(&out);
}

TEST(id_time_and_body_are_all_signed)
{
    static const struct {
        const char *id;
        uint64_t timestamp_s;
        const char *body;
    } messages[] = { { "a", 1, "x" }, { "b", 1, "x" }, { "a", 2, "x" }, { "a", 1, "y" } };
    struct buf signatures[4] = { { 0 } };
    for (size_t i = 0; i < 4; i++) {
        CHECK_OK(signature_write(TEXT(SECRET), text_of(messages[i].id), messages[i].timestamp_s,
                                 text_of(messages[i].body), &signatures[i]));
        for (size_t k = 0; k < i; k++)
            CHECK(!text_eq(buf_text(&signatures[i]), buf_text(&signatures[k])));
    }
    for (size_t i = 0; i < 4; i++) buf_free(&signatures[i]);
}

TEST(what_is_no_secret_signs_nothing)
{
    static const char *const wrong[] = {
        "",
        "   ",
        "whsec_",
        "hunter2",
        "whsec_plJ3nmyCDGBKInavdOK15js",                      /* cut */
        "whsec_plJ3nmyCDGBKInavdOK15js*",                     /* no base64 */
        "whsec_AAECAwQFBgcICQoLDA0O",                         /* 15 bytes */
        "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh9=", /* bits behind the end */
        "whsec_====",
        SECRET " hunter2",
        SECRET " " SECRET " " SECRET " " SECRET " " SECRET,
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        CHECK_I64(sign(wrong[i]), ERR_INVALID);
        CHECK_I64(out.len, 0);
    }
    /* 64 bytes are the most: 65 and 66 are refused. */
    static const char most[] =
        "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEy"
        "MzQ1Njc4OTo7PD0+Pw==";
    CHECK_OK(sign(most));
    char more[sizeof most];
    memcpy(more, most, sizeof most);
    memcpy(more + strlen(most) - 2, "A=", 2);
    CHECK_I64(sign(more), ERR_INVALID);
    memcpy(more + strlen(most) - 2, "AA", 2);
    CHECK_I64(sign(more), ERR_INVALID);
    buf_free(&out);
}
