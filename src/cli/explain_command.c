/* SPDX-License-Identifier: Apache-2.0 */
/* carillon explain: why a record was, or was not, given out. Begin at explain(). */
#include "cli/command.h"
#include "cli/tool.h"
#include "format/json.h"
#include "gen/messages.h"

#include <stdio.h>

enum { CONNECT_MS = 10000, ANSWER_MS = 120000, LIMIT_DEFAULT = 100 };

struct explain {
    struct tool tool;
    struct fault fault;
    bool wants_json;
    struct text next;
    int64_t chain_id, chain_n; /* of the last line shown */
    bool has_shown, was_now;
};

static void print_now(struct explain *explain, const struct outbound_explain_line *line)
{
    bool is_same = explain->has_shown && explain->was_now && explain->chain_id == line->chain_id &&
                   explain->chain_n == line->chain_n && !text_eq(line->rule, TEXT("status"));
    if (!is_same)
        printf("%s%.*s chain %lld record %lld%s%.*s, now\n", explain->has_shown ? "\n" : "",
               TEXT_ARG(line->list), (long long)line->chain_id, (long long)line->chain_n,
               line->campaign_group.len ? ", campaign group " : "", TEXT_ARG(line->campaign_group));
    bool is_sum = text_eq(line->rule, TEXT("sum"));
    printf("  %-18.*s %.*s: %.*s\n", is_sum ? 2 : (int)line->rule.len,
           is_sum ? "=>" : line->rule.at, TEXT_ARG(line->outcome), TEXT_ARG(line->inputs));
}

static void print_stored(struct explain *explain, const struct outbound_explain_line *line)
{
    if (explain->was_now || !explain->has_shown)
        printf("%sstored, the latest first\n", explain->has_shown ? "\n" : "");
    printf("  ");
    tool_print_time(line->at);
    printf("  %.*s %lld/%lld  %.*s: %.*s", TEXT_ARG(line->list), (long long)line->chain_id,
           (long long)line->chain_n, TEXT_ARG(line->rule), TEXT_ARG(line->outcome));
    if (line->inputs.len) printf("  (%.*s)", TEXT_ARG(line->inputs));
    if (line->campaign_group.len) printf("  [%.*s]", TEXT_ARG(line->campaign_group));
    printf("\n");
}

static void print_line(struct explain *explain, const struct outbound_explain_line *line)
{
    if (explain->wants_json) { /* a line each */
        struct buf out = { 0 };
        shape_to_json(&out, &SHAPE_OUTBOUND_EXPLAIN_LINE, line);
        printf("%.*s\n", TEXT_ARG(buf_text(&out)));
        buf_free(&out);
        return;
    }
    if (line->is_now)
        print_now(explain, line);
    else
        print_stored(explain, line);
    explain->has_shown = true;
    explain->was_now = line->is_now;
    explain->chain_id = line->chain_id;
    explain->chain_n = line->chain_n;
}

static void print_page(void *self, const void *fields)
{
    struct explain *explain = self;
    const struct outbound_explained *page = fields;
    for (uint32_t i = 0; i < page->lines.count; i++) print_line(explain, &page->lines.at[i]);
    explain->next = scope_keep(explain->tool.life, page->next);
}

/* Digits may be a chain or a number: first the one, then the other. */
static enum err ask_server(struct explain *explain, struct link *link,
                           struct outbound_explain_list *ask, const char *word, const char *phone)
{
    bool may_be_chain = phone == NULL &&
                        text_to_i64(text_of(word), 0, INT64_MAX, &ask->chain_id) == ERR_OK;
    if (may_be_chain) {
        ask->head.has |= OUTBOUND_EXPLAIN_LIST_HAS_CHAIN_ID;
        if (tool_ask(&explain->tool, link, &MSG_OUTBOUND_EXPLAIN_LIST, ask, ANSWER_MS, print_page,
                     explain, &explain->fault) == ERR_OK)
            return ERR_OK;
        ask->head.has &= ~OUTBOUND_EXPLAIN_LIST_HAS_CHAIN_ID;
    }
    ask->phone = text_of(phone ? phone : word);
    ask->head.has |= OUTBOUND_EXPLAIN_LIST_HAS_PHONE;
    return tool_ask(&explain->tool, link, &MSG_OUTBOUND_EXPLAIN_LIST, ask, ANSWER_MS, print_page,
                    explain, &explain->fault);
}

static int run(int argc, char **argv)
{
    struct explain explain = { 0 };
    const char *data = command_take_option(&argc, argv, "--data");
    const char *application = command_take_option(&argc, argv, "--application");
    const char *phone = command_take_option(&argc, argv, "--phone");
    const char *group = command_take_option(&argc, argv, "--group");
    const char *limit = command_take_option(&argc, argv, "--limit");
    explain.wants_json = command_take_flag(&argc, argv, "--json");
    bool is_stored_only = command_take_flag(&argc, argv, "--stored");
    if (!command_knows_all(argc, argv)) return 2;
    struct outbound_explain_list ask = {
        .head.has = OUTBOUND_EXPLAIN_LIST_HAS_LIMIT | OUTBOUND_EXPLAIN_LIST_HAS_LIST |
                    OUTBOUND_EXPLAIN_LIST_HAS_IS_STORED_ONLY,
        .limit = LIMIT_DEFAULT,
        .is_stored_only = is_stored_only,
    };
    if (argc < 2 || argc > 3 || (argc == 3) == (phone != NULL) ||
        (limit && text_to_u32(text_of(limit), 1, 1000, &ask.limit))) {
        fprintf(stderr, "usage: carillon explain LIST CHAIN|PHONE (--limit takes 1 to 1000)\n");
        return 2;
    }
    ask.list = text_of(argv[1]);
    if (group) {
        ask.campaign_group = text_of(group);
        ask.head.has |= OUTBOUND_EXPLAIN_LIST_HAS_CAMPAIGN_GROUP;
    }
    struct link *link = NULL;
    enum err err = tool_open(&explain.tool, data, &explain.fault);
    if (!err)
        err = tool_connect_application(&explain.tool,
                                       text_of(application ? application : "outbound"), CONNECT_MS,
                                       &link, &explain.fault);
    if (!err) err = ask_server(&explain, link, &ask, argc == 3 ? argv[2] : "", phone);
    if (err) fprintf(stderr, "carillon explain: %s\n", explain.fault.words);
    if (!err && explain.next.len) fprintf(stderr, "there are more stored lines (--limit)\n");
    tool_close(&explain.tool);
    return err ? 1 : 0;
}

const struct command explain_command = {
    .name = "explain",
    .arguments = "[--data DIR] [--application NAME] [--group NAME] [--stored] [--json] [--limit N] "
                 "LIST CHAIN|PHONE",
    .help = "why a record was given out, or is not",
    .more =
        "Each rule says what it sees of the record now, and what follows; then come the stored\n"
        "lines of the last 30 days, the latest first. Digits are a chain where the list has it, "
        "else\n"
        "a contact's number; --phone NUMBER in their place is a number for certain.\n",
    .run = run,
};
