/* SPDX-License-Identifier: Apache-2.0 */
/* io/net over real sockets; sim_net_test.c has the simulated world. */
#include "tests/unit/io/net_world.h"
#include "tests/unit/test.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static const char *socket_address(void)
{
    static char address[64];
    (void)snprintf(address, sizeof address, "unix:/tmp/net_test.%d", getpid());
    return address;
}

static const char *socket_path(void)
{
    return socket_address() + strlen("unix:");
}

static void echo_over(const char *at)
{
    struct world world;
    struct door door = { .manner.is_echoing = true };
    struct party caller = { .stops_at = 5 };
    world_open(&world, false, 0);
    door_open(&door, &world, at, NULL);
    bool is_unix = listener_port(door.listener) == 0;
    char address[64];
    (void)snprintf(address, sizeof address, "%.*s%u", (int)(strlen(at) - 1), at,
                   listener_port(door.listener));
    party_connect(&caller, &world, is_unix ? at : address);
    party_say(&caller, "hello"); /* before it is open: waits */
    CHECK_U32(caller.opens, 0);
    CHECK_U32(stream_unsent(caller.stream), 5);
    loop_run_for(world.loop, 2000);
    CHECK_U32(caller.opens, 1);
    CHECK_TEXT(buf_text(&caller.heard), "hello");
    CHECK_U32(door.count, 1);
    CHECK_U32(door.parties[0].opens, 0);
    CHECK_U32(stream_unsent(caller.stream), 0);
    CHECK(stream_is_loopback(caller.stream));
    CHECK(stream_is_loopback(door.parties[0].stream));
    if (is_unix)
        CHECK_TEXT(stream_peer(door.parties[0].stream), "unix");
    else
        CHECK(text_starts(stream_peer(door.parties[0].stream),
                          text_slice(text_of(at), 0, strlen(at) - 1)));
    party_end(&caller);
    world_settle(&world);
    CHECK_U32(door.parties[0].closes, 1);
    CHECK_U32(door.parties[0].why, ERR_CLOSED);
    door_end(&door);
    world_close(&world);
}

TEST(bytes_come_back_over_ipv4)
{
    echo_over("127.0.0.1:0");
}

TEST(bytes_come_back_over_ipv6)
{
    int fd = socket(AF_INET6, SOCK_STREAM, 0);
    struct sockaddr_in6 at = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
    bool has_ipv6 = fd >= 0 && bind(fd, (struct sockaddr *)&at, sizeof at) == 0;
    if (fd >= 0) (void)close(fd);
    if (!has_ipv6) skip();
    echo_over("[::1]:0");
}

TEST(bytes_come_back_over_a_unix_socket)
{
    echo_over(socket_address());
    CHECK(access(socket_path(), F_OK) < 0); /* the file went with its listener */
}

TEST(localhost_is_the_loopback_address)
{
    struct world world;
    struct door door = { .manner.is_echoing = true };
    struct party caller = { .stops_at = 2 };
    world_open(&world, false, 0);
    door_open(&door, &world, "localhost:0", NULL);
    char address[32];
    (void)snprintf(address, sizeof address, "LOCALHOST:%u", listener_port(door.listener));
    party_connect(&caller, &world, address);
    party_say(&caller, "hi");
    loop_run_for(world.loop, 2000);
    CHECK_TEXT(buf_text(&caller.heard), "hi");
    party_end(&caller);
    door_end(&door);
    world_close(&world);
}

TEST(an_address_that_is_none_is_told_later_and_a_listener_says_why)
{
    static const char *const wrong[] = { "",          "127.0.0.1",    "127.0.0.1:65536", "1.2.3:80",
                                         "::1:80",    "[::1]",        "[::1:80",         "unix:",
                                         "host.x:80", "127.0.0.1:8 ", "127.0.0.1:-1",    ":80" };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct world world;
        struct party caller = { 0 };
        struct listener *listener;
        struct fault fault;
        world_open(&world, false, 0);
        party_connect(&caller, &world, wrong[i]);
        CHECK_U32(caller.closes, 0);
        loop_run(world.loop);
        CHECK_U32(caller.closes, 1);
        CHECK_U32(caller.why, ERR_INVALID);
        CHECK_U32(listener_open(world.life, world.net, text_of(wrong[i]), NULL, NULL, NULL,
                                &listener, &fault),
                  ERR_INVALID);
        CHECK_TEXT(text_of(fault.field), "address");
        party_end(&caller);
        world_close(&world);
    }
}

TEST(a_refused_connect_is_told_once_and_later)
{
    struct world world;
    struct door door = { 0 };
    struct party tcp = { 0 }, local = { 0 };
    world_open(&world, false, 0);
    door_open(&door, &world, "127.0.0.1:0", NULL);
    listener_close(door.listener); /* nobody is at this port now */
    party_connect(&tcp, &world, door_address(&door));
    party_connect(&local, &world, socket_address());
    CHECK_U32(tcp.closes + local.closes, 0);
    loop_run(world.loop);
    CHECK_U32(tcp.closes, 1);
    CHECK_U32(tcp.why, ERR_REFUSED);
    CHECK_U32(local.closes, 1);
    CHECK_U32(local.why, ERR_REFUSED);
    CHECK_U32(tcp.opens + local.opens, 0);
    party_end(&tcp);
    party_end(&local);
    world_close(&world);
}

static void say_word_later(void *self)
{
    party_say(self, "word");
}

TEST(all_writes_of_one_turn_leave_in_one_system_call)
{
    struct world world;
    struct door door = { 0 };
    struct party caller = { 0 };
    world_open(&world, false, 0);
    door_open(&door, &world, "127.0.0.1:0", NULL);
    party_connect(&caller, &world, door_address(&door));
    world_settle(&world);
    door.parties[0].stops_at = 4000;
    for (int i = 0; i < 999; i++) party_say(&caller, "word");
    loop_soon(world.life, world.loop, say_word_later, &caller); /* of the same turn, but after us */
    CHECK_I64(net_counters(world.net)->writes, 0);
    loop_run_for(world.loop, 2000);
    CHECK_I64(net_counters(world.net)->writes, 1);
    CHECK_I64(net_counters(world.net)->bytes_out, 4000);
    CHECK_U32(door.parties[0].heard.len, 4000);
    CHECK_U32(caller.drains, 1);
    party_end(&caller);
    door_end(&door);
    world_close(&world);
}

/* Bytes that tell their place, in pieces of many sizes, some of them by stream_write(). */
static void write_pieces(struct stream *stream, const char *bytes, size_t len)
{
    static const size_t sizes[] = { 1, 100, 70000, 3, 300000, 0, 17 };
    size_t at = 0;
    for (size_t turn = 0; at < len; turn++) {
        struct text pieces[STREAM_PIECES_MAX];
        size_t count = 0;
        while (count < 1 + turn % STREAM_PIECES_MAX && at < len) {
            size_t size = sizes[(turn + count) % 7];
            pieces[count] = text_slice((struct text){ bytes, len }, at, size);
            at += pieces[count++].len;
        }
        if (turn % 5 == 4)
            for (size_t i = 0; i < count; i++) stream_write(stream, pieces[i]);
        else
            stream_write_now(stream, pieces, count);
    }
}

TEST(pieces_written_now_keep_their_order_whatever_the_system_takes)
{
    for (int is_virtual = 0; is_virtual < 2; is_virtual++) {
        struct world world;
        struct door door = { 0 };
        const size_t len = 12 * 1000 * 1000;
        struct party caller = { 0 };
        char *bytes = malloc(len);
        for (size_t i = 0; i < len; i++) bytes[i] = (char)(i * 2654435761U >> 24);
        world_open(&world, is_virtual, 1);
        door.manner.stops_at = len;
        door_open(&door, &world, "127.0.0.1:0", NULL);
        party_connect(&caller, &world, door_address(&door));
        world_settle(&world);
        CHECK_U32(caller.opens, 1);
        write_pieces(caller.stream, bytes, len);
        loop_run_for(world.loop, 5000);
        CHECK_U32(door.parties[0].heard.len, len);
        CHECK(memcmp(door.parties[0].heard.at, bytes, len) == 0);
        CHECK_U32(caller.closes, 0);
        free(bytes);
        party_end(&caller);
        door_end(&door);
        world_close(&world);
    }
}

TEST(a_slow_reader_makes_bytes_wait_and_drained_comes_when_it_has_read)
{
    struct world world;
    struct door door = { .manner.pauses_on_bytes = true };
    struct party caller = { 0 };
    enum { BIG = 32 * 1024 * 1024 };
    char *big = malloc(BIG);
    world_open(&world, false, 0);
    door_open(&door, &world, socket_address(), NULL);
    party_connect(&caller, &world, socket_address());
    for (size_t i = 0; i < BIG; i++) big[i] = (char)(i * 7 + i / 1000);
    stream_write(caller.stream, (struct text){ big, BIG });
    world_settle(&world);
    CHECK(stream_unsent(caller.stream) > BIG / 2);
    CHECK_U32(caller.drains, 0);
    CHECK_U32(door.parties[0].pieces, 1);
    door.parties[0].pauses_on_bytes = false;
    stream_resume(door.parties[0].stream);
    stream_write(caller.stream, TEXT("tail"));
    door.parties[0].stops_at = BIG + 4;
    loop_run_for(world.loop, 20000);
    loop_run_for(world.loop, 1);
    CHECK_U32(stream_unsent(caller.stream), 0);
    CHECK_U32(caller.drains, 1);
    CHECK_U32(door.parties[0].heard.len, BIG + 4);
    CHECK(memcmp(door.parties[0].heard.at, big, BIG) == 0);
    CHECK(memcmp(door.parties[0].heard.at + BIG, "tail", 4) == 0);
    free(big);
    party_end(&caller);
    door_end(&door);
    world_close(&world);
}

TEST(a_paused_stream_hears_nothing_until_it_resumes)
{
    struct world world;
    struct door door = { 0 };
    struct party caller = { 0 };
    world_open(&world, false, 0);
    door_open(&door, &world, "127.0.0.1:0", NULL);
    party_connect(&caller, &world, door_address(&door));
    world_settle(&world);
    stream_pause(door.parties[0].stream);
    party_say(&caller, "one");
    world_settle(&world);
    CHECK_U32(door.parties[0].pieces, 0);
    door.parties[0].stops_at = 3;
    stream_resume(door.parties[0].stream);
    CHECK_U32(door.parties[0].pieces, 0);
    loop_run_for(world.loop, 2000);
    CHECK_TEXT(buf_text(&door.parties[0].heard), "one");
    party_end(&caller);
    door_end(&door);
    world_close(&world);
}

TEST(our_own_close_is_silent_and_the_peer_hears_it)
{
    struct world world;
    struct door door = { .manner.closes_on_bytes = true };
    struct party caller = { .stops_on_close = true };
    world_open(&world, false, 0);
    door_open(&door, &world, "127.0.0.1:0", NULL);
    party_connect(&caller, &world, door_address(&door));
    party_say(&caller, "go");
    loop_run_for(world.loop, 2000);
    CHECK_U32(caller.closes, 1);
    CHECK_U32(caller.why, ERR_CLOSED);
    CHECK_U32(door.parties[0].closes, 0);
    party_end(&caller);
    door_end(&door);
    world_close(&world);
}

TEST(a_scope_may_close_inside_its_streams_own_callback)
{
    struct world world;
    struct door door = { .manner.closes_scope_on_bytes = true };
    struct party caller = { .stops_on_close = true };
    world_open(&world, false, 0);
    door_open(&door, &world, "127.0.0.1:0", NULL);
    party_connect(&caller, &world, door_address(&door));
    party_say(&caller, "go");
    loop_run_for(world.loop, 2000);
    CHECK_U32(caller.closes, 1);
    CHECK(door.parties[0].life == NULL);
    party_end(&caller);
    door_end(&door);
    world_close(&world);
}

TEST(finish_sends_what_waits_even_if_the_owner_goes_at_once)
{
    struct world world;
    struct door door = { 0 };
    struct party caller = { 0 };
    enum { BIG = 4 * 1024 * 1024 };
    char *big = calloc(1, BIG);
    world_open(&world, false, 0);
    door_open(&door, &world, "127.0.0.1:0", NULL);
    party_connect(&caller, &world, door_address(&door));
    world_settle(&world);
    door.parties[0].stops_on_close = true;
    party_say(&caller, "first");
    stream_write(caller.stream, (struct text){ big, BIG });
    stream_finish(caller.stream);
    party_say(&caller, "too late");
    scope_close(caller.life);
    caller.life = NULL;
    loop_run_for(world.loop, 4000);
    CHECK_U32(door.parties[0].heard.len, BIG + 5);
    CHECK_U32(door.parties[0].closes, 1);
    CHECK_U32(caller.closes + caller.drains, 0);
    world_settle(&world);
    CHECK_I64(net_counters(world.net)->streams_closed, 2); /* the lingering end went as well */
    free(big);
    party_end(&caller);
    door_end(&door);
    world_close(&world);
}

TEST(finish_with_unread_bytes_does_not_reset_the_reply_away)
{
    struct world world;
    struct door door = { .manner.finishes_on_bytes = true };
    struct party caller = { .stops_on_close = true };
    world_open(&world, false, 0);
    door_open(&door, &world, "127.0.0.1:0", NULL);
    door.manner.is_echoing = true;
    party_connect(&caller, &world, door_address(&door));
    char big[200000];
    memset(big, 'x', sizeof big);
    stream_write(caller.stream, (struct text){ big, sizeof big });
    loop_run_for(world.loop, 4000);
    CHECK(caller.heard.len > 0 && caller.heard.len == door.parties[0].heard.len);
    CHECK_U32(caller.why, ERR_CLOSED);
    party_end(&caller);
    door_end(&door);
    world_close(&world);
}

TEST(finish_of_a_paused_stream_still_notices_that_the_peer_went)
{
    struct world world;
    struct door door = { .manner.pauses_on_bytes = true };
    struct party caller = { 0 };
    world_open(&world, false, 0);
    door_open(&door, &world, "127.0.0.1:0", NULL);
    party_connect(&caller, &world, door_address(&door));
    party_say(&caller, "one");
    world_settle(&world);
    party_say(&caller, "two");
    stream_finish(door.parties[0].stream);
    world_settle(&world);
    CHECK_U32(caller.closes, 1);
    CHECK_TEXT(buf_text(&door.parties[0].heard), "one");
    CHECK_I64(net_counters(world.net)->streams_closed, 2); /* and not only after 5 s */
    party_end(&caller);
    door_end(&door);
    world_close(&world);
}

TEST(who_gets_no_owner_is_closed)
{
    struct world world;
    struct door door = { .refuses = true };
    struct party caller = { .stops_on_close = true };
    world_open(&world, false, 0);
    door_open(&door, &world, "127.0.0.1:0", NULL);
    party_connect(&caller, &world, door_address(&door));
    loop_run_for(world.loop, 2000);
    CHECK_U32(door.count, 1);
    CHECK_U32(caller.closes, 1);
    party_end(&caller);
    world_close(&world);
}

TEST(two_thousand_connections_open_and_close)
{
    struct world world;
    struct door door = { .manner.is_echoing = true };
    enum { AT_ONCE = 200, ROUNDS = 10 };
    static struct party callers[AT_ONCE];
    world_open(&world, false, 0);
    door_open(&door, &world, socket_address(), NULL);
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < AT_ONCE; i++) party_connect(&callers[i], &world, socket_address());
        for (int i = 0; i < 200 && door.count < (uint32_t)(round + 1) * AT_ONCE; i++)
            loop_run_for(world.loop, 10);
        for (int i = 0; i < AT_ONCE; i++) {
            CHECK_U32(callers[i].closes, 0);
            party_end(&callers[i]);
        }
        /* Parties beyond the eighth share a slot: an old one's end would close the newest. */
        const struct net_counters *counters = net_counters(world.net);
        for (int i = 0; i < 500 && counters->streams_closed < 2U * AT_ONCE * ((unsigned)round + 1);
             i++)
            loop_run_for(world.loop, 10);
    }
    CHECK_U32(door.count, AT_ONCE * ROUNDS);
    CHECK_I64(net_counters(world.net)->streams_accepted, AT_ONCE * ROUNDS);
    CHECK_I64(net_counters(world.net)->streams_closed, 2 * AT_ONCE * ROUNDS);
    door_end(&door);
    world_close(&world);
}

TEST(past_connections_max_new_ones_wait_in_the_backlog)
{
    struct world world;
    struct door door = { .manner.is_echoing = true };
    struct party first = { 0 }, second = { .stops_at = 4 };
    world_open(&world, false, 0);
    door_open(&door, &world, "127.0.0.1:0", &(struct listener_options){ .connections_max = 1 });
    party_connect(&first, &world, door_address(&door));
    party_connect(&second, &world, door_address(&door));
    party_say(&second, "mine");
    world_settle(&world);
    CHECK_U32(door.count, 1);
    CHECK_U32(second.closes, 0);
    party_end(&first);
    loop_run_for(world.loop, 2000);
    CHECK_U32(door.count, 2);
    CHECK_TEXT(buf_text(&second.heard), "mine");
    party_end(&second);
    door_end(&door);
    world_close(&world);
}

TEST(without_descriptors_the_listener_rests_and_serves_again)
{
    struct world world;
    struct door door = { .manner.is_echoing = true };
    struct party inside = { .stops_at = 2 }, waiting = { .stops_at = 4 };
    struct rlimit old, tight;
    int fds[256], count = 0;
    world_open(&world, false, 0);
    door_open(&door, &world, "127.0.0.1:0", NULL);
    party_connect(&inside, &world, door_address(&door));
    world_settle(&world);
    party_connect(&waiting, &world, door_address(&door)); /* takes its descriptor now */
    party_say(&waiting, "late");
    CHECK(getrlimit(RLIMIT_NOFILE, &old) == 0);
    tight = old;
    tight.rlim_cur = 128;
    CHECK(setrlimit(RLIMIT_NOFILE, &tight) == 0);
    while (count < 256 && (fds[count] = dup(0)) >= 0) count++;
    CHECK(errno == EMFILE);
    world_settle(&world);
    CHECK_U32(door.count, 1);
    CHECK(net_counters(world.net)->accept_pauses >= 1);
    CHECK(net_counters(world.net)->accept_pauses <= 3); /* rests, does not spin */
    party_say(&inside, "hi");
    world_settle(&world);
    CHECK_TEXT(buf_text(&inside.heard), "hi");
    while (count > 0) (void)close(fds[--count]);
    CHECK(setrlimit(RLIMIT_NOFILE, &old) == 0);
    loop_run_for(world.loop, 2000);
    CHECK_U32(door.count, 2);
    CHECK_TEXT(buf_text(&waiting.heard), "late");
    party_end(&inside);
    party_end(&waiting);
    door_end(&door);
    world_close(&world);
}

static enum err listen_at(struct world *world, bool take_over, struct fault *fault)
{
    struct listener *listener;
    struct listener_options options = { .take_over = take_over };
    return listener_open(world->life, world->net, text_of(socket_address()), &options, NULL, NULL,
                         &listener, fault);
}

TEST(a_dead_socket_file_is_taken_over_a_live_one_never)
{
    struct world world, other;
    struct fault fault;
    struct stat file;
    struct sockaddr_un at = { .sun_family = AF_UNIX };
    (void)snprintf(at.sun_path, sizeof at.sun_path, "%s", socket_path());
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    CHECK(bind(fd, (struct sockaddr *)&at, sizeof at) == 0);
    (void)close(fd); /* its owner died: the file stays, nobody answers */
    world_open(&world, false, 0);
    world_open(&other, false, 0);
    CHECK_U32(listen_at(&world, false, &fault), ERR_EXISTS);
    CHECK(text_find(text_of(fault.words), '/', 0) != SIZE_MAX); /* names the file */
    CHECK_OK(listen_at(&world, true, &fault));
    CHECK(stat(socket_path(), &file) == 0);
    CHECK_U32(file.st_mode & 0777, 0600);
    CHECK_U32(listen_at(&other, true, &fault), ERR_EXISTS);
    world_close(&other);
    CHECK(access(socket_path(), F_OK) == 0); /* who failed to open it does not remove it */
    world_close(&world);
    CHECK(access(socket_path(), F_OK) < 0);
}

TEST(take_over_never_removes_what_is_no_socket)
{
    struct world world;
    struct fault fault;
    int fd = open(socket_path(), O_CREAT | O_WRONLY, 0600);
    CHECK(fd >= 0);
    (void)close(fd);
    world_open(&world, false, 0);
    CHECK_U32(listen_at(&world, true, &fault), ERR_EXISTS);
    CHECK(unlink(socket_path()) == 0);
    world_close(&world);
}

TEST(a_unix_socket_tells_who_the_peer_is_and_tcp_does_not)
{
    struct world world;
    struct door local = { 0 }, tcp = { 0 };
    struct party over_local = { 0 }, over_tcp = { 0 };
    uint32_t uid, pid;
    world_open(&world, false, 0);
    door_open(&local, &world, socket_address(), NULL);
    door_open(&tcp, &world, "127.0.0.1:0", NULL);
    party_connect(&over_local, &world, socket_address());
    party_connect(&over_tcp, &world, door_address(&tcp));
    world_settle(&world);
    CHECK_OK(stream_peer_uid(local.parties[0].stream, &uid, &pid));
    CHECK_U32(uid, getuid());
    CHECK_U32(pid, getpid());
    CHECK_U32(stream_peer_uid(tcp.parties[0].stream, &uid, &pid), ERR_UNSUPPORTED);
    stream_close(over_local.stream);
    CHECK_U32(stream_peer_uid(over_local.stream, &uid, &pid), ERR_CLOSED);
    party_end(&over_local);
    party_end(&over_tcp);
    door_end(&local);
    door_end(&tcp);
    world_close(&world);
}

TEST(an_inherited_descriptor_becomes_a_stream)
{
    struct world world;
    struct party party = { .is_echoing = true }, dead = { 0 };
    int ends[2];
    char heard[4] = "";
    world_open(&world, false, 0);
    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
    party.world = dead.world = &world;
    party.life = scope_new(world.life, "party", SCOPE_NO_LIMIT);
    party.stream = stream_from_fd(party.life, world.net, ends[0], &party_handler, &party);
    CHECK(write(ends[1], "abc", 3) == 3);
    world_settle(&world);
    CHECK(read(ends[1], heard, sizeof heard) == 3);
    (void)close(ends[1]);
    world_settle(&world);
    CHECK_U32(party.closes, 1);
    int unconnected = socket(AF_UNIX, SOCK_STREAM, 0);
    dead.life = scope_new(world.life, "party", SCOPE_NO_LIMIT);
    dead.stream = stream_from_fd(dead.life, world.net, unconnected, &party_handler, &dead);
    CHECK_U32(dead.closes, 0);
    loop_run(world.loop);
    CHECK_U32(dead.closes, 1);
    party_end(&party);
    party_end(&dead);
    world_close(&world);
}

TEST(a_peer_that_resets_ends_the_stream_also_for_writers_that_do_not_read)
{
    struct world world;
    struct door door = { 0 };
    world_open(&world, false, 0);
    door_open(&door, &world, "127.0.0.1:0", NULL);
    struct sockaddr_in at = { .sin_family = AF_INET,
                              .sin_port = htons(listener_port(door.listener)),
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    CHECK(connect(fd, (struct sockaddr *)&at, sizeof at) == 0);
    world_settle(&world);
    struct party *inside = &door.parties[0];
    stream_pause(inside->stream);
    CHECK(setsockopt(fd, SOL_SOCKET, SO_LINGER, &(struct linger){ .l_onoff = 1 },
                     sizeof(struct linger)) == 0);
    (void)close(fd); /* RST */
    for (int i = 0; i < 20 && inside->closes == 0; i++) {
        party_say(inside, "anybody there?");
        loop_run_for(world.loop, 5);
    }
    CHECK_U32(inside->closes, 1);
    CHECK_U32(inside->why, ERR_CLOSED);
    door_end(&door);
    world_close(&world);
}

TEST(a_world_closes_with_everything_open_and_under_way)
{
    struct world world;
    struct door door = { .manner.pauses_on_bytes = true };
    struct party callers[6] = { 0 };
    char big[500000] = "";
    world_open(&world, false, 0);
    door_open(&door, &world, "127.0.0.1:0", NULL);
    for (int i = 0; i < 4; i++) party_connect(&callers[i], &world, door_address(&door));
    for (int i = 0; i < 4; i++) stream_write(callers[i].stream, (struct text){ big, sizeof big });
    stream_finish(callers[3].stream);
    world_settle(&world);
    party_connect(&callers[4], &world, door_address(&door)); /* never comes to its turn */
    party_connect(&callers[5], &world, "nowhere");
    party_say(&callers[0], "unsent");
    world_close(&world);
    for (int i = 0; i < 6; i++) CHECK_U32(callers[i].closes, 0);
    for (int i = 0; i < 6; i++) buf_free(&callers[i].heard);
    door_end(&door);
}
