/* SPDX-License-Identifier: Apache-2.0 */
/* carillon size: what the databases will need (framework 14.4). */
#include "cli/command.h"
#include "cli/size.h"

#include <stdio.h>

static const struct {
    const char *name;
    uint32_t usual, max;
    size_t offset;
} inputs_known[] = {
    { "--emails-per-day", 0, 100000000, offsetof(struct size_inputs, emails_per_day) },
    { "--chats-per-day", 0, 100000000, offsetof(struct size_inputs, chats_per_day) },
    { "--days", 365, 36500, offsetof(struct size_inputs, days) },
    { "--contacts", 0, 4000000000, offsetof(struct size_inputs, contacts) },
    { "--attached-data", 4, 1000000, offsetof(struct size_inputs, attached_data_kb) },
    { "--peak-interactions", 0, 100000000, offsetof(struct size_inputs, peak_interactions) },
};
enum { INPUTS = sizeof inputs_known / sizeof inputs_known[0] };

static bool take_inputs(int *argc, char **argv, struct size_inputs *out)
{
    for (int i = 0; i < INPUTS; i++) {
        uint32_t *input = (uint32_t *)(void *)((char *)out + inputs_known[i].offset);
        const char *value = command_take_option(argc, argv, inputs_known[i].name);
        *input = inputs_known[i].usual;
        if (value && text_to_u32(text_of(value), 0, inputs_known[i].max, input)) {
            fprintf(stderr, "carillon size: %s must be 0 to %u\n", inputs_known[i].name,
                    (unsigned)inputs_known[i].max);
            return false;
        }
    }
    return true;
}

static int run(int argc, char **argv)
{
    struct size_inputs inputs;
    struct size_table table;
    struct buf out = { 0 };
    bool is_json = command_take_flag(&argc, argv, "--json");
    if (!take_inputs(&argc, argv, &inputs) || !command_knows_all(argc, argv)) return 2;
    if (argc > 1) {
        fprintf(stderr, "usage: carillon size %s\n", size_command.arguments);
        return 2;
    }
    size_reckon(&inputs, &table);
    if (is_json)
        size_print_json(&out, &inputs, &table);
    else
        size_print_table(&out, &table);
    (void)fwrite(out.at, 1, out.len, stdout);
    buf_free(&out);
    return 0;
}

const struct command size_command = {
    .name = "size",
    .arguments = "[--emails-per-day N] [--chats-per-day N] [--days N] [--contacts N] "
                 "[--attached-data KB] [--peak-interactions N] [--json]",
    .help = "reckon how much disk the databases of a centre will need",
    .more = "  --emails-per-day N     25 KB each\n"
            "  --chats-per-day N      5 KB each\n"
            "  --days N               how long both are kept; default 365\n"
            "  --contacts N           1 KB each\n"
            "  --attached-data KB     of an interaction; default 4\n"
            "  --peak-interactions N  active at the same time: 3.5 KB and their attached data\n"
            "  --json                 inputs, rows and sums in bytes\n",
    .run = run,
};
