/* SPDX-License-Identifier: Apache-2.0 */
/* option.h - from sections of text to a checked, read-only snapshot (framework 4, outbound 3.1).
 * Rule     names compare without case; one beginning with # is ignored. The first layer that has
 * the option wins: the nearest object is the first layer. Inside an object an option declared with
 * section "" is looked up in the section named as the application, then `default`, then `OCServer`;
 * others in exactly their section. Invalid  a value that breaks its rule keeps the previous one, or
 * the default, and is reported. Pure     no clock, no I/O. Thread: none of its own. */
#ifndef MODEL_OPTION_H
#define MODEL_OPTION_H

#include "base/catalogue.h"
#include "base/scope.h"

/* One object's options: section -> kv of name -> text (numbers and booleans are taken as text). */
struct option_layer {
    enum option_level level;   /* options not declared for it are passed over */
    const struct kv *sections; /* NULL: none */
};

/* What is wrong with one value. `used`: as text, what holds instead (of a secret: stars). */
enum option_trouble {
    OPTION_VALUE_INVALID, /* framework event 00-04520 */
    OPTION_UNKNOWN,       /* kept, warned about, never read */
    OPTION_TWICE,         /* the same name after folding */
    OPTION_WRONG_LEVEL,   /* known, but not read on this object */
    OPTION_WAITS,         /* valid, but takes effect at the next restart: `used` holds till then */
};
struct option_report {
    enum option_trouble trouble;
    struct text section, name, value; /* a secret's value is stars */
    const char *words;                /* "must be 0 to 100" */
    struct text used;
};

struct option_source {
    struct text application; /* the application's name, for section "" */
    const struct option_layer *layers;
    size_t layer_count;
};

/* A snapshot: `struct <type>_options` of table->size bytes in `scope`; its texts lie there too.
 * `previous`: the snapshot to keep values from, or NULL. `on_report` may be NULL. */
void *option_resolve(const struct option_table *table, const struct option_source *source,
                     const void *previous, struct scope *scope,
                     void (*on_report)(void *self, const struct option_report *report), void *self);

/* At write time, for one object: every trouble is reported. ERR_INVALID when a value is invalid or
 * a name is there twice (the write is to be refused); unknown and misplaced ones are warnings.
 * `fault` gets the first reason. */
enum err option_check(const struct option_table *table, struct text application,
                      enum option_level level, const struct kv *sections,
                      void (*on_report)(void *self, const struct option_report *report), void *self,
                      struct fault *fault);

/* One value by its rule; `words` (of WORDS_MAX bytes) says what is wrong. */
enum { OPTION_WORDS_MAX = 160 };
enum err option_value_check(const struct option *option, struct text value,
                            char words[OPTION_WORDS_MAX]);

/* Which members differ: `on_moved` for each. Returns how many. */
size_t option_moved(const struct option_table *table, const void *before, const void *after,
                    void (*on_moved)(void *self, const struct option *option), void *self);

/* The option that is read under this section and name, without case; NULL: not declared. */
const struct option *option_find(const struct option_table *table, struct text application,
                                 struct text section, struct text name);
/* A member as text into `scope`; a secret comes as stars. */
struct text option_format(const struct option *option, const void *snapshot, struct scope *scope);

#endif
