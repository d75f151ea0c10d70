/* SPDX-License-Identifier: Apache-2.0 */
/* Each cell of the table of permissions over a desktop's WebSocket (framework 12.2; the protocol is
 * src/servers/web/README.md). */
#include "access_cells.h"

#include <string.h>

#define OBJECT           "\"type\":\"<type>\",\"tenant\":\"<tenant>\",\"key\":\"<key>\""
#define DBID             "\"type\":\"<type>\",\"tenant\":\"<tenant>\",\"key\":\"<dbid>\""
#define CHANGE(op, more) "{\"ops\":[{\"op\":\"" op "\"," more OBJECT "}]}"
#define VALUE(what)      "\"value\":<q:" what ">,"

static const struct {
    const char *message, *fields;
} requests[DEEDS] = {
    [DEED_READ] = { "Read", "{" OBJECT "}" },
    [DEED_READ_DBID] = { "Read", "{" DBID "}" },
    [DEED_LIST] = { "Read", "{\"type\":\"<type>\"}" },
    [DEED_LIST_FILTERED] = { "Read", "{\"type\":\"<plural>\",\"tenant\":\"<tenant>\","
                                     "\"filter\":\"annex.cell.option eq '<mark>'\"}" },
    [DEED_CHANGES] = { "ReadChanges", "{\"since\":<since>,\"types\":[\"<type>\"]}" },
    [DEED_EXPORT] = { "Export", "{\"types\":[\"<type>\"]}" },
    [DEED_HISTORY] = { "ReadHistory", "{\"type\":\"<type>\",\"key\":\"<key>\"}" },
    [DEED_HISTORY_OF_REVISION] = { "ReadHistory", "{\"rev\":<rev>}" },
    [DEED_READ_ACL] = { "ReadAcl", "{" OBJECT "}" },
    [DEED_EFFECTIVE] = { "ReadEffective", "{" OBJECT "}" },
    [DEED_CHANGE_ACL_STALE] = { "ChangeAcl", "{" OBJECT ",\"entries\":<more-entries>,\"rev\":1}" },
    [DEED_CHANGE_ACL] = { "ChangeAcl", "{" OBJECT ",\"entries\":<more-entries>}" },
    [DEED_CLEAR_ACL] = { "ChangeAcl", "{" OBJECT ",\"entries\":<entries>}" },
    [DEED_PLAN_UNDO] = { "Undo", "{\"rev\":<rev>,\"plan\":true}" },
    [DEED_UNDO] = { "Undo", "{\"rev\":<rev>}" },
    [DEED_UPDATE] = { "ChangeSet", CHANGE("update", VALUE("patch")) },
    [DEED_UPDATE_DBID] = { "ChangeSet",
                           "{\"ops\":[{\"op\":\"update\",\"value\":<q:patch>," DBID "}]}" },
    [DEED_REPLACE] = { "ChangeSet", CHANGE("replace", VALUE("whole")) },
    [DEED_CHANGE_SET] = { "ChangeSet", "{\"comment\":\"with words\",\"ops\":[{\"op\":\"update\","
                                       "\"value\":<q:patch>," OBJECT "}]}" },
    [DEED_PLAN] = { "Plan", "{\"text\":<q:file>,\"overwrite\":true}" },
    [DEED_APPLY] = { "Apply", "{\"text\":<q:file>,\"overwrite\":true}" },
    [DEED_DELETE] = { "ChangeSet", CHANGE("delete", "") },
    [DEED_CREATE] = { "ChangeSet", CHANGE("create", VALUE("json")) },
    [DEED_CREATE_AGAIN] = { "ChangeSet", CHANGE("create", VALUE("json")) },
};

static struct access_answer ask_frame(struct access_trial *trial, enum access_deed deed)
{
    struct buf fields = { 0 };
    access_fill(trial, requests[deed].fields, &fields);
    struct access_answer answer =
        access_frame(trial->desktop, "config", requests[deed].message, fields.at);
    buf_free(&fields);
    return answer;
}

TEST(every_cell_of_role_type_place_and_deed_over_a_websocket_is_as_the_table_says)
{
    struct access_trial trial = { .world = access_world_new(), .ask = ask_frame };
    for (size_t i = 0; i < table_role_count; i++) {
        const struct table_role *role = &table_roles[i];
        unsigned status;
        if (!table_role_logs_in(role)) continue;
        trial.desktop =
            access_desktop_open(trial.world, access_log_in(trial.world, role->person), &status);
        CHECK_U32(status, 101);
        access_try_role(&trial, role);
        access_desktop_close(trial.desktop);
    }
    print_message("# %u cells\n", trial.tried);
    CHECK_U32(trial.wrong, 0);
    access_world_free(trial.world);
}

static unsigned handshake(struct access_world *world, struct text token)
{
    unsigned status;
    access_desktop_close(access_desktop_open(world, token, &status));
    return status;
}

TEST(without_a_session_there_is_no_desktop)
{
    struct access_world *world = access_world_new();
    struct text gone = access_log_in(world, "default");
    CHECK_U32(access_http(world, "POST", "/api/cfg/v1/logout", gone, NULL, NULL).status, 204);
    const struct text tokens[] = { TEXT(""), TEXT("not-a-token"), gone };
    for (size_t i = 0; i < sizeof tokens / sizeof tokens[0]; i++)
        CHECK_U32(handshake(world, tokens[i]), 401);
    access_set_password(world, "adm", true);
    CHECK_U32(handshake(world, access_log_in(world, "adm")), 403);
    access_world_free(world);
}

TEST(what_servers_ask_config_alone_does_not_exist_for_anybody_at_a_desktop)
{
    enum { NUMBERS = 1000 };
    struct access_world *world = access_world_new();
    uint32_t tried = 0;
    for (size_t i = 0; i < table_role_count; i++) {
        const struct table_role *role = &table_roles[i];
        unsigned status;
        if (!table_role_logs_in(role)) continue;
        struct access_desktop *desktop =
            access_desktop_open(world, access_log_in(world, role->person), &status);
        struct access_answer nothing = access_frame(desktop, "config", "NoSuchThing", "{}");
        struct text words = scope_keep(world->config->life, nothing.body);
        for (uint32_t number = 0; number < NUMBERS; number++) {
            const struct msg *msg = msg_find(number);
            if (msg == NULL || strcmp(msg->protocol, "config") != 0) continue;
            if (msg->reply && msg->access != ACCESS_SERVERS) continue;
            struct access_answer answer = access_frame(desktop, "config", msg->name, "{}");
            CHECK_U32(answer.status, 404);
            CHECK(text_eq(answer.body, words));
            tried++;
        }
        access_desktop_close(desktop);
    }
    print_message("# %u messages\n", tried);
    CHECK(tried > 0);
    access_world_free(world);
}

TEST(a_frame_that_names_somebody_else_is_answered_as_without)
{
    static const char *const fields[] = { "person", "tenant", "application", "header", "account" };
    struct access_world *world = access_world_new();
    unsigned status;
    struct access_desktop *desktop =
        access_desktop_open(world, access_log_in(world, "may-not"), &status);
    struct access_answer plain = access_frame(desktop, "config", "Read", "{\"type\":\"Skill\"}");
    struct text words = scope_keep(world->config->life, plain.body);
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        const char *frame = scope_format(world->config->life, "{\"type\":\"Skill\",\"%s\":\"%s\"}",
                                         fields[i], "default")
                                .at;
        CHECK(text_eq(access_frame(desktop, "config", "Read", frame).body, words));
    }
    access_desktop_close(desktop);
    access_world_free(world);
}
