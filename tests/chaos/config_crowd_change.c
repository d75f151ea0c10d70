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
    OBJECTS_MAX = 100000,
    MAKE_AT_ONCE = 1000,
    MANY_AT_ONCE = 300,
    ANSWER_MS = 30000,
    CONNECT_MS = 20000,
    PAUSE_MS = 50
};

/* Which types, by turns, and the property that is changed. */
static const struct kind {
    const char *type, *property;
} kinds[] = { { "Place", "site" }, { "Skill", "description" }, { "VoicePrompt", "description" } };
enum { KINDS = sizeof kinds / sizeof *kinds };

/* Of an object, as far as we know: its name begins with p or q. */
enum state { STATE_GONE, STATE_P, STATE_Q, STATES };

struct changer {
    struct tool tool;
    struct link *link;
    struct random random;
    uint32_t objects;
    uint8_t *states;
    uint64_t rev, done, operations, refused, lost;
    uint64_t again; /* answers whose revision was another answer's: one of them was lost */
};

static void on_done(void *self, const void *fields)
{
    struct changer *changer = self;
    uint64_t rev = ((const struct config_change_set_done *)fields)->rev;
    changer->again += rev <= changer->rev;
    changer->rev = rev;
}

static uint64_t chance(struct changer *changer, uint64_t below)
{
    return random_below(&changer->random, below);
}

static struct text name_of(struct scope *scope, uint32_t index, enum state state)
{
    return scope_format(scope, "%c%05u", state == STATE_Q ? 'q' : 'p', index);
}

static struct text new_value(struct changer *changer, struct scope *scope, const struct kind *kind)
{
    unsigned long long word = (unsigned long long)chance(changer, UINT32_MAX);
    if (chance(changer, 3)) return scope_format(scope, "{\"%s\":\"%llx\"}", kind->property, word);
    return scope_format(scope, "{\"annex\":{\"s%llu\":{\"o%llu\":\"%llx\"}}}", word % 3, word % 5,
                        word);
}

/* One operation on object `index`, and what it is after that; the texts lie in `scope`. */
static struct config_change_op operation(struct changer *changer, struct scope *scope,
                                         uint32_t index, uint8_t *after)
{
    const struct kind *kind = &kinds[index % KINDS];
    enum state state = changer->states[index];
    struct config_change_op op = {
        .head.has = CONFIG_CHANGE_OP_HAS_OP | CONFIG_CHANGE_OP_HAS_TYPE | CONFIG_CHANGE_OP_HAS_KEY |
                    CONFIG_CHANGE_OP_HAS_VALUE,
        .op = TEXT("update"),
        .type = text_of(kind->type),
        .key = name_of(scope, index, state),
    };
    uint64_t chosen = chance(changer, 100);
    *after = (uint8_t)state;
    if (state == STATE_GONE) {
        *after = STATE_P;
        op.head.has &= ~(uint64_t)CONFIG_CHANGE_OP_HAS_KEY;
        op.op = TEXT("create");
        op.value = scope_format(scope, "{\"name\":\"%.*s\",\"%s\":\"new\"}", TEXT_ARG(op.key),
                                kind->property);
    } else if (chosen < 10) {
        *after = STATE_GONE;
        op.head.has &= ~(uint64_t)CONFIG_CHANGE_OP_HAS_VALUE;
        op.op = TEXT("delete");
    } else if (chosen < 20) {
        *after = state == STATE_P ? STATE_Q : STATE_P;
        struct text name = name_of(scope, index, (enum state) * after);
        op.value = scope_format(scope, "{\"name\":\"%.*s\"}", TEXT_ARG(name));
    } else {
        op.value = new_value(changer, scope, kind);
    }
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

/* `count` objects from `first` on, which wraps around; all of them or none. An answer that was lost
 * leaves us in doubt: what it says the next time corrects us. */
static void change_some(struct changer *changer, uint32_t first, uint32_t count)
{
    struct scope *scratch = scope_new(NULL, "change", SCOPE_NO_LIMIT);
    struct config_change_op *ops = scope_alloc_array(scratch, count, sizeof *ops);
    uint8_t *after = scope_alloc_array(scratch, count, sizeof *after);
    for (uint32_t i = 0; i < count; i++)
        ops[i] = operation(changer, scratch, (first + i) % changer->objects, &after[i]);
    enum err err = submit(changer, ops, count);
    for (uint32_t i = 0; i < count && !err; i++)
        changer->states[(first + i) % changer->objects] = after[i];
    bool is_in_doubt = err == ERR_EXISTS || err == ERR_NOT_FOUND;
    changer->done += !err;
    changer->operations += err ? 0 : count;
    changer->refused += err != ERR_OK;
    if (is_in_doubt && count == 1)
        changer->states[first] = (uint8_t)((changer->states[first] + 1) % STATES);
    if (is_in_doubt && count > 1)
        for (uint32_t i = 0; i < count; i++)
            change_some(changer, (first + i) % changer->objects, 1);
    scope_close(scratch);
}

static void make_all(struct changer *changer)
{
    for (uint32_t i = 0; i < changer->objects; i += MAKE_AT_ONCE) {
        uint32_t rest = changer->objects - i;
        change_some(changer, i, rest < MAKE_AT_ONCE ? rest : MAKE_AT_ONCE);
    }
}

static void change_until(struct changer *changer, uint64_t end_mono_ms)
{
    while (loop_now_mono_ms(changer->tool.loop) < end_mono_ms) {
        uint32_t first = (uint32_t)chance(changer, changer->objects);
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
        !read_number(argv[5], OBJECTS_MAX, &changer.objects))
        return 2;
    enum err err = tool_open(&changer.tool, argv[2], &fault);
    if (!err) err = tool_connect_config(&changer.tool, CONNECT_MS, &changer.link, &fault);
    if (err) {
        (void)fprintf(stderr, "config-crowd: %s\n", fault.words);
        return 1;
    }
    random_seed(&changer.random, seed);
    changer.states = scope_alloc_array(changer.tool.life, changer.objects, sizeof *changer.states);
    make_all(&changer);
    change_until(&changer, loop_now_mono_ms(changer.tool.loop) + seconds * 1000ull);
    change_last(&changer);
    printf("revision %" PRIu64 " again %" PRIu64 " done %" PRIu64 " operations %" PRIu64
           " refused %" PRIu64 " lost %" PRIu64 "\n",
           changer.rev, changer.again, changer.done, changer.operations, changer.refused,
           changer.lost);
    tool_close(&changer.tool);
    return 0;
}
