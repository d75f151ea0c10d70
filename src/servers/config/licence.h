/* SPDX-License-Identifier: Apache-2.0 */
/* licence.h - licences as optional pools of seats (framework 13).
 * Rule     a group gets min(wanted, what no other group holds), for 60 seconds; asked again it may
 *          get more, or less where the pool became smaller. Both members of a pair are one group.
 *          A feature that the pool does not name is unlimited, and so is everything without a pool.
 * Short    who got fewer than were asked for; who asked for all that are free, when none was.
 * Pure     no clock, no I/O. */
#ifndef SERVERS_CONFIG_LICENCE_H
#define SERVERS_CONFIG_LICENCE_H

#include "base/scope.h"

enum { LICENCE_LEASE_S = 60, LICENCE_FEATURES_MAX = 1000, LICENCE_GROUPS_MAX = 10000 };

struct licence_group {
    struct text group; /* DBID of the primary application */
    uint32_t asked, granted;
    uint32_t in_use, most_in_use; /* as it says itself */
    bool says_use;
    uint64_t until_utc_ms;
};
struct licence_feature {
    struct text feature;
    bool is_limited;
    uint32_t count; /* seats, where it is limited */
    uint32_t most;  /* granted at once, ever, while it was limited */
    struct licence_group *groups;
    uint32_t group_count, group_room;
};

#define LICENCE_ALL_FREE UINT32_MAX /* asked for: num-of-licenses = max */

struct licences;

struct licences *licences_new(struct scope *owner);
/* The pool file: {"ics_multi_media_agent_seat": 100}, JSON with comments; an empty text: there is
 * no pool. The fault names the feature; then everything stays as it was. Grants stay until they are
 * asked for again. */
enum err licences_read_pool(struct licences *licences, struct text json, struct fault *fault);

struct licence_grant {
    uint32_t granted;
    bool is_unlimited, is_short;
    bool has_moved; /* another grant than before: to be written down */
};
/* ERR_LIMIT: there are too many features or groups. */
enum err licences_checkout(struct licences *licences, struct text feature, struct text group,
                           uint32_t wanted, uint64_t now_utc_ms, struct licence_grant *out);
/* How many of its seats the group, which holds some, has in use. */
void licences_note_use(struct licences *licences, struct text feature, struct text group,
                       uint32_t in_use);
bool licence_is_short(const struct licence_feature *feature, const struct licence_group *group);
uint32_t licence_granted(const struct licence_feature *feature); /* at most UINT32_MAX */
/* What was granted before a restart: for one lease from now. */
void licences_restore(struct licences *licences, struct text feature, struct text group,
                      uint32_t asked, uint32_t granted, uint64_t now_utc_ms);
/* False: it held nothing. */
bool licences_checkin(struct licences *licences, struct text feature, struct text group);

/* By name; leases that ended are let go first. */
struct licence_feature *const *licences_all(struct licences *licences, uint64_t now_utc_ms,
                                            uint32_t *count);

#endif
