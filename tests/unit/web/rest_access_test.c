/* SPDX-License-Identifier: Apache-2.0 */
/* Each cell of the table of permissions over the administration REST (framework 3.3, 12.2). */
#include "access_cells.h"

#include <string.h>

#define CFG    "/api/cfg/v1/"
#define OBJECT CFG "<plural>/<path-key>"
#define TENANT "?tenant=<tenant>"
#define CHANGE                                                                                     \
    "{\"ops\":[{\"op\":\"update\",\"type\":\"<type>\",\"tenant\":\"<tenant>\",\"key\":\"<key>\","  \
    "\"value\":<patch>}]}"

static const struct {
    const char *method, *path, *body, *if_match;
} requests[DEEDS] = {
    [DEED_READ] = { "GET", OBJECT TENANT, NULL, NULL },
    [DEED_READ_DBID] = { "GET", CFG "<plural>/<dbid>" TENANT, NULL, NULL },
    [DEED_LIST] = { "GET", CFG "<plural>", NULL, NULL },
    [DEED_LIST_FILTERED] = { "GET",
                             CFG "<plural>" TENANT "&filter=annex.cell.option%20eq%20'<mark>'",
                             NULL, NULL },
    [DEED_CHANGES] = { "GET", CFG "changes?since=<since>&types=<type>", NULL, NULL },
    [DEED_EXPORT] = { "GET", CFG "export?types=<type>", NULL, NULL },
    [DEED_HISTORY] = { "GET", CFG "history?type=<type>&key=<path-key>", NULL, NULL },
    [DEED_HISTORY_OF_REVISION] = { "GET", CFG "history?rev=<rev>", NULL, NULL },
    [DEED_READ_ACL] = { "GET", OBJECT "/acl" TENANT, NULL, NULL },
    [DEED_EFFECTIVE] = { "GET", OBJECT "/effective" TENANT, NULL, NULL },
    [DEED_CHANGE_ACL_STALE] = { "PUT", OBJECT "/acl" TENANT, "{\"entries\":<more-entries>}",
                                "\"1\"" },
    [DEED_CHANGE_ACL] = { "PUT", OBJECT "/acl" TENANT, "{\"entries\":<more-entries>}", NULL },
    [DEED_CLEAR_ACL] = { "PUT", OBJECT "/acl" TENANT, "{\"entries\":<entries>}", NULL },
    [DEED_PLAN_UNDO] = { "POST", CFG "history/<rev>/undo?plan=true", NULL, NULL },
    [DEED_UNDO] = { "POST", CFG "history/<rev>/undo", NULL, NULL },
    [DEED_UPDATE] = { "PATCH", OBJECT TENANT, "<patch>", NULL },
    [DEED_UPDATE_DBID] = { "PATCH", CFG "<plural>/<dbid>" TENANT, "<patch>", NULL },
    [DEED_REPLACE] = { "PUT", OBJECT TENANT, "<whole>", NULL },
    [DEED_CHANGE_SET] = { "POST", CFG "changes", CHANGE, NULL },
    [DEED_PLAN] = { "POST", CFG "import?plan=true&overwrite=true", "<file>", NULL },
    [DEED_APPLY] = { "POST", CFG "import?overwrite=true", "<file>", NULL },
    [DEED_DELETE] = { "DELETE", OBJECT TENANT, NULL, NULL },
    [DEED_CREATE] = { "POST", CFG "<plural>" TENANT, "<json>", NULL },
    [DEED_CREATE_AGAIN] = { "POST", CFG "<plural>" TENANT, "<json>", NULL },
};

static struct access_answer ask_rest(struct access_trial *trial, enum access_deed deed)
{
    struct buf path = { 0 }, body = { 0 };
    access_fill(trial, requests[deed].path, &path);
    if (requests[deed].body) access_fill(trial, requests[deed].body, &body);
    struct access_answer answer = access_http(trial->world, requests[deed].method, path.at,
                                              trial->token, requests[deed].if_match, body.at);
    buf_free(&path);
    buf_free(&body);
    return answer;
}

TEST(every_cell_of_role_type_place_and_deed_over_rest_is_as_the_table_says)
{
    struct access_trial trial = { .world = access_world_new(), .ask = ask_rest };
    for (size_t i = 0; i < table_role_count; i++) {
        const struct table_role *role = &table_roles[i];
        if (!table_role_logs_in(role)) continue;
        trial.token = access_log_in(trial.world, role->person);
        CHECK(trial.token.len > 0);
        access_try_role(&trial, role);
    }
    print_message("# %u cells\n", trial.tried);
    CHECK_U32(trial.wrong, 0);
    access_world_free(trial.world);
}

/* --- who is not logged in ------------------------------------------------------------------- */

static void disable(struct access_world *world, const char *person)
{
    CHECK_OK(change(world->tool, "update", "Person", person, "{\"state\":\"disabled\"}"));
    loop_run_for(world->config->loop, 100);
}

static struct text log_out(struct access_world *world, const char *user)
{
    struct text token = access_log_in(world, user);
    CHECK_U32(access_http(world, "POST", "/api/cfg/v1/logout", token, NULL, NULL).status, 204);
    return token;
}

TEST(without_a_session_every_cell_is_closed_whatever_is_there)
{
    struct access_trial trial = { .world = access_world_new(), .ask = ask_rest };
    struct access_world *world = trial.world;
    struct text disabled = access_log_in(world, "may-x");
    struct text expired = access_log_in(world, "default"), fresh;
    loop_run_for(world->config->loop, UINT64_C(9) * 3600 * 1000);
    disable(world, "may-x");
    const struct text tokens[] = { TEXT(""), TEXT("not-a-token"), log_out(world, "default"),
                                   disabled, expired };
    for (size_t i = 0; i < sizeof tokens / sizeof tokens[0]; i++) {
        trial.token = tokens[i];
        access_try_nobody(&trial, &table_roles[0], 401, "NoSession");
    }
    access_set_password(world, "adm", true);
    fresh = access_log_in(world, "adm");
    CHECK(fresh.len > 0);
    trial.token = fresh;
    access_try_nobody(&trial, &table_roles[0], 403, "MustChangePassword");
    print_message("# %u cells\n", trial.tried);
    CHECK_U32(trial.wrong, 0);
    access_world_free(world);
}

static struct text refusal_of(struct access_world *world, const char *user, const char *password)
{
    struct buf body = { 0 };
    buf_format(&body, "{\"user\":\"%s\",\"password\":\"%s\"}", user, password);
    buf_add_byte(&body, 0);
    struct access_answer answer =
        access_http(world, "POST", "/api/cfg/v1/login", TEXT(""), NULL, body.at);
    buf_free(&body);
    CHECK_U32(answer.status, 401);
    return scope_keep(world->config->life, answer.body);
}

TEST(a_log_in_is_refused_in_one_way_whoever_it_is)
{
    struct access_world *world = access_world_new();
    access_set_password(world, "off", false);
    struct text unknown = refusal_of(world, "ghost", "Correct-Horse-1");
    CHECK(text_eq(refusal_of(world, "off", "Correct-Horse-1"), unknown));
    CHECK(text_eq(refusal_of(world, "adm", "Wrong-Horse-1"), unknown));
    access_world_free(world);
}

/* Told by the store itself, so no cell of the table: who may read the person may read it. */
TEST(last_log_ins_are_seen_by_who_sees_the_persons)
{
    struct access_world *world = access_world_new();
    (void)access_log_in(world, "tusr");
    for (size_t i = 0; i < table_role_count; i++) {
        const struct table_role *role = &table_roles[i];
        if (!table_role_logs_in(role)) continue;
        struct access_answer answer = access_http(world, "GET", "/api/cfg/v1/personLastLogins",
                                                  access_log_in(world, role->person), NULL, NULL);
        bool is_told = memmem(answer.body.at, answer.body.len, "\"tusr\"", 6) != NULL;
        if (is_told != (role->may[PLACE_TENANT][0] == 'R'))
            fail_msg("%s: %.*s", role->name, TEXT_ARG(answer.body));
    }
    access_world_free(world);
}
