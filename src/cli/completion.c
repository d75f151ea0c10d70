/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/completion.h"

#include "cli/command_words.h"

struct catalogue {
    const struct command *const *commands;
    size_t count;
};

static void add_words(struct buf *out, const struct command_words *words)
{
    for (int i = 0; i < words->count; i++) {
        buf_add_byte(out, ' ');
        buf_add_z(out, words->words[i]);
    }
}

static void add_all_words(struct buf *out, const struct command *command)
{
    struct command_words verbs, options;
    command_verbs(command, &verbs);
    command_options(command, &options);
    add_words(out, &verbs);
    add_words(out, &options);
}

static void add_names(struct buf *out, const struct catalogue *catalogue)
{
    for (size_t i = 0; i < catalogue->count; i++) {
        if (catalogue->commands[i]->is_hidden) continue;
        buf_add_byte(out, ' ');
        buf_add_z(out, catalogue->commands[i]->name);
    }
}

/* Inside single quotes of a shell. */
static void add_quoted(struct buf *out, const char *words, const char *instead_of_quote)
{
    for (const char *at = words; *at; at++)
        if (*at == '\'')
            buf_add_z(out, instead_of_quote);
        else
            buf_add_byte(out, *at);
}

static void print_bash(struct buf *out, const struct catalogue *catalogue)
{
    buf_add_z(out, "# bash: eval \"$(carillon completion bash)\", or into "
                   "/etc/bash_completion.d/carillon\n"
                   "_carillon() {\n"
                   "    local words\n"
                   "    if [ \"$COMP_CWORD\" -eq 1 ]; then\n"
                   "        words='");
    add_names(out, catalogue);
    buf_add_z(out, "'\n    else\n        case ${COMP_WORDS[1]} in\n        help) words='");
    add_names(out, catalogue);
    buf_add_z(out, "' ;;\n");
    for (size_t i = 0; i < catalogue->count; i++) {
        const struct command *command = catalogue->commands[i];
        if (command->is_hidden || text_eq(text_of(command->name), TEXT("help"))) continue;
        buf_format(out, "        %s) words='", command->name);
        add_all_words(out, command);
        buf_add_z(out, "' ;;\n");
    }
    buf_add_z(out, "        esac\n"
                   "    fi\n"
                   "    COMPREPLY=($(compgen -W \"$words\" -- \"${COMP_WORDS[COMP_CWORD]}\"))\n"
                   "}\n"
                   "complete -o default -o bashdefault -F _carillon carillon\n");
}

static void print_zsh(struct buf *out, const struct catalogue *catalogue)
{
    buf_add_z(out, "#compdef carillon\n"
                   "# zsh: into a folder of $fpath as _carillon, or eval \"$(carillon completion "
                   "zsh)\" behind compinit\n"
                   "_carillon() {\n"
                   "    local -a commands=(\n");
    for (size_t i = 0; i < catalogue->count; i++) {
        const struct command *command = catalogue->commands[i];
        if (command->is_hidden) continue;
        buf_format(out, "        '%s:", command->name);
        add_quoted(out, command->help, "'\\''");
        buf_add_z(out, "'\n");
    }
    buf_add_z(out, "    )\n"
                   "    if (( CURRENT == 2 )); then\n"
                   "        _describe command commands\n"
                   "        return\n"
                   "    fi\n"
                   "    case $words[2] in\n"
                   "    help) _describe command commands ;;\n");
    for (size_t i = 0; i < catalogue->count; i++) {
        const struct command *command = catalogue->commands[i];
        if (command->is_hidden || text_eq(text_of(command->name), TEXT("help"))) continue;
        buf_format(out, "    %s) compadd --", command->name);
        add_all_words(out, command);
        buf_add_z(out, " ;;\n");
    }
    buf_add_z(out, "    esac\n"
                   "    _files\n"
                   "}\n"
                   "compdef _carillon carillon\n");
}

static void print_fish_command(struct buf *out, const struct command *command)
{
    struct command_words words;
    buf_format(out, "complete -c carillon -n __fish_use_subcommand -f -a %s -d '", command->name);
    add_quoted(out, command->help, "\\'");
    buf_add_z(out, "'\n");
    command_verbs(command, &words);
    for (int i = 0; i < words.count; i++)
        buf_format(out, "complete -c carillon -n '__fish_seen_subcommand_from %s' -a %s\n",
                   command->name, words.words[i]);
    command_options(command, &words);
    for (int i = 0; i < words.count; i++)
        buf_format(out, "complete -c carillon -n '__fish_seen_subcommand_from %s' -l %s\n",
                   command->name, words.words[i] + 2);
}

static void print_fish(struct buf *out, const struct catalogue *catalogue)
{
    buf_add_z(out, "# fish: into ~/.config/fish/completions/carillon.fish\n");
    for (size_t i = 0; i < catalogue->count; i++)
        if (!catalogue->commands[i]->is_hidden) print_fish_command(out, catalogue->commands[i]);
}

enum err completion_print(struct buf *out, struct text shell, const struct command *const *commands,
                          size_t count)
{
    const struct catalogue catalogue = { commands, count };
    if (text_eq(shell, TEXT("bash")))
        print_bash(out, &catalogue);
    else if (text_eq(shell, TEXT("zsh")))
        print_zsh(out, &catalogue);
    else if (text_eq(shell, TEXT("fish")))
        print_fish(out, &catalogue);
    else
        return ERR_INVALID;
    return ERR_OK;
}
