/* SPDX-License-Identifier: Apache-2.0 */
/* Persons who are here, as configuration has them now. */
#include "gen/objects.h"
#include "model/account_access.h"
#include "servers/web/web.h"

static struct text member_key(struct scope *scope, struct text tenant, struct text employee_id)
{
    return scope_format(scope, "%.*s\x1f%.*s", TEXT_ARG(tenant), TEXT_ARG(employee_id));
}

static void add_administrator(void *self, struct text tenant, struct text employee_id)
{
    struct web *web = self;
    table_put(web->administrators, member_key(web->administrators_life, tenant, employee_id), web);
}

static void read_roles(struct web *web)
{
    const struct app_object *object;
    size_t count = 0;
    for (size_t at = 0; app_object_next(web->app, &OBJECT_ROLE, &at) != NULL;) count++;
    struct privileges_role *roles =
        scope_alloc_array(web->administrators_life, count, sizeof *roles);
    count = 0;
    for (size_t at = 0; (object = app_object_next(web->app, &OBJECT_ROLE, &at)) != NULL;)
        roles[count++] = (struct privileges_role){ object->tenant, (const void *)object->fields };
    web->privileges.roles = roles;
    web->privileges.role_count = count;
}

static void read_administrators(struct web *web)
{
    const struct app_object *object;
    size_t count = 0;
    for (size_t at = 0; app_object_next(web->app, &OBJECT_ACCESS_GROUP, &at) != NULL;) count++;
    scope_reset(web->administrators_life);
    web->administrators = table_new(web->administrators_life);
    struct account_group *groups =
        scope_alloc_array(web->administrators_life, count, sizeof *groups);
    count = 0;
    for (size_t at = 0; (object = app_object_next(web->app, &OBJECT_ACCESS_GROUP, &at)) != NULL;)
        groups[count++] = (struct account_group){ object->tenant, (const void *)object->fields };
    account_each_administrator(groups, count, add_administrator, web);
    web->privileges = (struct privileges_source){ .groups = groups, .group_count = count };
    read_roles(web);
}

struct text application_tenant(const struct app_object *application, uint32_t index)
{
    const struct object_application *fields = application ? (const void *)application->fields
                                                          : NULL;
    if (fields == NULL || fields->tenants.count == 0)
        return index == 0 ? TEXT("Environment") : (struct text){ 0 };
    return index < fields->tenants.count ? fields->tenants.at[index] : (struct text){ 0 };
}

bool serves_tenant(const struct app_object *application, struct text tenant)
{
    struct text one;
    for (uint32_t i = 0; (one = application_tenant(application, i)).len; i++)
        if (text_eq(one, tenant)) return true;
    return false;
}

struct person *person_of_employee(struct web *web, struct text tenant, struct text employee_id)
{
    struct scope *scratch = scope_new(NULL, "employee", SCOPE_NO_LIMIT);
    struct person *person = table_get(web->employees, member_key(scratch, tenant, employee_id));
    scope_close(scratch);
    return person;
}

/* The servers behind us know agents by employee id alone: of two who have the same one in different
 * tenants, one alone may be here, where one server is for both. */
static bool is_taken(struct web *web, struct text tenant, struct text employee_id)
{
    const struct app_object *self = app_self(web->app);
    struct text other;
    for (uint32_t i = 0; (other = application_tenant(self, i)).len; i++) {
        if (person_of_employee(web, other, employee_id) == NULL) continue;
        for (uint32_t k = 0; k < web->application_count; k++) {
            const struct app_object *application =
                app_object(web->app, &OBJECT_APPLICATION, web->applications[k]->name);
            if (serves_tenant(application, tenant) && serves_tenant(application, other))
                return true;
        }
    }
    return false;
}

static const struct app_object *object_of(const struct web *web, uint32_t dbid)
{
    const struct app_object *object = app_object_by_dbid(web->app, &OBJECT_PERSON, dbid);
    return object && serves_tenant(app_self(web->app), object->tenant) ? object : NULL;
}

/* What a stream still told goes with the right to it; its client comes back, and is told so. */
static void take_privileges(struct web *web, struct person *person, uint32_t privileges)
{
    uint32_t lost = person->privileges & ~privileges;
    person->privileges = privileges;
    if (lost == 0) return;
    LIST_EACH (node, &person->sessions)
        streams_end_of(web, LIST_OBJECT(node, struct session, node));
}

static void fill(struct web *web, struct person *person, const struct app_object *object)
{
    const struct object_person *fields = (const struct object_person *)object->fields;
    struct scope *life = person->life, *scratch = scope_new(NULL, "person", SCOPE_NO_LIMIT);
    if (!text_eq(person->user_name, fields->user_name))
        person->user_name = scope_keep(life, fields->user_name);
    if (!text_eq(person->first_name, fields->first_name))
        person->first_name = scope_keep(life, fields->first_name);
    if (!text_eq(person->last_name, fields->last_name))
        person->last_name = scope_keep(life, fields->last_name);
    person->is_agent = fields->is_agent;
    struct text key = member_key(scratch, object->tenant, fields->employee_id);
    person->is_administrator = table_get(web->administrators, key) != NULL;
    take_privileges(web, person,
                    privileges_of(&web->privileges, object->tenant, fields->employee_id));
    scope_close(scratch);
}

struct person *person_get(struct web *web, uint32_t dbid)
{
    struct person *person = table_get(web->persons, TEXT_OF(&dbid));
    if (person) return person;
    const struct app_object *object = object_of(web, dbid);
    if (object == NULL) return NULL;
    const struct object_person *fields = (const struct object_person *)object->fields;
    if (is_taken(web, object->tenant, fields->employee_id)) return NULL;
    struct scope *life = scope_new(web->app->life, "person", SCOPE_NO_LIMIT);
    person = scope_alloc(life, sizeof *person);
    *person = (struct person){ .life = life,
                               .dbid = dbid,
                               .employee_id = scope_keep(life, fields->employee_id),
                               .user_name = TEXT(""),
                               .first_name = TEXT(""),
                               .last_name = TEXT(""),
                               .tenant = scope_keep(life, object->tenant),
                               .key = member_key(life, object->tenant, fields->employee_id) };
    list_init(&person->sessions);
    list_init(&person->desktops);
    fill(web, person, object);
    table_put(web->persons, TEXT_OF(&person->dbid), person);
    table_put(web->employees, person->key, person);
    return person;
}

void person_check_gone(struct web *web, struct person *person)
{
    bool is_needed = person->session_count || person->desktop_count || person->is_told_present ||
                     list_is_linked(&person->presence_node);
    if (is_needed) return;
    table_remove(web->persons, TEXT_OF(&person->dbid));
    table_remove(web->employees, person->key);
    scope_close(person->life);
}

struct asker person_asker(const struct person *person)
{
    return (struct asker){ person->employee_id, person->is_administrator };
}

static void put_text(struct json_writer *json, const char *name, struct text value)
{
    json_put_name(json, text_of(name));
    json_put_text(json, value);
}

void person_put(struct json_writer *json, const struct person *person)
{
    json_begin_object(json);
    put_text(json, "employeeId", person->employee_id);
    put_text(json, "userName", person->user_name);
    put_text(json, "firstName", person->first_name);
    put_text(json, "lastName", person->last_name);
    put_text(json, "access", person->is_administrator ? TEXT("administrator") : TEXT("agent"));
    json_put_name(json, TEXT("isAgent"));
    json_put_bool(json, person->is_agent);
    if (person->privileges != PRIVILEGES_ALL) {
        json_put_name(json, TEXT("privileges"));
        privileges_put(json, person->privileges);
    }
    json_end_object(json);
}

/* Ending the last session and desktop may end the person, too: so one at a time. */
static void lose_everything(struct web *web, uint32_t dbid)
{
    struct person *person;
    struct list *node;
    while ((person = table_get(web->persons, TEXT_OF(&dbid))) != NULL &&
           (node = list_first(&person->sessions)) != NULL)
        session_end(web, LIST_OBJECT(node, struct session, node), "the person was removed");
}

void people_configure(struct web *web)
{
    read_administrators(web);
    struct scope *scratch = scope_new(NULL, "persons", SCOPE_NO_LIMIT);
    uint32_t *gone = scope_alloc_array(scratch, table_count(web->persons), sizeof *gone);
    uint32_t gone_count = 0;
    struct person *person;
    for (size_t at = 0; (person = table_next(web->persons, &at)) != NULL;) {
        const struct app_object *object = object_of(web, person->dbid);
        const struct object_person *fields = object ? (const void *)object->fields : NULL;
        /* Another employee id is another person to the servers behind us. */
        if (fields && text_eq(fields->employee_id, person->employee_id))
            fill(web, person, object);
        else
            gone[gone_count++] = person->dbid;
    }
    for (uint32_t i = 0; i < gone_count; i++) lose_everything(web, gone[i]);
    scope_close(scratch);
}
