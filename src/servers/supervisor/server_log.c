/* SPDX-License-Identifier: Apache-2.0 */
/* The supervisor's log: its files by [log] of host.jsonc, and the output `network` (framework 8.1,
 * 8.5), whose records wait in DATA/supervisor/log-spool until it is known who keeps them, and
 * whenever that one is away. */
#include "servers/supervisor/server_private.h"

#include "app/log_sender.h"
#include "app/logger.h"
#include "app/net_watch.h"
#include "gen/events.h"

#include <sys/stat.h>
#include <unistd.h>

struct own_log {
    struct supervisor *supervisor;
    struct logger *logger;
    struct log quiet;
    struct log_sender *sender; /* NULL: no option names the output network */
    struct scope *link_life;   /* NULL: nobody keeps them */
    struct text keeper;
    struct link *link;
    bool has_told_nowhere;
};

/* [log] spool, else among our data. The spool itself makes the last folder. */
static struct text spool_folder(struct supervisor *supervisor)
{
    struct text wanted = supervisor->options->common.log_spool;
    if (wanted.len > 0) return wanted;
    struct text own = scope_format(supervisor->life, "%.*s/supervisor",
                                   TEXT_ARG(supervisor->installation.data_dir));
    (void)mkdir(own.at, 0750); /* what is wrong with it, opening the spool will tell */
    return scope_format(supervisor->life, "%.*s/log-spool", TEXT_ARG(own));
}

static struct link *link_of(void *self)
{
    return ((const struct own_log *)self)->link;
}

static void open_sender(struct own_log *own)
{
    struct supervisor *supervisor = own->supervisor;
    const struct log_sender_setup setup = { .loop = supervisor->loop,
                                            .log = supervisor->log,
                                            .quiet = own->quiet,
                                            .folder = spool_folder(supervisor),
                                            .application = TEXT("supervisor"),
                                            .host = supervisor->file->host,
                                            .type = TEXT("supervisor"),
                                            .pid = (uint32_t)getpid(),
                                            .link = link_of,
                                            .self = own };
    own->sender = log_sender_new(supervisor->life, &setup);
    log_sender_take(own->sender, true);
    logger_on_network(own->logger, log_sender_add, own->sender);
}

enum err server_log_open(struct supervisor *supervisor, struct fault *fault)
{
    const struct logger_setup setup = {
        .origin = { .application = TEXT("supervisor"),
                    .type = TEXT("supervisor"),
                    .version = TEXT(CARILLON_VERSION),
                    .host = supervisor->file->host },
        .logs_dir = supervisor->installation.logs_dir,
    };
    if (supervisor->simulation) {
        supervisor->log = supervisor->file_log = supervisor->simulation->log;
        return ERR_OK;
    }
    struct own_log *own = scope_alloc(supervisor->life, sizeof *own);
    *own = (struct own_log){ .supervisor = supervisor,
                             .logger = logger_new(supervisor->life, supervisor->loop, &setup) };
    own->quiet = logger_log_local(own->logger);
    supervisor->own_log = own;
    supervisor->file_log = logger_log(own->logger);
    supervisor->log = terminal_log(supervisor);
    net_watch_new(supervisor->life, supervisor->net, &supervisor->log);
    enum err err = logger_set_options(own->logger, &supervisor->options->common, fault);
    if (!err && logger_uses_network(own->logger)) open_sender(own);
    return err;
}

/* --- who keeps them --------------------------------------------------------------------------- */

static void on_up(void *self, struct link *link)
{
    (void)link;
    log_sender_on_up(((struct own_log *)self)->sender);
}

static void leave(struct own_log *own)
{
    if (own->link_life == NULL) return;
    scope_close(own->link_life); /* and its link, silently */
    own->link_life = NULL;
    own->link = NULL;
    own->keeper = (struct text){ 0 };
    log_sender_forget_link(own->sender);
}

static void join(struct own_log *own, const struct control_place *place)
{
    static const struct link_handler handlers[] = { { 0 } };
    static const struct link_life hooks = { .on_up = on_up };
    const struct supervisor *supervisor = own->supervisor;
    own->link_life = scope_new(supervisor->life, "log link", SCOPE_NO_LIMIT);
    own->keeper = scope_keep(own->link_life, place->name);
    own->link = link_connect(own->link_life, supervisor->net, &own->quiet, place->address,
                             own->keeper, &supervisor->identity, &place->addp, handlers, &hooks,
                             own);
}

void server_log_configure(struct supervisor *supervisor)
{
    struct own_log *own = supervisor->own_log;
    if (own == NULL || own->sender == NULL) return;
    struct scope *scratch = scope_new(NULL, "message server", SCOPE_NO_LIMIT);
    struct control_place place = config_watch_message_server(supervisor, scratch);
    bool is_none = place.name.len == 0 || place.address.len == 0;
    if (is_none || !text_eq(own->keeper, place.name)) leave(own);
    if (own->link)
        link_set_address(own->link, place.address);
    else if (!is_none)
        join(own, &place);
    log_sender_take(own->sender, !is_none);
    if (is_none && !own->has_told_nowhere) LOG_LOG_NETWORK_NOWHERE(&own->quiet);
    own->has_told_nowhere = is_none;
    scope_close(scratch);
}
