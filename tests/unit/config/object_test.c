/* SPDX-License-Identifier: Apache-2.0 */
#include "ground.h"

#include "gen/objects.h"

#include <string.h>

TEST(a_new_store_has_the_tenant_environment_as_number_one)
{
    struct ground *ground = ground_new();
    const struct object *tenant = ground_find(ground, &OBJECT_TENANT, "Environment");
    CHECK(tenant != NULL);
    CHECK_U32(tenant->dbid, 1);
    CHECK(ground_find(ground, &OBJECT_APP_PROTOTYPE, "CMServer") != NULL);
    CHECK_TEXT(ground_json(ground, &OBJECT_TIME_ZONE, "EST"),
               "{\"name\":\"EST\",\"ianaName\":\"America/New_York\",\"offset\":-300}");
    ground_free(ground);
}

TEST(an_object_is_kept_in_the_order_of_its_shape_without_defaults)
{
    struct ground *ground = ground_new();
    CHECK(ground_create(ground, &OBJECT_HOST,
                        "{\"lcaPort\":4999,\"ipAddress\":\"10.0.0.1\",\"state\":\"enabled\","
                        "\"hostType\":\"\",\"name\":\"h\"}"));
    CHECK_TEXT(ground_json(ground, &OBJECT_HOST, "h"),
               "{\"name\":\"h\",\"ipAddress\":\"10.0.0.1\"}");
    const struct object *host = ground_find(ground, &OBJECT_HOST, "h");
    CHECK_TEXT(object_full_json(ground->life, host, NULL, NULL),
               "{\"dbid\":1,\"name\":\"h\",\"state\":\"enabled\",\"ipAddress\":\"10.0.0.1\","
               "\"lcaPort\":4999}");
    ground_free(ground);
}

TEST(options_keep_their_order_and_numbers_among_them_are_text)
{
    struct ground *ground = ground_new();
    CHECK(ground_create(ground, &OBJECT_HOST,
                        "{\"name\":\"h\",\"annex\":{\"z\":{\"b\":1,\"a\":true},\"y\":{}}}"));
    CHECK_TEXT(ground_json(ground, &OBJECT_HOST, "h"),
               "{\"name\":\"h\",\"annex\":{\"z\":{\"b\":\"1\",\"a\":\"true\"},\"y\":{}}}");
    ground_free(ground);
}

TEST(what_breaks_the_shape_is_refused_by_name_and_rule)
{
    struct ground *ground = ground_new();
    CHECK(!ground_create(ground, &OBJECT_HOST, "{\"name\":\"h\",\"lcaPort\":70000}"));
    CHECK(ground_complains(ground, "hosts[h].lcaPort"));
    CHECK_TEXT(ground->problems.at[0].object_type, "CFGHost");
    CHECK_TEXT(ground->problems.at[0].property, "CFGLcaPort");
    CHECK(!ground_create(ground, &OBJECT_HOST, "{\"name\":\"h\",\"colour\":\"red\"}"));
    CHECK(ground_complains(ground, "colour"));
    CHECK(!ground_create(ground, &OBJECT_HOST, "{\"ipAddress\":\"::1\"}"));
    CHECK(ground_complains(ground, "name: is part of the key"));
    CHECK(!ground_create(ground, &OBJECT_HOST, "{\"name\":\"h\",\"annex\":{\"a\":{\"x\":[1]}}}"));
    CHECK(ground_complains(ground, "annex.a.x"));
    CHECK(!ground_create(ground, &OBJECT_HOST,
                         "{\"name\":\"h\",\"annex\":{\"a\":{\"x\":\"1\",\"X\":\"2\"}}}"));
    CHECK(ground_complains(ground, "is there twice"));
    CHECK_I64(ground->rev, 1);
    ground_free(ground);
}

TEST(key_parts_hold_slashes_only_where_they_cannot_be_mistaken)
{
    struct scope *scope = scope_new(NULL, "test", SCOPE_NO_LIMIT);
    struct pair pairs[] = { { TEXT("name"), body_text_value(TEXT("a/b%")) },
                            { TEXT("campaign"), body_text_value(TEXT("c/d")) } };
    struct kv body = { pairs, 2 };
    CHECK_TEXT(object_key(scope, &OBJECT_CAMPAIGN, &body), "a/b%");
    CHECK_TEXT(object_key(scope, &OBJECT_CAMPAIGN_GROUP, &body), "c%2Fd/a%2Fb%25");
    scope_close(scope);
}

TEST(an_application_takes_type_and_version_from_its_template_for_life)
{
    struct ground *ground = ground_new();
    CHECK(
        ground_create(ground, &OBJECT_APPLICATION, "{\"name\":\"ocs\",\"template\":\"CMServer\"}"));
    CHECK_TEXT(ground_json(ground, &OBJECT_APPLICATION, "ocs"),
               "{\"name\":\"ocs\",\"template\":\"CMServer\",\"type\":\"CMServer\"}");
    CHECK(!ground_update(ground, &OBJECT_APPLICATION, "ocs", "{\"type\":\"TServer\"}"));
    CHECK(ground_complains(ground, "does not change"));
    CHECK(!ground_create(ground, &OBJECT_APPLICATION, "{\"name\":\"x\"}"));
    CHECK(ground_complains(ground, "applications[x].type"));
    ground_free(ground);
}

TEST(only_chain_id_and_chain_n_are_key_columns)
{
    struct ground *ground = ground_new();
    CHECK(ground_create(ground, &OBJECT_FIELD,
                        "{\"name\":\"chain_n\",\"dataType\":\"int\",\"isPrimaryKey\":true}"));
    CHECK(!ground_create(ground, &OBJECT_FIELD,
                         "{\"name\":\"id\",\"dataType\":\"int\",\"isPrimaryKey\":true}"));
    CHECK(!ground_create(ground, &OBJECT_FIELD, "{\"name\":\"n\",\"dataType\":\"varchar\"}"));
    CHECK(ground_complains(ground, "fields[n].length"));
    ground_free(ground);
}

TEST(a_user_name_is_unique_over_all_tenants)
{
    struct ground *ground = ground_new();
    CHECK(ground_create(ground, &OBJECT_TENANT, "{\"name\":\"Blue\"}"));
    CHECK(ground_create(ground, &OBJECT_PERSON, "{\"employeeId\":\"1\",\"userName\":\"ann\"}"));
    struct change_set *set = ground_begin(ground);
    struct kv value = ground_pairs(ground, "{\"employeeId\":\"1\",\"userName\":\"ann\"}");
    struct change_step step = {
        .op = CHANGE_CREATE, .type = &OBJECT_PERSON, .tenant = TEXT("Blue"), .value = &value
    };
    change_set_step(set, &step, &ground->problems);
    CHECK(!ground_commit(ground, set));
    CHECK_TEXT(ground->problems.at[0].property, "CFGUserName");
    CHECK_U32(ground->problems.at[0].kind, PROBLEM_UNIQUENESS);
    ground_free(ground);
}

TEST(a_port_number_is_given_once_on_a_host)
{
    struct ground *ground = ground_new();
#define APPLICATION(name)                                                                          \
    "{\"name\":\"" name "\",\"type\":\"x\",\"host\":\"h\",\"ports\":[{\"id\":\"default\","         \
    "\"number\":6100}]}"
    CHECK(ground_create(ground, &OBJECT_HOST, "{\"name\":\"h\"}"));
    CHECK(ground_create(ground, &OBJECT_APPLICATION, APPLICATION("a")));
    CHECK(!ground_create(ground, &OBJECT_APPLICATION, APPLICATION("b")));
    CHECK(ground_complains(ground, "6100 is a port of applications[a] on h"));
    ground_free(ground);
}

TEST(a_dbid_is_never_given_again_but_to_the_object_that_had_it)
{
    struct ground *ground = ground_new();
    CHECK(ground_create(ground, &OBJECT_PLACE, "{\"name\":\"p1\",\"dbid\":101}"));
    CHECK(ground_create(ground, &OBJECT_PLACE, "{\"name\":\"p2\"}"));
    CHECK_U32(ground_find(ground, &OBJECT_PLACE, "p2")->dbid, 102);
    CHECK(!ground_create(ground, &OBJECT_PLACE, "{\"name\":\"p3\",\"dbid\":102}"));
    CHECK(ground_complains(ground, "was given to another object"));
    CHECK(ground_delete(ground, &OBJECT_PLACE, "p2", CASCADE_NONE));
    CHECK(!ground_create(ground, &OBJECT_PLACE, "{\"name\":\"p3\",\"dbid\":102}"));
    CHECK(ground_create(ground, &OBJECT_PLACE, "{\"name\":\"p3\"}"));
    CHECK_U32(ground_find(ground, &OBJECT_PLACE, "p3")->dbid, 103);
    CHECK(ground_create(ground, &OBJECT_PLACE, "{\"name\":\"p2\",\"dbid\":102}"));
    CHECK(!ground_update(ground, &OBJECT_PLACE, "p2", "{\"dbid\":7}"));
    ground_free(ground);
}

TEST(two_new_objects_cannot_pin_one_dbid)
{
    struct ground *ground = ground_new();
    struct change_set *set = ground_begin(ground);
    const char *values[] = { "{\"name\":\"a\",\"dbid\":7}", "{\"name\":\"b\",\"dbid\":7}" };
    for (size_t i = 0; i < 2; i++) {
        struct kv value = ground_pairs(ground, values[i]);
        struct change_step step = { .op = CHANGE_CREATE, .type = &OBJECT_PLACE, .value = &value };
        change_set_step(set, &step, &ground->problems);
    }
    CHECK(!ground_commit(ground, set));
    CHECK(ground_complains(ground, "places[b].dbid: 7 was given to another object"));
    ground_free(ground);
}

TEST(the_fields_of_a_bound_format_are_frozen)
{
    struct ground *ground = ground_new();
    CHECK(ground_create(ground, &OBJECT_FIELD, "{\"name\":\"a\",\"dataType\":\"int\"}"));
    CHECK(ground_create(ground, &OBJECT_FIELD, "{\"name\":\"b\",\"dataType\":\"int\"}"));
    CHECK(ground_create(ground, &OBJECT_FORMAT, "{\"name\":\"f\",\"fields\":[\"a\"]}"));
    CHECK(ground_update(ground, &OBJECT_FORMAT, "f", "{\"fields\":[\"a\",\"b\"]}"));
    CHECK(ground_create(ground, &OBJECT_TABLE_ACCESS,
                        "{\"name\":\"t\",\"format\":\"f\",\"dbTableName\":\"t\"}"));
    CHECK(!ground_update(ground, &OBJECT_FORMAT, "f", "{\"fields\":[\"b\"]}"));
    CHECK(ground_complains(ground, "bound to tableAccesses[t]"));
    CHECK(ground_update(ground, &OBJECT_FORMAT, "f", "{\"description\":\"still\"}"));
    ground_free(ground);
}
