/* SPDX-License-Identifier: Apache-2.0 */
/* keeping_world.h - the whole of control on a virtual clock, its disk simulated, for the tests of
 * kept logs, alarms and reactions. Applications x and y are configured, hosts are not. */
#ifndef TESTS_UNIT_CONTROL_KEEPING_WORLD_H
#define TESTS_UNIT_CONTROL_KEEPING_WORLD_H

#include "app/app.h"
#include "base/buf.h"
#include "gen/messages.h"
#include "gen/objects.h"
#include "tests/unit/app/place.h"

struct world {
    struct scope *life;
    struct loop *loop;
    struct net *net;
    struct app *app;
    struct place place;
    uint32_t dbid;
    uint64_t rev;
    bool is_answered;
    enum err err;
    struct buf json, words;
};

struct peer {
    struct scope *life;
    struct link *link;
    struct buf moves; /* "created Connection Failure x 1\n" */
};

/* `options`: JSON of control's Application options, "{}". */
struct world *world_new_with(const char *options);
struct world *world_new(void);
void world_free(struct world *world);
void put(struct world *world, const struct object_type *type, const char *json);
/* The predefined Connection Failure, and `more` members. */
void condition(struct world *world, const char *more);

/* Waits until its link is up. */
struct peer *peer_new(struct world *world, const char *name, const char *role);
void peer_free(struct peer *peer);

/* The answer is in world->json, or the refusal in world->words. */
enum err ask_as(struct world *world, struct peer *peer, const struct link_header *header,
                const struct msg *msg, const void *fields);
enum err ask(struct world *world, struct peer *peer, const struct msg *msg, const void *fields);
bool answer_has(const struct world *world, const char *words);
int64_t answer_number(struct world *world, const char *name);
uint32_t answer_count(struct world *world, const char *name); /* of a list */

struct control_log_record record_of(struct world *world, const char *id, const char *text);
enum err send_records(struct world *world, struct peer *peer, uint64_t first,
                      struct control_log_record *records, uint32_t count);
enum err send_one(struct world *world, struct peer *peer, uint64_t number, const char *id,
                  const char *text);
void read_alarms(struct world *world, struct peer *peer, const char *state); /* NULL: any */
void read_log(struct world *world, struct peer *peer, const struct control_read_log *asked);

#endif
