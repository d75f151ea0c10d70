/* SPDX-License-Identifier: Apache-2.0 */
#include "scxml/engine/private.h"

enum {
    COLLECT_BYTES = 8 * 1024 * 1024,
    COUNT_PARTS = 16 /* of what a session may have: that much more, and it is counted again */
};

static void select_session(struct scxml_evaluator *evaluator, struct scxml_variables *variables)
{
    struct watch *watch = &evaluator->watch;
    raw_set_global(evaluator->ctx, variables ? variables->data : evaluator->global,
                   variables ? &variables->has_changes : NULL);
    watch_end_many(watch); /* loops that were left open by who ran before */
    evaluator->loop_count = 0;
    watch->chance = variables ? &variables->chance : NULL;
    evaluator->running = variables;
}

static duk_ret_t run_deed(duk_context *ctx, void *self)
{
    struct deed *deed = self;
    struct scxml_evaluator *evaluator = evaluator_of(ctx);
    if (evaluator->running != deed->variables) select_session(evaluator, deed->variables);
    deed->run(ctx, deed);
    return 0;
}

/* What was thrown, in words. Its own toString() may be anything, so it runs within the same bounds.
 */
static enum scxml_verdict failure(struct scxml_evaluator *evaluator, struct fault *fault)
{
    duk_context *ctx = evaluator->ctx;
    struct watch *watch = &evaluator->watch;
    const char *words = watch->is_exhausted || watch->is_over ? "" : duk_safe_to_string(ctx, -1);
    if (watch->is_exhausted) {
        fault_set(fault, ERR_LIMIT, "", "the script heap is full");
        return SCXML_EXHAUSTED;
    }
    if (watch->is_over) {
        fault_set(fault, ERR_TIMEOUT, "", "stopped after %u ms",
                  (unsigned)(watch->limit_ns / 1000000));
        return SCXML_OVERRUN;
    }
    fault_set(fault, ERR_INVALID, "", "%s", words);
    return SCXML_FAILED;
}

static size_t bytes_allowed(const struct scxml_evaluator *evaluator, const struct deed *deed)
{
    const struct scxml_variables *variables = deed->variables;
    if (!variables) return evaluator->heap_max;
    size_t session_max = evaluator->session_max * (deed->times ? deed->times : 1);
    size_t left = session_max > variables->bytes ? session_max - variables->bytes : 0;
    size_t max = evaluator->watch.bytes + left;
    return max < evaluator->heap_max ? max : evaluator->heap_max;
}

static void count_bytes(struct scxml_variables *variables, size_t before, size_t after)
{
    if (!variables) return;
    if (after >= before)
        variables->bytes += after - before;
    else
        variables->bytes -= before - after < variables->bytes ? before - after : variables->bytes;
}

static enum scxml_verdict broken(struct fault *fault)
{
    fault_set(fault, ERR_INTERNAL, "", "the script heap broke down");
    return SCXML_EXHAUSTED;
}

/* Most garbage goes at once, as references are counted. Circles wait until the heap has doubled: a
 * collection walks over all sessions, and no script should pay for that. */
static void collect(struct scxml_evaluator *evaluator)
{
    duk_gc(evaluator->ctx, 0);
    evaluator->collect_at = evaluator->watch.bytes * 2 + COLLECT_BYTES;
}

/* Who makes circles of garbage has it on the account until it is counted what is still there. That
 * takes as long as a collection: only who has used half of what is allowed is counted. */
static void count_again(struct scxml_evaluator *evaluator, struct scxml_variables *variables)
{
    size_t max = evaluator->session_max;
    if (variables->bytes <= max / 2 || variables->bytes < variables->counted + max / COUNT_PARTS)
        return;
    size_t bytes = raw_reachable_bytes(evaluator->ctx, variables->data);
    size_t shared = evaluator->shared_bytes;
    variables->bytes = variables->counted = bytes > shared ? bytes - shared : 0;
}

static enum scxml_verdict perform(struct scxml_evaluator *evaluator, struct deed *deed,
                                  struct fault *fault)
{
    duk_context *ctx = evaluator->ctx;
    enum scxml_verdict verdict = SCXML_DONE;
    size_t before = evaluator->watch.bytes;
    evaluator->is_assigning = false;
    if (deed->variables) evaluator->watch.now_ms = deed->variables->now_ms;
    if (duk_safe_call(ctx, run_deed, deed, 0, 1) != DUK_EXEC_SUCCESS)
        verdict = failure(evaluator, fault);
    duk_set_top(ctx, 0);
    count_bytes(deed->variables, before, evaluator->watch.bytes);
    if (evaluator->watch.bytes > evaluator->collect_at) collect(evaluator);
    if (deed->variables) count_again(evaluator, deed->variables);
    return verdict;
}

enum scxml_verdict engine_enter(struct scxml_evaluator *evaluator, struct deed *deed,
                                struct fault *fault)
{
    if (evaluator->is_dead) return broken(fault);
    watch_begin(&evaluator->watch, bytes_allowed(evaluator, deed));
    evaluator->watch.times = deed->variables || deed->times ? deed->times : 1;
    if (setjmp(evaluator->watch.escape)) {
        evaluator->is_dead = true;
        return broken(fault);
    }
    return perform(evaluator, deed, fault);
}
