/* SPDX-License-Identifier: Apache-2.0 */
/* Two measurements of config, each printing one line of JSON:
 *   config_bench rules FILE...                      what the rules alone cost: files applied in
 *                                                   memory, then one change after the other
 *   config_bench fan ADDRESS PEER SECRET N CHANGES  a change by one link until the last of N
 *                                                   subscribers has heard of it */
#include "gen/messages.h"
#include "gen/objects.h"
#include "io/link/link.h"
#include "measure.h"
#include "servers/config/builtin.h"
#include "servers/config/plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    FILE_BYTES_MAX = 64 * 1024 * 1024,
    SINGLE_CHANGES = 1000,
    DELETIONS = 100,
    SECRET_BYTES = 32
};

static void fail(const char *what)
{
    (void)fprintf(stderr, "config_bench: %s\n", what);
    exit(1);
}

static struct text read_file(struct scope *scope, const char *path)
{
    FILE *file = fopen(path, "r");
    if (file == NULL) fail(path);
    char *bytes = scope_alloc(scope, FILE_BYTES_MAX);
    size_t len = fread(bytes, 1, FILE_BYTES_MAX, file);
    (void)fclose(file);
    return (struct text){ bytes, len };
}

/* --- rules ---------------------------------------------------------------------------------- */

struct ground {
    struct scope *life;
    struct object_set *objects;
    struct secrets *secrets;
    uint64_t rev;
};

static bool has_secret(void *self, struct text name)
{
    (void)self, (void)name;
    return false;
}

static void settle(struct ground *ground, struct change_set *set, const struct problems *problems)
{
    if (problems->count) {
        (void)fprintf(stderr, "%.*s\n", TEXT_ARG(problems->at[0].words));
        fail("refused");
    }
    change_set_stamp(set, ++ground->rev, 1);
    change_set_apply(set);
}

static void begin(struct ground *ground)
{
    struct scope *scratch = scope_new(ground->life, "built-in", SCOPE_NO_LIMIT);
    struct problems problems = { .scope = scratch };
    struct warnings warnings = { .scope = scratch };
    struct change_world world = { has_secret, NULL };
    struct change_set *set = change_set_new(ground->life, ground->objects);
    builtin_add(set, &problems);
    change_set_finish(set, &world, &problems, &warnings);
    settle(ground, set, &problems);
    scope_close(scratch);
}

/* CPU seconds of one file, from its bytes to the objects in memory. */
static double apply(struct ground *ground, const char *path)
{
    struct scope *scratch = scope_new(ground->life, "file", SCOPE_NO_LIMIT);
    struct text text = read_file(scratch, path);
    struct problems problems = { .scope = scratch };
    struct warnings warnings = { .scope = scratch };
    struct plan_wish wish = { PLAN_MERGE, true, false };
    struct kv variables = { 0 };
    struct file file;
    struct plan plan;
    double began = measure_cpu_s();
    struct change_set *set = change_set_new(ground->life, ground->objects);
    struct secret_changes *secrets = secret_changes_new(scratch, ground->secrets);
    file_parse(scratch, text, &variables, &file, &problems);
    plan_file(set, secrets, &file, &wish, &problems, &warnings);
    plan_list(scratch, set, secrets, &file, &plan);
    settle(ground, set, &problems);
    double spent = measure_cpu_s() - began;
    scope_close(scratch);
    return spent;
}

/* CPU seconds of one change of one Person. */
static void change_one(struct ground *ground, const struct object *person, uint32_t number)
{
    struct scope *scratch = scope_new(ground->life, "one", SCOPE_NO_LIMIT);
    struct problems problems = { .scope = scratch };
    struct warnings warnings = { .scope = scratch };
    struct change_world world = { has_secret, NULL };
    struct pair pair = { TEXT("address"), body_text_value(scope_format(scratch, "%u", number)) };
    struct kv value = { &pair, 1 };
    struct change_step step = { .op = CHANGE_UPDATE,
                                .type = &OBJECT_PERSON,
                                .tenant = scope_keep(scratch, person->tenant),
                                .key = scope_keep(scratch, person->key),
                                .value = &value };
    struct change_set *set = change_set_new(ground->life, ground->objects);
    change_set_step(set, &step, &problems);
    change_set_finish(set, &world, &problems, &warnings);
    settle(ground, set, &problems);
    scope_close(scratch);
}

static void delete_one(struct ground *ground, const struct object *person)
{
    struct scope *scratch = scope_new(ground->life, "one", SCOPE_NO_LIMIT);
    struct problems problems = { .scope = scratch };
    struct warnings warnings = { .scope = scratch };
    struct change_world world = { has_secret, NULL };
    struct change_step step = { .op = CHANGE_DELETE,
                                .type = &OBJECT_PERSON,
                                .tenant = scope_keep(scratch, person->tenant),
                                .key = scope_keep(scratch, person->key) };
    struct change_set *set = change_set_new(ground->life, ground->objects);
    change_set_step(set, &step, &problems);
    change_set_finish(set, &world, &problems, &warnings);
    settle(ground, set, &problems);
    scope_close(scratch);
}

static int run_rules(int count, char **paths)
{
    struct scope *life = scope_new(NULL, "bench", SCOPE_NO_LIMIT);
    struct ground ground = { life, object_set_new(life), secrets_new(life), 0 };
    begin(&ground);
    uint64_t before = measure_resident_bytes();
    double spent = 0;
    for (int i = 0; i < count; i++) spent += apply(&ground, paths[i]);
    uint64_t resident = measure_resident_bytes() - before;
    size_t people;
    const struct object *const *persons;
    double began = measure_cpu_s();
    for (uint32_t i = 0; i < SINGLE_CHANGES; i++) {
        persons = object_set_of(ground.objects, &OBJECT_PERSON, &people);
        change_one(&ground, persons[i % people], i);
    }
    double single = (measure_cpu_s() - began) / SINGLE_CHANGES;
    began = measure_cpu_s();
    for (uint32_t i = 0; i < DELETIONS; i++) {
        persons = object_set_of(ground.objects, &OBJECT_PERSON, &people);
        delete_one(&ground, persons[people - 1]);
    }
    double deletion = (measure_cpu_s() - began) / DELETIONS;
    (void)printf("{\"objects\": %zu, \"apply_cpu_s\": %.4f, \"resident_mib\": %.1f, "
                 "\"change_cpu_us\": %.1f, \"delete_cpu_us\": %.1f}\n",
                 object_set_count(ground.objects), spent, (double)resident / (1024 * 1024),
                 single * 1e6, deletion * 1e6);
    scope_close(life);
    return 0;
}

/* --- fan-out -------------------------------------------------------------------------------- */

struct fan;

struct subscriber {
    struct fan *fan;
    struct link *link;
};

struct fan {
    struct loop *loop;
    struct scope *life;
    struct subscriber *subscribers;
    struct link *writer;
    uint32_t count, ready, heard, changes, done;
    uint64_t rev; /* that is awaited; 0: not known yet */
    double began, *last_s, *answer_s;
};

static void change_next(void *self);

static void on_all_heard(struct fan *fan)
{
    fan->last_s[fan->done++] = measure_wall_s() - fan->began;
    if (fan->done == fan->changes)
        loop_stop(fan->loop);
    else
        change_next(fan);
}

static void on_changed(void *self, struct link *link, const void *fields)
{
    struct subscriber *subscriber = self;
    struct fan *fan = subscriber->fan;
    (void)link, (void)fields;
    if (++fan->heard == fan->count) on_all_heard(fan);
}

static void on_written(void *self, const struct link_error *error, const void *fields)
{
    struct fan *fan = self;
    (void)fields;
    if (error) {
        (void)fprintf(stderr, "%.*s\n", TEXT_ARG(error->text));
        fail("the change was refused");
    }
    fan->answer_s[fan->done < fan->changes ? fan->done : fan->changes - 1] = measure_wall_s() -
                                                                             fan->began;
}

static void change_next(void *self)
{
    struct fan *fan = self;
    char value[64];
    (void)snprintf(value, sizeof value, "{\"hostType\":\"change %u\"}", fan->done);
    struct config_change_op op = { .head.has = CONFIG_CHANGE_OP_HAS_OP | CONFIG_CHANGE_OP_HAS_TYPE |
                                               CONFIG_CHANGE_OP_HAS_KEY |
                                               CONFIG_CHANGE_OP_HAS_VALUE,
                                   .op = TEXT("update"),
                                   .type = TEXT("Host"),
                                   .key = TEXT("bench"),
                                   .value = text_of(value) };
    struct config_change_set set = { .head.has = CONFIG_CHANGE_SET_HAS_OPS, .ops = { &op, 1 } };
    fan->heard = 0;
    fan->began = measure_wall_s();
    link_ask(fan->writer, &MSG_CONFIG_CHANGE_SET, &set, NULL, 30000, on_written, fan);
}

static void on_subscribed(void *self, const struct link_error *error, const void *fields)
{
    struct subscriber *subscriber = self;
    struct fan *fan = subscriber->fan;
    (void)fields;
    if (error) fail("a subscription was refused");
    if (++fan->ready == fan->count) change_next(fan);
}

static void on_up(void *self, struct link *link)
{
    struct text types[] = { TEXT("Host"), TEXT("AppPrototype") };
    struct config_subscribe subscribe = { .head.has = CONFIG_SUBSCRIBE_HAS_TYPES,
                                          .types = { types, 2 } };
    link_ask(link, &MSG_CONFIG_SUBSCRIBE, &subscribe, NULL, 30000, on_subscribed, self);
}

static int by_size(const void *a, const void *b)
{
    const double *one = a, *other = b;
    return (*one > *other) - (*one < *other);
}

static double percentile(double *values, uint32_t count, uint32_t percent)
{
    qsort(values, count, sizeof *values, by_size);
    uint32_t at = (count * percent + 99) / 100;
    return values[at ? at - 1 : 0] * 1000;
}

static struct text unhex(struct scope *scope, const char *path)
{
    struct text hex = read_file(scope, path);
    char *bytes = scope_alloc(scope, SECRET_BYTES);
    for (size_t i = 0; i < SECRET_BYTES; i++) {
        unsigned byte;
        char pair[3] = { hex.at[2 * i], hex.at[2 * i + 1], 0 };
        if (sscanf(pair, "%2x", &byte) != 1) fail("the secret is no hexadecimal key");
        bytes[i] = (char)byte;
    }
    return (struct text){ bytes, SECRET_BYTES };
}

static uint32_t number_of(const char *word)
{
    uint32_t number;
    if (text_to_u32(text_of(word), 1, 100000, &number)) fail("a number is wrong");
    return number;
}

static int run_fan(char **words)
{
    static const struct link_handler handlers[] = {
        { .msg = &MSG_CONFIG_CHANGED, .on_event = on_changed }, { 0 }
    };
    static const struct link_handler none[] = { { 0 } };
    static const struct link_life hooks = { .on_up = on_up };
    struct scope *life = scope_new(NULL, "bench", SCOPE_NO_LIMIT);
    struct loop *loop = loop_new(life);
    struct net *net = net_new(life, loop);
    struct link_identity identity = { .application = TEXT("tool"),
                                      .role = TEXT("tool"),
                                      .build = TEXT("bench"),
                                      .secret = unhex(life, words[2]),
                                      .secret_is_master = true };
    struct fan fan = {
        .loop = loop, .life = life, .count = number_of(words[3]), .changes = number_of(words[4])
    };
    fan.subscribers = scope_alloc_array(life, fan.count, sizeof *fan.subscribers);
    fan.last_s = scope_alloc_array(life, fan.changes, sizeof *fan.last_s);
    fan.answer_s = scope_alloc_array(life, fan.changes, sizeof *fan.answer_s);
    fan.writer = link_connect(life, net, NULL, text_of(words[0]), text_of(words[1]), &identity,
                              NULL, none, NULL, &fan);
    for (uint32_t i = 0; i < fan.count; i++) {
        fan.subscribers[i] = (struct subscriber){ .fan = &fan };
        fan.subscribers[i].link = link_connect(life, net, NULL, text_of(words[0]),
                                               text_of(words[1]), &identity, NULL, handlers, &hooks,
                                               &fan.subscribers[i]);
    }
    loop_run(loop);
    (void)printf("{\"subscribers\": %u, \"changes\": %u, \"answer_p50_ms\": %.2f, "
                 "\"all_p50_ms\": %.2f, \"all_p99_ms\": %.2f}\n",
                 fan.count, fan.changes, percentile(fan.answer_s, fan.changes, 50),
                 percentile(fan.last_s, fan.changes, 50), percentile(fan.last_s, fan.changes, 99));
    scope_close(life);
    return 0;
}

int main(int count, char **words)
{
    if (count >= 3 && strcmp(words[1], "rules") == 0) return run_rules(count - 2, words + 2);
    if (count == 7 && strcmp(words[1], "fan") == 0) return run_fan(words + 2);
    fail("rules FILE... | fan ADDRESS PEER SECRET N CHANGES");
    return 1;
}
