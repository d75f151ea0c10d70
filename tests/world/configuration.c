/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/world/configuration.h"

#include "app/mirror.h"
#include "app/private.h"
#include "gen/objects.h"
#include "servers/config/server.h"
#include "tests/world/fields.h"

/* The types that all of them want. */
static const struct object_type *const shared[] = { &OBJECT_APPLICATION, &OBJECT_PERSON,
                                                    &OBJECT_AGENT_GROUP };
enum { SHARED = sizeof shared / sizeof *shared };

static uint64_t mix(uint64_t digest, uint64_t number)
{
    return (digest ^ number) * UINT64_C(1099511628211);
}

bool config_holds(struct app *app, struct held *out)
{
    const struct config_server *server = app ? app_server(app) : NULL;
    if (server == NULL || server->in_flight || server->rev == 0) return false;
    *out = (struct held){ .revision = server->rev };
    for (uint32_t i = 0; i < SHARED; i++) {
        size_t count;
        const struct object *const *objects = object_set_of(server->objects, shared[i], &count);
        for (size_t k = 0; k < count; k++) {
            out->digest = mix(mix(out->digest, objects[k]->dbid), objects[k]->rev);
            if (shared[i] == &OBJECT_PERSON)
                out->digest = mix(out->digest, text_hash(text_in(&objects[k]->body, "firstName")));
        }
    }
    const struct object *person =
        object_set_find(server->objects, &OBJECT_PERSON, TEXT("Environment"), TEXT("a1"));
    out->first_name = person ? text_in(&person->body, "firstName") : TEXT("");
    return true;
}

bool subscriber_holds(struct app *app, struct held *out)
{
    if (app == NULL || app_server(app) == NULL) return false;
    *out = (struct held){ .revision = app_config_rev(app) };
    for (uint32_t i = 0; i < SHARED; i++) {
        const struct app_object *object;
        for (size_t at = 0; (object = app_object_next(app, shared[i], &at)) != NULL;) {
            out->digest = mix(mix(out->digest, object->dbid), object->rev);
            if (shared[i] == &OBJECT_PERSON) {
                const struct object_person *person = (const void *)object->fields;
                out->digest = mix(out->digest, text_hash(person->first_name));
            }
        }
    }
    return true;
}

/* --- followers --- */

const char *const configuration_followed[] = { "Folder",      "Place",       "PlaceGroup", "Skill",
                                               "VoicePrompt", "AccessGroup", NULL };

static bool is_followed(const struct object_type *type)
{
    for (const char *const *name = configuration_followed; *name; name++)
        if (text_eq(text_of(*name), text_of(type->name))) return true;
    return false;
}

/* In whatever order they come. */
static void add_entry(void *self, const struct mirror_entry *entry)
{
    struct held *held = self;
    if (!is_followed(entry->type)) return;
    uint64_t one = text_hash(text_of(entry->type->name));
    one = mix(mix(one, entry->dbid), entry->rev);
    one = mix(mix(one, text_hash(entry->tenant)), text_hash(entry->key));
    held->digest += mix(one, text_hash(entry->body));
}

static void add_shown(struct scope *scope, const struct config_server *server,
                      const struct object *object, struct held *out)
{
    struct config_config_object shown = object_message(scope, server, object, false);
    struct mirror_entry entry = { object->type, shown.dbid, shown.rev,
                                  shown.tenant, shown.key,  shown.body };
    add_entry(out, &entry);
}

bool config_shows(struct app *app, struct text application, struct held *out)
{
    const struct config_server *server = app ? app_server(app) : NULL;
    if (server == NULL || server->in_flight || server->rev == 0) return false;
    struct scope *scratch = scope_new(NULL, "shown", SCOPE_NO_LIMIT);
    struct actor actor = { .kind = ACTOR_APPLICATION, .application = application };
    struct access_rights *rights = actor_rights(server, scratch, &actor);
    *out = (struct held){ .revision = server->rev };
    for (const char *const *name = configuration_followed; *name; name++) {
        size_t count;
        const struct object *const *objects =
            object_set_of(server->objects, object_type_find(text_of(*name)), &count);
        for (size_t i = 0; i < count; i++)
            if (membership_is_enabled(objects[i]) && access_may(rights, objects[i], MAY_READ))
                add_shown(scratch, server, objects[i], out);
    }
    scope_close(scratch);
    return true;
}

bool follower_holds(struct app *app, struct held *out)
{
    if (app == NULL || app_server(app) == NULL) return false;
    *out = (struct held){ .revision = app_config_rev(app) };
    mirror_each(app->private->mirror, add_entry, out);
    return true;
}

size_t config_find(struct app *app, struct scope *scope, const struct object_type *type,
                   const char *property, struct text tag, struct text *value)
{
    const struct config_server *server = app_server(app);
    size_t count, found = 0;
    const struct object *const *objects = object_set_of(server->objects, type, &count);
    for (size_t i = 0; i < count; i++) {
        struct text word = text_in(&objects[i]->body, property);
        if (!text_starts(word, tag)) continue;
        found++;
        *value = scope_format(scope, "%.*s %s %.*s", TEXT_ARG(objects[i]->key),
                              membership_is_enabled(objects[i]) ? "enabled" : "disabled",
                              TEXT_ARG(word));
    }
    return found;
}

uint64_t config_revision(const struct app *app)
{
    const struct config_server *server = app ? app_server(app) : NULL;
    return server ? server->rev : UINT64_MAX;
}
