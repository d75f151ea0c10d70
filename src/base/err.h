/* SPDX-License-Identifier: Apache-2.0 */
/* err.h - what can go wrong in the world, in one list.
 * Promise  one list makes the enum, the name and the sentence; ERR_OK is 0.
 * Rule     our own bugs are ASSERTs, a peer's nonsense is a reply with a fault, the rest is an err
 *          handed up to whoever can decide (style 4). */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include <stdarg.h>

#define ERR_LIST(X)                                                                                \
    X(OK, "no error")                                                                              \
    X(INVALID, "the input does not follow its rule")                                               \
    X(LIMIT, "a configured limit was reached")                                                     \
    X(TIMEOUT, "no answer in the time allowed")                                                    \
    X(NOT_FOUND, "there is no such thing")                                                         \
    X(EXISTS, "it exists already")                                                                 \
    X(CONFLICT, "the present state does not allow it")                                             \
    X(DENIED, "permission or identity is missing")                                                 \
    X(CLOSED, "the connection was closed")                                                         \
    X(REFUSED, "the peer refused")                                                                 \
    X(IO, "the operating system reported an error")                                                \
    X(FULL, "the disk or a queue is full")                                                         \
    X(UNAVAILABLE, "the service is not available at the moment")                                   \
    X(CANCELLED, "the caller cancelled it")                                                        \
    X(UNSUPPORTED, "this build or peer does not offer it")                                         \
    X(INTERNAL, "an internal error")

enum err {
#define X(name, words) ERR_##name,
    ERR_LIST(X)
#undef X
};

const char *err_name(enum err err);  /* "TIMEOUT" */
const char *err_words(enum err err); /* "no answer in the time allowed" */

/* The reason a person will read: code, the field at fault (may be empty) and words. Lives on the
 * caller's stack, allocates nothing; long words are cut. */
struct fault {
    enum err err;
    char field[64];
    char words[320];
};

/* Fill `fault` (may be NULL) and return `err`, so that a check reads `return fault_set(...)`. */
enum err fault_set(struct fault *fault, enum err err, const char *field, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Ends the process with file, line and condition: a bug of ours, never a peer's (style 4). */
_Noreturn void assert_failed(const char *file, int line, const char *condition);
#define ASSERT(condition) ((condition) ? (void)0 : assert_failed(__FILE__, __LINE__, #condition))

#endif
