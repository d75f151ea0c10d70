/* SPDX-License-Identifier: Apache-2.0 */
/* A week of one campaign (week.jsonc) around a change of clocks, on the virtual clock: contacts in
 * four zones, each with hours of its own, redials and call-backs; agents who ask every few minutes;
 * a restart a day. Each preview is judged by another program's zones, glibc's:
 *
 *   in time   never outside the hours of the contact or of the campaign, never before it is due
 *   at last   nobody hears "no records" while somebody could have been called for a while
 *   call-back due when the contact's clocks show what was promised, also across their change
 *   done      at the end all is
 *
 * Begin at week_run(). */
#include "tests/world/world.h"

#include "format/json.h"
#include "servers/outbound/error.h"
#include "servers/outbound/record.h"
#include "tests/world/fields.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    MINUTE_S = 60,
    HOUR_S = 3600,
    DAY_S = 86400,
    CONTACTS = 120,
    CALLERS = 3,
    ROUNDS_MAX = 5,
    POLL_S = 5 * MINUTE_S,
    CALL_MS = 130000,      /* how long an agent has a contact, less than POLL_S */
    AGAIN_MS = 200,        /* nobody knows: asked again, with the same key */
    LATE_MS = 60000,       /* until who could be called must be there for who asks */
    HOURS_SLACK_MS = 1000, /* the campaign ends when its order is carried out */
    CAMPAIGN_FROM_S = 7 * HOUR_S,
    CAMPAIGN_TILL_S = 21 * HOUR_S,
    REDIALS = 2, /* as week.jsonc has them */
    REDIAL_MIN = 30,
    REDIAL_MORE_MIN = 15,
    RESULT_ANSWER = 33,
    RESULT_BUSY = 6,
    KEY_BYTES = 32,
    DATE_BYTES = 24,
};

static const struct {
    const char *name, *iana;
} places[] = { { "Berlin", "Europe/Berlin" },
               { "New York", "America/New_York" },
               { "Lord Howe", "Australia/Lord_Howe" },
               { "Kolkata", "Asia/Kolkata" } };
enum { PLACES = sizeof places / sizeof *places, CAMPAIGN_PLACE = 0 };

/* Midnights, by UTC, of the Saturdays before changes of clocks in 2026: in spring New York's,
 * Europe's, Lord Howe's (its autumn); then Lord Howe's, Europe's, New York's. */
static const int64_t weeks_utc_s[] = { 1772841600, 1774656000, 1775260800,
                                       1790985600, 1792800000, 1793404800 };
enum { WEEKS = sizeof weeks_utc_s / sizeof *weeks_utc_s, DAYS = 7 };

enum where { ABSENT, WAITING, WITH_AGENT, DONE };

struct contact {
    uint32_t number, place, busy_count, rounds;
    int64_t from_s, till_s;
    enum where where;
    uint64_t due_from_ms, due_till_ms; /* it became due between these instants */
};

enum deed { PREVIEW, PROMISE, PROCESS };

/* What one agent is about. */
struct caller {
    struct week *week;
    struct timer *timer;
    char name[8];
    enum deed deed;
    struct contact *contact; /* NULL: none */
    uint64_t handle, asked_utc_ms;
    bool is_asking;
    uint32_t result;
    uint64_t promised_ms; /* 0: no call-back */
    char date[DATE_BYTES], url[128], key[KEY_BYTES];
    struct buf body;
};

struct week {
    struct world *world;
    uint64_t begins_utc_ms, ends_utc_ms, last_key;
    uint64_t well_since_ms;  /* all serve since then */
    uint64_t empty_asked_ms; /* who asked then heard "no records"; 0: nobody */
    struct contact contacts[CONTACTS];
    struct caller callers[CALLERS];
    uint32_t previews, empty, redials, callbacks, restarts, done;
};

static uint64_t now_utc_ms(const struct week *week)
{
    return loop_now_utc_ms(week->world->loop);
}

/* --- glibc's clocks -----------------------------------------------------------------------------
 */

static int64_t offset_s(uint32_t place, uint64_t utc_ms)
{
    static uint32_t present = UINT32_MAX;
    time_t utc_s = (time_t)(utc_ms / 1000);
    struct tm local;
    if (place != present) {
        (void)setenv("TZ", places[place].iana, 1);
        tzset();
        present = place;
    }
    ASSERT(localtime_r(&utc_s, &local) != NULL);
    return local.tm_gmtoff;
}

static int64_t local_s(uint32_t place, uint64_t utc_ms)
{
    return (int64_t)(utc_ms / 1000) + offset_s(place, utc_ms);
}

static bool is_within(uint32_t place, int64_t from_s, int64_t till_s, uint64_t utc_ms)
{
    int64_t time_s = local_s(place, utc_ms) % DAY_S;
    return from_s < till_s ? from_s <= time_s && time_s < till_s
                           : from_s <= time_s || time_s < till_s;
}

static bool may_be_called(const struct contact *contact, uint64_t utc_ms)
{
    return is_within(contact->place, contact->from_s, contact->till_s, utc_ms);
}

static bool is_campaign_hour(uint64_t utc_ms)
{
    return is_within(CAMPAIGN_PLACE, CAMPAIGN_FROM_S, CAMPAIGN_TILL_S, utc_ms);
}

/* When clocks first reach this time; where they skip it, as if they had not been moved yet. */
static uint64_t utc_ms_of(uint32_t place, int64_t wanted_local_s)
{
    uint64_t utc_ms = (uint64_t)(wanted_local_s - DAY_S) * 1000;
    while (local_s(place, utc_ms + MINUTE_S * 1000) <= wanted_local_s) utc_ms += MINUTE_S * 1000;
    return utc_ms + (uint64_t)(wanted_local_s - local_s(place, utc_ms)) * 1000;
}

/* --- what is judged --- */

static void tell_contact(const struct contact *contact, const char *what, uint64_t utc_ms,
                         struct world *world)
{
    int64_t time_s = local_s(contact->place, utc_ms) % DAY_S;
    world_fail(world,
               "contact %u is %s at %02d:%02d:%02d in %s (%llu.%03u UTC); its hours are from %d to "
               "%d s, it was due at %llu",
               contact->number, what, (int)(time_s / HOUR_S), (int)(time_s / 60 % 60),
               (int)(time_s % 60), places[contact->place].name, (unsigned long long)utc_ms / 1000,
               (unsigned)(utc_ms % 1000), (int)contact->from_s, (int)contact->till_s,
               (unsigned long long)contact->due_from_ms / 1000);
}

/* It was given out at some instant between the question and the answer. */
static void judge_given(struct week *week, const struct contact *contact, uint64_t asked_ms)
{
    uint64_t now_ms = now_utc_ms(week);
    const char *problem = NULL;
    if (contact->where != WAITING)
        problem = "given out twice";
    else if (now_ms < contact->due_from_ms)
        problem = "given out before it is due";
    else if (!may_be_called(contact, asked_ms) && !may_be_called(contact, now_ms))
        problem = "given out outside its hours";
    else if (!is_campaign_hour(asked_ms - HOURS_SLACK_MS) && !is_campaign_hour(now_ms))
        problem = "given out outside the campaign's hours";
    if (problem) tell_contact(contact, problem, asked_ms, week->world);
}

static bool was_there(const struct contact *contact, uint64_t asked_ms)
{
    return contact->where == WAITING && contact->due_till_ms + LATE_MS <= asked_ms &&
           may_be_called(contact, asked_ms - LATE_MS) && may_be_called(contact, asked_ms);
}

static void judge_empty(struct week *week, uint64_t asked_ms)
{
    bool is_hour = is_campaign_hour(asked_ms - LATE_MS) && is_campaign_hour(now_utc_ms(week));
    if (!is_hour || asked_ms < week->well_since_ms + LATE_MS) return;
    for (uint32_t i = 0; i < CONTACTS; i++)
        if (was_there(&week->contacts[i], asked_ms)) {
            tell_contact(&week->contacts[i], "not given to who asked", asked_ms, week->world);
            return;
        }
}

/* --- agents: what they say ----------------------------------------------------------------------
 */

static void put(struct json_writer *json, const char *name, const char *value)
{
    json_put_name(json, text_of(name));
    json_put_text(json, text_of(value));
}

static void put_number(struct json_writer *json, const char *name, int64_t value)
{
    json_put_name(json, text_of(name));
    json_put_i64(json, value);
}

static struct json_writer begin(struct caller *caller, const char *req)
{
    if (caller->deed == PREVIEW)
        (void)snprintf(caller->url, sizeof caller->url,
                       "http://127.0.0.1:%d/campaigngroups/%d?req=%s", HTTP_PORT, GROUP_DBID, req);
    else
        (void)snprintf(caller->url, sizeof caller->url, "http://127.0.0.1:%d/records/%llu?req=%s",
                       HTTP_PORT, (unsigned long long)caller->handle, req);
    buf_clear(&caller->body);
    struct json_writer json = json_writer(&caller->body);
    json_begin_object(&json);
    put(&json, "GSW_AGENT_ID", caller->name);
    return json;
}

static void on_answer(void *self, const struct answer *answer);

static void send(struct caller *caller)
{
    world_post(caller->week->world, caller->url, buf_text(&caller->body), text_of(caller->key),
               on_answer, caller);
}

static void ask(struct caller *caller, struct json_writer *json)
{
    json_end_object(json);
    caller->asked_utc_ms = now_utc_ms(caller->week);
    caller->is_asking = true;
    (void)snprintf(caller->key, sizeof caller->key, "key-%llu",
                   (unsigned long long)++caller->week->last_key);
    send(caller);
}

/* At full minutes by all clocks: where hours begin and end. */
static void wait_for_next_poll(struct caller *caller)
{
    const uint64_t poll_ms = (uint64_t)POLL_S * 1000;
    uint64_t now_ms = now_utc_ms(caller->week);
    caller->deed = PREVIEW;
    caller->contact = NULL;
    timer_start(caller->timer, poll_ms - now_ms % poll_ms);
}

/* --- agents: what they decide --- */

/* Half of them near a change of the clocks, where one is ahead; else in a day or two. */
static int64_t choose_local_s(struct week *week, const struct contact *contact)
{
    struct world *world = week->world;
    uint64_t now_ms = now_utc_ms(week), hour_ms = (uint64_t)HOUR_S * 1000;
    for (uint64_t at_ms = now_ms; world_is(world, 500) && at_ms < now_ms + 48 * hour_ms;
         at_ms += hour_ms)
        if (offset_s(contact->place, at_ms) != offset_s(contact->place, at_ms + hour_ms))
            return local_s(contact->place, at_ms) / HOUR_S * HOUR_S - HOUR_S +
                   (int64_t)world_below(world, 16) * 15 * MINUTE_S;
    return (local_s(contact->place, now_ms) / MINUTE_S + 30 + (int64_t)world_below(world, 2880)) *
           MINUTE_S;
}

static void choose_callback(struct caller *caller)
{
    struct week *week = caller->week;
    const struct contact *contact = caller->contact;
    time_t wanted_s = choose_local_s(week, contact);
    uint64_t promised_ms = utc_ms_of(contact->place, wanted_s);
    struct tm parts;
    if (promised_ms <= now_utc_ms(week) + (uint64_t)POLL_S * 1000) return; /* past: she answers */
    ASSERT(gmtime_r(&wanted_s, &parts) != NULL);
    (void)strftime(caller->date, sizeof caller->date, "%m/%d/%Y %H:%M", &parts);
    caller->promised_ms = promised_ms;
}

static void choose_result(struct caller *caller)
{
    struct week *week = caller->week;
    bool is_last = caller->contact->rounds >= ROUNDS_MAX ||
                   now_utc_ms(week) + (uint64_t)4 * DAY_S * 1000 > week->ends_utc_ms;
    uint64_t chosen = is_last ? 99 : world_below(week->world, 100);
    caller->promised_ms = 0;
    caller->result = chosen < 40 ? RESULT_BUSY : RESULT_ANSWER;
    if (chosen >= 40 && chosen < 75) choose_callback(caller);
    caller->deed = caller->promised_ms ? PROMISE : PROCESS;
}

/* What is known of the contact when it is not the agent's any more. */
static void let_go(struct caller *caller)
{
    struct week *week = caller->week;
    struct contact *contact = caller->contact;
    bool is_redialled = caller->result == RESULT_BUSY && ++contact->busy_count <= REDIALS;
    contact->where = WAITING;
    if (caller->promised_ms) {
        week->callbacks++;
        contact->due_from_ms = contact->due_till_ms = caller->promised_ms;
    } else if (is_redialled) {
        uint64_t wait_min = REDIAL_MIN + (contact->busy_count - 1) * REDIAL_MORE_MIN;
        week->redials++;
        contact->due_from_ms = caller->asked_utc_ms + wait_min * MINUTE_S * 1000;
        contact->due_till_ms = now_utc_ms(week) + wait_min * MINUTE_S * 1000;
    } else {
        contact->where = DONE;
        week->done++;
    }
}

/* --- agents: what they do --- */

static struct contact *contact_in(struct week *week, const struct answer *answer)
{
    struct text phone = text_in(&answer->body, "GSW_PHONE");
    uint32_t number;
    if (text_to_u32(text_slice(phone, 4, phone.len), 1000, 1000 + CONTACTS - 1, &number))
        return NULL;
    return &week->contacts[number - 1000];
}

static void on_previewed(struct caller *caller, const struct answer *answer)
{
    struct week *week = caller->week;
    caller->handle = number_in(&answer->body, "GSW_RECORD_HANDLE");
    caller->contact = contact_in(week, answer);
    if (caller->contact == NULL || caller->handle == 0) {
        world_fail(week->world, "an agent got a record of nobody");
        return;
    }
    judge_given(week, caller->contact, caller->asked_utc_ms);
    week->previews++;
    caller->contact->where = WITH_AGENT;
    caller->contact->rounds++;
    choose_result(caller);
    timer_start(caller->timer, CALL_MS);
}

/* Whose answer is still on its way may have got what others did not. */
static bool is_anybody_asking(const struct week *week)
{
    for (uint32_t i = 0; i < CALLERS; i++)
        if (week->callers[i].is_asking && week->callers[i].deed == PREVIEW) return true;
    return false;
}

static void preview_ended(struct caller *caller, const struct answer *answer)
{
    struct week *week = caller->week;
    if (answer->status == 200) {
        on_previewed(caller, answer);
    } else {
        week->empty++;
        week->empty_asked_ms = caller->asked_utc_ms;
        wait_for_next_poll(caller);
    }
    if (week->empty_asked_ms == 0 || is_anybody_asking(week)) return;
    judge_empty(week, week->empty_asked_ms);
    week->empty_asked_ms = 0;
}

static void on_answer(void *self, const struct answer *answer)
{
    struct caller *caller = self;
    struct week *week = caller->week;
    if (answer == NULL) {
        timer_start(caller->timer, AGAIN_MS);
        return;
    }
    caller->is_asking = false;
    if (caller->deed != PREVIEW && answer->status != 200) {
        tell_contact(caller->contact, "refused to its agent", now_utc_ms(week), week->world);
        return;
    }
    switch (caller->deed) {
    case PREVIEW: preview_ended(caller, answer); return;
    case PROMISE:
        caller->deed = PROCESS;
        timer_start(caller->timer, 1000);
        return;
    case PROCESS:
        let_go(caller);
        wait_for_next_poll(caller);
        return;
    }
}

static void on_time_up(void *self)
{
    struct caller *caller = self;
    struct json_writer json;
    if (caller->is_asking) {
        send(caller);
        return;
    }
    switch (caller->deed) {
    case PREVIEW: json = begin(caller, "PreviewRecordRequest"); break;
    case PROMISE:
        json = begin(caller, "RecordReschedule");
        put(&json, "GSW_DATE_TIME", caller->date);
        put(&json, "GSW_CALLBACK_TYPE", "Campaign");
        break;
    case PROCESS:
        json = begin(caller, "RecordProcessed");
        put_number(&json, "GSW_CALL_RESULT", caller->result);
        if (caller->result == RESULT_BUSY) put(&json, "GSW_TREATMENT", "RecordTreatCampaign");
        break;
    }
    ask(caller, &json);
}

/* --- contacts --- */

struct adding {
    bool is_over;
    unsigned status;
};

static void on_added(void *self, const struct answer *answer)
{
    struct adding *adding = self;
    adding->is_over = true;
    adding->status = answer ? answer->status : 0;
}

/* Twelve hours at least, so that each day two of them are the campaign's, too. */
static void imagine(struct week *week, struct contact *contact, uint32_t number)
{
    struct world *world = week->world;
    contact->number = number;
    contact->place = (uint32_t)world_below(world, PLACES);
    contact->from_s = (int64_t)world_below(world, DAY_S / POLL_S) * POLL_S;
    contact->till_s = (contact->from_s + 12 * HOUR_S + (int64_t)world_below(world, 37) * POLL_S) %
                      DAY_S;
}

static void add_contact(struct week *week, uint32_t number)
{
    struct contact *contact = &week->contacts[number];
    struct buf body = { 0 };
    char url[96], key[KEY_BYTES];
    imagine(week, contact, number);
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%d/lists/L1?req=AddRecord", HTTP_PORT);
    (void)snprintf(key, sizeof key, "contact-%u", number);
    buf_format(&body,
               "{\"GSW_PHONE\":\"1555%u\",\"GSW_PHONE_TYPE\":4,\"GSW_TZ_NAME\":\"%s\","
               "\"GSW_FROM\":%lld,\"GSW_UNTIL\":%lld}",
               1000 + number, places[contact->place].name, (long long)contact->from_s,
               (long long)contact->till_s);
    contact->where = WAITING;
    contact->due_from_ms = now_utc_ms(week);
    contact->due_till_ms = UINT64_MAX - LATE_MS;
    for (unsigned status = 0; status != 200 && !week->world->is_broken;) {
        struct adding adding = { 0 };
        world_post(week->world, url, buf_text(&body), text_of(key), on_added, &adding);
        while (!adding.is_over) loop_run_for(week->world->loop, AGAIN_MS);
        status = adding.status;
        if (status != 0 && status != 200) world_fail(week->world, "AddRecord: %u", status);
    }
    if (contact->where == WAITING && contact->rounds == 0) contact->due_till_ms = now_utc_ms(week);
    buf_free(&body);
}

/* --- the week --- */

static void restart(struct week *week)
{
    static const char *const victims[] = { "outbound", "outbound", "config" };
    struct world *world = week->world;
    uint64_t chosen = world_below(world, sizeof victims / sizeof *victims + 1);
    week->restarts++;
    if (chosen < sizeof victims / sizeof *victims)
        machine_kill(world->machine, text_of(victims[chosen]));
    else
        machine_cut_power(world->machine);
    world_boot(world);
    if (!world_wait(world, world_serves, 120000))
        world_fail(world, "not all serve after a restart");
    week->well_since_ms = now_utc_ms(week);
}

static void run_until(struct week *week, uint64_t utc_ms)
{
    uint64_t now_ms = now_utc_ms(week);
    if (utc_ms > now_ms && !week->world->is_broken)
        loop_run_for(week->world->loop, utc_ms - now_ms);
}

/* Such times are what a restart may forget. */
static bool is_redial_ahead(const struct week *week)
{
    for (uint32_t i = 0; i < CONTACTS; i++) {
        const struct contact *contact = &week->contacts[i];
        if (contact->where == WAITING && contact->busy_count &&
            contact->due_from_ms > now_utc_ms(week))
            return true;
    }
    return false;
}

static void live(struct week *week)
{
    const uint64_t day_ms = (uint64_t)DAY_S * 1000;
    struct world *world = week->world;
    for (uint32_t i = 0; i < CALLERS; i++) {
        struct caller *caller = &week->callers[i];
        caller->week = week;
        (void)snprintf(caller->name, sizeof caller->name, "a%u", i + 1);
        caller->timer = timer_new(world->life, world->loop, on_time_up, caller);
        wait_for_next_poll(caller);
    }
    /* The list grows for three days. */
    uint64_t gap_ms = 3 * day_ms / CONTACTS, restart_ms = world_below(world, day_ms);
    uint32_t added = 0;
    for (uint64_t at_ms = 0; week->begins_utc_ms + at_ms < week->ends_utc_ms; at_ms += gap_ms) {
        run_until(week, week->begins_utc_ms + at_ms);
        if (world->is_broken) return;
        if (added < CONTACTS) add_contact(week, added++);
        if (at_ms < restart_ms) continue;
        if (at_ms < restart_ms + day_ms / 2 && !is_redial_ahead(week)) continue;
        restart(week);
        restart_ms = (at_ms / day_ms + 1) * day_ms + world_below(world, day_ms);
    }
    run_until(week, week->ends_utc_ms);
}

static void judge(struct week *week)
{
    struct world *world = week->world;
    uint64_t rows =
        look_count(world, "SELECT count(*) FROM list_1 WHERE record_status = 3"); /* Updated */
    if (week->done != CONTACTS || rows != CONTACTS)
        world_fail(world, "%u of %d contacts are done, and %llu rows are Updated", week->done,
                   CONTACTS, (unsigned long long)rows);
    printf("# week %llu: %u previews, %u polls without, %u redials, %u call-backs, %u restarts\n",
           (unsigned long long)world->options->seed, week->previews, week->empty, week->redials,
           week->callbacks, week->restarts);
}

bool week_run(const struct world_options *options)
{
    struct world world;
    uint64_t begins_ms = (uint64_t)weeks_utc_s[options->seed % WEEKS] * 1000;
    world_begin(&world, options, begins_ms);
    struct week *week = scope_alloc(world.life, sizeof *week);
    week->world = &world;
    week->begins_utc_ms = begins_ms + (uint64_t)HOUR_S * 1000;
    week->ends_utc_ms = begins_ms + (uint64_t)DAYS * DAY_S * 1000;
    world_raise(&world);
    week->well_since_ms = now_utc_ms(week);
    if (!world.is_broken) live(week);
    if (!world.is_broken) judge(week);
    for (uint32_t i = 0; i < CALLERS; i++) {
        timer_stop(week->callers[i].timer);
        buf_free(&week->callers[i].body);
    }
    return world_end(&world);
}
