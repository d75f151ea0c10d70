/* SPDX-License-Identifier: Apache-2.0 */
/* regex.h - regular expressions that people write, in PCRE2's notation, UTF-8.
 * Pure     no clock, no I/O. */
#ifndef FORMAT_REGEX_H
#define FORMAT_REGEX_H

#include "base/err.h"
#include "base/text.h"

enum { REGEX_BYTES_MAX = 4096, REGEX_DEPTH_MAX = 100 };

/* Whether it is one; the fault says what is wrong, and where. */
enum err regex_check(struct text pattern, struct fault *fault);

#endif
