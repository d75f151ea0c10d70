/* SPDX-License-Identifier: Apache-2.0 */
#include "app/cluster.h"

#include "gen/objects.h"

static const struct object_application *fields_of(const struct app_object *object)
{
    return (const void *)object->fields;
}

static bool lists(const struct object_application *one, struct text name)
{
    for (uint32_t i = 0; i < one->connections.count; i++)
        if (text_eq(one->connections.at[i].server, name)) return true;
    return false;
}

static bool is_backup_of_member(const struct app *app, const struct object_application *cluster,
                                struct text name)
{
    for (uint32_t i = 0; i < cluster->connections.count; i++) {
        const struct app_object *member =
            app_object(app, &OBJECT_APPLICATION, cluster->connections.at[i].server);
        if (member && text_eq(fields_of(member)->backup_server, name)) return true;
    }
    return false;
}

/* It has servers for members: who lists it may be their client. */
static bool is_of_servers(const struct object_application *cluster)
{
    const struct value *settings = kv_find_fold(&cluster->options, TEXT("cluster-settings"));
    const struct value *type = settings && settings->kind == VALUE_KV
                                   ? kv_find_fold(&settings->pairs, TEXT("cluster-type"))
                                   : NULL;
    return type && type->kind == VALUE_TEXT && type->text.len > 0;
}

static bool is_node(const struct app *app, const struct app_object *own,
                    const struct app_object *object)
{
    const struct object_application *cluster = fields_of(object);
    if (!text_eq(cluster->type, TEXT("ApplicationCluster"))) return false;
    if (!is_of_servers(cluster)) return lists(fields_of(own), object->key);
    return lists(cluster, own->key) || is_backup_of_member(app, cluster, own->key);
}

size_t clusters_of(const struct app *app, const struct app_object *own,
                   const struct app_object *out[CLUSTERS_MAX])
{
    const struct app_object *object;
    size_t count = 0;
    for (size_t at = 0; own && (object = app_object_next(app, &OBJECT_APPLICATION, &at)) != NULL;)
        if (count < CLUSTERS_MAX && is_node(app, own, object)) out[count++] = object;
    return count;
}
