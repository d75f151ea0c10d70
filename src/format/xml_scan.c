/* SPDX-License-Identifier: Apache-2.0 */
#include "format/xml_scan.h"
#include "format/encoding.h"

#include <string.h>

static bool is_blank(char byte)
{
    return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r';
}

static size_t skip_blanks(struct text in, size_t at)
{
    while (at < in.len && is_blank(in.at[at])) at++;
    return at;
}

/* Offset behind the next `mark`, or the end. */
static size_t behind(struct text in, size_t at, struct text mark)
{
    if (at >= in.len) return in.len;
    const char *found = memmem(in.at + at, in.len - at, mark.at, mark.len);
    return found ? (size_t)(found - in.at) + mark.len : in.len;
}

static bool stands(struct text in, size_t at, struct text mark)
{
    return at <= in.len && text_starts((struct text){ in.at + at, in.len - at }, mark);
}

/* --- the character set ------------------------------------------------------------------------ */

/* encoding="..." of <?xml ...?>; "" where it is not said. */
static struct text declared(struct text in)
{
    struct text begin = TEXT("<?xml"); /* <?xml-stylesheet?> is an instruction like others */
    if (!stands(in, 0, begin) || in.len == begin.len || !is_blank(in.at[begin.len]))
        return TEXT("");
    struct text head = text_slice(in, 0, behind(in, 0, TEXT("?>")));
    size_t at = behind(head, 0, TEXT("encoding"));
    at = skip_blanks(head, at);
    if (at >= head.len || head.at[at] != '=') return TEXT("");
    at = skip_blanks(head, at + 1);
    if (at >= head.len || (head.at[at] != '"' && head.at[at] != '\'')) return TEXT("");
    size_t end = text_find(head, head.at[at], at + 1);
    return end == SIZE_MAX ? TEXT("") : text_slice(head, at + 1, end - at - 1);
}

/* As iconv knows it; NULL: not one of ours. */
static const char *known_set(struct text name)
{
    static const struct {
        const char *name, *set;
    } sets[] = { { "", "UTF-8" },
                 { "UTF-8", "UTF-8" },
                 { "UTF8", "UTF-8" },
                 { "US-ASCII", "US-ASCII" },
                 { "ASCII", "US-ASCII" },
                 { "ISO-8859-1", "ISO-8859-1" },
                 { "ISO_8859-1", "ISO-8859-1" },
                 { "latin1", "ISO-8859-1" },
                 { "windows-1252", "WINDOWS-1252" },
                 { "cp1252", "WINDOWS-1252" } };
    for (size_t i = 0; i < sizeof sets / sizeof sets[0]; i++)
        if (text_eq_fold(name, text_of(sets[i].name))) return sets[i].set;
    return NULL;
}

/* By its first bytes; `*mark`: bytes to leave out. NULL: by declaration. */
static const char *visible_set(struct text in, size_t *mark)
{
    *mark = 0;
    if (stands(in, 0, TEXT("\xEF\xBB\xBF"))) return *mark = 3, "UTF-8";
    if (stands(in, 0, TEXT("\xFF\xFE"))) return *mark = 2, "UTF-16LE";
    if (stands(in, 0, TEXT("\xFE\xFF"))) return *mark = 2, "UTF-16BE";
    if (stands(in, 0, TEXT("<\0"))) return "UTF-16LE";
    if (stands(in, 0, TEXT("\0<"))) return "UTF-16BE";
    return NULL;
}

enum err xml_scan_decode(struct text in, struct scope *scope, struct text *out, struct fault *fault)
{
    size_t mark;
    const char *set = visible_set(in, &mark);
    struct text name = declared(in);
    if (set == NULL) set = known_set(name);
    if (set == NULL)
        return fault_set(fault, ERR_UNSUPPORTED, "xml",
                         "character set '%.*s' is not read: UTF-8, UTF-16, ISO-8859-1 and "
                         "Windows-1252 are",
                         TEXT_ARG(text_slice(name, 0, 40)));
    struct encoding *encoding;
    enum err err = encoding_open(scope, text_of(set), &encoding, fault);
    if (!err) err = encoding_decode(encoding, text_slice(in, mark, in.len - mark), scope, out);
    if (err == ERR_INVALID)
        (void)fault_set(fault, ERR_INVALID, "xml", "it holds bytes that are no %s", set);
    return err;
}

/* --- places ----------------------------------------------------------------------------------- */

struct xml_cursor xml_cursor(struct text in)
{
    return (struct xml_cursor){ .in = in, .place = { 1, 1 } };
}

struct xml_place xml_place_of(struct xml_cursor *cursor, size_t offset)
{
    if (offset < cursor->offset) *cursor = xml_cursor(cursor->in);
    if (offset > cursor->in.len) offset = cursor->in.len;
    for (; cursor->offset < offset; cursor->offset++) {
        char byte = cursor->in.at[cursor->offset];
        bool is_crlf = byte == '\r' && stands(cursor->in, cursor->offset, TEXT("\r\n"));
        if ((byte == '\n' || byte == '\r') && !is_crlf)
            cursor->place = (struct xml_place){ cursor->place.line + 1, 1 };
        else if (((unsigned char)byte & 0xC0) != 0x80) /* the bytes after a character's first */
            cursor->place.column++;
    }
    return cursor->place;
}

/* --- tags ------------------------------------------------------------------------------------- */

size_t xml_scan_tag(struct text in, size_t offset)
{
    const char *found = memrchr(in.at, '<', offset < in.len ? offset : in.len);
    return found ? (size_t)(found - in.at) : 0;
}

size_t xml_scan_text(struct text in, size_t offset)
{
    for (;;) {
        if (stands(in, offset, TEXT("<!--")))
            offset = behind(in, offset, TEXT("-->"));
        else if (stands(in, offset, TEXT("<?")))
            offset = behind(in, offset, TEXT("?>"));
        else if (stands(in, offset, TEXT("<![CDATA[]]>")))
            offset += TEXT("<![CDATA[]]>").len;
        else if (stands(in, offset, TEXT("<![CDATA[")))
            return offset + TEXT("<![CDATA[").len;
        else
            return offset;
    }
}

static bool ends_name(char byte)
{
    return is_blank(byte) || byte == '=' || byte == '>' || byte == '/';
}

/* Behind `name = "value"`, or the end. */
static size_t behind_value(struct text in, size_t at)
{
    size_t quote = at;
    while (quote < in.len && in.at[quote] != '"' && in.at[quote] != '\'') quote++;
    size_t end = quote < in.len ? text_find(in, in.at[quote], quote + 1) : SIZE_MAX;
    return end == SIZE_MAX ? in.len : end + 1;
}

size_t xml_scan_attribute(struct xml_scan *scan, struct text prefix, struct text name)
{
    struct text in = scan->in;
    size_t tag = scan->at;
    while (scan->at < in.len && in.at[scan->at] == '<')
        while (scan->at < in.len && !is_blank(in.at[scan->at])) scan->at++; /* the tag's name */
    for (;;) {
        size_t from = skip_blanks(in, scan->at), end = from;
        while (end < in.len && !ends_name(in.at[end])) end++;
        if (end == from) return tag;
        struct text raw = text_slice(in, from, end - from);
        scan->at = behind_value(in, end);
        bool is_it = prefix.len == 0 ? text_eq(raw, name)
                                     : raw.len == prefix.len + 1 + name.len &&
                                           text_starts(raw, prefix) && text_ends(raw, name);
        if (is_it) return from;
    }
}

/* Behind the tag that begins at `at`, counting its attributes. */
static size_t count_attributes(struct text in, size_t at, uint32_t *count)
{
    char quote = '\0';
    for (*count = 0, at++; at < in.len; at++) {
        char byte = in.at[at];
        if (byte == '<' || (byte == '>' && !quote)) break; /* "<" ends even a quoted value */
        if (quote)
            quote = byte == quote ? '\0' : quote;
        else if (byte == '"' || byte == '\'')
            quote = byte;
        else
            *count += byte == '=';
    }
    return at;
}

bool xml_scan_is_crowded(struct text in, uint32_t max, size_t *tag)
{
    for (size_t at = 0; (at = text_find(in, '<', at)) != SIZE_MAX;) {
        uint32_t count = 0;
        if (stands(in, at, TEXT("<!--")))
            at = behind(in, at, TEXT("-->"));
        else if (stands(in, at, TEXT("<![CDATA[")))
            at = behind(in, at, TEXT("]]>"));
        else if (stands(in, at, TEXT("<?")))
            at = behind(in, at, TEXT("?>"));
        else {
            *tag = at;
            at = count_attributes(in, at, &count);
        }
        if (count > max) return true;
    }
    return false;
}
