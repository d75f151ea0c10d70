/* SPDX-License-Identifier: Apache-2.0 */
#include "scxml/draw.h"

#include "format/xml.h"
#include "scxml/draw_private.h"

#include <math.h>

/* --- SVG --- */

static void put_number(struct buf *out, double value)
{
    buf_format(out, "%lld", (long long)llround(value));
}

static void put_attribute(struct buf *out, const char *name, double value)
{
    buf_format(out, " %s=\"", name);
    put_number(out, value);
    buf_add_byte(out, '"');
}

static void put_title(struct buf *out, struct text words)
{
    if (words.len == 0) return;
    buf_add_z(out, "<title>");
    xml_escape(out, words);
    buf_add_z(out, "</title>");
}

static void put_text(struct buf *out, const char *kind, double x, double y, struct text words,
                     struct text tooltip)
{
    buf_format(out, "<text class=\"%s\"", kind);
    put_attribute(out, "x", x);
    put_attribute(out, "y", y);
    buf_add_byte(out, '>');
    put_title(out, tooltip);
    xml_escape(out, words);
    buf_add_z(out, "</text>\n");
}

static void put_box(struct buf *out, const char *kind, double x, double y, double width,
                    double height, double round)
{
    buf_format(out, "<rect class=\"%s\"", kind);
    put_attribute(out, "x", x);
    put_attribute(out, "y", y);
    put_attribute(out, "width", width);
    put_attribute(out, "height", height);
    put_attribute(out, "rx", round);
    buf_add_z(out, "/>\n");
}

/* Words beside a line, with a rim that other lines do not run through. */
static void put_label(struct buf *out, double x, double y, struct text words, struct text tooltip)
{
    if (words.len == 0) return;
    put_text(out, "label rim", x, y, words, TEXT(""));
    put_text(out, "label", x, y, words, tooltip);
}

struct point {
    double x, y;
};

enum { POINTS_MAX = 8, CORNER = 5 };

struct path {
    struct point points[POINTS_MAX];
    uint32_t count;
};

static void add_point(struct path *path, double x, double y)
{
    struct point *last = path->count ? &path->points[path->count - 1] : NULL;
    if (last && fabs(last->x - x) < 0.5 && fabs(last->y - y) < 0.5) return;
    path->points[path->count++] = (struct point){ x, y };
}

/* On the way from `corner` to `to`, a little of it. */
static struct point towards(struct point corner, struct point to)
{
    double dx = to.x - corner.x, dy = to.y - corner.y, far = fabs(dx) + fabs(dy);
    double step = far / 2 < CORNER ? far / 2 : CORNER;
    return (struct point){ corner.x + (far > 0 ? dx / far * step : 0),
                           corner.y + (far > 0 ? dy / far * step : 0) };
}

static void put_point(struct buf *out, const char *command, struct point point)
{
    buf_add_z(out, command);
    put_number(out, point.x);
    buf_add_byte(out, ' ');
    put_number(out, point.y);
}

static void put_path(struct buf *out, const struct path *path, bool has_head, struct text tooltip)
{
    buf_format(out, "<path class=\"line\"%s d=\"", has_head ? " marker-end=\"url(#head)\"" : "");
    put_point(out, "M", path->points[0]);
    for (uint32_t i = 1; i + 1 < path->count; i++) {
        put_point(out, "L", towards(path->points[i], path->points[i - 1]));
        put_point(out, "Q", path->points[i]);
        put_point(out, " ", towards(path->points[i], path->points[i + 1]));
    }
    put_point(out, "L", path->points[path->count - 1]);
    buf_add_z(out, "\">");
    put_title(out, tooltip);
    buf_add_z(out, "</path>\n");
}

/* --- states --- */

static struct text name_of(const struct drawing *drawing, uint32_t index)
{
    const struct scxml_document *document = drawing->document;
    if (index > 0) return document->states[index].id;
    return document->name.len ? document->name : TEXT("scxml");
}

static void put_notes(struct buf *out, const struct draw_box *box, double y)
{
    for (const struct draw_note *at = box->notes; at != NULL; at = at->next) {
        put_text(out, "note", box->x + 12, y, at->words, at->tooltip);
        y += DRAW_NOTE_HEIGHT;
    }
}

/* The dot from which a compound state begins. */
static void put_initial(struct drawing *drawing, struct buf *out, uint32_t index)
{
    const struct scxml_state *state = draw_state(drawing, index);
    if (state->kind == SCXML_PARALLEL || state->initial == NULL) return;
    for (uint32_t i = 0; i < state->initial->target_count; i++) {
        uint32_t child = state->initial->targets[i];
        struct text target = draw_state(drawing, child)->id;
        while (draw_state(drawing, child)->parent != index)
            child = draw_state(drawing, child)->parent;
        const struct draw_box *box = &drawing->boxes[child];
        double x = box->x + box->top_x;
        struct path path = { .count = 0 };
        if (fabs(box->top_x - box->width / 2) < 1) x -= 8; /* beside the lines that come in */
        buf_add_z(out, "<circle class=\"dot\"");
        put_attribute(out, "cx", x);
        put_attribute(out, "cy", box->y - 16);
        buf_add_z(out, " r=\"4\"/>\n");
        add_point(&path, x, box->y - 12);
        add_point(&path, x, box->y);
        put_path(out, &path, true, target);
    }
}

static void put_frame(struct drawing *drawing, struct buf *out, uint32_t index)
{
    const struct draw_box *box = &drawing->boxes[index];
    const struct scxml_state *state = draw_state(drawing, index);
    const struct scxml_state *parent = index ? draw_state(drawing, state->parent) : NULL;
    bool is_region = parent && parent->kind == SCXML_PARALLEL;
    put_box(out,
            is_region          ? "region"
            : state->depth % 2 ? "frame odd"
                               : "frame",
            box->x, box->y, box->width, box->height, 8);
    put_text(out, "name", box->x + 12, box->y + 17,
             draw_shorten(drawing, name_of(drawing, index), 2 * DRAW_NAME_MAX),
             name_of(drawing, index));
    put_notes(out, box, box->y + 32);
    put_initial(drawing, out, index);
}

/* The dashed line between a region and the next. */
static void put_separators(struct drawing *drawing, struct buf *out, uint32_t index)
{
    const struct scxml_state *state = draw_state(drawing, index);
    const struct draw_box *box = &drawing->boxes[index];
    if (state->kind != SCXML_PARALLEL) return;
    for (uint32_t i = index + 1; i < state->end; i = draw_state(drawing, i)->end) {
        const struct draw_box *region = &drawing->boxes[i];
        uint32_t next = draw_state(drawing, i)->end;
        if (next >= state->end || drawing->boxes[next].row != region->row) continue;
        double x = (region->x + region->width + region->loops_width + drawing->boxes[next].x) / 2;
        double top = region->y - 8, bottom = box->y + box->row_tops[region->row + 1] - 26;
        buf_add_z(out, "<line class=\"dashed\"");
        put_attribute(out, "x1", x);
        put_attribute(out, "y1", top);
        put_attribute(out, "x2", x);
        put_attribute(out, "y2", bottom);
        buf_add_z(out, "/>\n");
    }
}

static void put_history(struct buf *out, const struct draw_box *box, bool is_deep, struct text id)
{
    double x = box->x + box->width / 2, y = box->y + box->height / 2;
    buf_add_z(out, "<circle class=\"leaf\"");
    put_attribute(out, "cx", x);
    put_attribute(out, "cy", y);
    buf_format(out, " r=\"%d\"/>\n", DRAW_BOX_HEIGHT / 2);
    put_text(out, "middle", x, y + 4, is_deep ? TEXT("H*") : TEXT("H"), id);
}

static void put_leaf(struct drawing *drawing, struct buf *out, uint32_t index)
{
    const struct draw_box *box = &drawing->boxes[index];
    const struct scxml_state *state = draw_state(drawing, index);
    if (scxml_is_history(state)) {
        put_history(out, box, state->kind == SCXML_HISTORY_DEEP, state->id);
        return;
    }
    bool is_final = state->kind == SCXML_FINAL;
    put_box(out, is_final ? "final" : "leaf", box->x, box->y, box->width, box->height,
            is_final ? DRAW_BOX_HEIGHT / 2.0 : 7);
    if (is_final)
        put_box(out, "final", box->x + 3, box->y + 3, box->width - 6, box->height - 6,
                DRAW_BOX_HEIGHT / 2.0 - 3);
    put_text(out, "middle", box->x + box->width / 2, box->y + 19,
             draw_shorten(drawing, name_of(drawing, index), DRAW_NAME_MAX), state->id);
    put_notes(out, box, box->y + 33);
}

static void put_loops(struct buf *out, const struct draw_box *box)
{
    double x = box->x + box->width, y = box->y + 9;
    for (const struct draw_loop *at = box->loops; at != NULL; at = at->next) {
        struct path path = { .count = 0 };
        add_point(&path, x, y);
        add_point(&path, x + 20, y);
        add_point(&path, x + 20, y + 10);
        add_point(&path, x, y + 10);
        put_path(out, &path, true, at->tooltip);
        put_label(out, x + 25, y + 9, at->label, at->tooltip);
        y += 18;
    }
}

/* --- lines --- */

static struct path path_of(const struct drawing *drawing, const struct draw_leg *leg)
{
    const struct draw_box *frame = &drawing->boxes[leg->frame];
    struct path path = { .count = 0 };
    double x = frame->x + frame->top_x, y = frame->y;
    double end_x = frame->x + draw_port_x(frame, leg->exit_port), end_y = frame->y + frame->height;
    if (leg->from != SCXML_NONE) {
        const struct draw_box *box = &drawing->boxes[leg->from];
        x = box->x + draw_port_x(box, leg->port);
        y = box->y + box->height;
    } else {
        y += DRAW_HEADER + (double)frame->note_count * DRAW_NOTE_HEIGHT - 4;
        if (leg->label.len == 0) y = frame->y;
    }
    if (leg->to != SCXML_NONE) {
        const struct draw_box *box = &drawing->boxes[leg->to];
        end_x = box->x + box->top_x;
        end_y = box->y;
    }
    double track = frame->y + leg->track;
    add_point(&path, x, y);
    if (leg->landing != NULL) {
        double lane = frame->x + leg->landing->lane, landing = frame->y + leg->landing->track;
        add_point(&path, x, track);
        add_point(&path, lane, track);
        add_point(&path, lane, landing);
        add_point(&path, end_x, landing);
    } else if (fabs(end_x - x) > 1) {
        add_point(&path, x, track);
        add_point(&path, end_x, track);
    }
    add_point(&path, end_x, end_y);
    return path;
}

static void put_lines(struct drawing *drawing, struct buf *out, bool is_labels)
{
    for (uint32_t i = 0; i < drawing->document->state_count; i++) {
        const struct draw_box *frame = &drawing->boxes[i];
        for (const struct draw_leg *at = frame->legs; at != NULL; at = at->next_of_frame) {
            struct path path = path_of(drawing, at);
            if (!is_labels)
                put_path(out, &path, at->has_head, at->tooltip);
            else
                put_label(out, path.points[0].x + 4, frame->y + at->track - 4, at->label,
                          at->tooltip);
        }
        if (!is_labels) put_loops(out, frame);
    }
}

/* --- the whole --- */

static const char style[] =
    "<defs><marker id=\"head\" viewBox=\"0 0 8 8\" refX=\"8\" refY=\"4\" markerWidth=\"8\" "
    "markerHeight=\"8\" markerUnits=\"userSpaceOnUse\" orient=\"auto\"><path d=\"M0 0L8 4L0 8z\" "
    "fill=\"#3c4a5c\"/></marker></defs>\n"
    "<style type=\"text/css\">\n"
    "text{font-family:Helvetica,Arial,sans-serif;fill:#1c2530}\n"
    ".name{font-size:13px;font-weight:bold}\n"
    ".middle{font-size:12px;text-anchor:middle}\n"
    ".note{font-size:10px;fill:#5a6675}\n"
    ".label{font-size:10px;fill:#2f5d8a}\n"
    ".rim{fill:none;stroke:#ffffff;stroke-width:3;stroke-opacity:0.85}\n"
    ".frame,.region{fill:#f4f7fb;stroke:#8a99ad;stroke-width:1.2}\n"
    ".odd{fill:#ffffff}\n"
    ".region{stroke:none;fill:#ffffff}\n"
    ".leaf{fill:#dfeafa;stroke:#5f7fa8;stroke-width:1.2}\n"
    ".final{fill:#ffffff;stroke:#3c4a5c;stroke-width:1.2}\n"
    ".line{fill:none;stroke:#3c4a5c;stroke-width:1.1}\n"
    ".dashed{stroke:#8a99ad;stroke-width:1.2;stroke-dasharray:6 4}\n"
    ".dot{fill:#1c2530}\n"
    "</style>\n";

static void put_drawing(struct drawing *drawing, struct buf *out)
{
    const struct draw_box *whole = &drawing->boxes[0];
    double width = whole->width + whole->loops_width + 16, height = whole->height + 16;
    if (drawing->left_out_count > 0) height += 20;
    buf_add_z(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                   "<svg xmlns=\"http://www.w3.org/2000/svg\" version=\"1.1\"");
    put_attribute(out, "width", width);
    put_attribute(out, "height", height);
    buf_add_z(out, " viewBox=\"0 0 ");
    put_number(out, width);
    buf_add_byte(out, ' ');
    put_number(out, height);
    buf_add_z(out, "\">\n");
    put_title(out, name_of(drawing, 0));
    buf_add_byte(out, '\n');
    buf_add_z(out, style);
    buf_add_z(out, "<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n");
    for (uint32_t i = 0; i < drawing->document->state_count; i++)
        if (i == 0 || draw_is_frame(drawing, i)) {
            put_frame(drawing, out, i);
            put_separators(drawing, out, i);
        }
    put_lines(drawing, out, false);
    for (uint32_t i = 1; i < drawing->document->state_count; i++)
        if (!draw_is_frame(drawing, i)) put_leaf(drawing, out, i);
    put_lines(drawing, out, true);
    if (drawing->left_out_count > 0)
        put_text(
            out, "note", 12, height - 8,
            scope_format(drawing->scope, "%u transitions are not drawn", drawing->left_out_count),
            TEXT(""));
    buf_add_z(out, "</svg>\n");
}

void scxml_draw(const struct scxml_document *document, struct buf *out)
{
    struct scope *scope = scope_new(NULL, "draw", SCOPE_NO_LIMIT);
    struct drawing drawing = { .document = document,
                               .scope = scope,
                               .boxes = scope_alloc_array(scope, document->state_count,
                                                          sizeof *drawing.boxes),
                               .ports = table_new(scope),
                               .entries = table_new(scope) };
    draw_find_edges(&drawing);
    draw_lay_out(&drawing);
    put_drawing(&drawing, out);
    scope_close(scope);
}
