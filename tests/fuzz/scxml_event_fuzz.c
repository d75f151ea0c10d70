/* SPDX-License-Identifier: Apache-2.0 */
/* scxml_event_fuzz.c - events from outside, given to a chart whose scripts look at all that there
 * is in them. A first byte of 'h' makes the rest a request of Basic HTTP: its content type and
 * query in the first two lines, its body behind them; else each line is one of `carillon scxml
 * run`. Promises
 * - what is no event is refused with a reason, and the chart lives on
 * - a name is UTF-8 without blanks and not empty; data that are JSON can be read as JSON
 * - an event of a line reaches the scripts as it was written: they give its data back alike
 * - no event makes the chart leave its state, or leaves something behind in it */
#include "tests/fuzz/fuzz.h"

#include "cli/scxml_line.h"
#include "format/json.h"
#include "scxml/host.h"
#include "scxml/host_http.h"

#include <string.h>

enum { LINES_MAX = 32 };

static const char chart[] =
    "<scxml xmlns='http://www.w3.org/2005/07/scxml' version='1.0' datamodel='ecmascript'>"
    "<script>function look(x, depth) { var all = ''; for (var k in x) all += k + "
    "(depth &lt; 20 &amp;&amp; typeof x[k] === 'object' &amp;&amp; x[k] !== null &amp;&amp; "
    "!x.getAttribute ? look(x[k], depth + 1) : String(x[k])); return all; }</script>"
    "<state id='s'><transition event='*'><log label='data' expr='JSON.stringify(_event.data)'/>"
    "<log label='all' expr=\"look(_event.data, 0) + _event.name + _event.raw + "
    "_event.origintype\"/>"
    "</transition></state></scxml>";

static struct scope *life;
static struct scxml_host *host;
static struct text session_id;
static struct buf said;
static uint64_t now_ms = 1000000;

static void on_log(void *self, const struct scxml_session *session, const struct scxml_effect *log)
{
    (void)self, (void)session;
    if (!text_eq(log->log.label, TEXT("data"))) return;
    buf_clear(&said);
    buf_add(&said, log->log.words);
}

static void open_chart(void)
{
    static const struct scxml_host_options options = { .seed = 1 };
    static const struct scxml_host_hooks hooks = { .on_log = on_log };
    struct scxml_findings findings = { 0 };
    struct scxml_program *program;
    life = scope_new(NULL, "fuzz", SCOPE_NO_LIMIT);
    host = scxml_host_new(life, &options, &hooks, NULL);
    FUZZ_CHECK(scxml_host_load(host, text_of(chart), TEXT("chart"), life, &findings, &program,
                               NULL) == ERR_OK);
    FUZZ_CHECK(scxml_host_start(host, program, NULL, (struct scxml_payload){ 0 }, &session_id,
                                NULL) == ERR_OK);
    (void)scxml_host_run(host, now_ms, 1);
}

static void check_event(const struct scxml_event *event, struct scope *scope)
{
    struct value value;
    FUZZ_CHECK(event->name.len > 0 && text_is_utf8(event->name));
    if (event->data.kind == SCXML_DATA_JSON)
        FUZZ_CHECK(json_read(event->data.text, scope, &value, NULL) == ERR_OK);
    buf_clear(&said);
    FUZZ_CHECK(scxml_host_post(host, session_id, event) == ERR_OK);
    (void)scxml_host_run(host, now_ms++, 10);
    FUZZ_CHECK(!scxml_host_has_work(host));
    FUZZ_CHECK(scxml_is_active(scxml_host_find(host, session_id), 1));
}

/* As numbers are doubles in scripts, only what is none comes back alike. */
static bool has_number(const struct value *value)
{
    if (value->kind == VALUE_INTEGER || value->kind == VALUE_FLOAT) return true;
    for (uint32_t i = 0; value->kind == VALUE_LIST && i < value->items.count; i++)
        if (has_number(&value->items.at[i])) return true;
    for (uint32_t i = 0; value->kind == VALUE_KV && i < value->pairs.count; i++)
        if (has_number(&value->pairs.at[i].value) ||
            text_eq(value->pairs.at[i].name, TEXT("__proto__")) ||
            (value->pairs.at[i].name.len && value->pairs.at[i].name.at[0] <= '9'))
            return true; /* names that are numbers go first, and this one is no own one */
    return false;
}

static void check_data(const struct scxml_event *event, struct scope *scope)
{
    struct value sent, seen;
    if (event->data.kind != SCXML_DATA_JSON) return;
    FUZZ_CHECK(json_read(event->data.text, scope, &sent, NULL) == ERR_OK);
    if (has_number(&sent)) return;
    FUZZ_CHECK(json_read(buf_text(&said), scope, &seen, NULL) == ERR_OK);
    FUZZ_CHECK(fuzz_same_value(&sent, &seen));
}

static void run_line(struct text line, struct scope *scope)
{
    struct scxml_line read;
    struct fault fault = { 0 };
    enum err err = scxml_line_read(line, scope, &read, &fault);
    if (err) {
        fuzz_check_fault(err, &fault);
        return;
    }
    if (read.kind == SCXML_LINE_AFTER) FUZZ_CHECK(read.after_ms <= SCXML_AFTER_MS_MAX);
    if (read.kind != SCXML_LINE_EVENT) return;
    for (size_t i = 0; i < read.event.name.len; i++)
        FUZZ_CHECK((unsigned char)read.event.name.at[i] > ' ');
    check_event(&read.event, scope);
    check_data(&read.event, scope);
}

static void run_request(struct text in, struct scope *scope)
{
    struct scxml_http_request request = { .method = TEXT("POST"), .raw = in };
    struct fault fault = { 0 };
    struct scxml_event event;
    (void)fuzz_line(&in, &request.content_type);
    (void)fuzz_line(&in, &request.query);
    request.body = in;
    enum err err = scxml_http_event(&request, scope, &event, &fault);
    if (err)
        fuzz_check_fault(err, &fault);
    else
        check_event(&event, scope);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (host == NULL) open_chart();
    struct scope *scope = scope_new(NULL, "fuzz", FUZZ_MEMORY_MAX);
    struct text in = fuzz_text(data, size), line;
    if (size && data[0] == 'h')
        run_request(text_slice(in, 1, in.len), scope);
    else
        for (int i = 0; i < LINES_MAX && fuzz_line(&in, &line); i++) run_line(line, scope);
    scope_close(scope);
    return 0;
}
