/* SPDX-License-Identifier: Apache-2.0 */
/* access_world.h - config, control and web in one process on a virtual clock, with the centre of
 * access_table.h: they follow config over links as ever, persons log in with their passwords
 * over HTTP, and then ask over HTTP or a desktop's WebSocket. What config writes into its audit log
 * is counted. */
#ifndef TESTS_UNIT_WEB_ACCESS_WORLD_H
#define TESTS_UNIT_WEB_ACCESS_WORLD_H

#include "access_table.h"

#define ACCESS_DOOR "127.0.0.9:8090" /* so people's address is 127.0.0.9, web's is 127.0.0.1 */
enum { ACCESS_NO_DBID = 4000000 };

/* One answer, whichever way it came. */
struct access_answer {
    unsigned status;   /* of HTTP; of a frame 200, or the error's code */
    struct text error; /* its name; empty: none */
    struct text body;  /* what the client is told; the revision is in it */
};

struct access_world {
    struct world *config;
    struct asker *tool;
    struct app *control, *web;
    struct net *net; /* of the people */
    struct http_client *http;
    struct scope *answer_life; /* of the last answer */
    uint32_t made, refused;    /* audit lines since they were set to 0 */
    char audit[512];           /* the last of them */
};

struct access_world *access_world_new(void);
void access_world_free(struct access_world *world);
uint64_t access_revision(const struct access_world *world);
/* The present DBID of what is there. */
uint32_t access_dbid(const struct access_world *world, const struct table_cell *cell,
                     const struct table_object *object);
struct text access_export(struct access_world *world); /* in the world's life */

/* --- over HTTP --- */

/* `token` empty: without. `if_match` and `body` may be NULL. */
struct access_answer access_http(struct access_world *world, const char *method, const char *path,
                                 struct text token, const char *if_match, const char *body);
/* Password log-in; empty: refused. In the world's life. */
struct text access_log_in(struct access_world *world, const char *user);
void access_set_password(struct access_world *world, const char *user, bool must_change);

/* --- over a WebSocket --- */

struct access_desktop;
/* `status` of the handshake: 101, and then a Welcome came. */
struct access_desktop *access_desktop_open(struct access_world *world, struct text token,
                                           unsigned *status);
void access_desktop_close(struct access_desktop *desktop);
struct access_answer access_frame(struct access_desktop *desktop, const char *to,
                                  const char *message, const char *fields);

#endif
