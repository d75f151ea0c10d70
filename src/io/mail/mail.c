/* SPDX-License-Identifier: Apache-2.0 */
/* libcurl's blocking interface on one worker at a time: messages are few, and a conversation in
 * SMTP is long. What the worker touches is malloc's, since the owner's scope may close meanwhile.
 */
#include "io/mail/mail.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct job {
    struct list node;
    struct mailer *mailer; /* NULL: it is gone */
    struct scope *life;    /* a root, used by one thread at a time */
    struct mail mail;
    size_t sent;
    enum mail_end end;
    char words[CURL_ERROR_SIZE];
    void (*on_done)(void *self, enum mail_end end, const char *words);
    void *self;
};

struct mailer {
    struct loop *loop;
    struct list waiting;
    struct job *running;
    uint32_t waiting_count;
    struct chore chore;
};

/* --- on the worker -------------------------------------------------------------------------- */

static size_t give_message(char *out, size_t size, size_t count, void *self)
{
    struct job *job = self;
    struct text rest = text_slice(job->mail.message, job->sent, size * count);
    if (rest.len) memcpy(out, rest.at, rest.len);
    job->sent += rest.len;
    return rest.len;
}

static struct curl_slist *list_addresses(const struct job *job)
{
    struct curl_slist *list = NULL;
    struct text rest = job->mail.to, address;
    while (text_next_item(&rest, ',', &address))
        list = curl_slist_append(list, scope_keep_z(job->life, address));
    return list;
}

static void set_server(CURL *easy, const struct mail *mail)
{
    bool has_user = mail->user.len > 0;
    (void)curl_easy_setopt(easy, CURLOPT_URL, mail->server.at);
    (void)curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
    (void)curl_easy_setopt(easy, CURLOPT_USE_SSL,
                           (long)(has_user ? CURLUSESSL_ALL : CURLUSESSL_TRY));
    (void)curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    (void)curl_easy_setopt(easy, CURLOPT_PROXY, "");
    const char *trusted = getenv("SSL_CERT_FILE");
    if (trusted && *trusted) (void)curl_easy_setopt(easy, CURLOPT_CAINFO, trusted);
    if (!has_user) return;
    (void)curl_easy_setopt(easy, CURLOPT_USERNAME, mail->user.at);
    (void)curl_easy_setopt(easy, CURLOPT_PASSWORD, mail->password.at);
}

static enum mail_end end_of(CURL *easy, CURLcode code)
{
    long said = 0;
    if (code == CURLE_OK) return MAIL_TAKEN;
    (void)curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &said);
    if (said >= 500 && said < 600) return MAIL_REFUSED;
    bool is_ours = code == CURLE_URL_MALFORMAT || code == CURLE_UNSUPPORTED_PROTOCOL;
    return is_ours ? MAIL_REFUSED : MAIL_AGAIN;
}

static void work(void *self)
{
    struct job *job = self;
    CURL *easy = curl_easy_init();
    ASSERT(easy != NULL);
    struct curl_slist *addresses = list_addresses(job);
    set_server(easy, &job->mail);
    (void)curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, job->words);
    (void)curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)MAIL_TIME_MAX_MS);
    (void)curl_easy_setopt(easy, CURLOPT_MAIL_FROM, job->mail.from.at);
    (void)curl_easy_setopt(easy, CURLOPT_MAIL_RCPT, addresses);
    (void)curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_READFUNCTION, give_message);
    (void)curl_easy_setopt(easy, CURLOPT_READDATA, job);
    CURLcode code = curl_easy_perform(easy);
    job->end = end_of(easy, code);
    if (code && job->words[0] == '\0')
        (void)snprintf(job->words, sizeof job->words, "%s", curl_easy_strerror(code));
    curl_slist_free_all(addresses);
    curl_easy_cleanup(easy);
}

/* --- on the loop ---------------------------------------------------------------------------- */

static void job_free(struct job *job)
{
    scope_close(job->life);
}

static void done(void *self)
{
    struct job *job = self;
    struct mailer *mailer = job->mailer;
    if (mailer) {
        mailer->running = NULL;
        if (mailer->waiting_count) chore_soon(mailer->loop, &mailer->chore);
        job->on_done(job->self, job->end, job->words);
    }
    job_free(job);
}

static void next(void *self)
{
    struct mailer *mailer = self;
    struct list *node = list_first(&mailer->waiting);
    if (mailer->running || node == NULL) return;
    list_remove(node);
    mailer->waiting_count--;
    mailer->running = LIST_OBJECT(node, struct job, node);
    loop_work(mailer->loop, work, done, mailer->running);
}

static struct text keep(struct scope *life, struct text text)
{
    return scope_keep(life, text.at ? text : TEXT(""));
}

void mailer_send(struct mailer *mailer, const struct mail *mail,
                 void (*on_done)(void *self, enum mail_end end, const char *words), void *self)
{
    struct scope *life = scope_new(NULL, "mail", SCOPE_NO_LIMIT);
    struct job *job = scope_alloc(life, sizeof *job);
    *job = (struct job){ .mailer = mailer,
                         .life = life,
                         .mail = { .server = keep(life, mail->server),
                                   .user = keep(life, mail->user),
                                   .password = keep(life, mail->password),
                                   .from = keep(life, mail->from),
                                   .to = keep(life, mail->to),
                                   .message = keep(life, mail->message) },
                         .on_done = on_done,
                         .self = self };
    list_add_last(&mailer->waiting, &job->node);
    mailer->waiting_count++;
    chore_soon(mailer->loop, &mailer->chore);
}

static void forget(void *self)
{
    struct mailer *mailer = self;
    struct list *node;
    chore_cancel(&mailer->chore);
    if (mailer->running) mailer->running->mailer = NULL;
    while ((node = list_first(&mailer->waiting)) != NULL) {
        list_remove(node);
        job_free(LIST_OBJECT(node, struct job, node));
    }
}

struct mailer *mailer_new(struct scope *owner, struct loop *loop)
{
    struct mailer *mailer = scope_alloc(owner, sizeof *mailer);
    /* Never undone: a worker may still be at it when the mailer has gone. */
    ASSERT(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK);
    *mailer = (struct mailer){ .loop = loop, .chore = { .run = next, .self = mailer } };
    list_init(&mailer->waiting);
    scope_on_close(owner, forget, mailer);
    return mailer;
}
