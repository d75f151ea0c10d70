/* SPDX-License-Identifier: Apache-2.0 */
/* Full or read-only (framework 3.5, 15): the database, or of a proxy its master, may be away.
 * Reading and telling goes on; a change is refused, and may be asked for again. */
#include "gen/events.h"
#include "servers/config/server.h"

bool server_is_read_only(const struct config_server *server)
{
    return server->read_only.len > 0;
}

static const char *mode_word(const struct config_server *server)
{
    return server_is_read_only(server) ? "read-only" : "full";
}

void server_set_read_only(struct config_server *server, const char *why)
{
    bool was_read_only = server_is_read_only(server);
    buf_clear(&server->read_only);
    if (why) buf_add(&server->read_only, text_slice(text_of(why), 0, 1024));
    if (was_read_only == server_is_read_only(server)) return;
    if (why)
        LOG_DB_DISCONNECTED(&server->app->log, why);
    else
        LOG_DB_CONNECTED(&server->app->log);
    subscribers_tell_mode(server);
    changes_wake(server, true);
}

void server_refuse_read_only(const struct config_server *server, struct problems *problems)
{
    problem_add(problems, PROBLEM_READ_ONLY, NULL, TEXT(""),
                "the configuration can only be read for now: %.*s",
                TEXT_ARG(buf_text(&server->read_only)));
}

struct config_mode_changed server_mode_message(const struct config_server *server)
{
    struct config_mode_changed out = {
        .head.has = CONFIG_MODE_CHANGED_HAS_MODE,
        .mode = text_of(mode_word(server)),
    };
    if (server_is_read_only(server)) {
        out.head.has |= CONFIG_MODE_CHANGED_HAS_REASON;
        out.reason = buf_text(&server->read_only);
    }
    return out;
}

void request_read_server(void *self, struct link_request *request, const void *fields)
{
    const struct config_server *server = self;
    enum access_kind kind = request_rights(server, request)->kind;
    (void)fields;
    struct config_server_info info = {
        .head.has = SHAPE_ALL(SHAPE_CONFIG_SERVER_INFO),
        .name = server->app->name,
        .role = server->proxy ? TEXT("proxy") : server->app->identity.role,
        .mode = text_of(mode_word(server)),
        .rev = server->rev,
        .epoch = server->epoch,
        .encoding = TEXT("utf-8"),
        .version = server->app->identity.build.len ? server->app->identity.build : TEXT("test"),
        .objects = (uint32_t)object_set_count(server->objects),
    };
    /* How many there are is for those who see them all. */
    if (kind != ACCESS_TO_EVERYTHING && kind != ACCESS_TO_READ)
        info.head.has &= ~(uint64_t)CONFIG_SERVER_INFO_HAS_OBJECTS;
    link_reply(request, &info);
}
