/* SPDX-License-Identifier: Apache-2.0 */
/* The run on real time: a loop with standard input, a timer for what is due, and Basic HTTP. Begin
 * at work(). */
#include "cli/scxml_run.h"

#include "cli/scxml_http.h"
#include "cli/scxml_line.h"
#include "cli/scxml_record.h"

enum { ROUNDS_PER_TURN = 100 };

struct real {
    struct scxml_run run;
    struct loop *loop;
    struct scxml_http *http; /* NULL: none */
    struct timer *due, *pause;
    struct chore work;
    uint32_t slices_after_input;
    bool is_over;
};

static void stop(struct real *real)
{
    real->is_over = true;
    loop_stop(real->loop);
}

/* Nothing that could still move the session. */
static bool is_forsaken(const struct real *real)
{
    if (!scxml_run_waits(&real->run)) return true;
    bool is_reachable = real->run.options->waits && real->run.options->has_port;
    return scxml_host_next_due(real->run.host) == SCXML_NEVER &&
           scxml_host_calls_open(real->run.host) == 0 && !is_reachable;
}

static void wait_for_due(struct real *real, uint64_t now_ms)
{
    uint64_t due = scxml_host_next_due(real->run.host);
    if (due == SCXML_NEVER)
        timer_stop(real->due);
    else
        timer_start(real->due, due > now_ms ? due - now_ms : 0);
}

static enum scxml_input_state take_line(struct real *real, uint64_t now_ms)
{
    struct text line;
    if (timer_is_running(real->pause)) return SCXML_INPUT_EMPTY;
    enum scxml_input_state state = scxml_input_take(real->run.input, SCXML_LINE_BYTES_MAX, &line);
    if (state == SCXML_INPUT_LINE) {
        uint64_t after_ms = scxml_run_line(&real->run, now_ms, line);
        if (after_ms) timer_start(real->pause, after_ms);
    } else if (state == SCXML_INPUT_EMPTY) {
        scxml_input_go_on(real->run.input);
    }
    return state;
}

/* What sends to itself without end would otherwise outlive its input. */
static bool is_restless(struct real *real)
{
    if (real->run.options->waits ||
        ++real->slices_after_input <= SCXML_RUN_STEPS_MAX / SCXML_RUN_SLICE_STEPS)
        return false;
    fprintf(stderr, "carillon scxml: no rest after %d macrosteps behind the input\n",
            SCXML_RUN_STEPS_MAX);
    return true;
}

/* A slice of macrosteps, and a line when they are done, or when they never are. True: again. */
static bool advance(struct real *real, uint64_t now_ms)
{
    bool has_more = scxml_run_slice(&real->run, now_ms);
    if (real->run.has_ended) {
        if (!has_more) stop(real);
        return has_more;
    }
    enum scxml_input_state state = take_line(real, now_ms);
    if (state == SCXML_INPUT_ENDED && (has_more ? is_restless(real) : is_forsaken(real))) {
        stop(real);
        return false;
    }
    return has_more || state == SCXML_INPUT_LINE;
}

static void work(void *self)
{
    struct real *real = self;
    uint64_t now_ms = loop_now_utc_ms(real->loop);
    bool has_more = !real->is_over;
    for (int i = 0; has_more && i < ROUNDS_PER_TURN; i++) has_more = advance(real, now_ms);
    if (has_more) {
        chore_soon(real->loop, &real->work);
    } else {
        (void)fflush(stdout);
        wait_for_due(real, now_ms);
    }
}

static void work_soon(void *self)
{
    struct real *real = self;
    chore_soon(real->loop, &real->work);
}

/* --- HTTP ------------------------------------------------------------------------------------ */

static enum err on_http_event(void *self, struct text session_id, const struct scxml_event *event)
{
    struct real *real = self;
    work_soon(real);
    return scxml_run_post(&real->run, loop_now_utc_ms(real->loop), session_id, event);
}

static void on_http_done(void *self, uint64_t call, bool is_delivered)
{
    struct real *real = self;
    if (real->run.record)
        scxml_record_http(real->run.record, loop_now_utc_ms(real->loop), call, is_delivered);
    scxml_host_http_done(real->run.host, call, is_delivered);
    work_soon(real);
}

static void send_http(void *self, const struct scxml_session *session,
                      const struct scxml_message *message, uint64_t call)
{
    struct real *real = self; /* the run is its first member */
    (void)session;
    scxml_http_send(real->http, message, call);
}

/* Without a port of its own nothing was promised, and the run goes on where sockets are forbidden.
 */
static bool open_http(struct real *real, struct scope *life)
{
    const struct scxml_run_options *options = real->run.options;
    const struct scxml_http_user user = { real, on_http_event, on_http_done };
    struct fault fault = { 0 };
    if (options->has_no_http) return true;
    enum err err = scxml_http_open(life, net_new(life, real->loop), (uint16_t)options->http_port,
                                   &user, &real->http, &fault);
    if (err && options->has_port) fprintf(stderr, "carillon scxml: %s\n", fault.words);
    return !err || !options->has_port;
}

/* --- the run --------------------------------------------------------------------------------- */

int scxml_run_real(const struct scxml_run_options *options)
{
    struct scope *life = scope_new(NULL, "scxml run", SCOPE_NO_LIMIT);
    struct real real = { .run.options = options, .loop = loop_new(life) };
    real.work = (struct chore){ .run = work, .self = &real };
    int status = 1;
    if (open_http(&real, life)) {
        real.due = timer_new(life, real.loop, work_soon, &real);
        real.pause = timer_new(life, real.loop, work_soon, &real);
        real.run.input = scxml_input_open(life);
        status = scxml_run_open(&real.run, options, life,
                                real.http ? scxml_http_location(real.http) : TEXT(""),
                                TEXT(SCXML_HTTP_LOCATION_END), real.http ? send_http : NULL);
    }
    if (status == 0) {
        scxml_input_watch(real.run.input, life, real.loop, work_soon, &real);
        work_soon(&real);
        loop_run(real.loop);
        status = scxml_run_close(&real.run, loop_now_utc_ms(real.loop));
    }
    chore_cancel(&real.work);
    scope_close(life);
    return status;
}
