/* SPDX-License-Identifier: Apache-2.0 */
/* New passwords: one's own, by who holds the installation's secret, or of somebody else by who may
 * (framework 3.3, 12.1). Begin at order_password(); what then becomes of it is an account's
 * question like a log-in (server_accounts.c). */
#include "gen/objects.h"
#include "servers/config/server_accounts.h"

/* Texts are views. */
struct password_order {
    const struct object *person; /* NULL: there is none, and nobody is told so */
    struct text user_name, present, wanted, application, address;
    bool needs_present, refuses_present, must_change;
};

static void order_password(struct config_server *server, struct link_request *request,
                           const struct password_order *order)
{
    struct fault fault = { 0 };
    struct hash_job *job = account_job(server, request, order->user_name, order->person);
    const struct account_options *rules = account_rules_of(server, order->person, job->life);
    if (account_check_password(rules, order->wanted, order->user_name, &fault)) {
        account_refuse_password(request, fault.words);
        hash_job_end(job);
        return;
    }
    struct origin origin = origin_of(server, request);
    struct actor actor = actor_of(server, job->life, request);
    struct text by = user_of(job->life, request, &actor);
    job->is_new_password = true;
    job->needs_present = order->needs_present;
    job->refuses_present = job->present.len &&
                           (order->refuses_present || rules->password_no_repeats);
    job->must_change = !order->needs_present && (order->must_change || rules->force_password_reset);
    job->password = scope_keep(job->life, order->present);
    job->wanted = scope_keep(job->life, order->wanted);
    job->application = scope_keep(job->life, order->application);
    job->address = scope_keep(job->life, order->address.len ? order->address : origin.address);
    job->by = scope_keep(job->life, by.len || !order->needs_present ? by : job->who.employee_id);
    const struct account *account = account_find(server->accounts, job->person_dbid);
    job->former_count = account ? account_former_compared(account, rules) : 0;
    for (uint32_t i = 0; i < job->former_count; i++)
        job->former[i] = scope_keep(job->life, account->former[i]);
    account_submit(job);
}

void request_set_password(void *self, struct link_request *request, const void *fields)
{
    struct config_server *server = self;
    const struct config_set_password *asked = fields;
    if (!trust_with_accounts(server, request)) return;
    const struct object *person = account_person(server, asked->user_name);
    bool is_from_tool = text_eq(origin_of(server, request).application, TEXT("tool"));
    struct fault fault = { 0 };
    if (person == NULL && is_from_tool) {
        fault_set(&fault, ERR_NOT_FOUND, "userName", "there is no user %.*s",
                  TEXT_ARG(asked->user_name));
        link_refuse_fault(request, &fault);
        return;
    }
    struct password_order order = {
        .person = person,
        .user_name = asked->user_name,
        .present = asked->password,
        .wanted = asked->new_password,
        .application = asked->application.len ? asked->application : TEXT("carillon password"),
        .address = asked->address,
        .needs_present = !is_from_tool,
        .refuses_present = !is_from_tool,
        .must_change = asked->must_change,
    };
    order_password(server, request, &order);
}

void request_reset_password(void *self, struct link_request *request, const void *fields)
{
    struct config_server *server = self;
    const struct config_reset_password *asked = fields;
    struct problems problems = { .scope = link_request_scope(request) };
    struct wanted wanted = { text_of(OBJECT_PERSON.name), asked->tenant, asked->key, MAY_CHANGE };
    struct access_rights *rights = request_rights(server, request);
    const struct object *person = object_wanted(server, rights, &wanted, &problems);
    if (person && !permit_to_act_as(rights, person))
        problem_add(&problems, PROBLEM_NO_PERMISSION, person->type, TEXT(""),
                    "%.*s may what you may not: you cannot set that password",
                    TEXT_ARG(person->key));
    if (problems.count) {
        refuse_problems(server, request, &problems);
        return;
    }
    struct password_order order = {
        .person = person,
        .user_name = body_text(&person->body, "userName"),
        .wanted = asked->new_password,
        .application = origin_of(server, request).application,
        .must_change = !asked->keep,
    };
    order_password(server, request, &order);
}
