/* SPDX-License-Identifier: Apache-2.0 */
/* licence.h - licences as optional pools of seats (framework 13).
 * Rule     a group gets min(wanted, what no other group holds), for 60 seconds; asked again it may
 *          get more, or less where the pool became smaller. Both members of a pair are one group.
 *          A feature that the pool does not name is unlimited, and so is everything without a pool.
 * Pure     no clock, no I/O. */
#ifndef SERVERS_CONFIG_LICENCE_H
#define SERVERS_CONFIG_LICENCE_H

#include "base/scope.h"

enum { LICENCE_LEASE_S = 60, LICENCE_FEATURES_MAX = 1000, LICENCE_GROUPS_MAX = 10000 };

struct licence_group {
    struct text group; /* DBID of the primary application */
    uint32_t asked, granted;
    uint64_t until_utc_ms;
};
struct licence_feature {
    struct text feature;
    bool is_limited;
    uint32_t count; /* seats, where it is limited */
    struct licence_group *groups;
    uint32_t group_count, group_room;
};

struct licences;

struct licences *licences_new(struct scope *owner);
/* The pool file: {"ics_multi_media_agent_seat": 100}, JSON with comments; an empty text: there is
 * no pool. The fault names the feature; then everything stays as it was. Grants stay until they are
 * asked for again. */
enum err licences_read_pool(struct licences *licences, struct text json, struct fault *fault);

struct licence_grant {
    uint32_t granted;
    bool is_unlimited;
    bool has_moved; /* another grant than before: to be written down */
};
/* ERR_LIMIT: there are too many features or groups. */
enum err licences_checkout(struct licences *licences, struct text feature, struct text group,
                           uint32_t wanted, uint64_t now_utc_ms, struct licence_grant *out);
/* What was granted before a restart: for one lease from now. */
void licences_restore(struct licences *licences, struct text feature, struct text group,
                      uint32_t asked, uint32_t granted, uint64_t now_utc_ms);
/* False: it held nothing. */
bool licences_checkin(struct licences *licences, struct text feature, struct text group);

/* By name; leases that ended are let go first. */
struct licence_feature *const *licences_all(struct licences *licences, uint64_t now_utc_ms,
                                            uint32_t *count);

#endif
