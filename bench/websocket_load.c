/* SPDX-License-Identifier: Apache-2.0 */
/* websocket_load - WebSocket clients for an echo server, ours (websocket_bench) or another's:
 *     websocket_load PORT CONNECTIONS BYTES SECONDS
 * Each connection waits for the server's greeting, then has one message of BYTES (at most 125)
 * under way at a time. SECONDS 0: all stay idle until standard input ends. Prints one JSON line:
 * once all are greeted if they are to be idle, else at the end. Bare sockets: none of the layer
 * that is measured is part of the load. */
#include "bench/measure.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum { CONNECTIONS_MAX = 20000, BYTES_MAX = 125, HEAD_BYTES = 6, READ_BYTES = 4096, EVENTS = 256 };

struct peer {
    int socket;
    bool is_upgraded, is_greeted;
    size_t seen; /* of the answer's head: how much of its end has come */
    size_t left; /* of the frame that is coming */
};

struct load {
    int epoll;
    struct peer *peers;
    size_t count, greeted;
    unsigned char frame[HEAD_BYTES + BYTES_MAX];
    size_t frame_bytes;
    uint64_t echoed;
};

static void must(bool is_good, const char *what)
{
    if (is_good) return;
    (void)fprintf(stderr, "websocket_load: %s: %s\n", what, strerror(errno));
    exit(1);
}

/* RFC 6455 5.3: clients mask; the same mask each time, as nobody reads it on the way. */
static void make_frame(struct load *load, size_t bytes)
{
    static const unsigned char mask[4] = { 0x11, 0x22, 0x33, 0x44 };
    load->frame[0] = 0x81;
    load->frame[1] = (unsigned char)(0x80 | bytes);
    memcpy(load->frame + 2, mask, sizeof mask);
    for (size_t i = 0; i < bytes; i++)
        load->frame[HEAD_BYTES + i] = (unsigned char)('x' ^ mask[i % 4]);
    load->frame_bytes = HEAD_BYTES + bytes;
}

static void say(const struct load *load, const struct peer *peer)
{
    ssize_t sent = write(peer->socket, load->frame, load->frame_bytes);
    must(sent == (ssize_t)load->frame_bytes, "write");
}

static void on_frame(struct load *load, struct peer *peer)
{
    if (!peer->is_greeted) {
        peer->is_greeted = true;
        load->greeted++;
        return;
    }
    load->echoed++;
    say(load, peer);
}

static size_t skip_head(struct peer *peer, const unsigned char *bytes, size_t len)
{
    static const char end[] = "\r\n\r\n";
    for (size_t at = 0; at < len; at++) {
        peer->seen = bytes[at] == end[peer->seen] ? peer->seen + 1 : bytes[at] == '\r';
        if (peer->seen < 4) continue;
        peer->is_upgraded = true;
        return at + 1;
    }
    return len;
}

/* Frames are short and come whole, or their rest with the next read; a head is never cut in two,
 * since servers write a frame with one call and nothing else is under way. */
static void on_bytes(struct load *load, struct peer *peer, const unsigned char *bytes, size_t len)
{
    size_t at = 0;
    if (!peer->is_upgraded) at = skip_head(peer, bytes, len);
    while (at < len) {
        if (peer->left == 0) {
            must(len - at >= 2 && bytes[at] == 0x81 && bytes[at + 1] <= BYTES_MAX, "frame");
            peer->left = bytes[at + 1];
            at += 2;
        }
        size_t taken = len - at < peer->left ? len - at : peer->left;
        at += taken;
        peer->left -= taken;
        if (peer->left == 0) on_frame(load, peer);
    }
}

static void connect_peer(struct load *load, struct peer *peer, uint16_t port)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(port) };
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    char ask[256];
    int on = 1;
    peer->socket = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    must(peer->socket >= 0, "socket");
    must(connect(peer->socket, (struct sockaddr *)&address, sizeof address) == 0, "connect");
    (void)setsockopt(peer->socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    int len = snprintf(ask, sizeof ask,
                       "GET / HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nUpgrade: websocket\r\n"
                       "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                       "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
                       (unsigned)port);
    must(write(peer->socket, ask, (size_t)len) == len, "write");
    struct epoll_event event = { .events = EPOLLIN, .data.ptr = peer };
    must(epoll_ctl(load->epoll, EPOLL_CTL_ADD, peer->socket, &event) == 0, "epoll_ctl");
}

static void take_events(struct load *load, int timeout_ms)
{
    struct epoll_event events[EVENTS];
    unsigned char bytes[READ_BYTES];
    int count = epoll_wait(load->epoll, events, EVENTS, timeout_ms);
    for (int i = 0; i < count; i++) {
        struct peer *peer = events[i].data.ptr;
        ssize_t len = read(peer->socket, bytes, sizeof bytes);
        must(len > 0, "a connection was lost");
        on_bytes(load, peer, bytes, (size_t)len);
    }
}

static void greet_all(struct load *load, uint16_t port)
{
    for (size_t i = 0; i < load->count; i++) {
        connect_peer(load, &load->peers[i], port);
        while (i + 1 - load->greeted > 100) take_events(load, 1000); /* spare short backlogs */
    }
    while (load->greeted < load->count) take_events(load, 1000);
}

static void echo(struct load *load, double wanted_s)
{
    for (size_t i = 0; i < load->count; i++) say(load, &load->peers[i]);
    double began_s = measure_wall_s(), cpu_s = measure_cpu_s(), took_s;
    uint64_t echoed = load->echoed;
    do {
        take_events(load, 100);
        took_s = measure_wall_s() - began_s;
    } while (took_s < wanted_s);
    (void)printf("{\"operations\":%llu,\"wall_s\":%.4f,\"load_cpu_s\":%.4f}\n",
                 (unsigned long long)(load->echoed - echoed), took_s, measure_cpu_s() - cpu_s);
}

int main(int count, char **arguments)
{
    struct load load = { .epoll = epoll_create1(EPOLL_CLOEXEC) };
    struct rlimit files;
    long numbers[4];
    for (int i = 0; i < 4; i++) {
        char *end = NULL;
        numbers[i] = count == 5 ? strtol(arguments[i + 1], &end, 10) : -1;
        if (numbers[i] < 0 || *end != '\0') numbers[0] = -1;
    }
    if (numbers[0] < 1 || numbers[0] > UINT16_MAX || numbers[1] > CONNECTIONS_MAX ||
        numbers[2] > BYTES_MAX) {
        (void)fprintf(stderr, "usage: websocket_load PORT CONNECTIONS BYTES SECONDS\n");
        return 2;
    }
    (void)getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &files);
    load.count = (size_t)numbers[1];
    load.peers = calloc(load.count, sizeof *load.peers);
    must(load.peers != NULL && load.epoll >= 0, "setting up");
    make_frame(&load, (size_t)numbers[2]);
    greet_all(&load, (uint16_t)numbers[0]);
    if (numbers[3] > 0) {
        echo(&load, (double)numbers[3]);
    } else {
        (void)printf("{\"greeted\":%zu}\n", load.greeted);
        (void)fflush(stdout);
        while (getchar() != EOF) continue;
    }
    return 0;
}
