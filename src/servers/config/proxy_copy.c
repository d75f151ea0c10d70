/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/config/proxy_copy.h"

#include "format/json.h"
#include "gen/objects.h"

struct proxy_copy *proxy_copy_new(struct scope *owner, uint64_t rev, struct text epoch)
{
    struct scope *life = scope_new(owner, "copy of a master", SCOPE_NO_LIMIT);
    struct proxy_copy *copy = scope_alloc(life, sizeof *copy);
    *copy = (struct proxy_copy){
        .life = life,
        .objects = object_set_new(life),
        .secrets = secrets_new(life),
        .acl = acl_new(life),
        .epoch = scope_keep(life, epoch),
        .rev = rev,
    };
    return copy;
}

/* On a link bodies are whole; here they are canonical, as the master keeps them. */
static enum err read_object(struct proxy_copy *copy, const struct object_type *type,
                            const struct config_config_object *from, struct object **out,
                            struct fault *fault)
{
    struct kv raw;
    struct scope *scratch = scope_new(NULL, "object of a master", OBJECT_BYTES_MAX);
    struct problems problems = { .scope = scratch };
    struct text tenant = from->tenant.len ? from->tenant : OBJECT_TENANT_DEFAULT;
    enum err err = json_read_kv(from->body, scratch, &raw, fault);
    *out = err ? NULL : object_new(object_set_scope(copy->objects), type, tenant, &raw, &problems);
    if (!err && *out == NULL)
        err = fault_set(fault, ERR_INVALID, "", "%.*s",
                        TEXT_ARG(problems.count ? problems.at[0].words : TEXT("no such object")));
    scope_close(scratch);
    return err;
}

enum err proxy_copy_put(struct proxy_copy *copy, const struct config_config_object *from,
                        struct fault *fault)
{
    const struct object_type *type = object_type_find(from->type);
    struct object *object;
    if (type == NULL) return ERR_UNSUPPORTED;
    enum err err = read_object(copy, type, from, &object, fault);
    if (err) {
        proxy_copy_delete(copy, type, from->dbid);
        return err;
    }
    object->dbid = from->dbid;
    object->rev = from->rev;
    object_set_put(copy->objects, object);
    if (from->head.has & CONFIG_CONFIG_OBJECT_HAS_ACL) proxy_copy_put_acl(copy, from);
    return ERR_OK;
}

void proxy_copy_delete(struct proxy_copy *copy, const struct object_type *type, uint32_t dbid)
{
    if (object_set_find_dbid(copy->objects, type, dbid))
        object_set_delete(copy->objects, type, dbid);
}

void proxy_copy_put_acl(struct proxy_copy *copy, const struct config_config_object *object)
{
    const struct object_type *type = object_type_find(object->type);
    if (type == NULL) return;
    struct scope *scratch = scope_new(NULL, "entries of a master", SCOPE_NO_LIMIT);
    struct acl_entry *entries = scope_alloc_array(scratch, object->acl.count + 1u, sizeof *entries);
    for (uint32_t i = 0; i < object->acl.count; i++) {
        const struct config_stored_acl *one = &object->acl.at[i];
        entries[i] = (struct acl_entry){
            .account = { text_eq(one->account, text_of(OBJECT_ACCESS_GROUP.name)), one->dbid },
            .mask = (uint8_t)one->mask,
            .propagates = one->propagates,
            .rev = one->rev,
        };
    }
    acl_put(copy->acl, type, object->dbid, (struct acl_list){ entries, object->acl.count });
    scope_close(scratch);
}

void proxy_copy_put_secrets(struct proxy_copy *copy, const struct config_secret_value *at,
                            uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        secrets_put(copy->secrets, at[i].name,
                    at[i].head.has & CONFIG_SECRET_VALUE_HAS_VALUE ? at[i].value
                                                                   : (struct text){ 0 });
}
