/* SPDX-License-Identifier: Apache-2.0 */
/* The log as an operator finds it: real files in a folder of their own, a clock that jumps. */
#include "tests/unit/test.h"

#include "app/log_file.h"
#include "app/log_memory.h"
#include "app/logger.h"
#include "format/json.h"
#include "gen/events.h"
#include "model/log_filter.h"

#include <dirent.h>
#include <fcntl.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* 2026-11-21 11:06:33.123 UTC */
static const uint64_t start_utc_ms = 1795259193123ull;

struct place {
    struct scope *life;
    struct loop *loop;
    struct logger *logger;
    struct log log;
    char folder[64];
};

static struct common_options defaults(void)
{
    return (struct common_options){
        .log_verbose = TEXT("all"),
        .log_buffering = true,
        .log_segment = TEXT("100 MB"),
        .log_expire = TEXT("10"),
        .log_message_format = TEXT("short"),
        .log_time_format = TEXT("time"),
        .log_time_convert = TEXT("utc"),
        .log_filter_default_filter_type = TEXT("copy"),
    };
}

static struct place place_open(const char *suffix)
{
    struct place place = { .life = scope_new(NULL, "test", SCOPE_NO_LIMIT),
                           .folder = "/tmp/carillon-log-XXXXXX" };
    CHECK(mkdtemp(place.folder) != NULL);
    place.loop = loop_new_virtual(place.life, start_utc_ms, 1);
    struct logger_setup setup = { .origin = { .application = TEXT("outbound"),
                                              .type = TEXT("outbound"),
                                              .version = TEXT("0.1.0"),
                                              .host = TEXT("localhost"),
                                              .pid = 81 },
                                  .logs_dir = text_of(place.folder),
                                  .suffix = text_of(suffix) };
    place.logger = logger_new(place.life, place.loop, &setup);
    place.log = logger_log(place.logger);
    return place;
}

static void place_close(struct place *place)
{
    char path[400];
    scope_close(place->life);
    DIR *folder = opendir(place->folder);
    for (struct dirent *entry; folder && (entry = readdir(folder)) != NULL;) {
        snprintf(path, sizeof path, "%s/%s", place->folder, entry->d_name);
        if (entry->d_name[0] != '.') (void)unlink(path);
    }
    if (folder) (void)closedir(folder);
    (void)rmdir(place->folder);
}

/* Names of the files that begin with `name`, sorted. */
static size_t list_files(const struct place *place, const char *name, char names[64][100])
{
    struct dirent **entries;
    int found = scandir(place->folder, &entries, NULL, alphasort);
    size_t count = 0;
    for (int i = 0; i < found; i++) {
        if (strncmp(entries[i]->d_name, name, strlen(name)) == 0 && count < 64)
            snprintf(names[count++], 100, "%.99s", entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
    return count;
}

static void read_file(const struct place *place, const char *name, struct buf *out)
{
    char path[400];
    snprintf(path, sizeof path, "%s/%s", place->folder, name);
    FILE *file = fopen(path, "re");
    CHECK(file != NULL);
    for (size_t got; (got = fread(buf_reserve(out, 4096), 1, 4096, file)) > 0;) out->len += got;
    fclose(file);
}

/* All files of the name together. */
static void read_all(const struct place *place, const char *name, struct buf *out)
{
    static char names[64][100];
    size_t count = list_files(place, name, names);
    for (size_t i = 0; i < count; i++) read_file(place, names[i], out);
}

static size_t count_matches(struct text lines, const char *pattern)
{
    regex_t regex;
    size_t count = 0;
    struct text line;
    CHECK(regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB) == 0);
    while (text_next_item(&lines, '\n', &line)) {
        char z[4096];
        if (text_to_z(text_slice(line, 0, sizeof z - 1), z, sizeof z) == ERR_OK)
            count += regexec(&regex, z, 0, NULL, 0) == 0;
    }
    regfree(&regex);
    return count;
}

static bool has(struct text in, const char *words)
{
    struct text wanted = text_of(words);
    for (size_t at = 0; at + wanted.len <= in.len; at++)
        if (text_starts(text_slice(in, at, wanted.len), wanted)) return true;
    return false;
}

static const struct log_event events[LOG_LEVELS] = {
    [LOG_DEBUG] = { "00-09900", LOG_DEBUG, "%s" },
    [LOG_TRACE] = { "00-04542", LOG_TRACE, "%s" },
    [LOG_INTERACTION] = { "00-04543", LOG_INTERACTION, "%s" },
    [LOG_STANDARD] = { "00-05060", LOG_STANDARD, "%s" },
    [LOG_ALARM] = { "00-05069", LOG_ALARM, "%s" },
};

static void say(struct place *place, enum log_level level, const char *words)
{
    log_write(&place->log, &events[level], "%s", words);
}

static void end_turn(struct place *place)
{
    loop_run_for(place->loop, 1);
}

#define RECORD "^[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{3} [A-Z][a-z]{2} [0-9]{5} "

TEST(F21_each_record_goes_to_its_own_level_and_every_lower_one)
{
    struct place place = place_open("");
    struct common_options options = defaults();
    options.log_debug = TEXT("f1");
    options.log_standard = TEXT("f2");
    CHECK_OK(logger_set_options(place.logger, &options, NULL));
    for (int level = LOG_DEBUG; level <= LOG_STANDARD; level++)
        say(&place, (enum log_level)level, "one of each");
    end_turn(&place);
    struct buf f1 = { 0 }, f2 = { 0 };
    read_all(&place, "f1.", &f1);
    read_all(&place, "f2.", &f2);
    CHECK_U32(count_matches(buf_text(&f1), RECORD), 4);
    CHECK_U32(count_matches(buf_text(&f2), RECORD), 1);
    CHECK(has(buf_text(&f1), "11:06:33.123 Trc 04542 one of each\n"));
    buf_free(&f1);
    buf_free(&f2);
    place_close(&place);
}

TEST(F22_three_files_of_a_hundred_kilobytes_hold_the_newest_two_hundred)
{
    struct place place = place_open("");
    struct common_options options = defaults();
    options.log_all = TEXT("f");
    options.log_segment = TEXT("100 KB");
    options.log_expire = TEXT("3");
    CHECK_OK(logger_set_options(place.logger, &options, NULL));
    enum { LINES = 10240, LINE_BYTES = 100 };
    char words[LINE_BYTES];
    for (int i = 0; i < LINES; i++) { /* 1 MB */
        snprintf(words, sizeof words, "line %06d %s", i,
                 "....................................................................");
        words[LINE_BYTES - 24] = '\0';
        say(&place, LOG_STANDARD, words);
        if (i % 7 == 0) end_turn(&place);
    }
    end_turn(&place);
    static char names[64][100];
    size_t count = list_files(&place, "f.", names);
    CHECK(count >= 2);
    CHECK(count <= 3);
    struct buf newest = { 0 }, all = { 0 };
    read_file(&place, names[count - 1], &newest);
    CHECK(has(buf_text(&newest), "line 010239"));
    read_all(&place, "f.", &all);
    for (int i = LINES - 1; i > LINES - 200 * 1024 / LINE_BYTES; i--) {
        snprintf(words, sizeof words, "line %06d", i);
        CHECK(i % 50 != 0 || has(buf_text(&all), words));
    }
    CHECK(count_matches(buf_text(&all), RECORD) >= 200 * 1024 / LINE_BYTES);
    for (size_t i = 0; i < count; i++) {
        struct buf one = { 0 };
        read_file(&place, names[i], &one);
        CHECK(one.len <= 100 * 1024);
        CHECK(text_starts(buf_text(&one), TEXT("# application   outbound\n")));
        buf_free(&one);
    }
    buf_free(&newest);
    buf_free(&all);
    place_close(&place);
}

TEST(F20_filters_hide_what_the_options_name)
{
    struct pair keys[] = { { TEXT("ssn"), { .kind = VALUE_TEXT, .text = TEXT("unhide-last,4") } } };
    struct common_options options = defaults();
    options.log_debug = TEXT("f");
    options.log_filter_data = (struct kv){ keys, 1 };
    struct place place = place_open("");
    CHECK_OK(logger_set_options(place.logger, &options, NULL));
    struct pair data[] = {
        { TEXT("ssn"), { .kind = VALUE_TEXT, .text = TEXT("123456789") } },
        { TEXT("name"), { .kind = VALUE_TEXT, .text = TEXT("Ann") } },
        { TEXT("XXX_pin"), { .kind = VALUE_TEXT, .text = TEXT("0815") } },
        { TEXT("MMM_card"), { .kind = VALUE_TEXT, .text = TEXT("4111") } },
        { TEXT("Password"), { .kind = VALUE_TEXT, .text = TEXT("open") } },
        { TEXT("count"), { .kind = VALUE_INTEGER, .integer = 7 } },
    };
    struct kv pairs = { data, 6 };
    logger_pairs(place.logger, &place.log, TEXT("message AddRecord"), &pairs);
    end_turn(&place);
    struct buf all = { 0 };
    read_all(&place, "f.", &all);
    struct text lines = buf_text(&all);
    CHECK(has(lines, "message AddRecord\n\tssn '*****6789'\n\tname 'Ann'\n\tMMM_card 'MMM'\n"
                     "\tPassword '****'\n\tcount 7\n"));
    CHECK(!has(lines, "XXX_pin"));
    CHECK(!has(lines, "4111"));
    buf_free(&all);
    place_close(&place);
}

static void check_filter(const char *type, const char *value, const char *wanted)
{
    struct log_filter filter = { .usual = text_of(type) };
    struct buf out = { 0 };
    bool is_shown = log_filter_value(&out, &filter, TEXT("key"), text_of(value));
    CHECK(is_shown == (wanted != NULL));
    if (wanted) CHECK_TEXT(buf_text(&out), wanted);
    buf_free(&out);
}

TEST(each_filter_shows_what_framework_8_4_says)
{
    check_filter("copy", "1234567890", "1234567890");
    check_filter("hide", "1234567890", "**********");
    check_filter("hide-first,3", "1234567890", "***4567890");
    check_filter("hide-last,3", "1234567890", "1234567***");
    check_filter("unhide-first,3", "1234567890", "123*******");
    check_filter("unhide-last,3", "1234567890", "*******890");
    check_filter("unhide-last,30", "1234567890", "1234567890"); /* shorter than n: whole */
    check_filter("hide-first,30", "1234567890", "**********");  /* larger than length: all stars */
    check_filter("skip", "1234567890", NULL);
    check_filter("tag", "1234567890", "<#1234567890#>");
    check_filter("tag()", "1234567890", "<#1234567890#>");
    check_filter("tag([,])", "1234567890", "[1234567890]");
    check_filter("no such filter", "1234567890", "**********");
    check_filter("hide-last,1", "M\xc3\xbcller\xc3\xa9", "M\xc3\xbcller*"); /* characters */
    CHECK(log_filter_check(TEXT("hide-first")) == ERR_INVALID);
    CHECK(log_filter_check(TEXT("hide,3")) == ERR_INVALID);
}

TEST(verbose_filters_first_and_an_override_ends_by_itself)
{
    struct place place = place_open("");
    struct common_options options = defaults();
    options.log_verbose = TEXT("standard");
    options.log_all = TEXT("f");
    CHECK_OK(logger_set_options(place.logger, &options, NULL));
    CHECK(!log_wants(&place.log, LOG_INTERACTION));
    logger_override(place.logger, TEXT("debug"), 60);
    CHECK(log_wants(&place.log, LOG_DEBUG));
    CHECK_OK(logger_set_options(place.logger, &options, NULL)); /* does not end it */
    CHECK(log_wants(&place.log, LOG_DEBUG));
    loop_run_for(place.loop, 60001);
    CHECK(!log_wants(&place.log, LOG_INTERACTION));
    logger_override(place.logger, TEXT("none"), 60);
    CHECK(!log_wants(&place.log, LOG_ALARM));
    logger_override(place.logger, TEXT("none"), 0);
    CHECK(log_wants(&place.log, LOG_STANDARD));
    place_close(&place);
}

TEST(full_and_json_lines)
{
    struct place place = place_open("");
    struct common_options options = defaults();
    options.log_all = TEXT("f");
    options.log_message_format = TEXT("full");
    CHECK_OK(logger_set_options(place.logger, &options, NULL));
    say(&place, LOG_STANDARD, "Application started");
    end_turn(&place);
    options.log_message_format = TEXT("json");
    CHECK_OK(logger_set_options(place.logger, &options, NULL));
    struct log log = log_with(&place.log, TEXT("campaign=spring ixn=1"));
    log_write(&log, &events[LOG_STANDARD], "a \"quoted\"\nline");
    end_turn(&place);
    struct buf all = { 0 };
    read_all(&place, "f.", &all);
    CHECK(has(buf_text(&all), "\n2026-11-21T11:06:33.123 Standard localhost outbound GCTI-00-05060 "
                              "Application started\n"));
    CHECK(
        has(buf_text(&all),
            "{\"ts\":\"2026-11-21T11:06:33.124000Z\",\"lvl\":\"standard\",\"id\":\"00-05060\","
            "\"app\":\"outbound\",\"host\":\"localhost\",\"pid\":81,\"thr\":\"loop\",\"ixn\":\"1\","
            "\"cat\":\"application\",\"msg\":\"a \\\"quoted\\\"\\nline\","
            "\"attr\":{\"campaign\":\"spring\"}}\n"));
    buf_free(&all);
    place_close(&place);
}

TEST(attributes_follow_the_text_when_they_shall_and_line_ends_do_not_break_lines)
{
    struct place place = place_open("");
    struct common_options options = defaults();
    options.log_all = TEXT("f");
    options.log_print_attributes = true;
    options.log_time_format = TEXT("ISO8601");
    CHECK_OK(logger_set_options(place.logger, &options, NULL));
    struct log log = log_with(&place.log, TEXT("campaign=spring"));
    log_write(&log, &events[LOG_STANDARD], "one\ntwo");
    log_write(&log, &events[LOG_STANDARD], "\x1b[2J\r\x07 \xc2\x9bm \x7f tab\t \xc3\x9b");
    end_turn(&place);
    struct buf all = { 0 };
    read_all(&place, "f.", &all);
    CHECK(has(buf_text(&all), "\n2026-11-21T11:06:33.123 Std 05060 one two [campaign=spring]\n"));
    CHECK(has(buf_text(&all),
              " ?[2J?? ?m ? tab\t \xc3\x9b [campaign=spring]\n")); /* on terminals, too */
    buf_free(&all);
    place_close(&place);
}

TEST(a_helper_process_writes_beside_with_its_suffix)
{
    struct place place = place_open("_HTTPPRX");
    struct common_options options = defaults();
    options.log_all = TEXT("outbound");
    CHECK_OK(logger_set_options(place.logger, &options, NULL));
    say(&place, LOG_STANDARD, "started");
    end_turn(&place);
    static char names[64][100];
    CHECK_U32(list_files(&place, "outbound_HTTPPRX.20261121_110633_12", names), 1);
    place_close(&place);
}

TEST(what_another_name_made_does_not_expire)
{
    struct place place = place_open("");
    static const char *const others[] = { "g.20200101_000000_000.log", "f.2020.log", "f.log",
                                          "fx.20200101_000000_000.log" };
    for (size_t i = 0; i < 4; i++) {
        char path[200];
        snprintf(path, sizeof path, "%s/%s", place.folder, others[i]);
        (void)close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    }
    struct common_options options = defaults();
    options.log_all = TEXT("f");
    options.log_segment = TEXT("1 KB");
    options.log_expire = TEXT("1");
    CHECK_OK(logger_set_options(place.logger, &options, NULL));
    for (int i = 0; i < 100; i++) say(&place, LOG_STANDARD, "many lines make many files");
    end_turn(&place);
    static char names[64][100];
    CHECK_U32(list_files(&place, "", names), 4 + 1 + 2); /* with . and .. */
    place_close(&place);
}

TEST(a_folder_that_is_gone_is_told_and_what_was_written_meanwhile_comes_later)
{
    struct place place = place_open("");
    struct common_options options = defaults();
    options.log_all = TEXT("f");
    options.log_alarm = TEXT("sub/g");
    CHECK_OK(logger_set_options(place.logger, &options, NULL));
    say(&place, LOG_ALARM, "kept");
    end_turn(&place);
    CHECK_U32(logger_counters(place.logger).lines_lost, 0);
    struct buf all = { 0 };
    read_all(&place, "f.", &all);
    CHECK(has(buf_text(&all), "Alr 05069 log output sub/g stopped"));
    char path[200];
    snprintf(path, sizeof path, "%s/sub", place.folder);
    CHECK(mkdir(path, 0700) == 0);
    loop_run_for(place.loop, LOG_FILE_RETRY_MS + 1); /* nobody logs anything meanwhile */
    buf_clear(&all);
    struct place sub = place;
    CHECK(snprintf(sub.folder, sizeof sub.folder, "%s/sub", place.folder) > 0);
    read_all(&sub, "g.", &all);
    CHECK(has(buf_text(&all), "kept"));
    CHECK(has(buf_text(&all), "Alr 05069 log output sub/g stopped"));
    buf_free(&all);
    char command[260];
    snprintf(command, sizeof command, "rm -r %s/sub", place.folder);
    CHECK(system(command) == 0);
    place_close(&place);
}

TEST(what_a_failing_output_cannot_keep_is_lost_and_counted_but_standard_has_a_place_of_its_own)
{
    struct place place = place_open("");
    struct common_options options = defaults();
    options.log_all = TEXT("sub/g");
    CHECK_OK(logger_set_options(place.logger, &options, NULL));
    for (int i = 0; i < 40000; i++)
        say(&place, LOG_TRACE, "forty thousand lines are more than kept");
    say(&place, LOG_STANDARD, "this one is");
    end_turn(&place);
    unsigned lost = (unsigned)logger_counters(place.logger).lines_lost;
    CHECK(lost > 10000 && lost < 30000);
    struct place sub = place;
    CHECK(snprintf(sub.folder, sizeof sub.folder, "%s/sub", place.folder) > 0);
    CHECK(mkdir(sub.folder, 0700) == 0);
    loop_run_for(place.loop, LOG_FILE_RETRY_MS + 1);
    end_turn(&place);
    struct buf all = { 0 };
    char words[64];
    snprintf(words, sizeof words, "04530 %u log lines lost", lost);
    read_all(&sub, "g.", &all);
    CHECK(has(buf_text(&all), "this one is"));
    CHECK(has(buf_text(&all), words));
    buf_free(&all);
    char command[260];
    snprintf(command, sizeof command, "rm -r %s", sub.folder);
    CHECK(system(command) == 0);
    place_close(&place);
}

TEST(values_that_cannot_be_used_keep_the_former_and_are_told)
{
    struct place place = place_open("");
    struct common_options options = defaults();
    struct fault fault;
    options.log_segment = TEXT("100 GB");
    CHECK_I64(logger_set_options(place.logger, &options, &fault), ERR_INVALID);
    CHECK_TEXT(text_of(fault.field), "log.segment");
    place_close(&place);
}

/* --- by a worker ----------------------------------------------------------------------------- */

TEST(a_worker_writes_the_same_lines_in_the_same_order)
{
    struct place place = place_open("");
    struct common_options options = defaults();
    options.log_all = TEXT("f");
    options.log_enable_thread = true;
    options.log_throttle_threshold = 20000;
    CHECK_OK(logger_set_options(place.logger, &options, NULL));
    char words[40];
    for (int i = 0; i < 3000; i++) {
        snprintf(words, sizeof words, "line %06d", i);
        say(&place, LOG_TRACE, words);
        if (i % 100 == 0) end_turn(&place);
    }
    loop_run_for(place.loop, 100);
    struct buf all = { 0 };
    read_all(&place, "f.", &all);
    struct text lines = buf_text(&all), line;
    int next = 0;
    while (text_next_item(&lines, '\n', &line)) {
        if (text_starts(line, TEXT("#"))) continue;
        snprintf(words, sizeof words, "line %06d", next);
        if (has(line, words)) next++;
    }
    CHECK_I64(next, 3000);
    buf_free(&all);
    place_close(&place);
}

TEST(what_waits_for_a_worker_is_written_when_the_process_ends)
{
    struct place place = place_open("");
    struct common_options options = defaults();
    options.log_all = TEXT("f");
    options.log_enable_thread = true;
    CHECK_OK(logger_set_options(place.logger, &options, NULL));
    for (int i = 0; i < 2000; i++) say(&place, LOG_TRACE, "a worker has these, some of them");
    struct place closed = place;
    scope_close(place.life);
    struct buf all = { 0 };
    read_all(&closed, "f.", &all);
    CHECK_U32(count_matches(buf_text(&all), "some of them$"), 2000);
    buf_free(&all);
    closed.life = scope_new(NULL, "test", SCOPE_NO_LIMIT);
    place_close(&closed);
}

TEST(a_long_queue_raises_the_level_to_standard_until_it_has_drained)
{
    struct place place = place_open("");
    struct common_options options = defaults();
    options.log_all = TEXT("f");
    options.log_enable_thread = true;
    options.log_throttle_threshold = 100;
    CHECK_OK(logger_set_options(place.logger, &options, NULL));
    for (int i = 0; i < 500; i++) say(&place, LOG_DEBUG, "too much");
    CHECK(!log_wants(&place.log, LOG_INTERACTION));
    say(&place, LOG_STANDARD, "this counts");
    loop_run_for(place.loop, 100);
    CHECK(log_wants(&place.log, LOG_DEBUG));
    say(&place, LOG_DEBUG, "as before");
    loop_run_for(place.loop, 100);
    struct buf all = { 0 };
    read_all(&place, "f.", &all);
    CHECK_U32(count_matches(buf_text(&all), "too much$"), 100);
    CHECK_U32(count_matches(buf_text(&all), "Std 04532 log queue of f has 100 lines"), 1);
    CHECK_U32(count_matches(buf_text(&all), "Std 04533"), 1);
    CHECK(has(buf_text(&all), "this counts"));
    CHECK(has(buf_text(&all), "as before"));
    CHECK_I64(logger_counters(place.logger).throttled, 1);
    buf_free(&all);
    place_close(&place);
}

/* --- check points, memory, network ----------------------------------------------------------- */

TEST(every_file_has_a_check_point_every_so_many_hours)
{
    struct place place = place_open("");
    struct common_options options = defaults();
    options.log_all = TEXT("f");
    options.log_alarm = TEXT("g");
    options.log_check_point = 2;
    CHECK_OK(logger_set_options(place.logger, &options, NULL));
    loop_run_for(place.loop, 3600 * 1000);
    CHECK_OK(logger_set_options(place.logger, &options, NULL)); /* does not begin anew */
    loop_run_for(place.loop, 4 * 3600 * 1000);
    static const char *const names[] = { "f.", "g." };
    for (int i = 0; i < 2; i++) {
        struct buf all = { 0 };
        read_all(&place, names[i], &all);
        CHECK_U32(count_matches(buf_text(&all), "Std 04531 Check point$"), 2);
        buf_free(&all);
    }
    options.log_check_point = 0;
    CHECK_OK(logger_set_options(place.logger, &options, NULL));
    loop_run_for(place.loop, 9 * 3600 * 1000);
    struct buf all = { 0 };
    read_all(&place, "f.", &all);
    CHECK_U32(count_matches(buf_text(&all), "Check point"), 2);
    buf_free(&all);
    place_close(&place);
}

/* Nothing is flushed or closed before it is read, as after kill -9. */
TEST(memory_holds_the_latest_mebibyte_and_keeps_the_run_before)
{
    struct place place = place_open("");
    struct common_options options = defaults();
    options.log_debug = TEXT("memory");
    options.log_memory = TEXT("ring");
    CHECK_OK(logger_set_options(place.logger, &options, NULL));
    char words[40];
    for (int i = 0; i < 60000; i++) {
        snprintf(words, sizeof words, "line %06d", i);
        say(&place, LOG_DEBUG, words);
    }
    struct buf file = { 0 }, lines = { 0 };
    read_file(&place, "ring", &file);
    CHECK_OK(log_memory_read(buf_text(&file), &lines, NULL));
    CHECK(lines.len > LOG_MEMORY_BYTES - 100 && lines.len <= LOG_MEMORY_BYTES);
    CHECK(text_ends(buf_text(&lines), TEXT("line 059999\n")));
    size_t whole = count_matches(buf_text(&lines), RECORD "line [0-9]{6}$");
    struct text rest = buf_text(&lines), line;
    size_t count = 0;
    while (text_next_item(&rest, '\n', &line)) count += line.len > 0;
    CHECK_I64(whole, count);
    buf_clear(&file);
    buf_clear(&lines);
    scope_close(place.life);
    struct place next = place;
    next.life = scope_new(NULL, "test", SCOPE_NO_LIMIT);
    next.loop = loop_new_virtual(next.life, start_utc_ms, 1);
    struct logger_setup setup = { .logs_dir = text_of(next.folder) };
    next.logger = logger_new(next.life, next.loop, &setup);
    next.log = logger_log(next.logger);
    CHECK_OK(logger_set_options(next.logger, &options, NULL));
    say(&next, LOG_DEBUG, "a new run");
    read_file(&next, "ring.before", &file);
    CHECK_OK(log_memory_read(buf_text(&file), &lines, NULL));
    CHECK(text_ends(buf_text(&lines), TEXT("line 059999\n")));
    buf_clear(&file);
    buf_clear(&lines);
    read_file(&next, "ring", &file);
    CHECK_OK(log_memory_read(buf_text(&file), &lines, NULL));
    CHECK_U32(count_matches(buf_text(&lines), "a new run$"), 1);
    CHECK_I64(log_memory_read(text_slice(buf_text(&file), 0, 1000), &lines, NULL), ERR_INVALID);
    buf_free(&file);
    buf_free(&lines);
    place_close(&next);
}

struct heard {
    int count;
    char text[64], attributes[128], ixn[32];
};

static void hear(void *self, const struct log_record *record)
{
    struct heard *heard = self;
    struct buf shown = { 0 };
    heard->count++;
    CHECK_OK(text_to_z(text_slice(record->text, 0, 63), heard->text, sizeof heard->text));
    CHECK_OK(text_to_z(record->ixn, heard->ixn, sizeof heard->ixn));
    log_filter_dump(&shown, &record->attributes);
    CHECK_OK(text_to_z(buf_text(&shown), heard->attributes, sizeof heard->attributes));
    buf_free(&shown);
}

TEST(the_network_gets_trace_and_above_hidden_as_everywhere)
{
    struct place place = place_open("");
    struct pair keys[] = { { TEXT("phone"),
                             { .kind = VALUE_TEXT, .text = TEXT("hide-first,2") } } };
    struct common_options options = defaults();
    options.log_debug = TEXT("network");
    options.log_filter_data = (struct kv){ keys, 1 };
    struct heard heard = { 0 };
    CHECK_OK(logger_set_options(place.logger, &options, NULL));
    logger_on_network(place.logger, hear, &heard);
    CHECK(logger_uses_network(place.logger));
    say(&place, LOG_DEBUG, "never sent");
    CHECK_I64(heard.count, 0);
    struct log log = log_with(&place.log, TEXT("phone=4711 XXX_pin=1 ixn=81 campaign=spring"));
    log_write(&log, &events[LOG_TRACE], "dialled");
    CHECK_I64(heard.count, 1);
    CHECK_TEXT(text_of(heard.attributes), "\n\tphone '**11'\n\tcampaign 'spring'");
    CHECK_TEXT(text_of(heard.ixn), "81");
    struct log local = logger_log_local(place.logger);
    log_write(&local, &events[LOG_STANDARD], "about the network itself");
    CHECK_I64(heard.count, 1);
    place_close(&place);
}

TEST(a_line_belongs_to_the_trace_of_the_message_that_is_handled)
{
    struct place place = place_open("");
    struct common_options options = defaults();
    options.log_all = TEXT("f");
    options.log_print_attributes = true;
    CHECK_OK(logger_set_options(place.logger, &options, NULL));
    struct text before = log_trace(&place.log, TEXT("00FAB-1"));
    say(&place, LOG_STANDARD, "within");
    (void)log_trace(&place.log, before);
    say(&place, LOG_STANDARD, "after");
    end_turn(&place);
    struct buf all = { 0 };
    read_all(&place, "f.", &all);
    CHECK_U32(count_matches(buf_text(&all), "within \\[ixn=00FAB-1\\]$"), 1);
    CHECK_U32(count_matches(buf_text(&all), "after$"), 1);
    buf_free(&all);
    place_close(&place);
}

/* --- events as the operator wants them -------------------------------------------------------- */

TEST(an_event_has_the_level_that_the_operator_gives_it)
{
    struct place place = place_open("");
    struct pair levels[] = {
        { TEXT("level-reassign-04503"), { .kind = VALUE_TEXT, .text = TEXT("alarm") } },
        { TEXT("Level-Reassign-00-05060"), { .kind = VALUE_TEXT, .text = TEXT("none") } },
        { TEXT("level-reassign-09900"), { .kind = VALUE_TEXT, .text = TEXT("trace") } },
        { TEXT("level-reassign-disable"), { .kind = VALUE_TEXT, .text = TEXT("false") } },
    };
    struct common_options options = defaults();
    options.log_verbose = TEXT("trace");
    options.log_all = TEXT("f");
    options.log_alarm = TEXT("g");
    options.log_extended = (struct kv){ levels, 4 };
    CHECK_OK(logger_set_options(place.logger, &options, NULL));
    LOG_CONNECTED(&place.log, "application", "stat", "h", "1");
    LOG_APPLICATION_STARTED(&place.log);
    CHECK(log_wants(&place.log, LOG_DEBUG)); /* some of it is wanted */
    log_debug(&place.log, "raised");
    levels[3].value.text = TEXT("true");
    CHECK_OK(logger_set_options(place.logger, &options, NULL));
    LOG_APPLICATION_STARTED(&place.log);
    log_debug(&place.log, "not wanted");
    CHECK(!log_wants(&place.log, LOG_DEBUG));
    end_turn(&place);
    struct buf f = { 0 }, g = { 0 };
    read_all(&place, "f.", &f);
    read_all(&place, "g.", &g);
    CHECK_U32(count_matches(buf_text(&f), "Alr 04503 Connected to"), 1);
    CHECK_U32(count_matches(buf_text(&g), "Alr 04503 Connected to"), 1);
    CHECK_U32(count_matches(buf_text(&f), "05060"), 1);
    CHECK_U32(count_matches(buf_text(&f), "Trc 09900 raised$"), 1);
    CHECK(!has(buf_text(&f), "not wanted"));
    buf_free(&f);
    buf_free(&g);
    struct fault fault;
    levels[0].value.text = TEXT("loud");
    CHECK_I64(logger_set_options(place.logger, &options, &fault), ERR_INVALID);
    levels[0] = (struct pair){ TEXT("level-reassign-99999"),
                               { .kind = VALUE_TEXT, .text = TEXT("alarm") } };
    CHECK_I64(logger_set_options(place.logger, &options, &fault), ERR_INVALID);
    place_close(&place);
}

TEST(a_message_file_gives_other_words_and_never_other_arguments)
{
    struct place place = place_open("");
    char path[200];
    snprintf(path, sizeof path, "%s/words.lms", place.folder);
    FILE *file = fopen(path, "we");
    CHECK(file != NULL);
    fputs("; our own words\n\n"
          "04503||Verbunden mit %s %s, 100%% gut\n"
          "05060|alarm|\n"
          "04504|standard|%s %s %s %s %s %s\n" /* one too many */
          "04511||%s of %n\n"
          "04520|loud|x\n"
          "99999||x\n"
          "no line\n",
          file);
    fclose(file);
    struct common_options options = defaults();
    options.log_all = TEXT("f");
    options.log_message_file = text_of(path);
    CHECK_OK(logger_set_options(place.logger, &options, NULL));
    LOG_CONNECTED(&place.log, "application", "stat", "h", "1");
    LOG_APPLICATION_STARTED(&place.log);
    LOG_CONNECTION_LOST(&place.log, "application", "stat", "h", "1", "it died");
    end_turn(&place);
    struct buf all = { 0 };
    read_all(&place, "f.", &all);
    CHECK_U32(count_matches(buf_text(&all), "Std 04503 Verbunden mit application stat, 100% gut$"),
              1);
    CHECK_U32(count_matches(buf_text(&all), "Alr 05060 Application started$"), 1);
    CHECK_U32(count_matches(buf_text(&all), "Connection to application stat .* lost: it died$"), 1);
    CHECK_U32(count_matches(buf_text(&all), "04534 log message file .*words.lms, line [0-9]: "), 5);
    buf_free(&all);
    place_close(&place);
}

/* --- json, whatever comes -------------------------------------------------------------------- */

TEST(a_json_line_is_json_whatever_bytes_are_said)
{
    struct place place = place_open("");
    struct common_options options = defaults();
    options.log_all = TEXT("f");
    options.log_message_format = TEXT("json");
    CHECK_OK(logger_set_options(place.logger, &options, NULL));
    struct random random;
    random_seed(&random, 5);
    enum { LINES = 500 };
    for (int i = 0; i < LINES; i++) {
        char bytes[60], value[30];
        size_t len = 1 + (size_t)random_below(&random, sizeof bytes - 2);
        for (size_t k = 0; k < len; k++) bytes[k] = (char)(1 + random_below(&random, 255));
        bytes[len] = '\0';
        for (size_t k = 0; k < sizeof value; k++) value[k] = (char)random_u64(&random);
        struct pair pairs[] = { { text_of(bytes),
                                  { .kind = VALUE_TEXT, .text = { value, sizeof value } } },
                                { TEXT("n"), { .kind = VALUE_FLOAT, .number = 0.5 } } };
        struct kv kv = { pairs, 2 };
        say(&place, LOG_STANDARD, bytes);
        logger_pairs(place.logger, &place.log, text_of(bytes), &kv);
    }
    end_turn(&place);
    struct buf all = { 0 };
    read_all(&place, "f.", &all);
    struct text lines = buf_text(&all), line;
    int count = 0;
    while (text_next_item(&lines, '\n', &line)) {
        if (line.len == 0) continue;
        struct scope *scope = scope_new(NULL, "test", SCOPE_NO_LIMIT);
        struct value value;
        CHECK_OK(json_read(line, scope, &value, NULL));
        CHECK(value.kind == VALUE_KV);
        CHECK(kv_find(&value.pairs, TEXT("ts")) && kv_find(&value.pairs, TEXT("app")));
        count++;
        scope_close(scope);
    }
    CHECK_I64(count, 1 + 2 * LINES);
    buf_free(&all);
    place_close(&place);
}
