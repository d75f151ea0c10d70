/* SPDX-License-Identifier: Apache-2.0 */
#include "format/url.h"

#include <string.h>

static int hex_digit(char byte)
{
    if (byte >= '0' && byte <= '9') return byte - '0';
    if (byte >= 'a' && byte <= 'f') return byte - 'a' + 10;
    if (byte >= 'A' && byte <= 'F') return byte - 'A' + 10;
    return -1;
}

/* The byte that the escape at `index` stands for, or -1. */
static int escaped_byte(struct text in, size_t index)
{
    if (in.len - index < 3) return -1;
    int high = hex_digit(in.at[index + 1]), low = hex_digit(in.at[index + 2]);
    return high < 0 || low < 0 ? -1 : high * 16 + low;
}

static bool is_unreserved(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= '0' && byte <= '9') || (byte != '\0' && strchr("-._~", byte) != NULL);
}

static enum err check_bytes(struct text in, struct fault *fault)
{
    for (size_t i = 0; i < in.len; i++) {
        unsigned char byte = (unsigned char)in.at[i];
        if (byte <= ' ' || byte > '~' || strchr("\"<>\\^`{|}", byte) != NULL)
            return fault_set(fault, ERR_INVALID, "url", "byte %zu is not allowed: escape it",
                             i + 1);
        if (byte == '%' && escaped_byte(in, i) < 0)
            return fault_set(fault, ERR_INVALID, "url", "byte %zu begins a bad escape", i + 1);
    }
    return ERR_OK;
}

static enum err parse_scheme(struct text in, struct url *url, struct text *rest,
                             struct fault *fault)
{
    size_t colon = text_find(in, ':', 0);
    url->scheme = text_slice(in, 0, colon == SIZE_MAX ? 0 : colon);
    url->is_secure = text_eq_fold(url->scheme, TEXT("https"));
    if (!url->is_secure && !text_eq_fold(url->scheme, TEXT("http")))
        return fault_set(fault, ERR_INVALID, "url", "must begin with http:// or https://");
    *rest = text_slice(in, colon + 1, in.len);
    if (!text_starts(*rest, TEXT("//")))
        return fault_set(fault, ERR_INVALID, "url", "must begin with http:// or https://");
    *rest = text_slice(*rest, 2, rest->len);
    return ERR_OK;
}

static bool is_host(struct text host, bool is_ipv6)
{
    if (host.len == 0 || host.len > 253) return false;
    for (size_t i = 0; i < host.len; i++) {
        char byte = host.at[i];
        bool fits = is_ipv6 ? hex_digit(byte) >= 0 || byte == ':' || byte == '.'
                            : is_unreserved(byte);
        if (!fits) return false;
    }
    return true;
}

static enum err parse_host(struct url *url, struct fault *fault)
{
    struct text rest = url->host_port, port = { 0 };
    bool has_port = false;
    url->is_ipv6 = text_starts(rest, TEXT("["));
    if (url->is_ipv6) {
        size_t end = text_find(rest, ']', 0);
        if (end == SIZE_MAX) return fault_set(fault, ERR_INVALID, "url", "] is missing");
        url->host = text_slice(rest, 1, end - 1);
        rest = text_slice(rest, end + 1, rest.len);
        has_port = rest.len > 0;
        if (has_port && rest.at[0] != ':')
            return fault_set(fault, ERR_INVALID, "url", "a port or path must follow ]");
        port = text_slice(rest, 1, rest.len);
    } else {
        has_port = text_cut(rest, ':', &url->host, &port);
        if (!has_port) url->host = rest;
    }
    if (!is_host(url->host, url->is_ipv6))
        return fault_set(fault, ERR_INVALID, "url", "has no usable host name");
    uint32_t number = url->is_secure ? 443 : 80;
    if (has_port && text_to_u32(port, 1, 65535, &number))
        return fault_set(fault, ERR_INVALID, "url", "port must be 1 to 65535");
    url->port = (uint16_t)number;
    return ERR_OK;
}

static size_t end_of_authority(struct text in)
{
    size_t end = 0;
    while (end < in.len && in.at[end] != '/' && in.at[end] != '?') end++;
    return end;
}

enum err url_parse(struct text in, struct url *out, struct fault *fault)
{
    struct url url = { 0 };
    struct text rest;
    if (in.len > URL_BYTES_MAX)
        return fault_set(fault, ERR_INVALID, "url", "must be at most %d bytes long", URL_BYTES_MAX);
    size_t fragment = text_find(in, '#', 0);
    if (fragment != SIZE_MAX) in.len = fragment;
    enum err err = check_bytes(in, fault);
    if (!err) err = parse_scheme(in, &url, &rest, fault);
    if (err) return err;
    size_t end = end_of_authority(rest);
    url.host_port = text_slice(rest, 0, end);
    if (text_find(url.host_port, '@', 0) != SIZE_MAX)
        return fault_set(fault, ERR_INVALID, "url", "must not hold a user name");
    err = parse_host(&url, fault);
    if (err) return err;
    url.target = text_slice(rest, end, rest.len);
    if (!text_cut(url.target, '?', &url.path, &url.query)) url.path = url.target;
    *out = url;
    return ERR_OK;
}

enum err url_decode(struct text in, bool plus_is_blank, struct scope *scope, struct text *out)
{
    char *copy = scope_try_alloc(scope, in.len + 1);
    size_t len = 0;
    if (copy == NULL) return ERR_LIMIT;
    for (size_t i = 0; i < in.len; i++) {
        int byte = (unsigned char)in.at[i];
        if (byte == '+' && plus_is_blank) byte = ' ';
        if (byte == '%') {
            byte = escaped_byte(in, i);
            i += 2;
        }
        if (byte <= 0) return ERR_INVALID;
        copy[len++] = (char)byte;
    }
    *out = (struct text){ copy, len };
    return ERR_OK;
}

void url_encode(struct buf *out, struct text in)
{
    static const char digits[] = "0123456789ABCDEF";
    for (size_t i = 0; i < in.len; i++) {
        unsigned char byte = (unsigned char)in.at[i];
        if (is_unreserved((char)byte)) {
            buf_add_byte(out, (char)byte);
        } else {
            buf_add_byte(out, '%');
            buf_add_byte(out, digits[byte >> 4]);
            buf_add_byte(out, digits[byte & 15]);
        }
    }
}

/* "a=1&b=2": the next pair, still coded; false at the end. A name without '=' has an empty value.
 */
static bool next_parameter(struct text *rest, struct text *name, struct text *value)
{
    while (rest->len) {
        struct text pair;
        if (!text_cut(*rest, '&', &pair, rest)) {
            pair = *rest;
            *rest = (struct text){ 0 };
        }
        if (pair.len == 0) continue;
        *value = (struct text){ 0 };
        if (!text_cut(pair, '=', name, value)) *name = pair;
        return true;
    }
    return false;
}

enum err url_parameter(struct text query, struct text name, struct scope *scope, struct text *out)
{
    struct text raw_name, raw_value, decoded;
    while (next_parameter(&query, &raw_name, &raw_value)) {
        enum err err = url_decode(raw_name, true, scope, &decoded);
        if (err) return err;
        if (text_eq(decoded, name)) return url_decode(raw_value, true, scope, out);
    }
    return ERR_NOT_FOUND;
}
