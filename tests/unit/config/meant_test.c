/* SPDX-License-Identifier: Apache-2.0 */
/* What can never be meant is refused when it is written, with field and rule; what an import may
 * bring and we cannot use is told of (framework 2.2, 2.3, 9). */
#include "ground.h"

#include "gen/objects.h"
#include "servers/config/grammar.h"

/* --- rings ---------------------------------------------------------------------------------- */

TEST(a_tenant_is_not_above_itself)
{
    struct ground *ground = ground_new();
    CHECK(!ground_create(ground, &OBJECT_TENANT, "{\"name\":\"a\",\"parentTenant\":\"a\"}"));
    CHECK(ground_complains(ground, "tenants[a].parentTenant: leads back to itself"));
    CHECK(ground_create(ground, &OBJECT_TENANT, "{\"name\":\"a\"}"));
    CHECK(ground_create(ground, &OBJECT_TENANT, "{\"name\":\"b\",\"parentTenant\":\"a\"}"));
    CHECK(ground_create(ground, &OBJECT_TENANT, "{\"name\":\"c\",\"parentTenant\":\"b\"}"));
    CHECK(!ground_update(ground, &OBJECT_TENANT, "a", "{\"parentTenant\":\"c\"}"));
    CHECK(ground_complains(ground, "tenants[a].parentTenant: leads back to itself by \"c\""));
    CHECK(ground_update(ground, &OBJECT_TENANT, "c", "{\"parentTenant\":\"a\"}"));
    ground_free(ground);
}

TEST(a_ring_made_by_two_steps_of_one_change_is_seen)
{
    struct ground *ground = ground_new();
    CHECK(!ground_apply(ground,
                        "{\"format\":\"cc-config\",\"version\":1,\"tenants\":["
                        "{\"name\":\"a\",\"parentTenant\":\"b\"},"
                        "{\"name\":\"b\",\"parentTenant\":\"a\"}]}",
                        (struct plan_wish){ PLAN_MERGE, true, false }, NULL));
    CHECK(ground_complains(ground, "tenants[a].parentTenant: leads back"));
    CHECK(ground_complains(ground, "tenants[b].parentTenant: leads back"));
    ground_free(ground);
}

TEST(a_group_is_no_member_of_itself)
{
    struct ground *ground = ground_new();
    CHECK(ground_create(ground, &OBJECT_ACCESS_GROUP, "{\"name\":\"a\"}"));
    CHECK(!ground_update(ground, &OBJECT_ACCESS_GROUP, "a", "{\"groups\":[\"a\"]}"));
    CHECK(ground_complains(ground, "accessGroups[a].groups: leads back to itself"));
    CHECK(ground_create(ground, &OBJECT_ACCESS_GROUP, "{\"name\":\"b\",\"groups\":[\"a\"]}"));
    CHECK(ground_create(ground, &OBJECT_ACCESS_GROUP, "{\"name\":\"c\",\"groups\":[\"a\"]}"));
    CHECK(ground_create(ground, &OBJECT_ACCESS_GROUP, "{\"name\":\"d\",\"groups\":[\"b\",\"c\"]}"));
    CHECK(!ground_update(ground, &OBJECT_ACCESS_GROUP, "a", "{\"groups\":[\"d\"]}"));
    ground_free(ground);
}

/* --- applications --------------------------------------------------------------------------- */

TEST(an_application_does_not_lean_on_itself)
{
    struct ground *ground = ground_new();
#define OUTBOUND(more) "{\"name\":\"a\",\"template\":\"CMServer\"" more "}"
    CHECK(!ground_create(ground, &OBJECT_APPLICATION, OUTBOUND(",\"backupServer\":\"a\"")));
    CHECK(ground_complains(ground, "applications[a].backupServer: must be another application"));
    CHECK(!ground_create(ground, &OBJECT_APPLICATION,
                         OUTBOUND(",\"connections\":[{\"server\":\"a\"}]")));
    CHECK(ground_complains(ground, "connections[a].server: must be another application"));
    CHECK(!ground_create(ground, &OBJECT_APPLICATION, OUTBOUND(",\"start\":{\"dir\":\"/x\"}")));
    CHECK(ground_complains(ground, "start.command: must not be empty"));
    CHECK(ground_create(ground, &OBJECT_APPLICATION,
                        OUTBOUND(",\"start\":{\"dir\":\"/x\",\"command\":\"y\"}")));
    ground_free(ground);
}

TEST(a_type_is_that_of_the_template) /* framework 2.3 */
{
    struct ground *ground = ground_new();
    CHECK(!ground_create(ground, &OBJECT_APPLICATION, OUTBOUND(",\"type\":\"SCS\"")));
    CHECK(ground_complains(ground, "applications[a].type: is SCS, and must be CMServer"));
    CHECK(ground_create(ground, &OBJECT_APPLICATION, OUTBOUND(",\"type\":\"CMServer\"")));
    CHECK(!ground_update(ground, &OBJECT_APPLICATION, "a", "{\"template\":\"SCS\"}"));
    CHECK(ground_create(ground, &OBJECT_APP_PROTOTYPE,
                        "{\"name\":\"new\",\"type\":\"CMServer\",\"version\":\"2\"}"));
    CHECK(ground_update(ground, &OBJECT_APPLICATION, "a", "{\"template\":\"new\"}"));
    CHECK(ground_update(ground, &OBJECT_APP_PROTOTYPE, "new", "{\"name\":\"newer\"}"));
    ground_free(ground);
}

TEST(what_an_application_cannot_use_is_told)
{
    struct ground *ground = ground_new();
    CHECK(ground_create(ground, &OBJECT_APPLICATION, "{\"name\":\"x\",\"type\":\"Nonsense\"}"));
    CHECK(ground_warns(ground, "type: \"Nonsense\" is none of the application types"));
    CHECK(ground_create(ground, &OBJECT_HOST, "{\"name\":\"h\"}"));
    CHECK(ground_create(ground, &OBJECT_APPLICATION,
                        OUTBOUND(",\"host\":\"h\",\"ports\":[{\"id\":\"web\",\"number\":1,"
                                 "\"connectionProtocol\":\"blah\"}],\"connections\":["
                                 "{\"server\":\"x\",\"protocol\":\"xyz\"}]")));
    CHECK(ground_warns(ground, "ports[web].connectionProtocol: \"blah\" is none"));
    CHECK(ground_warns(ground, "connections[x].protocol: \"xyz\" is none"));
    CHECK(ground_warns(ground, "ports: there is no port \"default\""));
    ground_free(ground);
}

TEST(a_heartbeat_is_off_or_has_ten_seconds) /* framework 4.2 */
{
#define HEARTBEAT(period) ",\"options\":{\"sml\":{\"heartbeat-period\":\"" period "\"}}"
    struct ground *ground = ground_new();
    CHECK(!ground_create(ground, &OBJECT_APPLICATION, OUTBOUND(HEARTBEAT("9"))));
    CHECK(ground_complains(ground, "sml.heartbeat-period: must be 0, or 10 to 604800"));
    CHECK(!ground_create(ground, &OBJECT_APPLICATION, OUTBOUND(HEARTBEAT("604801"))));
    CHECK(ground_create(ground, &OBJECT_APPLICATION, OUTBOUND(HEARTBEAT("0"))));
    CHECK(ground_update(ground, &OBJECT_APPLICATION, "a", "{\"options\":{\"sml\":null}}"));
    CHECK(ground_update(ground, &OBJECT_APPLICATION, "a",
                        "{\"options\":{\"sml\":{\"heartbeat-period\":\"10\"}}}"));
    CHECK_U32(ground->warnings.count, 0);
    CHECK(ground_create(ground, &OBJECT_APPLICATION,
                        "{\"name\":\"c\",\"template\":\"SCS\"" HEARTBEAT("10") "}"));
    CHECK(ground_warns(ground, "heartbeat-period: is taken as 40, the least of control"));
    ground_free(ground);
}

/* --- alarms --------------------------------------------------------------------------------- */

TEST(a_condition_that_can_never_hold_is_refused) /* framework 9 */
{
    static const char *const wrong[][2] = {
        { "{\"name\":\"c\"}", "one of detectEvent and detectScript must be there" },
        { "{\"name\":\"c\",\"detectEvent\":\"zz\"}", "detectEvent: must be the number" },
        { "{\"name\":\"c\",\"detectEvent\":\"2000\",\"cancelEvent\":\"00-\"}",
          "cancelEvent: must be the number" },
        { "{\"name\":\"c\",\"detectEvent\":\"2000\",\"selection\":\"type\"}",
          "appType: must be there" },
        { "{\"name\":\"c\",\"detectEvent\":\"2000\",\"selection\":\"application\"}",
          "application: must be there" },
    };
    struct ground *ground = ground_new();
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        CHECK(!ground_create(ground, &OBJECT_ALARM_CONDITION, wrong[i][0]));
        CHECK(ground_complains(ground, wrong[i][1]));
    }
    CHECK(ground_create(ground, &OBJECT_ALARM_CONDITION,
                        "{\"name\":\"c\",\"detectEvent\":\"00-04504\",\"selection\":\"type\","
                        "\"appType\":\"SCS\",\"detectScript\":\"Disk Low/AlarmDetection\"}"));
    CHECK(ground_warns(ground, "detectEvent: is passed over"));
    ground_free(ground);
}

TEST(a_detection_is_read_when_it_is_written) /* docs/decisions/0045 */
{
#define DETECTION(more) "{\"name\":\"d\",\"type\":\"AlarmDetection\",\"annex\":{" more "}}"
    struct ground *ground = ground_new();
    CHECK(!ground_create(ground, &OBJECT_SCRIPT,
                         DETECTION("\"detection\":{\"of\":\"application\","
                                   "\"expression\":\"load > 5\"}")));
    CHECK(ground_complains(
        ground, "annex.detection.expression: column 1: applications have cpu, memory, threads"));
    CHECK(ground_create(ground, &OBJECT_SCRIPT,
                        DETECTION("\"detection\":{\"expression\":\"load > 5\"}")));
    CHECK(!ground_update(ground, &OBJECT_SCRIPT, "d/AlarmDetection",
                         "{\"annex\":{\"detection\":{\"of\":\"Application\"}}}"));
    CHECK(ground_update(ground, &OBJECT_SCRIPT, "d/AlarmDetection",
                        "{\"annex\":{\"detection\":null}}"));
    CHECK(ground_warns(ground, "expression: is missing, so it detects nothing"));
    ground_free(ground);
}

/* --- single types --------------------------------------------------------------------------- */

TEST(values_that_cannot_be_meant_are_told_by_field)
{
#define DAY(more) "{\"name\":\"d\",\"weekday\":\"Monday\"" more "}"
    static const struct {
        const struct object_type *type;
        const char *json, *words;
    } wrong[] = {
        { &OBJECT_HOST, "{\"name\":\"h\",\"ipAddress\":\"not an address!!\"}", "ipAddress: must" },
        { &OBJECT_STAT_DAY, DAY(",\"minValue\":5,\"maxValue\":1"), "minValue: is above maxValue" },
        { &OBJECT_STAT_DAY, DAY(",\"startTime\":100,\"endTime\":50"), "endTime: is before" },
        { &OBJECT_STAT_DAY, DAY(",\"intervals\":[{\"number\":1},{\"number\":1}]"),
          "intervals[1]: is there twice" },
        { &OBJECT_STAT_DAY, DAY(",\"intervalLength\":60,\"intervals\":[{\"number\":24}]"),
          "intervals[24]: is past the end of the day" },
        { &OBJECT_IVR_PROFILE,
          "{\"name\":\"p\",\"startServiceDate\":\"2026-05-01\",\"endServiceDate\":\"2025-01-01\"}",
          "endServiceDate: is before" },
        { &OBJECT_TABLE_ACCESS, "{\"name\":\"t\",\"dbTableName\":\"a b; drop\"}",
          "dbTableName: must be letters" },
        { &OBJECT_SCHEDULED_TASK, "{\"name\":\"t\",\"schedule\":\"99 99 * * *\"}",
          "its minute field is wrong" },
        { &OBJECT_TIME_ZONE, "{\"name\":\"Z\",\"isDSTObserved\":true}", "dstStart: must be 2026" },
        { &OBJECT_TIME_ZONE,
          "{\"name\":\"Z\",\"isDSTObserved\":true,\"dstStart\":\"last Sunday of March\","
          "\"dstStop\":\"never\"}",
          "dstStop: must be 2026" },
        { &OBJECT_FIELD,
          "{\"name\":\"f\",\"dataType\":\"varchar\",\"length\":3,\"defaultValue\":\"four\"}",
          "defaultValue: is longer than 3 bytes" },
        { &OBJECT_FIELD, "{\"name\":\"f\",\"dataType\":\"int\",\"defaultValue\":\"x\"}",
          "defaultValue: must be a whole number" },
    };
    struct ground *ground = ground_new();
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        CHECK(!ground_create(ground, wrong[i].type, wrong[i].json));
        CHECK(ground_complains(ground, wrong[i].words));
    }
    CHECK(ground_create(ground, &OBJECT_STAT_DAY,
                        DAY(",\"minValue\":5,\"startTime\":480,\"endTime\":1080,"
                            "\"intervalLength\":60,\"intervals\":[{\"number\":23}]")));
    ground_free(ground);
}

TEST(what_is_named_is_of_the_kind_that_is_meant)
{
    struct ground *ground = ground_new();
    CHECK(ground_create(ground, &OBJECT_APPLICATION, OUTBOUND("")));
    CHECK(ground_create(ground, &OBJECT_APPLICATION, "{\"name\":\"c\",\"template\":\"SCS\"}"));
    CHECK(!ground_create(ground, &OBJECT_HOST, "{\"name\":\"h\",\"scs\":\"a\"}"));
    CHECK(ground_complains(ground, "hosts[h].scs: \"a\" is not of type SCS"));
    CHECK(ground_create(ground, &OBJECT_HOST, "{\"name\":\"h\",\"scs\":\"c\"}"));
    CHECK(!ground_create(ground, &OBJECT_SOLUTION, "{\"name\":\"s\",\"scs\":\"a\"}"));
    CHECK(!ground_create(ground, &OBJECT_SOLUTION,
                         "{\"name\":\"s\",\"components\":[{\"app\":\"a\",\"startupPriority\":1},"
                         "{\"app\":\"a\",\"startupPriority\":2}]}"));
    CHECK(ground_complains(ground, "components[a].app: is there twice"));
    CHECK(ground_create(ground, &OBJECT_STAT_TABLE, "{\"name\":\"t\",\"type\":\"CapacityTable\"}"));
    CHECK(!ground_create(ground, &OBJECT_PLACE_GROUP, "{\"name\":\"g\",\"quotaTable\":\"t\"}"));
    CHECK(ground_complains(ground, "quotaTable: \"t\" is not of type QuotaTable"));
    CHECK(ground_create(ground, &OBJECT_PLACE_GROUP, "{\"name\":\"g\",\"capacityTable\":\"t\"}"));
    CHECK(ground_create(ground, &OBJECT_PERSON, "{\"employeeId\":\"p\",\"userName\":\"p\"}"));
    CHECK(ground_create(ground, &OBJECT_AGENT_GROUP, "{\"name\":\"g\",\"agents\":[\"p\"]}"));
    CHECK(ground_warns(ground, "agentGroups[g].agents: 1 are no agents (isAgent), p the first"));
    ground_free(ground);
}

TEST(what_others_may_know_is_only_warned_of)
{
    struct ground *ground = ground_new();
    CHECK(
        ground_create(ground, &OBJECT_PHYSICAL_SWITCH, "{\"name\":\"o\",\"type\":\"SIP Switch\"}"));
    CHECK(ground_create(ground, &OBJECT_SWITCH,
                        "{\"name\":\"s\",\"physicalSwitch\":\"o\",\"dnRange\":\"zz\"}"));
    CHECK(ground_warns(ground, "dnRange: is no list of ranges"));
    CHECK(ground_create(ground, &OBJECT_TIME_ZONE, "{\"name\":\"Z\",\"ianaName\":\"No/Such\"}"));
    CHECK(ground_warns(ground, "ianaName: this machine has no time zone No/Such"));
    CHECK(ground_update(ground, &OBJECT_TIME_ZONE, "Z", "{\"ianaName\":\"Europe/Berlin\"}"));
    CHECK_U32(ground->warnings.count, 0);
    ground_free(ground);
}

/* --- texts ---------------------------------------------------------------------------------- */

TEST(addresses_are_numbers_or_names)
{
    static const char *const right[] = { "127.0.0.1",       "::1",    "fe80::1:2", "host",
                                         "a-b.example.org", "NODE_1", "7" };
    static const char *const wrong[] = { "1.2.3", "256.1.1.1", "1::2::3", "a b",      "a. b",
                                         "-a",    "a..b",      "a.",      "http://a", "" };
    for (size_t i = 0; i < sizeof right / sizeof right[0]; i++)
        CHECK(is_host_address(text_of(right[i])));
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        CHECK(!is_host_address(text_of(wrong[i])));
}

TEST(schedules_have_five_fields_in_their_ranges)
{
    static const char *const right[] = { "* * * * *", "0 6 * * 1-5", "*/15 8-18/2 1,15 * *",
                                         " 59  23 31 12 7 " };
    static const char *const wrong[][2] = {
        { "60 * * * *", "minute" },
        { "* 24 * * *", "hour" },
        { "* * 0 * *", "day" },
        { "* * * 13 *", "month" },
        { "* * * * 8", "weekday" },
        { "* * * *", "weekday" },
        { "* * * * * *", "sixth" },
        { "9-5 * * * *", "minute" },
        { "*/0 * * * *", "minute" },
        { "1,,2 * * * *", "minute" },
        { "", "minute" },
    };
    for (size_t i = 0; i < sizeof right / sizeof right[0]; i++)
        CHECK(schedule_field_refused(text_of(right[i])) == NULL);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        CHECK_TEXT(text_of(schedule_field_refused(text_of(wrong[i][0]))), wrong[i][1]);
}

TEST(table_names_and_ranges)
{
    CHECK(is_table_name(TEXT("list_1")) && is_table_name(TEXT("dbo.list_1")));
    CHECK(!is_table_name(TEXT("1list")) && !is_table_name(TEXT("a.b.c")) &&
          !is_table_name(TEXT("a.")));
    CHECK(is_number_ranges(TEXT("1000-1999, 2001")) && is_number_ranges(TEXT("7")));
    CHECK(!is_number_ranges(TEXT("1999-1000")) && !is_number_ranges(TEXT("1,")) &&
          !is_number_ranges(TEXT("zz")));
    CHECK(is_log_event(TEXT("00-04504")) && is_log_event(TEXT("2000")));
    CHECK(!is_log_event(TEXT("-1")) && !is_log_event(TEXT("1-2-3")) && !is_log_event(TEXT("")));
}
