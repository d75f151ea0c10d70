/* SPDX-License-Identifier: Apache-2.0 */
/* Hashing: a short queue in front of two worker threads, so that a flood of log-ins costs others
 * nothing but its own waiting. */
#include "servers/config/server_accounts.h"

#include <string.h>

static void start_next(struct accounts *accounts);

struct hash_job *hash_job_new(struct accounts *accounts)
{
    struct scope *life = scope_new(NULL, "hash job", SCOPE_NO_LIMIT);
    struct hash_job *job = scope_alloc(life, sizeof *job);
    *job = (struct hash_job){ .life = life, .accounts = accounts };
    return job;
}

static void wipe(struct text secret)
{
    if (secret.len) explicit_bzero((char *)(uintptr_t)secret.at, secret.len);
}

void hash_job_end(struct hash_job *job)
{
    wipe(job->password);
    wipe(job->wanted);
    list_remove(&job->node);
    scope_close(job->life);
}

/* On a worker thread. */
static void look(void *self)
{
    struct hash_job *job = self;
    if (job->needs_present) job->fits = password_fits(job->present, job->password);
    if (!job->is_new_password || (job->needs_present && !job->fits)) return;
    job->is_former = job->refuses_present && password_fits(job->present, job->wanted);
    for (uint32_t i = 0; i < job->former_count && !job->is_former; i++)
        job->is_former = password_fits(job->former[i], job->wanted);
    if (!job->is_former) job->err = password_hash(job->wanted, job->hash);
}

static void on_looked(void *self)
{
    struct hash_job *job = self;
    struct accounts *accounts = job->accounts;
    if (accounts == NULL) {
        hash_job_end(job);
        return;
    }
    job->is_with_worker = false;
    accounts->working_count--;
    job->on_hashed(job);
    start_next(accounts);
}

/* Who asked has given up: nobody would hear the answer, and nothing was looked at. */
static bool is_overdue(const struct accounts *accounts, const struct hash_job *job)
{
    return job->deadline_mono_ms &&
           loop_now_mono_ms(accounts->server->app->loop) > job->deadline_mono_ms;
}

static void start_next(struct accounts *accounts)
{
    struct list *node;
    while (accounts->working_count < HASHING_NOW_MAX &&
           (node = list_first(&accounts->jobs)) != NULL) {
        struct hash_job *job = LIST_OBJECT(node, struct hash_job, node);
        list_remove(node);
        accounts->waiting_count--;
        if (is_overdue(accounts, job)) {
            struct fault fault;
            fault_set(&fault, ERR_TIMEOUT, "", "too late to be looked at");
            link_refuse_fault(job->request, &fault);
            hash_job_end(job);
            continue;
        }
        accounts->working_count++;
        list_add_last(&accounts->working, &job->node);
        job->is_with_worker = true;
        loop_work(accounts->server->app->loop, look, on_looked, job);
    }
}

bool hash_job_submit(struct hash_job *job)
{
    struct accounts *accounts = job->accounts;
    if (accounts->waiting_count == JOBS_WAITING_MAX) {
        hash_job_end(job);
        return false;
    }
    accounts->waiting_count++;
    list_add_last(&accounts->jobs, &job->node);
    start_next(accounts);
    return true;
}

static void forget_ring(struct list *ring)
{
    struct list *node;
    while ((node = list_first(ring)) != NULL) {
        struct hash_job *job = LIST_OBJECT(node, struct hash_job, node);
        list_remove(node);
        job->accounts = NULL;
        if (!job->is_with_worker) hash_job_end(job);
    }
}

void hash_jobs_forget(void *self)
{
    struct accounts *accounts = self;
    forget_ring(&accounts->jobs);
    forget_ring(&accounts->working);
}
