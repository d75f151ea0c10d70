/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/world/configuration.h"

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
