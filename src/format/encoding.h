/* SPDX-License-Identifier: Apache-2.0 */
/* encoding.h - between UTF-8 and another character set, one string at a time, by iconv (spec
 * outbound 14.1): what cannot be written in the other set is an error of the request, what cannot
 * be read in an answer becomes U+FFFD, byte by byte. */
#ifndef FORMAT_ENCODING_H
#define FORMAT_ENCODING_H

#include "base/scope.h"

struct encoding;

/* `name` as iconv knows it. UTF-8 passes through, checked. ERR_UNSUPPORTED: no such set. Closed
 * with the scope. */
enum err encoding_open(struct scope *owner, struct text name, struct encoding **out,
                       struct fault *fault);
bool encoding_exists(struct text name);

/* UTF-8 to the set, into `scope`. ERR_INVALID when a character has no place in it. */
enum err encoding_encode(struct encoding *encoding, struct text in, struct scope *scope,
                         struct text *out);
/* The set to UTF-8, strict: ERR_INVALID when a byte means nothing. */
enum err encoding_decode(struct encoding *encoding, struct text in, struct scope *scope,
                         struct text *out);
/* The same with U+FFFD for each bad byte: fails only with ERR_LIMIT, past the scope's limit. */
enum err encoding_decode_loosely(struct encoding *encoding, struct text in, struct scope *scope,
                                 struct text *out);

#endif
