/* SPDX-License-Identifier: Apache-2.0 */
/* log_option.h - values of log options whose text has a grammar of its own (framework 8.1, 8.4):
 * the application reads them by these parsers, and config tries them when they are written.
 * Pure     no clock, no I/O. */
#ifndef MODEL_LOG_OPTION_H
#define MODEL_LOG_OPTION_H

#include "base/catalogue.h"

struct log_segment { /* when a file ends; both 0: never */
    uint64_t bytes, ms;
};
struct log_expire { /* what is kept; both 0: everything */
    uint32_t files, days;
};
enum err log_segment_parse(struct text in, struct log_segment *out); /* "100 MB", "1 hr", "false" */
enum err log_expire_parse(struct text in, struct log_expire *out);   /* "10", "3 file", "7 day" */

/* Does the value follow the option's grammar? `name` as it was written: of a family it says which
 * one. ERR_INVALID, and `words` (of `room` bytes) say the rule; ERR_NOT_FOUND: no such name. */
enum err log_option_check(enum option_grammar grammar, struct text name, struct text value,
                          char *words, size_t room);

#endif
