/* SPDX-License-Identifier: Apache-2.0 */
/* log_bench FOLDER lines|dumps COUNT: lines of an event with five arguments, or messages of twelve
 * pairs under log filters, to a file by a worker thread, in turns of a hundred as a busy server
 * writes them. Prints one JSON object. */
#include "app/logger.h"
#include "bench/measure.h"
#include "bench/sync_count.h"
#include "gen/events.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { PER_TURN = 100, WAIT_EVERY = 10000 };

struct bench {
    struct scope *life;
    struct loop *loop;
    struct logger *logger;
    struct log log;
    bool are_dumps;
    uint32_t left;
    struct kv pairs;
};

static void say(struct bench *bench)
{
    if (bench->are_dumps)
        logger_pairs(bench->logger, &bench->log, TEXT("message EventPreviewRecord"), &bench->pairs);
    else
        LOG_CONNECTION_LOST(&bench->log, "application", "stat", "localhost", "2020",
                            "no answer in the time allowed");
}

static void run_turn(void *self)
{
    struct bench *bench = self;
    /* As spdlog's queue makes its caller wait; ours drops lines, which no server says so fast. */
    for (int i = 0; i < PER_TURN && bench->left > 0; i++, bench->left--) {
        say(bench);
        if (bench->left % WAIT_EVERY == 0) logger_flush(bench->logger);
    }
    if (bench->left > 0)
        loop_soon(bench->life, bench->loop, run_turn, bench);
    else
        loop_stop(bench->loop);
}

static struct common_options options_of(struct kv filters)
{
    return (struct common_options){
        .log_verbose = TEXT("all"),
        .log_all = TEXT("bench"),
        .log_enable_thread = true,
        .log_throttle_threshold = 1000000,
        .log_segment = TEXT("100 MB"),
        .log_expire = TEXT("2"),
        .log_message_format = TEXT("short"),
        .log_time_format = TEXT("time"),
        .log_time_convert = TEXT("local"),
        .log_filter_default_filter_type = TEXT("copy"),
        .log_filter_data = filters,
    };
}

int main(int count, char **arguments)
{
    struct pair data[] = {
        { TEXT("GSW_PHONE"), { .kind = VALUE_TEXT, .text = TEXT("15550111") } },
        { TEXT("GSW_RECORD_HANDLE"), { .kind = VALUE_INTEGER, .integer = 81 } },
        { TEXT("GSW_CAMPAIGN_NAME"), { .kind = VALUE_TEXT, .text = TEXT("Spring") } },
        { TEXT("GSW_CUSTOMER_ID"), { .kind = VALUE_TEXT, .text = TEXT("C-0000000777") } },
        { TEXT("GSW_CALL_RESULT"), { .kind = VALUE_INTEGER, .integer = 33 } },
        { TEXT("GSW_AGENT_ID"), { .kind = VALUE_TEXT, .text = TEXT("Agent1") } },
        { TEXT("Other1"), { .kind = VALUE_TEXT, .text = TEXT("words that a form holds") } },
        { TEXT("Other2"), { .kind = VALUE_TEXT, .text = TEXT("left out") } },
        { TEXT("XXX_pin"), { .kind = VALUE_TEXT, .text = TEXT("0815") } },
        { TEXT("MMM_card"), { .kind = VALUE_TEXT, .text = TEXT("4111111111111111") } },
        { TEXT("Password"), { .kind = VALUE_TEXT, .text = TEXT("swordfish") } },
        { TEXT("GSW_DATE_TIME"), { .kind = VALUE_INTEGER, .integer = 1795259193 } },
    };
    struct pair filters[] = {
        { TEXT("GSW_PHONE"), { .kind = VALUE_TEXT, .text = TEXT("hide-first,4") } },
        { TEXT("GSW_CUSTOMER_ID"), { .kind = VALUE_TEXT, .text = TEXT("unhide-last,2") } },
        { TEXT("Other1"), { .kind = VALUE_TEXT, .text = TEXT("tag(<#,#>)") } },
        { TEXT("Other2"), { .kind = VALUE_TEXT, .text = TEXT("skip") } },
    };
    struct bench bench = { .pairs = { data, sizeof data / sizeof data[0] } };
    if (count != 4 || text_to_u32(text_of(arguments[3]), 1, 100000000, &bench.left)) {
        (void)fprintf(stderr, "usage: log_bench FOLDER lines|dumps COUNT\n");
        return 2;
    }
    uint32_t wanted = bench.left;
    struct fault fault = { 0 };
    struct logger_setup setup = { .origin = { .application = TEXT("bench") },
                                  .logs_dir = text_of(arguments[1]) };
    struct common_options options =
        options_of((struct kv){ filters, sizeof filters / sizeof filters[0] });
    bench.are_dumps = strcmp(arguments[2], "dumps") == 0;
    bench.life = scope_new(NULL, "log_bench", SCOPE_NO_LIMIT);
    bench.loop = loop_new(bench.life);
    struct scope *life = scope_new(bench.life, "logger", SCOPE_NO_LIMIT);
    bench.logger = logger_new(life, bench.loop, &setup);
    bench.log = logger_log(bench.logger);
    if (logger_set_options(bench.logger, &options, &fault)) {
        (void)fprintf(stderr, "%s\n", fault.words);
        return 1;
    }
    double began = measure_wall_s(), began_cpu = measure_cpu_s();
    loop_soon(bench.life, bench.loop, run_turn, &bench);
    loop_run(bench.loop);
    logger_flush(bench.logger);
    double seconds = measure_wall_s() - began, cpu = measure_cpu_s() - began_cpu;
    (void)printf("{\"lines\":%u,\"lost\":%" PRIu64 ",\"seconds\":%.6f,\"cpu_s\":%.6f,\"syncs\":%lu,"
                 "\"resident\":%" PRIu64 "}\n",
                 wanted, logger_counters(bench.logger).lines_lost, seconds, cpu, sync_count(),
                 measure_resident_bytes());
    scope_close(bench.life);
    return 0;
}
