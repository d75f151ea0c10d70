/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/outbound/traffic_log.h"

#include "format/json.h"

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
