/* SPDX-License-Identifier: Apache-2.0 */
/* notify_bench - notifications per second through our client, beside libcurl's multi interface
 * alone with as many connections: notify_bench [SECONDS [ROUNDS [CONNECTIONS [ours]]]]; "ours" runs
 * our client only and prints nothing, for a profile.
 * A receiver in a process of its own (our server, answering 200 with an empty body) takes both;
 * they take turns. Prints min, median and max, CPU of the sending process per notification, and the
 * ratio of the medians (aim 80 %). */
#include "bench/measure.h"

#include "base/buf.h"
#include "io/http/client.h"
#include "io/http/server.h"

#include <curl/curl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ROUNDS_MAX = 32, PAYLOAD_BYTES = 1200 /* a ContactProcessed with most of its fields */ };

struct bench {
    uint64_t seconds;
    uint32_t rounds, connections;
    uint16_t port;
    char url[64];
    char payload[PAYLOAD_BYTES];
};

struct outcome {
    double rate[ROUNDS_MAX], cpu_us[ROUNDS_MAX];
};

static void stay_on_core(long core)
{
    if (sysconf(_SC_NPROCESSORS_ONLN) < 2) return;
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET((size_t)core, &set);
    (void)sched_setaffinity(0, sizeof set, &set);
}

/* --- the receiver --- */

static void on_request(void *self, struct http_exchange *exchange)
{
    (void)self;
    http_reply(exchange, 200, NULL, TEXT(""));
}

static _Noreturn void receive(int port_out)
{
    stay_on_core(0);
    struct scope *scope = scope_new(NULL, "receiver", SCOPE_NO_LIMIT);
    struct loop *loop = loop_new(scope);
    struct http_server *server;
    if (http_server_open(scope, net_new(scope, loop), TEXT("127.0.0.1:0"), NULL, on_request, NULL,
                         &server, NULL))
        exit(EXIT_FAILURE);
    uint16_t port = http_server_port(server);
    if (write(port_out, &port, sizeof port) != sizeof port) exit(EXIT_FAILURE);
    loop_run(loop);
    exit(EXIT_SUCCESS);
}

/* --- our client --- */

static const struct http_header notification[] = {
    { { "Accept", 6 }, { "*/*", 3 } },
    { { "User-Agent", 10 }, { "OCS/8.1.528.15", 14 } },
    { { "ETag", 4 }, { "01Q8ZK3T7C0V9A2M4N6P8R1S3U5W7Y90", 32 } },
    { { "Content-type", 12 }, { "application/json", 16 } },
    { { "Content-length", 14 }, { "", 0 } },
};

struct ours {
    struct http_client *client;
    struct http_call call;
    struct loop *loop;
    uint64_t done, failed;
    double end_s;
};

static void on_done(void *self, const struct http_result *result)
{
    struct ours *ours = self;
    ours->done++;
    if (result->status != 200) ours->failed++;
    if ((ours->done & 63) == 0 && measure_wall_s() >= ours->end_s)
        loop_stop(ours->loop);
    else
        (void)http_client_send(ours->client, &ours->call, on_done, ours);
}

static uint64_t send_ours(const struct bench *bench)
{
    struct scope *scope = scope_new(NULL, "ours", SCOPE_NO_LIMIT);
    struct ours ours = { .loop = loop_new(scope),
                         .end_s = measure_wall_s() + (double)bench->seconds };
    ours.client = http_client_new(scope, net_new(scope, ours.loop), bench->connections);
    ours.call = (struct http_call){ .method = TEXT("POST"),
                                    .url = text_of(bench->url),
                                    .headers = { notification, 5 },
                                    .body = { bench->payload, PAYLOAD_BYTES },
                                    .timeout_ms = 10000 };
    for (uint32_t i = 0; i < 2 * bench->connections; i++) /* half of them wait in the FIFO */
        (void)http_client_send(ours.client, &ours.call, on_done, &ours);
    loop_run(ours.loop);
    scope_close(scope);
    if (ours.failed) (void)fprintf(stderr, "ours: %llu failed\n", (unsigned long long)ours.failed);
    return ours.done;
}

/* --- libcurl alone --- */

static size_t drop_body(char *bytes, size_t size, size_t count, void *self)
{
    (void)bytes;
    (void)self;
    return size * count;
}

static CURL *plain_handle(const struct bench *bench, struct curl_slist *headers)
{
    CURL *easy = curl_easy_init();
    (void)curl_easy_setopt(easy, CURLOPT_URL, bench->url);
    (void)curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
    (void)curl_easy_setopt(easy, CURLOPT_POSTFIELDS, bench->payload);
    (void)curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, (long)PAYLOAD_BYTES);
    (void)curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, drop_body);
    (void)curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_PROXY, "");
    return easy;
}

static uint64_t take_done(CURLM *multi, bool again)
{
    CURLMsg *message;
    int left;
    uint64_t done = 0;
    while ((message = curl_multi_info_read(multi, &left)) != NULL) {
        CURL *easy = message->easy_handle;
        done++;
        (void)curl_multi_remove_handle(multi, easy);
        if (again) (void)curl_multi_add_handle(multi, easy);
    }
    return done;
}

static uint64_t send_plain(const struct bench *bench)
{
    static const char *const lines[] = { "Accept: */*", "User-Agent: OCS/8.1.528.15",
                                         "ETag: 01Q8ZK3T7C0V9A2M4N6P8R1S3U5W7Y90",
                                         "Content-type: application/json", "Expect:" };
    struct curl_slist *headers = NULL;
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        headers = curl_slist_append(headers, lines[i]);
    (void)curl_global_init(CURL_GLOBAL_DEFAULT);
    CURLM *multi = curl_multi_init();
    CURL **handles = calloc(bench->connections, sizeof(CURL *));
    for (uint32_t i = 0; i < bench->connections; i++) {
        handles[i] = plain_handle(bench, headers);
        (void)curl_multi_add_handle(multi, handles[i]);
    }
    uint64_t done = 0;
    double end_s = measure_wall_s() + (double)bench->seconds;
    while (measure_wall_s() < end_s) {
        int running;
        (void)curl_multi_perform(multi, &running);
        uint64_t taken = take_done(multi, true);
        done += taken;
        if (taken == 0) (void)curl_multi_poll(multi, NULL, 0, 1000, NULL);
    }
    for (uint32_t i = 0; i < bench->connections; i++) {
        (void)curl_multi_remove_handle(multi, handles[i]);
        curl_easy_cleanup(handles[i]);
    }
    free(handles);
    (void)curl_multi_cleanup(multi);
    curl_slist_free_all(headers);
    curl_global_cleanup();
    return done;
}

/* --- the report --- */

static void measure(const struct bench *bench, uint32_t round, struct outcome *outcome,
                    uint64_t (*send)(const struct bench *bench))
{
    double began_s = measure_wall_s(), cpu_began_s = measure_cpu_s();
    uint64_t done = send(bench);
    outcome->rate[round] = (double)done / (measure_wall_s() - began_s);
    outcome->cpu_us[round] = (measure_cpu_s() - cpu_began_s) * 1e6 / (double)done;
}

static int by_size(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;
    return left < right ? -1 : left > right;
}

static double report(struct outcome *outcome, uint32_t rounds, const char *words)
{
    qsort(outcome->rate, rounds, sizeof(double), by_size);
    qsort(outcome->cpu_us, rounds, sizeof(double), by_size);
    (void)printf("%-28s %7.0f %7.0f %7.0f notifications/s  %6.2f us CPU each\n", words,
                 outcome->rate[0], outcome->rate[(rounds - 1) / 2], outcome->rate[rounds - 1],
                 outcome->cpu_us[(rounds - 1) / 2]);
    return outcome->rate[(rounds - 1) / 2];
}

static uint32_t argument(int count, char **arguments, int index, uint32_t max, uint32_t fallback)
{
    uint32_t value = fallback;
    if (count > index) (void)text_to_u32(text_of(arguments[index]), 1, max, &value);
    return value;
}

int main(int count, char **arguments)
{
    struct bench bench = { .seconds = argument(count, arguments, 1, 60, 2),
                           .rounds = argument(count, arguments, 2, ROUNDS_MAX, 3),
                           .connections = argument(count, arguments, 3, 4096, 20) };
    int ports[2];
    if (pipe(ports) != 0) return EXIT_FAILURE;
    pid_t receiver = fork();
    if (receiver == 0) receive(ports[1]);
    if (receiver < 0 || read(ports[0], &bench.port, sizeof bench.port) != sizeof bench.port)
        return EXIT_FAILURE;
    stay_on_core(1);
    memset(bench.payload, 'x', sizeof bench.payload);
    (void)snprintf(bench.url, sizeof bench.url, "http://127.0.0.1:%u/notify", bench.port);

    static struct outcome ours, plain;
    bool is_alone = count > 4; /* for a profile */
    for (uint32_t round = 0; round < bench.rounds; round++) {
        if (!is_alone) measure(&bench, round, &plain, send_plain);
        measure(&bench, round, &ours, send_ours);
    }
    (void)kill(receiver, SIGTERM);
    (void)waitpid(receiver, NULL, 0);
    if (is_alone) return EXIT_SUCCESS;
    (void)printf("Notifications: %d bytes of payload, %u connections, sender on 1 of %ld cores, %u "
                 "rounds of %llu s (min median max)\n",
                 PAYLOAD_BYTES, bench.connections, sysconf(_SC_NPROCESSORS_ONLN), bench.rounds,
                 (unsigned long long)bench.seconds);
    double plain_rate = report(&plain, bench.rounds, "libcurl's multi alone");
    double our_rate = report(&ours, bench.rounds, "our client");
    (void)printf("our client reaches %.1f %% of libcurl alone (aim 80 %%), by CPU %.1f %%\n",
                 our_rate / plain_rate * 100,
                 plain.cpu_us[(bench.rounds - 1) / 2] / ours.cpu_us[(bench.rounds - 1) / 2] * 100);
    return EXIT_SUCCESS;
}
