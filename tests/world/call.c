/* SPDX-License-Identifier: Apache-2.0 */
/* One HTTP request of the people in the world: it ends once, with an answer or in doubt. */
#include "tests/world/world.h"

#include "format/json.h"

enum { ANSWER_MS = 5000 };

struct flight {
    struct scope *life;
    struct world *world;
    void (*ended)(void *self, const struct answer *answer);
    void *self;
};

static void on_done(void *self, const struct http_result *result)
{
    struct flight *flight = self;
    struct answer answer = { .status = result->status };
    /* The proxy without outbound is as unknown as a lost connection. */
    bool is_known = result->failure == HTTP_FAILURE_NONE && result->status != 503 &&
                    result->status != 504 &&
                    json_read_kv(result->body, flight->life, &answer.body, NULL) == ERR_OK;
    flight->ended(flight->self, is_known ? &answer : NULL);
    scope_close(flight->life);
}

static void send(struct world *world, const char *method, const char *url, struct text body,
                 struct text key, void (*ended)(void *self, const struct answer *answer),
                 void *self)
{
    struct scope *life = scope_new(world->life, "flight", SCOPE_NO_LIMIT);
    struct flight *flight = scope_alloc(life, sizeof *flight);
    *flight = (struct flight){ life, world, ended, self };
    struct http_header headers[] = { { TEXT("Content-Type"), TEXT("application/json") },
                                     { TEXT("Idempotency-Key"), key } };
    struct http_call call = { .method = text_of(method),
                              .url = text_of(url),
                              .headers = { headers, key.len ? 2 : 1 },
                              .body = body,
                              .timeout_ms = ANSWER_MS };
    (void)http_client_send(world->http, &call, on_done, flight);
}

void world_post(struct world *world, const char *url, struct text body, struct text key,
                void (*ended)(void *self, const struct answer *answer), void *self)
{
    send(world, "POST", url, body, key, ended, self);
}

void world_get(struct world *world, const char *url,
               void (*ended)(void *self, const struct answer *answer), void *self)
{
    send(world, "GET", url, (struct text){ 0 }, (struct text){ 0 }, ended, self);
}
