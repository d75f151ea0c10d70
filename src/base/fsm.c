/* SPDX-License-Identifier: Apache-2.0 */
#include "base/fsm.h"

enum { CHAIN_OF_ANSWERS_MAX = 32 };

void fsm_start(struct fsm *fsm, const struct fsm_machine *machine, int state, uint64_t now_ms)
{
    ASSERT(state >= 0 && state < machine->state_count);
    *fsm = (struct fsm){ .machine = machine, .state = state, .entered_ms = now_ms };
}

static const struct fsm_rule *rule_that_fits(const struct fsm *fsm, int event, const void *self)
{
    for (size_t i = 0; i < fsm->machine->rule_count; i++) {
        const struct fsm_rule *rule = &fsm->machine->rules[i];
        if (rule->in != FSM_ANY && rule->in != fsm->state) continue;
        if (rule->on != FSM_ANY && rule->on != event) continue;
        if (rule->when && !rule->when(self)) continue;
        return rule;
    }
    return NULL;
}

static void note_step(struct fsm *fsm, int event, int to, uint64_t now_ms)
{
    fsm->trail[fsm->steps++ % FSM_TRAIL] =
        (struct fsm_step){ now_ms, (int16_t)fsm->state, (int16_t)event, (int16_t)to };
}

bool fsm_feed(struct fsm *fsm, int event, void *self, const void *detail, uint64_t now_ms,
              struct actions *out)
{
    for (int answers = 0; event != FSM_NONE; answers++) {
        ASSERT(answers < CHAIN_OF_ANSWERS_MAX);
        const struct fsm_rule *rule = rule_that_fits(fsm, event, self);
        if (rule == NULL) return false;
        int to = rule->go == FSM_STAY ? fsm->state : rule->go;
        int next_event = rule->run ? rule->run(self, detail, out) : FSM_NONE;
        note_step(fsm, event, to, now_ms);
        if (rule->go != FSM_STAY) {
            fsm->state = to;
            fsm->entered_ms = now_ms;
            if (fsm->machine->states[to].enter) fsm->machine->states[to].enter(self, out);
        }
        event = next_event;
    }
    return true;
}

uint64_t fsm_due_ms(const struct fsm *fsm, const void *self)
{
    const struct fsm_state *state = &fsm->machine->states[fsm->state];
    return state->limit_ms ? fsm->entered_ms + state->limit_ms(self) : UINT64_MAX;
}

const char *fsm_state_name(const struct fsm *fsm)
{
    return fsm->machine->states[fsm->state].name;
}

void fsm_print_trail(const struct fsm *fsm, struct buf *out)
{
    uint64_t first = fsm->steps > FSM_TRAIL ? fsm->steps - FSM_TRAIL : 0;
    for (uint64_t i = first; i < fsm->steps; i++) {
        const struct fsm_step *step = &fsm->trail[i % FSM_TRAIL];
        buf_format(out, "%llu %s: %s -> %s\n", (unsigned long long)step->at_ms,
                   fsm->machine->states[step->from].name, fsm->machine->events[step->event],
                   fsm->machine->states[step->to].name);
    }
}

static const char *event_name(const struct fsm_machine *machine, int event)
{
    return event == FSM_ANY ? "any" : machine->events[event];
}

static void draw_rule(const struct fsm_machine *machine, const struct fsm_rule *rule, int state,
                      struct buf *out)
{
    int to = rule->go == FSM_STAY ? state : rule->go;
    buf_format(out, "  \"%s\" -> \"%s\" [label=\"%s%s%s%s\"];\n", machine->states[state].name,
               machine->states[to].name, event_name(machine, rule->on), rule->when ? " [if]" : "",
               rule->why ? "\\n" : "", rule->why ? rule->why : "");
}

void fsm_draw(const struct fsm_machine *machine, struct buf *out)
{
    buf_format(out, "digraph \"%s\" {\n", machine->name);
    for (int state = 0; state < machine->state_count; state++) {
        buf_format(out, "  \"%s\"%s;\n", machine->states[state].name,
                   machine->states[state].is_final ? " [peripheries=2]" : "");
        for (size_t i = 0; i < machine->rule_count; i++) {
            const struct fsm_rule *rule = &machine->rules[i];
            if (rule->in == state || (rule->in == FSM_ANY && !machine->states[state].is_final))
                draw_rule(machine, rule, state, out);
        }
    }
    buf_add_z(out, "}\n");
}

static bool is_answered(const struct fsm_machine *machine, int state, int event)
{
    for (size_t i = 0; i < machine->rule_count; i++) {
        const struct fsm_rule *rule = &machine->rules[i];
        if ((rule->in == FSM_ANY || rule->in == state) &&
            (rule->on == FSM_ANY || rule->on == event))
            return true;
    }
    return false;
}

size_t fsm_list_unanswered(const struct fsm_machine *machine, struct buf *out)
{
    size_t count = 0;
    for (int state = 0; state < machine->state_count; state++)
        for (int event = 0; event < machine->event_count; event++) {
            if (machine->states[state].is_final || is_answered(machine, state, event)) continue;
            buf_format(out, "%s %s\n", machine->states[state].name, machine->events[event]);
            count++;
        }
    return count;
}
