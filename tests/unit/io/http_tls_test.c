/* SPDX-License-Identifier: Apache-2.0 */
/* The client's TLS against `openssl s_server`: whom it trusts, and the way through a proxy. Skipped
 * where the openssl command is missing. */
#include "io/http/client.h"

#include "tests/unit/test.h"

#include "base/buf.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

struct world {
    struct scope *scope;
    struct loop *loop;
    struct net *net;
    struct http_client *client;
    char folder[64], certificate[96], key[96];
    unsigned port;
    pid_t server;
    /* the tunnelling proxy */
    struct stream *near, *far;
    struct buf seen; /* what the client said to it */
    bool is_open;
    /* the last call */
    bool is_done;
    enum http_failure failure;
    unsigned status;
};

/* A program with its arguments, split at blanks; its output is dropped. */
static pid_t start(const char *line)
{
    char words[512], *arguments[32], *rest = words;
    size_t count = 0;
    (void)snprintf(words, sizeof words, "%s", line);
    while (count < 31 && (arguments[count] = strsep(&rest, " ")) != NULL) count++;
    arguments[count] = NULL;
    pid_t pid = fork();
    if (pid != 0) return pid;
    int nothing = open("/dev/null", O_RDWR);
    for (int fd = 0; fd < 3; fd++) (void)dup2(nothing, fd);
    (void)execvp(arguments[0], arguments);
    _exit(127);
}

static bool make_certificate(struct world *world)
{
    char line[512];
    int status = 0;
    (void)snprintf(line, sizeof line,
                   "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes "
                   "-days 2 -subj /CN=carillon-test -addext subjectAltName=IP:127.0.0.1 "
                   "-keyout %s -out %s",
                   world->key, world->certificate);
    pid_t pid = start(line);
    return waitpid(pid, &status, 0) == pid && status == 0;
}

static unsigned free_port(void)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    CHECK(bind(fd, (struct sockaddr *)&at, len) == 0);
    CHECK(getsockname(fd, (struct sockaddr *)&at, &len) == 0);
    (void)close(fd);
    return ntohs(at.sin_port);
}

static bool is_listening(unsigned port)
{
    struct sockaddr_in at = { .sin_family = AF_INET,
                              .sin_port = htons((uint16_t)port),
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    bool is = connect(fd, (struct sockaddr *)&at, sizeof at) == 0;
    (void)close(fd);
    return is;
}

/* `version`: "-tls1_2" or what else s_server can speak. */
static void serve(struct world *world, const char *version)
{
    char line[512];
    world->port = free_port();
    (void)snprintf(line, sizeof line,
                   "openssl s_server -accept 127.0.0.1:%u -cert %s -key %s -www -quiet "
                   "-cipher ALL:@SECLEVEL=0 %s",
                   world->port, world->certificate, world->key, version);
    world->server = start(line);
    for (int i = 0; i < 200 && !is_listening(world->port); i++) (void)usleep(10000);
}

static struct world *world_new(const char *version)
{
    struct scope *scope = scope_new(NULL, "test", SCOPE_NO_LIMIT);
    struct world *world = scope_alloc(scope, sizeof *world);
    const char *temporary = getenv("TMPDIR");
    world->scope = scope;
    (void)snprintf(world->folder, sizeof world->folder, "%.40s/tls-XXXXXX",
                   temporary ? temporary : "/tmp");
    CHECK(mkdtemp(world->folder) != NULL);
    (void)snprintf(world->certificate, sizeof world->certificate, "%s/cert.pem", world->folder);
    (void)snprintf(world->key, sizeof world->key, "%s/key.pem", world->folder);
    if (!make_certificate(world)) {
        (void)rmdir(world->folder);
        scope_close(scope);
        return NULL;
    }
    serve(world, version);
    world->loop = loop_new(scope);
    world->net = net_new(scope, world->loop);
    world->client = http_client_new(scope, world->net, 2);
    return world;
}

static void world_close(struct world *world)
{
    (void)kill(world->server, SIGTERM);
    (void)waitpid(world->server, NULL, 0);
    (void)unlink(world->certificate);
    (void)unlink(world->key);
    (void)rmdir(world->folder);
    buf_free(&world->seen);
    scope_close(world->scope);
}

static void on_done(void *self, const struct http_result *result)
{
    struct world *world = self;
    world->is_done = true;
    world->failure = result->failure;
    world->status = result->status;
    loop_stop(world->loop);
}

/* The failure of a GET, with its status in world->status. */
static enum http_failure get(struct world *world, const char *host, struct text proxy)
{
    char url[64];
    (void)snprintf(url, sizeof url, "https://%s:%u/secret", host, world->port);
    struct http_call call = {
        .method = TEXT("GET"), .url = text_of(url), .timeout_ms = 3000, .proxy = proxy
    };
    world->is_done = false;
    (void)http_client_send(world->client, &call, on_done, world);
    loop_run_for(world->loop, 5000);
    CHECK(world->is_done);
    return world->failure;
}

#define WORLD_OR_SKIP(world, version)                                                              \
    struct world *world = world_new(version);                                                      \
    if (world == NULL) {                                                                           \
        skip();                                                                                    \
        return;                                                                                    \
    }

TEST(a_certificate_of_nobody_known_is_a_connect_failure)
{
    WORLD_OR_SKIP(world, "-tls1_2");
    CHECK_U32(get(world, "127.0.0.1", TEXT("")), HTTP_FAILURE_CONNECT);
    http_client_trust(world->client, text_of(world->certificate));
    CHECK_U32(get(world, "127.0.0.1", TEXT("")), HTTP_FAILURE_NONE);
    CHECK_U32(world->status, 200);
    world_close(world);
}

TEST(a_certificate_for_another_name_is_a_connect_failure)
{
    WORLD_OR_SKIP(world, "-tls1_3");
    http_client_trust(world->client, text_of(world->certificate));
    CHECK_U32(get(world, "localhost", TEXT("")), HTTP_FAILURE_CONNECT);
    CHECK_U32(get(world, "127.0.0.1", TEXT("")), HTTP_FAILURE_NONE);
    world_close(world);
}

TEST(tls_1_1_is_a_connect_failure) /* outbound 12.1 */
{
    WORLD_OR_SKIP(world, "-tls1_1");
    http_client_trust(world->client, text_of(world->certificate));
    CHECK_U32(get(world, "127.0.0.1", TEXT("")), HTTP_FAILURE_CONNECT);
    world_close(world);
}

/* --- a proxy that tunnels --- */

static void on_far_open(void *self)
{
    struct world *world = self;
    stream_write(world->near, TEXT("HTTP/1.1 200 Connection established\r\n\r\n"));
    world->is_open = true;
}

static void on_far_bytes(void *self, struct text bytes)
{
    struct world *world = self;
    stream_write(world->near, bytes);
}

static void on_end(void *self, enum err why)
{
    (void)self;
    (void)why;
}

static void on_near_bytes(void *self, struct text bytes)
{
    static const struct stream_handler far = { .on_open = on_far_open,
                                               .on_bytes = on_far_bytes,
                                               .on_closed = on_end };
    struct world *world = self;
    char address[32];
    buf_add(&world->seen, bytes);
    if (world->is_open) {
        stream_write(world->far, bytes);
        return;
    }
    (void)snprintf(address, sizeof address, "127.0.0.1:%u", world->port);
    world->far = stream_connect(world->scope, world->net, text_of(address), &far, world);
}

static void on_near(void *self, struct stream *stream)
{
    static const struct stream_handler near = { .on_bytes = on_near_bytes, .on_closed = on_end };
    struct world *world = self;
    world->near = stream;
    stream_adopt(world->scope, stream, &near, world);
}

static bool saw(const struct world *world, const char *words)
{
    return memmem(world->seen.at, world->seen.len, words, strlen(words)) != NULL;
}

TEST(through_a_proxy_the_request_is_inside_the_tunnel) /* outbound 21, 37 */
{
    WORLD_OR_SKIP(world, "-tls1_3");
    struct listener *listener;
    char proxy[32], first[64];
    http_client_trust(world->client, text_of(world->certificate));
    CHECK_OK(listener_open(world->scope, world->net, TEXT("127.0.0.1:0"), NULL, on_near, world,
                           &listener, NULL));
    (void)snprintf(proxy, sizeof proxy, "127.0.0.1:%u", (unsigned)listener_port(listener));
    (void)snprintf(first, sizeof first, "CONNECT 127.0.0.1:%u HTTP/1.1\r\n", world->port);
    CHECK_U32(get(world, "127.0.0.1", text_of(proxy)), HTTP_FAILURE_NONE);
    CHECK_U32(world->status, 200);
    CHECK(text_starts(buf_text(&world->seen), text_of(first)));
    CHECK(!saw(world, "/secret") && !saw(world, "GET "));
    world_close(world);
}
