/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/outbound/group_state.h"

#include "gen/events.h"
#include "gen/objects.h"
#include "servers/outbound/notification.h"
#include "servers/outbound/notifier.h"

/* The periodic messages of one session. */
struct group_pulse {
    struct session *session;
    struct timer *timer;
    uint64_t interval_ms; /* the timer runs by it; 0: it does not run */
    bool is_sending;
};

/* One under way; the session may go before it. */
struct pulse_sending {
    struct scope *life;
    struct outbound *server;
    uint32_t group_dbid;
};

static bool is_wanted(const struct session *session)
{
    const struct outbound_options *options = session->options;
    return options->send_campaigngroup_states && options->campaigngroup_states_uri.len;
}

/* Fills `posting` but for its kind; the body is written into `body`. */
static bool write_state(struct session *session, struct text state, const struct dialing *dialing,
                        const struct guid *session_guid, struct posting *posting, struct buf *body)
{
    struct outbound *server = session->server;
    struct session_names names;
    if (!session_names(server, session->dbid, &names, NULL)) return false;
    const struct app_object *tenant =
        app_object(server->app, &OBJECT_TENANT, names.group_object->tenant);
    bool is_predictive = dialing->mode != DIAL_MODE_PREVIEW;
    struct group_state facts = {
        .message_guid = guid_new(loop_random(server->app->loop)),
        .session_guid = *session_guid,
        .now_utc_ms = loop_now_utc_ms(server->app->loop),
        .state = state,
        .tenant_name = names.group_object->tenant,
        .campaign_group_name = names.campaign_group,
        .group_name = names.group,
        .campaign_name = names.campaign,
        .template_name = names.template_name,
        .dial_mode = dialing->mode,
        .optimize_by = is_predictive ? dialing->optimize_by : 0,
        .optimize_goal = dialing->optimize_goal,
    };
    if (tenant)
        facts.tenant_ccid = ((const struct object_tenant *)tenant->fields)->chargeable_number;
    group_state_body(&facts, body);
    *posting = (struct posting){
        .kind = MESSAGE_CAMPAIGNGROUP_STATES,
        .session = session,
        .message_guid = facts.message_guid,
        .url = session->options->campaigngroup_states_uri,
        .body = buf_text(body),
        .now_utc_ms = facts.now_utc_ms,
    };
    return true;
}

static void say_sending(struct session *session, bool is_periodic)
{
    const struct log *log = &session->server->app->log;
    struct session_names names;
    char group[128] = "", url[256] = "";
    if (session_names(session->server, session->dbid, &names, NULL))
        (void)text_to_z(text_slice(names.campaign_group, 0, sizeof group - 1), group, sizeof group);
    struct text uri = session->options->campaigngroup_states_uri;
    (void)text_to_z(text_slice(uri, 0, sizeof url - 1), url, sizeof url);
    if (is_periodic)
        LOG_GROUP_STATE_PERIODIC(log, group, url);
    else
        LOG_GROUP_STATE_SENDING(log, group, url);
}

/* --- when it changes --- */

void group_state_add(struct session *session, struct change *change,
                     const struct session_outcome *outcome, const struct guid *session_guid,
                     struct guid *message_guid)
{
    bool stays_started = session->fsm.state == SESSION_STARTED &&
                         outcome->fsm.state == SESSION_STARTED;
    *message_guid = (struct guid){ { 0 } };
    /* Its last chains are still with agents: it is not unloaded yet. */
    if (outcome->fsm.state == SESSION_UNLOADING || !is_wanted(session)) return;
    struct buf body = { 0 };
    struct posting posting;
    struct text state = stays_started ? TEXT("CampaignModeChanged") : text_of(outcome->report);
    if (write_state(session, state, &outcome->dialing, session_guid, &posting, &body)) {
        notifier_post(session->server->notifier, change, &posting);
        *message_guid = posting.message_guid;
    }
    buf_free(&body);
}

void group_state_committed(struct session *session, const struct guid *message_guid)
{
    if (message_guid->text[0]) {
        say_sending(session, false);
        notifier_committed(session->server->notifier, message_guid);
    }
    group_state_settle(session);
}

/* --- while it is started --- */

static void on_pulse_sent(void *self, const struct http_result *result)
{
    struct pulse_sending *sending = self;
    struct outbound *server = sending->server;
    struct session *session = table_get(server->sessions, TEXT_OF(&sending->group_dbid));
    if (session && session->pulse) session->pulse->is_sending = false;
    log_debug(&server->app->log, "periodic CampaignGroupState: %s",
              result->failure ? result->words : "answered");
    scope_close(sending->life);
}

static void send_pulse(struct group_pulse *pulse)
{
    struct session *session = pulse->session;
    struct outbound *server = session->server;
    struct buf body = { 0 };
    struct posting posting;
    if (write_state(session, TEXT("CampaignActive"), &session->dialing, &session->guid, &posting,
                    &body)) {
        struct scope *life = scope_new(server->app->life, "group state", SCOPE_NO_LIMIT);
        struct pulse_sending *sending = scope_alloc(life, sizeof *sending);
        *sending = (struct pulse_sending){ life, server, session->dbid };
        say_sending(session, true);
        pulse->is_sending = notifier_send(server->notifier, &posting, on_pulse_sent, sending);
        if (!pulse->is_sending) scope_close(life);
    }
    buf_free(&body);
}

/* A receiver that has not answered the last one gets no further one meanwhile. */
static void on_pulse_time(void *self)
{
    struct group_pulse *pulse = self;
    if (!pulse->is_sending) send_pulse(pulse);
    timer_start(pulse->timer, pulse->interval_ms);
}

static struct group_pulse *pulse_of(struct session *session)
{
    if (session->pulse) return session->pulse;
    struct group_pulse *pulse = scope_alloc(session->life, sizeof *pulse);
    pulse->session = session;
    pulse->timer = timer_new(session->life, session->server->app->loop, on_pulse_time, pulse);
    session->pulse = pulse;
    return pulse;
}

void group_state_settle(struct session *session)
{
    bool is_active = session->fsm.state == SESSION_STARTED && is_wanted(session);
    uint64_t interval_ms =
        is_active ? (uint64_t)session->options->campaigngroup_states_interval * 1000 : 0;
    if (interval_ms == 0 && session->pulse == NULL) return;
    struct group_pulse *pulse = pulse_of(session);
    if (pulse->interval_ms == interval_ms) return;
    pulse->interval_ms = interval_ms;
    if (interval_ms)
        timer_start(pulse->timer, interval_ms);
    else
        timer_stop(pulse->timer);
}
