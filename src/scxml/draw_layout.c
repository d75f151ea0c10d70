/* SPDX-License-Identifier: Apache-2.0 */
/* Where everything is: boxes in rows by their distance from the initial state, tracks in the
 * corridors between the rows, lanes beside them. Numbers are in pixels from the frame's corner. */
#include "scxml/draw_private.h"

#include <stdlib.h>

static double larger(double a, double b)
{
    return a > b ? a : b;
}

/* `for (child = frame + 1; child < end; child = next)` */
static uint32_t next_child(const struct drawing *drawing, uint32_t child)
{
    return draw_state(drawing, child)->end;
}

/* --- boxes --- */

static double words_width(const struct drawing *drawing, uint32_t index)
{
    const struct draw_box *box = &drawing->boxes[index];
    double width = draw_text_width(draw_state(drawing, index)->id, 7.4);
    width = width < 7.4 * DRAW_NAME_MAX ? width : 7.4 * DRAW_NAME_MAX;
    if (index == 0) width = larger(width, draw_text_width(drawing->document->name, 7.4));
    for (const struct draw_note *at = box->notes; at != NULL; at = at->next)
        width = larger(width, draw_text_width(at->words, 5.8));
    return width + 24;
}

static void measure_loops(struct draw_box *box)
{
    for (const struct draw_loop *at = box->loops; at != NULL; at = at->next)
        box->loops_width = larger(box->loops_width, 30 + draw_text_width(at->label, 5.8));
}

static void measure_box(struct drawing *drawing, uint32_t index)
{
    struct draw_box *box = &drawing->boxes[index];
    bool is_round = scxml_is_history(draw_state(drawing, index));
    double ports = (double)DRAW_PORT_GAP * (box->port_count + 1);
    box->width = is_round ? larger(DRAW_BOX_HEIGHT, ports)
                          : larger(larger(words_width(drawing, index), ports), 64);
    box->height = DRAW_BOX_HEIGHT + (double)box->note_count * DRAW_NOTE_HEIGHT;
    box->height = larger(box->height, 10 + (double)box->loop_count * 18);
    box->top_x = box->width / 2;
    box->ports_width = box->width;
    measure_loops(box);
}

/* --- rows --- */

struct rows {
    uint32_t *order; /* children, row by row */
    uint32_t count;  /* of `order` */
    uint32_t row, in_row;
};

static void put_in_row(struct drawing *drawing, struct rows *rows, uint32_t child)
{
    if (rows->in_row == DRAW_ROW_MAX) {
        rows->row++;
        rows->in_row = 0;
    }
    drawing->boxes[child].row = rows->row;
    drawing->boxes[child].is_placed = true;
    rows->order[rows->count++] = child;
    rows->in_row++;
}

static void end_row(struct rows *rows)
{
    if (rows->in_row == 0) return;
    rows->row++;
    rows->in_row = 0;
}

static bool waits(const struct drawing *drawing, uint32_t child)
{
    return !drawing->boxes[child].is_placed && draw_state(drawing, child)->kind != SCXML_FINAL;
}

/* Those that `first` leads to, a row for each step away from it. */
static void place_from(struct drawing *drawing, struct rows *rows, uint32_t first)
{
    uint32_t begin = rows->count;
    put_in_row(drawing, rows, first);
    end_row(rows);
    while (begin < rows->count) {
        uint32_t end = rows->count;
        for (; begin < end; begin++)
            for (const struct draw_leg *leg = drawing->boxes[rows->order[begin]].leaving;
                 leg != NULL; leg = leg->next_of_box)
                if (leg->to != SCXML_NONE && waits(drawing, leg->to))
                    put_in_row(drawing, rows, leg->to);
        end_row(rows);
    }
}

static uint32_t initial_child(const struct drawing *drawing, uint32_t frame)
{
    const struct scxml_transition *initial = draw_state(drawing, frame)->initial;
    uint32_t child = initial && initial->target_count ? initial->targets[0] : frame + 1;
    while (draw_state(drawing, child)->parent != frame) child = draw_state(drawing, child)->parent;
    return child;
}

/* Regions side by side; else rows by distance, those that nothing leads to below, final states
 * last. */
static struct rows make_rows(struct drawing *drawing, uint32_t frame)
{
    struct rows rows = { 0 };
    uint32_t end = draw_state(drawing, frame)->end, children = 0;
    bool is_parallel = draw_state(drawing, frame)->kind == SCXML_PARALLEL;
    for (uint32_t i = frame + 1; i < end; i = next_child(drawing, i)) children++;
    rows.order = scope_alloc_array(drawing->scope, children, sizeof *rows.order);
    if (!is_parallel && waits(drawing, initial_child(drawing, frame)))
        place_from(drawing, &rows, initial_child(drawing, frame));
    for (uint32_t i = frame + 1; i < end; i = next_child(drawing, i)) {
        if (!waits(drawing, i)) continue;
        if (is_parallel)
            put_in_row(drawing, &rows, i);
        else
            place_from(drawing, &rows, i);
    }
    end_row(&rows);
    for (uint32_t i = frame + 1; i < end; i = next_child(drawing, i))
        if (!drawing->boxes[i].is_placed) put_in_row(drawing, &rows, i);
    end_row(&rows);
    drawing->boxes[frame].row_count = rows.row;
    return rows;
}

/* Sets x; returns the width of the widest row. */
static double place_rows(struct drawing *drawing, const struct rows *rows, double least_width)
{
    double width = least_width;
    for (int pass = 0; pass < 2; pass++) /* how wide they are; then in the middle */
        for (uint32_t i = 0; i < rows->count;) {
            uint32_t begin = i;
            double row_width = -DRAW_BOX_GAP;
            for (; i < rows->count &&
                   drawing->boxes[rows->order[i]].row == drawing->boxes[rows->order[begin]].row;
                 i++)
                row_width += drawing->boxes[rows->order[i]].width +
                             drawing->boxes[rows->order[i]].loops_width + DRAW_BOX_GAP;
            width = larger(width, row_width);
            double x = DRAW_PAD + (width - row_width) / 2;
            for (uint32_t j = begin; j < i; j++) {
                struct draw_box *box = &drawing->boxes[rows->order[j]];
                box->x = x;
                x += box->width + box->loops_width + DRAW_BOX_GAP;
            }
        }
    return width;
}

/* --- corridors and lanes --- */

static double from_x(const struct drawing *drawing, const struct draw_leg *leg)
{
    if (leg->from == SCXML_NONE) return drawing->boxes[leg->frame].top_x;
    const struct draw_box *box = &drawing->boxes[leg->from];
    return box->x + draw_port_x(box, leg->port);
}

static void find_corridors(struct drawing *drawing, struct draw_leg *leg)
{
    const struct draw_box *frame = &drawing->boxes[leg->frame];
    leg->first_corridor = leg->from == SCXML_NONE ? 0 : drawing->boxes[leg->from].row + 1;
    leg->last_corridor = leg->to == SCXML_NONE ? frame->row_count : drawing->boxes[leg->to].row;
}

static struct draw_landing *landing_of(struct drawing *drawing, struct draw_box *frame,
                                       struct table *known, const struct draw_leg *leg)
{
    uint32_t key[2] = { leg->to, leg->to == SCXML_NONE ? leg->exit_port : 0 };
    struct draw_landing *landing = table_get(known, TEXT_OF(&key));
    if (landing != NULL) return landing;
    landing = scope_alloc(drawing->scope, sizeof *landing);
    *landing = (struct draw_landing){ .next = frame->landings,
                                      .to = key[0],
                                      .exit_port = key[1],
                                      .corridor = leg->last_corridor,
                                      .top = leg->last_corridor,
                                      .bottom = leg->last_corridor };
    frame->landings = landing;
    struct text view = { (const char *)&landing->to, 2 * sizeof(uint32_t) };
    table_put(known, view, landing);
    return landing;
}

struct sorted_leg {
    struct draw_leg *leg;
    double x;
    uint32_t position;
};

/* By corridor; the rightmost gets the highest track, so that lines to the right do not cross. */
static int compare_legs(const void *a, const void *b)
{
    const struct sorted_leg *left = a, *right = b;
    if (left->leg->first_corridor != right->leg->first_corridor)
        return left->leg->first_corridor < right->leg->first_corridor ? -1 : 1;
    if (left->x > right->x) return -1;
    if (left->x < right->x) return 1;
    return left->position < right->position ? -1 : 1;
}

static int compare_landings(const void *a, const void *b)
{
    const struct draw_landing *left = *(struct draw_landing *const *)a,
                              *right = *(struct draw_landing *const *)b;
    if (left->top != right->top) return left->top < right->top ? -1 : 1;
    if (left->bottom != right->bottom) return left->bottom < right->bottom ? -1 : 1;
    if (left->to != right->to) return left->to < right->to ? -1 : 1;
    return left->exit_port < right->exit_port ? -1 : left->exit_port > right->exit_port;
}

/* Lanes that do not meet in a corridor share a place. */
static void place_lanes(struct drawing *drawing, struct draw_box *frame, double x)
{
    uint32_t count = 0, ends[DRAW_LANES_MAX] = { 0 };
    for (struct draw_landing *at = frame->landings; at != NULL; at = at->next) count++;
    struct draw_landing **sorted = scope_alloc_array(drawing->scope, count, sizeof *sorted);
    for (struct draw_landing *at = frame->landings; at != NULL; at = at->next) *sorted++ = at;
    sorted -= count;
    if (count > 0) qsort(sorted, count, sizeof *sorted, compare_landings);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t lane = 0;
        while (lane < frame->lane_count && ends[lane] >= sorted[i]->top + 1) lane++;
        if (lane == DRAW_LANES_MAX) lane = i % DRAW_LANES_MAX;
        if (lane >= frame->lane_count) frame->lane_count = lane + 1;
        ends[lane] = sorted[i]->bottom + 1;
        sorted[i]->lane = x + lane * DRAW_LANE;
    }
}

struct tracks {
    struct sorted_leg *legs;
    uint32_t count;
    uint32_t *incoming; /* landings of each corridor */
    double labels_end;  /* x of the rightmost label's end */
};

static struct tracks collect_legs(struct drawing *drawing, struct draw_box *frame)
{
    struct tracks tracks = { 0 };
    for (struct draw_leg *at = frame->legs; at != NULL; at = at->next_of_frame) tracks.count++;
    tracks.legs = scope_alloc_array(drawing->scope, tracks.count, sizeof *tracks.legs);
    tracks.incoming =
        scope_alloc_array(drawing->scope, frame->row_count + 1, sizeof *tracks.incoming);
    struct table *known = table_new(drawing->scope);
    uint32_t i = 0;
    for (struct draw_leg *at = frame->legs; at != NULL; at = at->next_of_frame) {
        find_corridors(drawing, at);
        tracks.legs[i] = (struct sorted_leg){ at, from_x(drawing, at), i };
        tracks.labels_end =
            larger(tracks.labels_end, tracks.legs[i].x + draw_text_width(at->label, 5.8) + 8);
        i++;
        if (at->first_corridor == at->last_corridor) continue;
        struct draw_landing *landing = at->landing = landing_of(drawing, frame, known, at);
        if (at->first_corridor < landing->top) landing->top = at->first_corridor;
        if (at->first_corridor > landing->bottom) landing->bottom = at->first_corridor;
    }
    for (struct draw_landing *at = frame->landings; at != NULL; at = at->next)
        tracks.incoming[at->corridor]++;
    if (tracks.count > 0) qsort(tracks.legs, tracks.count, sizeof *tracks.legs, compare_legs);
    return tracks;
}

/* From the top down: corridor, row, corridor, row ... */
static double place_tracks(struct drawing *drawing, struct draw_box *frame, const struct rows *rows,
                           struct tracks *tracks, double y)
{
    uint32_t leg = 0, child = 0;
    frame->row_tops = scope_alloc_array(drawing->scope, frame->row_count + 1, sizeof(double));
    double *next_incoming =
        scope_alloc_array(drawing->scope, frame->row_count + 1, sizeof *next_incoming);
    for (uint32_t row = 0; row <= frame->row_count; row++) {
        y += 8;
        for (; leg < tracks->count && tracks->legs[leg].leg->first_corridor == row; leg++) {
            y += DRAW_TRACK;
            tracks->legs[leg].leg->track = y;
        }
        next_incoming[row] = y + 9;
        y += 9.0 * tracks->incoming[row] + 18;
        frame->row_tops[row] = y;
        double height = 0;
        for (; child < rows->count && drawing->boxes[rows->order[child]].row == row; child++) {
            drawing->boxes[rows->order[child]].y = y;
            height = larger(height, drawing->boxes[rows->order[child]].height);
        }
        y += height;
    }
    for (struct draw_landing *at = frame->landings; at != NULL; at = at->next) {
        at->track = next_incoming[at->corridor];
        next_incoming[at->corridor] += 9;
    }
    return y;
}

static void measure_frame(struct drawing *drawing, uint32_t index)
{
    struct draw_box *frame = &drawing->boxes[index];
    double least = larger(words_width(drawing, index) - DRAW_PAD,
                          (double)DRAW_PORT_GAP * (frame->port_count + 1));
    struct rows rows = make_rows(drawing, index);
    double content = place_rows(drawing, &rows, least);
    frame->top_x = DRAW_PAD + content / 2;
    frame->ports_x = DRAW_PAD;
    frame->ports_width = content;
    struct tracks tracks = collect_legs(drawing, frame);
    double head = DRAW_HEADER + (double)frame->note_count * DRAW_NOTE_HEIGHT;
    double lanes_x = larger(DRAW_PAD + content, tracks.labels_end) + 12;
    place_lanes(drawing, frame, lanes_x);
    frame->height = place_tracks(drawing, frame, &rows, &tracks, head) + 4;
    frame->width = frame->lane_count ? lanes_x + frame->lane_count * DRAW_LANE + 6
                                     : larger(DRAW_PAD + content, tracks.labels_end) + DRAW_PAD;
    measure_loops(frame);
    frame->height = larger(frame->height, 10 + (double)frame->loop_count * 18);
}

void draw_lay_out(struct drawing *drawing)
{
    uint32_t count = drawing->document->state_count;
    for (uint32_t i = count; i-- > 0;)
        if (draw_is_frame(drawing, i))
            measure_frame(drawing, i);
        else
            measure_box(drawing, i);
    drawing->boxes[0].x = drawing->boxes[0].y = 8;
    for (uint32_t i = 1; i < count; i++) {
        const struct draw_box *parent = &drawing->boxes[draw_state(drawing, i)->parent];
        drawing->boxes[i].x += parent->x;
        drawing->boxes[i].y += parent->y;
    }
}
