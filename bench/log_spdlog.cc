// SPDX-License-Identifier: Apache-2.0
// The peer of log_bench.c: spdlog's asynchronous logger into a rotating file, the same bytes, without filters.
// log_spdlog FILE lines|dumps COUNT
#include <spdlog/async.h>
#include <spdlog/sinks/rotating_file_sink.h>
#include <spdlog/spdlog.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>

static double now(clockid_t clock)
{
    timespec at;
    clock_gettime(clock, &at);
    return double(at.tv_sec) + double(at.tv_nsec) / 1e9;
}

int main(int count, char **arguments)
{
    if (count != 4) return 2;
    bool are_dumps = std::strcmp(arguments[2], "dumps") == 0;
    int lines = std::atoi(arguments[3]);
    double began = now(CLOCK_MONOTONIC), began_cpu = now(CLOCK_PROCESS_CPUTIME_ID);
    spdlog::init_thread_pool(65536, 1);
    auto log = spdlog::rotating_logger_mt<spdlog::async_factory>("bench", arguments[1], 100 * 1024 * 1024, 2);
    log->set_pattern("%H:%M:%S.%e %L 04504 %v");
    for (int i = 0; i < lines; i++)
        if (are_dumps)
            log->info("message EventPreviewRecord\n\tGSW_PHONE '{}'\n\tGSW_RECORD_HANDLE {}\n\tGSW_CAMPAIGN_NAME '{}'\n"
                      "\tGSW_CUSTOMER_ID '{}'\n\tGSW_CALL_RESULT {}\n\tGSW_AGENT_ID '{}'\n\tOther1 '{}'\n\tMMM_card '{}'\n"
                      "\tPassword '{}'\n\tGSW_DATE_TIME {}",
                      "****0111", 81, "Spring", "**********77", 33, "Agent1", "<#words that a form holds#>", "MMM",
                      "*********", 1795259193);
        else
            log->info("Connection to {} {} at host {} port {} lost: {}", "application", "stat", "localhost", "2020",
                      "no answer in the time allowed");
    log.reset();
    spdlog::shutdown(); // waits for the thread, which flushes
    std::printf("{\"lines\":%d,\"seconds\":%.6f,\"cpu_s\":%.6f}\n", lines, now(CLOCK_MONOTONIC) - began,
                now(CLOCK_PROCESS_CPUTIME_ID) - began_cpu);
    return 0;
}
