/* SPDX-License-Identifier: Apache-2.0 */
/* world.h - configuration servers on a virtual clock, asked over links as servers and tools ask. */
#ifndef TESTS_UNIT_CONFIG_WORLD_H
#define TESTS_UNIT_CONFIG_WORLD_H

#include "app/app.h"
#include "base/buf.h"
#include "gen/messages.h"
#include "gen/objects.h"
#include "tests/unit/app/place.h"
#include "tests/unit/test.h"

struct world {
    struct scope *life;
    struct loop *loop;
    struct net *net;
    struct app *app; /* the master, "config", on port 2020; its store is in memory, or at `data` */
    struct scope *app_life;
    struct place place; /* of the master's store */
    /* the last answer */
    struct scope *answer_life; /* of `fields`: until the next question */
    bool is_answered, is_retryable;
    enum err err;
    int64_t code;
    struct text name, field, object_type, words;
    const void *fields;
    struct buf json; /* of the answer; of a refusal its details, one a line */
};

struct world *world_new(void);
struct world *world_new_on_disk(const char *data); /* simulated */
void world_free(struct world *world);
/* kill -9 of the master; it starts again at world_start(). */
void world_kill(struct world *world);
void world_start(struct world *world);

/* A link as `name`, with the installation's secret. */
struct asker {
    struct world *world;
    struct scope *life;
    struct link *link;
    struct link_header header; /* of its questions */
    struct buf events;         /* "mode read-only" and the like, one a line */
    struct buf changes;        /* "rev", then "added Place a" and the like; "resync" */
    bool is_quick;             /* asks without letting time go by */
};
struct asker *asker_new(struct world *world, const char *name, const char *address,
                        const char *server);
void asker_free(struct asker *asker);
enum err ask(struct asker *asker, const struct msg *msg, const void *fields);

/* One operation; `key`, `value`, `cascade` may be NULL. */
enum err change(struct asker *asker, const char *op, const char *type, const char *key,
                const char *value);
enum err apply_file(struct asker *asker, const char *file);
bool answer_has(const struct world *world, const char *words);
uint64_t answer_rev(const struct world *world); /* of any answer that has one */
struct text export_all(struct asker *asker);    /* in the world's life */

#define FILE_HEAD "{\"format\":\"cc-config\",\"version\":1,"

#endif
