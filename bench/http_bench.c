/* SPDX-License-Identifier: Apache-2.0 */
/* http_bench - the bare HTTP layer, for wrk: http_bench PORT (0: any; the port is printed).
 *   GET  /constant  a fixed answer, what nginx is asked for beside it
 *   GET  /json      an answer of the same size, written anew each time
 *   POST /json      the same, after the request's JSON was read */
#include "format/json.h"
#include "io/http/server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct http_header json_type[] = {
    { { "Content-Type", 12 }, { "application/json; charset=utf-8", 31 } },
};
static const struct http_headers headers = { json_type, 1 };

struct bench {
    struct buf constant, answer;
    uint64_t handle;
};

/* Shaped like RecordProcessedAcknowledge (spec outbound 14.3); handles keep one width. */
static void write_answer(struct bench *bench, struct text campaign)
{
    buf_clear(&bench->answer);
    struct json_writer json = json_writer(&bench->answer);
    json_begin_object(&json);
    json_put_name(&json, TEXT("GSW_USER_EVENT"));
    json_put_text(&json, TEXT("RecordProcessedAcknowledge"));
    json_put_name(&json, TEXT("GSW_RECORD_HANDLE"));
    json_put_u64(&json, 100000 + bench->handle++ % 900000);
    json_put_name(&json, TEXT("GSW_CAMPAIGN_NAME"));
    json_put_text(&json, campaign);
    json_put_name(&json, TEXT("GSW_CALLING_LIST"));
    json_put_text(&json, TEXT("SpringList"));
    json_end_object(&json);
}

static void answer_json(struct bench *bench, struct http_exchange *exchange)
{
    const struct http_request *request = http_exchange_request(exchange);
    struct text campaign = TEXT("Spring");
    if (request->body.len > 0) {
        struct kv body;
        if (json_read_kv(request->body, http_exchange_scope(exchange), &body, NULL)) {
            http_reply(exchange, 400, NULL, TEXT(""));
            return;
        }
        const struct value *name = kv_find(&body, TEXT("GSW_CAMPAIGN_NAME"));
        if (name && name->kind == VALUE_TEXT) campaign = name->text;
    }
    write_answer(bench, campaign);
    http_reply(exchange, 200, &headers, buf_text(&bench->answer));
}

static void on_request(void *self, struct http_exchange *exchange)
{
    struct bench *bench = self;
    if (text_eq(http_exchange_request(exchange)->path, TEXT("/json")))
        answer_json(bench, exchange);
    else
        http_reply(exchange, 200, &headers, buf_text(&bench->constant));
}

int main(int count, char **arguments)
{
    struct scope *scope = scope_new(NULL, "http_bench", SCOPE_NO_LIMIT);
    struct loop *loop = loop_new(scope);
    struct net *net = net_new(scope, loop);
    struct bench *bench = scope_alloc(scope, sizeof *bench);
    struct http_server *server;
    struct fault fault;
    char address[64];
    (void)snprintf(address, sizeof address, "127.0.0.1:%s", count > 1 ? arguments[1] : "0");
    if (http_server_open(scope, net, text_of(address), NULL, on_request, bench, &server, &fault)) {
        (void)fprintf(stderr, "http_bench: %s\n", fault.words);
        return EXIT_FAILURE;
    }
    write_answer(bench, TEXT("Spring"));
    buf_add(&bench->constant, buf_text(&bench->answer));
    (void)printf("%u %zu\n", (unsigned)http_server_port(server), bench->constant.len);
    (void)fflush(stdout);
    loop_run(loop);
    return EXIT_SUCCESS;
}
