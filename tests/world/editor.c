/* SPDX-License-Identifier: Apache-2.0 */
/* Editors: they make, change, rename, move, disable and delete objects of several types, refer to
 * them, and move who may see them; one at config, one at its proxy. Each has objects of her own:
 * what was acknowledged is what they are in the end, through everything that befalls the world. */
#include "tests/world/world.h"

#include "gen/messages.h"
#include "gen/objects.h"
#include "tests/world/configuration.h"

#include <stdio.h>

enum { OBJECTS = 30, MANY = 8, ASK_MS = 20000, PAUSE_MS = 450 };

static const struct kind {
    const struct object_type *type;
    const char *property; /* says whose it is, and which change made it so */
} kinds[] = { { &OBJECT_PLACE, "site" },
              { &OBJECT_SKILL, "description" },
              { &OBJECT_VOICE_PROMPT, "description" } };
enum { KINDS = sizeof kinds / sizeof *kinds };

/* Of an object, as far as she knows: its name begins with p or q. */
enum state { STATE_GONE, STATE_P, STATE_Q, STATES };

struct editor;

struct edited {
    uint32_t index;
    enum state state, after; /* after: when the change under way is carried out */
    uint64_t request;
};

struct editor {
    struct world *world;
    struct link *link;
    struct timer *timer;
    uint32_t number;
    struct edited objects[OBJECTS];
    struct edited *under_way[MANY];
    uint32_t under_way_count;
    uint64_t other_request; /* what is under way is a change of members or permissions */
};

static struct text name_of(struct scope *scope, const struct editor *editor,
                           const struct edited *edited, enum state state)
{
    return scope_format(scope, "%c%u-%02u", state == STATE_Q ? 'q' : 'p', editor->number,
                        edited->index);
}

static struct text subject_of(struct scope *scope, const struct editor *editor,
                              const struct edited *edited)
{
    return scope_format(scope, "object %u-%02u", editor->number, edited->index);
}

/* --- how it ends --- */

static void hear_end(struct editor *editor, uint64_t request, const struct link_error *error,
                     uint64_t revision)
{
    bool is_unknown = error && (error->err == ERR_CLOSED || error->err == ERR_TIMEOUT ||
                                error->err == ERR_UNAVAILABLE);
    world_hear(editor->world, (struct event){ .kind = error == NULL ? EVENT_ACKNOWLEDGED
                                                      : is_unknown  ? EVENT_LOST
                                                                    : EVENT_REFUSED,
                                              .request = request,
                                              .revision = revision });
    editor->world->requests_open--;
}

/* It is none of the name that she took it to have. */
static bool is_in_doubt(const struct link_error *error)
{
    return error && (error->err == ERR_EXISTS || error->err == ERR_NOT_FOUND);
}

static void on_changed(void *self, const struct link_error *error, const void *fields)
{
    struct editor *editor = self;
    const struct config_change_set_done *done = fields;
    uint64_t revision = error ? 0 : done->rev;
    for (uint32_t i = 0; i < editor->under_way_count; i++) {
        struct edited *edited = editor->under_way[i];
        hear_end(editor, edited->request, error, revision);
        if (error == NULL) edited->state = edited->after;
        if (is_in_doubt(error) && editor->under_way_count == 1)
            edited->state = (edited->state + 1) % STATES;
    }
    editor->under_way_count = 0;
    if (editor->other_request) hear_end(editor, editor->other_request, error, revision);
    editor->other_request = 0;
    timer_start(editor->timer, 1 + world_below(editor->world, PAUSE_MS));
}

/* --- her objects --- */

static void hear_asked(struct editor *editor, struct edited *edited, struct text value)
{
    struct scope *scratch = scope_new(NULL, "asked", SCOPE_NO_LIMIT);
    edited->request = world_next_request(editor->world);
    editor->world->requests_open++;
    world_hear(editor->world, (struct event){ .kind = EVENT_ASKED,
                                              .request = edited->request,
                                              .ask = ASK_SET,
                                              .name = subject_of(scratch, editor, edited),
                                              .value = value });
    scope_close(scratch);
}

static struct text any_folder(struct editor *editor)
{
    static const char *const folders[] = { "null", "\"open\"", "\"closed\"", "\"closed/inner\"" };
    return text_of(folders[world_below(editor->world, sizeof folders / sizeof *folders)]);
}

/* What it shall be, all of it: one that comes late, or not at all, leaves nothing half. */
static struct text whole(struct editor *editor, struct scope *scope, struct edited *edited)
{
    const struct kind *kind = &kinds[edited->index % KINDS];
    struct text name = name_of(scope, editor, edited, edited->after);
    struct text state = world_is(editor->world, 100) ? TEXT("disabled") : TEXT("enabled");
    struct text word = scope_format(scope, "%u-%02u %llu", editor->number, edited->index,
                                    (unsigned long long)world_below(editor->world, UINT32_MAX));
    hear_asked(
        editor, edited,
        scope_format(scope, "%.*s %.*s %.*s", TEXT_ARG(name), TEXT_ARG(state), TEXT_ARG(word)));
    return scope_format(scope,
                        "{\"name\":\"%.*s\",\"state\":\"%.*s\",\"%s\":\"%.*s\",\"folder\":%.*s}",
                        TEXT_ARG(name), TEXT_ARG(state), kind->property, TEXT_ARG(word),
                        TEXT_ARG(any_folder(editor)));
}

static struct config_change_op operation(struct editor *editor, struct scope *scope,
                                         struct edited *edited)
{
    struct config_change_op op = {
        .head.has = CONFIG_CHANGE_OP_HAS_OP | CONFIG_CHANGE_OP_HAS_TYPE | CONFIG_CHANGE_OP_HAS_KEY |
                    CONFIG_CHANGE_OP_HAS_VALUE,
        .op = TEXT("update"),
        .type = text_of(kinds[edited->index % KINDS].type->name),
        .key = name_of(scope, editor, edited, edited->state),
    };
    uint64_t chosen = world_below(editor->world, 100);
    edited->after = edited->state;
    if (edited->state == STATE_GONE) {
        edited->after = STATE_P;
        op.op = TEXT("create");
        op.head.has &= ~(uint64_t)CONFIG_CHANGE_OP_HAS_KEY;
    } else if (chosen < 15) {
        edited->after = STATE_GONE;
        op.op = TEXT("delete");
        op.cascade = TEXT("unlink");
        op.head.has ^= CONFIG_CHANGE_OP_HAS_VALUE | CONFIG_CHANGE_OP_HAS_CASCADE;
        hear_asked(editor, edited, (struct text){ 0 });
        return op;
    } else if (chosen < 35) {
        edited->after = edited->state == STATE_P ? STATE_Q : STATE_P;
    }
    op.value = whole(editor, scope, edited);
    return op;
}

static void submit(struct editor *editor, struct config_change_op *ops, uint32_t count)
{
    struct config_change_set set = { .head.has = CONFIG_CHANGE_SET_HAS_OPS, .ops = { ops, count } };
    link_ask(editor->link, &MSG_CONFIG_CHANGE_SET, &set, NULL, ASK_MS, on_changed, editor);
}

static void change_objects(struct editor *editor, struct scope *scratch)
{
    struct config_change_op ops[MANY];
    uint32_t first = (uint32_t)world_below(editor->world, OBJECTS);
    uint32_t count = world_is(editor->world, 200) ? MANY : 1;
    for (uint32_t i = 0; i < count; i++) {
        struct edited *edited = &editor->objects[(first + i) % OBJECTS];
        editor->under_way[i] = edited;
        ops[i] = operation(editor, scratch, edited);
    }
    editor->under_way_count = count;
    submit(editor, ops, count);
}

/* --- who belongs together, and who may see what --- */

static void hear_other(struct editor *editor, const char *what)
{
    editor->other_request = world_next_request(editor->world);
    editor->world->requests_open++;
    world_hear(editor->world, (struct event){ .kind = EVENT_ASKED,
                                              .request = editor->other_request,
                                              .ask = ASK_SET,
                                              .name = text_of(what),
                                              .value = TEXT("other") });
}

/* Places in a group: the references follow renames, and go with what is deleted. */
static void change_group(struct editor *editor, struct scope *scratch)
{
    const struct edited *one =
        &editor->objects[KINDS * world_below(editor->world, OBJECTS / KINDS)];
    const struct edited *two =
        &editor->objects[KINDS * world_below(editor->world, OBJECTS / KINDS)];
    struct config_change_op op = {
        .head.has = CONFIG_CHANGE_OP_HAS_OP | CONFIG_CHANGE_OP_HAS_TYPE | CONFIG_CHANGE_OP_HAS_KEY |
                    CONFIG_CHANGE_OP_HAS_VALUE,
        .op = TEXT("update"),
        .type = text_of(OBJECT_PLACE_GROUP.name),
        .key = scope_format(scratch, "PG%u", editor->number),
        .value = scope_format(
            scratch, one == two ? "{\"places\":[\"%.*s\"]}" : "{\"places\":[\"%.*s\",\"%.*s\"]}",
            TEXT_ARG(name_of(scratch, editor, one, one->state)),
            TEXT_ARG(name_of(scratch, editor, two, two->state))),
    };
    hear_other(editor, "places of a group");
    submit(editor, &op, 1);
}

static void change_members(struct editor *editor, struct scope *scratch)
{
    struct config_change_op op = {
        .head.has = CONFIG_CHANGE_OP_HAS_OP | CONFIG_CHANGE_OP_HAS_TYPE | CONFIG_CHANGE_OP_HAS_KEY |
                    CONFIG_CHANGE_OP_HAS_VALUE,
        .op = TEXT("update"),
        .type = text_of(OBJECT_ACCESS_GROUP.name),
        .key = TEXT("Watchers"),
        .value = world_is(editor->world, 500) ? TEXT("{\"persons\":[\"watcher\"]}")
                                              : TEXT("{\"persons\":[]}"),
    };
    (void)scratch;
    hear_other(editor, "members of Watchers");
    submit(editor, &op, 1);
}

/* Of a folder, or of one of her objects: the watchers may read it, may not, or nothing is said. */
static void change_permissions(struct editor *editor, struct scope *scratch)
{
    static const char *const folders[] = { "open", "closed", "closed/inner" };
    static const char *const accounts[] = { "group:Watchers", "person:watcher" };
    const struct edited *edited = &editor->objects[world_below(editor->world, OBJECTS)];
    bool is_folder = world_is(editor->world, 600);
    struct config_acl_entry entry = {
        .head.has = CONFIG_ACL_ENTRY_HAS_ACCOUNT | CONFIG_ACL_ENTRY_HAS_MASK,
        .account = text_of(accounts[world_below(editor->world, 2)]),
        .mask = world_is(editor->world, 500) ? TEXT("R") : TEXT(""),
    };
    struct config_change_acl change = {
        .head.has = CONFIG_CHANGE_ACL_HAS_TYPE | CONFIG_CHANGE_ACL_HAS_KEY |
                    CONFIG_CHANGE_ACL_HAS_ENTRIES,
        .type = is_folder ? text_of(OBJECT_FOLDER.name)
                          : text_of(kinds[edited->index % KINDS].type->name),
        .key = is_folder ? text_of(folders[world_below(editor->world, 3)])
                         : name_of(scratch, editor, edited, edited->state),
        .entries = { &entry, world_is(editor->world, 700) ? 1 : 0 },
    };
    hear_other(editor, "permissions");
    link_ask(editor->link, &MSG_CONFIG_CHANGE_ACL, &change, NULL, ASK_MS, on_changed, editor);
}

static void change_something(void *self)
{
    struct editor *editor = self;
    struct scope *scratch;
    uint64_t chosen = world_below(editor->world, 100);
    if (editor->world->is_ending) return;
    scratch = scope_new(NULL, "edit", SCOPE_NO_LIMIT);
    if (chosen < 68)
        change_objects(editor, scratch);
    else if (chosen < 75)
        change_group(editor, scratch);
    else if (chosen < 80)
        change_members(editor, scratch);
    else
        change_permissions(editor, scratch);
    scope_close(scratch);
}

/* --- doors --- */

struct editor *editor_new(struct world *world, uint32_t number, const char *address,
                          const char *server)
{
    struct editor *editor = scope_alloc(world->life, sizeof *editor);
    editor->world = world;
    editor->number = number;
    for (uint32_t i = 0; i < OBJECTS; i++) editor->objects[i].index = i;
    editor->timer = timer_new(world->life, world->loop, change_something, editor);
    editor->link = administrator_link(world, address, server, editor);
    timer_start(editor->timer, 1 + world_below(world, PAUSE_MS));
    return editor;
}

/* One that is not there is said to be nothing. */
static void look_for(const struct editor *editor, struct app *config, const struct edited *edited)
{
    const struct kind *kind = &kinds[edited->index % KINDS];
    struct scope *scratch = scope_new(NULL, "seen", SCOPE_NO_LIMIT);
    struct text tag = scope_format(scratch, "%u-%02u ", editor->number, edited->index);
    struct text value = { 0 };
    size_t found = config_find(config, scratch, kind->type, kind->property, tag, &value);
    if (found > 1) world_fail(editor->world, "%zu objects are %.*s", found, TEXT_ARG(tag));
    world_hear(editor->world, (struct event){ .kind = EVENT_SEEN,
                                              .name = subject_of(scratch, editor, edited),
                                              .value = value });
    scope_close(scratch);
}

void editor_look(const struct editor *editor)
{
    struct app *config = machine_app(editor->world->machine, TEXT("config"));
    if (config_revision(config) == UINT64_MAX) return;
    for (uint32_t i = 0; i < OBJECTS; i++) look_for(editor, config, &editor->objects[i]);
}
