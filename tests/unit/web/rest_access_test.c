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
