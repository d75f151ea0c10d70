/* SPDX-License-Identifier: Apache-2.0 */
/* A follower is born as any application, by the line on descriptor 3, and has a real one's link,
 * mirror and cache. When the file $CROWD_END names a revision, it waits until it is there, writes a
 * line for each object, "Place 7 12 BODY", to $CROWD_OUT and ends. */
#include "config_crowd.h"

#include "app/private.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LOOK_MS = 100 };

struct follower {
    struct app *app;
    struct timer *timer;
};

static uint64_t end_revision(void)
{
    const char *path = getenv("CROWD_END");
    FILE *file = path ? fopen(path, "r") : NULL;
    char line[32] = "";
    uint64_t rev = 0;
    if (file == NULL) return 0;
    if (fgets(line, sizeof line, file))
        (void)text_to_u64(text_trim(text_of(line)), 1, INT64_MAX, &rev);
    (void)fclose(file);
    return rev;
}

static void write_object(void *self, const struct mirror_entry *entry)
{
    (void)fprintf(self, "%s %u %" PRIu64 " %.*s\n", entry->type->name, entry->dbid, entry->rev,
                  TEXT_ARG(entry->body));
}

static void end(const struct follower *follower)
{
    const char *path = getenv("CROWD_OUT");
    char beside[512];
    snprintf(beside, sizeof beside, "%s.new", path);
    FILE *file = fopen(beside, "w");
    ASSERT(file != NULL);
    mirror_each(follower->app->private->mirror, write_object, file);
    bool is_written = fclose(file) == 0 && rename(beside, path) == 0;
    ASSERT(is_written);
    app_stopped(follower->app);
}

static void look(void *self)
{
    struct follower *follower = self;
    uint64_t rev = end_revision();
    if (rev && app_config_rev(follower->app) >= rev)
        end(follower);
    else
        timer_start(follower->timer, LOOK_MS);
}

static enum err start(struct app *app, void **self, struct fault *fault)
{
    struct follower *follower = scope_alloc(app->life, sizeof *follower);
    (void)fault;
    *follower = (struct follower){ .app = app };
    *self = follower;
    follower->timer = timer_new(app->life, app->loop, look, follower);
    app_running(app);
    look(follower);
    return ERR_OK;
}

static const char *const objects[] = { "Place", "Skill", "VoicePrompt", NULL };
static const struct app_type follower_type = { .name = "follower",
                                               .objects = objects,
                                               .start = start };

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "follow") == 0) return app_main(&follower_type);
    if (argc == 6 && strcmp(argv[1], "change") == 0) return crowd_change(argc, argv);
    (void)fprintf(stderr, "config-crowd follow | config-crowd change DATA SEED SECONDS OBJECTS\n");
    return 2;
}
