/* SPDX-License-Identifier: Apache-2.0 */
/* Permissions as people and servers meet them: the scenarios and examples of framework 12 and 17,
 * over links, on a virtual clock. The table of all cells is access_matrix_test.c. */
#include "world.h"

#include "servers/config/server.h"

#include <stdio.h>
#include <string.h>

#define ADDRESS "127.0.0.1:2020"

struct scene {
    struct world *world;
    struct asker *tool;
};

static const char centre[] = FILE_HEAD
    "\"tenants\":[{\"name\":\"T\"}],\"hosts\":[{\"name\":\"h\",\"ipAddress\":\"127.0.0.1\"}],"
    "\"applications\":[{\"name\":\"web\",\"template\":\"WebAPIServer\",\"host\":\"h\"},"
    "{\"name\":\"control\",\"template\":\"SCS\",\"host\":\"h\"},"
    "{\"name\":\"GMS_812_node1\",\"template\":\"GenericServer\"}],"
    "\"persons\":[{\"employeeId\":\"ann\",\"userName\":\"ann\"},"
    "{\"employeeId\":\"GMS Admin\",\"userName\":\"gms\"}],"
    "\"accessGroups\":[{\"name\":\"G\",\"persons\":[\"ann\"]}]}";

static struct scene begin(void)
{
    struct scene scene = { .world = world_new() };
    scene.tool = asker_new(scene.world, "tool", ADDRESS, "config");
    CHECK_OK(apply_file(scene.tool, centre));
    return scene;
}

static void end(struct scene *scene)
{
    asker_free(scene->tool);
    world_free(scene->world);
}

/* A link of web that speaks for a person. */
static struct asker *as_person(struct scene *scene, const char *employee_id)
{
    struct asker *asker = asker_new(scene->world, "web", ADDRESS, "config");
    asker->header.person = text_of(employee_id);
    asker->header.tenant = TEXT("Environment");
    return asker;
}

struct grant {
    const char *account, *mask;
    bool stays; /* does not propagate */
};

static enum err grant_many(struct asker *asker, const char *type, const char *key,
                           const struct grant *grants, uint32_t count)
{
    struct config_acl_entry entries[8];
    for (uint32_t i = 0; i < count; i++)
        entries[i] = (struct config_acl_entry){
            .head.has = CONFIG_ACL_ENTRY_HAS_ACCOUNT | CONFIG_ACL_ENTRY_HAS_MASK |
                        CONFIG_ACL_ENTRY_HAS_PROPAGATE,
            .account = text_of(grants[i].account),
            .mask = text_of(grants[i].mask),
            .propagate = !grants[i].stays,
        };
    struct config_change_acl fields = {
        .head.has = CONFIG_CHANGE_ACL_HAS_TYPE | CONFIG_CHANGE_ACL_HAS_KEY |
                    CONFIG_CHANGE_ACL_HAS_ENTRIES,
        .type = text_of(type),
        .key = text_of(key),
        .entries = { entries, count },
    };
    return ask(asker, &MSG_CONFIG_CHANGE_ACL, &fields);
}

static enum err grant(struct asker *asker, const char *type, const char *key, const char *account,
                      const char *mask)
{
    struct grant one = { account, mask, false };
    return grant_many(asker, type, key, &one, 1);
}

static void check_effective(struct scene *scene, const char *type, const char *key,
                            const char *account, const char *mask)
{
    struct config_read_effective fields = {
        .head.has = CONFIG_READ_EFFECTIVE_HAS_TYPE | CONFIG_READ_EFFECTIVE_HAS_KEY |
                    CONFIG_READ_EFFECTIVE_HAS_ACCOUNT,
        .type = text_of(type),
        .key = text_of(key),
        .account = text_of(account),
    };
    CHECK_OK(ask(scene->tool, &MSG_CONFIG_READ_EFFECTIVE, &fields));
    const struct config_effective *effective = scene->world->fields;
    CHECK_TEXT(effective->mask, mask);
}

/* --- scenarios ------------------------------------------------------------------------------ */

TEST(F7_who_may_only_read_an_application_cannot_change_its_options)
{
    struct scene scene = begin();
    CHECK_OK(grant(scene.tool, "Application", "GMS_812_node1", "person:ann", "R"));
    struct asker *ann = as_person(&scene, "ann");
    CHECK(change(ann, "update", "Application", "GMS_812_node1",
                 "{\"options\":{\"s\":{\"o\":\"1\"}}}") == ERR_DENIED);
    CHECK_I64(scene.world->code, 403);
    CHECK_TEXT(scene.world->name, "CFGNoPermission");
    CHECK_TEXT(scene.world->object_type, "CFGApplication");
    CHECK_TEXT(scene.world->field, "CFGDBID");
    CHECK(change(ann, "update", "Application", "web", "{\"options\":{\"s\":{\"o\":\"1\"}}}") ==
          ERR_NOT_FOUND);
    CHECK_I64(scene.world->code, 404);
    asker_free(ann);
    end(&scene);
}

TEST(F8_a_tenant_whose_permissions_propagate_takes_the_place_of_those_inside)
{
    struct scene scene = begin();
    CHECK_OK(change(scene.tool, "create", "Enumerator", NULL, "{\"name\":\"Category Structure\"}"));
    CHECK_OK(grant(scene.tool, "Enumerator", "Category Structure", "group:G", "Full Control"));
    check_effective(&scene, "Enumerator", "Category Structure", "group:G", "RCHXDEP");
    CHECK_OK(grant(scene.tool, "Tenant", "Environment", "group:G", "Read & Execute"));
    check_effective(&scene, "Enumerator", "Category Structure", "group:G", "RX");
    CHECK_OK(grant(scene.tool, "Enumerator", "Category Structure", "group:G", "Full Control"));
    check_effective(&scene, "Enumerator", "Category Structure", "group:G", "RCHXDEP");
    /* Of another account nothing moves. */
    CHECK_OK(grant(scene.tool, "Tenant", "Environment", "person:ann", "R"));
    check_effective(&scene, "Enumerator", "Category Structure", "group:G", "RCHXDEP");
    end(&scene);
}

TEST(F29_a_change_of_permissions_is_in_the_history_with_old_and_new_mask)
{
    struct scene scene = begin();
    struct asker *boss = as_person(&scene, "default");
    CHECK_OK(grant(boss, "Application", "web", "group:G", "R"));
    CHECK_OK(grant(boss, "Application", "web", "group:G", "Change"));
    struct config_read_history read = { .head.has = CONFIG_READ_HISTORY_HAS_REV,
                                        .rev = answer_rev(scene.world) };
    CHECK_OK(ask(scene.tool, &MSG_CONFIG_READ_HISTORY, &read));
    CHECK(answer_has(scene.world, "\"person\":\"default\",\"application\":\"web\""));
    CHECK(answer_has(scene.world, "\"op\":\"acl\",\"type\":\"Application\""));
    CHECK(answer_has(scene.world, "\"path\":\"acl[group:G]\""));
    CHECK(answer_has(scene.world, "RCHXD"));
    asker_free(boss);
    end(&scene);
}

/* --- the examples of 12.2 ------------------------------------------------------------------- */

TEST(example_a_GMS_under_its_administrator_writes_its_application_and_lists)
{
    struct scene scene = begin();
    CHECK_OK(change(scene.tool, "create", "Transaction", NULL,
                    "{\"name\":\"GMS_Resources\",\"type\":\"List\"}"));
    CHECK_OK(change(scene.tool, "update", "Application", "GMS_812_node1",
                    "{\"logOnAs\":\"person:GMS Admin\"}"));
    struct asker *node = asker_new(scene.world, "GMS_812_node1", ADDRESS, "config");
    static const char list[] = "{\"annex\":{\"numbers\":{\"n1\":\"5001\"}}}";
    static const char own[] = "{\"options\":{\"gms\":{\"o\":\"1\"}}}";
    CHECK(change(node, "update", "Transaction", "GMS_Resources/List", list) == ERR_DENIED);
    CHECK_TEXT(scene.world->name, "CFGNoPermission");
    CHECK(change(node, "update", "Application", "GMS_812_node1", own) == ERR_DENIED);
    CHECK_OK(change(scene.tool, "update", "AccessGroup", "Administrators",
                    "{\"persons\":[\"GMS Admin\"]}"));
    CHECK_OK(change(node, "update", "Transaction", "GMS_Resources/List", list));
    CHECK_OK(change(node, "update", "Application", "GMS_812_node1", own));
    asker_free(node);
    end(&scene);
}

TEST(example_b_UCS_reads_tenants_and_has_all_of_two_business_attributes)
{
    struct scene scene = begin();
    struct grant on_tenant[] = { { "group:UCS", "Read & Execute", true } };
    CHECK_OK(
        apply_file(scene.tool, FILE_HEAD
                   "\"persons\":[{\"employeeId\":\"ucs\",\"userName\":\"ucs\"}],"
                   "\"accessGroups\":[{\"name\":\"UCS\",\"persons\":[\"ucs\"]}],"
                   "\"enumerators\":[{\"name\":\"Category Structure\"},"
                   "{\"name\":\"Screening Rules\"},{\"name\":\"Other\"}],"
                   "\"enumeratorValues\":[{\"enumerator\":\"Screening Rules\",\"name\":\"v\"}]}"));
    CHECK_OK(grant_many(scene.tool, "Tenant", "Environment", on_tenant, 1));
    CHECK_OK(grant_many(scene.tool, "Tenant", "T", on_tenant, 1));
    CHECK_OK(grant(scene.tool, "Enumerator", "Category Structure", "group:UCS", "Full Control"));
    CHECK_OK(grant(scene.tool, "Enumerator", "Screening Rules", "group:UCS", "Full Control"));
    check_effective(&scene, "Tenant", "Environment", "person:ucs", "RX");
    check_effective(&scene, "Tenant", "T", "person:ucs", "RX");
    check_effective(&scene, "EnumeratorValue", "Screening Rules/v", "person:ucs", "RCHXDEP");
    check_effective(&scene, "Enumerator", "Other", "person:ucs", "");
    struct asker *ucs = as_person(&scene, "ucs");
    CHECK_OK(change(ucs, "create", "EnumeratorValue", NULL,
                    "{\"enumerator\":\"Category Structure\",\"name\":\"c\"}"));
    CHECK(change(ucs, "create", "EnumeratorValue", NULL,
                 "{\"enumerator\":\"Other\",\"name\":\"c\"}") == ERR_DENIED);
    asker_free(ucs);
    end(&scene);
}

TEST(example_c_a_manager_with_Change_on_an_application_changes_it_and_no_other)
{
    struct scene scene = begin();
    CHECK_OK(grant(scene.tool, "Application", "GMS_812_node1", "person:ann", "Change"));
    struct asker *ann = as_person(&scene, "ann");
    CHECK_OK(change(ann, "update", "Application", "GMS_812_node1",
                    "{\"options\":{\"s\":{\"o\":\"1\"}}}"));
    CHECK(change(ann, "update", "Application", "control", "{\"options\":{\"s\":{\"o\":\"1\"}}}") ==
          ERR_NOT_FOUND);
    asker_free(ann);
    end(&scene);
}

TEST(example_d_a_server_run_as_a_person_sees_only_the_processes_its_group_reads)
{
    struct scene scene = begin();
    CHECK_OK(apply_file(
        scene.tool, FILE_HEAD
        "\"applications\":[{\"name\":\"ixn\",\"template\":\"InteractionServer\",\"host\":"
        "\"h\",\"logOnAs\":\"person:ann\"}],"
        "\"scripts\":[{\"name\":\"one\",\"type\":\"BusinessProcess\",\"folder\":\"West\"},"
        "{\"name\":\"two\",\"type\":\"BusinessProcess\",\"folder\":\"East\"}]}"));
    CHECK_OK(grant(scene.tool, "Folder", "West", "group:G", "R"));
    struct asker *ixn = asker_new(scene.world, "ixn", ADDRESS, "config");
    struct text types[] = { TEXT("Script"), TEXT("Application") };
    struct config_subscribe subscribe = { .head.has = CONFIG_SUBSCRIBE_HAS_TYPES,
                                          .types = { types, 2 } };
    CHECK_OK(ask(ixn, &MSG_CONFIG_SUBSCRIBE, &subscribe));
    CHECK(answer_has(scene.world, "one/BusinessProcess"));
    CHECK(!answer_has(scene.world, "two/BusinessProcess"));
    /* What it cannot run without it reads all the same. */
    CHECK(answer_has(scene.world, "\"key\":\"ixn\"") &&
          !answer_has(scene.world, "\"key\":\"web\""));
    asker_free(ixn);
    end(&scene);
}

/* --- subscribers ---------------------------------------------------------------------------- */

TEST(what_permissions_show_and_hide_a_subscriber_hears_as_added_and_deleted)
{
    struct scene scene = begin();
    CHECK_OK(apply_file(
        scene.tool,
        FILE_HEAD "\"applications\":[{\"name\":\"ixn\",\"template\":\"InteractionServer\",\"host\":"
                  "\"h\",\"logOnAs\":\"group:G\"}],"
                  "\"places\":[{\"name\":\"a\",\"folder\":\"West\"},{\"name\":\"b\"}]}"));
    struct asker *ixn = asker_new(scene.world, "ixn", ADDRESS, "config");
    struct text type = TEXT("Place");
    struct config_subscribe subscribe = { .head.has = CONFIG_SUBSCRIBE_HAS_TYPES,
                                          .types = { &type, 1 } };
    CHECK_OK(ask(ixn, &MSG_CONFIG_SUBSCRIBE, &subscribe));
    CHECK(!answer_has(scene.world, "\"key\""));
    CHECK_OK(grant(scene.tool, "Folder", "West", "group:G", "R"));
    CHECK_OK(change(scene.tool, "update", "Place", "a", "{\"annex\":{\"s\":{\"o\":\"1\"}}}"));
    CHECK_OK(change(scene.tool, "update", "Place", "b", "{\"annex\":{\"s\":{\"o\":\"1\"}}}"));
    CHECK_OK(change(scene.tool, "update", "Place", "b", "{\"folder\":\"West\"}"));
    CHECK_OK(change(scene.tool, "update", "Place", "a", "{\"folder\":\"East\"}"));
    CHECK_OK(change(scene.tool, "delete", "Place", "a", NULL));
    CHECK_OK(grant_many(scene.tool, "Folder", "West", NULL, 0));
    CHECK_OK(change(scene.tool, "delete", "Place", "b", NULL));
    CHECK_TEXT(buf_text(&ixn->changes), "rev\nadded Place a\n"
                                        "rev\nchanged Place a\n"
                                        "rev\n"
                                        "rev\nadded Place b\n"
                                        "rev\ndeleted Place 1\n"
                                        "rev\n"
                                        "rev\ndeleted Place 2\n"
                                        "rev\n");
    asker_free(ixn);
    end(&scene);
}

TEST(who_becomes_bounded_or_free_while_it_listens_begins_anew)
{
    struct scene scene = begin();
    CHECK_OK(apply_file(scene.tool, FILE_HEAD
                        "\"applications\":[{\"name\":\"ixn\",\"template\":"
                        "\"InteractionServer\",\"host\":\"h\",\"logOnAs\":\"group:G\"}]}"));
    struct asker *ixn = asker_new(scene.world, "ixn", ADDRESS, "config");
    struct text type = TEXT("TimeZone");
    struct config_subscribe subscribe = { .head.has = CONFIG_SUBSCRIBE_HAS_TYPES,
                                          .types = { &type, 1 } };
    CHECK_OK(ask(ixn, &MSG_CONFIG_SUBSCRIBE, &subscribe));
    CHECK_OK(grant(scene.tool, "Tenant", "T", "group:G", "R"));
    CHECK_OK(change(scene.tool, "update", "AccessGroup", "Super Administrators",
                    "{\"groups\":[\"G\"]}"));
    CHECK_TEXT(buf_text(&ixn->changes), "rev\nresync\n");
    CHECK_OK(ask(ixn, &MSG_CONFIG_SUBSCRIBE, &subscribe));
    CHECK(answer_has(scene.world, "America/New_York"));
    asker_free(ixn);
    end(&scene);
}

TEST(who_asks_for_changes_reads_everything_again_when_her_permissions_move)
{
    struct scene scene = begin();
    struct asker *ann = as_person(&scene, "ann");
    struct config_server *server = app_server(scene.world->app);
    struct config_read_changes read = { .head.has = CONFIG_READ_CHANGES_HAS_SINCE,
                                        .since = server->rev };
    CHECK_OK(change(scene.tool, "create", "Place", NULL, "{\"name\":\"p\"}"));
    CHECK_OK(ask(ann, &MSG_CONFIG_READ_CHANGES, &read));
    CHECK(answer_has(scene.world, "\"resync\":false") && !answer_has(scene.world, "\"key\":\"p\""));
    CHECK_OK(grant(scene.tool, "Place", "p", "person:ann", "R"));
    CHECK_OK(ask(ann, &MSG_CONFIG_READ_CHANGES, &read));
    CHECK(answer_has(scene.world, "\"resync\":true"));
    CHECK_OK(ask(scene.tool, &MSG_CONFIG_READ_CHANGES, &read));
    CHECK(answer_has(scene.world, "\"resync\":false") && answer_has(scene.world, "\"key\":\"p\""));
    asker_free(ann);
    end(&scene);
}

/* --- limits, log-in, restart ---------------------------------------------------------------- */

TEST(an_account_writes_fifty_times_a_second_and_a_tool_as_often_as_it_likes)
{
    struct scene scene = begin();
    struct asker *boss = as_person(&scene, "default");
    uint32_t refused = 0;
    struct config_change_acl fields = { .head.has = CONFIG_CHANGE_ACL_HAS_TYPE |
                                                    CONFIG_CHANGE_ACL_HAS_KEY,
                                        .type = TEXT("Application"),
                                        .key = TEXT("nowhere") };
    for (int i = 0; i < 200; i++) {
        boss->is_quick = true;
        (void)ask(boss, &MSG_CONFIG_CHANGE_ACL, &fields);
        refused += scene.world->code == 429;
        CHECK(scene.world->code != 429 || scene.world->is_retryable);
    }
    CHECK(refused >= 100 && refused <= 150);
    scene.tool->is_quick = true;
    for (int i = 0; i < 200; i++) {
        CHECK(ask(scene.tool, &MSG_CONFIG_CHANGE_ACL, &fields) == ERR_NOT_FOUND);
    }
    asker_free(boss);
    end(&scene);
}

TEST(an_application_logs_on_as_somebody_there_is)
{
    struct scene scene = begin();
    CHECK(change(scene.tool, "update", "Application", "web", "{\"logOnAs\":\"group:Nobody\"}") ==
          ERR_INVALID);
    CHECK_TEXT(scene.world->field, "CFGLogOnAs");
    CHECK_OK(change(scene.tool, "update", "Application", "web", "{\"logOnAs\":\"ann\"}"));
    end(&scene);
}

/* docs/decisions/0043: what a former release left has no entries. */
TEST(a_store_of_a_former_release_gets_its_first_permissions_at_its_next_start)
{
    struct world *world = world_new_on_disk("sim");
    struct scene scene = { world, asker_new(world, "tool", ADDRESS, "config") };
    struct config_server *server = app_server(world->app);
    struct fault fault;
    CHECK_OK(apply_file(scene.tool, centre));
    CHECK_OK(
        change(scene.tool, "update", "AccessGroup", "Administrators", "{\"persons\":[\"ann\"]}"));
    CHECK_OK(change(scene.tool, "delete", "AccessGroup", "Users", NULL));
    CHECK_OK(store_execute_now(server->store,
                               TEXT("DELETE FROM acl; DELETE FROM meta WHERE name = "
                                    "'permissions-made'"),
                               &fault));
    uint64_t rev = server->rev;
    world_kill(world);
    world_start(world);
    loop_run_for(world->loop, 1000);
    server = app_server(world->app);
    CHECK(server->rev > rev);
    rev = server->rev;
    check_effective(&scene, "Tenant", "T", "person:ann", "RCHXDE");
    check_effective(&scene, "Application", "web", "group:Users", "R");
    check_effective(&scene, "Application", "web", "person:default", "RCHXDEP");
    world_kill(world);
    world_start(world);
    loop_run_for(world->loop, 1000);
    server = app_server(world->app);
    CHECK_I64(server->rev, rev); /* once */
    end(&scene);
}

/* Who sets a password could log in with it. */
static enum err reset(struct asker *asker, const char *key)
{
    struct config_reset_password fields = { .head.has = CONFIG_RESET_PASSWORD_HAS_KEY |
                                                        CONFIG_RESET_PASSWORD_HAS_NEW_PASSWORD,
                                            .key = text_of(key),
                                            .new_password = TEXT("correct horse battery") };
    return ask(asker, &MSG_CONFIG_RESET_PASSWORD, &fields);
}

static enum err log_in_through(struct scene *scene, const char *user, const char *application)
{
    struct config_authenticate login = {
        .head.has = CONFIG_AUTHENTICATE_HAS_USER_NAME | CONFIG_AUTHENTICATE_HAS_PASSWORD |
                    CONFIG_AUTHENTICATE_HAS_APPLICATION,
        .user_name = text_of(user),
        .password = TEXT("correct horse battery"),
        .application = text_of(application),
    };
    return ask(scene->tool, &MSG_CONFIG_AUTHENTICATE, &login);
}

static enum err log_in(struct scene *scene, const char *user)
{
    return log_in_through(scene, user, "default");
}

TEST(a_password_is_set_by_who_may_change_the_person_and_all_that_the_person_may)
{
    struct scene scene = begin();
    CHECK_OK(apply_file(scene.tool,
                        FILE_HEAD "\"places\":[{\"name\":\"p\"}],"
                                  "\"persons\":[{\"employeeId\":\"bob\",\"userName\":\"bob\"}]}"));
    struct asker *ann = as_person(&scene, "ann"), *boss = as_person(&scene, "default");
    CHECK_I64(reset(ann, "bob"), ERR_NOT_FOUND); /* as if he were not there */
    CHECK_OK(grant(scene.tool, "Person", "bob", "person:ann", "R"));
    CHECK_I64(reset(ann, "bob"), ERR_DENIED);
    CHECK_OK(grant(scene.tool, "Person", "bob", "person:ann", "RH"));
    CHECK_OK(grant(scene.tool, "Place", "p", "person:bob", "R"));
    CHECK_I64(reset(ann, "bob"), ERR_DENIED); /* he may read p, she may not */
    CHECK_OK(grant(scene.tool, "Tenant", "Environment", "person:ann", "Change"));
    CHECK_OK(reset(ann, "bob"));
    CHECK_OK(log_in(&scene, "bob"));
    CHECK(answer_has(scene.world, "\"mustChangePassword\":true"));
    CHECK_I64(reset(ann, "default"), ERR_DENIED);
    CHECK_OK(reset(boss, "ann"));
    CHECK_I64(reset(boss, "nobody"), ERR_NOT_FOUND);
    asker_free(ann);
    asker_free(boss);
    end(&scene);
}

TEST(a_disabled_tenant_and_application_act_as_absent_at_log_in) /* framework 2.1 */
{
    struct scene scene = begin();
    struct config_set_password set = { .head.has = CONFIG_SET_PASSWORD_HAS_USER_NAME |
                                                   CONFIG_SET_PASSWORD_HAS_NEW_PASSWORD,
                                       .user_name = TEXT("bob"),
                                       .new_password = TEXT("correct horse battery") };
    struct asker *bob = as_person(&scene, "bob");
    bob->header.tenant = TEXT("T");
    CHECK_OK(apply_file(scene.tool,
                        FILE_HEAD "\"persons\":[{\"tenant\":\"T\",\"employeeId\":\"bob\","
                                  "\"userName\":\"bob\"}]}"));
    CHECK_OK(ask(scene.tool, &MSG_CONFIG_SET_PASSWORD, &set));
    CHECK_OK(grant(scene.tool, "Application", "web", "person:T/bob", "RX"));
    CHECK_OK(log_in_through(&scene, "bob", "web"));
    CHECK_OK(change(scene.tool, "update", "Application", "web", "{\"state\":\"disabled\"}"));
    CHECK_I64(log_in_through(&scene, "bob", "web"), ERR_DENIED);
    CHECK_TEXT(scene.world->name, "CFGNoPermission");
    CHECK_OK(change(scene.tool, "update", "Application", "web", "{\"state\":\"enabled\"}"));
    CHECK_OK(change(bob, "update", "Application", "web", "{}"));
    CHECK_OK(change(scene.tool, "update", "Tenant", "T", "{\"state\":\"disabled\"}"));
    CHECK_I64(log_in_through(&scene, "bob", "web"), ERR_DENIED);
    CHECK_TEXT(scene.world->name, "BadCredentials");
    CHECK(change(bob, "update", "Application", "web", "{}") != ERR_OK); /* who was here already */
    CHECK_OK(change(scene.tool, "update", "Tenant", "T", "{\"state\":\"enabled\"}"));
    CHECK_OK(log_in_through(&scene, "bob", "web"));
    CHECK(change(scene.tool, "update", "Tenant", "Environment", "{\"state\":\"disabled\"}") ==
          ERR_INVALID);
    asker_free(bob);
    end(&scene);
}

TEST(permissions_survive_a_restart_and_a_rename)
{
    struct world *world = world_new_on_disk("sim");
    struct scene scene = { world, asker_new(world, "tool", ADDRESS, "config") };
    CHECK_OK(apply_file(scene.tool, centre));
    CHECK_OK(grant(scene.tool, "Application", "web", "group:G", "RX"));
    CHECK_OK(change(scene.tool, "update", "AccessGroup", "G", "{\"name\":\"Renamed\"}"));
    check_effective(&scene, "Application", "web", "person:ann", "RX");
    world_kill(world);
    world_start(world);
    loop_run_for(world->loop, 1000);
    check_effective(&scene, "Application", "web", "person:ann", "RX");
    check_effective(&scene, "Tenant", "T", "group:Users", "");
    end(&scene);
}
