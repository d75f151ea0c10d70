/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/outbound/http_proxy/custom_headers.h"

#include <string.h>

static const char *const transport_names[] = { "Host", "Content-Length",    "Content-Type",
                                               "ETag", "Transfer-Encoding", "Connection" };
static const char *const response_names[] = { "X-Frame-Options", "X-XSS-Protection",
                                              "X-Content-Type-Options", "Content-Security-Policy",
                                              "Strict-Transport-Security" };

static bool is_among(struct text name, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (text_eq_fold(name, text_of(names[i]))) return true;
    return false;
}

/* RFC 9110 5.6.2. */
static bool is_token(struct text name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.at[i];
        bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!is_letter && (c == '\0' || strchr("!#$%&'*+-.^_`|~", c) == NULL)) return false;
    }
    return name.len > 0;
}

static bool has_control(struct text value)
{
    for (size_t i = 0; i < value.len; i++) {
        unsigned char c = (unsigned char)value.at[i];
        if ((c < 0x20 && c != '\t') || c == 0x7f) return true;
    }
    return false;
}

/* NULL: nothing is wrong with it. */
static const char *broken_rule(const struct custom_header *header)
{
    if (!is_token(header->name)) return "the name must be an HTTP token";
    if (header->name.len + header->value.len > CUSTOM_HEADER_BYTES_MAX)
        return "a header may have 4096 bytes";
    if (has_control(header->value)) return "the value must not hold control characters";
    if (is_among(header->name, transport_names, sizeof transport_names / sizeof *transport_names))
        return "the transport writes this header itself";
    return NULL;
}

static bool is_for(const struct custom_header *header, enum custom_header_use use)
{
    return use == HEADERS_OF_NOTIFICATIONS ||
           is_among(header->name, response_names, sizeof response_names / sizeof *response_names);
}

/* Of the levels before: the first `*before` ones. */
static void remove_before(struct custom_headers *headers, uint32_t *before, struct text name)
{
    for (uint32_t i = 0; i < *before;) {
        if (!text_eq_fold(headers->at[i].name, name)) {
            i++;
            continue;
        }
        memmove(&headers->at[i], &headers->at[i + 1],
                (headers->count - i - 1) * sizeof headers->at[0]);
        headers->count--;
        (*before)--;
    }
}

static const char *add_line(struct custom_headers *headers, uint32_t *before, struct text line,
                            enum custom_header_use use, struct text *name)
{
    struct custom_header header = { 0 };
    *name = line;
    if (!text_cut(line, ':', &header.name, &header.value)) return "a header is name: value";
    header.name = text_trim(header.name);
    header.value = text_trim(header.value);
    *name = header.name;
    const char *rule = broken_rule(&header);
    if (rule || !is_for(&header, use)) return rule;
    remove_before(headers, before, header.name);
    if (headers->count == CUSTOM_HEADERS_MAX) return "at most 64 headers";
    headers->at[headers->count++] = header;
    return NULL;
}

/* The next line, cut at line feed or '|'. */
static bool next_line(struct text *rest, struct text *line)
{
    if (rest->len == 0) return false;
    size_t end = 0;
    while (end < rest->len && rest->at[end] != '\n' && rest->at[end] != '|') end++;
    *line = text_trim(text_slice(*rest, 0, end));
    *rest = text_slice(*rest, end + 1, SIZE_MAX);
    return true;
}

void custom_headers_add(struct custom_headers *headers, struct text lines,
                        enum custom_header_use use,
                        void (*on_refused)(void *self, struct text name, const char *rule),
                        void *self)
{
    uint32_t before = headers->count;
    struct text line, name;
    while (next_line(&lines, &line)) {
        if (line.len == 0) continue;
        const char *rule = add_line(headers, &before, line, use, &name);
        if (rule && on_refused) on_refused(self, name, rule);
    }
}

bool custom_header_is_secret(struct text name)
{
    static const char *const words[] = { "auth", "token", "key", "secret" };
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        struct text word = text_of(words[i]);
        for (size_t at = 0; at + word.len <= name.len; at++)
            if (text_eq_fold(text_slice(name, at, word.len), word)) return true;
    }
    return false;
}
