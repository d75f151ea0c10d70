/* SPDX-License-Identifier: Apache-2.0 */
/* run/supervisor.sock (framework 5): applications register and report, tools ask and order. An
 * application is known by the name that its link has proven. */
#include "servers/supervisor/server_private.h"

#include "gen/events.h"
#include "gen/messages.h"

#include <stdio.h>
#include <unistd.h>

/* --- applications --------------------------------------------------------------------------- */

/* Who speaks on a link, once it has registered; NULL before. */
static struct supervised *speaker_of(struct supervisor *supervisor, const struct link *link)
{
    struct supervised *supervised = supervised_find(supervisor, link_peer(link));
    return supervised != NULL && supervised->link == link ? supervised : NULL;
}

static void feed_state(struct supervised *supervised, struct text state, struct text reason)
{
    if (text_eq(state, TEXT("running"))) {
        supervised_feed(supervised, APPLICATION_SAYS_RUNNING);
    } else if (text_eq(state, TEXT("service-unavailable"))) {
        supervised_set_reason(supervised, reason);
        supervised_feed(supervised, APPLICATION_SAYS_UNAVAILABLE);
    } else if (text_eq(state, TEXT("suspended"))) {
        supervised_feed(supervised, APPLICATION_SAYS_IDLE);
    }
}

static enum err check_register(const struct supervised *supervised, const struct link *link,
                               const struct supervisor_register *fields, struct fault *fault)
{
    if (supervised == NULL || !text_eq(fields->application, link_peer(link)))
        return fault_set(fault, ERR_NOT_FOUND, "application", "is not one of this host");
    if (supervised->process.pid != (pid_t)fields->pid)
        return fault_set(fault, ERR_CONFLICT, "pid", "is not the process that was started, %d",
                         (int)supervised->process.pid);
    return ERR_OK;
}

static void on_register(void *self, struct link_request *request, const void *fields)
{
    struct supervisor *supervisor = self;
    const struct supervisor_register *asked = fields;
    struct link *link = link_request_link(request);
    struct supervised *supervised = supervised_find(supervisor, asked->application);
    struct fault fault;
    if (link == NULL) return;
    if (check_register(supervised, link, asked, &fault)) {
        char name[256];
        snprintf(name, sizeof name, "%.*s", TEXT_ARG(asked->application));
        LOG_SUPERVISED_REFUSED(&supervisor->log, name, asked->pid, fault.words);
        link_refuse_fault(request, &fault);
        return;
    }
    struct link *former = supervised->link;
    supervised->link = link;
    if (former != NULL && former != link) link_close(former);
    supervised_set_server(supervised, asked->type);
    link_reply(request, &(struct supervisor_registered){
                            .head.has = SUPERVISOR_REGISTERED_HAS_PID,
                            .pid = (uint32_t)getpid(),
                        });
    supervised_feed(supervised, APPLICATION_REGISTERED);
    if (SHAPE_HAS(asked, SUPERVISOR_REGISTER_HAS_STATE))
        feed_state(supervised, asked->state, asked->reason);
}

static void on_status(void *self, struct link *link, const void *fields)
{
    const struct supervisor_status *status = fields;
    struct supervised *supervised = speaker_of(self, link);
    if (supervised != NULL) feed_state(supervised, status->state, status->reason);
}

static void on_heartbeat(void *self, struct link *link, const void *fields)
{
    (void)fields;
    struct supervised *supervised = speaker_of(self, link);
    if (supervised != NULL) supervised_feed(supervised, APPLICATION_HEARTBEAT);
}

static void on_idle(void *self, struct link *link, const void *fields)
{
    (void)fields;
    struct supervised *supervised = speaker_of(self, link);
    if (supervised != NULL) supervised_feed(supervised, APPLICATION_SAYS_IDLE);
}

static void on_custom(void *self, struct link *link, const void *fields)
{
    const struct supervisor_custom *custom = fields;
    struct supervised *supervised = speaker_of(self, link);
    if (supervised == NULL) return;
    if (supervised->custom_life == NULL)
        supervised->custom_life = scope_new(supervised->supervisor->life, "custom", SCOPE_NO_LIMIT);
    scope_reset(supervised->custom_life);
    supervised->custom = kv_keep(supervised->custom_life, &custom->values);
    control_link_tell(supervised);
}

static void on_peer_key(void *self, struct link_request *request, const void *fields)
{
    const struct supervisor *supervisor = self;
    const struct supervisor_peer_key *asked = fields;
    const struct link *link = link_request_link(request);
    const struct supervised *asker = link ? speaker_of(self, link) : NULL;
    uint8_t key[INSTALLATION_SECRET_BYTES];
    if (asker == NULL || !config_watch_connects(supervisor, asker->name, asked->peer)) {
        struct fault fault;
        fault_set(&fault, ERR_DENIED, "peer", "is not among the connections of the application");
        link_refuse_fault(request, &fault);
        return;
    }
    link_derive_pair_key(
        (struct text){ (const char *)supervisor->installation.secret, INSTALLATION_SECRET_BYTES },
        asker->name, asked->peer, key);
    link_reply(request, &(struct supervisor_peer_key_given){
                            .head.has = SUPERVISOR_PEER_KEY_GIVEN_HAS_KEY,
                            .key = { (const char *)key, sizeof key },
                        });
}

static void on_down(void *self, struct link *link, enum err why)
{
    (void)why;
    struct supervised *supervised = speaker_of(self, link);
    if (supervised == NULL) return;
    supervised->link = NULL;
    supervised_feed(supervised, APPLICATION_PEER_LOST);
    supervised_reap(supervised->supervisor);
}

/* --- tools ---------------------------------------------------------------------------------- */

static struct supervisor_application_state state_of(const struct supervised *supervised)
{
    struct supervisor_application_state state = {
        .head.has =
            SUPERVISOR_APPLICATION_STATE_HAS_NAME | SUPERVISOR_APPLICATION_STATE_HAS_STATE |
            SUPERVISOR_APPLICATION_STATE_HAS_SINCE | SUPERVISOR_APPLICATION_STATE_HAS_RESTARTS |
            SUPERVISOR_APPLICATION_STATE_HAS_REASON | SUPERVISOR_APPLICATION_STATE_HAS_CUSTOM,
        .name = supervised->name,
        .state = text_of(application_state_name(application_state(&supervised->application))),
        .since = supervised->since_utc_ms,
        .restarts = (uint32_t)supervised->application.restarts,
        .reason = text_of(supervised->reason),
        .custom = supervised->link ? supervised->custom : (struct kv){ 0 },
    };
    if (supervised->process.pid != 0) {
        state.head.has |= SUPERVISOR_APPLICATION_STATE_HAS_PID;
        state.pid = (uint32_t)supervised->process.pid;
    }
    if (supervised->server != NULL) {
        state.head.has |= SUPERVISOR_APPLICATION_STATE_HAS_TYPE;
        state.type = text_of(supervised->server);
    } else if (program_type(supervised).len) {
        state.head.has |= SUPERVISOR_APPLICATION_STATE_HAS_TYPE;
        state.type = program_type(supervised);
    }
    return state;
}

static void on_list(void *self, struct link_request *request, const void *fields)
{
    struct supervisor *supervisor = self;
    const struct supervisor_list_applications *asked = fields;
    size_t room = table_count(supervisor->by_name);
    struct supervisor_applications reply = {
        .head.has = SUPERVISOR_APPLICATIONS_HAS_APPLICATIONS | SUPERVISOR_APPLICATIONS_HAS_HOST,
        .applications.at = scope_alloc_array(link_request_scope(request), room,
                                             sizeof(struct supervisor_application_state)),
        .host = supervisor->file->host,
    };
    LIST_EACH (node, &supervisor->all) {
        struct supervised *supervised = LIST_OBJECT(node, struct supervised, node);
        if (SHAPE_HAS(asked, SUPERVISOR_LIST_APPLICATIONS_HAS_NAME) &&
            !text_eq(asked->name, supervised->name))
            continue;
        if (!supervised->is_wanted && !application_has_process(&supervised->application)) continue;
        reply.applications.at[reply.applications.count++] = state_of(supervised);
    }
    link_reply(request, &reply);
}

/* Only tools order: they hold the installation's secret. */
static void order(struct supervisor *supervisor, struct link_request *request, struct text name,
                  enum application_event event)
{
    struct link *link = link_request_link(request);
    struct supervised *supervised = supervised_find(supervisor, name);
    struct fault fault;
    if (link == NULL || !text_eq(link_peer(link), TEXT("tool"))) {
        fault_set(&fault, ERR_DENIED, "", "only tools with the installation's secret give orders");
        link_refuse_fault(request, &fault);
        return;
    }
    if (supervised == NULL || (event == APPLICATION_START && !supervised->is_wanted)) {
        fault_set(&fault, ERR_NOT_FOUND, "name", "no application \"%.*s\" on this host",
                  TEXT_ARG(name));
        link_refuse_fault(request, &fault);
        return;
    }
    supervised->is_ordered = true;
    supervised_feed(supervised, event);
    struct supervisor_application_state state = state_of(supervised);
    link_reply(request, &(struct supervisor_application_ordered){
                            .head.has = SUPERVISOR_APPLICATION_ORDERED_HAS_APPLICATION,
                            .application = &state,
                        });
}

static void on_start(void *self, struct link_request *request, const void *fields)
{
    const struct supervisor_start_application *asked = fields;
    order(self, request, asked->name, APPLICATION_START);
}

static void on_stop(void *self, struct link_request *request, const void *fields)
{
    const struct supervisor_stop_application *asked = fields;
    order(self, request, asked->name, APPLICATION_STOP);
}

static void on_stop_gracefully(void *self, struct link_request *request, const void *fields)
{
    const struct supervisor_stop_gracefully *asked = fields;
    order(self, request, asked->name, APPLICATION_STOP_GRACEFULLY);
}

/* --- the door ------------------------------------------------------------------------------- */

static const struct link_handler handlers[] = {
    { .msg = &MSG_SUPERVISOR_REGISTER, .on_request = on_register },
    { .msg = &MSG_SUPERVISOR_STATUS, .on_event = on_status },
    { .msg = &MSG_SUPERVISOR_HEARTBEAT, .on_event = on_heartbeat },
    { .msg = &MSG_SUPERVISOR_IDLE, .on_event = on_idle },
    { .msg = &MSG_SUPERVISOR_CUSTOM, .on_event = on_custom },
    { .msg = &MSG_SUPERVISOR_PEER_KEY, .on_request = on_peer_key },
    { .msg = &MSG_SUPERVISOR_LIST_APPLICATIONS, .on_request = on_list },
    { .msg = &MSG_SUPERVISOR_START_APPLICATION, .on_request = on_start },
    { .msg = &MSG_SUPERVISOR_STOP_APPLICATION, .on_request = on_stop },
    { .msg = &MSG_SUPERVISOR_STOP_GRACEFULLY, .on_request = on_stop_gracefully },
    { 0 },
};
static const struct link_life life = { .on_down = on_down };

enum err server_link_open(struct supervisor *supervisor, struct fault *fault)
{
    struct link_server *server;
    char path[512], address[sizeof path + 8];
    if ((size_t)snprintf(path, sizeof path, "%.*s/supervisor.sock",
                         TEXT_ARG(supervisor->installation.run_dir)) >= sizeof path)
        return fault_set(fault, ERR_LIMIT, "run", "the path is too long");
    snprintf(address, sizeof address, "unix:%s", path);
    /* What lies there was left by a dead predecessor: we hold the lock. */
    unlink(path);
    return link_listen(supervisor->life, supervisor->net, &supervisor->log, text_of(address),
                       &supervisor->identity, &(struct link_options){ 0 }, handlers, &life,
                       supervisor, &server, fault);
}
