/* SPDX-License-Identifier: Apache-2.0 */
/* emit.h - writing indented XML, and ECMAScript for its attributes. */
#ifndef STRATEGY_EMIT_H
#define STRATEGY_EMIT_H

#include "base/buf.h"

struct emitter {
    struct buf *out;
    uint32_t depth;
    uint32_t elements; /* written so far */
};

/* Attributes are pairs of a name and a value (const char *, struct text), the value escaped; a NULL
 * name ends them. */
struct attribute {
    const char *name;
    struct text value;
};

#define ATTRIBUTES(...) ((const struct attribute[]){ __VA_ARGS__, { NULL, { NULL, 0 } } })
#define NO_ATTRIBUTES   ((const struct attribute[]){ { NULL, { NULL, 0 } } })

void emit_open(struct emitter *emitter, const char *element, const struct attribute *attributes);
void emit_close(struct emitter *emitter, const char *element);
void emit_empty(struct emitter *emitter, const char *element, const struct attribute *attributes);
/* <element>text</element> in one line, the text escaped. */
void emit_text(struct emitter *emitter, const char *element, const struct attribute *attributes,
               struct text text);
/* <!-- --> ; what a comment may not hold is changed, long words are cut. */
void emit_comment(struct emitter *emitter, struct text words);

/* 'It\'s so': a literal of ECMAScript. */
void emit_js_text(struct buf *out, struct text text);

#endif
