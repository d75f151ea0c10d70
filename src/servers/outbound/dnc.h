/* SPDX-License-Identifier: Apache-2.0 */
/* dnc.h - the Do-Not-Call list in memory: numbers and customers that must not be contacted, for
 * all campaigns or for one (spec outbound 2.6, 10).
 * Promise  what was added is found: no entry is ever missed. A string of up to 18 digits is kept
 *          exactly; anything else (addresses, ids with letters) as a keyed 63-bit hash, so that of
 *          ten million such entries a stranger is taken for one of them with a chance of 1e-12.
 * Size     8 bytes an entry at a load of 3/8 to 3/4: ten million fit into 134 MB.
 * Numbers  compare by their digits: "+1 (555) 0122" is "15550122". Addresses compare without case.
 *          Customer ids compare as they are, but for blanks around them.
 * Pure     no clock, no I/O. The memory is the scope's.
 * Why      docs/decisions/0018-dnc.md */
#ifndef SERVERS_OUTBOUND_DNC_H
#define SERVERS_OUTBOUND_DNC_H

#include "base/scope.h"

struct dnc;

enum dnc_kind { DNC_PHONE, DNC_CUSTOMER, DNC_KINDS };

/* Where an entry holds; 0: for all tenants, for all campaigns of the tenant. */
struct dnc_scope {
    uint32_t tenant_dbid, campaign_dbid;
};

enum dnc_verdict { DNC_FREE, DNC_BLOCKED_BY_PHONE, DNC_BLOCKED_BY_CUSTOMER };

struct dnc *dnc_new(struct scope *owner, uint64_t seed);
/* True: it was not there. An empty `what` is no entry. */
bool dnc_add(struct dnc *dnc, enum dnc_kind kind, struct text what, struct dnc_scope scope);
/* True: it was there. */
bool dnc_remove(struct dnc *dnc, enum dnc_kind kind, struct text what, struct dnc_scope scope);
/* An entry of exactly this scope. */
bool dnc_has(const struct dnc *dnc, enum dnc_kind kind, struct text what, struct dnc_scope scope);
/* May this contact be called for a campaign? The number is looked at first. */
enum dnc_verdict dnc_check(const struct dnc *dnc, struct dnc_scope scope, struct text phone,
                           struct text customer_id);
uint64_t dnc_count(const struct dnc *dnc);
size_t dnc_bytes(const struct dnc *dnc);
/* How many scopes have entries; past DNC_SCOPES_MAX dnc_add() is true but widens the entry to all
 * campaigns of its tenant: rather one call too few. */
enum { DNC_SCOPES_MAX = 4096 };

/* The forms in which a number may stand in a table: as given, its digits, + and its digits. `room`
 * holds two of them; an address or id has one form. Returns how many, DNC_FORMS_MAX at most. */
enum { DNC_FORMS_MAX = 3, DNC_FORM_BYTES = 40 };
uint32_t dnc_phone_forms(struct text phone, char room[2][DNC_FORM_BYTES],
                         struct text out[DNC_FORMS_MAX]);

#endif
