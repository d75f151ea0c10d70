/* SPDX-License-Identifier: Apache-2.0 */
/* What a proxy hears beside the objects: entries of permissions, and the values of secrets. */
#include "gen/objects.h"
#include "servers/config/server.h"

void copy_add_acl(struct scope *scope, const struct config_server *server,
                  const struct object_type *type, struct config_config_object *out)
{
    struct acl_list list = acl_of(server->acl, type, out->dbid);
    out->head.has |= CONFIG_CONFIG_OBJECT_HAS_ACL;
    out->acl.at = scope_alloc_array(scope, list.count + 1u, sizeof *out->acl.at);
    out->acl.count = list.count;
    for (uint32_t i = 0; i < list.count; i++)
        out->acl.at[i] = (struct config_stored_acl){
            .head.has = SHAPE_ALL(SHAPE_CONFIG_STORED_ACL),
            .account = text_of(list.at[i].account.is_group ? OBJECT_ACCESS_GROUP.name
                                                           : OBJECT_PERSON.name),
            .dbid = list.at[i].account.dbid,
            .mask = list.at[i].mask,
            .propagates = list.at[i].propagates,
            .rev = list.at[i].rev,
        };
}

struct config_secret_value *copy_secret_values(struct scope *scope,
                                               const struct config_server *server,
                                               const struct text *names, uint32_t count)
{
    struct config_secret_value *at = scope_alloc_array(scope, count + 1u, sizeof *at);
    for (uint32_t i = 0; i < count; i++) {
        struct text value = { 0 };
        (void)secrets_find(server->secrets, names[i], &value);
        at[i] = (struct config_secret_value){ .head.has = CONFIG_SECRET_VALUE_HAS_NAME,
                                              .name = names[i],
                                              .value = value };
        if (value.at) at[i].head.has |= CONFIG_SECRET_VALUE_HAS_VALUE;
    }
    return at;
}

/* Whose permissions moved, and the values of secrets that were set. */
void copy_add_beside(struct scope *scope, const struct config_server *server,
                     const struct event_rev *rev, struct config_changed *changed)
{
    for (uint32_t i = 0; i < changed->ops.count; i++) {
        struct config_config_object *object = scope_alloc(scope, sizeof *object);
        *object = *changed->ops.at[i].object; /* the others' says nothing of permissions */
        changed->ops.at[i].object = object;
        if (object->head.has & CONFIG_CONFIG_OBJECT_HAS_BODY)
            copy_add_acl(scope, server, object_type_find(object->type), object);
    }
    for (uint32_t i = 0; i < rev->access_count; i++) {
        const struct event_place *place = &rev->access[i];
        struct config_config_object *object = scope_alloc(scope, sizeof *object);
        *object = (struct config_config_object){
            .head.has = CONFIG_CONFIG_OBJECT_HAS_TYPE | CONFIG_CONFIG_OBJECT_HAS_DBID |
                        CONFIG_CONFIG_OBJECT_HAS_REV | CONFIG_CONFIG_OBJECT_HAS_KEY,
            .type = text_of(place->type->name),
            .dbid = place->dbid,
            .rev = rev->rev,
            .key = scope_format(scope, "%u", place->dbid),
        };
        copy_add_acl(scope, server, place->type, object);
        changed->ops.at[changed->ops.count++] = (struct config_changed_object){
            .head.has = CONFIG_CHANGED_OBJECT_HAS_OP | CONFIG_CHANGED_OBJECT_HAS_OBJECT,
            .op = TEXT("changed"),
            .object = object,
        };
    }
    if (rev->secret_count == 0) return;
    changed->head.has |= CONFIG_CHANGED_HAS_SECRETS;
    changed->secrets.at = copy_secret_values(scope, server, rev->secrets, rev->secret_count);
    changed->secrets.count = rev->secret_count;
}
