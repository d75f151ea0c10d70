/* SPDX-License-Identifier: Apache-2.0 */
/* body_patch.h - what turns one object's properties into another's: the merge-patch (RFC 7396) that
 * body_merge() would need. Properties that are groups of others are compared inside.
 * Promise  merged onto `before` it gives `after`, but for the order of properties.
 * Pure     no clock, no I/O; views of both. */
#ifndef SERVERS_CONFIG_BODY_PATCH_H
#define SERVERS_CONFIG_BODY_PATCH_H

#include "servers/config/body.h"

struct kv body_patch(struct scope *scope, const struct kv *before, const struct kv *after);

#endif
