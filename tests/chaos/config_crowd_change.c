/* SPDX-License-Identifier: Apache-2.0 */
/* Begin at crowd_change(). Answers are awaited one by one; config may be killed at any time. */
#include "config_crowd.h"

#include "base/buf.h"
#include "base/random.h"
#include "cli/tool.h"
#include "gen/messages.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    PLACES_MAX = 100000,
    MAKE_AT_ONCE = 1000,
    MANY_AT_ONCE = 300,
    ANSWER_MS = 30000,
    CONNECT_MS = 20000,
    PAUSE_MS = 50
};

struct changer {
    struct tool tool;
    struct link *link;
    struct random random;
    uint32_t places;
    bool *exists; /* as far as we know */
    uint64_t rev, done, refused, lost;
};

static void on_done(void *self, const void *fields)
{
    ((struct changer *)self)->rev = ((const struct config_change_set_done *)fields)->rev;
}

static uint64_t chance(struct changer *changer, uint64_t below)
{
    return random_below(&changer->random, below);
}

/* One operation on place `index`; its texts lie in `scope`. */
static struct config_change_op operation(struct changer *changer, struct scope *scope,
                                         uint32_t index)
{
    struct config_change_op op = {
        .head.has = CONFIG_CHANGE_OP_HAS_OP | CONFIG_CHANGE_OP_HAS_TYPE,
        .type = TEXT("Place"),
        .key = scope_format(scope, "p%05u", index),
    };
    unsigned long long word = (unsigned long long)chance(changer, UINT32_MAX);
    if (!changer->exists[index]) {
        op.op = TEXT("create");
        op.value = scope_format(scope, "{\"name\":\"p%05u\",\"site\":\"%llx\"}", index, word);
    } else if (chance(changer, 100) < 12) {
        op.op = TEXT("delete");
    } else {
        op.op = TEXT("update");
        op.value = chance(changer, 3)
                       ? scope_format(scope, "{\"site\":\"%llx\"}", word)
                       : scope_format(scope, "{\"annex\":{\"s%llu\":{\"o%llu\":\"%llx\"}}}",
                                      word % 3, word % 5, word);
    }
    if (!text_eq(op.op, TEXT("create"))) op.head.has |= CONFIG_CHANGE_OP_HAS_KEY;
    if (op.value.len) op.head.has |= CONFIG_CHANGE_OP_HAS_VALUE;
    return op;
}

static enum err submit(struct changer *changer, struct config_change_op *ops, uint32_t count)
{
    struct config_change_set set = { .head.has = CONFIG_CHANGE_SET_HAS_OPS, .ops = { ops, count } };
    struct fault fault = { 0 };
    enum err err = tool_ask(&changer->tool, changer->link, &MSG_CONFIG_CHANGE_SET, &set, ANSWER_MS,
                            on_done, changer, &fault);
    if (err == ERR_CLOSED || err == ERR_TIMEOUT || err == ERR_UNAVAILABLE) {
        changer->lost++;
        loop_run_for(changer->tool.loop, PAUSE_MS);
    }
    return err;
}

static bool is_there_after(const struct config_change_op *op)
{
    return !text_eq(op->op, TEXT("delete"));
}

/* `count` places from `first` on, which wraps around; all of them or none. An answer that was lost
 * leaves us in doubt: what it says the next time corrects us. */
static void change_some(struct changer *changer, uint32_t first, uint32_t count)
{
    struct scope *scratch = scope_new(NULL, "change", SCOPE_NO_LIMIT);
    struct config_change_op *ops = scope_alloc_array(scratch, count, sizeof *ops);
    for (uint32_t i = 0; i < count; i++)
        ops[i] = operation(changer, scratch, (first + i) % changer->places);
    enum err err = submit(changer, ops, count);
    for (uint32_t i = 0; i < count && !err; i++)
        changer->exists[(first + i) % changer->places] = is_there_after(&ops[i]);
    bool is_in_doubt = err == ERR_EXISTS || err == ERR_NOT_FOUND;
    changer->done += !err;
    changer->refused += err != ERR_OK;
    if (is_in_doubt && count == 1) changer->exists[first] = err == ERR_EXISTS;
    if (is_in_doubt && count > 1)
        for (uint32_t i = 0; i < count; i++) change_some(changer, (first + i) % changer->places, 1);
    scope_close(scratch);
}

static void make_all(struct changer *changer)
{
    for (uint32_t i = 0; i < changer->places; i += MAKE_AT_ONCE) {
        uint32_t rest = changer->places - i;
        change_some(changer, i, rest < MAKE_AT_ONCE ? rest : MAKE_AT_ONCE);
    }
}

static void change_until(struct changer *changer, uint64_t end_mono_ms)
{
    while (loop_now_mono_ms(changer->tool.loop) < end_mono_ms) {
        uint32_t first = (uint32_t)chance(changer, changer->places);
        uint32_t count = chance(changer, 200) ? 1 + (uint32_t)chance(changer, 4) : MANY_AT_ONCE;
        change_some(changer, first, count);
    }
}

/* The last word: a change that is certain. */
static void change_last(struct changer *changer)
{
    uint64_t before = changer->done;
    while (changer->done == before) change_some(changer, 0, 1);
}

static bool read_number(const char *word, uint32_t max, uint32_t *out)
{
    return text_to_u32(text_of(word), 1, max, out) == ERR_OK;
}

int crowd_change(int argc, char **argv)
{
    struct changer changer = { 0 };
    struct fault fault = { 0 };
    uint32_t seed, seconds;
    (void)argc;
    if (!read_number(argv[3], UINT32_MAX, &seed) || !read_number(argv[4], 86400, &seconds) ||
        !read_number(argv[5], PLACES_MAX, &changer.places))
        return 2;
    enum err err = tool_open(&changer.tool, argv[2], &fault);
    if (!err) err = tool_connect_config(&changer.tool, CONNECT_MS, &changer.link, &fault);
    if (err) {
        (void)fprintf(stderr, "config-crowd: %s\n", fault.words);
        return 1;
    }
    random_seed(&changer.random, seed);
    changer.exists = scope_alloc_array(changer.tool.life, changer.places, sizeof *changer.exists);
    make_all(&changer);
    change_until(&changer, loop_now_mono_ms(changer.tool.loop) + seconds * 1000ull);
    change_last(&changer);
    printf("revision %" PRIu64 " done %" PRIu64 " refused %" PRIu64 " lost %" PRIu64 "\n",
           changer.rev, changer.done, changer.refused, changer.lost);
    tool_close(&changer.tool);
    return 0;
}
