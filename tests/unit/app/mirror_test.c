/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/test.h"

#include "app/mirror.h"
#include "gen/objects.h"

#include <stdio.h>

static struct mirror *mirror;
static struct scope *life;

static void begin(void)
{
    life = scope_new(NULL, "test", SCOPE_NO_LIMIT);
    mirror = mirror_new(life);
}

static enum mirror_deed put_rev(uint32_t dbid, uint64_t rev, const char *json)
{
    struct mirror_entry entry = {
        .type = &OBJECT_HOST, .dbid = dbid, .rev = rev, .body = text_of(json)
    };
    enum mirror_deed deed;
    struct fault fault;
    (void)mirror_put(mirror, &entry, &deed, &fault);
    return deed;
}

static const struct object_host *host(const char *key)
{
    const struct app_object *object = mirror_find(mirror, &OBJECT_HOST, text_of(key));
    return object ? (const void *)object->fields : NULL;
}

TEST(objects_come_change_and_go)
{
    begin();
    CHECK_I64(put_rev(7, 1, "{\"name\":\"a\",\"ipAddress\":\"127.0.0.1\"}"), MIRROR_ADDED);
    CHECK_TEXT(host("a")->ip_address, "127.0.0.1");
    CHECK_I64(put_rev(7, 2, "{\"name\":\"a\",\"ipAddress\":\"127.0.0.2\"}"), MIRROR_CHANGED);
    CHECK_TEXT(host("a")->ip_address, "127.0.0.2");
    CHECK_U32(mirror_find_dbid(mirror, &OBJECT_HOST, 7)->rev, 2);
    CHECK_I64(mirror_delete(mirror, &OBJECT_HOST, 7), MIRROR_DELETED);
    CHECK(host("a") == NULL);
    CHECK_I64(mirror_delete(mirror, &OBJECT_HOST, 7), MIRROR_SAME);
    scope_close(life);
}

TEST(what_is_replaced_stays_readable_until_the_change_is_settled)
{
    begin();
    (void)put_rev(7, 1, "{\"name\":\"a\"}");
    const struct object_host *before = host("a");
    (void)put_rev(7, 2, "{\"name\":\"a\"}");
    CHECK(host("a") != before);
    CHECK_TEXT(before->name, "a"); /* the sanitizer would tell */
    mirror_settle(mirror);
    scope_close(life);
}

TEST(a_disabled_object_acts_as_absent)
{
    begin();
    CHECK_I64(put_rev(7, 1, "{\"name\":\"a\",\"state\":\"disabled\"}"), MIRROR_SAME);
    CHECK(host("a") == NULL);
    (void)put_rev(7, 2, "{\"name\":\"a\"}");
    CHECK_I64(put_rev(7, 3, "{\"name\":\"a\",\"state\":\"disabled\"}"), MIRROR_DELETED);
    CHECK(host("a") == NULL);
    scope_close(life);
}

TEST(an_object_that_cannot_be_read_is_absent_and_the_fault_says_why)
{
    begin();
    (void)put_rev(7, 1, "{\"name\":\"a\"}");
    struct mirror_entry entry = { .type = &OBJECT_HOST,
                                  .dbid = 7,
                                  .rev = 2,
                                  .body = TEXT("{\"name\":\"a\",\"lcaPort\":99999}") };
    struct fault fault;
    enum mirror_deed deed;
    CHECK_I64(mirror_put(mirror, &entry, &deed, &fault), ERR_INVALID);
    CHECK_I64(deed, MIRROR_DELETED);
    CHECK_TEXT(text_of(fault.field), "lcaPort");
    CHECK(host("a") == NULL);
    scope_close(life);
}

TEST(an_older_revision_does_not_undo_a_newer_one)
{
    begin();
    (void)put_rev(7, 5, "{\"name\":\"new\"}");
    CHECK_I64(put_rev(7, 4, "{\"name\":\"old\"}"), MIRROR_SAME);
    CHECK(host("new") != NULL);
    scope_close(life);
}

TEST(a_renamed_object_leaves_its_old_key)
{
    begin();
    (void)put_rev(7, 1, "{\"name\":\"a\"}");
    (void)put_rev(7, 2, "{\"name\":\"b\"}");
    CHECK(host("a") == NULL);
    CHECK(host("b") != NULL);
    scope_close(life);
}

TEST(two_tenants_may_use_one_key_and_the_lowest_dbid_answers)
{
    begin();
    (void)put_rev(9, 1, "{\"name\":\"a\",\"ipAddress\":\"9\"}");
    (void)put_rev(7, 1, "{\"name\":\"a\",\"ipAddress\":\"7\"}");
    (void)put_rev(8, 1, "{\"name\":\"a\",\"ipAddress\":\"8\"}");
    CHECK_TEXT(host("a")->ip_address, "7");
    (void)mirror_delete(mirror, &OBJECT_HOST, 7);
    CHECK_TEXT(host("a")->ip_address, "8");
    scope_close(life);
}

TEST(objects_are_walked_by_dbid)
{
    begin();
    static const uint32_t dbids[] = { 40, 7, 101, 8 };
    for (size_t i = 0; i < 4; i++) {
        char json[40];
        snprintf(json, sizeof json, "{\"name\":\"h%u\"}", dbids[i]);
        (void)put_rev(dbids[i], 1, json);
    }
    uint32_t last = 0, count = 0;
    const struct app_object *object;
    for (size_t at = 0; (object = mirror_next(mirror, &OBJECT_HOST, &at)) != NULL; count++) {
        CHECK(object->dbid > last);
        last = object->dbid;
    }
    CHECK_U32(count, 4);
    scope_close(life);
}

TEST(a_snapshot_takes_away_what_it_does_not_bring)
{
    begin();
    (void)put_rev(1, 1, "{\"name\":\"stays\"}");
    (void)put_rev(2, 1, "{\"name\":\"goes\"}");
    mirror_begin_snapshot(mirror);
    CHECK_I64(put_rev(1, 1, "{\"name\":\"stays\"}"), MIRROR_SAME);
    CHECK_I64(put_rev(3, 2, "{\"name\":\"comes\"}"), MIRROR_ADDED);
    CHECK_U32(mirror_end_snapshot(mirror), 1);
    CHECK(host("goes") == NULL);
    CHECK(host("stays") != NULL);
    CHECK(host("comes") != NULL);
    scope_close(life);
}

TEST(a_key_of_several_parts_is_joined)
{
    begin();
    struct mirror_entry entry = {
        .type = &OBJECT_CAMPAIGN_GROUP,
        .dbid = 1,
        .rev = 1,
        .tenant = TEXT("Environment"),
        .body = TEXT("{\"campaign\":\"spring\",\"name\":\"agents\",\"group\":\"agents\"}")
    };
    struct fault fault = { 0 };
    enum mirror_deed deed;
    CHECK_OK(mirror_put(mirror, &entry, &deed, &fault));
    CHECK(mirror_find(mirror, &OBJECT_CAMPAIGN_GROUP, TEXT("spring/agents")) != NULL);
    scope_close(life);
}
