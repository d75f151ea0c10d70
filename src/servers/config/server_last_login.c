/* SPDX-License-Identifier: Apache-2.0 */
/* PersonLastLogin (framework 2.2): told from the accounts when it is asked for. It is no object of
 * the store: a log-in makes no revision. */
#include "gen/objects.h"
#include "servers/config/server_accounts.h"

enum { APPLICATIONS_MAX = 4096 };

struct text account_application(struct accounts *accounts, struct text name)
{
    struct kept {
        struct text name;
    } *kept = table_get(accounts->applications, name);
    if (kept == NULL && table_count(accounts->applications) < APPLICATIONS_MAX) {
        kept = scope_alloc(accounts->server->app->life, sizeof *kept);
        kept->name = scope_keep(accounts->server->app->life, name);
        table_put(accounts->applications, kept->name, kept);
    }
    return kept ? kept->name : TEXT("");
}

const struct object *last_login_of(const struct config_server *server, struct scope *scope,
                                   const struct object *person)
{
    const struct account *account = person ? account_find(server->accounts, person->dbid) : NULL;
    if (account == NULL || account->used_through.len == 0) return NULL;
    struct object *out = scope_alloc(scope, sizeof *out);
    *out = (struct object){ .life = scope,
                            .type = &OBJECT_PERSON_LAST_LOGIN,
                            .dbid = person->dbid,
                            .tenant = person->tenant };
    body_put(scope, &out->body, TEXT("person"), body_text_value(person->key));
    body_put(scope, &out->body, TEXT("lastLogin"),
             body_integer_value((int64_t)account->used_utc_ms));
    body_put(scope, &out->body, TEXT("application"), body_text_value(account->used_through));
    object_rekey(out);
    return out;
}
