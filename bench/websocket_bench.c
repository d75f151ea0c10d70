/* SPDX-License-Identifier: Apache-2.0 */
/* websocket_bench - the bare WebSocket layer, for desktop_bench: websocket_bench PORT (0: any; the
 * port is printed). Greets each with a Welcome as `web` does; "all:..." goes to everybody, once
 * made, anything else comes back. */
#include "io/http/websocket.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

enum { CONNECTIONS_MAX = 20000 };

struct peer {
    struct list node;
    struct websocket *websocket;
};

struct bench {
    struct websocket_server *websockets;
    struct list peers;
};

static void on_message(void *self, struct websocket *websocket, struct text message)
{
    struct bench *bench = self;
    if (!text_starts(message, TEXT("all:"))) {
        (void)websocket_send_text(websocket, message);
        return;
    }
    struct websocket_frame *frame = websocket_frame_new(message);
    LIST_EACH (node, &bench->peers)
        (void)websocket_send_frame(LIST_OBJECT(node, struct peer, node)->websocket, frame);
    websocket_frame_release(frame);
}

static void on_close(void *self, struct websocket *websocket, unsigned code, struct text reason)
{
    struct bench *bench = self;
    (void)code;
    (void)reason;
    LIST_EACH (node, &bench->peers) {
        struct peer *peer = LIST_OBJECT(node, struct peer, node);
        if (peer->websocket != websocket) continue;
        list_remove(node);
        free(peer);
        return;
    }
}

static void on_request(void *self, struct http_exchange *exchange)
{
    struct bench *bench = self;
    struct websocket *websocket =
        websocket_accept(bench->websockets, exchange, TEXT(""), NULL, bench);
    if (websocket == NULL) return;
    struct peer *peer = calloc(1, sizeof *peer);
    ASSERT(peer != NULL);
    peer->websocket = websocket;
    list_add_last(&bench->peers, &peer->node);
    (void)websocket_send_text(
        websocket, TEXT("{\"message\":\"Welcome\",\"fields\":{\"session\":\"bench\",\"seq\":1}}"));
}

int main(int count, char **arguments)
{
    static const struct websocket_handler handler = { .on_message = on_message,
                                                      .on_close = on_close };
    struct scope *scope = scope_new(NULL, "websocket_bench", SCOPE_NO_LIMIT);
    struct loop *loop = loop_new(scope);
    struct net *net = net_new(scope, loop);
    struct bench *bench = scope_alloc(scope, sizeof *bench);
    struct http_server_options options = { .connections_max = CONNECTIONS_MAX };
    struct http_server *server;
    struct fault fault;
    struct rlimit files;
    char address[64];
    (void)getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &files);
    list_init(&bench->peers);
    bench->websockets = websocket_server_new(scope, loop, NULL, &handler);
    (void)snprintf(address, sizeof address, "127.0.0.1:%s", count > 1 ? arguments[1] : "0");
    if (http_server_open(scope, net, text_of(address), &options, on_request, bench, &server,
                         &fault)) {
        (void)fprintf(stderr, "websocket_bench: %s\n", fault.words);
        return EXIT_FAILURE;
    }
    (void)printf("%u\n", (unsigned)http_server_port(server));
    (void)fflush(stdout);
    loop_run(loop);
    return EXIT_SUCCESS;
}
