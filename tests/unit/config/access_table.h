/* SPDX-License-Identifier: Apache-2.0 */
/* access_table.h - framework 12.2 as a table: who x type of object x place, and what follows for
 * each deed. It is made of the lines of `table_roles` alone and asks nothing of config's own rules:
 * access_matrix_test.c tries its cells over links, tests/unit/web/rest_access_test.c and
 * websocket_access_test.c over what persons reach. */
#ifndef TESTS_UNIT_CONFIG_ACCESS_TABLE_H
#define TESTS_UNIT_CONFIG_ACCESS_TABLE_H

#include "servers/config/permission.h"
#include "world.h"

enum table_place { PLACE_ENVIRONMENT, PLACE_TENANT, PLACE_GLOBAL, PLACES };

struct table_role {
    const char *name, *link;
    const char *tenant, *person; /* NULL: the application itself */
    const char *may[PLACES];     /* in Environment, in tenant T, of no tenant */
};
extern const struct table_role table_roles[];
extern const size_t table_role_count;
/* A person that can log in at a user interface. */
bool table_role_logs_in(const struct table_role *role);

struct table_cell {
    const struct table_role *role; /* NULL: nobody yet */
    const struct object_type *type;
    enum table_place place;
    uint8_t may;
};

/* One of the cell's objects: its name begins with `name`; "cell" is there, others are not. */
struct table_object {
    char name[32], key[64];
    char json[160]; /* it is made of */
};
void table_object(const struct table_cell *cell, const char *name, struct table_object *out);
const char *table_tenant(const struct table_cell *cell);
bool table_may(const struct table_cell *cell, unsigned bits);

/* What a deed comes to that needs `bit`: R comes first. */
enum table_verdict { TABLE_DONE, TABLE_FORBIDDEN, TABLE_NOT_THERE };
enum table_verdict table_verdict(const struct table_cell *cell, unsigned bit);
/* The same for a creation: the name is free. */
enum table_verdict table_verdict_of_creation(const struct table_cell *cell);

/* Persons, groups, entries and one object of each type in each place; `applications` are more rows
 * of the file's applications, each with a comma before it. */
void table_make(struct asker *tool, const char *applications);
void table_each(const struct table_role *role,
                void (*each)(void *self, const struct table_cell *cell), void *self);

/* One operation on the cell's object; `value` NULL: none. */
enum err table_change(const struct table_cell *cell, const struct table_object *object,
                      struct asker *asker, const char *op, const char *value);
/* Its own entries, all of them. */
enum err table_set_entries(struct asker *asker, const char *type, const char *tenant,
                           const char *key, const char *const (*entries)[2], uint32_t count);

#endif
