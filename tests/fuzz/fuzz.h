/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz.h - what the fuzz targets share. A target is one function that is given any bytes: libFuzzer
 * makes them up (`make fuzz T=csv`), replay.c reads them from corpus/ in every `make test`.
 * A target checks more than that nothing breaks: FUZZ_CHECK stops at a promise that was not kept.
 * Chance comes from the bytes themselves (fuzz_random), so that a file is all there is to a find.
 */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include "base/buf.h"
#include "base/random.h"
#include "base/scope.h"
#include "base/shape.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FUZZ_CHECK(condition) ASSERT(condition)

enum { FUZZ_MEMORY_MAX = 256 * 1024 * 1024 };

static inline struct text fuzz_text(const uint8_t *data, size_t size)
{
    return (struct text){ size ? (const char *)data : "", size };
}

/* Seeded by the bytes. */
struct random fuzz_random(struct text in);

/* The next piece off the front of `rest`, one byte or more: a copy of its own, so that who looks
 * past its end or keeps a view of it is found out. Free it with fuzz_free(). */
struct text fuzz_piece(struct random *random, struct text *rest);
void fuzz_free(struct text piece);

/* The next line off the front of `rest`, without its line feed; false at the end. */
bool fuzz_line(struct text *rest, struct text *line);

/* In order, kind by kind; floats by their bits, a bytes value is no text. */
bool fuzz_same_value(const struct value *a, const struct value *b);
bool fuzz_same_kv(const struct kv *a, const struct kv *b);

/* Every text in it is UTF-8 and its lists and pairs are `depth_max` deep at most. */
void fuzz_check_value(const struct value *value, int depth_max);

/* A refusal has its reason. */
void fuzz_check_fault(enum err err, const struct fault *fault);

#endif
