/* SPDX-License-Identifier: Apache-2.0 */
/* Begin reading at reactions_add(): what a script says becomes an effect; then send(): an effect
 * becomes a deed; then end(): what became of it. */
#include "servers/control/reactions.h"

#include "gen/events.h"
#include "gen/objects.h"
#include "io/http/client.h"
#include "io/http/signature.h"
#include "io/mail/mail.h"
#include "model/option.h"
#include "servers/control/command.h"
#include "servers/control/reaction.h"
#include "store/outbox.h"

#include <stdio.h>

enum {
    POOL_SIZE = 4,
    IN_FLIGHT_MAX = 1000,
    LANE_MAX = 64,
    ROWS_MAX = 100000,
    BACK_OFF_MAX_MS = 5 * 60 * 1000,
    ATTEMPTS_MAX = 100,     /* of webhooks and e-mails: some eight hours */
    ORDER_ATTEMPTS_MAX = 8, /* an order that comes too late does harm: some two minutes */
    WORDS_MAX = 400,
};

struct reactions {
    struct control_server *server;
    struct outbox *outbox;
    struct http_client *client;
    struct mailer *mailer;
    struct list commands; /* one after the other: a worker is busy as long as it runs */
    struct doing *running;
    struct chore command_chore;
    uint64_t done_total, failed_total, refused_total;
};

struct reaction_ids {
    struct reaction_ids *next;
    struct guid id;
};

static const struct control_options *options_of(const struct reactions *reactions)
{
    return control_options(reactions->server);
}

/* --- scripts -------------------------------------------------------------------------------- */

struct trouble {
    char words[WORDS_MAX];
};

static void on_report(void *self, const struct option_report *report)
{
    struct trouble *trouble = self;
    if (report->trouble != OPTION_VALUE_INVALID && report->trouble != OPTION_TWICE) return;
    (void)snprintf(trouble->words, sizeof trouble->words, "%.*s: %s", TEXT_ARG(report->name),
                   report->words ? report->words : "is there twice");
}

/* In `scope`. ERR_NOT_FOUND, ERR_INVALID: the fault says why. */
static enum err script_options(const struct reactions *reactions, struct text key,
                               struct scope *scope, const struct alarm_reaction_options **out,
                               struct fault *fault)
{
    const struct app_object *object = app_object(reactions->server->app, &OBJECT_SCRIPT, key);
    if (object == NULL) return fault_set(fault, ERR_NOT_FOUND, "", "there is no such script");
    struct option_layer layer = { LEVEL_SCRIPT, &object->fields->annex };
    struct option_source source = { .layers = &layer, .layer_count = 1 };
    struct trouble trouble = { "" };
    *out = option_resolve(&OPTIONS_ALARM_REACTION, &source, NULL, scope, on_report, &trouble);
    if (trouble.words[0]) return fault_set(fault, ERR_INVALID, "", "%s", trouble.words);
    return ERR_OK;
}

static enum err script_read(const struct reactions *reactions, struct text key,
                            struct text application, struct scope *scope, struct reaction *out,
                            struct fault *fault)
{
    const struct alarm_reaction_options *options = NULL;
    enum err err = script_options(reactions, key, scope, &options, fault);
    if (!err) err = reaction_read(options, application, out, fault);
    if (!err && out->kind == REACTION_COMMAND &&
        options_of(reactions)->alarms_command_folder.len == 0)
        err = fault_set(fault, ERR_INVALID, "command", "[alarms] command-folder is not set");
    if (!err && out->kind == REACTION_EMAIL &&
        (options_of(reactions)->alarms_smtp_server.len == 0 ||
         !reaction_is_address(options_of(reactions)->alarms_smtp_from)))
        err = fault_set(fault, ERR_INVALID, "email",
                        "[alarms] smtp-server is not set, or smtp-from is no address");
    return err;
}

static void say_refused(struct reactions *reactions, struct text key, const struct fault *fault)
{
    char name[256], field[80];
    (void)snprintf(name, sizeof name, "%.*s", TEXT_ARG(key));
    (void)snprintf(field, sizeof field, "%s%s", fault->field, *fault->field ? ": " : "");
    LOG_REACTION_SCRIPT_REFUSED(&reactions->server->app->log, name, field, fault->words);
}

void reactions_configure(struct reactions *reactions)
{
    const struct app_object *object;
    for (size_t at = 0;
         (object = app_object_next(reactions->server->app, &OBJECT_SCRIPT, &at)) != NULL;) {
        const struct object_script *fields = (const void *)object->fields;
        if (!text_eq(fields->type, TEXT("AlarmReaction"))) continue;
        struct scope *scope = scope_new(NULL, "script", SCOPE_NO_LIMIT);
        struct reaction reaction;
        struct fault fault = { 0 };
        if (script_read(reactions, object->key, TEXT("?"), scope, &reaction, &fault))
            say_refused(reactions, object->key, &fault);
        scope_close(scope);
    }
}

/* --- effects -------------------------------------------------------------------------------- */

/* "https://w.example:443": one receiver. */
static struct text origin_of(struct text url)
{
    size_t end = text_starts(url, TEXT("https://")) ? 8 : 7;
    while (end < url.len && url.at[end] != '/' && url.at[end] != '?' && url.at[end] != '#') end++;
    return text_slice(url, 0, end);
}

static const char *kind_name(enum reaction_kind kind)
{
    switch (kind) {
    case REACTION_APPLICATION_ORDER: return "order";
    case REACTION_SOLUTION_ORDER: return "solution";
    case REACTION_WEBHOOK: return "webhook";
    case REACTION_EMAIL: return "email";
    case REACTION_COMMAND: return "command";
    }
    return "";
}

struct making {
    struct reactions *reactions;
    const struct reaction *reaction;
    const struct control_alarm_state *alarm;
    struct text id;
    uint64_t now_utc_ms;
    struct buf headers, body;
};

static struct text fill_effect(struct making *making, struct text *lane)
{
    const struct reaction *reaction = making->reaction;
    const struct control_options *options = options_of(making->reactions);
    *lane = text_of(kind_name(reaction->kind));
    switch (reaction->kind) {
    case REACTION_APPLICATION_ORDER:
        buf_format(&making->body, "%.*s %.*s %u", TEXT_ARG(reaction->order),
                   TEXT_ARG(reaction->level), reaction->seconds);
        return reaction->name;
    case REACTION_SOLUTION_ORDER: buf_add(&making->body, reaction->order); return reaction->name;
    case REACTION_WEBHOOK:
        *lane = origin_of(reaction->url);
        reaction_write_webhook(making->alarm, making->now_utc_ms, &making->body);
        return reaction->url;
    case REACTION_EMAIL: {
        struct mail_head head = { .from = options->alarms_smtp_from,
                                  .to = reaction->to,
                                  .subject = reaction->subject,
                                  .id = making->id,
                                  .now_utc_ms = making->now_utc_ms };
        reaction_write_mail(&head, making->alarm, &making->body);
        return reaction->to;
    }
    case REACTION_COMMAND:
        buf_add(&making->headers, reaction->arguments);
        reaction_write_environment(making->alarm, &making->body);
        return reaction->command;
    }
    return TEXT("");
}

static void add_effect(struct reactions *reactions, struct change *change, struct text key,
                       const struct reaction *reaction, const struct control_alarm_state *alarm,
                       const struct guid *id)
{
    uint64_t now = loop_now_utc_ms(reactions->server->app->loop);
    struct making making = { .reactions = reactions,
                             .reaction = reaction,
                             .alarm = alarm,
                             .id = guid_text(id),
                             .now_utc_ms = now };
    struct text lane, target = fill_effect(&making, &lane);
    struct buf kind = { 0 };
    char subject[32];
    int len = snprintf(subject, sizeof subject, "alarm %llu", (unsigned long long)alarm->id);
    buf_format(&kind, "%s/%.*s", kind_name(reaction->kind), TEXT_ARG(key));
    struct effect effect = { .id = guid_text(id),
                             .kind = buf_text(&kind),
                             .target = target,
                             .headers = buf_text(&making.headers),
                             .body = buf_text(&making.body),
                             .lane = lane,
                             .subject = { subject, (size_t)len },
                             .created_utc_ms = now,
                             .due_utc_ms = now };
    if (effect.headers.at == NULL) effect.headers = TEXT("");
    outbox_add(reactions->outbox, change, &effect);
    buf_free(&kind);
    buf_free(&making.headers);
    buf_free(&making.body);
}

void reactions_add(struct reactions *reactions, struct change *change, const struct text *scripts,
                   uint32_t count, const struct control_alarm_state *alarm, struct scope *scope,
                   struct reaction_ids **ids)
{
    for (uint32_t i = 0; i < count; i++) {
        struct scope *scratch = scope_new(NULL, "reaction", SCOPE_NO_LIMIT);
        struct reaction reaction;
        struct fault fault = { 0 };
        enum err err =
            script_read(reactions, scripts[i], alarm->application, scratch, &reaction, &fault);
        if (!err && outbox_is_full(reactions->outbox))
            err = fault_set(&fault, ERR_FULL, "", "%d reactions wait already", ROWS_MAX);
        if (err) {
            reactions->refused_total++;
            say_refused(reactions, scripts[i], &fault);
        } else {
            struct reaction_ids *one = scope_alloc(scope, sizeof *one);
            one->id = guid_new(loop_random(reactions->server->app->loop));
            one->next = *ids;
            *ids = one;
            add_effect(reactions, change, scripts[i], &reaction, alarm, &one->id);
        }
        scope_close(scratch);
    }
}

void reactions_committed(struct reactions *reactions, const struct reaction_ids *ids)
{
    for (; ids; ids = ids->next) outbox_committed(reactions->outbox, guid_text(&ids->id));
}

/* --- a deed and its end --------------------------------------------------------------------- */

struct doing {
    struct scope *life;
    struct list node; /* commands that wait */
    struct reactions *reactions;
    struct text id, kind, target;
    uint32_t attempts; /* this one included */
    struct command command;
    struct command_result result;
    enum err err;
    struct fault fault;
};

static uint64_t back_off_ms(uint32_t attempts)
{
    uint64_t wait_ms = 1000;
    for (uint32_t i = 1; i < attempts && wait_ms < BACK_OFF_MAX_MS; i++) wait_ms *= 2;
    return wait_ms < BACK_OFF_MAX_MS ? wait_ms : BACK_OFF_MAX_MS;
}

static void end(struct doing *doing, enum effect_verdict verdict, uint32_t attempts_max,
                const char *words)
{
    struct reactions *reactions = doing->reactions;
    const struct log *log = &reactions->server->app->log;
    char kind[256], target[256];
    (void)snprintf(kind, sizeof kind, "%.*s", TEXT_ARG(doing->kind));
    (void)snprintf(target, sizeof target, "%.*s", TEXT_ARG(doing->target));
    if (verdict == EFFECT_RETRY && doing->attempts >= attempts_max) verdict = EFFECT_FAILED;
    switch (verdict) {
    case EFFECT_SENT:
        reactions->done_total++;
        LOG_REACTION_DONE(log, kind, target, words);
        break;
    case EFFECT_RETRY: LOG_REACTION_AGAIN(log, kind, target, words); break;
    case EFFECT_FAILED:
        reactions->failed_total++;
        LOG_REACTION_FAILED(log, kind, target, words);
        break;
    }
    outbox_done(reactions->outbox, doing->id, verdict, back_off_ms(doing->attempts),
                text_of(words));
    scope_close(doing->life);
}

/* --- webhooks --- */

static void on_posted(void *self, const struct http_result *result)
{
    struct doing *doing = self;
    char words[WORDS_MAX];
    bool has_answer = result->failure == HTTP_FAILURE_NONE;
    if (has_answer)
        (void)snprintf(words, sizeof words, "status %u", result->status);
    else
        (void)snprintf(words, sizeof words, "%s", result->words ? result->words : "no answer");
    bool is_taken = has_answer && result->status >= 200 && result->status < 300;
    /* Gone, by the convention: the receiver wants no more. */
    bool is_gone = has_answer && result->status == 410;
    end(doing,
        is_taken  ? EFFECT_SENT
        : is_gone ? EFFECT_FAILED
                  : EFFECT_RETRY,
        ATTEMPTS_MAX, words);
}

/* The secret is the script's as it is now; nothing is sent unsigned that should be signed. */
static enum err sign(struct doing *doing, struct text body, const char *stamp, uint64_t now_s,
                     struct http_header headers[4], size_t *count, struct buf *signature)
{
    const struct alarm_reaction_options *options = NULL;
    struct text name, key;
    struct fault fault;
    if (!text_cut(doing->kind, '/', &name, &key)) return ERR_INVALID;
    enum err err = script_options(doing->reactions, key, doing->life, &options, &fault);
    if (err == ERR_NOT_FOUND) return err; /* deleted meanwhile */
    if (err) return err;
    if (text_trim(options->secret).len)
        err = signature_write(options->secret, doing->id, now_s, body, signature);
    if (err) return err;
    headers[(*count)++] = (struct http_header){ TEXT("Content-Type"), TEXT("application/json") };
    headers[(*count)++] = (struct http_header){ TEXT("webhook-id"), doing->id };
    headers[(*count)++] = (struct http_header){ TEXT("webhook-timestamp"), text_of(stamp) };
    if (signature->len)
        headers[(*count)++] =
            (struct http_header){ TEXT("webhook-signature"), buf_text(signature) };
    return ERR_OK;
}

static void post(struct doing *doing, const struct effect *effect)
{
    struct reactions *reactions = doing->reactions;
    struct http_header headers[4];
    size_t count = 0;
    struct buf signature = { 0 };
    char stamp[24];
    uint64_t now_s = loop_now_utc_ms(reactions->server->app->loop) / 1000;
    (void)snprintf(stamp, sizeof stamp, "%llu", (unsigned long long)now_s);
    if (sign(doing, effect->body, stamp, now_s, headers, &count, &signature)) {
        buf_free(&signature);
        end(doing, EFFECT_FAILED, 0, "its script is gone, or the secret cannot be read");
        return;
    }
    struct http_call call = {
        .method = TEXT("POST"),
        .url = effect->target,
        .headers = { headers, count },
        .body = effect->body,
        .timeout_ms = options_of(reactions)->alarms_webhook_timeout * 1000ull,
        .may_repeat = true,
    };
    (void)http_client_send(reactions->client, &call, on_posted, doing);
    buf_free(&signature);
}

/* --- e-mail --- */

static void on_mailed(void *self, enum mail_end mail_end, const char *words)
{
    static const enum effect_verdict verdicts[] = {
        [MAIL_TAKEN] = EFFECT_SENT, [MAIL_AGAIN] = EFFECT_RETRY, [MAIL_REFUSED] = EFFECT_FAILED
    };
    end(self, verdicts[mail_end], ATTEMPTS_MAX, *words ? words : "taken");
}

static void send_mail(struct doing *doing, const struct effect *effect)
{
    const struct control_options *options = options_of(doing->reactions);
    struct mail mail = { .server = options->alarms_smtp_server,
                         .user = options->alarms_smtp_user,
                         .password = options->alarms_smtp_password,
                         .from = options->alarms_smtp_from,
                         .to = effect->target,
                         .message = effect->body };
    mailer_send(doing->reactions->mailer, &mail, on_mailed, doing);
}

/* --- programs --- */

static void run_command(void *self) /* a worker */
{
    struct doing *doing = self;
    doing->err = command_run(doing->life, &doing->command, &doing->result, &doing->fault);
}

static void on_command_ended(void *self)
{
    struct doing *doing = self;
    char words[WORDS_MAX];
    struct reactions *reactions = doing->reactions;
    if (reactions == NULL) { /* control has ended meanwhile */
        scope_close(doing->life);
        return;
    }
    reactions->running = NULL;
    if (!list_is_empty(&reactions->commands))
        chore_soon(reactions->server->app->loop, &reactions->command_chore);
    if (doing->err)
        (void)snprintf(words, sizeof words, "%.250s", doing->fault.words);
    else if (doing->result.was_too_long)
        (void)snprintf(words, sizeof words, "killed: it took too long");
    else
        (void)snprintf(words, sizeof words, "exit code %d: %.200s", doing->result.exit_code,
                       doing->result.output);
    bool is_done = doing->err == ERR_OK && !doing->result.was_too_long &&
                   doing->result.exit_code == 0;
    end(doing, is_done ? EFFECT_SENT : EFFECT_FAILED, 0, words);
}

static void start_command(struct doing *doing, const struct effect *effect)
{
    const struct control_options *options = options_of(doing->reactions);
    doing->command = (struct command){
        .folder = scope_keep(doing->life, options->alarms_command_folder),
        .name = doing->target,
        .arguments = scope_keep(doing->life, effect->headers),
        .environment = scope_keep(doing->life, effect->body),
        .timeout_ms = options->alarms_command_timeout * 1000,
    };
    list_add_last(&doing->reactions->commands, &doing->node);
    chore_soon(doing->reactions->server->app->loop, &doing->reactions->command_chore);
}

static void next_command(void *self)
{
    struct reactions *reactions = self;
    struct list *node = list_first(&reactions->commands);
    if (node == NULL || reactions->running) return;
    list_remove(node);
    reactions->running = LIST_OBJECT(node, struct doing, node);
    loop_work(reactions->server->app->loop, run_command, on_command_ended, reactions->running);
}

/* What runs ends by itself; what waits waits in the outbox, too. */
static void forget(void *self)
{
    struct reactions *reactions = self;
    struct list *node;
    chore_cancel(&reactions->command_chore);
    if (reactions->running) reactions->running->reactions = NULL;
    while ((node = list_first(&reactions->commands)) != NULL) {
        list_remove(node);
        scope_close(LIST_OBJECT(node, struct doing, node)->life);
    }
}

/* --- orders --- */

static bool is_worth_another(enum order_error error)
{
    return error == ORDER_AGENT_NOT_STARTED || error == ORDER_ALREADY_IN_PROGRESS;
}

static void end_order(struct doing *doing, enum order_error error)
{
    /* Started already, stopped already: it is as was wanted. */
    bool is_so = error == ORDER_OK || error == ORDER_ALREADY_EXISTS;
    end(doing,
        is_so                     ? EFFECT_SENT
        : is_worth_another(error) ? EFFECT_RETRY
                                  : EFFECT_FAILED,
        ORDER_ATTEMPTS_MAX, error ? order_error_words(error) : "taken");
}

static void on_ordered(void *self, enum order_error error)
{
    end_order(self, error);
}

static void order(struct doing *doing, const struct effect *effect)
{
    struct text rest = effect->body, word = { 0 }, level = { 0 }, seconds = { 0 };
    uint32_t count = 0;
    enum app_order what;
    (void)text_next_item(&rest, ' ', &word);
    (void)text_next_item(&rest, ' ', &level);
    (void)text_next_item(&rest, ' ', &seconds);
    (void)text_to_u32(seconds, 0, UINT32_MAX, &count);
    struct app_entry *app = app_find(doing->reactions->server, effect->target);
    if (app == NULL || app_order_parse(word, &what)) {
        end_order(doing, ORDER_OBJECT_NOT_FOUND);
        return;
    }
    struct text by = scope_format(doing->life, "reaction %.*s", TEXT_ARG(doing->kind));
    bool is_level = what == APP_ORDER_LOG_LEVEL;
    enum order_error error = order_application(app, what, is_level ? level : TEXT(""),
                                               is_level ? count : 0, by, on_ordered, doing);
    if (error) end_order(doing, error);
}

static void on_solution_ordered(void *self, enum err err)
{
    struct doing *doing = self;
    end(doing, err ? EFFECT_RETRY : EFFECT_SENT, ORDER_ATTEMPTS_MAX,
        err ? err_words(err) : "taken");
}

static void order_solution(struct doing *doing, const struct effect *effect)
{
    struct solution_entry *entry = solution_find(doing->reactions->server, effect->target);
    bool is_start = text_eq(effect->body, TEXT("start"));
    struct text by = scope_format(doing->life, "reaction %.*s", TEXT_ARG(doing->kind));
    enum order_error error = entry
                                 ? solution_order(entry, is_start ? SOLUTION_START : SOLUTION_STOP,
                                                  false, by, on_solution_ordered, doing)
                                 : ORDER_OBJECT_NOT_FOUND;
    if (error) end_order(doing, error);
}

/* --- the outbox ----------------------------------------------------------------------------- */

static void send(void *self, struct outbox *outbox, const struct effect *effect)
{
    struct reactions *reactions = self;
    (void)outbox;
    struct text name = effect->kind, key;
    (void)text_cut(effect->kind, '/', &name, &key);
    /* A worker may be at a command when the server has gone. */
    bool is_command = text_eq(name, TEXT("command"));
    struct scope *life =
        scope_new(is_command ? NULL : reactions->server->app->life, "reaction", SCOPE_NO_LIMIT);
    struct doing *doing = scope_alloc(life, sizeof *doing);
    *doing = (struct doing){ .life = life,
                             .reactions = reactions,
                             .id = scope_keep(life, effect->id),
                             .kind = scope_keep(life, effect->kind),
                             .target = scope_keep(life, effect->target),
                             .attempts = effect->attempts + 1 };
    if (text_eq(name, TEXT("webhook")))
        post(doing, effect);
    else if (text_eq(name, TEXT("email")))
        send_mail(doing, effect);
    else if (is_command)
        start_command(doing, effect);
    else if (text_eq(name, TEXT("order")))
        order(doing, effect);
    else if (text_eq(name, TEXT("solution")))
        order_solution(doing, effect);
    else
        end(doing, EFFECT_FAILED, 0, "of a kind that this release does not know");
}

struct reactions *reactions_open(struct control_server *server)
{
    static const struct outbox_handler handler = { .send = send };
    struct scope *life = server->app->life;
    struct reactions *reactions = scope_alloc(life, sizeof *reactions);
    *reactions = (struct reactions){ .server = server,
                                     .client = http_client_new(life, server->app->net, POOL_SIZE),
                                     .mailer = mailer_new(life, server->app->loop) };
    reactions->command_chore = (struct chore){ .run = next_command, .self = reactions };
    list_init(&reactions->commands);
    scope_on_close(life, forget, reactions);
    struct outbox_options options = { .in_flight_max = IN_FLIGHT_MAX,
                                      .lane_max = LANE_MAX,
                                      .rows_max = ROWS_MAX,
                                      .wait_max_ms = BACK_OFF_MAX_MS };
    reactions->outbox =
        outbox_open(life, server->store, &server->app->log, &options, &handler, reactions);
    return reactions;
}

void reactions_flush(struct reactions *reactions)
{
    outbox_flush(reactions->outbox);
}

void reactions_count(const struct reactions *reactions, struct control_counters *out)
{
    struct outbox_counters counters = outbox_counters(reactions->outbox);
    out->control_reactions_waiting = counters.waiting_now;
    out->control_reactions_done_total = reactions->done_total;
    out->control_reactions_failed_total = reactions->failed_total;
    out->control_reactions_refused_total = reactions->refused_total;
}
