/* SPDX-License-Identifier: Apache-2.0 */
/* carillon log: what a process said last before it died (framework 8.1, output memory). */
#include "app/log_memory.h"
#include "cli/command.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static int complain(const char *path, const char *words)
{
    fprintf(stderr, "carillon log: %s: %s\n", path, words);
    return 1;
}

static int print_memory(const char *path)
{
    struct buf file = { 0 }, lines = { 0 };
    struct fault fault = { 0 };
    FILE *stream = fopen(path, "re");
    if (stream == NULL) return complain(path, strerror(errno));
    enum { BYTES = LOG_MEMORY_FILE_BYTES + 1 };
    file.len = fread(buf_reserve(&file, BYTES), 1, BYTES, stream);
    (void)fclose(stream);
    enum err err = log_memory_read(buf_text(&file), &lines, &fault);
    if (!err && lines.len > 0) (void)fwrite(lines.at, 1, lines.len, stdout);
    buf_free(&file);
    buf_free(&lines);
    return err ? complain(path, fault.words) : 0;
}

static int run(int argc, char **argv)
{
    if (!command_knows_all(argc, argv)) return 2;
    if (argc != 3 || strcmp(argv[1], "memory") != 0) {
        fprintf(stderr, "usage: carillon log %s\n", log_command.arguments);
        return 2;
    }
    return print_memory(argv[2]);
}

const struct command log_command = {
    .name = "log",
    .arguments = "memory FILE",
    .help = "print the latest lines that a process kept for the case of a crash",
    .more = "  memory FILE   the file of [log] memory; FILE.before is that of the run before\n",
    .run = run,
};
