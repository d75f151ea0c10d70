/* SPDX-License-Identifier: Apache-2.0 */
/* desktop_bench - thousands of desktops in one process, told what to do line by line:
 *   desktop_bench ADDRESS TOKENS     TOKENS: a file, a bearer token a line, taken in turn
 * Its standard input is a socket; each command is answered by one line of JSON on standard output.
 *   open N        N more desktops connect at once; answered when each has its Welcome
 *   drop N        N of the open ones break, without a word
 *   reopen        all that broke connect again at once, resuming their sessions
 *   expect N TEXT answered when N desktops have had a frame with TEXT in it, from now or the next
 *                 "send" on
 *   send I TEXT   desktop I sends TEXT; not answered
 *   count         what is open, and what was heard so far
 * Who hears 503 comes again after its Retry-After, as desktops do; "gone" are those that the server
 * ended. Times are from the command, in ms: half of them, 99 of 100, the last. */
#include "bench/measure.h"

#include "base/buf.h"
#include "io/http/websocket_input.h"
#include "io/net/net.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

enum { DESKTOPS_MAX = 20000, TOKENS_MAX = 20000, RETRIES_MAX = 200 };

enum state { STATE_NONE, STATE_ASKING, STATE_GREETED, STATE_BROKEN, STATE_WAITING };

struct desktop {
    struct bench *bench;
    struct scope *life;
    struct stream *stream;
    struct timer *again;
    struct buf in;
    enum state state;
    bool is_upgraded, is_expecting;
    unsigned refusals;
    char session[64];
    uint64_t seq;
};

struct bench {
    struct scope *scope;
    struct loop *loop;
    struct net *net;
    struct text address;
    struct text *tokens;
    size_t token_count;
    struct desktop *desktops;
    size_t count;
    struct buf commands;
    double began_ms, sent_ms;
    double *times; /* of what is awaited */
    size_t time_count, awaited;
    char needle[256];
    uint64_t frames, bytes, refused, gone, pings, resumed;
};

static double now_ms(void)
{
    return measure_wall_s() * 1000;
}

/* --- answers --- */

static int compare_times(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;
    return left < right ? -1 : left > right;
}

static void answer(struct bench *bench, size_t done)
{
    double *times = bench->times;
    size_t count = bench->time_count;
    qsort(times, count, sizeof *times, compare_times);
    (void)printf("{\"done\":%zu,\"half_ms\":%.1f,\"p99_ms\":%.1f,\"last_ms\":%.1f,"
                 "\"refused\":%llu,\"gone\":%llu,\"resumed\":%llu}\n",
                 done, count ? times[count / 2] : 0, count ? times[count * 99 / 100] : 0,
                 count ? times[count - 1] : 0, (unsigned long long)bench->refused,
                 (unsigned long long)bench->gone, (unsigned long long)bench->resumed);
    (void)fflush(stdout);
    bench->awaited = 0;
}

static void await(struct bench *bench, size_t count)
{
    bench->awaited = count;
    if (bench->time_count >= count) answer(bench, bench->time_count);
}

static void note_time(struct bench *bench, double since_ms)
{
    bench->times[bench->time_count++] = now_ms() - since_ms;
    if (bench->awaited > 0 && bench->time_count == bench->awaited) answer(bench, bench->time_count);
}

/* --- one desktop --- */

static void desktop_connect(void *self);

static void desktop_break(struct desktop *desktop, enum state state)
{
    scope_close(desktop->life); /* its stream with it */
    desktop->life = NULL;
    desktop->is_upgraded = false;
    buf_free(&desktop->in);
    desktop->state = state;
}

static void try_again(struct desktop *desktop, uint64_t after_ms)
{
    desktop_break(desktop, STATE_WAITING);
    ASSERT(++desktop->refusals < RETRIES_MAX);
    uint64_t jitter_ms = random_below(loop_random(desktop->bench->loop), 500);
    timer_start(desktop->again, after_ms + jitter_ms);
}

static void send_frame(struct desktop *desktop, enum websocket_opcode opcode, struct text payload)
{
    uint8_t head[WEBSOCKET_HEAD_BYTES_MAX];
    size_t len = websocket_frame_head(opcode, payload.len, head);
    head[1] |= 0x80;
    stream_write(desktop->stream, (struct text){ (const char *)head, len });
    stream_write(desktop->stream, (struct text){ "\0\0\0\0", 4 });
    stream_write(desktop->stream, payload);
}

static bool find(struct text in, const char *words, struct text *behind)
{
    const char *at = memmem(in.at, in.len, words, strlen(words));
    if (at == NULL) return false;
    size_t from = (size_t)(at - in.at) + strlen(words);
    *behind = text_slice(in, from, in.len);
    return true;
}

static uint64_t number_behind(struct text in, const char *words)
{
    struct text rest;
    uint64_t value = 0;
    if (!find(in, words, &rest)) return 0;
    for (size_t i = 0; i < rest.len && rest.at[i] >= '0' && rest.at[i] <= '9'; i++)
        value = value * 10 + (uint64_t)(rest.at[i] - '0');
    return value;
}

static void on_welcome(struct desktop *desktop, struct text message)
{
    struct text rest, session;
    desktop->state = STATE_GREETED;
    if (find(message, "\"session\":\"", &rest) && text_cut(rest, '"', &session, &rest))
        (void)text_to_z(session, desktop->session, sizeof desktop->session);
    if (find(message, "\"resumed\":true", &rest)) desktop->bench->resumed++;
    note_time(desktop->bench, desktop->bench->began_ms);
}

static void on_message(struct desktop *desktop, struct text message)
{
    struct bench *bench = desktop->bench;
    struct text rest;
    uint64_t seq = number_behind(message, "\"seq\":");
    if (seq) desktop->seq = seq;
    bench->frames++;
    if (desktop->state == STATE_ASKING) {
        on_welcome(desktop, message);
        return;
    }
    if (!desktop->is_expecting || !bench->needle[0] || !find(message, bench->needle, &rest)) return;
    desktop->is_expecting = false;
    note_time(bench, bench->sent_ms);
}

/* One frame off the front; false: it is not whole yet. */
static bool take_frame(struct desktop *desktop)
{
    struct text in = buf_text(&desktop->in);
    if (in.len < 2) return false;
    size_t len = (uint8_t)in.at[1], head = len == 126 ? 4 : len == 127 ? 10 : 2;
    if (in.len < head) return false;
    if (head > 2) len = 0;
    for (size_t i = 2; i < head; i++) len = len << 8 | (uint8_t)in.at[i];
    if (in.len < head + len) return false;
    struct text payload = text_slice(in, head, len);
    unsigned opcode = (uint8_t)in.at[0] & 0x0f;
    if (opcode == WEBSOCKET_TEXT) on_message(desktop, payload);
    if (opcode == WEBSOCKET_PING) {
        desktop->bench->pings++;
        send_frame(desktop, WEBSOCKET_PONG, payload);
    }
    buf_drop_front(&desktop->in, head + len);
    return true;
}

/* False: it was not let in, and has gone. */
static bool take_head(struct desktop *desktop)
{
    struct text in = buf_text(&desktop->in), behind;
    if (!find(in, "\r\n\r\n", &behind)) return true;
    if (!text_starts(in, TEXT("HTTP/1.1 101 "))) {
        desktop->bench->refused++;
        uint64_t after_s = number_behind(in, "Retry-After: ");
        if (!text_starts(in, TEXT("HTTP/1.1 503 "))) {
            (void)fprintf(stderr, "desktop_bench: %.*s\n", TEXT_ARG(text_slice(in, 0, 300)));
            exit(EXIT_FAILURE);
        }
        try_again(desktop, after_s * 1000);
        return false;
    }
    desktop->is_upgraded = true;
    buf_drop_front(&desktop->in, in.len - behind.len);
    return true;
}

static void on_bytes(void *self, struct text bytes)
{
    struct desktop *desktop = self;
    desktop->bench->bytes += bytes.len;
    buf_add(&desktop->in, bytes);
    if (!desktop->is_upgraded && !take_head(desktop)) return;
    if (!desktop->is_upgraded) return;
    while (take_frame(desktop)) continue;
    if (desktop->in.len == 0) buf_free(&desktop->in);
}

static void on_closed(void *self, enum err why)
{
    struct desktop *desktop = self;
    (void)why;
    if (desktop->state == STATE_GREETED) {
        desktop->bench->gone++;
        desktop_break(desktop, STATE_BROKEN);
    } else {
        desktop->bench->refused++;
        try_again(desktop, 500);
    }
}

static void desktop_connect(void *self)
{
    static const struct stream_handler handler = { .on_bytes = on_bytes, .on_closed = on_closed };
    struct desktop *desktop = self;
    struct bench *bench = desktop->bench;
    size_t index = (size_t)(desktop - bench->desktops);
    struct buf head = { 0 };
    desktop->life = scope_new(bench->scope, "desktop", SCOPE_NO_LIMIT);
    desktop->state = STATE_ASKING;
    desktop->stream = stream_connect(desktop->life, bench->net, bench->address, &handler, desktop);
    buf_add(&head, TEXT("GET /desktop"));
    if (desktop->session[0])
        buf_format(&head, "?session=%s&seq=%llu", desktop->session,
                   (unsigned long long)desktop->seq);
    buf_format(&head, " HTTP/1.1\r\nHost: %.*s\r\n", TEXT_ARG(bench->address));
    if (bench->token_count)
        buf_format(&head, "Authorization: Bearer %.*s\r\n",
                   TEXT_ARG(bench->tokens[index % bench->token_count]));
    buf_add(&head, TEXT("Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"));
    stream_write(desktop->stream, buf_text(&head));
    buf_free(&head);
}

/* --- commands --- */

static void begin(struct bench *bench)
{
    bench->began_ms = now_ms();
    bench->time_count = 0;
    bench->refused = bench->resumed = 0;
}

static void command_open(struct bench *bench, size_t count)
{
    begin(bench);
    for (size_t i = 0; i < count && bench->count < DESKTOPS_MAX; i++) {
        struct desktop *desktop = &bench->desktops[bench->count++];
        desktop->bench = bench;
        desktop->again = timer_new(bench->scope, bench->loop, desktop_connect, desktop);
        desktop_connect(desktop);
    }
    await(bench, count);
}

static void command_drop(struct bench *bench, size_t count)
{
    size_t dropped = 0;
    for (size_t i = 0; i < bench->count && dropped < count; i++) {
        if (bench->desktops[i].state != STATE_GREETED) continue;
        desktop_break(&bench->desktops[i], STATE_BROKEN);
        dropped++;
    }
    bench->time_count = 0;
    answer(bench, dropped);
}

static void command_reopen(struct bench *bench)
{
    size_t count = 0;
    begin(bench);
    for (size_t i = 0; i < bench->count; i++) {
        if (bench->desktops[i].state != STATE_BROKEN) continue;
        desktop_connect(&bench->desktops[i]);
        count++;
    }
    await(bench, count);
}

static void command_send(struct bench *bench, struct text rest)
{
    struct text index, message;
    uint32_t at;
    if (!text_cut(rest, ' ', &index, &message) ||
        text_to_u32(index, 0, (uint32_t)bench->count - 1, &at) ||
        bench->desktops[at].state != STATE_GREETED)
        exit(EXIT_FAILURE);
    bench->sent_ms = now_ms();
    send_frame(&bench->desktops[at], WEBSOCKET_TEXT, message);
}

static void command_expect(struct bench *bench, struct text rest)
{
    struct text number, needle;
    uint32_t count;
    if (!text_cut(rest, ' ', &number, &needle) || text_to_u32(number, 1, DESKTOPS_MAX, &count) ||
        text_to_z(needle, bench->needle, sizeof bench->needle))
        exit(EXIT_FAILURE);
    for (size_t i = 0; i < bench->count; i++) bench->desktops[i].is_expecting = true;
    bench->time_count = 0;
    bench->sent_ms = now_ms();
    bench->awaited = count;
}

static void command_count(const struct bench *bench)
{
    size_t open = 0;
    for (size_t i = 0; i < bench->count; i++) open += bench->desktops[i].state == STATE_GREETED;
    (void)printf("{\"open\":%zu,\"gone\":%llu,\"frames\":%llu,\"bytes\":%llu,\"pings\":%llu}\n",
                 open, (unsigned long long)bench->gone, (unsigned long long)bench->frames,
                 (unsigned long long)bench->bytes, (unsigned long long)bench->pings);
    (void)fflush(stdout);
}

static void run_command(struct bench *bench, struct text line)
{
    struct text verb = line, rest = TEXT("");
    uint32_t count = 0;
    (void)text_cut(line, ' ', &verb, &rest);
    (void)text_to_u32(rest, 0, DESKTOPS_MAX, &count);
    if (text_eq(verb, TEXT("open")))
        command_open(bench, count);
    else if (text_eq(verb, TEXT("drop")))
        command_drop(bench, count);
    else if (text_eq(verb, TEXT("reopen")))
        command_reopen(bench);
    else if (text_eq(verb, TEXT("send")))
        command_send(bench, rest);
    else if (text_eq(verb, TEXT("count")))
        command_count(bench);
    else if (text_eq(verb, TEXT("expect")))
        command_expect(bench, rest);
    else
        exit(EXIT_FAILURE);
}

static void on_command_bytes(void *self, struct text bytes)
{
    struct bench *bench = self;
    struct text line, rest;
    buf_add(&bench->commands, bytes);
    while (text_cut(buf_text(&bench->commands), '\n', &line, &rest)) {
        run_command(bench, line);
        buf_drop_front(&bench->commands, line.len + 1);
    }
}

static void on_commands_closed(void *self, enum err why)
{
    (void)self;
    (void)why;
    _Exit(EXIT_SUCCESS); /* whoever told us what to do has gone */
}

static void read_tokens(struct bench *bench, const char *path)
{
    char line[512];
    FILE *file = fopen(path, "r");
    bench->tokens = scope_alloc_array(bench->scope, TOKENS_MAX, sizeof *bench->tokens);
    while (file && bench->token_count < TOKENS_MAX && fgets(line, sizeof line, file))
        bench->tokens[bench->token_count++] = scope_keep(bench->scope, text_trim(text_of(line)));
    if (file) (void)fclose(file);
}

int main(int count, char **arguments)
{
    static const struct stream_handler commands = { .on_bytes = on_command_bytes,
                                                    .on_closed = on_commands_closed };
    struct scope *scope = scope_new(NULL, "desktop_bench", SCOPE_NO_LIMIT);
    struct bench *bench = scope_alloc(scope, sizeof *bench);
    struct rlimit files;
    if (count != 3) {
        (void)fprintf(stderr, "desktop_bench ADDRESS TOKENS\n");
        return EXIT_FAILURE;
    }
    (void)getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &files);
    bench->scope = scope;
    bench->loop = loop_new(scope);
    bench->net = net_new(scope, bench->loop);
    bench->address = text_of(arguments[1]);
    read_tokens(bench, arguments[2]);
    bench->desktops = scope_alloc_array(scope, DESKTOPS_MAX, sizeof *bench->desktops);
    bench->times = scope_alloc_array(scope, DESKTOPS_MAX, sizeof *bench->times);
    (void)stream_from_fd(scope, bench->net, 0, &commands, bench);
    loop_run(bench->loop);
    return EXIT_SUCCESS;
}
