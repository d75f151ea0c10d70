/* SPDX-License-Identifier: Apache-2.0 */
/* carillon ctl alarms and log: what is wrong, and what was said (framework 8.5, 9). */
#include "cli/ctl.h"
#include "format/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    DAY_S = 86400,
    HOUR_S = 3600,
    MINUTE_S = 60,
    LIMIT_DEFAULT = 100,
    LIMIT_MAX = 1000000,
    PAGE = 1000
};

/* --- alarms -------------------------------------------------------------------------------------
 */

static void print_alarm(const struct control_alarm_state *alarm)
{
    printf("%6llu  ", (unsigned long long)alarm->id);
    tool_print_time(alarm->raised);
    printf("  %-8.*s %-8.*s %.*s", TEXT_ARG(alarm->state), TEXT_ARG(alarm->category),
           TEXT_ARG(alarm->condition));
    if (alarm->application.len) printf("  %.*s", TEXT_ARG(alarm->application));
    if (alarm->count > 1) printf("  %u times", alarm->count);
    if (alarm->text.len) printf("  %.*s", TEXT_ARG(alarm->text));
    if (alarm->cleared_by.len) printf("  cleared by %.*s", TEXT_ARG(alarm->cleared_by));
    printf("\n");
}

static void print_alarms(void *self, const void *fields)
{
    const struct ctl *ctl = self;
    const struct control_alarms *alarms = fields;
    if (ctl->wants_json) {
        ctl_print_json(&MSG_CONTROL_ALARMS, fields);
        return;
    }
    if (alarms->alarms.count == 0)
        fprintf(stderr, "no %salarms\n", ctl->wants_all ? "" : "active ");
    for (uint32_t i = 0; i < alarms->alarms.count; i++) print_alarm(&alarms->alarms.at[i]);
    if (alarms->more) printf("...\n");
    fflush(stdout);
}

static void print_alarm_moved(struct ctl *ctl, const struct msg *msg, const void *fields)
{
    const struct control_alarm_moved *moved = fields;
    if (msg != &MSG_CONTROL_ALARM_MOVED) return;
    if (ctl->wants_json) {
        ctl_print_json(msg, fields);
        return;
    }
    printf("%-8.*s", TEXT_ARG(moved->kind));
    print_alarm(moved->alarm);
    fflush(stdout);
}

static void on_watching_again(void *self, const struct link_error *error, const void *fields)
{
    if (error == NULL) print_alarms(self, fields);
}

static void watch_again(struct ctl *ctl)
{
    link_ask(ctl->link, &MSG_CONTROL_WATCH_ALARMS, &(struct control_watch_alarms){ 0 }, NULL,
             CTL_ANSWER_MS, on_watching_again, ctl);
}

static int watch(struct ctl *ctl)
{
    ctl->on_event = print_alarm_moved;
    if (ctl_ask(ctl, &MSG_CONTROL_WATCH_ALARMS, &(struct control_watch_alarms){ 0 }, print_alarms,
                ctl))
        return ctl_complain(ctl);
    ctl->on_up = watch_again;
    loop_run(ctl->tool.loop); /* until the person ends it */
    return CTL_DONE;
}

static void on_cleared(void *self, const void *fields)
{
    const struct control_alarm_cleared *cleared = fields;
    (void)self;
    print_alarm(cleared->alarm);
}

static int clear(struct ctl *ctl)
{
    struct control_clear_alarm ask = { .head.has = CONTROL_CLEAR_ALARM_HAS_ID };
    if (text_to_u64(text_of(ctl->clear), 1, INT64_MAX, &ask.id))
        return ctl_wrong_use("--clear takes the number of an alarm");
    if (ctl->comment) {
        ask.head.has |= CONTROL_CLEAR_ALARM_HAS_COMMENT;
        ask.comment = text_of(ctl->comment);
    }
    return ctl_ask(ctl, &MSG_CONTROL_CLEAR_ALARM, &ask, on_cleared, ctl) ? ctl_complain(ctl)
                                                                         : CTL_DONE;
}

int ctl_alarms(struct ctl *ctl)
{
    struct control_read_alarms ask = { .head.has = CONTROL_READ_ALARMS_HAS_STATE |
                                                   CONTROL_READ_ALARMS_HAS_LIMIT,
                                       .state = TEXT("active"),
                                       .limit = PAGE };
    if (ctl->clear) return clear(ctl);
    if (ctl->wants_watch) return watch(ctl);
    if (ctl->wants_all) ask.head.has &= ~(uint64_t)CONTROL_READ_ALARMS_HAS_STATE;
    return ctl_ask(ctl, &MSG_CONTROL_READ_ALARMS, &ask, print_alarms, ctl) ? ctl_complain(ctl)
                                                                           : CTL_DONE;
}

/* --- kept logs ----------------------------------------------------------------------------------
 */

/* "15m", "2h", "3d" ago, or UTC as 2026-03-01T09:30:00Z or 2026-03-01. */
static bool time_of(const struct ctl *ctl, const char *word, uint64_t *out)
{
    struct text text = text_of(word);
    uint64_t now_ms = loop_now_utc_ms(ctl->tool.loop), count, unit_s = 0;
    char last = text.len ? text.at[text.len - 1] : 0;
    if (last == 's') unit_s = 1;
    if (last == 'm') unit_s = MINUTE_S;
    if (last == 'h') unit_s = HOUR_S;
    if (last == 'd') unit_s = DAY_S;
    if (unit_s && text_to_u64(text_slice(text, 0, text.len - 1), 0, UINT32_MAX, &count) == ERR_OK) {
        uint64_t ago_ms = count * unit_s * 1000;
        *out = ago_ms < now_ms ? now_ms - ago_ms : 0;
        return true;
    }
    struct tm parts = { 0 };
    const char *rest = strptime(word, "%Y-%m-%d", &parts);
    if (rest && *rest == 'T') rest = strptime(rest, "T%H:%M:%S", &parts);
    if (rest && *rest == 'Z') rest++;
    if (rest == NULL || *rest) return false;
    *out = (uint64_t)timegm(&parts) * 1000;
    return true;
}

static bool take_times(const struct ctl *ctl, struct control_read_log *ask)
{
    if (ctl->from) {
        ask->head.has |= CONTROL_READ_LOG_HAS_FROM;
        if (!time_of(ctl, ctl->from, &ask->from)) return false;
    }
    if (ctl->to) {
        ask->head.has |= CONTROL_READ_LOG_HAS_TO;
        if (!time_of(ctl, ctl->to, &ask->to)) return false;
    }
    return true;
}

static void take_text(struct control_read_log *ask, const char *word, uint64_t bit,
                      struct text *out)
{
    if (word == NULL) return;
    ask->head.has |= bit;
    *out = text_of(word);
}

/* The latest come first from control, page by page; a person reads the oldest first. */
struct log_reading {
    struct ctl *ctl;
    struct scope *life;
    struct buf *lines; /* one each */
    uint32_t count, wanted;
    uint64_t before;
    bool has_more;
};

static void put_row(struct buf *out, const struct control_log_row *row)
{
    static const char *const levels[] = { "", "", "Trc", "Int", "Std", "Alr" };
    const struct control_log_record *record = row->record;
    uint64_t ms = record->time / 1000;
    time_t seconds = (time_t)(ms / 1000);
    char when[32] = "";
    struct tm parts;
    if (gmtime_r(&seconds, &parts)) (void)strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%S", &parts);
    buf_format(out, "%s.%03uZ %s %.*s %.*s %.*s\n", when, (unsigned)(ms % 1000),
               record->priority < 6 ? levels[record->priority] : "", TEXT_ARG(row->application),
               TEXT_ARG(record->id), TEXT_ARG(record->text));
}

static void on_rows(void *self, const void *fields)
{
    struct log_reading *reading = self;
    const struct control_log_rows *rows = fields;
    reading->has_more = rows->more;
    for (uint32_t i = 0; i < rows->rows.count && reading->count < reading->wanted; i++) {
        const struct control_log_row *row = &rows->rows.at[i];
        struct buf *line = &reading->lines[reading->count++];
        reading->before = row->lrid;
        if (reading->ctl->wants_json) {
            shape_to_json(line, MSG_CONTROL_LOG_ROWS.shape->fields[0].nested, row);
            buf_add_byte(line, '\n');
        } else {
            put_row(line, row);
        }
    }
    if (rows->rows.count == 0) reading->has_more = false;
}

static enum err read_pages(struct log_reading *reading, struct control_read_log *ask)
{
    enum err err;
    do {
        uint32_t left = reading->wanted - reading->count;
        ask->limit = left < PAGE ? left : PAGE;
        err = ctl_ask(reading->ctl, &MSG_CONTROL_READ_LOG, ask, on_rows, reading);
        ask->head.has |= CONTROL_READ_LOG_HAS_BEFORE;
        ask->before = reading->before;
    } while (err == ERR_OK && reading->has_more && reading->count < reading->wanted);
    return err;
}

int ctl_log(struct ctl *ctl)
{
    struct control_read_log ask = { .head.has = CONTROL_READ_LOG_HAS_LIMIT };
    uint32_t wanted = LIMIT_DEFAULT;
    if (!take_times(ctl, &ask))
        return ctl_wrong_use("a time is 2026-03-01T09:30:00Z, or 15m, 2h, 3d ago");
    if (ctl->limit && text_to_u32(text_of(ctl->limit), 1, LIMIT_MAX, &wanted))
        return ctl_wrong_use("--limit is a number, 1 to 1000000");
    take_text(&ask, ctl->level, CONTROL_READ_LOG_HAS_LEVEL, &ask.level);
    take_text(&ask, ctl->application, CONTROL_READ_LOG_HAS_APPLICATION, &ask.application);
    take_text(&ask, ctl->ixn, CONTROL_READ_LOG_HAS_IXN, &ask.ixn);
    take_text(&ask, ctl->text, CONTROL_READ_LOG_HAS_TEXT, &ask.text);
    take_text(&ask, ctl->id, CONTROL_READ_LOG_HAS_ID, &ask.id);
    if (ctl->wants_audit) {
        ask.head.has |= CONTROL_READ_LOG_HAS_CATEGORY;
        ask.category = 2;
    }
    struct log_reading reading = {
        .ctl = ctl,
        .lines = scope_alloc_array(ctl->tool.life, wanted, sizeof *reading.lines),
        .wanted = wanted,
    };
    enum err err = read_pages(&reading, &ask);
    for (uint32_t i = reading.count; i > 0; i--) {
        if (!err) (void)fwrite(reading.lines[i - 1].at, 1, reading.lines[i - 1].len, stdout);
        buf_free(&reading.lines[i - 1]);
    }
    if (!err && reading.count == 0) fprintf(stderr, "no kept record fits\n");
    return err ? ctl_complain(ctl) : CTL_DONE;
}
