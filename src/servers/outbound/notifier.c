/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/outbound/notifier.h"

#include "gen/events.h"
#include "gen/objects.h"
#include "io/http/client.h"
#include "servers/outbound/http_proxy/custom_headers.h"
#include "servers/outbound/notification.h"
#include "servers/outbound/retry.h"
#include "servers/outbound/session.h"

#include <stdio.h>

enum { KIND_LEN_MAX = 64, HEADERS_MAX = CUSTOM_HEADERS_MAX + 4 };

struct notifier {
    struct outbound *server;
    struct outbox *outbox;
    struct http_client *client;
    struct scope *config_life;
    struct custom_headers custom; /* views into config_life */
    bool was_full;
};

/* One send under way. */
struct sending {
    struct scope *life;
    struct notifier *notifier;
    struct text id;
    uint32_t sends; /* this one included */
    uint32_t group_dbid;
};

/* The outbox keeps the campaign group in the kind: its options rule the send. */
static struct text kind_of(uint32_t group_dbid, char out[KIND_LEN_MAX])
{
    int len = snprintf(out, KIND_LEN_MAX, "contact-processed/%u", group_dbid);
    return (struct text){ out, (size_t)len };
}

static uint32_t group_of(struct text kind)
{
    struct text name, dbid;
    uint32_t group_dbid = 0;
    if (text_cut(kind, '/', &name, &dbid)) (void)text_to_u32(dbid, 0, UINT32_MAX, &group_dbid);
    return group_dbid;
}

/* Those of the group as configured now; the application's where the group is gone. */
static const struct outbound_options *options_of(struct notifier *notifier, uint32_t group_dbid)
{
    /* Made where there is none: after a restart a group that is not loaded still has messages. */
    struct session *session = session_of(notifier->server, group_dbid, NULL);
    return session ? session->options : notifier->server->app->options;
}

static enum send_end end_of(enum http_failure failure)
{
    switch (failure) {
    case HTTP_FAILURE_NONE: return SEND_ANSWERED;
    case HTTP_FAILURE_TIMEOUT: return SEND_TIMED_OUT;
    default: return SEND_CONNECT_FAILED;
    }
}

static void say_unknown_token(void *self, struct text token)
{
    struct notifier *notifier = self;
    char words[64];
    if (text_to_z(text_slice(token, 0, sizeof words - 1), words, sizeof words)) return;
    LOG_OPTION_INVALID(&notifier->server->app->log, "OCServer", "http-retry-applies-to", words,
                       "unknown token", "the others");
}

static void on_sent(void *self, const struct http_result *result)
{
    struct sending *sending = self;
    struct notifier *notifier = sending->notifier;
    const struct log *log = &notifier->server->app->log;
    const struct outbound_options *options = options_of(notifier, sending->group_dbid);
    struct retry_policy policy =
        retry_policy_parse(options->http_retry_applies_to, say_unknown_token, notifier);
    uint64_t delay_ms = 0;
    char words[128], id[GUID_LEN + 1];
    if (result->failure == HTTP_FAILURE_NONE)
        (void)snprintf(words, sizeof words, "status %u", result->status);
    else
        (void)snprintf(words, sizeof words, "%s", result->words ? result->words : "no answer");
    if (text_to_z(sending->id, id, sizeof id)) id[0] = '\0';
    switch (retry_verdict(&policy, MESSAGE_CONTACT_PROCESSED, options->http_retry_max_attempts,
                          end_of(result->failure), result->status, sending->sends, &delay_ms)) {
    case VERDICT_SUCCESS:
        LOG_NOTIFICATION_SENT(log, id, result->status, (unsigned long long)result->took_ms);
        outbox_done(notifier->outbox, sending->id, EFFECT_SENT, 0, text_of(words));
        break;
    case VERDICT_RETRY:
        LOG_NOTIFICATION_RETRY(log, id, words, sending->sends, options->http_retry_max_attempts,
                               (unsigned long long)delay_ms);
        outbox_done(notifier->outbox, sending->id, EFFECT_RETRY, delay_ms, text_of(words));
        break;
    case VERDICT_FAILED:
        LOG_NOTIFICATION_FAILED(log, id, words);
        outbox_done(notifier->outbox, sending->id, EFFECT_FAILED, 0, text_of(words));
        break;
    }
    scope_close(sending->life);
}

/* Spec 12.3: these headers, then the custom ones. Host and Content-length come from the client. */
static void send(void *self, struct outbox *outbox, const struct effect *effect)
{
    struct notifier *notifier = self;
    (void)outbox;
    struct scope *life = scope_new(notifier->server->app->life, "notification", SCOPE_NO_LIMIT);
    struct sending *sending = scope_alloc(life, sizeof *sending);
    *sending = (struct sending){ .life = life,
                                 .notifier = notifier,
                                 .id = scope_keep(life, effect->id),
                                 .sends = effect->attempts + 1,
                                 .group_dbid = group_of(effect->kind) };
    const struct outbound_options *options = options_of(notifier, sending->group_dbid);
    struct http_header headers[HEADERS_MAX] = {
        { TEXT("Accept"), TEXT("*/*") },
        { TEXT("User-Agent"), TEXT("OCS/" CARILLON_VERSION) },
        { TEXT("ETag"), sending->id },
        { TEXT("Content-type"), TEXT("application/json") },
    };
    size_t count = 4;
    for (uint32_t i = 0; i < notifier->custom.count; i++)
        headers[count++] =
            (struct http_header){ notifier->custom.at[i].name, notifier->custom.at[i].value };
    struct http_call call = {
        .method = TEXT("POST"),
        .url = effect->target,
        .headers = { headers, count },
        .body = effect->body,
        .timeout_ms = (uint64_t)options->http_response_timeout * 1000,
        .proxy = options->http_proxy,
    };
    (void)http_client_send(notifier->client, &call, on_sent, sending);
}

struct notifier *notifier_new(struct outbound *server)
{
    static const struct outbox_handler handler = { .send = send };
    const struct outbound_options *options = server->app->options;
    struct notifier *notifier = scope_alloc(server->app->life, sizeof *notifier);
    notifier->server = server;
    notifier->config_life = scope_new(server->app->life, "notification headers", SCOPE_NO_LIMIT);
    notifier->client =
        http_client_new(server->app->life, server->app->net, options->http_connection_pool_size);
    struct outbox_options outbox_options = { .rows_max = options->outbox_rows_max };
    notifier->outbox = outbox_open(server->app->life, server->store, &server->app->log,
                                   &outbox_options, &handler, notifier);
    return notifier;
}

static void say_refused_header(void *self, struct text name, const char *rule)
{
    struct notifier *notifier = self;
    char words[64];
    if (text_to_z(text_slice(name, 0, sizeof words - 1), words, sizeof words)) return;
    LOG_OPTION_INVALID(&notifier->server->app->log, "OCServer", "http-custom-headers", words, rule,
                       "the other lines");
}

void notifier_configure(struct notifier *notifier, struct text host_headers)
{
    const struct outbound_options *options = notifier->server->app->options;
    http_client_set_pool_size(notifier->client, options->http_connection_pool_size);
    scope_reset(notifier->config_life);
    notifier->custom.count = 0;
    struct text levels[] = { options->http_custom_headers, host_headers };
    for (size_t i = 0; i < sizeof levels / sizeof levels[0]; i++)
        custom_headers_add(&notifier->custom, scope_keep(notifier->config_life, levels[i]),
                           HEADERS_OF_NOTIFICATIONS, say_refused_header, notifier);
}

void notifier_add(struct notifier *notifier, struct change *change, const struct live_chain *live,
                  const struct chain_outcome *outcome, const struct value *primary,
                  struct text disposition_code, const struct guid *message_guid)
{
    struct outbound *server = notifier->server;
    struct session *session = live->session;
    struct session_names names;
    if (!session_names(server, session->dbid, &names, NULL)) names = (struct session_names){ 0 };
    struct notification_session facts = {
        .campaign_name = names.campaign,
        .campaign_group_name = names.campaign_group,
        .group_name = names.group,
        .calling_list = live->list_name,
        .template_name = names.template_name,
        .media_type = names.media_type,
        .queue_name = names.queue,
        .session_guid = session->guid,
        .dial_mode = session->dialing.mode,
        .optimize_by = session->dialing.mode == DIAL_MODE_PREVIEW ? 0
                                                                  : session->dialing.optimize_by,
        .optimize_goal = session->dialing.optimize_goal,
    };
    struct record record = live->chain.records[live->chain.primary];
    record.cells = (struct value *)primary; /* read only: notification_body() takes it as const */
    struct notification notification = {
        .message_guid = *message_guid,
        .attempt_guid = outcome->attempt_guid,
        .now_utc_ms = outcome->now_utc_ms,
        .session = &facts,
        .layout = live->chain.layout,
        .primary = &record,
        .is_modified = outcome->is_modified,
        .reason = outcome->reason,
        .disposition_code = disposition_code,
        .agent_id = live->chain.agent_id,
        .stamps = { [STAMP_START_PROCESSING] = live->chain.started_utc_ms,
                    [STAMP_COMPLETE_PROCESSING] = outcome->now_utc_ms },
    };
    struct buf body = { 0 };
    notification_body(&notification, &body);
    char kind[KIND_LEN_MAX];
    struct effect effect = {
        .id = guid_text(message_guid),
        .kind = kind_of(session->dbid, kind),
        .target = session->options->contact_processed_notification_uri,
        .body = buf_text(&body),
        .created_utc_ms = outcome->now_utc_ms,
        .due_utc_ms = outcome->now_utc_ms,
    };
    outbox_add(notifier->outbox, change, &effect);
    buf_free(&body);
}

void notifier_committed(struct notifier *notifier, const struct guid *message_guid)
{
    outbox_committed(notifier->outbox, guid_text(message_guid));
}

bool notifier_is_full(struct notifier *notifier)
{
    bool is_full = outbox_is_full(notifier->outbox);
    if (is_full && !notifier->was_full) LOG_NOTIFICATION_LEDGER_FULL(&notifier->server->app->log);
    notifier->was_full = is_full;
    return is_full;
}

struct outbox_counters notifier_counters(const struct notifier *notifier)
{
    return outbox_counters(notifier->outbox);
}
