/* SPDX-License-Identifier: Apache-2.0 */
/* The object types of framework 2.2: references, what is there once, folders, limits, warnings. */
#include "ground.h"

#include "base/buf.h"
#include "gen/objects.h"

#include <stdio.h>
#include <stdlib.h>

static void make_switch(struct ground *ground)
{
    CHECK(
        ground_create(ground, &OBJECT_PHYSICAL_SWITCH, "{\"name\":\"o\",\"type\":\"SIP Switch\"}"));
    CHECK(ground_create(ground, &OBJECT_SWITCH, "{\"name\":\"s\",\"physicalSwitch\":\"o\"}"));
}

TEST(every_type_of_the_public_enumeration_is_there)
{
    static const struct {
        uint32_t code;
        const char *name;
    } public[] = {
        { 1, "Switch" },
        { 2, "DN" },
        { 3, "Person" },
        { 4, "Place" },
        { 5, "AgentGroup" },
        { 6, "PlaceGroup" },
        { 7, "Tenant" },
        { 8, "Solution" },
        { 9, "Application" },
        { 10, "Host" },
        { 11, "PhysicalSwitch" },
        { 12, "Script" },
        { 13, "Skill" },
        { 14, "ActionCode" },
        { 15, "AgentLogin" },
        { 16, "Transaction" },
        { 17, "DNGroup" },
        { 18, "StatDay" },
        { 19, "StatTable" },
        { 20, "AppPrototype" },
        { 21, "AccessGroup" },
        { 22, "Folder" },
        { 23, "Field" },
        { 24, "Format" },
        { 25, "TableAccess" },
        { 26, "CallingList" },
        { 27, "Campaign" },
        { 28, "Treatment" },
        { 29, "Filter" },
        { 30, "TimeZone" },
        { 31, "VoicePrompt" },
        { 32, "IVRPort" },
        { 33, "IVR" },
        { 34, "AlarmCondition" },
        { 35, "Enumerator" },
        { 36, "EnumeratorValue" },
        { 37, "ObjectiveTable" },
        { 38, "CampaignGroup" },
        { 39, "GVPReseller" },
        { 40, "GVPCustomer" },
        { 41, "IVRProfile" },
        { 42, "ScheduledTask" },
        { 43, "Role" },
        { 44, "PersonLastLogin" },
    };
    for (size_t i = 0; i < sizeof public / sizeof public[0]; i++) {
        const struct object_type *type = object_type_find(text_of(public[i].name));
        CHECK(type != NULL);
        if (type) CHECK_U32(type->code, public[i].code);
    }
}

TEST(a_number_is_one_by_switch_number_and_type)
{
    struct ground *ground = ground_new();
    make_switch(ground);
#define DN(type) "{\"switch\":\"s\",\"number\":\"7001\",\"type\":\"" type "\"}"
    CHECK(ground_create(ground, &OBJECT_DN, DN("Extension")));
    CHECK(ground_create(ground, &OBJECT_DN, DN("RoutingPoint")));
    CHECK(!ground_create(ground, &OBJECT_DN, DN("Extension")));
    CHECK_U32(ground->problems.at[0].kind, PROBLEM_UNIQUENESS);
    CHECK(!ground_create(ground, &OBJECT_DN, DN("Telephone")));
    CHECK(ground_create(ground, &OBJECT_PLACE, "{\"name\":\"p\",\"dns\":[\"s/7001/Extension\"]}"));
    CHECK(!ground_delete(ground, &OBJECT_DN, "s/7001/Extension", CASCADE_NONE));
    CHECK(ground_complains(ground, "used by places[p].dns[]"));
    /* The switch's name is part of what everything else is known by. */
    CHECK(ground_update(ground, &OBJECT_SWITCH, "s", "{\"name\":\"t\"}"));
    CHECK_TEXT(ground_json(ground, &OBJECT_PLACE, "p"),
               "{\"name\":\"p\",\"dns\":[\"t/7001/Extension\"]}");
    ground_free(ground);
}

TEST(skill_levels_name_skills_which_are_renamed_and_unlinked_with_them)
{
    struct ground *ground = ground_new();
#define ANN(levels)                                                                                \
    "{\"employeeId\":\"ann\",\"userName\":\"ann\",\"agentInfo\":{\"skillLevels\":{" levels "}}}"
    CHECK(!ground_create(ground, &OBJECT_PERSON, ANN("\"sales\":7")));
    CHECK(ground_complains(ground,
                           "persons[ann].agentInfo.skillLevels{}: there is no Skill \"sales\""));
    CHECK(ground_create(ground, &OBJECT_SKILL, "{\"name\":\"sales\"}"));
    CHECK(!ground_create(ground, &OBJECT_PERSON, ANN("\"sales\":\"much\"")));
    CHECK(ground_complains(ground, "agentInfo.skillLevels.sales: must be a whole number"));
    CHECK(ground_create(ground, &OBJECT_PERSON, ANN("\"sales\":7")));
    CHECK(ground_update(ground, &OBJECT_SKILL, "sales", "{\"name\":\"selling\"}"));
    CHECK_TEXT(ground_json(ground, &OBJECT_PERSON, "ann"), ANN("\"selling\":7"));
    CHECK(!ground_delete(ground, &OBJECT_SKILL, "selling", CASCADE_NONE));
    CHECK(ground_delete(ground, &OBJECT_SKILL, "selling", CASCADE_UNLINK));
    ground_free(ground);
}

TEST(a_tenant_has_one_multimedia_switch) /* addenda 1, row 2 */
{
    struct ground *ground = ground_new();
    CHECK(ground_create(ground, &OBJECT_PHYSICAL_SWITCH,
                        "{\"name\":\"o\",\"type\":\"Multimedia Switch\"}"));
    CHECK(ground_create(ground, &OBJECT_SWITCH, "{\"name\":\"a\",\"physicalSwitch\":\"o\"}"));
    CHECK(!ground_create(ground, &OBJECT_SWITCH, "{\"name\":\"b\",\"physicalSwitch\":\"o\"}"));
    CHECK(ground_complains(ground, "switches[a] is the multimedia switch of the tenant"));
    CHECK(
        ground_create(ground, &OBJECT_PHYSICAL_SWITCH, "{\"name\":\"p\",\"type\":\"SIP Switch\"}"));
    CHECK(ground_create(ground, &OBJECT_SWITCH, "{\"name\":\"b\",\"physicalSwitch\":\"p\"}"));
    CHECK(!ground_update(ground, &OBJECT_PHYSICAL_SWITCH, "p", "{\"type\":\"Multimedia Switch\"}"));
    ground_free(ground);
}

TEST(an_enumerator_has_one_default_and_its_tree_no_loop)
{
    struct ground *ground = ground_new();
    CHECK(ground_create(ground, &OBJECT_ENUMERATOR, "{\"name\":\"e\"}"));
    CHECK(ground_create(ground, &OBJECT_ENUMERATOR, "{\"name\":\"f\"}"));
#define VALUE(enumerator, name, more)                                                              \
    "{\"enumerator\":\"" enumerator "\",\"name\":\"" name "\"" more "}"
    CHECK(ground_create(ground, &OBJECT_ENUMERATOR_VALUE, VALUE("e", "a", ",\"isDefault\":true")));
    CHECK(ground_create(ground, &OBJECT_ENUMERATOR_VALUE, VALUE("f", "a", ",\"isDefault\":true")));
    CHECK(!ground_create(ground, &OBJECT_ENUMERATOR_VALUE, VALUE("e", "b", ",\"isDefault\":true")));
    CHECK(ground_complains(ground, "enumeratorValues[e/a] is the default already"));
    CHECK(ground_create(ground, &OBJECT_ENUMERATOR_VALUE, VALUE("e", "b", ",\"parent\":\"e/a\"")));
    CHECK(!ground_create(ground, &OBJECT_ENUMERATOR_VALUE, VALUE("e", "c", ",\"parent\":\"f/a\"")));
    CHECK(!ground_update(ground, &OBJECT_ENUMERATOR_VALUE, "e/a", "{\"parent\":\"e/b\"}"));
    CHECK(ground_complains(ground, "leads back to itself"));
    ground_free(ground);
}

TEST(single_rules_of_types_are_told_by_field)
{
    static const struct {
        const struct object_type *type;
        const char *json, *words;
    } wrong[] = {
        { &OBJECT_STAT_DAY, "{\"name\":\"d\"}", "one of date and weekday" },
        { &OBJECT_STAT_DAY, "{\"name\":\"d\",\"date\":\"2026-02-29\"}", "must be a date" },
        { &OBJECT_ROLE, "{\"name\":\"r\",\"privileges\":{\"SCI\":\"all\"}}", "a list of names" },
        { &OBJECT_PERSON_LAST_LOGIN, "{\"person\":\"default\"}", "kept by the store" },
        { &OBJECT_FOLDER, "{\"path\":\"/a\"}", "names joined by /" },
        { &OBJECT_FOLDER, "{\"path\":\"a\",\"objectType\":\"Thing\"}", "no object type" },
        { &OBJECT_FOLDER, "{\"path\":\"a\",\"folder\":\"b\"}", "path says where" },
        { &OBJECT_PLACE, "{\"name\":\"p\",\"folder\":\"a//b\"}", "names joined by /" },
        { &OBJECT_PLACE, "{\"name\":\"p\",\"capacityRule\":\"Disk Low/AlarmDetection\"}",
          "must name a script as NAME/CapacityRule" },
        { &OBJECT_ACTION_CODE,
          "{\"name\":\"a\",\"type\":\"not-ready\",\"code\":\"1\",\"subcodes\":{\"x\":1}}",
          "subcodes.x: must be text" },
    };
    struct ground *ground = ground_new();
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        CHECK(!ground_create(ground, wrong[i].type, wrong[i].json));
        CHECK(ground_complains(ground, wrong[i].words));
    }
    CHECK(ground_create(ground, &OBJECT_STAT_DAY, "{\"name\":\"d\",\"date\":\"2028-02-29\"}"));
    CHECK(ground_create(ground, &OBJECT_ACTION_CODE,
                        "{\"name\":\"a\",\"type\":\"not-ready\",\"code\":\"1\"}"));
    CHECK(!ground_create(ground, &OBJECT_ACTION_CODE,
                         "{\"name\":\"b\",\"type\":\"not-ready\",\"code\":\"1\"}"));
    ground_free(ground);
}

/* --- folders -------------------------------------------------------------------------------- */

TEST(a_folder_comes_with_what_is_in_it_and_takes_it_along)
{
    struct ground *ground = ground_new();
    CHECK(ground_create(ground, &OBJECT_PLACE, "{\"name\":\"p\",\"folder\":\"A/B\"}"));
    CHECK_U32(ground->moved, 3);
    CHECK(ground_find(ground, &OBJECT_FOLDER, "A") && ground_find(ground, &OBJECT_FOLDER, "A/B"));
    CHECK(ground_create(ground, &OBJECT_HOST, "{\"name\":\"h\",\"folder\":\"A\"}"));
    CHECK_U32(ground->moved, 1);
    CHECK(ground_update(ground, &OBJECT_FOLDER, "A", "{\"path\":\"X\"}"));
    CHECK_TEXT(ground_json(ground, &OBJECT_PLACE, "p"), "{\"name\":\"p\",\"folder\":\"X/B\"}");
    CHECK_TEXT(ground_json(ground, &OBJECT_HOST, "h"), "{\"name\":\"h\",\"folder\":\"X\"}");
    CHECK(ground_find(ground, &OBJECT_FOLDER, "A") == NULL);
    CHECK(!ground_update(ground, &OBJECT_FOLDER, "X", "{\"path\":\"X/Y\"}"));
    CHECK(ground_complains(ground, "cannot be inside itself"));
    ground_free(ground);
}

TEST(a_folder_with_something_in_it_stays_or_lets_it_go)
{
    struct ground *ground = ground_new();
    CHECK(ground_create(ground, &OBJECT_PLACE, "{\"name\":\"p\",\"folder\":\"A/B\"}"));
    CHECK(!ground_delete(ground, &OBJECT_FOLDER, "A/B", CASCADE_NONE));
    CHECK(ground_complains(ground, "used by places[p].folder"));
    CHECK(!ground_delete(ground, &OBJECT_FOLDER, "A", CASCADE_UNLINK));
    CHECK(ground_complains(ground, "folders[A/B] is in it"));
    CHECK(ground_delete(ground, &OBJECT_FOLDER, "A", CASCADE_DELETE));
    CHECK_TEXT(ground_json(ground, &OBJECT_PLACE, "p"), "{\"name\":\"p\"}");
    CHECK(ground_create(ground, &OBJECT_FOLDER, "{\"path\":\"S\",\"objectType\":\"Skill\"}"));
    CHECK(!ground_update(ground, &OBJECT_PLACE, "p", "{\"folder\":\"S\"}"));
    CHECK(ground_complains(ground, "folders[S] holds objects of type Skill alone"));
    ground_free(ground);
}

/* --- lists, limits -------------------------------------------------------------------------- */

TEST(a_list_keeps_the_order_of_its_rows_and_the_disabled_ones) /* framework 2.4 */
{
#define LIST                                                                                       \
    "{\"name\":\"GMS_Resources\",\"annex\":{\"Dnis_Pool\":{\"_allocation_strategy\":\"LOCAL\","    \
    "\"dnis9\":\"1-888-call-me9\",\"#dnis2\":\"off\",\"#DNIS2\":\"off\",\"dnis1\":\"1\"}},"        \
    "\"type\":\"List\",\"alias\":\"GSG-ResourceList\"}"
    struct ground *ground = ground_new();
    CHECK(ground_create(ground, &OBJECT_TRANSACTION, LIST));
    CHECK_U32(ground->warnings.count, 0);
    CHECK_TEXT(ground_json(ground, &OBJECT_TRANSACTION, "GMS_Resources/List"), LIST);
    CHECK(ground_update(ground, &OBJECT_TRANSACTION, "GMS_Resources/List",
                        "{\"annex\":{\"Dnis_Pool\":{\"_strategy\":\"x\"}}}"));
    CHECK(ground_warns(ground, "annex.Dnis_Pool._strategy: is no directive"));
    CHECK(!ground_update(ground, &OBJECT_TRANSACTION, "GMS_Resources/List",
                         "{\"annex\":{\"Dnis_Pool\":{\"Dnis1\":\"2\"}}}"));
    CHECK(ground_complains(ground, "is there twice"));
    ground_free(ground);
}

static bool create_with(struct ground *ground, size_t name_bytes, size_t value_bytes, size_t count)
{
    struct buf json = { 0 };
    buf_add_z(&json, "{\"name\":\"p\",\"annex\":{\"s\":{");
    for (size_t i = 0; i < count; i++) {
        buf_format(&json, "%s\"%05zu", i ? "," : "", i);
        for (size_t k = 5; k < name_bytes; k++) buf_add_byte(&json, 'n');
        buf_add_z(&json, "\":\"");
        for (size_t k = 0; k < value_bytes; k++) buf_add_byte(&json, 'v');
        buf_add_byte(&json, '"');
    }
    buf_add_z(&json, "}}}");
    char *text = malloc(json.len + 1);
    CHECK(text && text_to_z(buf_text(&json), text, json.len + 1) == ERR_OK);
    bool is_made = ground_create(ground, &OBJECT_PLACE, text);
    free(text);
    buf_free(&json);
    if (is_made) CHECK(ground_delete(ground, &OBJECT_PLACE, "p", CASCADE_NONE));
    return is_made;
}

TEST(sections_have_the_limits_of_section_16)
{
    struct ground *ground = ground_new();
    CHECK(create_with(ground, 255, 64 * 1024, 1));
    CHECK(!create_with(ground, 256, 1, 1));
    CHECK(!create_with(ground, 5, 64 * 1024 + 1, 1));
    CHECK(create_with(ground, 5, 1, 10000));
    CHECK(!create_with(ground, 5, 1, 10001));
    CHECK(ground_complains(ground, "are 10001, and may be 10000"));
    ground_free(ground);
}

/* --- warnings ------------------------------------------------------------------------------- */

TEST(a_pair_that_differs_is_told_and_accepted) /* framework 7.1 */
{
    struct ground *ground = ground_new();
    CHECK(ground_create(ground, &OBJECT_HOST, "{\"name\":\"h\"}"));
    CHECK(ground_create(ground, &OBJECT_APPLICATION,
                        "{\"name\":\"b\",\"type\":\"x\",\"host\":\"h\",\"isPrimary\":false,"
                        "\"options\":{\"s\":{\"a\":\"1\"}}}"));
    CHECK(ground_create(ground, &OBJECT_APPLICATION,
                        "{\"name\":\"p\",\"type\":\"y\",\"host\":\"h\",\"backupServer\":\"b\","
                        "\"options\":{\"s\":{\"a\":\"2\",\"c\":\"1\"}}}"));
    CHECK(ground_warns(ground, "applications[p].type: is another than that of its backup"));
    CHECK(ground_warns(ground, "applications[b] is on the same host"));
    CHECK(ground_warns(ground, "applications[p].options.s.a: is another on applications[b]"));
    CHECK(ground_warns(ground, "applications[p].options.s.c: is missing on applications[b]"));
    CHECK(ground_create(ground, &OBJECT_APPLICATION,
                        "{\"name\":\"c\",\"type\":\"x\",\"connections\":[{\"server\":\"b\"}]}"));
    CHECK(ground_warns(ground, "connections[b]: is the backup of p, which alone is to be named"));
    ground_free(ground);
}

TEST(nodes_of_a_cluster_that_differ_are_told) /* framework 2.3 */
{
    struct ground *ground = ground_new();
#define NODE(name, value)                                                                          \
    "{\"name\":\"" name "\",\"type\":\"x\",\"connections\":[{\"server\":\"cluster\"}],"            \
    "\"options\":{\"s\":{\"a\":\"" value "\"},\"cluster-settings\":{\"media-types\":\"" name       \
    "\"}}}"
    CHECK(ground_create(ground, &OBJECT_APPLICATION,
                        "{\"name\":\"cluster\",\"template\":\"ApplicationCluster\"}"));
    CHECK(ground_create(ground, &OBJECT_APPLICATION, NODE("n1", "1")));
    CHECK(ground_create(ground, &OBJECT_APPLICATION, NODE("n2", "1")));
    CHECK(!ground_warns(ground, "applications[n2].options"));
    CHECK(ground_create(ground, &OBJECT_APPLICATION, NODE("n3", "2")));
    CHECK(ground_warns(ground, "applications[n3].options.s.a: is another on applications[n1]"));
    ground_free(ground);
}

TEST(an_access_point_is_checked_and_measured_by_who_connects) /* framework 11 */
{
    struct ground *ground = ground_new();
#define DAP(options)                                                                               \
    "{\"name\":\"d\",\"template\":\"Database\",\"options\":{\"settings\":{" options "}}}"
    CHECK(!ground_create(ground, &OBJECT_APPLICATION, DAP("\"dbms-type\":\"access\"")));
    CHECK(ground_complains(ground, "options.settings.dbms-type: must be one of"));
    CHECK(ground_create(ground, &OBJECT_APPLICATION,
                        DAP("\"dbms-type\":\"oracle\",\"case-conversion\":\"lower\"")));
    CHECK(ground_create(ground, &OBJECT_APPLICATION,
                        "{\"name\":\"i\",\"template\":\"InteractionServer\","
                        "\"connections\":[{\"server\":\"d\"}]}"));
    CHECK(ground_warns(ground, "its case-conversion is lower"));
    ground_free(ground);
}

/* --- what a store begins with --------------------------------------------------------------- */

TEST(a_new_store_has_the_groups_rules_and_conditions_that_others_rely_on)
{
    static const char *const conditions[] = {
        "Connection Failure",
        "Application Failure",
        "Licensing Error",
        "CTI Link Failure",
        "Host Inaccessible",
        "Service Unavailable",
        "Host Unavailable",
        "Host Unreachable",
        "Unplanned Solution Status Change",
        "Message Server Loss of Database Connection",
        "Crash Loop",
        "Application Not Responding",
        "Clock Offset",
        "Certificate Expires Soon",
        "Licence Exhausted",
        "Disk Low",
    };
    static const char *const groups[] = { "Users", "Administrators", "Super Administrators",
                                          "SYSTEM", "EVERYONE" };
    struct ground *ground = ground_new();
    for (size_t i = 0; i < sizeof conditions / sizeof conditions[0]; i++)
        CHECK(ground_find(ground, &OBJECT_ALARM_CONDITION, conditions[i]) != NULL);
    for (size_t i = 0; i < sizeof groups / sizeof groups[0]; i++)
        CHECK(ground_find(ground, &OBJECT_ACCESS_GROUP, groups[i]) != NULL);
    CHECK_TEXT(ground_json(ground, &OBJECT_ALARM_CONDITION, "Connection Failure"),
               "{\"name\":\"Connection Failure\",\"description\":\"A connection between two "
               "applications is lost.\",\"detectEvent\":\"00-04504\",\"cancelEvent\":\"00-04503\","
               "\"cancelTimeout\":172800}");
    CHECK_TEXT(
        ground_json(ground, &OBJECT_ALARM_CONDITION, "Application Not Responding"),
        "{\"name\":\"Application Not Responding\",\"description\":\"An application lives and "
        "does not respond.\",\"detectEvent\":\"00-05075\",\"cancelEvent\":\"00-05061\"}");
    CHECK_TEXT(ground_json(ground, &OBJECT_TENANT, "Environment"),
               "{\"name\":\"Environment\",\"defaultCapacityRule\":"
               "\"Default_One_interaction_of_any_type_only/CapacityRule\"}");
    ground_free(ground);
}

/* --- options -------------------------------------------------------------------------------- */

TEST(an_unknown_option_is_told_and_refused_where_options_are_strict) /* framework 4.1 */
{
    struct ground *ground = ground_new();
#define OCS(name, more)                                                                            \
    "{\"name\":\"" name                                                                            \
    "\",\"template\":\"CMServer\",\"options\":{\"default\":{\"wonder\":\"1\"}" more "}}"
    CHECK(ground_create(ground, &OBJECT_APPLICATION, OCS("a", "")));
    CHECK(ground_warns(ground, "options.default.wonder: unknownOption"));
    CHECK(!ground_create(ground, &OBJECT_APPLICATION,
                         OCS("b", ",\"x-config\":{\"strict-options\":\"yes\"}")));
    CHECK(ground_complains(ground, "options.default.wonder: unknownOption"));
    CHECK(ground_create(ground, &OBJECT_APPLICATION,
                        OCS("b", ",\"x-config\":{\"strict-options\":\"off\"}")));
    CHECK(!ground_create(ground, &OBJECT_APPLICATION,
                         OCS("c", ",\"x-config\":{\"strict-options\":\"perhaps\"}")));
    ground_free(ground);
}

TEST(log_options_are_tried_when_they_are_written) /* framework 4.1, 8.1, 8.4 */
{
    static const struct {
        const char *options, *words;
    } wrong[] = {
        { "{\"log\":{\"segment\":\"100 GB\"}}",
          "applications[x].options.log.segment: must be false, N KB, N MB or N hr" },
        { "{\"log\":{\"expire\":\"101 day\"}}",
          "options.log.expire: must be false, N or N file (1 to 1000), or N day (1 to 100)" },
        { "{\"log\":{\"verbose\":\"chatty\"}}", "options.log.verbose: must be one of" },
        { "{\"log\":{\"buffering\":\"perhaps\"}}", "options.log.buffering: must be true or false" },
        { "{\"log\":{\"trace\":\"stdout, logs/\"}}", "options.log.trace: must be stdout, stderr" },
        { "{\"log-filter\":{\"default-filter-type\":\"show\"}}",
          "options.log-filter.default-filter-type: must be copy, hide" },
        { "{\"log-filter-data\":{\"ssn\":\"unhide-last\"}}",
          "options.log-filter-data.ssn: must be copy, hide" },
        { "{\"log-extended\":{\"level-reassign-04503\":\"loud\"}}",
          "level-reassign-04503: must be alarm, standard" },
    };
    struct ground *ground = ground_new();
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        char json[300];
        CHECK(snprintf(json, sizeof json, "{\"name\":\"x\",\"type\":\"CMServer\",\"options\":%s}",
                       wrong[i].options) < (int)sizeof json);
        CHECK(!ground_create(ground, &OBJECT_APPLICATION, json));
        CHECK(ground_complains(ground, wrong[i].words));
    }
    CHECK(ground_create(ground, &OBJECT_APPLICATION,
                        "{\"name\":\"x\",\"type\":\"Another\",\"options\":{\"log\":"
                        "{\"standard\":\"network, x\",\"segment\":\"1 hr\",\"expire\":\"7 day\"},"
                        "\"log-extended\":{\"level-reassign-77777\":\"none\"}}}"));
    ground_free(ground);
}

TEST(templates_clusters_and_scripts_are_checked_by_those_who_read_them)
{
    static const struct {
        const struct object_type *type;
        const char *json, *words;
    } wrong[] = {
        { &OBJECT_APP_PROTOTYPE,
          "{\"name\":\"t\",\"type\":\"CMServer\",\"options\":{\"default\":"
          "{\"http-retry-max-attempts\":\"many\"}}}",
          "templates[t].options.default.http-retry-max-attempts: must be a whole number" },
        { &OBJECT_SCRIPT,
          "{\"name\":\"s\",\"type\":\"AlarmDetection\",\"annex\":{\"detection\":{\"of\":\"disks\"}}"
          "}",
          "annex.detection.of: must be one of host, application" },
        { &OBJECT_APPLICATION,
          "{\"name\":\"x\",\"type\":\"ApplicationCluster\",\"options\":{\"cluster-settings\":"
          "{\"cluster-type\":\"Server\"}}}",
          "options.cluster-settings.cluster-type: must be one of" },
    };
    struct ground *ground = ground_new();
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        CHECK(!ground_create(ground, wrong[i].type, wrong[i].json));
        CHECK(ground_complains(ground, wrong[i].words));
    }
    CHECK(ground_create(ground, &OBJECT_APPLICATION,
                        "{\"name\":\"c\",\"template\":\"ApplicationCluster\"}"));
    CHECK(ground_create(ground, &OBJECT_APPLICATION,
                        "{\"name\":\"n\",\"template\":\"CMServer\","
                        "\"connections\":[{\"server\":\"c\"}]}"));
    CHECK(!ground_update(ground, &OBJECT_APPLICATION, "c",
                         "{\"options\":{\"default\":{\"http-retry-max-attempts\":\"many\"}}}"));
    CHECK(ground_update(ground, &OBJECT_APPLICATION, "c",
                        "{\"options\":{\"default\":{\"wonder\":\"1\"}}}"));
    CHECK(ground_warns(ground, "applications[c].options.default.wonder: unknownOption"));
    ground_free(ground);
}

/* --- files ---------------------------------------------------------------------------------- */

TEST(an_export_of_all_types_changes_nothing_when_it_is_synchronized)
{
    static const char file[] =
        "{\"format\":\"cc-config\",\"version\":1,\"folders\":[{\"path\":\"A/"
        "B\",\"class\":\"Site\"}],"
        "\"skills\":[{\"name\":\"s\",\"folder\":\"A/B\"}],"
        "\"physicalSwitches\":[{\"name\":\"o\",\"type\":\"SIP Switch\"}],"
        "\"switches\":[{\"name\":\"w\",\"physicalSwitch\":\"o\"}],"
        "\"dns\":[{\"switch\":\"w\",\"number\":\"1\",\"type\":\"Extension\",\"group\":\"g\"}],"
        "\"dnGroups\":[{\"name\":\"g\",\"dns\":[{\"dn\":\"w/1/Extension\"}]}],"
        "\"agentLogins\":[{\"switch\":\"w\",\"loginCode\":\"4711\"}],"
        "\"persons\":[{\"employeeId\":\"e\",\"userName\":\"e\",\"agentInfo\":{\"skillLevels\":{"
        "\"s\":3},"
        "\"agentLogins\":[{\"login\":\"w/4711\",\"wrapupTime\":30}]}}],"
        "\"enumerators\":[{\"name\":\"MediaType\"}],"
        "\"enumeratorValues\":[{\"enumerator\":\"MediaType\",\"name\":\"email\"}],"
        "\"objectiveTables\":[{\"name\":\"t\",\"records\":[{\"media\":\"MediaType/"
        "email\",\"threshold\":60}]}],"
        "\"transactions\":[{\"name\":\"GMS_Patterns\",\"type\":\"List\",\"annex\":{\"p\":{\"911\":"
        "\"911-\"}}}],"
        "\"ivrs\":[{\"name\":\"i\"}],"
        "\"ivrPorts\":[{\"ivr\":\"i\",\"portNumber\":\"1\",\"dn\":\"w/1/Extension\"}]}";
    struct ground *ground = ground_new();
    CHECK(ground_apply(ground, file, (struct plan_wish){ PLAN_MERGE, true, false }, NULL));
    struct text exported = ground_export(ground);
    struct plan_wish sync = { PLAN_SYNC, true, false };
    CHECK(ground_plan(ground, scope_keep_z(ground->life, exported), sync, NULL));
    CHECK_U32(ground->plan.counts[PLAN_CREATE] + ground->plan.counts[PLAN_UPDATE] +
                  ground->plan.counts[PLAN_DELETE],
              0);
    struct ground *copy = ground_new();
    CHECK(ground_apply(copy, scope_keep_z(copy->life, exported), sync, NULL));
    CHECK(text_eq(ground_export(copy), exported));
    ground_free(copy);
    ground_free(ground);
}
