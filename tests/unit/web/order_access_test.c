/* SPDX-License-Identifier: Apache-2.0 */
/* Execute, the bit that configuration alone does not ask for: log-in through an application, and
 * the orders of control, over REST and over a desktop's WebSocket (framework 6.5, 12.2). Nothing of
 * what is ordered runs anywhere, so who may is told that; who may not is told so, and of what she
 * may not see she hears what she hears of nothing. */
#include "access_world.h"

#include <stdio.h>
#include <string.h>

static const struct order {
    const struct object_type *type;
    const char *method, *path, *message, *fields; /* %s: the name */
} orders[] = {
#define APPLICATION(order)                                                                         \
    {                                                                                              \
        &OBJECT_APPLICATION, "POST", "/api/ctl/v1/applications/%s/" order, "OrderApplication",     \
            "{\"name\":\"%s\",\"order\":\"" order "\"}"                                            \
    }
#define SOLUTION(order)                                                                            \
    {                                                                                              \
        &OBJECT_SOLUTION, "POST", "/api/ctl/v1/solutions/%s/" order, "OrderSolution",              \
            "{\"name\":\"%s\",\"order\":\"" order "\"}"                                            \
    }
    APPLICATION("start"),
    APPLICATION("stop"),
    APPLICATION("stop-gracefully"),
    APPLICATION("restart"),
    APPLICATION("switchover"),
    APPLICATION("log-level"),
    SOLUTION("start"),
    SOLUTION("stop"),
    SOLUTION("stop-gracefully"),
    { &OBJECT_HOST, "GET", "/api/ctl/v1/hosts/%s/sample", "SampleHost", "{\"host\":\"%s\"}" },
};
enum { ORDERS = sizeof orders / sizeof orders[0] };

static const struct {
    const struct object_type *type;
    const char *path, *message, *fields;
} looks[] = {
    { &OBJECT_APPLICATION, "/api/ctl/v1/applications", "ReadStatus",
      "{\"kind\":\"applications\"}" },
    { &OBJECT_SOLUTION, "/api/ctl/v1/solutions", "ReadStatus", "{\"kind\":\"solutions\"}" },
    { &OBJECT_HOST, "/api/ctl/v1/hosts", "ReadStatus", "{\"kind\":\"hosts\"}" },
};
enum { LOOKS = sizeof looks / sizeof looks[0] };

struct trial {
    struct access_world *world;
    const struct table_cell *cell;
    struct text token;
    struct access_desktop *desktop; /* NULL: over REST */
    uint32_t tried, wrong;
};

static void judge(struct trial *trial, const char *what, bool is_right,
                  const struct access_answer *answer)
{
    trial->tried++;
    if (is_right) return;
    trial->wrong++;
    print_error("%s, %s, %s%s: %u %.*s\n", trial->cell->role->name, trial->cell->type->name, what,
                trial->desktop ? " at a desktop" : "", answer->status, TEXT_ARG(answer->body));
}

static struct access_answer give(struct trial *trial, const struct order *order, const char *name)
{
    char words[128];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    (void)snprintf(words, sizeof words, trial->desktop ? order->fields : order->path, name);
#pragma GCC diagnostic pop
    if (trial->desktop) return access_frame(trial->desktop, "control", order->message, words);
    bool has_body = strcmp(order->method, "POST") == 0;
    return access_http(trial->world, order->method, words, trial->token, NULL,
                       has_body ? "{}" : NULL);
}

/* "none-e" is as long as "cell-e", and stands where that stands. */
static bool is_same(const struct access_answer *answer, struct text hidden)
{
    const char *at = answer->body.at;
    if (answer->body.len != hidden.len) return false;
    for (size_t i = 0; i < hidden.len; i++) {
        bool is_name = memcmp(at + i, "none-e", hidden.len - i < 6 ? hidden.len - i : 6) == 0;
        if (is_name && memcmp(hidden.at + i, "cell-e", 6) != 0) return false;
        if (is_name)
            i += 5;
        else if (at[i] != hidden.at[i])
            return false;
    }
    return true;
}

static void judge_refusal(struct trial *trial, const struct order *order,
                          const struct access_answer *answer)
{
    const struct access_world *world = trial->world;
    bool is_order = order->type != &OBJECT_HOST;
    bool is_403 = answer->status == 403 && text_eq(answer->error, TEXT("CFGNoPermission"));
    judge(trial, order->path, is_403, answer);
    if (is_order)
        judge(trial, "the audit of a refusal",
              world->refused == 1 && strstr(world->audit, trial->cell->role->person) != NULL,
              answer);
}

static void judge_hiding(struct trial *trial, const struct order *order,
                         const struct access_answer *answer)
{
    struct text hidden = scope_keep(trial->world->config->life, answer->body);
    unsigned status = answer->status;
    struct access_answer other = give(trial, order, "none-e");
    judge(trial, order->path, status == other.status && is_same(&other, hidden), &other);
    if (trial->desktop == NULL) judge(trial, order->path, status == 404, &other);
}

static void try_order(struct trial *trial, const struct order *order)
{
    trial->world->refused = 0;
    struct access_answer answer = give(trial, order, "cell-e");
    switch (table_verdict(trial->cell, MAY_EXECUTE)) {
    case TABLE_DONE:
        judge(trial, order->path,
              answer.status != 403 && answer.status != 404 && answer.status != 401 &&
                  !text_eq(answer.error, TEXT("ObjectNotFound")),
              &answer);
        break;
    case TABLE_FORBIDDEN: judge_refusal(trial, order, &answer); break;
    case TABLE_NOT_THERE: judge_hiding(trial, order, &answer); break;
    }
}

static void try_cell(void *self, const struct table_cell *cell)
{
    struct trial *trial = self;
    trial->cell = cell;
    for (size_t i = 0; i < ORDERS; i++)
        if (orders[i].type == cell->type) try_order(trial, &orders[i]);
    for (size_t i = 0; i < LOOKS; i++) {
        if (looks[i].type != cell->type) continue;
        struct access_answer answer =
            trial->desktop
                ? access_frame(trial->desktop, "control", looks[i].message, looks[i].fields)
                : access_http(trial->world, "GET", looks[i].path, trial->token, NULL, NULL);
        bool is_told = memmem(answer.body.at, answer.body.len, "\"cell-e\"", 8) != NULL;
        judge(trial, looks[i].path, is_told == table_may(cell, MAY_READ), &answer);
    }
}

TEST(every_order_to_control_is_as_the_table_says)
{
    struct trial trial = { .world = access_world_new() };
    /* Control minds what has a host. */
    CHECK_OK(change(trial.world->tool, "update", "Application", "cell-e", "{\"host\":\"h\"}"));
    loop_run_for(trial.world->config->loop, 1000);
    for (size_t i = 0; i < table_role_count; i++) {
        const struct table_role *role = &table_roles[i];
        unsigned status;
        if (!table_role_logs_in(role)) continue;
        trial.token = access_log_in(trial.world, role->person);
        table_each(role, try_cell, &trial);
        trial.desktop = access_desktop_open(trial.world, trial.token, &status);
        CHECK_U32(status, 101);
        table_each(role, try_cell, &trial);
        access_desktop_close(trial.desktop);
        trial.desktop = NULL;
    }
    print_message("# %u cells\n", trial.tried);
    CHECK_U32(trial.wrong, 0);
    access_world_free(trial.world);
}

static struct access_answer log_in_through(struct access_world *world, const char *user,
                                           const char *application)
{
    char body[192];
    (void)snprintf(body, sizeof body,
                   "{\"user\":\"%s\",\"password\":\"Correct-Horse-1\",\"application\":\"%s\"}",
                   user, application);
    return access_http(world, "POST", "/api/cfg/v1/login", TEXT(""), NULL, body);
}

TEST(who_may_execute_an_application_logs_in_through_it_and_nobody_else)
{
    struct access_world *world = access_world_new();
    for (size_t i = 0; i < table_role_count; i++) {
        const struct table_role *role = &table_roles[i];
        if (!table_role_logs_in(role)) continue;
        bool may = strchr(role->may[PLACE_GLOBAL], 'X') != NULL;
        struct access_answer answer = log_in_through(world, role->person, "cell-e");
        struct text words = scope_keep(world->config->life, answer.body);
        if (answer.status != (may ? 200 : 403))
            fail_msg("%s: %u %.*s", role->name, answer.status, TEXT_ARG(answer.body));
        answer = log_in_through(world, role->person, "none-e");
        CHECK_U32(answer.status, 403);
        if (!may) CHECK(is_same(&answer, words));
    }
    access_world_free(world);
}
