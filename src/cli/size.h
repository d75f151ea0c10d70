/* SPDX-License-Identifier: Apache-2.0 */
/* size.h - how much the databases of a centre will hold (framework 14.4).
 * Contacts      e-mails a day x days x 25 KB + chats a day x days x 5 KB + contacts x 1 KB
 * Interactions  (3.5 + d) KB x m, d: KB of attached data, m: interactions at the peak
 * A KB has 1024 bytes; sums are shown in units of 1000, as disks are sold.
 * Pure          no clock, no I/O. */
#ifndef CLI_SIZE_H
#define CLI_SIZE_H

#include "base/buf.h"

struct size_inputs {
    uint32_t emails_per_day, chats_per_day, days, contacts;
    uint32_t attached_data_kb, peak_interactions;
};

enum { SIZE_ROWS = 4 };
struct size_row {
    const char *database, *part;
    char formula[96]; /* with the numbers that were put in */
    uint64_t bytes;
};
struct size_table {
    struct size_row rows[SIZE_ROWS];
    uint64_t contacts_bytes, interactions_bytes;
};

void size_reckon(const struct size_inputs *inputs, struct size_table *out);
void size_print_table(struct buf *out, const struct size_table *table);
void size_print_json(struct buf *out, const struct size_inputs *inputs,
                     const struct size_table *table);

#endif
