/* SPDX-License-Identifier: Apache-2.0 */
/* carillon notifications: what outbound posted to the customer's web servers, or still has to.
 * Begin at notifications(). */
#include "cli/command.h"
#include "cli/tool.h"
#include "format/json.h"
#include "gen/messages.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { CONNECT_MS = 10000, ANSWER_MS = 600000, LIMIT_DEFAULT = 50, PAGE_MAX = 1000 };

struct words { /* of the command line */
    const char *data, *application, *state, *kind, *since, *until, *contains, *limit;
    bool wants_json;
    const char *guid;
    uint64_t since_ms, until_ms;
    uint32_t limit_rows;
};

struct session {
    struct tool tool;
    struct link *link;
    const struct words *words;
    struct fault fault;
    struct text next; /* cursor of the next page; empty: that was all */
    uint32_t shown;
    uint64_t waiting, failed, replayed;
};

/* --- what the person wrote --- */

/* "2h" is two hours ago; else 2026-11-21, 2026-11-21T09:30 or 2026-11-21T09:30:00, all UTC. */
static bool read_time(const char *word, uint64_t *out_ms)
{
    static const struct {
        char letter;
        uint32_t seconds;
    } units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 } };
    static const char *const forms[] = { "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%d" };
    size_t len = strlen(word);
    uint32_t count;
    for (size_t i = 0; len > 1 && i < sizeof units / sizeof units[0]; i++) {
        if (word[len - 1] != units[i].letter) continue;
        if (text_to_u32((struct text){ word, len - 1 }, 0, 1000000, &count)) continue;
        uint64_t ago_s = (uint64_t)count * units[i].seconds, now_s = (uint64_t)time(NULL);
        *out_ms = (now_s > ago_s ? now_s - ago_s : 0) * 1000;
        return true;
    }
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        struct tm parts = { 0 };
        const char *end = strptime(word, forms[i], &parts);
        if (end == NULL || (*end != '\0' && strcmp(end, "Z") != 0)) continue;
        *out_ms = (uint64_t)timegm(&parts) * 1000;
        return true;
    }
    return false;
}

static bool read_times(struct words *words)
{
    const char *wrong = NULL;
    if (words->since && !read_time(words->since, &words->since_ms)) wrong = "--since";
    if (words->until && !read_time(words->until, &words->until_ms)) wrong = "--until";
    if (wrong)
        fprintf(stderr, "carillon notifications: %s takes 2026-11-21T09:30 (UTC), or 90m, 2h, 7d\n",
                wrong);
    return wrong == NULL;
}

static bool read_limit(struct words *words)
{
    words->limit_rows = LIMIT_DEFAULT;
    if (words->limit == NULL ||
        text_to_u32(text_of(words->limit), 1, UINT32_MAX, &words->limit_rows) == ERR_OK)
        return true;
    fprintf(stderr, "carillon notifications: --limit takes a number from 1\n");
    return false;
}

/* --- showing --- */

/* UTC, to the millisecond. */
static void print_row(const struct outbound_notification_row *row)
{
    tool_print_time(row->created_at);
    printf("  %-7.*s %2u  %.*s  %-17.*s  %.*s", TEXT_ARG(row->state), row->attempts,
           TEXT_ARG(row->guid), TEXT_ARG(row->kind), TEXT_ARG(row->summary));
    if (row->words.len) printf("  (%.*s)", TEXT_ARG(row->words));
    printf("\n");
}

static void print_shape(const struct shape *shape, const void *fields)
{
    struct buf out = { 0 };
    shape_to_json(&out, shape, fields);
    printf("%.*s\n", TEXT_ARG(buf_text(&out)));
    buf_free(&out);
}

static void print_page(void *self, const void *fields)
{
    struct session *session = self;
    const struct outbound_notifications *page = fields;
    for (uint32_t i = 0; i < page->notifications.count; i++) {
        if (session->words->wants_json) /* a line each, so that pages need no joining */
            print_shape(&SHAPE_OUTBOUND_NOTIFICATION_ROW, &page->notifications.at[i]);
        else
            print_row(&page->notifications.at[i]);
    }
    session->shown += page->notifications.count;
    session->next = scope_keep(session->tool.life, page->next);
    session->waiting = page->waiting;
    session->failed = page->failed;
}

static void print_whole(void *self, const void *fields)
{
    struct session *session = self;
    const struct outbound_notification *whole = fields;
    if (session->words->wants_json) {
        print_shape(MSG_OUTBOUND_NOTIFICATION.shape, whole);
        return;
    }
    print_row(whole->row);
    printf("\nPOST %.*s\n%.*s\n%.*s\n", TEXT_ARG(whole->row->url), TEXT_ARG(whole->headers),
           TEXT_ARG(whole->body));
}

static void note_replayed(void *self, const void *fields)
{
    struct session *session = self;
    session->replayed = ((const struct outbound_notification_replayed *)fields)->replayed;
}

/* --- asking --- */

static enum err list(struct session *session)
{
    const struct words *words = session->words;
    struct outbound_notification_list ask = {
        .state = text_of(words->state),
        .kind = text_of(words->kind),
        .contains = text_of(words->contains),
        .since = words->since_ms,
        .until = words->until_ms,
    };
    uint64_t filters = (words->state ? OUTBOUND_NOTIFICATION_LIST_HAS_STATE : 0) |
                       (words->kind ? OUTBOUND_NOTIFICATION_LIST_HAS_KIND : 0) |
                       (words->contains ? OUTBOUND_NOTIFICATION_LIST_HAS_CONTAINS : 0) |
                       (words->since ? OUTBOUND_NOTIFICATION_LIST_HAS_SINCE : 0) |
                       (words->until ? OUTBOUND_NOTIFICATION_LIST_HAS_UNTIL : 0) |
                       OUTBOUND_NOTIFICATION_LIST_HAS_LIMIT;
    do {
        uint32_t left = words->limit_rows - session->shown;
        ask.limit = left < PAGE_MAX ? left : PAGE_MAX;
        ask.after = session->next;
        ask.head.has = filters | (session->next.len ? OUTBOUND_NOTIFICATION_LIST_HAS_AFTER : 0);
        enum err err = tool_ask(&session->tool, session->link, &MSG_OUTBOUND_NOTIFICATION_LIST,
                                &ask, ANSWER_MS, print_page, session, &session->fault);
        if (err) return err;
    } while (session->next.len && session->shown < words->limit_rows);
    fprintf(stderr,
            "%u shown%s; in the whole ledger %" PRIu64 " wait and %" PRIu64 " have failed\n",
            session->shown, session->next.len ? ", there are more (--limit)" : "", session->waiting,
            session->failed);
    return ERR_OK;
}

static enum err show(struct session *session)
{
    struct outbound_notification_get ask = { .head.has = OUTBOUND_NOTIFICATION_GET_HAS_GUID,
                                             .guid = text_of(session->words->guid) };
    return tool_ask(&session->tool, session->link, &MSG_OUTBOUND_NOTIFICATION_GET, &ask, ANSWER_MS,
                    print_whole, session, &session->fault);
}

static enum err replay(struct session *session)
{
    const struct words *words = session->words;
    struct outbound_notification_replay ask = {
        .head.has = (words->guid ? OUTBOUND_NOTIFICATION_REPLAY_HAS_GUID : 0) |
                    (words->state ? OUTBOUND_NOTIFICATION_REPLAY_HAS_STATE : 0) |
                    (words->kind ? OUTBOUND_NOTIFICATION_REPLAY_HAS_KIND : 0) |
                    (words->since ? OUTBOUND_NOTIFICATION_REPLAY_HAS_SINCE : 0) |
                    (words->until ? OUTBOUND_NOTIFICATION_REPLAY_HAS_UNTIL : 0),
        .guid = text_of(words->guid),
        .state = text_of(words->state),
        .kind = text_of(words->kind),
        .since = words->since_ms,
        .until = words->until_ms,
    };
    enum err err = tool_ask(&session->tool, session->link, &MSG_OUTBOUND_NOTIFICATION_REPLAY, &ask,
                            ANSWER_MS, note_replayed, session, &session->fault);
    if (err) return err;
    if (words->wants_json)
        printf("{\"replayed\":%" PRIu64 "}\n", session->replayed);
    else
        printf("%" PRIu64 " wait to be sent again\n", session->replayed);
    return ERR_OK;
}

/* --- the command --- */

static const struct {
    const char *name;
    enum err (*run)(struct session *session);
    bool takes_guid, needs_guid, takes_filter;
} deeds[] = {
    { "list", list, false, false, true },
    { "show", show, true, true, false },
    { "replay", replay, true, false, true },
};

static int carry_out(const struct words *words, enum err (*run)(struct session *session))
{
    struct session session = { .words = words };
    enum err err = tool_open(&session.tool, words->data, &session.fault);
    if (!err) {
        err = tool_connect_application(&session.tool, text_of(words->application), CONNECT_MS,
                                       &session.link, &session.fault);
        if (!err) err = run(&session);
        tool_close(&session.tool);
    }
    if (err)
        fprintf(stderr, "carillon notifications: %s%s%s\n", session.fault.field,
                session.fault.field[0] ? ": " : "", session.fault.words);
    return err ? 1 : 0;
}

static int notifications(int argc, char **argv)
{
    struct words words = {
        .data = command_take_option(&argc, argv, "--data"),
        .application = command_take_option(&argc, argv, "--application"),
        .state = command_take_option(&argc, argv, "--state"),
        .kind = command_take_option(&argc, argv, "--kind"),
        .since = command_take_option(&argc, argv, "--since"),
        .until = command_take_option(&argc, argv, "--until"),
        .contains = command_take_option(&argc, argv, "--contains"),
        .limit = command_take_option(&argc, argv, "--limit"),
        .wants_json = command_take_flag(&argc, argv, "--json"),
    };
    if (words.application == NULL) words.application = "outbound";
    if (!command_knows_all(argc, argv) || !read_times(&words) || !read_limit(&words)) return 2;
    if (argc > 2) words.guid = argv[2];
    bool has_filter = words.state || words.kind || words.since || words.until || words.contains;
    for (size_t i = 0; argc > 1 && i < sizeof deeds / sizeof deeds[0]; i++) {
        if (strcmp(argv[1], deeds[i].name) != 0) continue;
        bool is_wrong = argc > 3 || (words.guid && !deeds[i].takes_guid) ||
                        (!words.guid && deeds[i].needs_guid) ||
                        (has_filter && (!deeds[i].takes_filter || words.guid));
        if (is_wrong) break;
        return carry_out(&words, deeds[i].run);
    }
    fprintf(stderr, "carillon notifications: list, show GUID, replay GUID, or replay with a filter"
                    " (see: carillon help notifications)\n");
    return 2;
}

const struct command notifications_command = {
    .name = "notifications",
    .arguments = "list|show GUID|replay GUID|replay [--data DIR] [--application NAME] [FILTER]",
    .help = "show what was posted to the customer's web servers, and post it again",
    .more =
        "list    what outbound posted or has to post, the latest first\n"
        "show    one message whole: its headers (secrets hidden) and its body\n"
        "replay  post again, the same bytes with the same id: one message, or all that match the\n"
        "        filter; of these the failed ones, unless --state says sent\n"
        "\n"
        "FILTER  --state waiting|sent|failed\n"
        "        --kind contact-processed|campaigngroup-states|history\n"
        "        --since TIME, --until TIME: when it was made, as 2026-11-21T09:30 in UTC, or ago: "
        "90m, 2h, 7d\n"
        "list    --contains TEXT: in the body, a phone number for example; --limit N: 50\n"
        "        --json: an object a line\n",
    .run = notifications,
};
