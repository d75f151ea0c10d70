/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/outbound/call_stats.h"

#include "servers/outbound/call_hide.h"
#include "servers/outbound/call_line.h"
#include "servers/outbound/flat_file.h"

struct call_stats {
    struct outbound *server;
    struct scope *file_life;
    struct flat_file *file; /* NULL: not wanted */
    struct buf line;
};

static void drop_line(void *self)
{
    struct call_stats *stats = self;
    buf_free(&stats->line);
}

struct call_stats *call_stats_new(struct outbound *server)
{
    struct call_stats *stats = scope_alloc(server->app->life, sizeof *stats);
    stats->server = server;
    stats->file_life = scope_new(server->app->life, "audit trail", SCOPE_NO_LIMIT);
    scope_on_close(server->app->life, drop_line, stats);
    return stats;
}

/* A new file each time that the options moved: what stands in the old one stays as it is. */
void call_stats_configure(struct outbound *server)
{
    struct call_stats *stats = server->call_stats;
    const struct outbound_options *options = server->app->options;
    struct flat_file_options wanted = {
        .folder = options->log_call_stats_all.len ? options->log_call_stats_all
                                                  : server->app->logs_dir,
        .name = TEXT("CallStats"),
        .has_segments = true,
    };
    if (log_segment_parse(options->log_call_stats_segment, &wanted.segment))
        wanted.segment.bytes = 10 * 1024 * 1024;
    (void)log_expire_parse(options->log_call_stats_expire, &wanted.expire);
    scope_reset(stats->file_life);
    stats->file = options->log_call_stats
                      ? flat_file_new(stats->file_life, &server->app->log, &wanted)
                      : NULL;
}

static void write_line(struct call_stats *stats, const struct chain_step *step,
                       const struct session_names *names)
{
    const struct live_chain *live = step->live;
    const struct chain *chain = &live->chain;
    const struct chain_outcome *outcome = &step->outcome;
    const struct record *record = &chain->records[step->record];
    struct buf hidden = { 0 };
    struct call_line line = { .out = &stats->line, .delimiter = TEXT(","), .quotes = true };
    buf_clear(&stats->line);
    call_line_time(&line, outcome->now_utc_ms);
    call_line_time(&line, outcome->started_utc_ms);
    call_line_text(&line, names->campaign);
    call_line_text(&line, names->campaign_group);
    call_line_text(&line, guid_text(&live->session->guid));
    call_line_text(&line, live->list_name);
    call_line_i64(&line, record->handle);
    call_line_i64(&line, record_i64(record, COLUMN_RECORD_ID));
    call_line_i64(&line, record_i64(record, COLUMN_CHAIN_ID));
    call_line_i64(&line, record_i64(record, COLUMN_CHAIN_N));
    call_line_text(&line, guid_text(&outcome->attempt_guid));
    call_line_text(&line, call_hide(stats->server, &hidden, TEXT("GSW_PHONE"),
                                    record_text(record, COLUMN_CONTACT_INFO)));
    call_line_i64(&line, record_i64(record, COLUMN_CONTACT_INFO_TYPE));
    call_line_i64(&line, live->session->dialing.mode);
    call_line_i64(&line, record_i64(record, COLUMN_CALL_RESULT));
    call_line_i64(&line, outcome->reason);
    call_line_text(&line, step->disposition_code);
    call_line_i64(&line, record_i64(record, COLUMN_RECORD_TYPE));
    call_line_i64(&line, record_i64(record, COLUMN_RECORD_STATUS));
    call_line_i64(&line, record_i64(record, COLUMN_ATTEMPT));
    call_line_text(&line,
                   call_hide(stats->server, &hidden, TEXT("GSW_AGENT_ID"), outcome->agent_id));
    call_line_end(&line);
    flat_file_write(stats->file, buf_text(&stats->line), outcome->now_utc_ms);
    buf_free(&hidden);
}

void call_stats_add(const struct chain_step *step)
{
    struct call_stats *stats = step->live->session->server->call_stats;
    if (stats->file == NULL || step->outcome.round != ROUND_CLOSES) return;
    struct session_names names;
    if (!session_names(stats->server, step->live->session->dbid, &names, NULL))
        names = (struct session_names){ 0 };
    write_line(stats, step, &names);
}
