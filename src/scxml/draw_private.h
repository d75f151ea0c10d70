/* SPDX-License-Identifier: Apache-2.0 */
/* draw_private.h - a drawing in the making: edges (draw_edges.c), places (draw_layout.c), then SVG
 * (draw.c).
 * Frames    a state with children is a frame: rows of boxes, a corridor above each row and one
 *           below the last, lanes at the right. Lines run in corridors and lanes alone, so that
 *           they cross no box of their frame.
 * Legs      an edge from deep inside one frame to deep inside another is a chain of legs, one in
 *           each frame on its way: from a box's lower side, or from the frame's upper side, to a
 *           box's upper side, or to the frame's lower side. What leads on to the same state shares
 *           legs. */
#ifndef SCXML_DRAW_PRIVATE_H
#define SCXML_DRAW_PRIVATE_H

#include "base/buf.h"
#include "base/table.h"
#include "scxml/document.h"

enum {
    DRAW_LEGS_MAX = 200000, /* further edges are left out, which the drawing says */
    DRAW_LABEL_MAX = 34,    /* characters; the whole is in the tooltip */
    DRAW_NAME_MAX = 30,
    DRAW_ROW_MAX = 10, /* boxes side by side */
    DRAW_LANES_MAX = 60,
    DRAW_NOTES_MAX = 5, /* transitions without target, written into their box */

    DRAW_PAD = 16,
    DRAW_HEADER = 26,
    DRAW_NOTE_HEIGHT = 14,
    DRAW_BOX_HEIGHT = 30,
    DRAW_BOX_GAP = 28,
    DRAW_PORT_GAP = 14,
    DRAW_TRACK = 16,
    DRAW_LANE = 9
};

struct draw_leg {
    struct draw_leg *next_of_frame, *next_of_box;
    uint32_t frame;
    uint32_t from;      /* box, SCXML_NONE: the frame's upper side */
    uint32_t port;      /* of `from` */
    uint32_t to;        /* box, SCXML_NONE: the frame's lower side */
    uint32_t exit_port; /* of the frame, then */
    bool has_head;      /* the edge ends here */
    struct text label;  /* shortened; "" */
    struct text tooltip;

    uint32_t first_corridor, last_corridor;
    double track;                 /* y in the first corridor, from the frame's top */
    struct draw_landing *landing; /* NULL: it lands from its own track */
};

/* Where legs of a frame with one goal come together: a lane and a track in its corridor. */
struct draw_landing {
    struct draw_landing *next;
    uint32_t to, exit_port, corridor;
    uint32_t top, bottom; /* corridors that the lane joins */
    double track, lane;   /* y, x, from the frame's corner */
};

struct draw_loop { /* a transition back to its own state, at the box's right */
    struct draw_loop *next;
    struct text label, tooltip;
};

struct draw_note { /* a transition without target */
    struct draw_note *next;
    struct text words, tooltip;
};

struct draw_box { /* one for each state, by its index */
    double x, y;  /* of its corner: in its frame, at last in the drawing */
    double width, height;
    double top_x;                /* where lines come in, from the corner */
    double ports_x, ports_width; /* where they go out */
    uint32_t port_count;
    uint32_t row;
    bool is_placed;
    struct draw_loop *loops;
    uint32_t loop_count;
    struct draw_note *notes;
    uint32_t note_count;
    double loops_width;

    /* of a frame */
    struct draw_leg *legs, **legs_end;
    struct draw_landing *landings;
    double *row_tops; /* y of each row, from the corner; [row_count] is the bottom of the last */
    uint32_t row_count, lane_count;
    struct draw_leg *leaving, **leaving_end; /* of a box: legs that begin at it */
};

struct drawing {
    const struct scxml_document *document;
    struct scope *scope;
    struct draw_box *boxes;
    struct table *ports, *entries; /* that lead to a state already */
    uint32_t leg_count, left_out_count;
};

static inline const struct scxml_state *draw_state(const struct drawing *drawing, uint32_t index)
{
    return &drawing->document->states[index];
}

static inline bool draw_is_frame(const struct drawing *drawing, uint32_t state)
{
    return drawing->document->states[state].end > state + 1;
}

double draw_text_width(struct text text, double of_letter);
/* At most `max` characters, the last three then "...". */
struct text draw_shorten(struct drawing *drawing, struct text text, uint32_t max);
static inline double draw_port_x(const struct draw_box *box, uint32_t port)
{
    return box->ports_x + box->ports_width * (port + 1) / (box->port_count + 1);
}

void draw_find_edges(struct drawing *drawing);
/* Sizes from the innermost frame on, then places; the drawing's own size is that of box 0. */
void draw_lay_out(struct drawing *drawing);

#endif
