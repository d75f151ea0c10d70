/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/outbound/request.h"

#include "gen/events.h"
#include "servers/outbound/desktop.h"
#include "servers/outbound/idempotency.h"
#include "servers/outbound/request_log.h"
#include "servers/outbound/traffic_log.h"

#include <stdio.h>

enum { REQUEST_BYTES_MAX = 8 * 1024 * 1024 };

struct request *request_new(struct outbound *server, const struct msg *msg,
                            const struct request_edge *edge)
{
    struct scope *life = scope_new(server->app->life, "request", REQUEST_BYTES_MAX);
    struct request *request = scope_alloc(life, sizeof *request);
    *request = (struct request){
        .life = life,
        .server = server,
        .msg = msg,
        .edge = edge,
        .arrived_mono_ms = loop_now_mono_ms(server->app->loop),
    };
    return request;
}

void request_run(struct request *request)
{
    if (!request->is_shown)
        traffic_log_fields(request->server, "asked", request->msg, request->fields);
    request->is_shown = true;
    void (*run)(struct request * request) = desktop_find(request->msg);
    if (run == NULL) {
        request_refuse(request, OUTBOUND_UNKNOWN_REQUEST, "req: %s is not offered",
                       request->msg->name);
        return;
    }
    run(request);
}

void request_reply(struct request *request, const struct msg *msg, const void *fields,
                   struct text etag)
{
    if (idempotency_holds(request, msg, fields, etag)) return;
    request_log_end(request, 0);
    traffic_log_fields(request->server, "answered", msg, fields);
    request->edge->reply(request, msg, fields, etag);
    idempotency_end(request, false);
    scope_close(request->life);
}

void request_refuse_with(struct request *request, const struct refusal *refusal)
{
    LOG_REQUEST_REFUSED(&request->server->app->log, request->msg->name, (int)refusal->error,
                        refusal->words);
    request->server->counters.requests_refused_total++;
    request_log_end(request, (uint32_t)refusal->error);
    request->edge->refuse(request, refusal);
    idempotency_end(request, true);
    scope_close(request->life);
}

void request_refuse(struct request *request, enum outbound_error error, const char *format, ...)
{
    struct refusal refusal = { .error = error };
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(refusal.words, sizeof refusal.words, format, arguments);
    va_end(arguments);
    request_refuse_with(request, &refusal);
}
