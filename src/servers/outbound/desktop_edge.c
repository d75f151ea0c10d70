/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/outbound/desktop_edge.h"

#include "gen/events.h"
#include "servers/outbound/desktop.h"
#include "servers/outbound/desktops.h"
#include "servers/outbound/idempotency.h"
#include "servers/outbound/request.h"
#include "servers/outbound/traffic_log.h"

#include <string.h>

/* --- answers ---------------------------------------------------------------------------------- */

static void reply(struct request *request, const struct msg *msg, const void *fields,
                  struct text etag)
{
    (void)etag;
    ASSERT(msg == request->msg->reply);
    link_reply(request->link_request, fields);
}

static enum err err_of(enum outbound_error error)
{
    switch (error) {
    case OUTBOUND_NO_RECORDS:
    case OUTBOUND_INVALID_HANDLE:
    case OUTBOUND_LIST_UNKNOWN:
    case OUTBOUND_GROUP_UNKNOWN: return ERR_NOT_FOUND;
    case OUTBOUND_UNKNOWN_REQUEST: return ERR_UNSUPPORTED;
    case OUTBOUND_BAD_KEY:
    case OUTBOUND_BAD_DATE: return ERR_INVALID;
    case OUTBOUND_NOT_OWNER: return ERR_DENIED;
    case OUTBOUND_DATABASE_ERROR: return ERR_UNAVAILABLE;
    case OUTBOUND_LIMIT: return ERR_LIMIT;
    case OUTBOUND_ALREADY_FINALISED:
    case OUTBOUND_NOT_LOADED:
    case OUTBOUND_NOT_ALLOWED: return ERR_CONFLICT;
    case OUTBOUND_OK:
    case OUTBOUND_INTERNAL: break;
    }
    return ERR_INTERNAL;
}

/* "GSW_DATE_TIME: must be ..." names its field. */
static struct text field_of(struct text words)
{
    struct text field, rest;
    if (!text_cut(words, ':', &field, &rest) || field.len == 0) return (struct text){ 0 };
    for (size_t i = 0; i < field.len; i++)
        if (field.at[i] == ' ') return (struct text){ 0 };
    return field;
}

static void refuse_link(struct request *request, const struct refusal *refusal)
{
    struct text words = text_of(refusal->words);
    struct link_error error = {
        .err = err_of(refusal->error),
        .protocol = TEXT("outbound"),
        .code = refusal->error,
        .name = TEXT("Error"),
        .text = words,
        .field = field_of(words),
        .retryable = refusal->error == OUTBOUND_DATABASE_ERROR || refusal->error == OUTBOUND_LIMIT,
    };
    link_refuse(request->link_request, &error);
}

static const struct request_edge link_edge = { reply, refuse_link };

/* --- requests --------------------------------------------------------------------------------- */

static bool is_connected(const struct outbound *server, const struct link *link)
{
    return text_eq(link_peer_role(link), TEXT("tool")) ||
           third_party_is_connected(server, link_peer(link));
}

/* The request's GSW_APPLICATION_ID where it has one; 0: none. */
static uint32_t application_meant(const struct msg *msg, const void *fields)
{
    const struct shape_field *field = shape_find(msg->shape, TEXT("GSW_APPLICATION_ID"));
    const struct shape_head *head = fields;
    if (field == NULL || !(head->has & (uint64_t)1 << (field - msg->shape->fields))) return 0;
    return *(const uint32_t *)(const void *)((const char *)fields + field->offset);
}

/* Spec 15.1, 16: what is not meant for us, or not from one whom we obey, is not even refused. */
static bool is_disregarded(struct outbound *server, struct link_request *asked, const void *fields)
{
    const struct msg *msg = link_request_msg(asked);
    struct link *link = link_request_link(asked);
    if (link && !is_connected(server, link)) {
        char peer[128] = "?";
        (void)text_to_z(text_slice(link_peer(link), 0, sizeof peer - 1), peer, sizeof peer);
        LOG_THIRD_PARTY_DISREGARDED(&server->app->log, msg->name, peer);
        return true;
    }
    uint32_t application = application_meant(msg, fields);
    if (application == 0 || application == server->dbid) return false;
    LOG_OTHER_APPLICATION_MEANT(&server->app->log, msg->name, application);
    return true;
}

/* Whose keys are one set: those of a person at a peer. */
static struct text client_of(struct request *request, struct link_request *asked,
                             struct text person)
{
    struct link *link = link_request_link(asked);
    struct text peer = link ? link_peer(link) : TEXT("");
    return scope_format(request->life, "link/%.*s/%.*s", TEXT_ARG(peer), TEXT_ARG(person));
}

bool desktop_edge_disregards(struct outbound *server, struct link_request *asked,
                             const void *fields)
{
    if (!is_disregarded(server, asked, fields)) return false;
    server->counters.requests_disregarded_total++;
    link_ignore(asked);
    return true;
}

static void on_request(void *self, struct link_request *asked, const void *fields)
{
    struct outbound *server = self;
    if (desktop_edge_disregards(server, asked, fields)) return;
    const struct link *link = link_request_link(asked);
    if (link) traffic_log_received(server, link, link_request_msg(asked));
    struct request *request = request_new(server, link_request_msg(asked), &link_edge);
    request->link_request = asked;
    request->fields = fields; /* theirs are good until the answer */
    const struct link_header *header = link_request_header(asked);
    struct text client = { 0 };
    if (header->idempotency_key.len) client = client_of(request, asked, header->person);
    idempotency_run(request, client, header->idempotency_key);
}

/* --- who is there ----------------------------------------------------------------------------- */

static void on_presence(void *self, struct link_request *asked, const void *fields)
{
    struct outbound *server = self;
    struct link *link = link_request_link(asked);
    if (link == NULL || !is_connected(server, link)) {
        link_ignore(asked);
        return;
    }
    desktops_presence(server, link, fields);
    struct outbound_desktop_presence_known known = {
        .head.has = SHAPE_ALL(SHAPE_OUTBOUND_DESKTOP_PRESENCE_KNOWN),
        .application_id = server->dbid,
    };
    link_reply(asked, &known);
}

static void on_down(void *self, struct link *link, enum err why)
{
    (void)why;
    desktops_forget(self, link);
}

const struct link_life desktop_link_life = { .on_down = on_down };

const struct link_handler *desktop_link_handlers(struct scope *scope,
                                                 const struct link_handler *more)
{
    size_t own = 0, others = 0;
    while (desktop_message(own)) own++;
    while (more[others].msg) others++;
    struct link_handler *rows = scope_alloc_array(scope, own + others + 2, sizeof *rows);
    for (size_t i = 0; i < own; i++)
        rows[i] = (struct link_handler){ .msg = desktop_message(i), .on_request = on_request };
    memcpy(rows + own, more, others * sizeof *rows);
    rows[own + others] =
        (struct link_handler){ .msg = &MSG_OUTBOUND_DESKTOP_PRESENCE, .on_request = on_presence };
    return rows;
}
