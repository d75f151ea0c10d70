/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct text text_of(const char *z)
{
    return z ? (struct text){ z, strlen(z) } : (struct text){ 0 };
}

bool text_eq(struct text a, struct text b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

static char fold(char byte)
{
    return byte >= 'A' && byte <= 'Z' ? (char)(byte + ('a' - 'A')) : byte;
}

bool text_eq_fold(struct text a, struct text b)
{
    if (a.len != b.len) return false;
    for (size_t i = 0; i < a.len; i++)
        if (fold(a.at[i]) != fold(b.at[i])) return false;
    return true;
}

bool text_is_digits(struct text text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.at[i] < '0' || text.at[i] > '9') return false;
    return text.len > 0;
}

int text_compare(struct text a, struct text b)
{
    size_t shared = a.len < b.len ? a.len : b.len;
    int order = shared ? memcmp(a.at, b.at, shared) : 0;
    if (order) return order;
    return a.len < b.len ? -1 : a.len > b.len;
}

bool text_starts(struct text in, struct text prefix)
{
    return in.len >= prefix.len && text_eq(text_slice(in, 0, prefix.len), prefix);
}

bool text_ends(struct text in, struct text suffix)
{
    return in.len >= suffix.len && text_eq(text_slice(in, in.len - suffix.len, suffix.len), suffix);
}

static bool is_blank(char byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

struct text text_trim(struct text in)
{
    while (in.len && is_blank(in.at[0])) in = text_slice(in, 1, in.len - 1);
    while (in.len && is_blank(in.at[in.len - 1])) in.len--;
    return in;
}

struct text text_slice(struct text in, size_t from, size_t len)
{
    if (from >= in.len) return (struct text){ 0 };
    if (len > in.len - from) len = in.len - from;
    return (struct text){ in.at + from, len };
}

size_t text_find(struct text in, char byte, size_t from)
{
    if (from >= in.len) return SIZE_MAX;
    const char *found = memchr(in.at + from, byte, in.len - from);
    return found ? (size_t)(found - in.at) : SIZE_MAX;
}

bool text_cut(struct text in, char at, struct text *before, struct text *after)
{
    size_t index = text_find(in, at, 0);
    if (index == SIZE_MAX) return false;
    *before = text_slice(in, 0, index);
    *after = text_slice(in, index + 1, in.len - index - 1);
    return true;
}

bool text_next_item(struct text *rest, char separator, struct text *item)
{
    if (rest->at == NULL) return false;
    struct text before, after;
    if (text_cut(*rest, separator, &before, &after)) {
        *item = text_trim(before);
        /* A separator at the very end leaves one empty item to come. */
        *rest = after.at ? after : (struct text){ "", 0 };
    } else {
        *item = text_trim(*rest);
        *rest = (struct text){ 0 };
    }
    return true;
}

/* Length of the well-formed sequence at `at`, or 0 (RFC 3629, table 3-7 of the Unicode standard).
 */
static size_t utf8_sequence(const unsigned char *at, size_t left)
{
    unsigned char first = at[0];
    if (first < 0x80) return 1;
    size_t len = first >= 0xC2 && first <= 0xDF   ? 2
                 : first >= 0xE0 && first <= 0xEF ? 3
                 : first >= 0xF0 && first <= 0xF4 ? 4
                                                  : 0;
    if (len == 0 || len > left) return 0;
    unsigned char low = 0x80, high = 0xBF;
    if (first == 0xE0) low = 0xA0;
    if (first == 0xED) high = 0x9F;
    if (first == 0xF0) low = 0x90;
    if (first == 0xF4) high = 0x8F;
    if (at[1] < low || at[1] > high) return 0;
    for (size_t i = 2; i < len; i++)
        if ((at[i] & 0xC0) != 0x80) return 0;
    return len;
}

bool text_is_utf8(struct text in)
{
    const unsigned char *at = (const unsigned char *)in.at;
    for (size_t i = 0; i < in.len;) {
        uint64_t word; /* most text is ASCII: eight bytes at a time */
        while (in.len - i >= sizeof word &&
               (memcpy(&word, at + i, sizeof word), (word & UINT64_C(0x8080808080808080)) == 0))
            i += sizeof word;
        if (i == in.len) return true;
        size_t len = utf8_sequence(at + i, in.len - i);
        if (len == 0) return false;
        i += len;
    }
    return true;
}

uint64_t text_hash(struct text in)
{
    /* FNV-1a with a final mix: short keys, no hostile tables without a bound on their size. */
    uint64_t hash = 14695981039346656037u;
    for (size_t i = 0; i < in.len; i++) hash = (hash ^ (unsigned char)in.at[i]) * 1099511628211u;
    hash ^= hash >> 32;
    return hash * 0x9E3779B97F4A7C15u;
}

enum err text_to_u64(struct text in, uint64_t min, uint64_t max, uint64_t *out)
{
    if (in.len == 0) return ERR_INVALID;
    uint64_t value = 0;
    bool overflow = false;
    for (size_t i = 0; i < in.len; i++) {
        char byte = in.at[i];
        if (byte < '0' || byte > '9') return ERR_INVALID;
        uint64_t digit = (uint64_t)(byte - '0');
        overflow |= value > (UINT64_MAX - digit) / 10;
        value = value * 10 + digit;
    }
    if (overflow || value < min || value > max) return ERR_LIMIT;
    *out = value;
    return ERR_OK;
}

enum err text_to_u32(struct text in, uint32_t min, uint32_t max, uint32_t *out)
{
    uint64_t value;
    enum err err = text_to_u64(in, min, max, &value);
    if (!err) *out = (uint32_t)value;
    return err;
}

enum err text_to_i64(struct text in, int64_t min, int64_t max, int64_t *out)
{
    bool negative = in.len && in.at[0] == '-';
    uint64_t magnitude;
    enum err err = text_to_u64(negative ? text_slice(in, 1, in.len - 1) : in, 0,
                               negative ? (uint64_t)INT64_MAX + 1 : (uint64_t)INT64_MAX,
                               &magnitude);
    if (err) return err;
    int64_t value = negative ? (int64_t)(0 - magnitude) : (int64_t)magnitude;
    if (value < min || value > max) return ERR_LIMIT;
    *out = value;
    return ERR_OK;
}

enum err text_to_f64(struct text in, double *out)
{
    char z[64];
    if (in.len == 0 || text_to_z(in, z, sizeof z) || is_blank(z[0])) return ERR_INVALID;
    char *end;
    double value = strtod(z, &end);
    if (*end != '\0' || !isfinite(value)) return ERR_INVALID;
    *out = value;
    return ERR_OK;
}

enum err text_to_bool(struct text in, bool *out)
{
    static const struct {
        const char *word;
        bool value;
    } words[] = { { "true", true }, { "false", false }, { "yes", true }, { "no", false },
                  { "on", true },   { "off", false },   { "1", true },   { "0", false } };
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (text_eq_fold(in, text_of(words[i].word))) {
            *out = words[i].value;
            return ERR_OK;
        }
    return ERR_INVALID;
}

enum err text_to_z(struct text in, char *out, size_t out_size)
{
    if (in.len >= out_size) return ERR_LIMIT;
    if (text_find(in, '\0', 0) != SIZE_MAX) return ERR_INVALID;
    if (in.len) memcpy(out, in.at, in.len);
    out[in.len] = '\0';
    return ERR_OK;
}
