/* SPDX-License-Identifier: Apache-2.0 */
/* carillon man: writes the man pages into a folder; the build does it (man/). */
#include "cli/command.h"
#include "cli/man.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

static int complain(const char *path)
{
    fprintf(stderr, "carillon man: %s: %s\n", path, strerror(errno));
    return 1;
}

static int write_page(const char *folder, const char *name, const struct buf *page)
{
    struct buf path = { 0 };
    buf_format(&path, "%s/%s.1", folder, name);
    buf_add_byte(&path, '\0');
    FILE *file = fopen(path.at, "we");
    bool is_written = file && fwrite(page->at, 1, page->len, file) == page->len;
    if (file && fclose(file) != 0) is_written = false;
    int code = is_written ? 0 : complain(path.at);
    buf_free(&path);
    return code;
}

/* Today, or the date of $SOURCE_DATE_EPOCH, for builds that shall come out the same again. */
static void find_date(char out[16])
{
    uint64_t epoch = (uint64_t)time(NULL);
    (void)text_to_u64(text_of(getenv("SOURCE_DATE_EPOCH")), 0, 253402300799, &epoch);
    time_t seconds = (time_t)epoch;
    struct tm day;
    (void)gmtime_r(&seconds, &day);
    (void)strftime(out, 16, "%Y-%m-%d", &day);
}

static int write_pages(const char *folder)
{
    char date[16];
    struct buf page = { 0 };
    find_date(date);
    const struct man_release release = { CARILLON_VERSION, date };
    man_print_all(&page, COMMANDS, COMMAND_COUNT, &release);
    int code = write_page(folder, "carillon", &page);
    for (size_t i = 0; code == 0 && i < COMMAND_COUNT; i++) {
        if (COMMANDS[i]->is_hidden) continue;
        struct buf name = { 0 };
        buf_format(&name, "carillon-%s", COMMANDS[i]->name);
        buf_add_byte(&name, '\0');
        buf_clear(&page);
        man_print_command(&page, COMMANDS[i], &release);
        code = write_page(folder, name.at, &page);
        buf_free(&name);
    }
    buf_free(&page);
    return code;
}

static int run(int argc, char **argv)
{
    if (!command_knows_all(argc, argv)) return 2;
    if (argc != 2) {
        fprintf(stderr, "usage: carillon man %s\n", man_command.arguments);
        return 2;
    }
    if (mkdir(argv[1], 0755) < 0 && errno != EEXIST) return complain(argv[1]);
    return write_pages(argv[1]);
}

const struct command man_command = {
    .name = "man",
    .arguments = "FOLDER",
    .help = "write the man pages of all commands into a folder",
    .run = run,
};
