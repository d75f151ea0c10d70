/* SPDX-License-Identifier: Apache-2.0 */
#include "ground.h"

#include "base/random.h"
#include "gen/objects.h"
#include "servers/config/reference.h"

#include <stdio.h>

static void make_two(struct ground *ground)
{
    CHECK(ground_create(ground, &OBJECT_APPLICATION, "{\"name\":\"B\",\"type\":\"x\"}"));
    CHECK(ground_create(ground, &OBJECT_APPLICATION,
                        "{\"name\":\"A\",\"type\":\"x\",\"connections\":[{\"server\":\"B\"}]}"));
}

TEST(F4_deleting_what_others_refer_to_is_refused_and_names_them)
{
    struct ground *ground = ground_new();
    make_two(ground);
    uint64_t rev = ground->rev;
    CHECK(!ground_delete(ground, &OBJECT_APPLICATION, "B", CASCADE_NONE));
    CHECK_U32(ground->problems.at[0].kind, PROBLEM_IN_USE);
    CHECK_TEXT(ground->problems.at[0].object_type, "CFGApplication");
    CHECK_TEXT(ground->problems.at[0].property, "CFGDBID");
    CHECK(ground_complains(ground, "used by applications[A].connections[].server"));
    CHECK_I64(ground->rev, rev);
    CHECK(ground_delete(ground, &OBJECT_APPLICATION, "B", CASCADE_UNLINK));
    CHECK_I64(ground->rev, rev + 1);
    CHECK_U32(ground->moved, 2);
    CHECK_TEXT(ground_json(ground, &OBJECT_APPLICATION, "A"), "{\"name\":\"A\",\"type\":\"x\"}");
    CHECK_I64(ground_find(ground, &OBJECT_APPLICATION, "A")->rev, rev + 1);
    ground_free(ground);
}

TEST(F3_a_write_on_a_stale_revision_changes_nothing)
{
    struct ground *ground = ground_new();
    CHECK(ground_create(ground, &OBJECT_PLACE, "{\"name\":\"p\"}"));
    uint64_t rev = ground->rev;
    const char *contracts[] = { "{\"site\":\"first\"}", "{\"site\":\"second\"}" };
    bool done[2];
    for (size_t i = 0; i < 2; i++) {
        struct change_set *set = ground_begin(ground);
        struct kv value = ground_pairs(ground, contracts[i]);
        struct change_step step = { .op = CHANGE_UPDATE,
                                    .type = &OBJECT_PLACE,
                                    .key = TEXT("p"),
                                    .value = &value,
                                    .has_rev = true,
                                    .rev = rev };
        change_set_step(set, &step, &ground->problems);
        done[i] = ground_commit(ground, set);
    }
    CHECK(done[0] && !done[1]);
    CHECK_U32(ground->problems.at[0].kind, PROBLEM_REV_MISMATCH);
    CHECK_I64(problem_rule(PROBLEM_REV_MISMATCH)->http_status, 412);
    CHECK_I64(ground->rev, rev + 1);
    CHECK_TEXT(ground_json(ground, &OBJECT_PLACE, "p"), "{\"name\":\"p\",\"site\":\"first\"}");
    ground_free(ground);
}

TEST(F5_of_three_operations_with_a_bad_third_none_happens)
{
    struct ground *ground = ground_new();
    struct change_set *set = ground_begin(ground);
    const char *values[] = { "{\"name\":\"p1\"}", "{\"name\":\"p2\"}",
                             "{\"name\":\"p3\",\"capacityRule\":\"none/CapacityRule\"}" };
    for (size_t i = 0; i < 3; i++) {
        struct kv value = ground_pairs(ground, values[i]);
        struct change_step step = { .op = CHANGE_CREATE, .type = &OBJECT_PLACE, .value = &value };
        change_set_step(set, &step, &ground->problems);
    }
    CHECK(!ground_commit(ground, set));
    CHECK_I64(problem_rule(ground->problems.at[0].kind)->http_status, 422);
    CHECK(ground_complains(ground, "places[p3].capacityRule: there is no Script"));
    CHECK(ground_find(ground, &OBJECT_PLACE, "p1") == NULL);
    CHECK_I64(ground->rev, 1);
    ground_free(ground);
}

TEST(F10_an_option_out_of_its_range_is_refused_with_section_and_name)
{
    struct ground *ground = ground_new();
    CHECK(
        ground_create(ground, &OBJECT_APPLICATION, "{\"name\":\"ocs\",\"template\":\"CMServer\"}"));
    CHECK(!ground_update(ground, &OBJECT_APPLICATION, "ocs",
                         "{\"annex\":{\"sml\":{\"suspending-wait-timeout\":\"4\"}}}"));
    CHECK(ground_complains(ground, "annex.sml.suspending-wait-timeout"));
    CHECK_I64(problem_rule(ground->problems.at[0].kind)->http_status, 422);
    CHECK_TEXT(ground->problems.at[0].property, "CFGUserProperties");
    CHECK(ground_update(ground, &OBJECT_APPLICATION, "ocs",
                        "{\"annex\":{\"sml\":{\"suspending-wait-timeout\":\"5\"}}}"));
    CHECK(!ground_update(ground, &OBJECT_APPLICATION, "ocs",
                         "{\"options\":{\"OCServer\":{\"http-retry-max-attempts\":\"101\"}}}"));
    CHECK_TEXT(ground->problems.at[0].property, "CFGOptions");
    CHECK(ground_update(ground, &OBJECT_APPLICATION, "ocs",
                        "{\"options\":{\"OCServer\":{\"no-such-option\":\"1\"}}}"));
    CHECK(ground_warns(ground, "OCServer.no-such-option: unknownOption"));
    ground_free(ground);
}

TEST(a_section_named_as_the_application_is_checked_on_campaigns_too)
{
    struct ground *ground = ground_new();
    CHECK(
        ground_create(ground, &OBJECT_APPLICATION, "{\"name\":\"ocs\",\"template\":\"CMServer\"}"));
    CHECK(!ground_create(ground, &OBJECT_CAMPAIGN,
                         "{\"name\":\"c\",\"annex\":{\"ocs\":"
                         "{\"contact-processed-notification\":\"perhaps\"}}}"));
    CHECK(ground_complains(ground, "campaigns[c].annex.ocs.contact-processed-notification"));
    ground_free(ground);
}

TEST(a_renamed_object_takes_all_that_name_it_along)
{
    struct ground *ground = ground_new();
    CHECK(ground_create(ground, &OBJECT_AGENT_GROUP, "{\"name\":\"g\"}"));
    CHECK(ground_create(ground, &OBJECT_CAMPAIGN, "{\"name\":\"spring\"}"));
    CHECK(ground_create(ground, &OBJECT_CAMPAIGN_GROUP,
                        "{\"name\":\"s\",\"campaign\":\"spring\",\"group\":\"g\"}"));
    uint32_t dbid = ground_find(ground, &OBJECT_CAMPAIGN_GROUP, "spring/s")->dbid;
    CHECK(ground_update(ground, &OBJECT_CAMPAIGN, "spring", "{\"name\":\"May/June\"}"));
    CHECK(ground_find(ground, &OBJECT_CAMPAIGN_GROUP, "spring/s") == NULL);
    CHECK_U32(ground_find(ground, &OBJECT_CAMPAIGN_GROUP, "May%2FJune/s")->dbid, dbid);
    CHECK_TEXT(ground_json(ground, &OBJECT_CAMPAIGN_GROUP, "May%2FJune/s"),
               "{\"name\":\"s\",\"campaign\":\"May/June\",\"group\":\"g\"}");
    CHECK_U32(ground->moved, 2);
    ground_free(ground);
}

TEST(two_objects_may_swap_their_names_in_one_change)
{
    struct ground *ground = ground_new();
    CHECK(ground_create(ground, &OBJECT_PLACE, "{\"name\":\"a\",\"site\":\"1\"}"));
    CHECK(ground_create(ground, &OBJECT_PLACE, "{\"name\":\"b\",\"site\":\"2\"}"));
    struct change_set *set = ground_begin(ground);
    const char *steps[][2] = { { "a", "{\"name\":\"t\"}" },
                               { "b", "{\"name\":\"a\"}" },
                               { "t", "{\"name\":\"b\"}" } };
    for (size_t i = 0; i < 3; i++) {
        struct kv value = ground_pairs(ground, steps[i][1]);
        struct change_step step = {
            .op = CHANGE_UPDATE, .type = &OBJECT_PLACE, .key = text_of(steps[i][0]), .value = &value
        };
        change_set_step(set, &step, &ground->problems);
    }
    CHECK(ground_commit(ground, set));
    CHECK_TEXT(ground_json(ground, &OBJECT_PLACE, "a"), "{\"name\":\"a\",\"site\":\"2\"}");
    CHECK_TEXT(ground_json(ground, &OBJECT_PLACE, "b"), "{\"name\":\"b\",\"site\":\"1\"}");
    CHECK(ground_find(ground, &OBJECT_PLACE, "t") == NULL);
    ground_free(ground);
}

TEST(what_cannot_be_without_a_deleted_object_stands_in_the_way_or_goes_as_well)
{
    struct ground *ground = ground_new();
    CHECK(ground_create(ground, &OBJECT_AGENT_GROUP, "{\"name\":\"g\"}"));
    CHECK(ground_create(ground, &OBJECT_CAMPAIGN, "{\"name\":\"c\"}"));
    CHECK(ground_create(ground, &OBJECT_CAMPAIGN_GROUP,
                        "{\"name\":\"cg\",\"campaign\":\"c\",\"group\":\"g\"}"));
    CHECK(!ground_delete(ground, &OBJECT_CAMPAIGN, "c", CASCADE_UNLINK));
    CHECK(ground_complains(ground, "cannot be without it"));
    CHECK(ground_delete(ground, &OBJECT_CAMPAIGN, "c", CASCADE_DELETE));
    CHECK(ground_find(ground, &OBJECT_CAMPAIGN_GROUP, "c/cg") == NULL);
    ground_free(ground);
}

TEST(a_tenant_with_objects_stays_and_environment_stays_in_any_case)
{
    struct ground *ground = ground_new();
    CHECK(ground_create(ground, &OBJECT_TENANT, "{\"name\":\"Blue\"}"));
    struct change_set *set = ground_begin(ground);
    struct kv value = ground_pairs(ground, "{\"name\":\"p\"}");
    struct change_step step = {
        .op = CHANGE_CREATE, .type = &OBJECT_PLACE, .tenant = TEXT("Blue"), .value = &value
    };
    change_set_step(set, &step, &ground->problems);
    CHECK(ground_commit(ground, set));
    CHECK(!ground_delete(ground, &OBJECT_TENANT, "Blue", CASCADE_NONE));
    CHECK(ground_complains(ground, "used by places[p] of tenant Blue.tenant"));
    CHECK(!ground_update(ground, &OBJECT_TENANT, "Blue", "{\"name\":\"Red\"}"));
    CHECK(!ground_delete(ground, &OBJECT_TENANT, "Environment", CASCADE_DELETE));
    CHECK(ground_delete(ground, &OBJECT_TENANT, "Blue", CASCADE_DELETE));
    ground_free(ground);
}

TEST(a_change_that_changes_nothing_moves_no_object)
{
    struct ground *ground = ground_new();
    CHECK(ground_create(ground, &OBJECT_HOST, "{\"name\":\"h\"}"));
    CHECK(ground_update(ground, &OBJECT_HOST, "h", "{\"lcaPort\":4999}"));
    CHECK_U32(ground->moved, 0);
    ground_free(ground);
}

TEST(null_removes_a_property_and_an_option)
{
    struct ground *ground = ground_new();
    CHECK(ground_create(ground, &OBJECT_HOST,
                        "{\"name\":\"h\",\"ipAddress\":\"::1\",\"annex\":{\"a\":{\"x\":\"1\","
                        "\"y\":\"2\"}}}"));
    CHECK(ground_update(ground, &OBJECT_HOST, "h",
                        "{\"ipAddress\":null,\"annex\":{\"a\":{\"x\":null}}}"));
    CHECK_TEXT(ground_json(ground, &OBJECT_HOST, "h"),
               "{\"name\":\"h\",\"annex\":{\"a\":{\"y\":\"2\"}}}");
    ground_free(ground);
}

/* --- property: whatever is accepted, references are whole ------------------------------------ */

struct seen {
    struct ground *ground;
    uint32_t count;
};

static void see(void *self, const struct reference *reference)
{
    struct seen *seen = self;
    seen->count++;
    CHECK(object_set_find(seen->ground->objects, reference->to, reference->tenant,
                          reference->key) != NULL);
}

static uint32_t check_whole(struct ground *ground)
{
    struct seen seen = { .ground = ground };
    size_t type_count;
    const struct object_type *const *types = object_types(&type_count);
    for (size_t i = 0; i < type_count; i++) {
        size_t count;
        const struct object *const *objects = object_set_of(ground->objects, types[i], &count);
        for (size_t k = 0; k < count; k++) {
            references_each(objects[k], see, &seen);
            CHECK(object_set_find(ground->objects, types[i], objects[k]->tenant, objects[k]->key) ==
                  objects[k]);
        }
    }
    return seen.count;
}

static const struct object_type *const played[] = { &OBJECT_PERSON,       &OBJECT_AGENT_GROUP,
                                                    &OBJECT_CAMPAIGN,     &OBJECT_CAMPAIGN_GROUP,
                                                    &OBJECT_CALLING_LIST, &OBJECT_TABLE_ACCESS };

static void random_value(struct random *random, const struct object_type *type, char *out,
                         size_t size)
{
    unsigned name = (unsigned)random_below(random, 5), a = (unsigned)random_below(random, 5),
             b = (unsigned)random_below(random, 5);
    if (type == &OBJECT_PERSON)
        snprintf(out, size, "{\"employeeId\":\"n%u\",\"userName\":\"u%u\"}", name, name);
    else if (type == &OBJECT_AGENT_GROUP)
        snprintf(out, size, "{\"name\":\"n%u\",\"agents\":[\"n%u\",\"n%u\"]}", name, a, b);
    else if (type == &OBJECT_CAMPAIGN)
        snprintf(out, size, "{\"name\":\"n%u\",\"callingLists\":[{\"list\":\"n%u\",\"share\":%u}]}",
                 name, a, b);
    else if (type == &OBJECT_CAMPAIGN_GROUP)
        snprintf(out, size, "{\"name\":\"g%u\",\"campaign\":\"n%u\",\"group\":\"n%u\"}", name, a,
                 b);
    else if (type == &OBJECT_CALLING_LIST)
        snprintf(out, size, "{\"name\":\"n%u\",\"tableAccess\":\"n%u\"}", name, a);
    else
        snprintf(out, size, "{\"name\":\"n%u\",\"dbTableName\":\"t%u\"}", name, a);
}

static void random_step(struct ground *ground, struct change_set *set, struct random *random)
{
    const struct object_type *type = played[random_below(random, 6)];
    char json[160], key[24];
    random_value(random, type, json, sizeof json);
    struct kv value = ground_pairs(ground, json);
    size_t count;
    const struct object *const *objects = object_set_of(ground->objects, type, &count);
    uint32_t dbid = count ? objects[random_below(random, count)]->dbid : 1;
    snprintf(key, sizeof key, "%u", dbid);
    struct change_step step = {
        .op = (enum change_op)random_below(random, 3),
        .type = type,
        .key = text_of(key),
        .value = &value,
        .cascade = (enum change_cascade)random_below(random, 3),
    };
    change_set_step(set, &step, &ground->problems);
}

TEST(random_change_sets_keep_references_whole)
{
    struct random random;
    random_seed(&random, 11);
    uint32_t accepted = 0, references = 0;
    struct ground *ground = ground_new();
    for (uint32_t round = 0; round < 1500; round++) {
        struct change_set *set = ground_begin(ground);
        size_t before = object_set_count(ground->objects);
        uint64_t steps = 1 + random_below(&random, 2);
        for (uint64_t i = 0; i < steps; i++) random_step(ground, set, &random);
        if (ground_commit(ground, set))
            accepted++;
        else
            CHECK(object_set_count(ground->objects) == before);
        references += check_whole(ground);
    }
    printf("# %u accepted, %u references\n", accepted, references);
    CHECK(accepted > 200);
    CHECK(references > 10000);
    ground_free(ground);
}
