/* SPDX-License-Identifier: Apache-2.0 */
/* The tool's end against an outbound made here: slow, gone, forgetful, refusing. */
#include "cli/import_send.h"

#include "format/packed_rows.h"

#include "tests/unit/test.h"

#include <stdio.h>
#include <string.h>

enum { SLICES_MAX = 64 };

/* What outbound would have in its store: slices that are durable, each once. */
static struct outbound {
    struct scope *process; /* closed: killed */
    struct link_server *server;
    uint64_t durable; /* slices */
    uint64_t rows[SLICES_MAX];
    uint32_t asked, begins, under_way, under_way_max;
    uint32_t dies_after; /* slices of one life; 0: never */
    bool dies_before_answering, refuses, forgets;
    uint32_t slices_of_this_life;
} outbound;

static struct tool tool;
static struct scope *world;
static uint32_t rejects;
static uint32_t chain_rows = 1; /* rows of the file that stand together */
static uint16_t port;

static void start_outbound(void);

static void die(void *self)
{
    (void)self;
    scope_close(outbound.process);
    outbound.process = NULL;
    start_outbound();
}

static void on_begin(void *self, struct link_request *request, const void *fields)
{
    (void)self;
    const struct outbound_import_begin *asked = fields;
    outbound.begins++;
    if (!text_eq(asked->list, TEXT("SpringList"))) {
        struct fault fault;
        (void)fault_set(&fault, ERR_NOT_FOUND, "list", "there is no calling list NoSuchList");
        link_refuse_fault(request, &fault);
        return;
    }
    CHECK_TEXT(asked->key, "key");
    CHECK_U32(asked->columns.count, 2);
    uint64_t rows = 0;
    for (uint64_t i = 1; i <= outbound.durable; i++) rows += outbound.rows[i];
    struct outbound_import_begun reply = { .head.has = SHAPE_ALL(SHAPE_OUTBOUND_IMPORT_BEGUN),
                                           .import_id = 7,
                                           .slices = outbound.durable,
                                           .offset = rows,
                                           .line = rows + 2,
                                           .inserted = rows };
    link_reply(request, &reply);
}

struct waiting {
    struct link_request *request;
    uint64_t sequence, rows;
};

static void answer(void *self)
{
    struct waiting *waiting = self;
    struct outbound_import_reject reject = { .head.has = SHAPE_ALL(SHAPE_OUTBOUND_IMPORT_REJECT),
                                             .line = waiting->sequence,
                                             .field = TEXT("daily_from"),
                                             .rule = TEXT("must be hh:mm"),
                                             .value = TEXT("25:00") };
    struct outbound_import_rows_done done = {
        .head.has = SHAPE_ALL(SHAPE_OUTBOUND_IMPORT_ROWS_DONE),
        .rejects = { &reject, 1 },
    };
    outbound.under_way--;
    if (waiting->sequence == outbound.durable + 1) {
        outbound.durable++;
        outbound.rows[waiting->sequence] = waiting->rows;
    }
    bool dies = outbound.dies_after && ++outbound.slices_of_this_life >= outbound.dies_after;
    if (!dies || !outbound.dies_before_answering) link_reply(waiting->request, &done);
    if (dies) loop_soon(world, tool.loop, die, NULL);
}

/* Two cells a row, the line of each behind the one before. */
static void check_packed(const struct outbound_import_rows *asked)
{
    struct packed_rows rows = packed_rows_reader(asked->rows);
    struct text cells[2];
    uint64_t line, before = asked->from;
    for (uint32_t i = 0; i < asked->count; i++) {
        CHECK(packed_rows_next(&rows, &line, cells, 2));
        CHECK_TEXT(cells[0], "15550100");
        CHECK_TEXT(cells[1], "");
        CHECK_U32(line, before + 2); /* the test counts places as rows */
        before++;
    }
    CHECK(!packed_rows_next(&rows, &line, cells, 2) && !rows.is_broken);
    CHECK_U32(asked->offset, before);
}

static void on_slice(void *self, struct link_request *request, const void *fields)
{
    (void)self;
    const struct outbound_import_rows *asked = fields;
    struct fault fault;
    check_packed(asked);
    if (outbound.refuses)
        (void)fault_set(&fault, ERR_FULL, "rows", "the disk is full");
    else if (outbound.forgets)
        (void)fault_set(&fault, ERR_NOT_FOUND, "importId", "no import is under way");
    if (outbound.refuses || outbound.forgets) {
        outbound.forgets = false;
        link_refuse_fault(request, &fault);
        return;
    }
    outbound.asked++;
    if (++outbound.under_way > outbound.under_way_max) outbound.under_way_max = outbound.under_way;
    struct scope *life = link_request_scope(request);
    struct waiting *waiting = scope_alloc(life, sizeof *waiting);
    *waiting = (struct waiting){ request, asked->sequence, asked->count };
    /* A little later, as a store does: in the order they came. */
    timer_start(timer_new(outbound.process, tool.loop, answer, waiting), 5);
}

/* One of each durable slice, a few at a time. */
static void on_rejects(void *self, struct link_request *request, const void *fields)
{
    (void)self;
    const struct outbound_import_rejects *asked = fields;
    struct outbound_import_reject reject = { .head.has = SHAPE_ALL(SHAPE_OUTBOUND_IMPORT_REJECT),
                                             .line = asked->after + 1,
                                             .field = TEXT("daily_from"),
                                             .rule = TEXT("must be hh:mm"),
                                             .value = TEXT("25:00") };
    struct outbound_import_rejected page = {
        .head.has = SHAPE_ALL(SHAPE_OUTBOUND_IMPORT_REJECTED),
        .rejects = { &reject, 1 },
        .more = reject.line < outbound.durable,
    };
    link_reply(request, &page);
}

static void on_end(void *self, struct link_request *request, const void *fields)
{
    (void)self, (void)fields;
    struct outbound_import_ended ended = { .head.has = SHAPE_ALL(SHAPE_OUTBOUND_IMPORT_ENDED) };
    for (uint64_t i = 1; i <= outbound.durable; i++) ended.inserted += outbound.rows[i] - 1;
    ended.rejected = outbound.durable;
    ended.state = TEXT("ended");
    link_reply(request, &ended);
}

static void start_outbound(void)
{
    static const struct link_handler handlers[] = {
        { .msg = &MSG_OUTBOUND_IMPORT_BEGIN, .on_request = on_begin },
        { .msg = &MSG_OUTBOUND_IMPORT_ROWS, .on_request = on_slice },
        { .msg = &MSG_OUTBOUND_IMPORT_REJECTS, .on_request = on_rejects },
        { .msg = &MSG_OUTBOUND_IMPORT_END, .on_request = on_end },
        { 0 },
    };
    struct link_identity identity = tool.identity;
    identity.application = TEXT("outbound");
    identity.role = TEXT("primary");
    struct link_options options = { 0 };
    struct fault fault;
    char address[32];
    (void)snprintf(address, sizeof address, "127.0.0.1:%u", port);
    outbound.process = scope_new(world, "outbound", SCOPE_NO_LIMIT);
    outbound.slices_of_this_life = outbound.under_way = 0;
    CHECK_OK(link_listen(outbound.process, tool.net, &tool.log, text_of(address), &identity,
                         &options, handlers, NULL, NULL, &outbound.server, &fault));
    port = link_server_port(outbound.server);
}

static void on_reject(void *self, const struct outbound_import_reject *reject)
{
    (void)self;
    CHECK_TEXT(reject->field, "daily_from");
    CHECK_TEXT(reject->rule, "must be hh:mm");
    CHECK_TEXT(reject->value, "25:00");
    rejects++;
    CHECK_U32(reject->line, rejects); /* in order: the line is the slice's number here */
}

static void begin_world(void)
{
    world = scope_new(NULL, "test", SCOPE_NO_LIMIT);
    tool = (struct tool){ .life = world };
    tool.loop = loop_new(world);
    tool.net = net_new(world, tool.loop);
    (void)memset(tool.secret, 7, sizeof tool.secret);
    tool.identity = (struct link_identity){ .application = TEXT("tool"),
                                            .role = TEXT("tool"),
                                            .build = TEXT("test"),
                                            .secret = { (char *)tool.secret, sizeof tool.secret },
                                            .secret_is_master = true };
    outbound = (struct outbound){ 0 };
    rejects = 0;
    port = 0;
    start_outbound();
}

/* A file of `count` rows, from the place on that outbound names. */
static enum err send_rows(const char *list, uint32_t count, struct outbound_import_ended *totals,
                          uint64_t *sent, struct fault *fault)
{
    static struct text columns[] = { { "contact_info", 12 }, { "Other1", 6 } };
    char address[32];
    (void)snprintf(address, sizeof address, "127.0.0.1:%u", port);
    struct import_send_setup setup = {
        .tool = &tool,
        .application = TEXT("outbound"),
        .address = text_of(address),
        .begin = { .head.has = SHAPE_ALL(SHAPE_OUTBOUND_IMPORT_BEGIN),
                   .key = TEXT("key"),
                   .list = text_of(list),
                   .file_name = TEXT("list.csv"),
                   .columns = { columns, 2 },
                   .duplicates = TEXT("keep"),
                   .do_not_call = TEXT("ignore") },
        .wait_ms = 5000,
        .on_reject = on_reject,
    };
    struct import_send *send;
    struct import_start start;
    enum err err = import_send_begin(&setup, &send, &start, fault);
    *sent = 0;
    for (uint64_t i = err ? count : start.offset; i < count && !err; i++) {
        err = i % chain_rows == 0 ? import_send_cut(send, fault) : ERR_OK;
        if (err) break;
        import_send_row(send, i + 2);
        import_send_cell(send, TEXT("15550100"));
        import_send_cell(send, TEXT(""));
        err = import_send_end_row(send, i + 1, i + 3, fault);
        ++*sent;
    }
    if (!err) err = import_send_end(send, totals, NULL, fault);
    return err;
}

static void check_whole(uint32_t rows)
{
    uint64_t sum = 0;
    for (uint64_t i = 1; i <= outbound.durable; i++) sum += outbound.rows[i];
    CHECK_U32(sum, rows);
}

TEST(rows_go_over_in_slices_with_a_few_under_way)
{
    struct outbound_import_ended totals;
    struct fault fault;
    uint64_t sent;
    begin_world();
    CHECK_OK(send_rows("SpringList", 10 * IMPORT_SLICE_ROWS + 3, &totals, &sent, &fault));
    CHECK_U32(outbound.durable, 11);
    CHECK_U32(outbound.rows[11], 3);
    CHECK_U32(outbound.asked, 11);
    CHECK_U32(outbound.under_way_max, IMPORT_WINDOW);
    CHECK_U32(rejects, 11);
    CHECK_U32(totals.inserted, 10 * IMPORT_SLICE_ROWS + 3 - 11);
    scope_close(world);
}

TEST(an_outbound_that_is_killed_now_and_then_gets_every_row_once)
{
    struct outbound_import_ended totals;
    struct fault fault;
    uint64_t sent;
    for (int variant = 0; variant < 2; variant++) {
        begin_world();
        outbound.dies_after = 3;
        outbound.dies_before_answering = variant == 1;
        CHECK_OK(send_rows("SpringList", 10 * IMPORT_SLICE_ROWS, &totals, &sent, &fault));
        CHECK_U32(outbound.durable, 10);
        CHECK(outbound.begins > 2);
        check_whole(10 * IMPORT_SLICE_ROWS);
        CHECK_U32(rejects, 10);
        CHECK_U32(totals.inserted, 10 * IMPORT_SLICE_ROWS - 10);
        scope_close(world);
    }
}

TEST(an_outbound_that_forgot_the_import_is_told_of_it_again)
{
    struct outbound_import_ended totals;
    struct fault fault;
    uint64_t sent;
    begin_world();
    outbound.forgets = true;
    CHECK_OK(send_rows("SpringList", 3 * IMPORT_SLICE_ROWS, &totals, &sent, &fault));
    CHECK_U32(outbound.begins, 2);
    check_whole(3 * IMPORT_SLICE_ROWS);
    scope_close(world);
}

TEST(the_same_file_again_sends_nothing_and_tells_its_rejects_again)
{
    struct outbound_import_ended totals;
    struct fault fault;
    uint64_t sent;
    begin_world();
    CHECK_OK(send_rows("SpringList", 2 * IMPORT_SLICE_ROWS, &totals, &sent, &fault));
    rejects = 0;
    CHECK_OK(send_rows("SpringList", 2 * IMPORT_SLICE_ROWS, &totals, &sent, &fault));
    CHECK_U32(outbound.durable, 2);
    CHECK_U32(sent, 0);
    CHECK_U32(rejects, 2);
    CHECK_U32(totals.inserted, 2 * IMPORT_SLICE_ROWS - 2);
    scope_close(world);
}

TEST(a_tool_that_was_killed_goes_on_behind_the_last_durable_slice)
{
    struct outbound_import_ended totals;
    struct fault fault;
    uint64_t sent;
    begin_world();
    CHECK_OK(send_rows("SpringList", 2 * IMPORT_SLICE_ROWS, &totals, &sent, &fault));
    rejects = 0;
    CHECK_OK(send_rows("SpringList", 5 * IMPORT_SLICE_ROWS + 1, &totals, &sent, &fault));
    CHECK_U32(sent, 3 * IMPORT_SLICE_ROWS + 1);
    check_whole(5 * IMPORT_SLICE_ROWS + 1);
    CHECK_U32(rejects, 6);
    scope_close(world);
}

TEST(rows_that_stand_together_are_not_cut_unless_they_are_too_many)
{
    struct outbound_import_ended totals;
    struct fault fault;
    uint64_t sent;
    const struct {
        uint32_t rows_of_a_chain, first_slice;
    } cases[] = { { 7, IMPORT_SLICE_ROWS + 7 - IMPORT_SLICE_ROWS % 7 },
                  { 100000, IMPORT_SLICE_ROWS + IMPORT_SLICE_MORE } };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        begin_world();
        chain_rows = cases[i].rows_of_a_chain;
        CHECK_OK(send_rows("SpringList", 2 * IMPORT_SLICE_ROWS, &totals, &sent, &fault));
        CHECK_U32(outbound.rows[1], cases[i].first_slice);
        check_whole(2 * IMPORT_SLICE_ROWS);
        chain_rows = 1;
        scope_close(world);
    }
}

TEST(a_refusal_ends_the_import_with_its_words)
{
    struct outbound_import_ended totals;
    struct fault fault;
    uint64_t sent;
    begin_world();
    outbound.refuses = true;
    CHECK_U32(send_rows("SpringList", 20 * IMPORT_SLICE_ROWS, &totals, &sent, &fault), ERR_FULL);
    CHECK_TEXT(text_of(fault.words), "the disk is full");
    CHECK_U32(send_rows("NoSuchList", 1, &totals, &sent, &fault), ERR_NOT_FOUND);
    CHECK_TEXT(text_of(fault.words), "there is no calling list NoSuchList");
    scope_close(world);
}

TEST(a_file_without_rows_is_an_import_without_slices)
{
    struct outbound_import_ended totals;
    struct fault fault;
    uint64_t sent;
    begin_world();
    CHECK_OK(send_rows("SpringList", 0, &totals, &sent, &fault));
    CHECK_U32(outbound.asked, 0);
    CHECK_U32(totals.inserted, 0);
    scope_close(world);
}
