/* SPDX-License-Identifier: Apache-2.0 */
/* Every chart of our conformance set (SCXML_CHARTS: of another folder), twice: once as it goes,
 * once written to bytes and read into another host, with evaluators of its own, behind every
 * macrostep. What the two do has to be the same. */
#include "base/random.h"
#include "format/msgpack.h"
#include "tests/unit/scxml/family.h"
#include "tests/unit/test.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STEPS_MAX = 300, WAIT_MS = 40000 };

static struct text read_file(struct scope *scope, const char *path)
{
    FILE *file = fopen(path, "rb");
    CHECK(file != NULL);
    char *bytes = scope_alloc(scope, 256 * 1024);
    size_t len = fread(bytes, 1, 256 * 1024, file);
    (void)fclose(file);
    return (struct text){ bytes, len };
}

/* False: the document is refused, as some of the conformance set have to be. */
static bool start(struct family *family, struct text source)
{
    struct scxml_findings findings = { 0 };
    struct scxml_program *program;
    struct fault fault = { 0 };
    struct text id;
    if (scxml_host_load(family->host, source, family->url, family->scope, &findings, &program,
                        &fault))
        return false;
    CHECK_OK(
        scxml_host_start(family->host, program, NULL, (struct scxml_payload){ 0 }, &id, &fault));
    scxml_host_release(family->host, program);
    return true;
}

/* To its end, or until nothing is left to wait for. */
static void live(struct family *family, bool moves)
{
    uint64_t until = family->now_ms + WAIT_MS;
    for (int steps = 0; steps < STEPS_MAX; steps++) {
        (void)scxml_host_run(family->host, family->now_ms, 1);
        if (moves) family_move(family);
        if (scxml_host_has_work(family->host)) continue;
        uint64_t due = scxml_host_next_due(family->host);
        if (due > until) break;
        if (due > family->now_ms) family->now_ms = due;
    }
}

static struct text life_of(struct scope *scope, struct text source, bool moves)
{
    struct family *family = family_open();
    family_begin(family);
    if (start(family, source)) live(family, moves);
    struct text said = scope_keep(scope, family_said(family));
    family_close(family);
    return said;
}

static bool is_chart(const char *name)
{
    size_t len = strlen(name);
    return len > 6 && strcmp(name + len - 6, ".scxml") == 0;
}

TEST(a_family_that_is_moved_behind_every_macrostep_does_the_same)
{
    const char *folder = getenv("SCXML_CHARTS") ? getenv("SCXML_CHARTS") : OWN_CHARTS;
    DIR *charts = opendir(folder);
    CHECK(charts != NULL);
    int count = 0;
    for (struct dirent *entry; (entry = readdir(charts)) != NULL;) {
        if (!is_chart(entry->d_name)) continue;
        struct scope *scope = scope_new(NULL, "test", SCOPE_NO_LIMIT);
        char path[1024];
        (void)snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        struct text source = read_file(scope, path);
        struct text straight = life_of(scope, source, false), moved = life_of(scope, source, true);
        if (!text_eq(straight, moved)) print_error("%s\n", path);
        CHECK_TEXT(moved, scope_keep_z(scope, straight));
        scope_close(scope);
        count++;
    }
    (void)closedir(charts);
    CHECK(count > 100);
}

/* --- things that the conformance set has not ---------------------------------------------------
 */

static struct family *family;

static struct text begin(const char *body)
{
    family = family_open();
    family_begin(family);
    return family_chart(family, body);
}

TEST(functions_chance_and_closures_come_back)
{
    struct text runs[2];
    struct scope *scope = scope_new(NULL, "test", SCOPE_NO_LIMIT);
    for (int i = 0; i < 2; i++) {
        struct text id = begin(
            "<datamodel><data id='n' expr='1'/><data id='twice' expr='function(x){return 2*x}'/>"
            "<data id='deep' expr='{a:[1,undefined,new Date(5)]}'/><data id='none'/></datamodel>"
            "<script>function more(){ n = twice(n) + Math.random(); return n; }</script>"
            "<state id='a'><transition event='go'><log expr='more()'/>"
            "<log expr='deep.a.length + String(deep.a[1]) + deep.a[2].getTime() + typeof none'/>"
            "</transition></state>");
        family_rest(family);
        for (int j = 0; j < 3; j++) {
            if (i) family_move(family);
            family_event(family, id, "go");
        }
        runs[i] = scope_keep(scope, family_said(family));
        family_close(family);
    }
    CHECK_TEXT(runs[1], scope_keep_z(scope, runs[0]));
    scope_close(scope);
}

TEST(a_session_is_saved_before_its_first_step_too)
{
    (void)begin("<datamodel><data id='n' expr='1'/></datamodel>"
                "<state id='a'><onentry><log expr='n'/></onentry></state>");
    family_move(family);
    family_rest(family);
    CHECK_TEXT(family_said(family), "0 log  1\n0: 1\n");
    family_close(family);
}

TEST(delayed_sends_keep_their_times_over_a_downtime)
{
    (void)begin("<state id='a'><onentry><send event='soon' delay='100ms'/>"
                "<send event='late' delay='5s'/></onentry>"
                "<transition event='soon'><log expr=\"'soon'\"/></transition>"
                "<transition event='late' target='b'/></state><final id='b'/>");
    family_rest(family);
    uint64_t began = family->now_ms;
    family->now_ms += 1000; /* nobody was there when the first one was due */
    family_move(family);
    CHECK_I64(scxml_host_next_due(family->host), began + 100);
    family_wait(family, 0);
    CHECK_I64(scxml_host_next_due(family->host), began + 5000);
    family_wait(family, 4000);
    CHECK_I64(scxml_host_session_count(family->host), 0);
    family_close(family);
}

TEST(a_cancelled_child_still_leaves_when_it_is_moved)
{
    struct text id = begin("<state id='a'><invoke><content><scxml version='1.0' "
                           "xmlns='http://www.w3.org/2005/07/scxml'><state id='s'><onexit>"
                           "<log label='left'/></onexit></state></scxml></content></invoke>"
                           "<transition event='go' target='b'/></state><state id='b'/>");
    family_rest(family);
    const struct scxml_event go = { .name = TEXT("go") };
    CHECK_OK(scxml_host_post(family->host, id, &go));
    (void)scxml_host_run(family->host, family->now_ms, 1);
    family_move(family);
    (void)family_said(family);
    family_rest(family);
    CHECK_TEXT(family_said(family), "1 log left \n1 end  \n1:\n");
    family_close(family);
}

TEST(histories_come_back)
{
    struct text id =
        begin("<state id='x' initial='x1'><history id='h'><transition target='x1'/></history>"
              "<state id='x1'><transition event='move' target='x2'/></state><state id='x2'/>"
              "<transition event='out' target='y'/></state>"
              "<state id='y'><transition event='back' target='h'/></state>");
    family_rest(family);
    family_event(family, id, "move");
    family_event(family, id, "out");
    family_move(family);
    (void)family_said(family);
    family_event(family, id, "back");
    CHECK_TEXT(family_said(family), "0: 4\n"); /* x2 */
    family_close(family);
}

/* --- bytes that are none -----------------------------------------------------------------------
 */

static const char *const rich =
    "<datamodel><data id='n' expr='{a:1}'/></datamodel>"
    "<parallel id='p'><state id='x' initial='x1'><history id='h' type='deep'><transition "
    "target='x1'/></history><state id='x1'/><state id='x2'/><transition event='move' target='x2'/>"
    "</state><state id='y'><onentry><send event='e' delay='9s' namelist='n'/></onentry>"
    "<invoke id='kid'><content><scxml version='1.0' xmlns='http://www.w3.org/2005/07/scxml'>"
    "<state/></scxml></content></invoke></state>"
    "<transition event='out' target='q'/></parallel>"
    "<state id='q'><transition event='back' target='h'/></state>";

static struct buf saved_family(void)
{
    struct text id = begin(rich);
    struct buf saved = { 0 };
    family_rest(family);
    family_event(family, id, "move");
    family_event(family, id, "out");
    family_event(family, id, "back");
    CHECK_OK(scxml_host_post(family->host, id, &(struct scxml_event){ .name = TEXT("z") }));
    CHECK_OK(scxml_host_save(family->host, &saved, NULL));
    return saved;
}

static enum err restore(struct text bytes)
{
    struct family *other = family_open();
    struct fault fault = { 0 };
    family_begin(other);
    enum err err = scxml_host_restore(other->host, bytes, &fault);
    if (err) CHECK(fault.words[0] != 0);
    /* What was accepted runs. */
    for (int i = 0; !err && i < 20; i++) (void)scxml_host_run(other->host, 2000000, 50);
    family_close(other);
    return err;
}

TEST(what_was_cut_off_is_refused)
{
    struct buf saved = saved_family();
    CHECK_OK(restore(buf_text(&saved)));
    for (size_t len = 0; len < saved.len; len += 1 + len / 50)
        CHECK(restore(text_slice(buf_text(&saved), 0, len)) != ERR_OK);
    buf_add_byte(&saved, 0);
    CHECK(restore(buf_text(&saved)) != ERR_OK);
    buf_free(&saved);
    family_close(family);
}

TEST(bytes_that_were_changed_do_no_harm)
{
    struct buf saved = saved_family();
    struct random random;
    random_seed(&random, 1);
    for (int i = 0; i < 400; i++) {
        size_t at = random_below(&random, saved.len);
        char before = saved.at[at];
        saved.at[at] = (char)random_below(&random, 256);
        (void)restore(buf_text(&saved));
        saved.at[at] = before;
    }
    buf_free(&saved);
    family_close(family);
}

static void replace_u64(struct buf *bytes, uint64_t from, uint64_t to)
{
    for (size_t at = 0; at + 9 <= bytes->len; at++) {
        struct msgpack_reader reader = msgpack_reader(text_slice(buf_text(bytes), at, 9));
        if (msgpack_peek(&reader) != MSGPACK_INTEGER || msgpack_get_u64(&reader) != from) continue;
        struct buf other = { 0 };
        msgpack_put_u64(&other, to);
        CHECK(other.len == 9);
        memcpy(bytes->at + at, other.at, 9);
        buf_free(&other);
        return;
    }
    CHECK(false);
}

static enum err restore_session(struct text saved, struct scxml_host *host, struct text id,
                                struct fault *fault)
{
    (void)id;
    struct scxml_findings findings = { 0 };
    struct scxml_program *program;
    struct scxml_session *session = NULL;
    CHECK_OK(scxml_host_load(host,
                             TEXT("<scxml xmlns='http://www.w3.org/2005/07/scxml' "
                                  "version='1.0'><state id='a'/></scxml>"),
                             TEXT("x"), family->scope, &findings, &program, fault));
    enum err err = scxml_session_restore(saved, scxml_program_evaluator(program),
                                         scxml_program_document(program), NULL, NULL, 0, &session,
                                         fault);
    scxml_session_free(session);
    scxml_host_release(host, program);
    return err;
}

TEST(a_session_of_another_document_or_release_is_refused)
{
    struct text id = begin("<state id='a'/>");
    struct buf saved = { 0 };
    struct fault fault = { 0 };
    family_rest(family);
    struct scxml_session *session = scxml_host_find(family->host, id);
    CHECK_OK(scxml_session_save(session, &saved, &fault));
    CHECK_I64(restore_session(buf_text(&saved), family->host, id, &fault), ERR_CONFLICT);
    CHECK_TEXT(text_of(fault.words), "it is a session of another document");
    size_t version = 1 + 1 + strlen("scxml session"); /* the array, the name */
    CHECK_I64(saved.at[version], 1);
    saved.at[version] = 2;
    CHECK_I64(restore_session(buf_text(&saved), family->host, id, &fault), ERR_UNSUPPORTED);
    CHECK_TEXT(text_of(fault.words), "it was saved by another release");
    buf_free(&saved);
    family_close(family);
}

TEST(a_configuration_that_cannot_be_is_refused)
{
    /* 64 states and more make a word of active states that is told from all other numbers. */
    struct buf body = { 0 };
    buf_add_z(&body, "<parallel id='p'>");
    for (int i = 0; i < 40; i++) buf_format(&body, "<state id='s%d'/>", i);
    buf_add_z(&body, "</parallel><state id='t'/>");
    buf_add_byte(&body, 0);
    (void)begin(body.at);
    family_rest(family);
    struct buf saved = { 0 };
    CHECK_OK(scxml_host_save(family->host, &saved, NULL));
    uint64_t all = 0;
    for (int i = 1; i <= 41; i++) all |= UINT64_C(1) << i;
    uint64_t now = all;
    const uint64_t bad[] = {
        all & ~(UINT64_C(1) << 35), /* a region is missing */
        all | UINT64_C(1) << 42,    /* two children of <scxml> */
        all & ~UINT64_C(2),         /* children without their parent */
        all | UINT64_C(1) << 43,    /* there is no such state */
        all | UINT64_C(1),          /* <scxml> itself is never among them */
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        replace_u64(&saved, now, bad[i]);
        now = bad[i];
        CHECK_I64(restore(buf_text(&saved)), ERR_INVALID);
    }
    replace_u64(&saved, now, all);
    CHECK_OK(restore(buf_text(&saved)));
    buf_free(&saved);
    buf_free(&body);
    family_close(family);
}

TEST(messages_under_way_forbid_to_save)
{
    family = family_open();
    family->options.http_location = TEXT("http://here/");
    family_begin(family);
    (void)family_chart(family,
                       "<state id='a'><onentry><send event='e' target='http://127.0.0.1:1/' type="
                       "'http://www.w3.org/TR/scxml/#BasicHTTPEventProcessor'/></onentry></state>");
    struct buf saved = { 0 };
    family_rest(family);
    CHECK_I64(scxml_host_save(family->host, &saved, NULL), ERR_CONFLICT);
    CHECK_I64(saved.len, 0);
    scxml_host_http_done(family->host, family->last_call, true);
    CHECK_OK(scxml_host_save(family->host, &saved, NULL));
    buf_free(&saved);
    family_close(family);
}
