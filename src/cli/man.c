/* SPDX-License-Identifier: Apache-2.0 */
/* roff: a backslash, a dash and what begins a line need care; all else is text. */
#include "cli/man.h"

static void add_escaped(struct buf *out, struct text text, bool begins_line)
{
    for (size_t i = 0; i < text.len; i++) {
        char byte = text.at[i];
        if (begins_line && (byte == '.' || byte == '\'')) buf_add_z(out, "\\&");
        begins_line = byte == '\n';
        switch (byte) {
        case '\\': buf_add_z(out, "\\e"); break;
        case '-': buf_add_z(out, "\\-"); break;
        case '\'': buf_add_z(out, "\\(aq"); break;
        case '`': buf_add_z(out, "\\(ga"); break;
        case '^': buf_add_z(out, "\\(ha"); break;
        case '~': buf_add_z(out, "\\(ti"); break;
        default: buf_add_byte(out, byte); break;
        }
    }
}

static void add_plain(struct buf *out, const char *words)
{
    add_escaped(out, text_of(words), true);
}

static void add_head(struct buf *out, const char *name, const struct man_release *release)
{
    buf_add_z(out, ".\\\" Printed by carillon man. Do not edit.\n.TH ");
    for (const char *at = name; *at; at++)
        buf_add_byte(out, *at >= 'a' && *at <= 'z' ? (char)(*at - 'a' + 'A') : *at);
    buf_format(out, " 1 \"%s\" \"carillon %s\" \"Carillon\"\n.SH NAME\n", release->date,
               release->version);
}

/* "plan FILE | apply FILE": words in capitals are what the reader puts in. */
static void add_arguments(struct buf *out, const char *arguments)
{
    struct text rest = text_of(arguments);
    for (size_t at = 0; at < rest.len;) {
        size_t end = at;
        bool is_place = rest.at[at] >= 'A' && rest.at[at] <= 'Z';
        while (end < rest.len && (rest.at[end] >= 'A' && rest.at[end] <= 'Z') == is_place) end++;
        if (is_place) buf_add_z(out, "\\fI");
        add_escaped(out, text_slice(rest, at, end - at), false);
        if (is_place) buf_add_z(out, "\\fR");
        at = end;
    }
}

static void add_verbatim(struct buf *out, const char *more)
{
    struct text rest = text_of(more), words = rest;
    while (words.len > 0 && words.at[words.len - 1] == '\n') words.len--;
    buf_add_z(out, ".PP\n.nf\n");
    for (size_t at = 0; at < words.len;) {
        size_t end = text_find(words, '\n', at);
        if (end == SIZE_MAX) end = words.len;
        if (end == at)
            buf_add_z(out, "\\&");
        else
            add_escaped(out, text_slice(words, at, end - at), true);
        buf_add_byte(out, '\n');
        at = end + 1;
    }
    buf_add_z(out, ".fi\n");
}

static const char files_and_exit[] =
    ".SH ENVIRONMENT\n"
    ".TP\n"
    "CARILLON_DATA\n"
    "The data folder of the installation, where \\-\\-data does not name it; else ./run.\n"
    ".SH EXIT STATUS\n"
    "0 done, 1 failed, 2 wrong use, unless the description says otherwise.\n";

void man_print_command(struct buf *out, const struct command *command,
                       const struct man_release *release)
{
    struct buf name = { 0 };
    buf_format(&name, "carillon-%s", command->name);
    buf_add_byte(&name, '\0');
    add_head(out, name.at, release);
    add_plain(out, name.at);
    buf_add_z(out, " \\- ");
    add_escaped(out, text_of(command->help), false);
    buf_format(out, "\n.SH SYNOPSIS\n.B carillon %s\n", command->name);
    if (command->arguments[0]) {
        buf_add_z(out, "\\&");
        add_arguments(out, command->arguments);
        buf_add_byte(out, '\n');
    }
    buf_add_z(out, ".SH DESCRIPTION\n");
    add_plain(out, command->help);
    buf_add_z(out, ".\n");
    if (command->more) add_verbatim(out, command->more);
    buf_add_z(out, files_and_exit);
    buf_add_z(out, ".SH SEE ALSO\n.BR carillon (1)\n");
    buf_free(&name);
}

void man_print_all(struct buf *out, const struct command *const *commands, size_t count,
                   const struct man_release *release)
{
    add_head(out, "carillon", release);
    buf_add_z(out, "carillon \\- a contact centre\n"
                   ".SH SYNOPSIS\n"
                   ".B carillon\n"
                   "\\fICOMMAND\\fR ...\n"
                   ".SH DESCRIPTION\n"
                   "One program: the supervisor of a host, the servers that it starts, and the\n"
                   "commands that speak with them.\n"
                   ".SH COMMANDS\n");
    for (size_t i = 0; i < count; i++) {
        if (commands[i]->is_hidden) continue;
        buf_format(out, ".TP\n.BR carillon\\-");
        add_plain(out, commands[i]->name);
        buf_add_z(out, " (1)\n");
        add_plain(out, commands[i]->help);
        buf_add_byte(out, '\n');
    }
    buf_add_z(out, files_and_exit);
}
