/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/web/privileges.h"

#include "gen/messages.h"
#include "tests/unit/test.h"

#define LIST(...)                                                                                  \
    {                                                                                              \
        (struct text[]){ __VA_ARGS__ },                                                            \
            sizeof((struct text[]){ __VA_ARGS__ }) / sizeof(struct text)                           \
    }

static uint32_t of(const struct privileges_role *role, const char *tenant, const char *person)
{
    const struct object_access_group supers = { .name = TEXT("Super Administrators"),
                                                .type = TEXT("SuperAdministrators"),
                                                .persons = LIST(TEXT("root")) },
                                     west = { .name = TEXT("West"), .persons = LIST(TEXT("ann")) },
                                     all = { .name = TEXT("All"), .groups = LIST(TEXT("West")) },
                                     users = { .name = TEXT("Users"), .type = TEXT("Users") },
                                     everyone = { .name = TEXT("EVERYONE"),
                                                  .type = TEXT("EVERYONE") };
    const struct account_group groups[] = {
        { TEXT("Environment"), &all },      { TEXT("Environment"), &west },
        { TEXT("Environment"), &supers },   { TEXT("Environment"), &users },
        { TEXT("Environment"), &everyone }, { TEXT("T"), &users },
    };
    const struct privileges_source source = { groups, sizeof groups / sizeof groups[0], role,
                                              role != NULL };
    return privileges_of(&source, text_of(tenant), text_of(person));
}

static const struct msg *message(const char *protocol, const char *name)
{
    return msg_find_name(text_of(protocol), text_of(name));
}

/* One role of Environment, with one privilege of one application type. */
static uint32_t with_role(struct object_role role, const char *type, const char *privilege,
                          const char *tenant, const char *person)
{
    struct value item = { .kind = VALUE_TEXT, .text = text_of(privilege) };
    struct pair pair = { text_of(type), { .kind = VALUE_LIST, .items = { &item, 1 } } };
    role.privileges = (struct kv){ &pair, 1 };
    const struct privileges_role of_environment = { TEXT("Environment"), &role };
    return of(&of_environment, tenant, person);
}

TEST(without_roles_for_this_user_interface_permissions_alone_count)
{
    CHECK_U32(of(NULL, "Environment", "ann"), PRIVILEGES_ALL);
    struct object_role role = { .persons = LIST(TEXT("bob")) };
    CHECK_U32(with_role(role, "AgentDesktop", "Outbound: view", "Environment", "ann"),
              PRIVILEGES_ALL);
    CHECK_U32(with_role(role, "WebAPIServer", "Outbound: view", "T", "tom"), PRIVILEGES_ALL);
}

TEST(once_a_role_is_there_a_call_needs_its_privilege) /* framework 12.2 */
{
    struct object_role role = { .persons = LIST(TEXT("ann")) };
    uint32_t ann = with_role(role, "WebAPIServer", "Configuration: view", "Environment", "ann");
    CHECK(privilege_missing(ann, message("config", "Read")) == NULL);
    CHECK(privilege_missing(ann, message("config", "Export")) == NULL);
    CHECK_TEXT(text_of(privilege_missing(ann, message("config", "ChangeSet"))),
               "Configuration: edit");
    CHECK_TEXT(text_of(privilege_missing(ann, message("config", "Apply"))),
               "Configuration: deploy");
    CHECK_TEXT(text_of(privilege_missing(ann, message("control", "OrderApplication"))),
               "Control: edit");
    CHECK_TEXT(text_of(privilege_missing(ann, message("control", "ReadLog"))), "Logs: view");
    CHECK_TEXT(text_of(privilege_missing(ann, message("outbound", "CampaignStart"))),
               "Outbound: edit");
    CHECK(!privileges_show_events(ann));
    uint32_t bob = with_role(role, "WebAPIServer", "Configuration: view", "Environment", "bob");
    CHECK_U32(bob, 0);
    CHECK(privilege_missing(bob, message("config", "Read")) != NULL);
}

TEST(agents_work_without_privileges)
{
    CHECK(privilege_missing(0, message("outbound", "PreviewRecordRequest")) == NULL);
    CHECK(privilege_missing(0, message("outbound", "RecordProcessed")) == NULL);
    CHECK(privilege_missing(0, message("config", "ReadServer")) == NULL);
}

TEST(members_are_those_of_groups_too)
{
    struct object_role role = { .groups = LIST(TEXT("All")) };
    CHECK(with_role(role, "WebAPIServer", "logs: VIEW", "Environment", "ann") != 0);
    CHECK_U32(with_role(role, "WebAPIServer", "Logs: view", "Environment", "bob"), 0);
    role = (struct object_role){ .groups = LIST(TEXT("Users")) }; /* who is in no group by name */
    CHECK_U32(with_role(role, "WebAPIServer", "Logs: view", "Environment", "ann"), 0);
    CHECK(with_role(role, "WebAPIServer", "Logs: view", "Environment", "bob") != 0);
    role = (struct object_role){ .groups = LIST(TEXT("EVERYONE")) };
    CHECK(with_role(role, "WebAPIServer", "Logs: view", "Environment", "ann") != 0);
    CHECK_U32(with_role(role, "WebAPIServer", "No such: privilege", "Environment", "ann"), 0);
}

TEST(super_administrators_lock_themselves_out_of_nothing)
{
    struct object_role role = { .persons = LIST(TEXT("ann")) };
    CHECK_U32(with_role(role, "WebAPIServer", "Logs: view", "Environment", "root"), PRIVILEGES_ALL);
}

TEST(every_request_that_persons_may_send_has_a_privilege_or_is_the_work_of_agents)
{
    enum { NUMBERS = 10000 };
    for (uint32_t number = 0; number < NUMBERS; number++) {
        const struct msg *msg = msg_find(number);
        if (msg == NULL || msg->reply == NULL || msg->access == ACCESS_SERVERS) continue;
        bool is_free = privilege_missing(0, msg) == NULL;
        bool is_outbound = text_eq(text_of(msg->protocol), TEXT("outbound"));
        bool may_be_free = is_outbound ? msg->access != ACCESS_ADMINISTRATOR
                                       : msg == &MSG_CONFIG_READ_SERVER;
        if (is_free != may_be_free) fail_msg("%s %s", msg->protocol, msg->name);
        CHECK(privilege_missing(PRIVILEGES_ALL, msg) == NULL);
    }
}
