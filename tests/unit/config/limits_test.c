/* SPDX-License-Identifier: Apache-2.0 */
/* How large an installation may be (framework 16); options of one object: types_test.c. */
#include "ground.h"

#include "gen/objects.h"

#include <stdio.h>
#include <string.h>

/* Named letter and number, from `from` to `until` (without it), all in one revision. */
static bool create_many(struct ground *ground, const struct object_type *type, char letter,
                        const char *more, int from, int until)
{
    struct change_set *set = ground_begin(ground);
    for (int i = from; i < until; i++) {
        char json[200];
        (void)snprintf(json, sizeof json, "{\"name\":\"%c%d\"%s}", letter, i, more);
        struct kv value = ground_pairs(ground, json);
        struct change_step step = { .op = CHANGE_CREATE, .type = type, .value = &value };
        change_set_step(set, &step, &ground->problems);
    }
    return ground_commit(ground, set);
}

TEST(there_are_2000_applications_and_not_one_more)
{
    struct ground *ground = ground_new();
    const char *more = ",\"type\":\"x\"";
    CHECK(create_many(ground, &OBJECT_APPLICATION, 'a', more, 0, 1999));
    CHECK(!create_many(ground, &OBJECT_APPLICATION, 'a', more, 1999, 2001));
    CHECK(ground_complains(ground, "applications: there would be 2001, and may be 2000"));
    CHECK_TEXT(ground->problems.at[0].object_type, "CFGApplication");
    CHECK(create_many(ground, &OBJECT_APPLICATION, 'a', more, 1999, 2000));
    CHECK(!ground_create(ground, &OBJECT_APPLICATION, "{\"name\":\"b\",\"type\":\"x\"}"));
    CHECK(ground_update(ground, &OBJECT_APPLICATION, "a7", "{\"annex\":{\"s\":{\"a\":\"1\"}}}"));
    CHECK(ground_delete(ground, &OBJECT_APPLICATION, "a7", CASCADE_NONE));
    CHECK(ground_create(ground, &OBJECT_APPLICATION, "{\"name\":\"b\",\"type\":\"x\"}"));
    ground_free(ground);
}

TEST(an_SCS_has_250_hosts_those_that_name_none_among_them)
{
    struct ground *ground = ground_new();
    CHECK(ground_create(ground, &OBJECT_APPLICATION, "{\"name\":\"s\",\"template\":\"SCS\"}"));
    CHECK(ground_create(ground, &OBJECT_APPLICATION, "{\"name\":\"t\",\"template\":\"SCS\"}"));
    CHECK(create_many(ground, &OBJECT_HOST, 's', ",\"scs\":\"s\"", 0, 200));
    CHECK(create_many(ground, &OBJECT_HOST, 'n', "", 0, 50));
    CHECK(!ground_create(ground, &OBJECT_HOST, "{\"name\":\"x\",\"scs\":\"s\"}"));
    CHECK(ground_complains(ground, "hosts[x].scs: applications[s] would have 251 hosts"));
    CHECK_TEXT(ground->problems.at[0].property, "CFGScs");
    CHECK(!ground_create(ground, &OBJECT_HOST, "{\"name\":\"x\"}"));
    CHECK(ground_complains(ground, "hosts[x].scs: applications[s] would have 251 hosts"));
    CHECK(ground_create(ground, &OBJECT_HOST, "{\"name\":\"x\",\"scs\":\"t\"}"));
    CHECK(!ground_update(ground, &OBJECT_HOST, "x", "{\"scs\":\"s\"}"));
    CHECK(ground_update(ground, &OBJECT_HOST, "n1", "{\"scs\":\"s\"}")); /* counted already */
    CHECK(ground_update(ground, &OBJECT_HOST, "n2", "{\"scs\":\"t\"}"));
    CHECK(ground_update(ground, &OBJECT_HOST, "x", "{\"scs\":\"s\"}"));
    ground_free(ground);
}

TEST(hosts_that_name_no_SCS_are_250_too)
{
    struct ground *ground = ground_new();
    CHECK(!create_many(ground, &OBJECT_HOST, 'n', "", 0, 251));
    CHECK(ground_complains(ground, "there would be 251 hosts that name no SCS, and may be 250"));
    CHECK(create_many(ground, &OBJECT_HOST, 'n', "", 0, 250));
    ground_free(ground);
}

TEST(a_name_has_255_bytes)
{
    struct ground *ground = ground_new();
    char json[400], name[257];
    memset(name, 'n', sizeof name);
    (void)snprintf(json, sizeof json, "{\"name\":\"%.255s\"}", name);
    CHECK(ground_create(ground, &OBJECT_PLACE, json));
    (void)snprintf(json, sizeof json, "{\"name\":\"%.256s\"}", name);
    CHECK(!ground_create(ground, &OBJECT_PLACE, json));
    CHECK(ground_complains(ground, "name: "));
    CHECK(ground_complains(ground, "255"));
    ground_free(ground);
}
