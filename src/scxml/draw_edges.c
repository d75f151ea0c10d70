/* SPDX-License-Identifier: Apache-2.0 */
/* Which lines there are: transitions become legs, loops and notes. */
#include "scxml/draw_private.h"

double draw_text_width(struct text text, double of_letter)
{
    size_t letters = 0;
    for (size_t i = 0; i < text.len; i++) letters += ((unsigned char)text.at[i] & 0xc0) != 0x80;
    return (double)letters * of_letter;
}

struct text draw_shorten(struct drawing *drawing, struct text text, uint32_t max)
{
    size_t letters = 0, cut = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (((unsigned char)text.at[i] & 0xc0) == 0x80) continue;
        if (letters == max - 3) cut = i;
        letters++;
    }
    if (letters <= max) return text;
    return scope_format(drawing->scope, "%.*s...", (int)cut, text.at);
}

/* --- words --- */

/* "event other [cond]" */
static struct text label_of(struct drawing *drawing, const struct scxml_transition *transition)
{
    struct buf words = { 0 };
    for (uint32_t i = 0; i < transition->descriptor_count; i++) {
        if (i > 0) buf_add_byte(&words, ' ');
        buf_add(&words, transition->descriptors[i]);
    }
    if (transition->cond != SCXML_NONE) {
        struct text cond = drawing->document->expressions[transition->cond].source;
        buf_format(&words, "%s[%.*s]", words.len ? " " : "", TEXT_ARG(text_trim(cond)));
    }
    struct text label = scope_keep(drawing->scope, buf_text(&words));
    buf_free(&words);
    return label;
}

/* --- legs --- */

struct way { /* key of what leads to a state already */
    uint32_t box, target;
};

static void *known_way(struct table *ways, uint32_t box, uint32_t target)
{
    struct way way = { box, target };
    return table_get(ways, TEXT_OF(&way));
}

static void keep_way(struct drawing *drawing, struct table *ways, uint32_t box, uint32_t target,
                     void *value)
{
    struct way *way = scope_alloc(drawing->scope, sizeof *way);
    *way = (struct way){ box, target };
    table_put(ways, TEXT_OF(way), value);
}

static struct draw_leg *add_leg(struct drawing *drawing, uint32_t frame, uint32_t from)
{
    struct draw_leg *leg = scope_alloc(drawing->scope, sizeof *leg);
    struct draw_box *owner = &drawing->boxes[frame];
    drawing->leg_count++;
    leg->frame = frame;
    leg->from = from;
    leg->to = SCXML_NONE;
    *(owner->legs ? owner->legs_end : &owner->legs) = leg;
    owner->legs_end = &leg->next_of_frame;
    if (from == SCXML_NONE) return leg;
    struct draw_box *box = &drawing->boxes[from];
    leg->port = box->port_count++;
    *(box->leaving ? box->leaving_end : &box->leaving) = leg;
    box->leaving_end = &leg->next_of_box;
    return leg;
}

/* The child of `frame` that is or holds `state`. */
static uint32_t child_towards(const struct drawing *drawing, uint32_t frame, uint32_t state)
{
    while (draw_state(drawing, state)->parent != frame) state = draw_state(drawing, state)->parent;
    return state;
}

/* From the upper side of box after box down to the target. */
static void lead_down(struct drawing *drawing, uint32_t box, uint32_t target)
{
    while (box != target && known_way(drawing->entries, box, target) == NULL) {
        struct draw_leg *leg = add_leg(drawing, box, SCXML_NONE);
        keep_way(drawing, drawing->entries, box, target, leg);
        leg->to = child_towards(drawing, box, target);
        leg->has_head = leg->to == target;
        box = leg->to;
    }
}

static uint32_t port_towards(struct drawing *drawing, uint32_t box, uint32_t target);

/* The rest of the way of a leg that begins at a box of `frame`. */
static void lead_on(struct drawing *drawing, struct draw_leg *leg, uint32_t target)
{
    if (scxml_is_descendant(drawing->document, target, leg->frame)) {
        leg->to = child_towards(drawing, leg->frame, target);
        leg->has_head = leg->to == target;
        lead_down(drawing, leg->to, target);
    } else { /* the frame itself, or beyond it */
        leg->has_head = leg->frame == target;
        leg->exit_port = port_towards(drawing, leg->frame, target);
    }
}

/* The port at a frame's lower side through which lines go to the target. */
static uint32_t port_towards(struct drawing *drawing, uint32_t box, uint32_t target)
{
    uint32_t *known = known_way(drawing->ports, box, target);
    if (known != NULL) return *known;
    uint32_t *port = scope_alloc(drawing->scope, sizeof *port);
    keep_way(drawing, drawing->ports, box, target, port);
    if (box == target) { /* lines from inside end at its border */
        *port = drawing->boxes[box].port_count++;
        return *port;
    }
    struct draw_leg *leg = add_leg(drawing, draw_state(drawing, box)->parent, box);
    *port = leg->port;
    lead_on(drawing, leg, target);
    return *port;
}

static void add_edge(struct drawing *drawing, uint32_t source, uint32_t target, struct text label)
{
    if (drawing->leg_count >= DRAW_LEGS_MAX) {
        drawing->left_out_count++;
        return;
    }
    bool goes_inside = scxml_is_descendant(drawing->document, target, source);
    struct draw_leg *leg = goes_inside
                               ? add_leg(drawing, source, SCXML_NONE)
                               : add_leg(drawing, draw_state(drawing, source)->parent, source);
    leg->label = draw_shorten(drawing, label, DRAW_LABEL_MAX);
    leg->tooltip = label;
    lead_on(drawing, leg, target);
}

/* --- transitions --- */

static void add_loop(struct drawing *drawing, struct draw_box *box, struct text label)
{
    struct draw_loop **end = &box->loops;
    if (box->loop_count == DRAW_NOTES_MAX) {
        drawing->left_out_count++;
        return;
    }
    while (*end != NULL) end = &(*end)->next;
    *end = scope_alloc(drawing->scope, sizeof **end);
    (*end)->label = draw_shorten(drawing, label, DRAW_LABEL_MAX);
    (*end)->tooltip = label;
    box->loop_count++;
}

static void add_note(struct drawing *drawing, struct draw_box *box, struct text words)
{
    struct draw_note **end = &box->notes;
    if (box->note_count == DRAW_NOTES_MAX) {
        drawing->left_out_count++;
        return;
    }
    while (*end != NULL) end = &(*end)->next;
    *end = scope_alloc(drawing->scope, sizeof **end);
    (*end)->words = draw_shorten(drawing, words, DRAW_LABEL_MAX);
    (*end)->tooltip = words;
    box->note_count++;
}

static void add_transition(struct drawing *drawing, const struct scxml_transition *transition)
{
    struct text label = label_of(drawing, transition);
    struct draw_box *box = &drawing->boxes[transition->source];
    if (transition->target_count == 0)
        add_note(drawing, box, scope_format(drawing->scope, "%.*s / ...", TEXT_ARG(label)));
    for (uint32_t i = 0; i < transition->target_count; i++)
        if (transition->targets[i] == transition->source)
            add_loop(drawing, box, label);
        else
            add_edge(drawing, transition->source, transition->targets[i], label);
}

void draw_find_edges(struct drawing *drawing)
{
    const struct scxml_document *document = drawing->document;
    for (uint32_t i = 0; i < document->transition_count; i++)
        add_transition(drawing, &document->transitions[i]);
    for (uint32_t i = 0; i < document->state_count; i++) {
        const struct scxml_state *state = &document->states[i];
        if (scxml_is_history(state) && state->initial != NULL)
            add_transition(drawing, state->initial);
        for (const struct scxml_invoke *at = state->invokes; at != NULL; at = at->next)
            add_note(drawing, &drawing->boxes[i],
                     scope_format(drawing->scope, "invoke %.*s",
                                  TEXT_ARG(at->src.len ? at->src : at->id)));
    }
}
