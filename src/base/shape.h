/* SPDX-License-Identifier: Apache-2.0 */
/* shape.h - what a generated struct looks like, so that one hand-written engine can encode, decode,
 * check, print and document it (style 7, docs/decisions/0001).
 *
 * Every generated struct begins with `struct shape_head head`. Bit i of head.has says that field i
 * (its index in the shape) is present: absent is not zero. `unknown` holds what a newer release
 * sent and we do not know; it travels on. A decoded struct, its texts, lists and nested structs all
 * lie in the one scope that was handed to the decoder: nothing in it is freed alone. */
#ifndef BASE_SHAPE_H
#define BASE_SHAPE_H

#include "base/text.h"

enum field_kind {
    FIELD_BOOL,   /* bool */
    FIELD_U32,    /* uint32_t */
    FIELD_U64,    /* uint64_t */
    FIELD_I64,    /* int64_t */
    FIELD_F64,    /* double */
    FIELD_TEXT,   /* struct text, UTF-8 */
    FIELD_BYTES,  /* struct text, any bytes */
    FIELD_KV,     /* struct kv: names with values of mixed kinds */
    FIELD_NESTED, /* pointer to another generated struct */
};

/* One value of a kv list: what a desktop, a calling list column or a JSON body may hold. */
enum value_kind {
    VALUE_NULL,
    VALUE_BOOL,
    VALUE_INTEGER,
    VALUE_FLOAT,
    VALUE_TEXT,
    VALUE_BYTES,
    VALUE_LIST, /* of values: `items` */
    VALUE_KV,   /* of pairs: `pairs` */
};

struct pair;
struct value;

struct kv {
    struct pair *at;
    uint32_t count;
};

struct value {
    enum value_kind kind;
    union {
        bool truth;
        int64_t integer;
        double number;
        struct text text; /* VALUE_TEXT, VALUE_BYTES */
        struct {
            struct value *at;
            uint32_t count;
        } items;
        struct kv pairs;
    };
};

struct pair {
    struct text name;
    struct value value;
};

const struct value *kv_find(const struct kv *kv, struct text name);      /* NULL: not there */
const struct value *kv_find_fold(const struct kv *kv, struct text name); /* ASCII case folded */
struct text kv_text(const struct kv *kv, const char *name); /* empty: not there, or no text */
/* Of sections of options, whose names are without case (framework 4.1). Empty as above. */
struct text kv_option(const struct kv *sections, const char *section, const char *name);
/* A copy, with all that is in it; as deep as what was decoded can be. */
struct scope;
struct kv kv_keep(struct scope *scope, const struct kv *kv);

/* A field we did not know: its tag and its MessagePack bytes, passed on as they came. */
struct shape_unknown {
    const struct shape_unknown *next;
    uint64_t tag;
    struct text bytes;
};

struct shape_head {
    uint64_t has;
    const struct shape_unknown *unknown;
};

struct shape;

struct shape_field {
    uint16_t tag;     /* on links; for life */
    const char *name; /* the guides' spelling; JSON and configuration files */
    enum field_kind kind;
    bool is_list;               /* the member is struct { T *at; uint32_t count; }; T of a nested
                                   kind is the struct itself */
    bool is_required;           /* decoding refuses its absence */
    uint16_t offset;            /* of the member */
    const struct shape *nested; /* FIELD_NESTED */
    int64_t min, max;           /* numbers; both 0: the kind's own range */
    uint32_t len_max;           /* text, bytes: bytes; lists: items; 0: frame limit only */
    const char *const *choices; /* text: allowed words, NULL-ended; NULL: any */
    const char *unit, *help;
    const char *fallback; /* what absence means, as text, for pages and forms; NULL: nothing */
};

struct shape {
    const char *name;
    size_t size; /* of the struct */
    const struct shape_field *fields;
    uint16_t count; /* at most 64 */
};

/* The layout every list member shares. */
struct shape_list {
    void *at;
    uint32_t count;
};

/* All fields of a shape present: for structs that are filled whole. */
#define SHAPE_ALL(shape)       ((shape).count == 64 ? UINT64_MAX : (UINT64_C(1) << (shape).count) - 1)
#define SHAPE_HAS(object, bit) (((object)->head.has & (bit)) != 0)

const struct shape_field *shape_find(const struct shape *shape, struct text name); /* or NULL */
size_t shape_kind_size(enum field_kind kind);            /* bytes of one member of this kind */
size_t shape_item_size(const struct shape_field *field); /* bytes from item to item of a list */
/* Check required fields, ranges, lengths and choices of a filled struct; `fault` names field and
 * rule ("GSW_FROM: must be 0 to 86399"). */
enum err shape_check(const struct shape *shape, const void *object, struct fault *fault);
/* The same for a change of some fields: the outermost struct may lack required ones. */
enum err shape_check_part(const struct shape *shape, const void *object, struct fault *fault);

#endif
