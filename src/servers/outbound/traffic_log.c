/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/outbound/traffic_log.h"

#include "format/json.h"
#include "gen/events.h"

void traffic_log_json(struct outbound *server, const char *title, struct text body)
{
    struct app *app = server->app;
    if (!log_wants(&app->log, LOG_DEBUG)) return;
    struct scope *scratch = scope_new(app->life, "traffic log", SCOPE_NO_LIMIT);
    struct kv pairs;
    if (json_read_kv(body, scratch, &pairs, NULL) == ERR_OK)
        app_log_pairs(app, &app->log, text_of(title), &pairs);
    scope_close(scratch);
}

void traffic_log_fields(struct outbound *server, const char *way, const struct msg *msg,
                        const void *fields)
{
    if (!log_wants(&server->app->log, LOG_DEBUG)) return;
    struct buf title = { 0 }, body = { 0 };
    buf_format(&title, "%s %s", way, msg->name);
    buf_add_byte(&title, '\0');
    if (fields)
        shape_to_json(&body, msg->shape, fields);
    else
        buf_add_z(&body, "{}");
    traffic_log_json(server, title.at, buf_text(&body));
    buf_free(&title);
    buf_free(&body);
}

struct peer_words {
    char address[64], name[128];
};

static struct peer_words words_of(const struct link *link)
{
    struct peer_words words = { "?", "?" };
    (void)text_to_z(link_peer_address(link), words.address, sizeof words.address);
    (void)text_to_z(text_slice(link_peer(link), 0, sizeof words.name - 1), words.name,
                    sizeof words.name);
    return words;
}

void traffic_log_received(struct outbound *server, const struct link *link, const struct msg *msg)
{
    const struct log *log = &server->app->log;
    if (!log_wants(log, EVENT_MESSAGE_RECEIVED.level)) return;
    struct peer_words peer = words_of(link);
    LOG_MESSAGE_RECEIVED(log, msg->name, peer.address, peer.name);
}

void traffic_log_sent(struct outbound *server, const struct link *link, const struct msg *msg)
{
    const struct log *log = &server->app->log;
    if (!log_wants(log, EVENT_EVENT_SENT.level)) return;
    struct peer_words peer = words_of(link);
    LOG_EVENT_SENT(log, msg->name, peer.address, peer.name);
}
