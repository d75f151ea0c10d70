/* SPDX-License-Identifier: Apache-2.0 */
/* raw.h - the seam to Duktape: its public header, and what we need of its inside (raw.c).
 * Global   all sessions of a heap share one global environment; its object is swapped: while a
 *          session runs, the global object is the session's data object. Code compiled once, and
 *          closures made by any session, find the variables of the session that runs.
 * Shared   are the built-in objects. A session may add to them and change them, as libraries do:
 *          what it changed is noted with its global object, exchanged for what was there before
 *          when another session runs, and put back when it runs again. */
#ifndef SCXML_ENGINE_RAW_H
#define SCXML_ENGINE_RAW_H

#include <duktape.h>

#include "scxml/engine/watch.h"

struct watch *raw_watch(duk_context *ctx); /* the heap's udata */

/* From now on `object` is the global object. It must stay reachable by other ways, too, and so must
 * `*has_changes`, which tells whether it has changed shared objects; NULL: it never does. */
void raw_set_global(duk_context *ctx, void *object, bool *has_changes);
void *raw_global(duk_context *ctx);
/* From now on all objects of the heap are shared, and changes are noted. */
void raw_share_all(duk_context *ctx);
/* An object and what its properties lead to, which came later. */
void raw_share(duk_context *ctx, duk_idx_t index);
/* A frozen object: writing throws in sloppy code, too. */
void raw_protect(duk_context *ctx, duk_idx_t index);

/* Of the heap, by all that can be reached from an object: built-ins, too. Walks over the heap. */
size_t raw_reachable_bytes(duk_context *ctx, void *object);

/* [values] -> [record]: a protected object with the keys of `keys`, an object with as many. */
void raw_push_record(duk_context *ctx, void *keys);
/* [] -> [value]. A NUL stands behind the text. Throws a SyntaxError. */
void raw_push_json(duk_context *ctx, const char *text, size_t len);

/* Of an object; false for anything else. */
bool raw_is_date(duk_context *ctx, duk_idx_t index);
void raw_push_date(duk_context *ctx, duk_idx_t index); /* its time, whatever its methods say */
bool raw_is_regexp(duk_context *ctx, duk_idx_t index);
bool raw_is_extensible(duk_context *ctx, duk_idx_t index);

/* Counts work that is done for a script outside Duktape. Throws when time is up. */
void raw_tick(duk_context *ctx, int64_t units);
void raw_look(duk_context *ctx);  /* at the clock, now */
void raw_begin(duk_context *ctx); /* once: ties the heap's interrupt counter to its watch */

#endif
