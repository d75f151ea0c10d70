/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/web/rights.h"

#include "gen/messages.h"
#include "tests/unit/test.h"

static const struct asker alice = { { "1001", 4 }, false }, root = { { "admin", 5 }, true };

static const struct msg *message(const char *protocol, const char *name)
{
    return msg_find_name(text_of(protocol), text_of(name));
}

static struct kv with(struct pair room[2], const char *agent)
{
    room[0] = (struct pair){ TEXT("GSW_AGENT_ID"), { .kind = VALUE_TEXT, .text = text_of(agent) } };
    return (struct kv){ room, agent ? 1 : 0 };
}

TEST(an_agent_sends_what_agents_may_send_and_no_more)
{
    CHECK_U32(right_to_send(&alice, message("outbound", "PreviewRecordRequest")), RIGHT_GRANTED);
    CHECK_U32(right_to_send(&alice, message("outbound", "CampaignStart")), RIGHT_FORBIDDEN);
    CHECK_U32(right_to_send(&root, message("outbound", "PreviewRecordRequest")), RIGHT_GRANTED);
    CHECK_U32(right_to_send(&root, message("outbound", "CampaignStart")), RIGHT_GRANTED);
}

TEST(what_servers_judge_by_permissions_is_carried_for_everybody)
{
    static const char *const messages[] = { "Read",  "ChangeSet", "Plan",
                                            "Apply", "Export",    "ReadChanges" };
    for (size_t i = 0; i < sizeof messages / sizeof messages[0]; i++)
        CHECK_U32(right_to_send(&alice, message("config", messages[i])), RIGHT_GRANTED);
    CHECK_U32(right_to_send(&alice, message("control", "OrderApplication")), RIGHT_GRANTED);
}

TEST(what_servers_alone_send_does_not_exist_for_persons)
{
    CHECK_U32(right_to_send(&root, NULL), RIGHT_UNKNOWN);
    CHECK_U32(right_to_send(&root, message("config", "Authenticate")), RIGHT_UNKNOWN);
    CHECK_U32(right_to_send(&root, message("config", "SetPassword")), RIGHT_UNKNOWN);
    CHECK_U32(right_to_send(&root, message("config", "Subscribe")), RIGHT_UNKNOWN);
    CHECK_U32(right_to_send(&root, message("outbound", "DesktopPresence")), RIGHT_UNKNOWN);
    CHECK_U32(right_to_send(&root, message("supervisor", "PeerKey")), RIGHT_UNKNOWN);
    CHECK_U32(right_to_send(&root, message("outbound", "PreviewRecord")), RIGHT_UNKNOWN);
}

TEST(an_agent_speaks_for_herself_alone)
{
    const struct msg *msg = message("outbound", "PreviewRecordRequest");
    struct pair room[2];
    struct kv pairs = with(room, NULL);
    CHECK_U32(right_agent(&alice, msg, &pairs), RIGHT_GRANTED);
    CHECK_U32(pairs.count, 1);
    CHECK_TEXT(pairs.at[0].value.text, "1001");
    pairs = with(room, "1001");
    CHECK_U32(right_agent(&alice, msg, &pairs), RIGHT_GRANTED);
    pairs = with(room, "1002");
    CHECK_U32(right_agent(&alice, msg, &pairs), RIGHT_OTHER_AGENT);
    room[0].value = (struct value){ .kind = VALUE_INTEGER, .integer = 1001 };
    pairs = (struct kv){ room, 1 };
    CHECK_U32(right_agent(&alice, msg, &pairs), RIGHT_OTHER_AGENT);
    room[0].value = (struct value){ .kind = VALUE_NULL };
    CHECK_U32(right_agent(&alice, msg, &pairs), RIGHT_GRANTED);
    CHECK_TEXT(pairs.at[0].value.text, "1001");
}

TEST(an_administrator_may_name_any_agent)
{
    struct pair room[2];
    struct kv pairs = with(room, "1002");
    CHECK_U32(right_agent(&root, message("outbound", "PreviewRecordRequest"), &pairs),
              RIGHT_GRANTED);
    CHECK_TEXT(pairs.at[0].value.text, "1002");
    pairs = with(room, NULL); /* needed, so her own */
    CHECK_U32(right_agent(&root, message("outbound", "PreviewRecordRequest"), &pairs),
              RIGHT_GRANTED);
    CHECK_U32(pairs.count, 1);
    pairs = with(room, NULL); /* not needed: nobody's record is touched in her name */
    CHECK_U32(right_agent(&root, message("outbound", "RecordProcessed"), &pairs), RIGHT_GRANTED);
    CHECK_U32(pairs.count, 0);
    CHECK_U32(right_agent(&alice, message("outbound", "RecordProcessed"), &pairs), RIGHT_GRANTED);
    CHECK_U32(pairs.count, 1);
}

TEST(an_event_with_an_agent_goes_to_her_one_with_a_group_to_the_group_others_to_administrators)
{
    struct outbound_preview_record call = { .head.has = OUTBOUND_PREVIEW_RECORD_HAS_GSW_AGENT_ID |
                                                        OUTBOUND_PREVIEW_RECORD_HAS_GSW_GROUP_DBID,
                                            .gsw_agent_id = TEXT("1001"),
                                            .gsw_group_dbid = 7 };
    struct audience_of audience = audience_of(MSG_OUTBOUND_SCHEDULED_CALL.shape, &call);
    CHECK_U32(audience.kind, AUDIENCE_AGENT);
    CHECK_TEXT(audience.agent_id, "1001");
    struct outbound_campaign_loaded started = {
        .head.has = OUTBOUND_CAMPAIGN_LOADED_HAS_GSW_GROUP_DBID, .gsw_group_dbid = 7
    };
    audience = audience_of(MSG_OUTBOUND_CAMPAIGN_STARTED.shape, &started);
    CHECK_U32(audience.kind, AUDIENCE_GROUP);
    CHECK_U32(audience.group_dbid, 7);
    started.head.has = 0; /* a member that is not there says nothing */
    CHECK_U32(audience_of(MSG_OUTBOUND_CAMPAIGN_STARTED.shape, &started).kind,
              AUDIENCE_ADMINISTRATORS);
}
