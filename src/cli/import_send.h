/* SPDX-License-Identifier: Apache-2.0 */
/* import_send.h - hands rows to outbound, slice by slice (schema/messages/outbound_import.toml).
 * Promise  rows reach the list once, also when outbound is killed in between: slices are numbered,
 *          what was not answered is asked again, and outbound knows which ones are durable.
 * Bound    IMPORT_WINDOW slices are under way, IMPORT_SLICE_ROWS rows or IMPORT_SLICE_BYTES each;
 *          import_send_row() waits for room.
 * Thread   the tool's; calls run its loop. */
#ifndef CLI_IMPORT_SEND_H
#define CLI_IMPORT_SEND_H

#include "cli/tool.h"
#include "gen/messages.h"

enum { IMPORT_WINDOW = 4, IMPORT_SLICE_ROWS = 500, IMPORT_SLICE_BYTES = 1024 * 1024 };

struct import_send;

struct import_send_setup {
    struct tool *tool;
    struct text application, address; /* of outbound */
    struct text tenant;
    struct text list, key, file_name;
    const struct text *columns;
    uint32_t column_count;
    uint64_t total_bytes;
    uint64_t wait_ms; /* how long outbound may be away */
    void (*on_reject)(void *self, uint64_t line, struct text field, struct text rule,
                      struct text value);
    void *self;
};

enum err import_send_begin(const struct import_send_setup *setup, struct import_send **out,
                           struct fault *fault);
/* Whether an earlier run with this key made some slices durable. They are sent again, and outbound
 * only says what they came to, so that the rejects of this run are those of the whole file. */
bool import_send_goes_on(const struct import_send *send);
/* `cells`: as many as columns; copied. */
enum err import_send_row(struct import_send *send, uint64_t line, const struct text *cells,
                         struct fault *fault);
/* Waits for all that is under way and ends the import. */
enum err import_send_end(struct import_send *send, struct outbound_import_ended *totals,
                         struct fault *fault);
uint64_t import_send_inserted(const struct import_send *send); /* in this run */

#endif
