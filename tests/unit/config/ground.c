/* SPDX-License-Identifier: Apache-2.0 */
#include "ground.h"

#include "format/json.h"
#include "servers/config/builtin.h"

#include <stdio.h>
#include <string.h>

#define SAMPLE(more)                                                                               \
    "{ \"format\": \"cc-config\", \"version\": 1, \"rev\": 412,\n"                                 \
    "  \"tenants\": [ { \"name\": \"Environment\" } ],\n"                                          \
    "  \"hosts\":   [ { \"name\": \"ESHost\", \"ipAddress\": \"127.0.0.1\", \"lcaPort\": 4999 } "  \
    "],\n"                                                                                         \
    "  \"applications\": [\n" more                                                                 \
    "    { \"name\": \"ES85_IxnSrv\", \"template\": \"InteractionServer\", \"host\": \"ESHost\","  \
    "\n"                                                                                           \
    "      \"ports\": [ { \"id\": \"default\", \"number\": 6130, \"listeningMode\": "              \
    "\"unsecured\" } ],\n"                                                                         \
    "      \"tenants\": [ \"Environment\" ],\n"                                                    \
    "      \"connections\": [ { \"server\": \"ES85_Ixn_DAP\" },\n"                                 \
    "                       { \"server\": \"MsgSrv\", \"protocol\": \"addp\", "                    \
    "\"localTimeout\": 30, \"remoteTimeout\": 60, \"trace\": \"both\" } ],\n"                      \
    "      \"start\": { \"dir\": \"./ixn\", \"command\": \"ixnd\" },\n"                            \
    "      \"options\": { \"log\": { \"verbose\": \"standard\", \"standard\": \"network\" } } } "  \
    "],\n"                                                                                         \
    "  \"secrets\": { \"ixn-db\": { \"$env\": \"IXN_DB_PASSWORD\" } } }\n"

const char ground_sample[] = SAMPLE("");
const char ground_sample_whole[] = SAMPLE(
    "    { \"name\": \"ES85_Ixn_DAP\", \"template\": \"Database\" },\n"
    "    { \"name\": \"MsgSrv\", \"template\": \"MessageServer\", \"host\": \"ESHost\" },\n");

static bool has_secret(void *self, struct text name)
{
    struct text value;
    return secrets_find(((struct ground *)self)->secrets, name, &value);
}

static void begin_try(struct ground *ground)
{
    ground->problems = (struct problems){ .scope = ground->life };
    ground->warnings = (struct warnings){ .scope = ground->life };
}

struct change_set *ground_begin(struct ground *ground)
{
    begin_try(ground);
    return change_set_new(ground->life, ground->objects);
}

static bool settle(struct ground *ground, struct change_set *set)
{
    ground->moved = change_set_count(set);
    if (ground->problems.count) {
        change_set_drop(set);
        return false;
    }
    ground->rev++;
    change_set_stamp(set, ground->rev, 1000 * ground->rev);
    change_set_apply(set);
    return true;
}

bool ground_commit(struct ground *ground, struct change_set *set)
{
    struct change_world world = { has_secret, ground };
    change_set_finish(set, &world, &ground->problems, &ground->warnings);
    return settle(ground, set);
}

struct ground *ground_new(void)
{
    struct scope *life = scope_new(NULL, "ground", SCOPE_NO_LIMIT);
    struct ground *ground = scope_alloc(life, sizeof *ground);
    ground->life = life;
    ground->objects = object_set_new(life);
    ground->secrets = secrets_new(life);
    struct change_set *set = ground_begin(ground);
    builtin_add(set, &ground->problems);
    CHECK(ground_commit(ground, set));
    return ground;
}

void ground_free(struct ground *ground)
{
    scope_close(ground->life);
}

struct kv ground_pairs(struct ground *ground, const char *json)
{
    struct kv pairs = { 0 };
    struct fault fault = { 0 };
    if (json) CHECK_OK(json_read_kv(text_of(json), ground->life, &pairs, &fault));
    return pairs;
}

static bool one_step(struct ground *ground, struct change_step step, const char *json)
{
    struct change_set *set = ground_begin(ground);
    struct kv value = ground_pairs(ground, json);
    step.value = &value;
    change_set_step(set, &step, &ground->problems);
    return ground_commit(ground, set);
}

bool ground_create(struct ground *ground, const struct object_type *type, const char *json)
{
    return one_step(ground, (struct change_step){ .op = CHANGE_CREATE, .type = type }, json);
}

bool ground_update(struct ground *ground, const struct object_type *type, const char *key,
                   const char *json)
{
    return one_step(ground,
                    (struct change_step){ .op = CHANGE_UPDATE, .type = type, .key = text_of(key) },
                    json);
}

bool ground_delete(struct ground *ground, const struct object_type *type, const char *key,
                   enum change_cascade cascade)
{
    struct change_step step = {
        .op = CHANGE_DELETE, .type = type, .key = text_of(key), .cascade = cascade
    };
    return one_step(ground, step, NULL);
}

/* --- files ---------------------------------------------------------------------------------- */

static struct change_set *stage_file(struct ground *ground, const char *text, struct plan_wish wish,
                                     const char *variables, struct secret_changes *secrets)
{
    struct change_set *set = ground_begin(ground);
    struct kv pairs = ground_pairs(ground, variables);
    struct file file;
    file_parse(ground->life, text_of(text), &pairs, &file, &ground->problems);
    if (ground->problems.count) return set;
    plan_file(set, secrets, &file, &wish, &ground->problems, &ground->warnings);
    if (ground->problems.count == 0) plan_list(ground->life, set, secrets, &file, &ground->plan);
    return set;
}

bool ground_plan(struct ground *ground, const char *file, struct plan_wish wish,
                 const char *variables)
{
    wish.is_only_a_plan = true;
    struct secret_changes *secrets = secret_changes_new(ground->life, ground->secrets);
    /* The plan has views into it: it goes with the ground. */
    (void)stage_file(ground, file, wish, variables, secrets);
    return ground->problems.count == 0;
}

bool ground_apply(struct ground *ground, const char *file, struct plan_wish wish,
                  const char *variables)
{
    struct secret_changes *secrets = secret_changes_new(ground->life, ground->secrets);
    struct change_set *set = stage_file(ground, file, wish, variables, secrets);
    if (!settle(ground, set)) return false;
    secret_changes_apply(secrets, ground->secrets);
    return true;
}

struct text ground_export(struct ground *ground)
{
    struct buf out = { 0 };
    struct file_export export = { .objects = ground->objects };
    export.secrets = secrets_names(ground->secrets, ground->life, &export.secret_count);
    file_write(&export, &out);
    struct text text = scope_keep(ground->life, buf_text(&out));
    buf_free(&out);
    return text;
}

/* --- looking -------------------------------------------------------------------------------- */

const struct object *ground_find(struct ground *ground, const struct object_type *type,
                                 const char *key)
{
    return object_set_find(ground->objects, type, OBJECT_TENANT_DEFAULT, text_of(key));
}

struct text ground_json(struct ground *ground, const struct object_type *type, const char *key)
{
    const struct object *object = ground_find(ground, type, key);
    return object ? object_stored_json(ground->life, object) : TEXT("");
}

static bool has_words(struct text in, const char *words)
{
    return memmem(in.at, in.len, words, strlen(words)) != NULL;
}

bool ground_complains(const struct ground *ground, const char *words)
{
    for (uint32_t i = 0; i < ground->problems.count; i++)
        if (has_words(ground->problems.at[i].words, words)) return true;
    for (uint32_t i = 0; i < ground->problems.count; i++)
        printf("# %.*s\n", TEXT_ARG(ground->problems.at[i].words));
    return false;
}

bool ground_warns(const struct ground *ground, const char *words)
{
    for (uint32_t i = 0; i < ground->warnings.count; i++)
        if (has_words(ground->warnings.at[i], words)) return true;
    return false;
}
