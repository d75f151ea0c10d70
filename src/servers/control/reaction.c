/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/control/reaction.h"

#include "format/json.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

enum { COMMAND_LEN_MAX = 255, ADDRESS_LEN_MAX = 254, ADDRESSES_MAX = 50 };

/* --- reading --- */

static enum err need(struct text value, const char *option, const char *action, struct fault *fault)
{
    if (value.len) return ERR_OK;
    return fault_set(fault, ERR_INVALID, option, "action %s needs it", action);
}

/* A file of the folder, by its name alone. */
static enum err check_command(struct text command, struct fault *fault)
{
    bool is_name = command.len > 0 && command.len <= COMMAND_LEN_MAX && command.at[0] != '.' &&
                   text_find(command, '/', 0) == SIZE_MAX &&
                   text_find(command, '\0', 0) == SIZE_MAX;
    if (is_name) return ERR_OK;
    return fault_set(fault, ERR_INVALID, "command",
                     "must be the name of a file in alarms.command-folder, without /");
}

bool reaction_is_address(struct text address)
{
    struct text name, host;
    if (address.len > ADDRESS_LEN_MAX || !text_cut(address, '@', &name, &host)) return false;
    if (name.len == 0 || host.len == 0 || text_find(host, '@', 0) != SIZE_MAX) return false;
    for (size_t i = 0; i < address.len; i++)
        if ((unsigned char)address.at[i] <= ' ' || (unsigned char)address.at[i] >= 0x7f ||
            strchr("<>(),;:\\\"[]", address.at[i]))
            return false;
    return true;
}

static enum err check_addresses(struct text to, struct fault *fault)
{
    struct text address;
    uint32_t count = 0;
    while (text_next_item(&to, ',', &address))
        if (++count > ADDRESSES_MAX || !reaction_is_address(address))
            return fault_set(fault, ERR_INVALID, "to", "must be at most %d addresses, by commas",
                             ADDRESSES_MAX);
    return need(count ? TEXT("some") : TEXT(""), "to", "email", fault);
}

static enum err read_solution_order(const struct alarm_reaction_options *options,
                                    struct reaction *out, struct fault *fault)
{
    struct text verb, rest;
    (void)text_cut(options->action, '-', &verb, &rest);
    *out = (struct reaction){ .kind = REACTION_SOLUTION_ORDER,
                              .name = options->solution,
                              .order = verb };
    return need(out->name, "solution", "start-solution or stop-solution", fault);
}

enum err reaction_read(const struct alarm_reaction_options *options, struct text application,
                       struct reaction *out, struct fault *fault)
{
    const struct text action = options->action;
    if (text_ends(action, TEXT("-solution"))) return read_solution_order(options, out, fault);
    *out = (struct reaction){ .url = options->url,
                              .secret = text_trim(options->secret),
                              .to = options->to,
                              .subject = options->subject,
                              .command = options->command,
                              .arguments = options->arguments };
    if (text_eq(action, TEXT("webhook"))) {
        out->kind = REACTION_WEBHOOK;
        return need(out->url, "url", "webhook", fault);
    }
    if (text_eq(action, TEXT("email"))) {
        out->kind = REACTION_EMAIL;
        return check_addresses(out->to, fault);
    }
    if (text_eq(action, TEXT("command"))) {
        out->kind = REACTION_COMMAND;
        return check_command(out->command, fault);
    }
    out->kind = REACTION_APPLICATION_ORDER;
    out->order = action;
    out->name = options->application.len ? options->application : application;
    out->level = options->level;
    out->seconds = options->seconds;
    return need(out->name, "application", "on an alarm that no application raised", fault);
}

/* --- what is sent --- */

static void put_time(struct buf *out, uint64_t utc_ms)
{
    time_t seconds = (time_t)(utc_ms / 1000);
    struct tm tm;
    char text[32] = "";
    if (gmtime_r(&seconds, &tm)) (void)strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &tm);
    buf_format(out, "%s.%03uZ", text, (unsigned)(utc_ms % 1000));
}

static bool is_cleared(const struct control_alarm_state *alarm)
{
    return text_eq(alarm->state, TEXT("cleared"));
}

void reaction_write_webhook(const struct control_alarm_state *alarm, uint64_t now_utc_ms,
                            struct buf *out)
{
    buf_format(out, "{\"type\":\"alarm.%s\",\"timestamp\":\"",
               is_cleared(alarm) ? "cleared" : "created");
    put_time(out, now_utc_ms);
    buf_add_z(out, "\",\"data\":");
    shape_to_json(out, MSG_CONTROL_ALARM_CLEARED.shape->fields[0].nested, alarm);
    buf_add_byte(out, '}');
}

/* Fields of a head stay on their line, whatever a name holds. */
static void put_word(struct buf *out, struct text value)
{
    for (size_t i = 0; i < value.len; i++)
        buf_add_byte(out, (unsigned char)value.at[i] < ' ' ? ' ' : value.at[i]);
}

static bool is_plain(struct text value)
{
    for (size_t i = 0; i < value.len; i++)
        if ((unsigned char)value.at[i] < ' ' || (unsigned char)value.at[i] > '~') return false;
    return !text_starts(value, TEXT("=?"));
}

/* RFC 2047 Q: encoded words of at most 75 bytes; a character is never cut in two. */
static void put_subject(struct buf *out, struct text value)
{
    if (value.len <= 60 && is_plain(value)) {
        buf_add(out, value);
        return;
    }
    size_t room = 0;
    for (size_t i = 0; i < value.len; i++) {
        unsigned char byte = (unsigned char)value.at[i];
        bool is_inside = (byte & 0xc0) == 0x80;
        if (!is_inside && room < 12) { /* a whole character takes 12 at most */
            if (i) buf_add_z(out, "?=\r\n ");
            buf_add_z(out, "=?UTF-8?Q?");
            room = 60;
        }
        bool is_safe = (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') ||
                       (byte >= 'a' && byte <= 'z');
        if (is_safe)
            buf_add_byte(out, (char)byte);
        else
            buf_format(out, "=%02X", byte);
        room -= is_safe ? 1 : 3;
    }
    buf_add_z(out, "?=");
}

/* RFC 2045 quoted-printable, lines of at most 76. */
static void put_quoted(struct buf *out, struct text body)
{
    size_t column = 0;
    for (size_t i = 0; i < body.len; i++) {
        unsigned char byte = (unsigned char)body.at[i];
        if (byte == '\n') {
            buf_add_z(out, "\r\n");
            column = 0;
            continue;
        }
        if (column > 72) { /* room for one that is quoted, and the soft break */
            buf_add_z(out, "=\r\n");
            column = 0;
        }
        bool is_last = i + 1 == body.len || body.at[i + 1] == '\n';
        bool is_safe = byte > ' ' && byte <= '~' && byte != '=' && !(byte == '.' && column == 0);
        if (byte == ' ' && !is_last) is_safe = true;
        if (is_safe)
            buf_add_byte(out, (char)byte);
        else
            buf_format(out, "=%02X", byte);
        column += is_safe ? 1 : 3;
    }
}

static void put_line(struct buf *out, const char *name, struct text value)
{
    if (value.len == 0) return;
    buf_format(out, "%-12s ", name);
    put_word(out, value);
    buf_add_byte(out, '\n');
}

static void put_time_line(struct buf *out, const char *name, uint64_t utc_ms)
{
    if (utc_ms == 0) return;
    buf_format(out, "%-12s ", name);
    put_time(out, utc_ms);
    buf_add_byte(out, '\n');
}

static void put_facts(struct buf *out, const struct control_alarm_state *alarm)
{
    put_line(out, "Condition", alarm->condition);
    put_line(out, "Category", alarm->category);
    put_line(out, "State", alarm->state);
    put_line(out, "Application", alarm->application);
    put_line(out, "Host", alarm->host);
    put_line(out, "Event", alarm->event);
    put_line(out, "Text", alarm->text);
    buf_format(out, "%-12s %u\n", "Detections", alarm->count);
    put_time_line(out, "Raised", alarm->raised);
    put_time_line(out, "Last", alarm->last);
    put_time_line(out, "Cleared", alarm->cleared);
    put_line(out, "Cleared by", alarm->cleared_by);
    put_line(out, "Comment", alarm->comment);
    buf_format(out, "%-12s %" PRIu64 "\n", "Alarm", alarm->id);
}

static void put_date(struct buf *out, uint64_t utc_ms)
{
    static const char *const days[] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
    static const char *const months[] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                          "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
    time_t seconds = (time_t)(utc_ms / 1000);
    struct tm tm;
    if (gmtime_r(&seconds, &tm) == NULL) return;
    buf_format(out, "Date: %s, %02d %s %d %02d:%02d:%02d +0000\r\n", days[tm.tm_wday], tm.tm_mday,
               months[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

static void put_usual_subject(struct buf *out, const struct control_alarm_state *alarm)
{
    struct text about = alarm->application.len ? alarm->application : alarm->host;
    buf_format(out, "%s%.*s: %.*s%s%.*s", is_cleared(alarm) ? "cleared, " : "",
               TEXT_ARG(alarm->category), TEXT_ARG(alarm->condition), about.len ? ", " : "",
               TEXT_ARG(about));
}

void reaction_write_mail(const struct mail_head *head, const struct control_alarm_state *alarm,
                         struct buf *out)
{
    struct buf subject = { 0 }, body = { 0 };
    if (head->subject.len)
        buf_add(&subject, head->subject);
    else
        put_usual_subject(&subject, alarm);
    put_facts(&body, alarm);
    put_date(out, head->now_utc_ms);
    buf_add_z(out, "From: ");
    put_word(out, head->from);
    buf_add_z(out, "\r\nTo: ");
    struct text rest = head->to, address;
    for (bool is_first = true; text_next_item(&rest, ',', &address); is_first = false) {
        if (!is_first) buf_add_z(out, ",\r\n ");
        put_word(out, address);
    }
    buf_format(out, "\r\nMessage-ID: <%.*s@carillon>\r\nSubject: ", TEXT_ARG(head->id));
    put_subject(out, buf_text(&subject));
    buf_add_z(out, "\r\nAuto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\nContent-Type: "
                   "text/plain; charset=UTF-8\r\nContent-Transfer-Encoding: "
                   "quoted-printable\r\n\r\n");
    put_quoted(out, buf_text(&body));
    buf_free(&subject);
    buf_free(&body);
}

static void put_variable(struct buf *out, const char *name, struct text value)
{
    buf_format(out, "CARILLON_ALARM_%s=", name);
    for (size_t i = 0; i < value.len; i++)
        if (value.at[i]) buf_add_byte(out, value.at[i]);
    buf_add_byte(out, '\0');
}

static void put_number_variable(struct buf *out, const char *name, uint64_t number)
{
    buf_format(out, "CARILLON_ALARM_%s=%" PRIu64, name, number);
    buf_add_byte(out, '\0');
}

void reaction_write_environment(const struct control_alarm_state *alarm, struct buf *out)
{
    put_number_variable(out, "ID", alarm->id);
    put_variable(out, "CONDITION", alarm->condition);
    put_variable(out, "CATEGORY", alarm->category);
    put_variable(out, "APPLICATION", alarm->application);
    put_variable(out, "HOST", alarm->host);
    put_variable(out, "STATE", alarm->state);
    put_number_variable(out, "COUNT", alarm->count);
    struct buf raised = { 0 };
    put_time(&raised, alarm->raised);
    put_variable(out, "RAISED", buf_text(&raised));
    buf_free(&raised);
    put_variable(out, "CLEARED_BY", alarm->cleared_by);
    put_variable(out, "COMMENT", alarm->comment);
    put_variable(out, "EVENT", alarm->event);
    put_variable(out, "TEXT", alarm->text);
}
