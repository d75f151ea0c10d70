/* SPDX-License-Identifier: Apache-2.0 */
/* The rules of permissions (framework 12.2) without a server. */
#include "ground.h"

#include "gen/objects.h"
#include "servers/config/acl_builtin.h"
#include "servers/config/permit.h"

#include <stdio.h>

struct acl_ground {
    struct ground *ground;
    struct acl *acl;
};

static struct acl_ground begin(void)
{
    struct acl_ground out = { .ground = ground_new() };
    out.acl = acl_new(out.ground->life);
    return out;
}

static const struct object *object(struct acl_ground *at, const struct object_type *type,
                                   const char *key)
{
    const struct object *found = ground_find(at->ground, type, key);
    CHECK(found != NULL);
    return found;
}

static void create(struct acl_ground *at, const struct object_type *type, const char *json)
{
    CHECK(ground_create(at->ground, type, json));
}

static struct object_view view_of(const struct acl_ground *at)
{
    return (struct object_view){ .objects = at->ground->objects };
}

static struct acl_account account(struct acl_ground *at, const char *name)
{
    struct object_view view = view_of(at);
    const struct object *found = membership_find(&view, text_of(name), OBJECT_TENANT_DEFAULT);
    CHECK(found != NULL);
    return (struct acl_account){ found->type == &OBJECT_ACCESS_GROUP, found->dbid };
}

/* One entry beside those that are there. */
static void grant(struct acl_ground *at, const struct object_type *type, const char *key,
                  const char *name, const char *mask, bool propagates)
{
    const struct object *target = object(at, type, key);
    struct acl_entry entry = { .account = account(at, name), .propagates = propagates };
    struct acl_changes changes = { .scope = at->ground->life, .acl = at->acl };
    CHECK_OK(permission_parse(text_of(mask), &entry.mask));
    acl_changes_put(&changes, target, &entry);
    acl_changes_finish(&changes, 1);
    acl_changes_apply(&changes, at->acl);
}

static struct access_rights *rights(struct acl_ground *at, const char *name)
{
    struct object_view view = view_of(at);
    return access_of_account(at->ground->life, at->acl, at->ground->objects,
                             membership_find(&view, text_of(name), OBJECT_TENANT_DEFAULT));
}

static void check_mask(struct acl_ground *at, const char *name, const struct object_type *type,
                       const char *key, const char *wanted)
{
    char letters[PERMISSION_BYTES];
    CHECK_TEXT(permission_format(access_mask(rights(at, name), object(at, type, key)), letters),
               wanted);
}

/* --- letters -------------------------------------------------------------------------------- */

TEST(letters_and_the_names_of_sets_are_read)
{
    static const struct {
        const char *in, *out;
    } sets[] = {
        { "", "" },
        { "R", "R" },
        { "dxhcr", "RCHXD" },
        { "Read", "R" },
        { "Change", "RCHXD" },
        { "read & execute", "RX" },
        { "Full Control", "RCHXDEP" },
    };
    char letters[PERMISSION_BYTES];
    uint8_t mask;
    for (size_t i = 0; i < sizeof sets / sizeof sets[0]; i++) {
        CHECK_OK(permission_parse(text_of(sets[i].in), &mask));
        CHECK_TEXT(permission_format(mask, letters), sets[i].out);
    }
    CHECK(permission_parse(TEXT("RR"), &mask) == ERR_INVALID);
    CHECK(permission_parse(TEXT("RQ"), &mask) == ERR_INVALID);
}

/* --- evaluation ----------------------------------------------------------------------------- */

#define ANN  "{\"employeeId\":\"ann\",\"userName\":\"ann\"}"
#define TEAM "{\"name\":\"Team\",\"persons\":[\"ann\"]}"

TEST(without_a_grant_there_is_no_right_and_grants_of_all_groups_add_up)
{
    struct acl_ground at = begin();
    create(&at, &OBJECT_PERSON, ANN);
    create(&at, &OBJECT_ACCESS_GROUP, TEAM);
    create(&at, &OBJECT_ACCESS_GROUP, "{\"name\":\"Floor\",\"groups\":[\"Team\"]}");
    create(&at, &OBJECT_PLACE, "{\"name\":\"p\"}");
    check_mask(&at, "ann", &OBJECT_PLACE, "p", "");
    grant(&at, &OBJECT_PLACE, "p", "person:ann", "R", true);
    grant(&at, &OBJECT_PLACE, "p", "group:Team", "X", true);
    grant(&at, &OBJECT_TENANT, "Environment", "group:Floor", "H", true);
    check_mask(&at, "ann", &OBJECT_PLACE, "p", "RHX");
    check_mask(&at, "group:Team", &OBJECT_PLACE, "p", "HX");
    check_mask(&at, "group:Floor", &OBJECT_PLACE, "p", "H");
    ground_free(at.ground);
}

TEST(an_entry_on_the_object_counts_in_the_place_of_what_the_same_account_inherits)
{
    struct acl_ground at = begin();
    create(&at, &OBJECT_PERSON, ANN);
    create(&at, &OBJECT_PLACE, "{\"name\":\"p\",\"folder\":\"West/Desks\"}");
    create(&at, &OBJECT_PLACE, "{\"name\":\"q\"}");
    grant(&at, &OBJECT_TENANT, "Environment", "ann", "RX", true);
    check_mask(&at, "ann", &OBJECT_PLACE, "p", "RX");
    grant(&at, &OBJECT_FOLDER, "West", "ann", "RCHXD", true);
    check_mask(&at, "ann", &OBJECT_PLACE, "p", "RCHXD");
    check_mask(&at, "ann", &OBJECT_FOLDER, "West/Desks", "RCHXD");
    check_mask(&at, "ann", &OBJECT_PLACE, "q", "RX");
    grant(&at, &OBJECT_PLACE, "p", "ann", "", true);
    check_mask(&at, "ann", &OBJECT_PLACE, "p", "");
    ground_free(at.ground);
}

TEST(an_entry_that_does_not_propagate_is_for_the_container_alone)
{
    struct acl_ground at = begin();
    create(&at, &OBJECT_PERSON, ANN);
    create(&at, &OBJECT_PLACE, "{\"name\":\"p\",\"folder\":\"West\"}");
    grant(&at, &OBJECT_TENANT, "Environment", "ann", "R", true);
    grant(&at, &OBJECT_FOLDER, "West", "ann", "RCHXD", false);
    check_mask(&at, "ann", &OBJECT_FOLDER, "West", "RCHXD");
    check_mask(&at, "ann", &OBJECT_PLACE, "p", "R");
    ground_free(at.ground);
}

TEST(values_of_a_business_attribute_are_inside_it)
{
    struct acl_ground at = begin();
    create(&at, &OBJECT_PERSON, ANN);
    create(&at, &OBJECT_ENUMERATOR, "{\"name\":\"Category Structure\"}");
    create(&at, &OBJECT_ENUMERATOR_VALUE, "{\"enumerator\":\"Category Structure\",\"name\":\"v\"}");
    grant(&at, &OBJECT_ENUMERATOR, "Category Structure", "ann", "Full Control", true);
    check_mask(&at, "ann", &OBJECT_ENUMERATOR_VALUE, "Category Structure/v", "RCHXDEP");
    ground_free(at.ground);
}

TEST(who_is_in_no_group_by_name_is_one_of_users_and_everybody_is_in_everyone)
{
    struct acl_ground at = begin();
    create(&at, &OBJECT_PERSON, ANN);
    create(&at, &OBJECT_PERSON, "{\"employeeId\":\"bob\",\"userName\":\"bob\"}");
    create(&at, &OBJECT_ACCESS_GROUP, TEAM);
    create(&at, &OBJECT_PLACE, "{\"name\":\"p\"}");
    grant(&at, &OBJECT_PLACE, "p", "group:Users", "R", true);
    grant(&at, &OBJECT_PLACE, "p", "group:EVERYONE", "X", true);
    check_mask(&at, "bob", &OBJECT_PLACE, "p", "RX");
    check_mask(&at, "ann", &OBJECT_PLACE, "p", "X");
    ground_free(at.ground);
}

TEST(a_disabled_person_is_nobody_and_a_disabled_group_gives_nothing)
{
    struct acl_ground at = begin();
    create(&at, &OBJECT_PERSON, ANN);
    create(&at, &OBJECT_ACCESS_GROUP, TEAM);
    grant(&at, &OBJECT_TENANT, "Environment", "group:Team", "R", true);
    check_mask(&at, "ann", &OBJECT_TENANT, "Environment", "R");
    CHECK(ground_update(at.ground, &OBJECT_ACCESS_GROUP, "Team", "{\"state\":\"disabled\"}"));
    check_mask(&at, "ann", &OBJECT_TENANT, "Environment", "");
    CHECK(ground_update(at.ground, &OBJECT_PERSON, "default", "{\"lastName\":\"x\"}"));
    check_mask(&at, "default", &OBJECT_TENANT, "Environment", "RCHXDEP");
    ground_free(at.ground);
}

/* --- what a change may do ------------------------------------------------------------------- */

static const struct problems *try_step(struct acl_ground *at, const char *name,
                                       const struct change_step *step)
{
    struct change_set *set = ground_begin(at->ground);
    struct problems *denied = scope_alloc(at->ground->life, sizeof *denied);
    struct access_rights *mine = rights(at, name);
    *denied = (struct problems){ .scope = at->ground->life };
    permit_guard(set, mine);
    change_set_step(set, step, &at->ground->problems);
    if (at->ground->problems.count == 0) {
        struct change_world world = { 0 };
        change_set_finish(set, &world, &at->ground->problems, &at->ground->warnings);
    }
    permit_changes(set, NULL, mine, denied);
    change_set_drop(set);
    return denied->count ? denied : &at->ground->problems;
}

static void check_try(struct acl_ground *at, const char *name, enum change_op op,
                      const struct object_type *type, const char *key, const char *json,
                      const char *words)
{
    struct kv value = json ? ground_pairs(at->ground, json) : (struct kv){ 0 };
    struct change_step step = { .op = op, .type = type, .key = text_of(key), .value = &value };
    const struct problems *problems = try_step(at, name, &step);
    CHECK_TEXT(problems->count ? problems->at[0].words : TEXT(""), words);
}

TEST(what_may_not_be_seen_answers_as_what_is_not_there)
{
    struct acl_ground at = begin();
    create(&at, &OBJECT_PERSON, ANN);
    create(&at, &OBJECT_PLACE, "{\"name\":\"hidden\",\"folder\":\"Away\"}");
    create(&at, &OBJECT_PLACE, "{\"name\":\"p\"}");
    grant(&at, &OBJECT_TENANT, "Environment", "ann", "RCHXD", true);
    grant(&at, &OBJECT_FOLDER, "Away", "ann", "", true);
    check_try(&at, "ann", CHANGE_UPDATE, &OBJECT_PLACE, "hidden",
              "{\"annex\":{\"a\":{\"b\":\"c\"}}}", "places[hidden]: does not exist");
    check_try(&at, "ann", CHANGE_UPDATE, &OBJECT_PLACE, "nowhere",
              "{\"annex\":{\"a\":{\"b\":\"c\"}}}", "places[nowhere]: does not exist");
    check_try(&at, "ann", CHANGE_DELETE, &OBJECT_PLACE, "hidden", NULL,
              "places[hidden]: does not exist");
    check_try(&at, "ann", CHANGE_CREATE, &OBJECT_PLACE, "", "{\"name\":\"hidden\"}",
              "places[hidden]: you may not create it here");
    check_try(&at, "ann", CHANGE_CREATE, &OBJECT_PLACE, "",
              "{\"name\":\"new\",\"folder\":\"Away\"}", "places[new]: you may not create it here");
    check_try(&at, "ann", CHANGE_CREATE, &OBJECT_PLACE_GROUP, "",
              "{\"name\":\"g\",\"places\":[\"p\",\"hidden\"]}",
              "placeGroups[g].places[]: there is no Place \"hidden\"");
    check_try(&at, "ann", CHANGE_CREATE, &OBJECT_PLACE_GROUP, "",
              "{\"name\":\"g\",\"places\":[\"p\",\"nowhere\"]}",
              "placeGroups[g].places[]: there is no Place \"nowhere\"");
    ground_free(at.ground);
}

TEST(a_reference_to_what_may_not_be_seen_stays_and_is_in_the_way_without_a_name)
{
    struct acl_ground at = begin();
    create(&at, &OBJECT_PERSON, ANN);
    create(&at, &OBJECT_PLACE, "{\"name\":\"hidden\",\"folder\":\"Away\"}");
    create(&at, &OBJECT_PLACE, "{\"name\":\"p\"}");
    create(&at, &OBJECT_PLACE_GROUP, "{\"name\":\"g\",\"places\":[\"hidden\"]}");
    create(&at, &OBJECT_PLACE_GROUP, "{\"name\":\"h\",\"folder\":\"Away\",\"places\":[\"p\"]}");
    grant(&at, &OBJECT_TENANT, "Environment", "ann", "RCHXD", true);
    grant(&at, &OBJECT_FOLDER, "Away", "ann", "", true);
    check_try(&at, "ann", CHANGE_UPDATE, &OBJECT_PLACE_GROUP, "g",
              "{\"places\":[\"hidden\",\"p\"]}", "");
    check_try(&at, "ann", CHANGE_DELETE, &OBJECT_PLACE, "p", NULL,
              "places[p]: is used by an object that you may not see.places[]");
    /* A rename reaches what she may not see, and needs no right there. */
    check_try(&at, "ann", CHANGE_UPDATE, &OBJECT_PLACE, "p", "{\"name\":\"q\"}", "");
    ground_free(at.ground);
}

TEST(each_deed_needs_its_letter)
{
    struct acl_ground at = begin();
    create(&at, &OBJECT_PERSON, ANN);
    create(&at, &OBJECT_PLACE, "{\"name\":\"p\"}");
    grant(&at, &OBJECT_TENANT, "Environment", "ann", "R", true);
    check_try(&at, "ann", CHANGE_CREATE, &OBJECT_PLACE, "", "{\"name\":\"q\"}",
              "places[q]: you may not create it here");
    check_try(&at, "ann", CHANGE_UPDATE, &OBJECT_PLACE, "p", "{\"annex\":{\"a\":{\"b\":\"c\"}}}",
              "places[p]: you may not change it");
    check_try(&at, "ann", CHANGE_DELETE, &OBJECT_PLACE, "p", NULL,
              "places[p]: you may not delete it");
    /* Nothing moves: nothing is needed. */
    check_try(&at, "ann", CHANGE_UPDATE, &OBJECT_PLACE, "p", "{\"name\":\"p\"}", "");
    grant(&at, &OBJECT_PLACE, "p", "ann", "RHD", true);
    check_try(&at, "ann", CHANGE_UPDATE, &OBJECT_PLACE, "p", "{\"annex\":{\"a\":{\"b\":\"c\"}}}",
              "");
    check_try(&at, "ann", CHANGE_DELETE, &OBJECT_PLACE, "p", NULL, "");
    ground_free(at.ground);
}

TEST(a_move_needs_to_change_and_delete_here_and_to_create_there)
{
    struct acl_ground at = begin();
    create(&at, &OBJECT_PERSON, ANN);
    create(&at, &OBJECT_PLACE, "{\"name\":\"p\",\"folder\":\"From\"}");
    create(&at, &OBJECT_PLACE, "{\"name\":\"other\",\"folder\":\"To\"}");
    grant(&at, &OBJECT_TENANT, "Environment", "ann", "R", true);
    grant(&at, &OBJECT_FOLDER, "From", "ann", "RH", true);
    check_try(&at, "ann", CHANGE_UPDATE, &OBJECT_PLACE, "p", "{\"folder\":\"To\"}",
              "places[p]: you may not delete it");
    grant(&at, &OBJECT_FOLDER, "From", "ann", "RHD", true);
    check_try(&at, "ann", CHANGE_UPDATE, &OBJECT_PLACE, "p", "{\"folder\":\"To\"}",
              "places[p]: you may not move it there");
    grant(&at, &OBJECT_FOLDER, "To", "ann", "RC", true);
    check_try(&at, "ann", CHANGE_UPDATE, &OBJECT_PLACE, "p", "{\"folder\":\"To\"}", "");
    ground_free(at.ground);
}

TEST(who_changes_a_group_cannot_give_what_she_has_not)
{
    struct acl_ground at = begin();
    create(&at, &OBJECT_PERSON, ANN);
    create(&at, &OBJECT_PLACE, "{\"name\":\"p\"}");
    create(&at, &OBJECT_ACCESS_GROUP, "{\"name\":\"Mighty\"}");
    create(&at, &OBJECT_ACCESS_GROUP, "{\"name\":\"Inner\"}");
    CHECK(ground_update(at.ground, &OBJECT_ACCESS_GROUP, "Mighty", "{\"groups\":[\"Inner\"]}"));
    grant(&at, &OBJECT_TENANT, "Environment", "ann", "RCHXD", true);
    grant(&at, &OBJECT_PLACE, "p", "group:Mighty", "RP", true);
    static const char no[] = "its members may what you may not: you cannot give that";
    char words[256];
    snprintf(words, sizeof words, "accessGroups[Mighty]: %s", no);
    check_try(&at, "ann", CHANGE_UPDATE, &OBJECT_ACCESS_GROUP, "Mighty", "{\"persons\":[\"ann\"]}",
              words);
    snprintf(words, sizeof words, "accessGroups[Inner]: %s", no);
    check_try(&at, "ann", CHANGE_UPDATE, &OBJECT_ACCESS_GROUP, "Inner", "{\"persons\":[\"ann\"]}",
              words);
    snprintf(words, sizeof words, "accessGroups[Super Administrators]: %s", no);
    check_try(&at, "ann", CHANGE_UPDATE, &OBJECT_ACCESS_GROUP, "Super Administrators",
              "{\"persons\":[\"ann\",\"default\"]}", words);
    snprintf(words, sizeof words, "accessGroups[Own]: %s", no);
    check_try(&at, "ann", CHANGE_CREATE, &OBJECT_ACCESS_GROUP, "",
              "{\"name\":\"Own\",\"type\":\"SuperAdministrators\",\"persons\":[\"ann\"]}", words);
    snprintf(words, sizeof words, "accessGroups[Team]: %s", no);
    check_try(&at, "ann", CHANGE_CREATE, &OBJECT_ACCESS_GROUP, "",
              "{\"name\":\"Team\",\"type\":\"Administrators\",\"persons\":[\"ann\"]}", words);
    check_try(&at, "ann", CHANGE_CREATE, &OBJECT_ACCESS_GROUP, "",
              "{\"name\":\"Plain\",\"persons\":[\"ann\"]}", "");
    grant(&at, &OBJECT_PLACE, "p", "ann", "Full Control", true);
    check_try(&at, "ann", CHANGE_UPDATE, &OBJECT_ACCESS_GROUP, "Inner", "{\"persons\":[\"ann\"]}",
              "");
    ground_free(at.ground);
}

TEST(an_application_logs_on_as_no_more_than_who_makes_it)
{
    struct acl_ground at = begin();
    create(&at, &OBJECT_PERSON, ANN);
    create(&at, &OBJECT_HOST, "{\"name\":\"h\"}");
    grant(&at, &OBJECT_TENANT, "Environment", "ann", "RCHXD", true);
    check_try(&at, "ann", CHANGE_CREATE, &OBJECT_APPLICATION, "",
              "{\"name\":\"a\",\"template\":\"CMServer\",\"host\":\"h\"}",
              "applications[a]: only Super Administrators make servers that log on as System");
    check_try(&at, "ann", CHANGE_CREATE, &OBJECT_APPLICATION, "",
              "{\"name\":\"a\",\"template\":\"CMServer\",\"host\":\"h\",\"logOnAs\":\"ann\"}", "");
    check_try(&at, "ann", CHANGE_CREATE, &OBJECT_APPLICATION, "",
              "{\"name\":\"a\",\"template\":\"CMServer\",\"host\":\"h\",\"logOnAs\":\"default\"}",
              "applications[a]: that account may what you may not: you cannot give that");
    check_try(&at, "ann", CHANGE_CREATE, &OBJECT_APPLICATION, "",
              "{\"name\":\"d\",\"template\":\"Database\"}", "");
    ground_free(at.ground);
}

TEST(nobody_locks_out_the_last_super_administrator)
{
    struct acl_ground at = begin();
    static const char words[] =
        "accessGroups[Super Administrators].persons: nobody would be left who may everything";
    check_try(&at, "default", CHANGE_UPDATE, &OBJECT_PERSON, "default", "{\"state\":\"disabled\"}",
              words);
    check_try(&at, "default", CHANGE_UPDATE, &OBJECT_ACCESS_GROUP, "Super Administrators",
              "{\"persons\":[]}", words);
    check_try(&at, "default", CHANGE_UPDATE, &OBJECT_ACCESS_GROUP, "Super Administrators",
              "{\"type\":\"Default\"}", words);
    create(&at, &OBJECT_PERSON, ANN);
    create(&at, &OBJECT_ACCESS_GROUP, TEAM);
    check_try(&at, "default", CHANGE_UPDATE, &OBJECT_ACCESS_GROUP, "Super Administrators",
              "{\"persons\":[],\"groups\":[\"Team\"]}", "");
    ground_free(at.ground);
}

/* --- what a store begins with --------------------------------------------------------------- */

TEST(a_tenants_administrators_and_users_get_their_entries_with_their_group)
{
    struct acl_ground at = begin();
    struct change_set *set = ground_begin(at.ground);
    struct acl_changes changes = { .scope = at.ground->life, .acl = at.acl };
    static const char *const steps[][2] = {
        { "Tenant", "{\"name\":\"T\"}" },
        { "Person", "{\"employeeId\":\"tom\",\"userName\":\"tom\"}" },
        { "Person", "{\"employeeId\":\"una\",\"userName\":\"una\"}" },
        { "AccessGroup", "{\"name\":\"A\",\"type\":\"Administrators\",\"persons\":[\"tom\"]}" },
        { "AccessGroup", "{\"name\":\"U\",\"type\":\"Users\"}" },
        { "Place", "{\"name\":\"p\"}" },
    };
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        struct kv value = ground_pairs(at.ground, steps[i][1]);
        struct change_step step = { .op = CHANGE_CREATE,
                                    .type = object_type_find(text_of(steps[i][0])),
                                    .tenant = TEXT("T"),
                                    .value = &value };
        change_set_step(set, &step, &at.ground->problems);
    }
    struct change_world world = { 0 };
    change_set_finish(set, &world, &at.ground->problems, &at.ground->warnings);
    CHECK_U32(at.ground->problems.count, 0);
    acl_builtin_follow(set, true, &changes);
    change_set_stamp(set, 2, 2000);
    change_set_apply(set);
    acl_changes_finish(&changes, 2);
    acl_changes_apply(&changes, at.acl);
    create(&at, &OBJECT_PERSON, ANN);
    const struct object *place =
        object_set_find(at.ground->objects, &OBJECT_PLACE, TEXT("T"), TEXT("p"));
    CHECK_U32(access_mask(rights(&at, "person:T/tom"), place), PERMISSIONS_CHANGE | MAY_READ_ACL);
    CHECK_U32(access_mask(rights(&at, "person:T/una"), place), MAY_READ);
    CHECK_U32(access_mask(rights(&at, "ann"), place), 0);
    check_mask(&at, "ann", &OBJECT_TENANT, "Environment", "R");
    check_mask(&at, "group:Administrators", &OBJECT_TENANT, "T", "RCHXDE");
    check_mask(&at, "person:T/tom", &OBJECT_TENANT, "Environment", "");
    ground_free(at.ground);
}
