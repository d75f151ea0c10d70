/* SPDX-License-Identifier: Apache-2.0 */
#include "ground.h"

#include "base/buf.h"
#include "gen/objects.h"

#include <string.h>

static const struct plan_wish merge = { .mode = PLAN_MERGE };
static const struct plan_wish overwrite = { .mode = PLAN_MERGE, .may_overwrite = true };
static const struct plan_wish sync_all = { .mode = PLAN_SYNC, .may_overwrite = true };
static const struct plan_wish create_only = { .mode = PLAN_CREATE_ONLY };

#define HEAD "{\"format\":\"cc-config\",\"version\":1,"

static uint32_t count_of(const struct ground *ground, const struct object_type *type,
                         enum plan_op op)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < ground->plan.count; i++)
        count += ground->plan.items[i].type == type && ground->plan.items[i].op == op;
    return count;
}

TEST(F1_planning_the_sample_names_both_missing_applications_then_counts_what_it_creates)
{
    struct ground *ground = ground_new();
    CHECK(!ground_plan(ground, ground_sample, merge, NULL));
    CHECK(ground_complains(ground, "ES85_Ixn_DAP"));
    CHECK(ground_complains(ground, "MsgSrv"));
    CHECK(ground_plan(ground, ground_sample_whole, merge, NULL));
    CHECK_U32(count_of(ground, &OBJECT_HOST, PLAN_CREATE), 1);
    CHECK_U32(count_of(ground, &OBJECT_APPLICATION, PLAN_CREATE), 3);
    CHECK_U32(ground->plan.counts[PLAN_CREATE], 4);
    CHECK_U32(ground->plan.counts[PLAN_UNCHANGED], 1);
    CHECK_U32(ground->plan.counts[PLAN_UPDATE] + ground->plan.counts[PLAN_DELETE], 0);
    CHECK_I64(ground->rev, 1);
    ground_free(ground);
}

TEST(F2_an_import_is_one_revision_and_its_export_makes_a_copy_with_the_same_bytes)
{
    static const char password[] = "{\"$env:IXN_DB_PASSWORD\":\"s3cret\"}";
    struct ground *ground = ground_new(), *copy = ground_new();
    CHECK(ground_apply(ground, ground_sample_whole, merge, password));
    CHECK_I64(ground->rev, 2);
    CHECK(ground_plan(ground, ground_sample_whole, merge, password));
    CHECK_U32(ground->plan.counts[PLAN_UNCHANGED], ground->plan.count);
    struct text first = ground_export(ground);
    CHECK(memmem(first.at, first.len, "s3cret", 6) == NULL);
    CHECK(memmem(first.at, first.len, "{ \"$secret\": \"ixn-db\" }", 23) != NULL);
    CHECK(ground_apply(copy, first.at, merge, NULL));
    CHECK(ground_warns(copy, "secrets.ixn-db: has no value yet"));
    CHECK(text_eq(ground_export(copy), first));
    /* A file of its own export has nothing to do. */
    CHECK(ground_plan(ground, first.at, sync_all, NULL));
    CHECK_U32(ground->plan.counts[PLAN_UNCHANGED], ground->plan.count);
    ground_free(ground);
    ground_free(copy);
}

TEST(variables_come_from_the_pairs_then_the_default_and_are_named_when_missing)
{
    struct ground *ground = ground_new();
    static const char file[] = HEAD
        "\"hosts\":[{\"name\":\"${NAME}\",\"ipAddress\":\"${IP:-10.1.1.1}\","
        "\"lcaPort\":\"${PORT}\",\"annex\":{\"a\":{\"x\":\"$${NAME} costs 5$\"}}}]}";
    CHECK(!ground_plan(ground, file, merge, "{\"NAME\":\"h\"}"));
    CHECK(ground_complains(ground, "hosts[${NAME}].lcaPort: the variable PORT is not set"));
    CHECK(ground_apply(ground, file, merge, "{\"NAME\":\"h\",\"PORT\":\"5000\"}"));
    CHECK_TEXT(ground_json(ground, &OBJECT_HOST, "h"),
               "{\"name\":\"h\",\"annex\":{\"a\":{\"x\":\"${NAME} costs 5$\"}},"
               "\"ipAddress\":\"10.1.1.1\",\"lcaPort\":5000}");
    struct text text = ground_export(ground);
    CHECK(memmem(text.at, text.len, "\"$${NAME} costs 5$\"", 19) != NULL);
    CHECK(ground_plan(ground, text.at, merge, NULL));
    CHECK_U32(ground->plan.counts[PLAN_UNCHANGED], ground->plan.count);
    ground_free(ground);
}

TEST(comments_and_trailing_commas_are_allowed_and_unknown_lists_are_not)
{
    struct ground *ground = ground_new();
    CHECK(ground_plan(ground, HEAD "// one host\n\"hosts\":[{\"name\":\"h\",},/* two */],}", merge,
                      NULL));
    CHECK(!ground_plan(ground, HEAD "\"guests\":[]}", merge, NULL));
    CHECK(ground_complains(ground, "guests"));
    CHECK(!ground_plan(ground, "{\"format\":\"x\",\"version\":2}", merge, NULL));
    CHECK(ground_complains(ground, "format"));
    CHECK(ground_complains(ground, "version"));
    CHECK(!ground_plan(ground, HEAD "\"hosts\":[", merge, NULL));
    CHECK(ground_complains(ground, "file"));
    CHECK(!ground_plan(ground, HEAD "\"hosts\":[{\"name\":\"h\"},{\"name\":\"h\"}]}", merge, NULL));
    CHECK(ground_complains(ground, "twice"));
    ground_free(ground);
}

TEST(an_existing_object_is_changed_only_with_leave_and_the_plan_says_from_what_to_what)
{
    struct ground *ground = ground_new();
    CHECK(ground_create(ground, &OBJECT_APPLICATION,
                        "{\"name\":\"a\",\"type\":\"x\",\"ports\":[{\"id\":\"default\","
                        "\"number\":1},{\"id\":\"http\",\"number\":2}]}"));
    static const char file[] = HEAD "\"applications\":[{\"name\":\"a\",\"ports\":[{\"id\":"
                                    "\"default\",\"number\":1},{\"id\":\"http\",\"number\":3}]}]}";
    CHECK(ground_plan(ground, file, merge, NULL));
    CHECK_U32(ground->plan.counts[PLAN_UPDATE], 1);
    const struct plan_item *item = &ground->plan.items[0];
    CHECK_U32(item->differences.count, 1);
    CHECK_TEXT(item->differences.at[0].path, "ports[http].number");
    CHECK_I64(item->differences.at[0].before->integer, 2);
    CHECK_I64(item->differences.at[0].after->integer, 3);
    CHECK(ground_warns(ground, "applications[a]: apply wants --overwrite"));
    uint64_t rev = ground->rev;
    CHECK(!ground_apply(ground, file, merge, NULL));
    CHECK(ground_complains(ground, "applications[a]"));
    CHECK_I64(ground->rev, rev);
    CHECK(ground_apply(ground, file, overwrite, NULL));
    ground_free(ground);
}

TEST(create_only_refuses_what_exists_but_the_tenant_environment)
{
    struct ground *ground = ground_new();
    static const char file[] = HEAD
        "\"tenants\":[{\"name\":\"Environment\"}],\"hosts\":[{\"name\":\"h\"}]}";
    CHECK(ground_apply(ground, file, create_only, NULL));
    CHECK(!ground_apply(ground, file, create_only, NULL));
    CHECK_U32(ground->problems.at[0].kind, PROBLEM_UNIQUENESS);
    CHECK(ground_complains(ground, "hosts[h]: exists already"));
    ground_free(ground);
}

TEST(sync_deletes_what_the_file_does_not_name_of_the_types_and_tenants_in_it)
{
    struct ground *ground = ground_new();
    CHECK(ground_create(ground, &OBJECT_TENANT, "{\"name\":\"Blue\"}"));
    CHECK(ground_apply(ground,
                       HEAD "\"places\":[{\"name\":\"p1\"},{\"name\":\"p2\",\"site\":\"c\"},"
                            "{\"name\":\"p1\",\"tenant\":\"Blue\"}],\"hosts\":[{\"name\":\"h\"}]}",
                       merge, NULL));
    static const char file[] = HEAD "\"places\":[{\"name\":\"p2\"}]}";
    CHECK(ground_plan(ground, file, merge, NULL));
    CHECK_U32(ground->plan.counts[PLAN_DELETE] + ground->plan.counts[PLAN_UPDATE], 0);
    CHECK(ground_apply(ground, file, sync_all, NULL));
    CHECK_U32(ground->plan.counts[PLAN_DELETE], 1);
    CHECK(ground_find(ground, &OBJECT_PLACE, "p1") == NULL);
    CHECK_TEXT(ground_json(ground, &OBJECT_PLACE, "p2"), "{\"name\":\"p2\"}");
    CHECK(object_set_find(ground->objects, &OBJECT_PLACE, TEXT("Blue"), TEXT("p1")) != NULL);
    CHECK(ground_find(ground, &OBJECT_HOST, "h") != NULL);
    ground_free(ground);
}

TEST(a_secret_is_given_by_environment_or_file_and_objects_may_only_name_known_ones)
{
    struct ground *ground = ground_new();
    static const char file[] = HEAD
        "\"applications\":[{\"name\":\"d\",\"template\":\"Database\",\"options\":{\"db\":"
        "{\"password\":{\"$secret\":\"db\"}}}}],\"secrets\":{\"db\":{\"$file\":\"pw\"}}}";
    struct text value;
    CHECK(!ground_apply(ground, file, merge, NULL));
    CHECK(ground_complains(ground, "secrets.db: $file:pw cannot be read"));
    CHECK(ground_plan(ground, file, merge, NULL)); /* the plan only warns */
    CHECK(ground_apply(ground, file, merge, "{\"$file:pw\":\"one\"}"));
    CHECK(secrets_find(ground->secrets, TEXT("db"), &value));
    CHECK_TEXT(value, "one");
    uint64_t rev = ground_find(ground, &OBJECT_APPLICATION, "d")->rev;
    /* Who uses it hears of the new value. */
    CHECK(ground_apply(ground, file, merge, "{\"$file:pw\":\"two\"}"));
    CHECK_I64(ground_find(ground, &OBJECT_APPLICATION, "d")->rev, rev + 1);
    CHECK(!ground_update(ground, &OBJECT_APPLICATION, "d",
                         "{\"options\":{\"db\":{\"password\":{\"$secret\":\"nix\"}}}}"));
    CHECK(ground_complains(ground, "there is no secret \"nix\""));
    ground_free(ground);
}

/* Any prefix of a valid file is refused with words, never believed, never a crash. */
TEST(every_prefix_of_the_sample_is_refused)
{
    size_t len = strlen(ground_sample_whole);
    struct ground *ground = ground_new();
    for (size_t i = 0; i + 3 < len; i += 7) {
        struct text part = scope_keep(ground->life, (struct text){ ground_sample_whole, i });
        CHECK(!ground_plan(ground, part.at, merge, NULL));
        CHECK(ground->problems.count > 0);
    }
    ground_free(ground);
}
