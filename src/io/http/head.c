/* SPDX-License-Identifier: Apache-2.0 */
#include "io/http/head.h"

#include <string.h>

static const struct http_refusal FITS = { 0, NULL };

static struct http_refusal refusal(unsigned status, const char *words)
{
    return (struct http_refusal){ status, words };
}

/* --- characters --- */

/* clang-format off */
static const uint8_t token_chars[256] = {
    ['!'] = 1, ['#'] = 1, ['$'] = 1, ['%'] = 1, ['&'] = 1, ['\''] = 1, ['*'] = 1, ['+'] = 1,
    ['-'] = 1, ['.'] = 1, ['^'] = 1, ['_'] = 1, ['`'] = 1, ['|'] = 1, ['~'] = 1, ['0'] = 1,
    ['1'] = 1, ['2'] = 1, ['3'] = 1, ['4'] = 1, ['5'] = 1, ['6'] = 1, ['7'] = 1, ['8'] = 1,
    ['9'] = 1, ['A'] = 1, ['B'] = 1, ['C'] = 1, ['D'] = 1, ['E'] = 1, ['F'] = 1, ['G'] = 1,
    ['H'] = 1, ['I'] = 1, ['J'] = 1, ['K'] = 1, ['L'] = 1, ['M'] = 1, ['N'] = 1, ['O'] = 1,
    ['P'] = 1, ['Q'] = 1, ['R'] = 1, ['S'] = 1, ['T'] = 1, ['U'] = 1, ['V'] = 1, ['W'] = 1,
    ['X'] = 1, ['Y'] = 1, ['Z'] = 1, ['a'] = 1, ['b'] = 1, ['c'] = 1, ['d'] = 1, ['e'] = 1,
    ['f'] = 1, ['g'] = 1, ['h'] = 1, ['i'] = 1, ['j'] = 1, ['k'] = 1, ['l'] = 1, ['m'] = 1,
    ['n'] = 1, ['o'] = 1, ['p'] = 1, ['q'] = 1, ['r'] = 1, ['s'] = 1, ['t'] = 1, ['u'] = 1,
    ['v'] = 1, ['w'] = 1, ['x'] = 1, ['y'] = 1, ['z'] = 1,
};
/* clang-format on */

bool http_is_token(struct text name)
{
    for (size_t i = 0; i < name.len; i++)
        if (!token_chars[(uint8_t)name.at[i]]) return false;
    return name.len > 0;
}

/* Eight bytes, none of them a control character. */
static bool is_plain_word(uint64_t word)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), tops = ones * 0x80;
    uint64_t deletes = word ^ ones * 0x7f; /* zero where there is one */
    return (((word - ones * 0x20) & ~word & tops) | ((deletes - ones) & ~deletes & tops)) == 0;
}

bool http_is_field_value(struct text value)
{
    size_t i = 0;
    uint64_t word; /* most are plain */
    while (value.len - i >= sizeof word &&
           (memcpy(&word, value.at + i, sizeof word), is_plain_word(word)))
        i += sizeof word;
    for (; i < value.len; i++) {
        uint8_t byte = (uint8_t)value.at[i];
        if ((byte < 0x20 && byte != '\t') || byte == 0x7f) return false;
    }
    return true;
}

static bool is_visible(struct text in)
{
    for (size_t i = 0; i < in.len; i++)
        if ((uint8_t)in.at[i] < 0x21 || (uint8_t)in.at[i] > 0x7e) return false;
    return in.len > 0;
}

static bool is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

static bool is_letter(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
}

static bool is_hex(char byte)
{
    return is_digit(byte) || (byte >= 'a' && byte <= 'f') || (byte >= 'A' && byte <= 'F');
}

/* A name, an IPv4 address or a bracketed IPv6 one, perhaps with a port (RFC 3986 3.2.2); no user
 * information. */
static bool is_authority(struct text host)
{
    for (size_t i = 0; i < host.len; i++) {
        char byte = host.at[i];
        if (is_digit(byte) || is_letter(byte)) continue;
        if (byte == 0 || strchr("-._~%!$&'()*+;=:[]", byte) == NULL) return false;
    }
    return host.len > 0;
}

/* --- lines --- */

static struct http_refusal check_version(struct text version)
{
    if (text_eq(version, TEXT("HTTP/1.1")) || text_eq(version, TEXT("HTTP/1.0"))) return FITS;
    bool is_well_formed = version.len == 8 && text_starts(version, TEXT("HTTP/")) &&
                          is_digit(version.at[5]) && version.at[6] == '.' &&
                          is_digit(version.at[7]);
    if (is_well_formed && version.at[5] > '1') return refusal(505, "only HTTP/1.1 is spoken");
    return refusal(400, "the version is not HTTP/1.1 or HTTP/1.0");
}

struct http_refusal http_check_request_line(struct text line)
{
    struct text method, target, version;
    if (!text_cut(line, ' ', &method, &target) || !text_cut(target, ' ', &target, &version))
        return refusal(400, "the first line is not: method, target, version");
    if (!http_is_token(method)) return refusal(400, "the method is no token");
    if (target.len > HTTP_TARGET_BYTES_MAX) return refusal(414, "the target is too long");
    if (!is_visible(target) || text_find(target, '#', 0) != SIZE_MAX)
        return refusal(400, "the target holds a character that it may not");
    if (text_eq(method, TEXT("CONNECT"))) return refusal(501, "CONNECT is not offered");
    return check_version(version);
}

struct http_refusal http_check_header_line(struct text line)
{
    struct text name, value;
    if (line.len > 0 && (line.at[0] == ' ' || line.at[0] == '\t'))
        return refusal(400, "a header line is folded");
    if (!text_cut(line, ':', &name, &value) || !http_is_token(name))
        return refusal(400, "a header line does not begin with a name and a colon");
    if (!http_is_field_value(value))
        return refusal(400, "a header value holds a control character");
    return FITS;
}

/* "1a" or "1a;name=value": RFC 9112 7.1.1 without its bad white space. */
struct http_refusal http_check_chunk_line(struct text line)
{
    size_t digits = 0;
    while (digits < line.len && is_hex(line.at[digits])) digits++;
    struct text extensions = text_slice(line, digits, SIZE_MAX);
    if (digits == 0 || digits > 15 || (extensions.len > 0 && extensions.at[0] != ';'))
        return refusal(400, "a chunk does not begin with its size");
    if (!http_is_field_value(extensions))
        return refusal(400, "a chunk extension holds a control character");
    return FITS;
}

/* --- what the headers mean together --- */

struct framing {
    unsigned hosts, lengths, codings, expects;
    struct text host, length, coding, expect;
};

static void sort_header(const struct http_header *header, struct framing *framing)
{
    struct text name = header->name, value = header->value;
    if (name.len == 4 && text_eq_fold(name, TEXT("host"))) {
        framing->hosts++;
        framing->host = value;
    } else if (name.len == 6 && text_eq_fold(name, TEXT("expect"))) {
        framing->expects++;
        framing->expect = value;
    } else if (name.len == 14 && text_eq_fold(name, TEXT("content-length"))) {
        framing->lengths++;
        framing->length = value;
    } else if (name.len == 17 && text_eq_fold(name, TEXT("transfer-encoding"))) {
        framing->codings++;
        framing->coding = value;
    }
}

static struct http_refusal check_host(const struct framing *framing, bool is_1_0)
{
    if (framing->hosts > 1) return refusal(400, "more than one Host");
    if (framing->hosts == 0) return is_1_0 ? FITS : refusal(400, "Host is missing");
    return is_authority(framing->host) ? FITS : refusal(400, "Host is no host and port");
}

static bool skip_scheme(struct text *target)
{
    static const struct text schemes[] = { { "http://", 7 }, { "https://", 8 } };
    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
        if (!text_eq_fold(text_slice(*target, 0, schemes[i].len), schemes[i])) continue;
        *target = text_slice(*target, schemes[i].len, SIZE_MAX);
        return true;
    }
    return false;
}

static size_t authority_len(struct text target)
{
    size_t len = 0;
    while (len < target.len && target.at[len] != '/' && target.at[len] != '?') len++;
    return len;
}

/* A whole URL is taken when it names the host that Host names (RFC 9112 3.2.2 would ignore Host;
 * two names are how requests are smuggled past a proxy). */
static struct http_refusal check_target(struct text method, struct text target,
                                        const struct framing *framing)
{
    if (target.at[0] == '/') return FITS;
    if (text_eq(target, TEXT("*")) && text_eq(method, TEXT("OPTIONS"))) return FITS;
    if (!skip_scheme(&target)) return refusal(400, "the target is no path");
    struct text host = text_slice(target, 0, authority_len(target));
    if (!is_authority(host) || (framing->hosts > 0 && !text_eq_fold(host, framing->host)))
        return refusal(400, "the target names another host than Host");
    return FITS;
}

static struct http_refusal check_length(const struct framing *framing, uint32_t body_bytes_max,
                                        struct http_meaning *out)
{
    if (framing->lengths == 0) return FITS;
    if (framing->lengths > 1) return refusal(400, "more than one Content-Length");
    for (size_t i = 0; i < framing->length.len; i++)
        if (!is_digit(framing->length.at[i])) return refusal(400, "Content-Length is no number");
    if (framing->length.len == 0) return refusal(400, "Content-Length is empty");
    if (text_to_u64(framing->length, 0, body_bytes_max, &out->length) != ERR_OK)
        return refusal(413, "the body is too long");
    return FITS;
}

static struct http_refusal check_coding(const struct framing *framing, bool is_1_0,
                                        struct http_meaning *out)
{
    if (framing->codings == 0) return FITS;
    if (framing->lengths > 0) return refusal(400, "both Content-Length and Transfer-Encoding");
    if (is_1_0) return refusal(400, "Transfer-Encoding in HTTP/1.0");
    if (framing->codings > 1 || !text_eq_fold(framing->coding, TEXT("chunked")))
        return refusal(400, "Transfer-Encoding is not chunked");
    out->is_chunked = true;
    return FITS;
}

static struct http_refusal check_expect(const struct framing *framing, bool is_1_0,
                                        struct http_meaning *out)
{
    if (framing->expects == 0 || is_1_0) return FITS; /* RFC 9110 10.1.1: 1.0 is ignored */
    if (framing->expects > 1 || !text_eq_fold(framing->expect, TEXT("100-continue")))
        return refusal(417, "Expect is not 100-continue");
    out->wants_continue = true;
    return FITS;
}

struct http_refusal http_check_head(struct text method, struct text target,
                                    const struct http_headers *headers, bool is_1_0,
                                    uint32_t body_bytes_max, struct http_meaning *out)
{
    struct framing framing = { 0 };
    for (size_t i = 0; i < headers->count; i++) sort_header(&headers->at[i], &framing);

    struct http_meaning meaning = { .has_length = framing.lengths > 0 || framing.codings > 0 };
    struct http_refusal no = check_host(&framing, is_1_0);
    if (!no.status) no = check_target(method, target, &framing);
    if (!no.status) no = check_coding(&framing, is_1_0, &meaning);
    if (!no.status) no = check_length(&framing, body_bytes_max, &meaning);
    if (!no.status) no = check_expect(&framing, is_1_0, &meaning);
    if (!no.status) *out = meaning;
    return no;
}

struct text http_target_path(struct text target, struct text *query)
{
    struct text path = target;
    *query = (struct text){ "", 0 };
    if (target.at[0] != '/' && skip_scheme(&path))
        path = text_slice(path, authority_len(path), SIZE_MAX);
    (void)text_cut(path, '?', &path, query);
    return path.len ? path : TEXT("/");
}

struct text http_header_find(const struct http_headers *headers, struct text name)
{
    for (size_t i = 0; i < headers->count; i++)
        if (text_eq_fold(headers->at[i].name, name)) return headers->at[i].value;
    return (struct text){ NULL, 0 };
}
