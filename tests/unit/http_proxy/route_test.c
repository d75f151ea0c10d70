/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/outbound/http_proxy/route.h"

#include "gen/messages.h"
#include "gen/routes.h"
#include "tests/unit/test.h"

static struct route_match match;

static enum route_verdict find(const char *method, const char *path, const char *req)
{
    return route_find(&ROUTES_OUTBOUND, text_of(method), text_of(path), text_of(req), &match);
}

TEST(every_request_of_the_spec_is_found) /* spec outbound 14.3 */
{
    static const struct {
        const char *method, *path, *req;
        const struct msg *msg;
    } rows[] = {
        { "POST", "/records/7", "UpdateCallCompletionStats",
          &MSG_OUTBOUND_UPDATE_CALL_COMPLETION_STATS },
        { "POST", "/records/7", "RecordProcessed", &MSG_OUTBOUND_RECORD_PROCESSED },
        { "POST", "/records/7", "RecordReject", &MSG_OUTBOUND_RECORD_REJECT },
        { "POST", "/records/7", "ChainedRecordRequest", &MSG_OUTBOUND_CHAINED_RECORD_REQUEST },
        { "POST", "/records/7", "RecordReschedule", &MSG_OUTBOUND_RECORD_RESCHEDULE },
        { "POST", "/records/7", "ScheduledRecordReschedule",
          &MSG_OUTBOUND_SCHEDULED_RECORD_RESCHEDULE },
        { "POST", "/records/7", "RequestRecordCancel", &MSG_OUTBOUND_REQUEST_RECORD_CANCEL },
        { "POST", "/records/7", "RecordCancel", &MSG_OUTBOUND_REQUEST_RECORD_CANCEL },
        { "POST", "/records/7", "DoNotCall", &MSG_OUTBOUND_DO_NOT_CALL },
        { "GET", "/records/7", "", &MSG_OUTBOUND_RECORD_STATUS_REQUEST },
        { "POST", "/phones/%2B4930", "DoNotCall", &MSG_OUTBOUND_DO_NOT_CALL },
        { "POST", "/customer_ids/a%20b", "RequestRecordCancel",
          &MSG_OUTBOUND_REQUEST_RECORD_CANCEL },
        { "POST", "/customerids/a", "DoNotCall", &MSG_OUTBOUND_DO_NOT_CALL },
        { "POST", "/lists/Spring", "AddRecord", &MSG_OUTBOUND_ADD_RECORD },
        { "POST", "/callinglists/120", "AddRecord", &MSG_OUTBOUND_ADD_RECORD },
        { "POST", "/campaigngroups/5", "Load", &MSG_OUTBOUND_CAMPAIGN_LOAD },
        { "POST", "/campaigngroups/5", "Start", &MSG_OUTBOUND_CAMPAIGN_START },
        { "POST", "/campaigngroups/5", "Stop", &MSG_OUTBOUND_CAMPAIGN_STOP },
        { "POST", "/campaigngroups/5", "Unload", &MSG_OUTBOUND_CAMPAIGN_UNLOAD },
        { "POST", "/campaigngroups/5", "ForceUnload", &MSG_OUTBOUND_CAMPAIGN_FORCE_UNLOAD },
        { "POST", "/campaigngroups/5", "SetDialMode", &MSG_OUTBOUND_CAMPAIGN_SET_DIAL_MODE },
        { "POST", "/campaigngroups/5", "PreviewRecordRequest",
          &MSG_OUTBOUND_PREVIEW_RECORD_REQUEST },
        { "POST", "/campaigngroups/5", "GetStatus", &MSG_OUTBOUND_CAMPAIGN_GET_STATUS },
        { "GET", "/campaigngroups/5", "GetStatus", &MSG_OUTBOUND_CAMPAIGN_GET_STATUS },
        { "GET", "/campaigngroups/5", "", &MSG_OUTBOUND_CAMPAIGN_GET_STATUS },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        CHECK_U32(find(rows[i].method, rows[i].path, rows[i].req), ROUTE_FOUND);
        CHECK(match.route->msg == rows[i].msg);
    }
}

TEST(the_match_names_resource_identifier_and_action)
{
    CHECK_U32(find("POST", "/callinglists/a%2Fb", "AddRecord"), ROUTE_FOUND);
    CHECK_TEXT(match.resource, "lists");
    CHECK_TEXT(match.identifier, "a%2Fb");
    CHECK_U32(find("POST", "/records/7", "RecordCancel"), ROUTE_FOUND);
    CHECK_TEXT(route_action(match.route), "RequestRecordCancel");
    CHECK_U32(find("GET", "/records/7", ""), ROUTE_FOUND);
    CHECK_TEXT(route_action(match.route), "RecordStatusRequest");
}

TEST(other_paths_are_no_resource)
{
    const char *paths[] = { "/",           "/records", "/records/", "/records/7/8", "/record/7",
                            "/recordsx/7", "*",        "",          "records/7",    "//7" };
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++)
        CHECK_U32(find("GET", paths[i], ""), ROUTE_NO_RESOURCE);
}

TEST(an_action_of_another_resource_or_none_is_no_req)
{
    CHECK_U32(find("POST", "/records/7", "AddRecord"), ROUTE_NO_REQ);
    CHECK_U32(find("POST", "/records/7", ""), ROUTE_NO_REQ);
    CHECK_U32(find("POST", "/records/7", "recordprocessed"), ROUTE_NO_REQ);
    CHECK_U32(find("GET", "/campaigngroups/5", "Nonsense"), ROUTE_NO_REQ);
}

static void check_allowed(const char *method, const char *path, const char *req, const char *wanted)
{
    struct buf allow = { 0 };
    CHECK_U32(find(method, path, req), ROUTE_NO_METHOD);
    route_allowed(&ROUTES_OUTBOUND, match.resource, match.route ? text_of(req) : TEXT(""), &allow);
    CHECK_TEXT(buf_text(&allow), wanted);
    buf_free(&allow);
}

TEST(scenario_13_put_of_a_record_is_no_method_and_get_and_post_are_allowed)
{
    check_allowed("PUT", "/records/712", "", "GET, POST");
    check_allowed("DELETE", "/records/712", "RecordProcessed", "GET, POST");
    check_allowed("HEAD", "/campaigngroups/5", "", "GET, POST");
    check_allowed("GET", "/lists/L", "AddRecord", "POST");
    check_allowed("GET", "/records/712", "RecordProcessed", "POST");
}

static bool needs_body(const char *path, const char *req)
{
    CHECK_U32(find("POST", path, req), ROUTE_FOUND);
    return route_needs_body(match.route, match.resource);
}

TEST(actions_with_required_keys_need_a_body)
{
    CHECK(needs_body("/lists/L", "AddRecord"));
    CHECK(needs_body("/campaigngroups/5", "Start"));
    CHECK(needs_body("/campaigngroups/5", "PreviewRecordRequest"));
    CHECK(!needs_body("/campaigngroups/5", "Load"));
    CHECK(!needs_body("/records/7", "RecordReject"));
    CHECK(!needs_body("/records/7", "RecordProcessed"));
    CHECK(!needs_body("/records/7", "DoNotCall"));
}
