/* SPDX-License-Identifier: Apache-2.0 */
/* Configuration files: what JSON does not have becomes blanks, before the reader sees it. */
#include "format/json.h"

#include <string.h>

struct blanker {
    struct text in;
    char *out;
    size_t at, comma; /* comma: index of one that may turn out to be trailing, or SIZE_MAX */
};

static void pass_string(struct blanker *blanker)
{
    size_t i = blanker->at + 1;
    while (i < blanker->in.len && blanker->in.at[i] != '"' && blanker->in.at[i] != '\n')
        i += blanker->in.at[i] == '\\' ? 2 : 1;
    blanker->at = i + 1;
}

static void blank(struct blanker *blanker, size_t until)
{
    for (; blanker->at < until; blanker->at++)
        if (blanker->out[blanker->at] != '\n' && blanker->out[blanker->at] != '\r')
            blanker->out[blanker->at] = ' ';
}

static bool blank_comment(struct blanker *blanker)
{
    struct text rest = text_slice(blanker->in, blanker->at, SIZE_MAX);
    size_t end;
    if (text_starts(rest, TEXT("//"))) {
        end = text_find(blanker->in, '\n', blanker->at);
        if (end == SIZE_MAX) end = blanker->in.len;
    } else {
        const char *found = rest.len > 2 ? memmem(rest.at + 2, rest.len - 2, "*/", 2) : NULL;
        if (found == NULL) return false;
        end = (size_t)(found - blanker->in.at) + 2;
    }
    blank(blanker, end);
    return true;
}

static void note_byte(struct blanker *blanker)
{
    char byte = blanker->in.at[blanker->at];
    bool is_blank = byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
    if ((byte == '}' || byte == ']') && blanker->comma != SIZE_MAX)
        blanker->out[blanker->comma] = ' ';
    if (!is_blank) blanker->comma = byte == ',' ? blanker->at : SIZE_MAX;
    blanker->at++;
}

enum err json_blank_comments(struct text in, struct buf *out, struct fault *fault)
{
    size_t before = out->len;
    if (in.len == 0) return ERR_OK;
    buf_add(out, in);
    ASSERT(out->at != NULL);
    struct blanker blanker = { .in = in, .out = out->at + before, .comma = SIZE_MAX };
    while (blanker.at < in.len) {
        struct text rest = text_slice(in, blanker.at, 2);
        if (rest.at[0] == '"') {
            blanker.comma = SIZE_MAX;
            pass_string(&blanker);
        } else if (text_eq(rest, TEXT("//")) || text_eq(rest, TEXT("/*"))) {
            if (!blank_comment(&blanker))
                return fault_set(fault, ERR_INVALID, "", "a comment does not end");
        } else {
            note_byte(&blanker);
        }
    }
    return ERR_OK;
}
