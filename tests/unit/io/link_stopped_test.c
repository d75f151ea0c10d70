/* SPDX-License-Identifier: Apache-2.0 */
/* Framework 17, F18, for real: another process, a Unix socket, SIGSTOP, and nine seconds. */
#include "tests/unit/test.h"

#include "base/buf.h"
#include "io/link/link.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct link_handler no_handlers[] = { { 0 } };

static bool wants(void *self, enum log_level level)
{
    (void)self;
    return level >= LOG_TRACE;
}

/* --- the peer ----------------------------------------------------------------------------------
 */

static void write_to_fd(void *self, const struct log_event *event, struct text context,
                        struct text line)
{
    char text[400];
    (void)context;
    int len = snprintf(text, sizeof text, "%s %.*s\n", event->id, TEXT_ARG(line));
    (void)!write(*(int *)self, text, (size_t)len);
}

static struct link_identity identity(const char *name)
{
    return (struct link_identity){ .application = text_of(name),
                                   .secret = TEXT("0123456789abcdef0123456789abcdef"),
                                   .secret_is_master = true };
}

/* Ends when it is killed; the limit is for a test that was. */
static void be_the_peer(struct text address, int log_fd)
{
    struct scope *life = scope_new(NULL, "peer", SCOPE_NO_LIMIT);
    struct loop *loop = loop_new(life);
    struct log_sink sink = { wants, write_to_fd, &log_fd };
    struct log log = { .sink = &sink };
    struct link_identity config = identity("config");
    struct link_server *server;
    if (link_listen(life, net_new(life, loop), &log, address, &config, NULL, no_handlers, NULL,
                    NULL, &server, NULL) == ERR_OK)
        loop_run_for(loop, 30000);
    _exit(0);
}

/* --- our side ----------------------------------------------------------------------------------
 */

struct side {
    struct loop *loop;
    struct buf lines;
    struct log_sink sink;
    struct log log;
    struct link *link;
    uint64_t down_ms;
    enum err why;
};

static void write_to_buf(void *self, const struct log_event *event, struct text context,
                         struct text line)
{
    (void)context;
    buf_format(self, "%s %.*s\n", event->id, TEXT_ARG(line));
}

static void on_down(void *self, struct link *link, enum err why)
{
    struct side *side = self;
    (void)link;
    if (side->down_ms == 0) side->down_ms = loop_now_mono_ms(side->loop);
    side->why = why;
}

static const struct link_life hooks = { .on_down = on_down };

static bool has(struct text in, const char *words)
{
    struct text wanted = text_of(words);
    for (size_t at = 0; at + wanted.len <= in.len; at++)
        if (text_starts(text_slice(in, at, wanted.len), wanted)) return true;
    return false;
}

static void connect_side(struct side *side, struct scope *life, struct net *net,
                         struct text address, bool is_traced)
{
    const struct link_options options = { .addp_local_ms = 3000,
                                          .addp_remote_ms = 5000,
                                          .addp_trace_local = is_traced,
                                          .addp_trace_remote = is_traced };
    struct link_identity tool = identity(is_traced ? "traced" : "quiet");
    side->loop = net_loop(net);
    side->sink = (struct log_sink){ wants, write_to_buf, &side->lines };
    side->log = (struct log){ .sink = &side->sink };
    side->link = link_connect(life, net, &side->log, address, TEXT("config"), &tool, &options,
                              no_handlers, &hooks, side);
}

TEST(F18_a_peer_that_stands_still_is_reported_within_six_seconds)
{
    char folder[] = "/tmp/carillon-link-XXXXXX", address_z[80], log_path[80], log[4096];
    CHECK(mkdtemp(folder) != NULL);
    snprintf(address_z, sizeof address_z, "unix:%s/s", folder);
    snprintf(log_path, sizeof log_path, "%s/log", folder);
    struct text address = text_of(address_z);
    int log_fd = open(log_path, O_CREAT | O_RDWR | O_APPEND | O_CLOEXEC, 0600);
    CHECK(log_fd >= 0);
    pid_t peer = fork();
    if (peer == 0) be_the_peer(address, log_fd);
    CHECK(peer > 0);

    struct scope *life = scope_new(NULL, "test", SCOPE_NO_LIMIT);
    struct loop *loop = loop_new(life);
    struct net *net = net_new(life, loop);
    struct side traced = { 0 }, quiet = { 0 };
    connect_side(&traced, life, net, address, true);
    connect_side(&quiet, life, net, address, false);
    for (int i = 0; i < 50 && !(link_is_up(traced.link) && link_is_up(quiet.link)); i++)
        loop_run_for(loop, 100);
    CHECK(link_is_up(traced.link));
    loop_run_for(loop, 3300); /* one poll and its answer */
    CHECK(kill(peer, SIGSTOP) == 0);
    uint64_t stopped_ms = loop_now_mono_ms(loop);
    loop_run_for(loop, 6000);

    CHECK(traced.down_ms > 0);
    CHECK(traced.down_ms - stopped_ms <= 6000);
    CHECK_I64(traced.why, ERR_TIMEOUT);
    CHECK(quiet.down_ms > 0);
    CHECK(has(buf_text(&traced.lines), "00-04504"));
    CHECK(has(buf_text(&traced.lines), "poll sent"));
    CHECK(!has(buf_text(&quiet.lines), "poll"));
    ssize_t got = pread(log_fd, log, sizeof log, 0);
    CHECK(got > 0);
    struct text peers = { log, (size_t)got };
    CHECK(has(peers, "poll received, peer traced"));
    CHECK(!has(peers, "peer quiet"));

    CHECK(kill(peer, SIGKILL) == 0);
    CHECK(waitpid(peer, NULL, 0) == peer);
    buf_free(&traced.lines);
    buf_free(&quiet.lines);
    scope_close(life);
    (void)close(log_fd);
    (void)unlink(log_path);
    snprintf(log_path, sizeof log_path, "%s/s", folder);
    (void)unlink(log_path);
    (void)rmdir(folder);
}
