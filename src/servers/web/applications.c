/* SPDX-License-Identifier: Apache-2.0 */
/* Links to outbound: what it says unasked goes to desktops, who is here goes to it, and who may
 * have missed something gets a snapshot. Begin at applications_configure(). */
#include "app/message_json.h"
#include "gen/events.h"
#include "gen/objects.h"
#include "servers/web/rest.h"

#include <string.h>

enum {
    PRESENCE_MS = 100,
    PRESENCE_ASK_MS = 10000,
    PRESENT_MAX = 20000,
    SNAPSHOTS_IN_FLIGHT_MAX = 64,
    SNAPSHOT_ASK_MS = 30000,
    RETRY_MS = 1000
};

/* --- whose it is ---------------------------------------------------------------------------- */

static bool reaches(const struct person *person, const struct application *application)
{
    const struct app *app = application->web->app;
    if (person->is_administrator && text_eq(person->tenant, TEXT("Environment"))) return true;
    return serves_tenant(app_object(app, &OBJECT_APPLICATION, application->name), person->tenant);
}

/* --- events --------------------------------------------------------------------------------- */

/* A desktop that two reasons name gets it once. */
static void give(const struct application *application, struct person *person, struct frame *frame)
{
    if (!reaches(person, application)) return;
    LIST_EACH (node, &person->desktops) {
        struct desktop *desktop = LIST_OBJECT(node, struct desktop, person_node);
        if (desktop->ring.last_seq >= frame->seq) continue;
        desktop_send(desktop, frame);
        application->web->counters.web_event_frames_total++;
    }
}

static void give_administrators(const struct application *application, struct frame *frame)
{
    struct person *person;
    for (size_t at = 0; (person = table_next(application->web->persons, &at)) != NULL;)
        if (person->is_administrator && privileges_show_events(person->privileges))
            give(application, person, frame);
}

static void give_group(const struct application *application, uint32_t dbid, struct frame *frame)
{
    struct web *web = application->web;
    const struct app_object *object = app_object_by_dbid(web->app, &OBJECT_AGENT_GROUP, dbid);
    const struct object_agent_group *group = object ? (const void *)object->fields : NULL;
    for (uint32_t i = 0; group && i < group->agents.count; i++) {
        struct person *person = person_of_employee(web, object->tenant, group->agents.at[i]);
        if (person) give(application, person, frame);
    }
}

static void give_agent(const struct application *application, struct text id, struct frame *frame)
{
    struct web *web = application->web;
    const struct app_object *object = app_object(web->app, &OBJECT_APPLICATION, application->name);
    struct text tenant;
    for (uint32_t i = 0; (tenant = application_tenant(object, i)).len; i++) {
        struct person *person = person_of_employee(web, tenant, id);
        if (person) give(application, person, frame);
    }
}

static void give_audience(const struct application *application, const struct audience_of *audience,
                          struct frame *frame)
{
    switch (audience->kind) {
    case AUDIENCE_AGENT: give_agent(application, audience->agent_id, frame); break;
    case AUDIENCE_GROUP:
        give_group(application, audience->group_dbid, frame);
        give_administrators(application, frame);
        break;
    case AUDIENCE_ADMINISTRATORS: give_administrators(application, frame); break;
    }
}

static void put_event(struct buf *out, const struct application *application, const char *message,
                      const struct shape *shape, const void *fields)
{
    struct json_writer json = json_writer(out);
    const struct text dbid_name = TEXT("GSW_APPLICATION_ID");
    json_put_name(&json, TEXT("from"));
    json_put_text(&json, TEXT("outbound"));
    json_put_name(&json, TEXT("message"));
    json_put_text(&json, text_of(message));
    json_put_name(&json, TEXT("fields"));
    json_begin_object(&json);
    if (shape == NULL || shape_find(shape, dbid_name) == NULL) {
        json_put_name(&json, dbid_name);
        json_put_u64(&json, application->dbid);
    }
    if (shape) message_put_members(&json, shape, fields);
    json_end_object(&json);
}

static void on_event(struct application *application, const struct msg *msg, const void *fields)
{
    struct web *web = application->web;
    struct buf out = { 0 };
    struct audience_of audience = audience_of(msg->shape, fields);
    web->counters.web_events_total++;
    put_event(&out, application, msg->name, msg->shape, fields);
    struct frame *frame = frame_new(web, &out);
    give_audience(application, &audience, frame);
    frame_release(frame);
    buf_free(&out);
}

/* The link tells a handler the fields, not the message: one handler each. */
#define EVENTS(X)                                                                                  \
    X(CAMPAIGN_LOADED)                                                                             \
    X(CAMPAIGN_UNLOADED)                                                                           \
    X(CAMPAIGN_STARTED)                                                                            \
    X(CAMPAIGN_STOPPED)                                                                            \
    X(CAMPAIGN_MODE_CHANGED)                                                                       \
    X(SCHEDULED_CALL)                                                                              \
    X(RECORD_CANCEL_NOTIFICATION)

#define EVENT_HANDLER(name)                                                                        \
    static void on_##name(void *self, struct link *link, const void *fields)                       \
    {                                                                                              \
        (void)link;                                                                                \
        on_event(self, &MSG_OUTBOUND_##name, fields);                                              \
    }
EVENTS(EVENT_HANDLER)

/* --- who is here ---------------------------------------------------------------------------- */

static bool is_present(const struct person *person)
{
    return person->is_agent && person->desktop_count > 0;
}

static void on_presence_known(void *self, const struct link_error *error, const void *fields)
{
    struct application *application = self;
    const struct outbound_desktop_presence_known *known = fields;
    if (error == NULL && SHAPE_HAS(known, OUTBOUND_DESKTOP_PRESENCE_KNOWN_HAS_APPLICATION_ID))
        application->dbid = known->application_id;
    /* Else the whole is told again, as after a reconnect. */
    else if (error && error->err != ERR_CLOSED && error->err != ERR_UNSUPPORTED)
        timer_start(application->retry_timer, RETRY_MS);
}

static void tell_presence(struct application *application,
                          const struct outbound_desktop_presence *presence)
{
    if (peer_is_up(application->peer))
        link_ask(peer_link(application->peer), &MSG_OUTBOUND_DESKTOP_PRESENCE, presence, NULL,
                 PRESENCE_ASK_MS, on_presence_known, application);
}

static void tell_whole_presence(void *self)
{
    struct application *application = self;
    struct web *web = application->web;
    struct scope *scratch = scope_new(NULL, "presence", SCOPE_NO_LIMIT);
    struct outbound_desktop_presence presence = {
        .head.has = OUTBOUND_DESKTOP_PRESENCE_HAS_PRESENT | OUTBOUND_DESKTOP_PRESENCE_HAS_IS_WHOLE,
        .is_whole = true
    };
    presence.present.at =
        scope_alloc_array(scratch, table_count(web->persons), sizeof *presence.present.at);
    struct person *person;
    for (size_t at = 0; (person = table_next(web->persons, &at)) != NULL;) {
        if (!is_present(person) || !reaches(person, application)) continue;
        if (presence.present.count == PRESENT_MAX) { /* the rest as changes */
            tell_presence(application, &presence);
            presence = (struct outbound_desktop_presence){
                .head.has = OUTBOUND_DESKTOP_PRESENCE_HAS_PRESENT,
                .present = { presence.present.at, 0 }
            };
        }
        presence.present.at[presence.present.count++] = person->employee_id;
    }
    tell_presence(application, &presence);
    scope_close(scratch);
}

void presence_changed(struct web *web, struct person *person)
{
    if (is_present(person) == person->is_told_present) {
        list_remove(&person->presence_node);
        return;
    }
    if (list_is_linked(&person->presence_node)) return;
    list_add_last(&web->presence, &person->presence_node);
    if (!timer_is_running(web->presence_timer)) timer_start(web->presence_timer, PRESENCE_MS);
}

static void tell_of(struct application *application, struct person *const *people, uint32_t count)
{
    struct scope *scratch = scope_new(NULL, "presence", SCOPE_NO_LIMIT);
    struct text *present = scope_alloc_array(scratch, count, sizeof *present);
    struct text *gone = scope_alloc_array(scratch, count, sizeof *gone);
    struct outbound_desktop_presence presence = {
        .head.has = OUTBOUND_DESKTOP_PRESENCE_HAS_PRESENT | OUTBOUND_DESKTOP_PRESENCE_HAS_GONE,
        .present = { present, 0 },
        .gone = { gone, 0 },
    };
    for (uint32_t i = 0; i < count; i++) {
        if (!reaches(people[i], application)) continue;
        if (people[i]->is_told_present)
            present[presence.present.count++] = people[i]->employee_id;
        else
            gone[presence.gone.count++] = people[i]->employee_id;
    }
    if (presence.present.count + presence.gone.count) tell_presence(application, &presence);
    scope_close(scratch);
}

/* At most PRESENT_MAX a time: what is left goes with the next. */
static void tell_changes(void *self)
{
    struct web *web = self;
    struct list *node;
    uint32_t count = 0;
    struct scope *scratch = scope_new(NULL, "presence", SCOPE_NO_LIMIT);
    struct person **people = scope_alloc_array(scratch, PRESENT_MAX, sizeof(struct person *));
    while (count < PRESENT_MAX && (node = list_first(&web->presence)) != NULL) {
        struct person *person = LIST_OBJECT(node, struct person, presence_node);
        list_remove(node);
        person->is_told_present = is_present(person);
        people[count++] = person;
    }
    for (uint32_t i = 0; i < web->application_count; i++)
        tell_of(web->applications[i], people, count);
    for (uint32_t i = 0; i < count; i++) person_check_gone(web, people[i]);
    if (list_first(&web->presence)) timer_start(web->presence_timer, PRESENCE_MS);
    scope_close(scratch);
}

/* --- snapshots ------------------------------------------------------------------------------ */

struct want {
    struct scope *life;
    struct list node;
    struct application *application;
    uint64_t desktop_slot;
};

static void ask_snapshots(void *self);

static void send_snapshot(struct desktop *desktop, const struct application *application,
                          const struct outbound_desktop_snapshot_taken *taken)
{
    struct buf out = { 0 };
    put_event(&out, application, "Snapshot",
              taken ? MSG_OUTBOUND_DESKTOP_SNAPSHOT_TAKEN.shape : NULL, taken);
    desktop->needs_snapshot &= ~(UINT32_C(1) << application->index);
    desktop->web->counters.web_snapshots_total++;
    desktop_send_members(desktop, &out);
    buf_free(&out);
}

static void on_snapshot(void *self, const struct link_error *error, const void *fields)
{
    struct want *want = self;
    struct application *application = want->application;
    struct desktop *desktop = slot_find(application->web->desktop_ids, want->desktop_slot);
    application->wants_in_flight--;
    bool is_hopeless = error && !error->retryable && error->err != ERR_CLOSED;
    if (desktop && error == NULL)
        send_snapshot(desktop, application, fields);
    else if (desktop && is_hopeless) /* it has nothing of this agent: "read again" is true */
        send_snapshot(desktop, application, NULL);
    if (desktop && error && !is_hopeless)
        list_add_last(&application->wants, &want->node);
    else
        scope_close(want->life);
    if (error && !is_hopeless)
        timer_start(application->retry_timer, RETRY_MS);
    else
        ask_snapshots(application);
}

static void ask_one(struct application *application, struct want *want)
{
    struct desktop *desktop = slot_find(application->web->desktop_ids, want->desktop_slot);
    if (desktop == NULL) {
        scope_close(want->life);
        return;
    }
    struct outbound_desktop_snapshot ask = { .head.has = OUTBOUND_DESKTOP_SNAPSHOT_HAS_GSW_AGENT_ID,
                                             .gsw_agent_id = desktop->person->employee_id };
    struct link_header header = { .tenant = desktop->person->tenant,
                                  .person = desktop->person->employee_id };
    application->wants_in_flight++;
    link_ask(peer_link(application->peer), &MSG_OUTBOUND_DESKTOP_SNAPSHOT, &ask, &header,
             SNAPSHOT_ASK_MS, on_snapshot, want);
}

static void ask_snapshots(void *self)
{
    struct application *application = self;
    struct list *node;
    while (peer_is_up(application->peer) &&
           application->wants_in_flight < SNAPSHOTS_IN_FLIGHT_MAX &&
           (node = list_first(&application->wants)) != NULL) {
        list_remove(node);
        ask_one(application, LIST_OBJECT(node, struct want, node));
    }
}

static void need(struct desktop *desktop, struct application *application)
{
    uint32_t bit = UINT32_C(1) << application->index;
    if (!application->is_named || desktop->needs_snapshot & bit) return;
    if (!reaches(desktop->person, application)) return;
    if (!desktop->person->is_agent) {
        send_snapshot(desktop, application, NULL);
        return;
    }
    desktop->needs_snapshot |= bit;
    struct scope *life = scope_new(desktop->web->app->life, "want", SCOPE_NO_LIMIT);
    struct want *want = scope_alloc(life, sizeof *want);
    *want =
        (struct want){ .life = life, .application = application, .desktop_slot = desktop->slot };
    list_add_last(&application->wants, &want->node);
}

void snapshots_need(struct desktop *desktop)
{
    struct web *web = desktop->web;
    for (uint32_t i = 0; i < web->application_count; i++) {
        need(desktop, web->applications[i]);
        ask_snapshots(web->applications[i]);
    }
}

static void on_records_returned(void *self, struct link *link, const void *fields)
{
    struct application *application = self;
    struct web *web = application->web;
    const struct outbound_records_returned *returned = fields;
    const struct app_object *object = app_object(web->app, &OBJECT_APPLICATION, application->name);
    struct text tenant;
    (void)link;
    for (uint32_t i = 0; (tenant = application_tenant(object, i)).len; i++) {
        struct person *person = person_of_employee(web, tenant, returned->gsw_agent_id);
        if (person == NULL) continue;
        LIST_EACH (node, &person->desktops)
            need(LIST_OBJECT(node, struct desktop, person_node), application);
    }
    ask_snapshots(application);
}

#define EVENT_ROW(name) { .msg = &MSG_OUTBOUND_##name, .on_event = on_##name },
static const struct link_handler handlers[] = {
    EVENTS(EVENT_ROW){ .msg = &MSG_OUTBOUND_RECORDS_RETURNED, .on_event = on_records_returned },
    { 0 },
};

/* --- up and down ---------------------------------------------------------------------------- */

static void on_retry(void *self)
{
    tell_whole_presence(self);
    ask_snapshots(self);
}

static void on_up(void *self, struct link *link)
{
    struct application *application = self;
    struct web *web = application->web;
    struct desktop *desktop;
    (void)link;
    LOG_WEB_PEER_UP(&web->app->log, application->name.at);
    tell_whole_presence(application);
    /* What was said unasked while the link was down is lost. */
    for (size_t at = 0;
         application->has_been_up && (desktop = table_next(web->desktops, &at)) != NULL;)
        need(desktop, application);
    application->has_been_up = true;
    ask_snapshots(application);
}

static void on_down(void *self, struct link *link, enum err why)
{
    struct application *application = self;
    (void)link;
    LOG_WEB_PEER_DOWN(&application->web->app->log, application->name.at, err_words(why));
}

static const struct link_life life_of_links = { on_up, on_down };

/* --- config --------------------------------------------------------------------------------- */

static void on_account_changed(void *self, struct link *link, const void *fields)
{
    const struct config_account_changed *changed = fields;
    (void)link;
    sessions_end_of_former_password(self, changed->account->dbid, changed->account->stamp);
}

static void on_config_up(void *self, struct link *link)
{
    (void)link;
    sessions_compare(self);
}

static const struct link_handler config_handlers[] = {
    { .msg = &MSG_CONFIG_ACCOUNT_CHANGED, .on_event = on_account_changed },
    { 0 },
};
static const struct link_life life_of_config = { .on_up = on_config_up };

/* --- configuration -------------------------------------------------------------------------- */

static bool is_of_type(const struct app *app, const struct object_application *object,
                       const char *type)
{
    if (text_eq(object->type, text_of(type))) return true;
    const struct app_object *template =
        object->type.len ? NULL : app_object(app, &OBJECT_APP_PROTOTYPE, object->template);
    return template &&
           text_eq(((const struct object_app_prototype *)(const void *)template->fields)->type,
                   text_of(type));
}

static struct application *find_application(const struct web *web, struct text name)
{
    for (uint32_t i = 0; i < web->application_count; i++)
        if (text_eq(web->applications[i]->name, name)) return web->applications[i];
    return NULL;
}

static void use_outbound(struct web *web, const struct app_object *object)
{
    struct application *application = find_application(web, object->key);
    if (application == NULL && web->application_count == APPLICATIONS_MAX) return;
    if (application == NULL) {
        struct scope *life = web->app->life;
        application = scope_alloc(life, sizeof *application);
        *application = (struct application){ .web = web,
                                             .name = scope_keep(life, object->key),
                                             .index = web->application_count };
        list_init(&application->wants);
        application->retry_timer = timer_new(life, web->app->loop, on_retry, application);
        web->applications[web->application_count++] = application;
        application->peer =
            peer_open(life, web->app, object->key, handlers, &life_of_links, application);
    }
    application->dbid = object->dbid;
    application->is_named = true;
    peer_configure(application->peer);
}

static void use_config(struct web *web, struct text name)
{
    if (web->config)
        peer_configure(web->config);
    else
        web->config =
            peer_open(web->app->life, web->app, name, config_handlers, &life_of_config, web);
}

static void use_control(struct web *web, struct peer **peer, struct text name)
{
    if (*peer)
        peer_configure(*peer);
    else
        *peer = peer_open(web->app->life, web->app, name, rest_control_handlers, &rest_control_life,
                          web);
}

struct peer *applications_peer(const struct web *web, const struct msg *msg)
{
    bool is_kept = msg->number >= MSG_CONTROL_READ_ALARMS.number;
    if (text_eq(text_of(msg->protocol), TEXT("config"))) return web->config;
    if (!text_eq(text_of(msg->protocol), TEXT("control"))) return NULL;
    if (is_kept && web->logs) return web->logs;
    return web->control ? web->control : web->logs;
}

void applications_configure(struct web *web)
{
    const struct app *app = web->app;
    const struct app_object *self = app_self(app);
    const struct object_application *ours = self ? (const void *)self->fields : NULL;
    if (web->presence_timer == NULL)
        web->presence_timer = timer_new(app->life, app->loop, tell_changes, web);
    for (uint32_t i = 0; i < web->application_count; i++) web->applications[i]->is_named = false;
    for (uint32_t i = 0; ours && i < ours->connections.count; i++) {
        struct text name = ours->connections.at[i].server;
        const struct app_object *object = app_object(app, &OBJECT_APPLICATION, name);
        const struct object_application *fields = object ? (const void *)object->fields : NULL;
        if (fields && is_of_type(app, fields, "CMServer")) use_outbound(web, object);
        if (fields && is_of_type(app, fields, "ConfigurationServer")) use_config(web, name);
        if (fields && is_of_type(app, fields, "SCS")) use_control(web, &web->control, name);
        if (fields && is_of_type(app, fields, "MessageServer")) use_control(web, &web->logs, name);
    }
}

struct application *application_choose(struct web *web, const struct person *person,
                                       const struct kv *fields)
{
    struct application *only = NULL;
    const struct value *wanted = kv_find(fields, TEXT("GSW_APPLICATION_ID"));
    for (uint32_t i = 0; i < web->application_count; i++) {
        struct application *application = web->applications[i];
        if (!application->is_named || !reaches(person, application)) continue;
        if (wanted && wanted->kind == VALUE_INTEGER && wanted->integer == application->dbid)
            return application;
        if (wanted == NULL && only) return NULL;
        only = application;
    }
    return wanted ? NULL : only;
}

void applications_put(struct json_writer *json, const struct web *web, const struct person *person)
{
    json_begin_object(json);
    for (uint32_t i = 0; i < web->application_count; i++) {
        const struct application *application = web->applications[i];
        if (!application->is_named || !reaches(person, application)) continue;
        json_put_name(json, application->name);
        json_put_u64(json, application->dbid);
    }
    json_end_object(json);
}
