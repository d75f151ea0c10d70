/* SPDX-License-Identifier: Apache-2.0 */
#include "app/certificate_watch.h"

#include "base/buf.h"
#include "base/table.h"
#include "gen/events.h"
#include "gen/objects.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <time.h>

enum {
    FIRST_LOOK_MS = 2000,
    LOOK_EVERY_MS = 6 * 3600 * 1000,
    FILE_BYTES_MAX = 1024 * 1024,
    DAY_S = 24 * 3600,
};

struct told { /* of one port */
    struct text port;
    uint32_t warning; /* days; 0: none */
};

struct certificate_watch {
    struct app *app;
    struct timer *timer;
    struct table *told;   /* by port */
    struct look_job *job; /* NULL: none runs */
    bool is_soon;         /* the timer runs for what the configuration said */
};

/* --- rules ---------------------------------------------------------------------------------- */

enum err certificate_seconds_left(struct text pem, uint64_t now_utc_ms, int64_t *out)
{
    BIO *bio = BIO_new_mem_buf(pem.at, (int)pem.len);
    ASSERT(bio != NULL);
    X509 *certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    BIO_free(bio);
    ERR_clear_error();
    if (certificate == NULL) return ERR_INVALID;
    time_t now = (time_t)(now_utc_ms / 1000);
    ASN1_TIME *moment = ASN1_TIME_set(NULL, now);
    int days = 0, seconds = 0;
    int is_read = moment &&
                  ASN1_TIME_diff(&days, &seconds, moment, X509_get0_notAfter(certificate));
    ASN1_TIME_free(moment);
    X509_free(certificate);
    if (!is_read) return ERR_INVALID;
    *out = (int64_t)days * DAY_S + seconds;
    return ERR_OK;
}

uint32_t certificate_warning(int64_t seconds_left)
{
    static const uint32_t warnings[] = { 1, 7, 30 };
    for (size_t i = 0; i < sizeof warnings / sizeof *warnings; i++)
        if (seconds_left <= (int64_t)warnings[i] * DAY_S) return warnings[i];
    return 0;
}

/* --- looking -------------------------------------------------------------------------------- */

struct look { /* one port's file */
    struct text port, path;
    int64_t seconds_left;
    enum err err;
};

/* All ports at once; a root, since a worker may be at it when the application has gone. */
struct look_job {
    struct scope *life;
    struct certificate_watch *watch; /* NULL: gone */
    uint64_t now_utc_ms;
    struct look *looks;
    uint32_t count;
};

static void read_file(struct look *look, uint64_t now_utc_ms)
{
    FILE *file = fopen(look->path.at, "rbe");
    struct buf bytes = { 0 };
    look->err = ERR_NOT_FOUND;
    if (file == NULL) return; /* the port itself says so */
    bytes.len = fread(buf_reserve(&bytes, FILE_BYTES_MAX), 1, FILE_BYTES_MAX, file);
    (void)fclose(file);
    look->err = certificate_seconds_left(buf_text(&bytes), now_utc_ms, &look->seconds_left);
    buf_free(&bytes);
}

static void work(void *self)
{
    struct look_job *job = self;
    for (uint32_t i = 0; i < job->count; i++) read_file(&job->looks[i], job->now_utc_ms);
}

static struct told *told_of(struct certificate_watch *watch, struct text port)
{
    struct told *told = table_get(watch->told, port);
    if (told) return told;
    told = scope_alloc(watch->app->life, sizeof *told);
    told->port = scope_keep(watch->app->life, port);
    table_put(watch->told, told->port, told);
    return told;
}

static void tell(struct certificate_watch *watch, const struct look *look)
{
    struct told *told = told_of(watch, look->port);
    uint32_t warning = certificate_warning(look->seconds_left);
    int days = (int)(look->seconds_left / DAY_S);
    bool is_worse = warning && (told->warning == 0 || warning < told->warning);
    if (is_worse) LOG_CERTIFICATE_EXPIRES(&watch->app->log, look->path.at, look->port.at, days);
    if (!warning && told->warning)
        LOG_CERTIFICATE_RENEWED(&watch->app->log, look->path.at, look->port.at, days);
    told->warning = warning;
}

static void done(void *self)
{
    struct look_job *job = self;
    struct certificate_watch *watch = job->watch;
    if (watch) watch->job = NULL;
    for (uint32_t i = 0; watch && i < job->count; i++)
        if (job->looks[i].err == ERR_OK) tell(watch, &job->looks[i]);
    scope_close(job->life);
}

static void add_look(struct look_job *job, const struct object_application_port *port)
{
    struct text rest = port->certificate, path;
    if (!text_next_item(&rest, ',', &path) || path.len == 0) return;
    job->looks[job->count++] = (struct look){ .port = scope_keep(job->life, port->id),
                                              .path = scope_keep(job->life, path) };
}

static const struct object_application *own_fields(const struct certificate_watch *watch)
{
    const struct app_object *self = app_self(watch->app);
    return self ? (const void *)self->fields : NULL;
}

static void look(void *self)
{
    struct certificate_watch *watch = self;
    const struct object_application *fields = own_fields(watch);
    watch->is_soon = false;
    timer_start(watch->timer, LOOK_EVERY_MS);
    if (fields == NULL || watch->job) return;
    struct scope *life = scope_new(NULL, "certificates", SCOPE_NO_LIMIT);
    struct look_job *job = scope_alloc(life, sizeof *job);
    *job = (struct look_job){ .life = life,
                              .watch = watch,
                              .now_utc_ms = loop_now_utc_ms(watch->app->loop),
                              .looks = scope_alloc_array(life, fields->ports.count + 1,
                                                         sizeof *job->looks) };
    for (uint32_t i = 0; i < fields->ports.count; i++) add_look(job, &fields->ports.at[i]);
    watch->job = job;
    loop_work(watch->app->loop, work, done, job);
}

static bool has_certificates(const struct certificate_watch *watch)
{
    const struct object_application *fields = own_fields(watch);
    for (uint32_t i = 0; fields && i < fields->ports.count; i++)
        if (fields->ports.at[i].certificate.len) return true;
    return false;
}

void certificate_watch_configure(struct certificate_watch *watch)
{
    if (!has_certificates(watch)) {
        timer_stop(watch->timer);
        watch->is_soon = false;
    } else if (!watch->is_soon) {
        watch->is_soon = true;
        timer_start(watch->timer, FIRST_LOOK_MS);
    }
}

static void forget(void *self)
{
    struct certificate_watch *watch = self;
    if (watch->job) watch->job->watch = NULL;
}

struct certificate_watch *certificate_watch_new(struct app *app)
{
    struct certificate_watch *watch = scope_alloc(app->life, sizeof *watch);
    *watch = (struct certificate_watch){ .app = app, .told = table_new(app->life) };
    watch->timer = timer_new(app->life, app->loop, look, watch);
    scope_on_close(app->life, forget, watch);
    return watch;
}
