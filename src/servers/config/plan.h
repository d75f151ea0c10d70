/* SPDX-License-Identifier: Apache-2.0 */
/* plan.h - what a configuration file would change (framework 3.2): the file becomes steps of a
 * change set, and the finished change set becomes lines for people.
 * Modes      merge: create and update, properties that the file does not name stay. sync: an object
 *            of the file becomes what the file says, and objects that it does not name are deleted,
 *            of the types and tenants in it. create-only: nothing may be there but the tenant
 *            Environment.
 * Overwrite  to update an object that is there wants the caller's leave.
 * Pure       no clock, no I/O. */
#ifndef SERVERS_CONFIG_PLAN_H
#define SERVERS_CONFIG_PLAN_H

#include "servers/config/change_set.h"
#include "servers/config/file.h"
#include "servers/config/secrets.h"

enum plan_mode { PLAN_MERGE, PLAN_SYNC, PLAN_CREATE_ONLY };

struct plan_wish {
    enum plan_mode mode;
    bool may_overwrite;
    bool is_only_a_plan; /* without leave to overwrite, and with secrets that the tool cannot read:
                            a warning, no problem */
};

void plan_file(struct change_set *set, struct secret_changes *secrets, const struct file *file,
               const struct plan_wish *wish, struct problems *problems, struct warnings *warnings);

enum plan_op { PLAN_CREATE, PLAN_UPDATE, PLAN_DELETE, PLAN_UNCHANGED, PLAN_OPS };
struct plan_item {
    enum plan_op op;
    const struct object_type *type; /* NULL: a secret, whose name is the key */
    struct text tenant, key;
    struct body_differences differences;
};
struct plan {
    struct plan_item *items; /* by type order, tenant, key; secrets last */
    uint32_t count;
    uint32_t counts[PLAN_OPS]; /* of objects */
};
/* After change_set_finish(). Texts are views into the change set and the file. */
void plan_list(struct scope *scope, const struct change_set *set,
               const struct secret_changes *secrets, const struct file *file, struct plan *out);

#endif
