/* SPDX-License-Identifier: Apache-2.0 */
/* Begin reading at send(): a row of the outbox becomes a POST; then on_sent(): what became of it.
 */
#include "servers/outbound/notifier.h"

#include "gen/events.h"
#include "gen/objects.h"
#include "io/http/signature.h"
#include "servers/outbound/group_state.h"
#include "servers/outbound/http_proxy/custom_headers.h"
#include "servers/outbound/session.h"
#include "servers/outbound/traffic_log.h"

#include <stdio.h>

enum {
    KIND_LEN_MAX = 64,
    GUIDE_HEADERS = 4,
    SIGNATURE_HEADERS = 3,
    HEADERS_MAX = GUIDE_HEADERS + SIGNATURE_HEADERS + CUSTOM_HEADERS_MAX,
    IN_FLIGHT_MAX = 10000,
    LANE_MAX = 1000,
    WAIT_MAX_MS = 10 * 60 * 1000, /* retry.h doubles up to 30 s */
};
#define DAY_MS ((uint64_t)24 * 3600 * 1000)

/* Call report records of a campaign group that nobody has confirmed (spec outbound 13.2). */
struct unconfirmed {
    uint32_t group_dbid;
    int64_t count;
    uint64_t waits_until_mono_ms; /* 0: no pause */
    bool has_waited;              /* since the last report was added */
};

struct notifier {
    struct outbound *server;
    struct outbox *outbox;
    struct http_client *client;
    struct scope *config_life;
    struct custom_headers custom; /* views into config_life */
    struct table *unconfirmed;    /* group DBID -> struct unconfirmed */
    bool has_counted;             /* those of the last run are among them */
    bool was_full;
};

/* One send under way. */
struct sending {
    struct scope *life;
    struct notifier *notifier;
    enum message_kind kind;
    struct text id;
    uint32_t sends; /* this one included */
    uint32_t group_dbid;
};

/* --- kinds: "contact-processed/204" in the ledger, as its options rule the send --- */

static const struct {
    enum message_kind kind;
    struct text name;
} kinds[] = {
    { MESSAGE_CONTACT_PROCESSED, { "contact-processed", 17 } },
    { MESSAGE_CAMPAIGNGROUP_STATES, { "campaigngroup-states", 20 } },
    { MESSAGE_HISTORY, { "history", 7 } },
};

struct text notifier_kind_name(struct text kind)
{
    struct text name = kind, dbid;
    (void)text_cut(kind, '/', &name, &dbid);
    return name;
}

static struct text kind_of(enum message_kind kind, uint32_t group_dbid, char out[KIND_LEN_MAX])
{
    const char *name = "";
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (kinds[i].kind == kind) name = kinds[i].name.at;
    int len = snprintf(out, KIND_LEN_MAX, "%s/%u", name, group_dbid);
    return (struct text){ out, (size_t)len };
}

static enum message_kind read_kind(struct text kind, uint32_t *group_dbid)
{
    struct text name = kind, dbid;
    *group_dbid = 0;
    if (text_cut(kind, '/', &name, &dbid)) (void)text_to_u32(dbid, 0, UINT32_MAX, group_dbid);
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (text_eq(kinds[i].name, name)) return kinds[i].kind;
    return MESSAGE_CONTACT_PROCESSED;
}

/* Those of the group as configured now; the application's where the group is gone. */
static const struct outbound_options *options_of(struct notifier *notifier, uint32_t group_dbid)
{
    /* Made where there is none: after a restart a group that is not loaded still has messages. */
    struct session *session = session_of(notifier->server, group_dbid, NULL);
    return session ? session->options : notifier->server->app->options;
}

/* --- call report records without confirmation --- */

static struct unconfirmed *unconfirmed_of(struct notifier *notifier, uint32_t group_dbid)
{
    struct unconfirmed *found = table_get(notifier->unconfirmed, TEXT_OF(&group_dbid));
    if (found) return found;
    found = scope_alloc(notifier->server->app->life, sizeof *found);
    found->group_dbid = group_dbid;
    table_put(notifier->unconfirmed, TEXT_OF(&found->group_dbid), found);
    return found;
}

void notifier_count_report(struct session *session)
{
    struct unconfirmed *unconfirmed = unconfirmed_of(session->server->notifier, session->dbid);
    unconfirmed->count++;
    unconfirmed->has_waited = false;
}

static void count_confirmed(struct notifier *notifier, uint32_t group_dbid)
{
    struct unconfirmed *unconfirmed = unconfirmed_of(notifier, group_dbid);
    /* One that was replayed was not counted again. */
    if (unconfirmed->count > 0 || !notifier->has_counted) unconfirmed->count--;
}

static void on_unconfirmed(void *self, enum err err, const struct rows *rows)
{
    struct notifier *notifier = self;
    for (uint32_t row = 0; !err && row < rows_count(rows); row++) {
        uint32_t group_dbid;
        (void)read_kind(rows_text(rows, row, 0), &group_dbid);
        unconfirmed_of(notifier, group_dbid)->count += rows_i64(rows, row, 1);
    }
    notifier->has_counted = true;
}

/* What waited when the last run ended. In a large ledger this takes a while, so nobody waits. */
static void count_unconfirmed(struct notifier *notifier)
{
    static const struct statement statement = {
        "SELECT kind, count(*) FROM outbox WHERE state = 1 AND kind LIKE 'history/%'"
        " AND created_utc_ms < ?1 GROUP BY kind"
    };
    struct value now = { .kind = VALUE_INTEGER,
                         .integer = (int64_t)loop_now_utc_ms(notifier->server->app->loop) };
    struct query query = { &statement, &now, 1 };
    store_query(notifier->server->store, &query, on_unconfirmed, notifier);
}

static void begin_pause(struct session *session, struct unconfirmed *unconfirmed)
{
    const struct outbound_options *options = session->options;
    struct outbound *server = session->server;
    struct session_names names;
    char group[128] = "";
    if (session_names(server, session->dbid, &names, NULL))
        (void)text_to_z(text_slice(names.campaign_group, 0, sizeof group - 1), group, sizeof group);
    LOG_HISTORY_WAITS(&server->app->log, group, (unsigned)unconfirmed->count,
                      options->history_wait_recovery_timeout);
    unconfirmed->waits_until_mono_ms = loop_now_mono_ms(server->app->loop) +
                                       (uint64_t)options->history_wait_recovery_timeout * 1000;
    unconfirmed->has_waited = true;
}

/* A pause ends by its time, or sooner by confirmation; the next begins with the next report. */
static bool waits_for_history(struct session *session)
{
    const struct outbound_options *options = session->options;
    struct unconfirmed *unconfirmed =
        table_get(session->server->notifier->unconfirmed, TEXT_OF(&session->dbid));
    if (unconfirmed == NULL || !options->send_history) return false;
    uint32_t threshold = options->history_wait_condition_threshold;
    if (threshold == 0 || unconfirmed->count <= (int64_t)threshold) {
        unconfirmed->waits_until_mono_ms = 0;
        return false;
    }
    if (!unconfirmed->has_waited) begin_pause(session, unconfirmed);
    return loop_now_mono_ms(session->server->app->loop) < unconfirmed->waits_until_mono_ms;
}

static bool is_full(struct notifier *notifier)
{
    bool was_full = notifier->was_full;
    notifier->was_full = outbox_is_full(notifier->outbox);
    if (notifier->was_full && !was_full) LOG_NOTIFICATION_LEDGER_FULL(&notifier->server->app->log);
    return notifier->was_full;
}

const char *notifier_holds_back(struct session *session)
{
    if (is_full(session->server->notifier)) return "the notification ledger is full";
    return waits_for_history(session) ? "too many call report records are without confirmation"
                                      : NULL;
}

/* --- the head of a message --- */

struct head {
    struct http_header at[HEADERS_MAX];
    size_t count;
    char timestamp[24];
    struct buf signature;
};

static void add_header(struct head *head, struct text name, struct text value)
{
    head->at[head->count++] = (struct http_header){ name, value };
}

/* Spec 12.3: these headers, then the signature, then the custom ones. Host and Content-length come
 * from the client. The signature's time is that of the send: receivers refuse an old one, and a
 * message may be replayed after weeks; the body stays as it was (docs/decisions/0013). */
static enum err fill_head(struct notifier *notifier, const struct effect *effect,
                          struct text secrets, struct head *head)
{
    uint64_t now_s = loop_now_utc_ms(notifier->server->app->loop) / 1000;
    add_header(head, TEXT("Accept"), TEXT("*/*"));
    add_header(head, TEXT("User-Agent"), TEXT("OCS/" CARILLON_VERSION));
    add_header(head, TEXT("ETag"), effect->id);
    add_header(head, TEXT("Content-type"), TEXT("application/json"));
    if (text_trim(secrets).len) {
        enum err err = signature_write(secrets, effect->id, now_s, effect->body, &head->signature);
        if (err) return err;
        int len =
            snprintf(head->timestamp, sizeof head->timestamp, "%llu", (unsigned long long)now_s);
        add_header(head, TEXT("webhook-id"), effect->id);
        add_header(head, TEXT("webhook-timestamp"), (struct text){ head->timestamp, (size_t)len });
        add_header(head, TEXT("webhook-signature"), buf_text(&head->signature));
    }
    for (uint32_t i = 0; i < notifier->custom.count; i++)
        add_header(head, notifier->custom.at[i].name, notifier->custom.at[i].value);
    return ERR_OK;
}

void notifier_headers(struct notifier *notifier, const struct effect *effect, struct buf *out)
{
    uint32_t group_dbid;
    struct head head = { .count = 0 };
    (void)read_kind(effect->kind, &group_dbid);
    const struct outbound_options *options = options_of(notifier, group_dbid);
    if (fill_head(notifier, effect, options->http_webhook_secret, &head)) /* no signature then */
        buf_add_z(out, "http-webhook-secret cannot be read: it is not sent\n");
    for (size_t i = 0; i < head.count; i++) {
        bool is_secret = custom_header_is_secret(head.at[i].name);
        struct text value = is_secret ? TEXT("*****") : head.at[i].value;
        buf_format(out, "%.*s: %.*s\n", TEXT_ARG(head.at[i].name), TEXT_ARG(value));
    }
    buf_free(&head.signature);
}

static bool post(struct notifier *notifier, const struct effect *effect,
                 const struct outbound_options *options,
                 void (*on_done)(void *self, const struct http_result *result), void *self)
{
    struct head head = { .count = 0 };
    bool is_readable = fill_head(notifier, effect, options->http_webhook_secret, &head) == ERR_OK;
    if (is_readable) {
        struct http_call call = {
            .may_repeat = true, /* each has its GSW_MESSAGE_GUID */
            .method = TEXT("POST"),
            .url = effect->target,
            .headers = { head.at, head.count },
            .body = effect->body,
            .timeout_ms = (uint64_t)options->http_response_timeout * 1000,
            .proxy = options->http_proxy,
        };
        traffic_log_json(notifier->server, "posted", effect->body);
        (void)http_client_send(notifier->client, &call, on_done, self);
    }
    buf_free(&head.signature);
    return is_readable;
}

/* --- a send and its end --- */

static enum send_end end_of(enum http_failure failure)
{
    switch (failure) {
    case HTTP_FAILURE_NONE: return SEND_ANSWERED;
    case HTTP_FAILURE_TIMEOUT: return SEND_TIMED_OUT;
    default: return SEND_CONNECT_FAILED;
    }
}

static void end_sending(struct sending *sending, enum effect_verdict verdict, uint64_t delay_ms,
                        const char *words)
{
    struct notifier *notifier = sending->notifier;
    outbox_done(notifier->outbox, sending->id, verdict, delay_ms, text_of(words));
    if (sending->kind == MESSAGE_HISTORY && verdict != EFFECT_RETRY)
        count_confirmed(notifier, sending->group_dbid);
    scope_close(sending->life);
}

static void on_sent(void *self, const struct http_result *result)
{
    struct sending *sending = self;
    struct notifier *notifier = sending->notifier;
    const struct log *log = &notifier->server->app->log;
    const struct outbound_options *options = options_of(notifier, sending->group_dbid);
    struct retry_policy policy = retry_policy_parse(options->http_retry_applies_to, NULL, NULL);
    uint64_t delay_ms = 0;
    char words[128], id[GUID_LEN + 1];
    if (result->failure == HTTP_FAILURE_NONE)
        (void)snprintf(words, sizeof words, "status %u", result->status);
    else
        (void)snprintf(words, sizeof words, "%s", result->words ? result->words : "no answer");
    if (text_to_z(sending->id, id, sizeof id)) id[0] = '\0';
    switch (retry_verdict(&policy, sending->kind, options->http_retry_max_attempts,
                          end_of(result->failure), result->status, sending->sends, &delay_ms)) {
    case VERDICT_SUCCESS:
        LOG_NOTIFICATION_SENT(log, id, result->status, (unsigned long long)result->took_ms);
        end_sending(sending, EFFECT_SENT, 0, words);
        break;
    case VERDICT_RETRY:
        LOG_NOTIFICATION_RETRY(log, id, words, sending->sends, options->http_retry_max_attempts,
                               (unsigned long long)delay_ms);
        end_sending(sending, EFFECT_RETRY, delay_ms, words);
        break;
    case VERDICT_FAILED:
        LOG_NOTIFICATION_FAILED(log, id, words);
        end_sending(sending, EFFECT_FAILED, 0, words);
        break;
    }
}

static void send(void *self, struct outbox *outbox, const struct effect *effect)
{
    struct notifier *notifier = self;
    (void)outbox;
    struct scope *life = scope_new(notifier->server->app->life, "notification", SCOPE_NO_LIMIT);
    struct sending *sending = scope_alloc(life, sizeof *sending);
    *sending = (struct sending){ .life = life,
                                 .notifier = notifier,
                                 .id = scope_keep(life, effect->id),
                                 .sends = effect->attempts + 1 };
    sending->kind = read_kind(effect->kind, &sending->group_dbid);
    const struct outbound_options *options = options_of(notifier, sending->group_dbid);
    if (post(notifier, effect, options, on_sent, sending)) return;
    static const char words[] = "http-webhook-secret cannot be read: nothing is sent unsigned";
    char id[GUID_LEN + 1];
    if (text_to_z(sending->id, id, sizeof id)) id[0] = '\0';
    LOG_NOTIFICATION_FAILED(&notifier->server->app->log, id, words);
    end_sending(sending, EFFECT_FAILED, 0, words);
}

bool notifier_send(struct notifier *notifier, const struct posting *posting,
                   void (*on_done)(void *self, const struct http_result *result), void *self)
{
    struct effect effect = { .id = guid_text(&posting->message_guid),
                             .target = posting->url,
                             .body = posting->body };
    return post(notifier, &effect, posting->session->options, on_done, self);
}

/* --- the outbox --- */

/* "https://w.example:443 proxy:3128": the endpoint, as the outbox tells receivers apart. */
static void write_lane(struct text url, struct text proxy, struct buf *out)
{
    size_t host = text_starts(url, TEXT("https://")) ? 8 : 7, end = host;
    while (end < url.len && url.at[end] != '/' && url.at[end] != '?' && url.at[end] != '#') end++;
    buf_add(out, text_slice(url, 0, end));
    if (host == 7 || proxy.len == 0) return; /* http goes direct */
    buf_add_byte(out, ' ');
    buf_add(out, proxy);
}

void notifier_post(struct notifier *notifier, struct change *change, const struct posting *posting)
{
    struct session *session = posting->session;
    struct buf lane = { 0 };
    char kind[KIND_LEN_MAX];
    write_lane(posting->url, session->options->http_proxy, &lane);
    struct effect effect = {
        .id = guid_text(&posting->message_guid),
        .kind = kind_of(posting->kind, session->dbid, kind),
        .target = posting->url,
        .body = posting->body,
        .lane = buf_text(&lane),
        .subject = posting->subject,
        .created_utc_ms = posting->now_utc_ms,
        .due_utc_ms = posting->now_utc_ms,
    };
    outbox_add(notifier->outbox, change, &effect);
    buf_free(&lane);
}

void notifier_committed(struct notifier *notifier, const struct guid *message_guid)
{
    outbox_committed(notifier->outbox, guid_text(message_guid));
}

struct outbox_counters notifier_counters(const struct notifier *notifier)
{
    return outbox_counters(notifier->outbox);
}

struct outbox *notifier_outbox(const struct notifier *notifier)
{
    return notifier->outbox;
}

/* --- life and configuration --- */

struct notifier *notifier_new(struct outbound *server)
{
    static const struct outbox_handler handler = { .send = send };
    const struct outbound_options *options = server->app->options;
    struct scope *life = server->app->life;
    struct notifier *notifier = scope_alloc(life, sizeof *notifier);
    notifier->server = server;
    notifier->config_life = scope_new(life, "notification headers", SCOPE_NO_LIMIT);
    notifier->unconfirmed = table_new(life);
    notifier->client = http_client_new(life, server->app->net, options->http_connection_pool_size);
    uint32_t pool_size = options->http_connection_pool_size;
    struct outbox_options outbox_options = {
        .in_flight_max = IN_FLIGHT_MAX,
        .lane_max = 2 * pool_size > LANE_MAX ? 2 * pool_size : LANE_MAX,
        .rows_max = options->outbox_rows_max,
        .keep_sent_ms = options->notifications_keep_sent * DAY_MS,
        .keep_failed_ms = options->notifications_keep_failed * DAY_MS,
        .wait_max_ms = WAIT_MAX_MS,
    };
    count_unconfirmed(notifier);
    notifier->outbox =
        outbox_open(life, server->store, &server->app->log, &outbox_options, &handler, notifier);
    return notifier;
}

static void say_invalid(struct notifier *notifier, const char *option, struct text what,
                        const char *rule, const char *used)
{
    char words[64];
    if (text_to_z(text_slice(what, 0, sizeof words - 1), words, sizeof words)) return;
    LOG_OPTION_INVALID(&notifier->server->app->log, "OCServer", option, words, rule, used);
}

static void say_refused_header(void *self, struct text name, const char *rule)
{
    say_invalid(self, "http-custom-headers", name, rule, "the other lines");
}

static void say_unknown_token(void *self, struct text token)
{
    say_invalid(self, "http-retry-applies-to", token, "unknown token", "the others");
}

/* What the option engine cannot see: words within a value. */
static void check_options(struct notifier *notifier, const struct outbound_options *options)
{
    struct buf none = { 0 };
    (void)retry_policy_parse(options->http_retry_applies_to, say_unknown_token, notifier);
    if (text_trim(options->http_webhook_secret).len &&
        signature_write(options->http_webhook_secret, TEXT("x"), 0, TEXT("x"), &none))
        say_invalid(notifier, "http-webhook-secret", TEXT("*****"),
                    "must be whsec_ and 16 to 64 bytes as base64",
                    "nothing: messages fail in the ledger");
    buf_free(&none);
}

void notifier_check_options(struct session *session)
{
    struct notifier *notifier = session->server->notifier;
    const struct outbound_options *options = session->options;
    const struct outbound_options *of_application = session->server->app->options;
    if (notifier == NULL) return; /* it asks again once it is there */
    if (!text_eq(options->http_retry_applies_to, of_application->http_retry_applies_to) ||
        !text_eq(options->http_webhook_secret, of_application->http_webhook_secret))
        check_options(notifier, options);
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
    check_options(notifier, options);
    struct session *session;
    for (size_t at = 0; (session = table_next(notifier->server->sessions, &at)) != NULL;)
        group_state_settle(session);
}
