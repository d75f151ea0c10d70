/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/command_words.h"

#include <stdlib.h>
#include <string.h>

static bool is_word_byte(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9') || byte == '-';
}

static void add_word(struct command_words *out, struct text word)
{
    if (word.len >= COMMAND_WORD_BYTES_MAX || out->count == COMMAND_WORDS_MAX) return;
    for (int i = 0; i < out->count; i++)
        if (text_eq(text_of(out->words[i]), word)) return;
    (void)text_to_z(word, out->words[out->count++], COMMAND_WORD_BYTES_MAX);
}

static int compare(const void *a, const void *b)
{
    return strcmp(a, b);
}

static void sort(struct command_words *out)
{
    qsort(out->words, (size_t)out->count, sizeof out->words[0], compare);
}

/* Whole words of small letters, digits and dashes; `are_options`: those that begin with two. */
static void add_words(struct command_words *out, struct text in, bool are_options)
{
    for (size_t at = 0; at < in.len;) {
        size_t end = at;
        while (end < in.len && is_word_byte(in.at[end])) end++;
        struct text word = text_slice(in, at, end - at);
        bool begins = at == 0 || strchr(" [|(\n", in.at[at - 1]) != NULL;
        bool ends = end == in.len || strchr(" ]|=)\n,;:.", in.at[end]) != NULL;
        bool is_option = text_starts(word, TEXT("--")) && word.len > 3;
        bool is_verb = word.len > 1 && word.at[0] >= 'a' && word.at[0] <= 'z';
        if (begins && ends && (are_options ? is_option : is_verb)) add_word(out, word);
        at = end + 1;
    }
}

void command_options(const struct command *command, struct command_words *out)
{
    *out = (struct command_words){ 0 };
    add_words(out, text_of(command->arguments), true);
    add_words(out, text_of(command->more), true);
    sort(out);
}

void command_verbs(const struct command *command, struct command_words *out)
{
    *out = (struct command_words){ 0 };
    add_words(out, text_of(command->arguments), false);
    sort(out);
}
