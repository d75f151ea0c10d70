/* SPDX-License-Identifier: Apache-2.0 */
/* import_send.h - hands rows to outbound, slice by slice (schema/messages/outbound_import.toml).
 * Promise  rows reach the list once, also when outbound is killed in between: slices are numbered,
 *          what was not answered is asked again, and outbound knows which ones are durable. A tool
 *          that was killed goes on behind the last of those (struct import_start).
 * Bound    IMPORT_WINDOW slices are under way, IMPORT_SLICE_ROWS rows (a few more to keep a chain
 *          whole) or IMPORT_SLICE_BYTES each; import_send_cut() and _end_row() wait for room.
 * Thread   the tool's; calls run its loop. */
#ifndef CLI_IMPORT_SEND_H
#define CLI_IMPORT_SEND_H

#include "cli/tool.h"
#include "gen/messages.h"

enum {
    IMPORT_WINDOW = 8,
    IMPORT_SLICE_ROWS = 2000,
    IMPORT_SLICE_MORE = 200, /* rows, so that a chain is not cut */
    IMPORT_SLICE_BYTES = 1024 * 1024,
};

struct import_send;

struct import_send_setup {
    struct tool *tool;
    struct text application, address; /* of outbound */
    struct text tenant;
    /* What is asked for, whole but for `head`; its texts outlive the import. */
    struct outbound_import_begin begin;
    uint64_t wait_ms; /* how long outbound may be away */
    /* One row left out, or in with a remark; in the order of the file. Views until return. */
    void (*on_reject)(void *self, const struct outbound_import_reject *reject);
    void *self;
};

/* Where the rows that are not durable begin, of the file as the tool counts it. */
struct import_start {
    uint64_t slices, offset, line, inserted; /* all 0: at the front */
    bool is_over;                            /* ended or undone: import_send_end() says which */
};

/* `start` NULL: nobody wants to know. Rejects of the rows before it are told before this returns.
 */
enum err import_send_begin(const struct import_send_setup *setup, struct import_send **out,
                           struct import_start *start, struct fault *fault);

/* Before a row of the file that begins another chain: a slice that is full goes. What is retrieved
 * between two slices of one chain would be called without its rest. */
enum err import_send_cut(struct import_send *send, struct fault *fault);
/* A row of the file: any number of list rows and rejects, each row followed by its cells, as many
 * as columns. All of it is in one slice. `offset` and `line`: behind it. */
void import_send_row(struct import_send *send, uint64_t line);
void import_send_cell(struct import_send *send, struct text cell);
void import_send_reject(struct import_send *send, uint64_t line, struct text field,
                        struct text rule, struct text value);
enum err import_send_end_row(struct import_send *send, uint64_t offset, uint64_t line,
                             struct fault *fault);

/* Waits for all that is under way and ends the import; of an all-or-nothing one until it is
 * released or undone, telling how far that is. */
enum err import_send_end(struct import_send *send, struct outbound_import_ended *totals,
                         void (*on_wait)(void *self, const struct outbound_import_ended *so_far),
                         struct fault *fault);

#endif
