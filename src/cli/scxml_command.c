/* SPDX-License-Identifier: Apache-2.0 */
/* carillon scxml: state charts run, checked and drawn without a server. Begin at run(). */
#include "cli/command.h"
#include "cli/scxml_check.h"
#include "cli/scxml_run.h"

#include <stdio.h>
#include <string.h>

struct words {
    struct scxml_run_options run;
    const char *deed, *seed, *http, *replay;
};

static int wrong_use(const char *words)
{
    fprintf(stderr, "carillon scxml: %s (see: carillon help scxml)\n", words);
    return 2;
}

static uint64_t seed_from_system(void)
{
    struct random random;
    random_seed_from_system(&random);
    return random_u64(&random);
}

/* On a virtual clock everything repeats itself, unless another seed is wanted. */
static const char *take_seed(struct words *words)
{
    words->run.seed = words->run.is_virtual ? 1 : 0;
    if (words->seed && text_to_u64(text_of(words->seed), 0, UINT64_MAX, &words->run.seed))
        return "--seed is a number";
    if (!words->seed && !words->run.is_virtual) words->run.seed = seed_from_system();
    return NULL;
}

static const char *take_http(struct words *words)
{
    if (words->http == NULL) return NULL;
    if (words->run.is_virtual) return "--http needs real time";
    words->run.has_no_http = strcmp(words->http, "off") == 0;
    words->run.has_port = !words->run.has_no_http;
    if (words->run.has_port &&
        text_to_u32(text_of(words->http), 0, UINT16_MAX, &words->run.http_port))
        return "--http is a port, or off";
    return NULL;
}

static int run_chart(struct words *words)
{
    const char *wrong = take_seed(words);
    if (wrong == NULL) wrong = take_http(words);
    if (wrong == NULL && words->replay && words->run.record_path)
        wrong = "--replay compares with a record, it writes none";
    if (wrong == NULL && words->run.restore_path && (words->run.record_path || words->replay))
        wrong = "a record begins with a session's start: not with --restore";
    if (wrong) return wrong_use(wrong);
    if (words->replay) return scxml_run_replay(&words->run, words->replay);
    return words->run.is_virtual ? scxml_run_virtual(&words->run) : scxml_run_real(&words->run);
}

static bool has_run_words(const struct words *words)
{
    return words->run.is_virtual || words->run.waits || words->seed || words->http ||
           words->replay || words->run.record_path || words->run.save_path ||
           words->run.restore_path;
}

static int run(int argc, char **argv)
{
    struct words words = {
        .run = { .wants_json = command_take_flag(&argc, argv, "--json"),
                 .is_virtual = command_take_flag(&argc, argv, "--virtual-time"),
                 .waits = command_take_flag(&argc, argv, "--wait"),
                 .record_path = command_take_option(&argc, argv, "--record"),
                 .save_path = command_take_option(&argc, argv, "--save"),
                 .restore_path = command_take_option(&argc, argv, "--restore") },
        .seed = command_take_option(&argc, argv, "--seed"),
        .http = command_take_option(&argc, argv, "--http"),
        .replay = command_take_option(&argc, argv, "--replay"),
    };
    if (!command_knows_all(argc, argv)) return 2;
    words.deed = argc > 1 ? argv[1] : "";
    bool is_run = strcmp(words.deed, "run") == 0, is_check = strcmp(words.deed, "check") == 0;
    if (!is_run && !is_check && strcmp(words.deed, "draw") != 0)
        return wrong_use("run, check or draw?");
    if (argc < 3) return wrong_use("which file?");
    if (!is_run && has_run_words(&words)) return wrong_use("this option is of run alone");
    if (is_check) return scxml_check(argv + 2, argc - 2, words.run.wants_json);
    if (argc > 3) return wrong_use("one file at a time");
    words.run.path = argv[2];
    if (is_run) return run_chart(&words);
    return words.run.wants_json ? wrong_use("draw prints SVG") : scxml_draw_file(words.run.path);
}

const struct command scxml_command = {
    .name = "scxml",
    .arguments = "run [OPTIONS] FILE | check [--json] FILE... | draw FILE",
    .help = "run, check and draw state charts (SCXML)",
    .more =
        "  run FILE      events from standard input, a line each: its name, or\n"
        "                {\"name\":\"x\",\"data\":...}; {\"after\":500} lets 500 ms pass before "
        "the "
        "next line.\n"
        "                Prints a line for each macrostep, the active atomic states, and last\n"
        "                \"final ID\". Log elements go to standard error.\n"
        "  check FILE... every static error, \"file:line:column: error: words\"\n"
        "  draw FILE     SVG on standard output\n\n"
        "  --json          lines out as {\"configuration\":[\"a\",\"b\"]} and {\"final\":\"ID\"}; "
        "of\n"
        "                  check: "
        "{\"file\":...,\"line\":...,\"column\":...,\"severity\":...,\"words\":"
        "...}\n"
        "  --virtual-time  the clock stands still but for {\"after\":...}, so a run needs no time "
        "and\n"
        "                  repeats itself\n"
        "  --wait          when the input has ended, delayed sends still come, until the session\n"
        "                  ends or none is left; else the end of the input ends the run. Without\n"
        "                  any line of input it is so by itself\n"
        "  --seed N        of Math.random and the session ids (virtual time: 1)\n"
        "  --http PORT     where Basic HTTP events are received on 127.0.0.1; any free port\n"
        "                  without it; \"off\": nowhere\n"
        "  --record FILE   write down what came in, when, and what was done\n"
        "  --replay FILE   run a record again and compare\n"
        "  --save FILE     put the session aside when the input has ended before it did\n"
        "  --restore FILE  go on with what was put aside, of the same document\n\n"
        "Exit code: 0 the session or the input ended; 1 a line of input was wrong, or a replay\n"
        "differs; 2 the document is refused. Of check and draw: 0, or 2 for errors in a "
        "document.\n",
    .run = run,
};
