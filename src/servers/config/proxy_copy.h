/* SPDX-License-Identifier: Apache-2.0 */
/* proxy_copy.h - what a proxy knows of its master's configuration: all objects, secrets and
 * permissions of one revision (framework 3.5). While a whole snapshot comes, it comes into a new
 * copy beside the one that is served.
 * Promise  applied in the order in which the master sends it, it is what the master has: the same
 *          bodies, DBIDs and revisions.
 * Pure     no clock, no I/O. */
#ifndef SERVERS_CONFIG_PROXY_COPY_H
#define SERVERS_CONFIG_PROXY_COPY_H

#include "gen/messages.h"
#include "servers/config/acl.h"
#include "servers/config/object_set.h"
#include "servers/config/secrets.h"

struct proxy_copy {
    struct scope *life; /* closing it forgets everything */
    struct object_set *objects;
    struct secrets *secrets;
    struct acl *acl;
    struct text epoch;
    uint64_t rev;
};

struct proxy_copy *proxy_copy_new(struct scope *owner, uint64_t rev, struct text epoch);
/* ERR_UNSUPPORTED: of a type that this release does not know, passed over. */
enum err proxy_copy_put(struct proxy_copy *copy, const struct config_config_object *object,
                        struct fault *fault);
void proxy_copy_delete(struct proxy_copy *copy, const struct object_type *type, uint32_t dbid);
void proxy_copy_put_acl(struct proxy_copy *copy, const struct config_config_object *object);
void proxy_copy_put_secrets(struct proxy_copy *copy, const struct config_secret_value *at,
                            uint32_t count);

#endif
