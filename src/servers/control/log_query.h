/* SPDX-License-Identifier: Apache-2.0 */
/* log_query.h - what a ReadLog asks, as a statement over the indexes of schema/sql/control/002-log
 * and a rest that is tried row by row (framework 8.5).
 * Order    by the time of generation, then by row, the latest first: what waited in a spool stands
 *          where it belongs.
 * Paging   a page goes on below a place (time, row); each way of asking has an index that begins
 *          there, so a page costs the rows that it looks at.
 * Pure     no clock, no I/O. */
#ifndef SERVERS_CONTROL_LOG_QUERY_H
#define SERVERS_CONTROL_LOG_QUERY_H

#include "base/buf.h"
#include "base/scope.h"
#include "base/shape.h"
#include "gen/messages.h"

enum { LOG_QUERY_LIMIT_USUAL = 100, LOG_QUERY_PARAMETERS_MAX = 12 };

struct log_place { /* of a row in the order */
    uint64_t time_us, id;
};

struct log_query {           /* views into what was asked */
    uint64_t from_us, to_us; /* 0: open */
    uint32_t priority_min;   /* 0: any */
    uint32_t category;
    bool has_category;
    struct text application, ixn, text, id;
    uint64_t before; /* row; 0: from the newest on */
    uint32_t limit;
};

/* ERR_INVALID: times that no clock shows, or the wrong way round. */
enum err log_query_read(const struct control_read_log *asked, struct log_query *out,
                        struct fault *fault);

/* "from": the columns of enum log_column, `rows` rows below `below` (NULL: the newest). The same
 * kind of question gives the same text. Returns how many parameters were filled in. */
enum log_column {
    LOG_COLUMN_ID,
    LOG_COLUMN_EVENT,
    LOG_COLUMN_GENERATED_US,
    LOG_COLUMN_WRITTEN_MS,
    LOG_COLUMN_PRIORITY,
    LOG_COLUMN_CATEGORY,
    LOG_COLUMN_TYPE,
    LOG_COLUMN_APPLICATION,
    LOG_COLUMN_HOST,
    LOG_COLUMN_PID,
    LOG_COLUMN_TEXT,
    LOG_COLUMN_IXN,
    LOG_COLUMNS
};
uint32_t log_query_sql(const struct log_query *query, const struct log_place *below, uint32_t rows,
                       struct buf *sql, struct value parameters[LOG_QUERY_PARAMETERS_MAX]);

/* What the statement leaves open: whether the text contains what is looked for. */
bool log_query_fits(const struct log_query *query, struct text text);

#endif
