/* SPDX-License-Identifier: Apache-2.0 */
#include "app/private.h"
#include "store/sim_disk.h"
#include "store/store.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

static enum err store_path(const struct app *app, struct text *out, struct fault *fault)
{
    bool is_simulated = loop_is_virtual(app->loop); /* there folders need not be made */
    *out = TEXT(":memory:");
    if (is_simulated && app->data_dir.len == 0) return ERR_OK;
    struct text folder =
        scope_format(app->life, "%.*s/%.*s", TEXT_ARG(app->data_dir), TEXT_ARG(app->name));
    if (!is_simulated && mkdir(folder.at, 0750) != 0 && errno != EEXIST)
        return fault_set(fault, ERR_IO, "data", "%s cannot be made: %s", folder.at,
                         strerror(errno));
    *out = scope_format(app->life, "%s%.*s/%.*s.db", is_simulated ? SIM_DISK_SCHEME : "",
                        TEXT_ARG(folder), TEXT_ARG(app->name));
    return ERR_OK;
}

static void on_trouble(void *self, enum store_trouble kind, const char *words)
{
    struct app *app = self;
    struct app_private *private = app->private;
    bool is_serving = private->state == APP_RUNNING || private->is_disk_in_trouble;
    if (kind == STORE_TROUBLE_NONE) {
        if (private->is_disk_in_trouble) app_running(app);
        private->is_disk_in_trouble = false;
    } else if (is_serving) {
        private->is_disk_in_trouble = true;
        app_unavailable(app, text_of(words));
    }
    if (private->on_store_trouble)
        private->on_store_trouble(private->store_trouble_self,
                                  kind == STORE_TROUBLE_NONE ? NULL : words);
    if (kind == STORE_TROUBLE_BROKEN) app_end(app, words, true);
}

void app_on_store_trouble(struct app *app, void (*hear)(void *self, const char *words), void *self)
{
    app->private->on_store_trouble = hear;
    app->private->store_trouble_self = self;
}

enum err app_open_store(struct app *app, const struct migration *migrations, struct store **out,
                        struct fault *fault)
{
    struct text path;
    enum err err = store_path(app, &path, fault);
    if (!err) err = store_open(app->life, app->loop, &app->log, path, migrations, NULL, out, fault);
    if (!err) store_on_trouble(*out, on_trouble, app);
    return err;
}
