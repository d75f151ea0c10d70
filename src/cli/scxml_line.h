/* SPDX-License-Identifier: Apache-2.0 */
/* scxml_line.h - the lines that `carillon scxml run` reads: an event's name alone, or JSON:
 * {"name":"x","data":...} and {"after":500}. Pure. */
#ifndef CLI_SCXML_LINE_H
#define CLI_SCXML_LINE_H

#include "base/scope.h"
#include "scxml/event.h"

enum {
    SCXML_LINE_BYTES_MAX = 1024 * 1024,
    SCXML_NAME_BYTES_MAX = 1024 /* of an event */
};
#define SCXML_AFTER_MS_MAX (UINT64_C(366) * 24 * 3600 * 1000) /* a year */

enum scxml_line_kind { SCXML_LINE_BLANK, SCXML_LINE_EVENT, SCXML_LINE_AFTER };

struct scxml_line {
    enum scxml_line_kind kind;
    struct scxml_event event; /* in the scope, and views into the line */
    uint64_t after_ms;
};

/* ERR_INVALID or ERR_LIMIT with words for the person; `line` without its line end. */
enum err scxml_line_read(struct text line, struct scope *scope, struct scxml_line *out,
                         struct fault *fault);

#endif
