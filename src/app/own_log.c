/* SPDX-License-Identifier: Apache-2.0 */
/* The log of an application: its logger, and where its records for the Message Server go. */
#include "app/log_network.h"
#include "app/log_record.h"
#include "app/private.h"
#include "gen/events.h"

#include <sys/stat.h>

static void on_slow(void *self, const struct loop_slow *slow)
{
    const struct app *app = self;
    LOG_SLOW_HANDLER(&app->log, slow->kind, slow->name, slow->took_ms);
}

void own_log_open(struct app *app)
{
    const struct birth *birth = &app->private->birth;
    const struct logger_setup setup = { .origin = { .application = app->name,
                                                    .type = text_of(app->type->name),
                                                    .version = TEXT(CARILLON_VERSION),
                                                    .host = app->host },
                                        .logs_dir = birth->logs };
    app->private->logger = logger_new(app->life, app->loop, &setup);
    app->log = logger_log(app->private->logger);
    loop_on_slow(app->loop, on_slow, app);
}

/* [log] spool, else beside our store. The spool itself makes the last folder. */
static struct text spool_folder(struct app *app)
{
    struct text wanted = settings_common(app)->log_spool;
    if (wanted.len > 0) return scope_keep(app->life, wanted);
    struct text own =
        scope_format(app->life, "%.*s/%.*s", TEXT_ARG(app->data_dir), TEXT_ARG(app->name));
    (void)mkdir(own.at, 0750); /* what is wrong with it, opening the spool will tell */
    return scope_format(app->life, "%.*s/log-spool", TEXT_ARG(own));
}

static void leave_network(void *self)
{
    logger_on_network(self, NULL, NULL);
}

static void open_network(struct app *app)
{
    struct app_private *private = app->private;
    struct log quiet = logger_log_local(private->logger);
    struct scope *life = scope_new(app->life, "log records", SCOPE_NO_LIMIT);
    private->log_network = log_network_new(life, app, &quiet, spool_folder(app));
    if (private->keeps_own_log) return;
    logger_on_network(private->logger, log_network_add, private->log_network);
    scope_on_close(life, leave_network, private->logger);
}

void own_log_settle(struct app *app)
{
    struct app_private *private = app->private;
    if (private->logger == NULL) return;
    bool is_used = private->keeps_own_log ? private->sends_log_always
                                          : logger_uses_network(private->logger);
    if (private->log_network == NULL && !is_used) return;
    if (private->log_network == NULL) open_network(app);
    log_network_configure(private->log_network, is_used);
}

void app_send_log_always(struct app *app, bool always)
{
    app->private->sends_log_always = always;
    own_log_settle(app);
}

bool own_log_is_sending(const struct app *app)
{
    const struct log_network *network = app->private->log_network;
    return network && log_network_is_sending(network);
}

enum err app_send_log(struct app *app, struct text record)
{
    struct log_network *network = app->private->log_network;
    return network ? log_network_add_encoded(network, record) : log_record_check(record);
}

void app_take_log(struct app *app, void (*add)(void *self, const struct log_record *record),
                  void *self)
{
    struct app_private *private = app->private;
    private->keeps_own_log = true;
    if (private->log_network) log_network_configure(private->log_network, false);
    if (private->logger) logger_on_network(private->logger, add, self);
}
