/* SPDX-License-Identifier: Apache-2.0 */
/* scxml_run.h - `carillon scxml run`: one document's session on a host of its own; lines in, lines
 * out. scxml_run.c is the session, scxml_run_virtual.c and _real.c are the two clocks. */
#ifndef CLI_SCXML_RUN_H
#define CLI_SCXML_RUN_H

#include "cli/scxml_input.h"
#include "scxml/host.h"

#include <stdio.h>

struct scxml_record;

struct scxml_run_options {
    const char *path;
    bool wants_json, is_virtual;
    bool waits;       /* when the input has ended, delayed sends still come */
    uint64_t seed;    /* of ids and Math.random */
    bool has_no_http; /* else, on real time, a socket on loopback */
    bool has_port;    /* of Basic HTTP: the author wants to be reached there */
    uint32_t http_port;
    const char *record_path; /* NULL: none; so the others */
    const char *save_path, *restore_path;
};

enum {
    SCXML_RUN_SLICE_STEPS = 1000,  /* then the loop gets its turn */
    SCXML_RUN_STEPS_MAX = 100000,  /* at one instant of a virtual clock, or after the input */
    SCXML_RUN_SESSIONS_MAX = 10000 /* of the whole family */
};

/* Where a virtual clock begins: 2026-01-01 00:00 UTC. */
#define SCXML_RUN_VIRTUAL_START_MS UINT64_C(1767225600000)

struct scxml_run { /* first in what its driver keeps: it is the `self` of send_http */
    const struct scxml_run_options *options;
    struct scope *life;
    struct scxml_input *input;
    struct scxml_host *host;
    struct scxml_program *program;
    struct scxml_record *record; /* NULL: none */
    struct text main_id;         /* of the session whose macrosteps are printed */
    uint64_t saved_ms;           /* of a run that was put aside, when that was; else 0 */
    bool has_ended;              /* that session */
    bool had_lines, has_bad_line;
    struct scope *line_scope;
};

/* Reads the document and makes its session; 0, else the exit status, with words on standard error.
 * `http_location` as in host.h, empty: none; `send_http` may be NULL. */
int scxml_run_open(struct scxml_run *run, const struct scxml_run_options *options,
                   struct scope *life, struct text http_location, struct text http_location_end,
                   void (*send_http)(void *self, const struct scxml_session *session,
                                     const struct scxml_message *message, uint64_t call));
/* The exit status of a run that went to its end. */
int scxml_run_close(struct scxml_run *run, uint64_t now_ms);

/* Whether delayed sends still come when the input has ended: of a run that never had a line they
 * are all that can move it. */
static inline bool scxml_run_waits(const struct scxml_run *run)
{
    return run->options->waits || !run->had_lines;
}

/* Some macrosteps; true when more is waiting. */
bool scxml_run_slice(struct scxml_run *run, uint64_t now_ms);
/* A line of the input: an event is posted; returns the time that it lets pass. */
uint64_t scxml_run_line(struct scxml_run *run, uint64_t now_ms, struct text line);
/* An event from elsewhere, for any session of the family. */
enum err scxml_run_post(struct scxml_run *run, uint64_t now_ms, struct text session_id,
                        const struct scxml_event *event);

int scxml_run_virtual(const struct scxml_run_options *options);
int scxml_run_real(const struct scxml_run_options *options);
/* Again, from what a run wrote down. */
int scxml_run_replay(const struct scxml_run_options *options, const char *replay_path);

#endif
