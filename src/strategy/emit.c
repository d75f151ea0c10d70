/* SPDX-License-Identifier: Apache-2.0 */
#include "strategy/emit.h"

#include "format/xml.h"

static void indent(struct emitter *emitter)
{
    for (uint32_t i = 0; i < emitter->depth; i++) buf_add_z(emitter->out, "  ");
}

static void begin(struct emitter *emitter, const char *element, const struct attribute *attributes)
{
    indent(emitter);
    emitter->elements++;
    buf_format(emitter->out, "<%s", element);
    for (; attributes->name != NULL; attributes++) {
        if (attributes->value.at == NULL) continue;
        buf_format(emitter->out, " %s=\"", attributes->name);
        xml_escape_value(emitter->out, attributes->value);
        buf_add_byte(emitter->out, '"');
    }
}

void emit_open(struct emitter *emitter, const char *element, const struct attribute *attributes)
{
    begin(emitter, element, attributes);
    buf_add_z(emitter->out, ">\n");
    emitter->depth++;
}

void emit_close(struct emitter *emitter, const char *element)
{
    emitter->depth--;
    indent(emitter);
    buf_format(emitter->out, "</%s>\n", element);
}

void emit_empty(struct emitter *emitter, const char *element, const struct attribute *attributes)
{
    begin(emitter, element, attributes);
    buf_add_z(emitter->out, "/>\n");
}

void emit_text(struct emitter *emitter, const char *element, const struct attribute *attributes,
               struct text text)
{
    begin(emitter, element, attributes);
    buf_add_byte(emitter->out, '>');
    xml_escape(emitter->out, text);
    buf_format(emitter->out, "</%s>\n", element);
}

void emit_comment(struct emitter *emitter, struct text words)
{
    enum { WORDS_MAX = 110 };
    indent(emitter);
    buf_add_z(emitter->out, "<!-- ");
    char before = ' ';
    size_t written = 0;
    for (size_t i = 0; i < words.len; i++) {
        char c = words.at[i];
        if (c == '\n' || c == '\r' || c == '\t') c = ' ';
        if (c == ' ' && before == ' ') continue;
        if (c == '-' && before == '-') c = '~';
        if (written >= WORDS_MAX && (c & 0xc0) != 0x80) {
            buf_add_z(emitter->out, "...");
            break;
        }
        buf_add_byte(emitter->out, c);
        before = c;
        written++;
    }
    buf_add_z(emitter->out, " -->\n");
}

void emit_js_text(struct buf *out, struct text text)
{
    buf_add_byte(out, '\'');
    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];
        struct text three = text_slice(text, i, 3);
        bool is_separator = text_eq(three, TEXT("\xe2\x80\xa8")) ||
                            text_eq(three, TEXT("\xe2\x80\xa9"));
        if (c == '\n') {
            buf_add_z(out, "\\n");
        } else if (c == '\'' || c == '\\') {
            buf_add_byte(out, '\\');
            buf_add_byte(out, c);
        } else if ((unsigned char)c < 0x20 || c == 0x7f) {
            buf_format(out, "\\x%02x", (unsigned)c);
        } else if (is_separator) {
            buf_add_z(out, text.at[i + 2] == (char)0xa8 ? "\\u2028" : "\\u2029");
            i += 2;
        } else {
            buf_add_byte(out, c);
        }
    }
    buf_add_byte(out, '\'');
}
