/* SPDX-License-Identifier: Apache-2.0 */
/* ingest_bench FOLDER PORT COUNT ATTRIBUTES: the whole of control in a child, its store in FOLDER;
 * this process sends it COUNT log records over a link, BATCH in a request and WINDOW requests at a
 * time, as spools do. Every record is durable when the clock stops. The child's CPU is its own.
 * Prints one JSON object. */
#include "app/app.h"
#include "bench/measure.h"
#include "gen/messages.h"
#include "gen/objects.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

extern const struct app_type APP_TYPE_CONTROL;

enum { BATCH = 500, WINDOW = 4, ATTRIBUTES_MAX = 16 };

/* --- the child ------------------------------------------------------------------------------ */

static void on_term(void *self, int number)
{
    (void)number;
    loop_stop(self);
}

static int serve(const char *folder, const char *port)
{
    char json[256];
    struct fault fault = { 0 };
    struct scope *life = scope_new(NULL, "control", SCOPE_NO_LIMIT);
    struct loop *loop = loop_new(life);
    struct app *app = app_new_for_test(life, loop, &APP_TYPE_CONTROL, TEXT("control"));
    app->data_dir = text_of(folder);
    (void)snprintf(json, sizeof json,
                   "{\"name\":\"control\",\"type\":\"SCS\",\"ports\":[{\"id\":\"default\","
                   "\"number\":%s}]}",
                   port);
    if (app_put_object(app, &OBJECT_APPLICATION, 1, 1, TEXT(""), text_of(json), &fault)) return 1;
    if (app_put_object(app, &OBJECT_ALARM_CONDITION, 1, 1, TEXT(""),
                       TEXT("{\"name\":\"Lost\",\"detectEvent\":\"00-04504\"}"), &fault))
        return 1;
    app_objects_changed(app, 1);
    if (app_begin(app, &fault)) {
        fprintf(stderr, "%s\n", fault.words);
        return 1;
    }
    loop_on_signal(life, loop, SIGTERM, on_term, loop);
    loop_run(loop);
    scope_close(life);
    return 0;
}

/* --- the sender ----------------------------------------------------------------------------- */

struct sender {
    struct loop *loop;
    struct link *link;
    uint64_t next, count, kept;
    uint32_t in_flight, refused;
    double began_s;
    struct control_log_record records[BATCH];
    struct pair pairs[ATTRIBUTES_MAX];
};

static void send_more(struct sender *sender);

static void on_kept(void *self, const struct link_error *error, const void *fields)
{
    struct sender *sender = self;
    sender->in_flight--;
    if (error) {
        fprintf(stderr, "refused: %.*s\n", TEXT_ARG(error->text));
        exit(1);
    }
    const struct control_log_kept *kept = fields;
    if (kept->up_to > sender->kept) sender->kept = kept->up_to;
    if (sender->kept >= sender->count)
        loop_stop(sender->loop);
    else
        send_more(sender);
}

static void send_more(struct sender *sender)
{
    while (sender->in_flight < WINDOW && sender->next <= sender->count) {
        uint64_t left = sender->count - sender->next + 1;
        uint32_t count = left < BATCH ? (uint32_t)left : BATCH;
        for (uint32_t i = 0; i < count; i++)
            sender->records[i].time = loop_now_utc_ms(sender->loop) * 1000 + i;
        struct control_send_log log = {
            .head.has = SHAPE_ALL(*MSG_CONTROL_SEND_LOG.shape),
            .stream = TEXT("bench"),
            .first = sender->next,
            .records = { sender->records, count },
            .host = TEXT("localhost"),
            .pid = 1,
            .type = TEXT("CMServer"),
        };
        sender->next += count;
        sender->in_flight++;
        link_ask(sender->link, &MSG_CONTROL_SEND_LOG, &log, NULL, 60000, on_kept, sender);
    }
}

static void on_up(void *self, struct link *link)
{
    struct sender *sender = self;
    (void)link;
    sender->began_s = measure_wall_s();
    send_more(sender);
}

static void fill(struct sender *sender, uint32_t attributes)
{
    static const char *const names[] = { "campaign", "chain", "list", "agent", "handle",
                                         "result",   "host",  "port", "call",  "queue" };
    for (uint32_t i = 0; i < attributes; i++)
        sender->pairs[i] = (struct pair){ text_of(names[i % 10]),
                                          { .kind = VALUE_TEXT, .text = TEXT("spring-2026-17") } };
    for (uint32_t i = 0; i < BATCH; i++)
        sender->records[i] = (struct control_log_record){
            .head.has = SHAPE_ALL(*MSG_CONTROL_SEND_LOG.shape->fields[2].nested),
            .id = i % 10 ? TEXT("27-81110") : TEXT("00-04543"),
            .priority = 4,
            .text = TEXT("notification 01HZX5K2J7M3N4P5Q6R7S8T9V0 delivered, status 200 in 12 ms"),
            .ixn = i % 2 ? TEXT("01HZX5K2J7M3N4P5Q6R7S8T9V0") : TEXT("01HZX5K2J7M3N4P5Q6R7S8T9V1"),
            .attributes = { sender->pairs, attributes },
        };
}

static double send_all(const char *port, uint64_t count, uint32_t attributes)
{
    char address[64];
    (void)snprintf(address, sizeof address, "127.0.0.1:%s", port);
    struct scope *life = scope_new(NULL, "sender", SCOPE_NO_LIMIT);
    struct sender *sender = scope_alloc(life, sizeof *sender);
    static const struct link_handler none[] = { { 0 } };
    static const struct link_life up = { .on_up = on_up };
    static const struct link_options options = { .reconnect_ms = 200 };
    struct link_identity identity = { .application = TEXT("bench"),
                                      .role = TEXT("primary"),
                                      .secret = APP_TEST_SECRET,
                                      .secret_is_master = true };
    sender->loop = loop_new(life);
    sender->next = 1;
    sender->count = count;
    fill(sender, attributes);
    struct net *net = net_new(life, sender->loop);
    sender->link = link_connect(life, net, NULL, text_of(address), TEXT("control"), &identity,
                                &options, none, &up, sender);
    loop_run(sender->loop);
    double took_s = measure_wall_s() - sender->began_s;
    scope_close(life);
    return took_s;
}

int main(int argc, char **argv)
{
    if (argc != 5) {
        fprintf(stderr, "ingest_bench FOLDER PORT COUNT ATTRIBUTES\n");
        return 2;
    }
    pid_t child = fork();
    if (child == 0) return serve(argv[1], argv[2]);
    uint64_t count = strtoull(argv[3], NULL, 10);
    uint32_t attributes = (uint32_t)strtoul(argv[4], NULL, 10);
    if (attributes > ATTRIBUTES_MAX) attributes = ATTRIBUTES_MAX;
    double took_s = send_all(argv[2], count, attributes);
    struct rusage usage;
    int status;
    (void)kill(child, SIGTERM);
    (void)wait4(child, &status, 0, &usage);
    double cpu_s = (double)usage.ru_utime.tv_sec + (double)usage.ru_stime.tv_sec +
                   (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
    printf("{\"records\":%llu,\"seconds\":%.3f,\"cpu_s\":%.3f,\"rss_max\":%lld}\n",
           (unsigned long long)count, took_s, cpu_s, (long long)usage.ru_maxrss * 1024);
    return status == 0 ? 0 : 1;
}
