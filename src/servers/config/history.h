/* SPDX-License-Identifier: Apache-2.0 */
/* history.h - what people are told of changes (framework 3.6): words, places to go on from, and
 * what nobody may read there.
 * Order    the latest first; of one millisecond revisions before accounts.
 * Secrets  a value in clear under a name that ends in password, secret, token... is shown as ***;
 *          the name of a kept secret is none.
 * Pure     no clock, no I/O. */
#ifndef SERVERS_CONFIG_HISTORY_H
#define SERVERS_CONFIG_HISTORY_H

#include "gen/messages.h"
#include "servers/config/body.h"

/* A row: of the history by (utc_ms, major = revision, minor = within it), of accounts by (utc_ms,
 * major = id). */
struct history_place {
    bool is_account;
    uint64_t utc_ms, major;
    uint32_t minor;
};
bool history_place_read(struct text in, struct history_place *out); /* false: none of ours */
struct text history_place_format(struct scope *scope, const struct history_place *place);
/* The row comes before the other one on a page. */
bool history_is_later(const struct history_place *a, const struct history_place *b);

/* "added" as the store has it: "create" as people read it. */
struct text history_op(struct text stored);
/* Only the folder of an object moves. */
bool history_is_move(const struct body_differences *differences);

/* A value as JSON, secrets as ***. `path`: where it stands. */
struct text history_shown(struct scope *scope, struct text path, const struct value *value);
/* The store's JSON of a row, [{"path":..,"old":..,"new":..}]; unreadable: nothing. */
struct config_history_property *history_properties(struct scope *scope, struct text json,
                                                   uint32_t *count);

#endif
