/* SPDX-License-Identifier: Apache-2.0 */
/* What became of the configuration, told over links, and the way back (framework 3.6). */
#include "world.h"

#include "format/json.h"
#include "servers/config/history.h"
#include "servers/config/undo.h"

#include <stdio.h>
#include <string.h>

#define ADDRESS "127.0.0.1:2020"

static const struct config_history *history(struct asker *asker, struct config_read_history asked)
{
    CHECK_OK(ask(asker, &MSG_CONFIG_READ_HISTORY, &asked));
    return asker->world->fields;
}

static enum err undo(struct asker *asker, uint64_t rev, bool is_plan)
{
    struct config_undo asked = { .head.has = CONFIG_UNDO_HAS_REV | CONFIG_UNDO_HAS_PLAN,
                                 .rev = rev,
                                 .plan = is_plan };
    return ask(asker, &MSG_CONFIG_UNDO, &asked);
}

static bool exists(struct asker *asker, const char *type, const char *key)
{
    struct config_read read = { .head.has = CONFIG_READ_HAS_TYPE | CONFIG_READ_HAS_KEY,
                                .type = text_of(type),
                                .key = text_of(key) };
    CHECK_OK(ask(asker, &MSG_CONFIG_READ, &read));
    return ((const struct config_objects *)asker->world->fields)->objects.count > 0;
}

/* From now on `who` asks, who may everything. One revision. */
static void speak_for(struct asker *asker, const char *who)
{
    char file[512];
    snprintf(file, sizeof file,
             FILE_HEAD "\"persons\":[{\"employeeId\":\"%s\",\"userName\":\"%s\"}],"
                       "\"accessGroups\":[{\"name\":\"Super Administrators\",\"type\":"
                       "\"SuperAdministrators\",\"persons\":[\"%s\"]}]}",
             who, who, who);
    CHECK_OK(apply_file(asker, file));
    asker->header.person = text_of(who);
}

/* --- history -------------------------------------------------------------------------------- */

TEST(each_change_tells_who_what_when_and_from_where_the_latest_first)
{
    struct world *world = world_new();
    struct asker *tool = asker_new(world, "tool", ADDRESS, "config");
    speak_for(tool, "anna");
    CHECK_OK(
        change(tool, "create", "Place", NULL, "{\"name\":\"p\",\"annex\":{\"s\":{\"c\":\"a\"}}}"));
    CHECK_OK(change(tool, "update", "Place", "p", "{\"annex\":{\"s\":{\"c\":\"b\"}}}"));
    CHECK_OK(change(tool, "delete", "Place", "p", NULL));
    const struct config_history *all =
        history(tool, (struct config_read_history){ .head.has = CONFIG_READ_HISTORY_HAS_TYPE,
                                                    .type = TEXT("Place") });
    CHECK_U32(all->rows.count, 3);
    const struct config_history_row *row = &all->rows.at[0];
    CHECK_TEXT(row->op, "delete");
    CHECK_TEXT(all->rows.at[2].op, "create");
    row = &all->rows.at[1];
    CHECK_TEXT(row->op, "update");
    CHECK_TEXT(row->person, "anna");
    CHECK_TEXT(row->application, "tool");
    CHECK(row->address.len > 0 && row->time > 0 && row->rev == 4);
    CHECK_TEXT(row->key, "p");
    CHECK_U32(row->properties.count, 1);
    CHECK_TEXT(row->properties.at[0].path, "annex.s.c");
    CHECK_TEXT(row->properties.at[0].old, "\"a\"");
    CHECK_TEXT(row->properties.at[0].new, "\"b\"");
    asker_free(tool);
    world_free(world);
}

TEST(an_object_is_followed_through_its_names_and_other_filters_leave_out)
{
    struct world *world = world_new();
    struct asker *tool = asker_new(world, "tool", ADDRESS, "config");
    CHECK_OK(change(tool, "create", "Place", NULL, "{\"name\":\"p\"}"));
    speak_for(tool, "anna");
    CHECK_OK(change(tool, "update", "Place", "p", "{\"name\":\"q\"}"));
    CHECK_OK(change(tool, "create", "Place", NULL, "{\"name\":\"other\"}"));
    struct config_read_history asked = { .head.has = CONFIG_READ_HISTORY_HAS_TYPE |
                                                     CONFIG_READ_HISTORY_HAS_KEY,
                                         .type = TEXT("Place"),
                                         .key = TEXT("q") };
    CHECK_U32(history(tool, asked)->rows.count, 2);
    asked = (struct config_read_history){ .head.has = CONFIG_READ_HISTORY_HAS_PERSON,
                                          .person = TEXT("anna") };
    CHECK_U32(history(tool, asked)->rows.count, 2);
    asked = (struct config_read_history){ .head.has = CONFIG_READ_HISTORY_HAS_REV, .rev = 2 };
    CHECK_U32(history(tool, asked)->rows.count, 1);
    uint64_t now_utc_ms = loop_now_utc_ms(world->loop);
    asked = (struct config_read_history){ .head.has = CONFIG_READ_HISTORY_HAS_SINCE,
                                          .since = now_utc_ms + 1 };
    CHECK_U32(history(tool, asked)->rows.count, 0);
    asker_free(tool);
    world_free(world);
}

TEST(pages_join_without_a_gap_or_a_row_twice)
{
    struct world *world = world_new();
    struct asker *tool = asker_new(world, "tool", ADDRESS, "config");
    struct buf file = { 0 };
    buf_add_z(&file, FILE_HEAD "\"places\":[");
    for (int i = 0; i < 25; i++) buf_format(&file, "{\"name\":\"p%02d\"},", i);
    buf_add_z(&file, "]}");
    buf_add_byte(&file, '\0');
    CHECK_OK(apply_file(tool, file.at));
    buf_free(&file);
    struct config_read_history asked = { .head.has = CONFIG_READ_HISTORY_HAS_TYPE |
                                                     CONFIG_READ_HISTORY_HAS_LIMIT,
                                         .type = TEXT("Place"),
                                         .limit = 7 };
    char before[64];
    for (uint32_t seen = 0, pages = 0; seen < 25; pages++) {
        const struct config_history *page = history(tool, asked);
        CHECK(pages < 4 && page->rows.count <= 7);
        for (uint32_t i = 0; i < page->rows.count; i++) {
            char name[16];
            snprintf(name, sizeof name, "p%02u", 24 - seen++);
            CHECK_TEXT(page->rows.at[i].key, name);
        }
        if (!SHAPE_HAS(page, CONFIG_HISTORY_HAS_BEFORE)) CHECK_U32(seen, 25);
        CHECK_OK(text_to_z(page->before, before, sizeof before));
        asked.before = text_of(before);
        asked.head.has |= CONFIG_READ_HISTORY_HAS_BEFORE;
    }
    asked.before = TEXT("nonsense");
    CHECK(ask(tool, &MSG_CONFIG_READ_HISTORY, &asked) == ERR_INVALID);
    asker_free(tool);
    world_free(world);
}

TEST(a_password_in_clear_is_told_as_stars)
{
    struct world *world = world_new();
    struct asker *tool = asker_new(world, "tool", ADDRESS, "config");
    CHECK_OK(change(tool, "create", "Place", NULL,
                    "{\"name\":\"p\",\"annex\":{\"db\":{\"user\":\"sa\",\"password\":\"open\"}}}"));
    CHECK_OK(
        change(tool, "update", "Place", "p", "{\"annex\":{\"db\":{\"password\":\"sesame\"}}}"));
    struct config_read_history asked = { .head.has = CONFIG_READ_HISTORY_HAS_TYPE,
                                         .type = TEXT("Place") };
    (void)history(tool, asked);
    CHECK(answer_has(world, "***") && answer_has(world, "sa"));
    CHECK(!answer_has(world, "open") && !answer_has(world, "sesame"));
    asker_free(tool);
    world_free(world);
}

static uint32_t rows_of(struct asker *tool, const char *op)
{
    const struct config_history *all =
        history(tool, (struct config_read_history){ .head.has = CONFIG_READ_HISTORY_HAS_REV });
    uint32_t count = 0;
    for (uint32_t i = 0; i < all->rows.count; i++)
        count += text_eq(all->rows.at[i].op, text_of(op));
    return count;
}

TEST(F29_a_new_password_and_log_ins_are_told_with_who_and_where_and_never_the_password)
{
    struct world *world = world_new();
    struct asker *tool = asker_new(world, "tool", ADDRESS, "config");
    CHECK_OK(change(tool, "create", "Person", NULL,
                    "{\"employeeId\":\"anna\",\"userName\":\"anna\",\"isAgent\":true}"));
    struct config_set_password set = {
        .head.has = CONFIG_SET_PASSWORD_HAS_USER_NAME | CONFIG_SET_PASSWORD_HAS_NEW_PASSWORD |
                    CONFIG_SET_PASSWORD_HAS_APPLICATION | CONFIG_SET_PASSWORD_HAS_ADDRESS,
        .user_name = TEXT("anna"),
        .new_password = TEXT("correct horse battery"),
        .application = TEXT("console"),
        .address = TEXT("127.0.0.1:4711"),
    };
    speak_for(tool, "boss");
    CHECK_OK(ask(tool, &MSG_CONFIG_SET_PASSWORD, &set));
    struct config_authenticate login = {
        .head.has = CONFIG_AUTHENTICATE_HAS_USER_NAME | CONFIG_AUTHENTICATE_HAS_PASSWORD |
                    CONFIG_AUTHENTICATE_HAS_APPLICATION,
        .user_name = TEXT("anna"),
        .password = TEXT("a guess of mine"),
        .application = TEXT("console"),
    };
    CHECK(ask(tool, &MSG_CONFIG_AUTHENTICATE, &login) != ERR_OK);
    const struct config_history *all =
        history(tool, (struct config_read_history){ .head.has = CONFIG_READ_HISTORY_HAS_REV });
    CHECK_U32(all->rows.count, 2);
    const struct config_history_row *row = &all->rows.at[1];
    CHECK_TEXT(row->op, "password");
    CHECK_TEXT(row->person, "boss");
    CHECK_TEXT(row->application, "console");
    CHECK_TEXT(row->address, "127.0.0.1:4711");
    CHECK_TEXT(row->key, "anna");
    CHECK_TEXT(row->properties.at[0].new, "\"***\"");
    CHECK_TEXT(all->rows.at[0].op, "refused");
    CHECK(!answer_has(world, "horse") && !answer_has(world, "guess"));
    CHECK_U32(rows_of(tool, "login"), 0);
    asker_free(tool);
    world_free(world);
}

/* --- undo ----------------------------------------------------------------------------------- */

TEST(a_deleted_object_comes_back_with_its_dbid_and_a_created_one_goes)
{
    struct world *world = world_new();
    struct asker *tool = asker_new(world, "tool", ADDRESS, "config");
    CHECK_OK(
        change(tool, "create", "Place", NULL, "{\"name\":\"p\",\"annex\":{\"s\":{\"c\":\"c\"}}}"));
    CHECK_OK(change(tool, "create", "Place", NULL, "{\"name\":\"q\"}"));
    struct text whole = export_all(tool);
    CHECK_OK(change(tool, "delete", "Place", "p", NULL));
    CHECK_OK(undo(tool, 4, true));
    CHECK_I64(answer_rev(world), 4);
    CHECK(answer_has(world, "\"op\":\"create\"") && answer_has(world, "\"key\":\"p\""));
    CHECK(!exists(tool, "Place", "p"));
    CHECK_OK(undo(tool, 4, false));
    CHECK_I64(answer_rev(world), 5);
    CHECK(exists(tool, "Place", "p") && answer_has(world, "\"dbid\":1"));
    CHECK(text_eq(export_all(tool), whole));
    CHECK_OK(undo(tool, 3, false));
    CHECK(!exists(tool, "Place", "q"));
    CHECK_OK(undo(tool, 6, false)); /* of the undo */
    CHECK(text_eq(export_all(tool), whole));
    asker_free(tool);
    world_free(world);
}

TEST(what_stands_beside_a_change_stays_and_what_changed_again_is_a_conflict)
{
    struct world *world = world_new();
    struct asker *tool = asker_new(world, "tool", ADDRESS, "config");
    CHECK_OK(change(tool, "create", "Place", NULL,
                    "{\"name\":\"p\",\"site\":\"a\",\"annex\":{\"s\":{\"x\":\"1\"}}}"));
    CHECK_OK(
        change(tool, "update", "Place", "p", "{\"site\":\"b\",\"annex\":{\"s\":{\"x\":\"2\"}}}"));
    CHECK_OK(change(tool, "update", "Place", "p", "{\"annex\":{\"s\":{\"y\":\"3\"}}}"));
    CHECK_OK(undo(tool, 3, false));
    CHECK(exists(tool, "Place", "p"));
    CHECK(answer_has(world, "\\\"site\\\":\\\"a\\\"") && answer_has(world, "\\\"x\\\":\\\"1\\\"") &&
          answer_has(world, "\\\"y\\\":\\\"3\\\""));
    CHECK_OK(change(tool, "update", "Place", "p", "{\"site\":\"z\"}"));
    CHECK(undo(tool, 5, false) == ERR_CONFLICT);
    CHECK_TEXT(world->name, "CFGRevMismatch");
    CHECK(answer_has(world, "places[p].site: was changed again since"));
    CHECK(!answer_has(world, "annex"));
    asker_free(tool);
    world_free(world);
}

TEST(references_are_checked_again_when_something_is_taken_back)
{
    struct world *world = world_new();
    struct asker *tool = asker_new(world, "tool", ADDRESS, "config");
    CHECK_OK(change(tool, "create", "Host", NULL, "{\"name\":\"h\"}"));
    CHECK_OK(change(tool, "create", "Application", NULL,
                    "{\"name\":\"a\",\"template\":\"CMServer\",\"host\":\"h\"}"));
    CHECK(undo(tool, 2, false) == ERR_CONFLICT);
    CHECK_TEXT(world->name, "CFGInUse");
    CHECK(answer_has(world, "applications[a]"));
    CHECK_OK(change(tool, "delete", "Application", "a", NULL));
    CHECK_OK(change(tool, "delete", "Host", "h", NULL));
    CHECK(undo(tool, 4, false) == ERR_INVALID); /* its host is not there */
    CHECK_OK(undo(tool, 5, false));
    CHECK_OK(undo(tool, 4, false));
    CHECK(undo(tool, 99, true) == ERR_NOT_FOUND);
    asker_free(tool);
    world_free(world);
}

TEST(permissions_go_back_to_what_they_were_unless_they_changed_again)
{
    struct world *world = world_new();
    struct asker *tool = asker_new(world, "tool", ADDRESS, "config");
    CHECK_OK(apply_file(tool, FILE_HEAD "\"persons\":[{\"employeeId\":\"anna\",\"userName\":"
                                        "\"anna\"}],\"places\":[{\"name\":\"p\"}]}"));
    struct config_acl_entry entry = { .head.has = CONFIG_ACL_ENTRY_HAS_ACCOUNT |
                                                  CONFIG_ACL_ENTRY_HAS_MASK,
                                      .account = TEXT("person:anna"),
                                      .mask = TEXT("RX") };
    struct config_change_acl set = { .head.has = CONFIG_CHANGE_ACL_HAS_TYPE |
                                                 CONFIG_CHANGE_ACL_HAS_KEY |
                                                 CONFIG_CHANGE_ACL_HAS_ENTRIES,
                                     .type = TEXT("Place"),
                                     .key = TEXT("p"),
                                     .entries = { &entry, 1 } };
    struct config_read_acl read = { .head.has = CONFIG_READ_ACL_HAS_TYPE | CONFIG_READ_ACL_HAS_KEY,
                                    .type = TEXT("Place"),
                                    .key = TEXT("p") };
    CHECK_OK(ask(tool, &MSG_CONFIG_CHANGE_ACL, &set));
    uint64_t first = answer_rev(world);
    entry.mask = TEXT("RCHXD");
    CHECK_OK(ask(tool, &MSG_CONFIG_CHANGE_ACL, &set));
    CHECK(undo(tool, first, false) == ERR_CONFLICT);
    CHECK(answer_has(world, "places[p].acl[person:anna]: was changed again since"));
    CHECK_OK(undo(tool, first + 1, true));
    CHECK(answer_has(
        world, "\"path\":\"acl[person:anna]\",\"old\":\"\\\"RCHXD\\\"\",\"new\":\"\\\"RX\\\"\""));
    CHECK_OK(undo(tool, first + 1, false));
    CHECK_OK(ask(tool, &MSG_CONFIG_READ_ACL, &read));
    CHECK(answer_has(world, "\"mask\":\"RX\""));
    CHECK_OK(undo(tool, first, false));
    CHECK_OK(ask(tool, &MSG_CONFIG_READ_ACL, &read));
    CHECK(!answer_has(world, "person:anna"));
    asker_free(tool);
    world_free(world);
}

/* --- the rules alone ------------------------------------------------------------------------ */

struct heard {
    char paths[256];
};

static void hear(void *self, struct text path)
{
    struct heard *heard = self;
    size_t len = strlen(heard->paths);
    snprintf(heard->paths + len, sizeof heard->paths - len, "%.*s ", TEXT_ARG(path));
}

static struct text merged(struct scope *scope, const char *before, const char *after,
                          const char *now, struct heard *heard)
{
    struct kv bodies[3], out;
    struct fault fault;
    const char *const texts[] = { before, after, now };
    struct undo_conflicts conflicts = { hear, heard };
    struct buf json = { 0 };
    for (int i = 0; i < 3; i++)
        CHECK_OK(json_read_kv(text_of(texts[i]), scope, &bodies[i], &fault));
    *heard = (struct heard){ 0 };
    bool is_free = undo_merge(scope, OBJECT_APPLICATION.shape, &bodies[0], &bodies[1], &bodies[2],
                              &conflicts, &out);
    CHECK(is_free == (heard->paths[0] == '\0'));
    kv_to_json(&json, &out);
    struct text text = scope_keep(scope, buf_text(&json));
    buf_free(&json);
    return text;
}

TEST(merging_follows_names_of_items_and_keeps_the_order_of_options)
{
    struct scope *scope = scope_new(NULL, "test", SCOPE_NO_LIMIT);
    struct heard heard;
    CHECK_TEXT(merged(scope,
                      "{\"ports\":[{\"id\":\"a\",\"number\":1},{\"id\":\"b\",\"number\":2}]}",
                      "{\"ports\":[{\"id\":\"b\",\"number\":2}]}",
                      "{\"ports\":[{\"id\":\"b\",\"number\":7}]}", &heard),
               "{\"ports\":[{\"id\":\"a\",\"number\":1},{\"id\":\"b\",\"number\":7}]}");
    CHECK_TEXT(merged(scope, "{\"options\":{\"s\":{\"a\":\"1\",\"b\":\"2\",\"c\":\"3\"}}}",
                      "{\"options\":{\"s\":{\"a\":\"1\",\"c\":\"3\"}}}",
                      "{\"options\":{\"s\":{\"a\":\"9\",\"c\":\"3\"}}}", &heard),
               "{\"options\":{\"s\":{\"a\":\"9\",\"b\":\"2\",\"c\":\"3\"}}}");
    (void)merged(scope, "{\"options\":{\"s\":{\"a.b\":\"1\"}}}",
                 "{\"options\":{\"s\":{\"a.b\":\"2\"}}}", "{\"options\":{\"s\":{}}}", &heard);
    CHECK_TEXT(text_of(heard.paths), "options.s.a.b ");
    CHECK_TEXT(merged(scope, "{\"name\":\"a\"}", "{\"name\":\"a\",\"version\":\"1\"}",
                      "{\"name\":\"a\"}", &heard),
               "{\"name\":\"a\"}");
    scope_close(scope);
}

TEST(a_cursor_reads_back_and_another_one_is_refused)
{
    struct scope *scope = scope_new(NULL, "test", SCOPE_NO_LIMIT);
    struct history_place place = { true, 1700000000000, 12, 0 }, back;
    CHECK(history_place_read(history_place_format(scope, &place), &back));
    CHECK(back.is_account && back.utc_ms == place.utc_ms && back.major == 12);
    static const char *const bad[] = {
        "", "h", "h.1.2", "x.1.2.3", "h.1.2.", "h.-1.2.3", "h.a.b.c"
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        CHECK(!history_place_read(text_of(bad[i]), &back));
    struct history_place rev = { false, 5, 9, 1 }, account = { true, 5, 100, 0 };
    CHECK(history_is_later(&rev, &account) && !history_is_later(&account, &rev));
    scope_close(scope);
}
