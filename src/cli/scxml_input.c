/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes come into `bytes`; lines leave from its front. The thread and the loop take turns: the
 * thread owns `chunk` while `has_chunk` is false, the loop while it is true. The thread may still
 * stand in read() when all else has ended, so what it touches is never freed. */
#include "cli/scxml_input.h"

#include "base/buf.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <unistd.h>

enum { CHUNK_BYTES = 64 * 1024 };

struct scxml_input {
    struct buf bytes;
    size_t taken; /* of the front of `bytes` */
    uint64_t line_number;
    bool has_ended, skips_rest; /* of a line too long */
    bool has_added;             /* the chunk was taken into `bytes` */

    char chunk[CHUNK_BYTES];
    size_t chunk_len; /* 0: the end */
    bool has_chunk, is_left;
    pthread_mutex_t lock;
    pthread_cond_t may_read;
    struct waker *waker;
    void (*on_more)(void *self);
    void *self;
};

static struct scxml_input the_input = { .lock = PTHREAD_MUTEX_INITIALIZER,
                                        .may_read = PTHREAD_COND_INITIALIZER };

static void leave(void *self)
{
    struct scxml_input *input = self;
    pthread_mutex_lock(&input->lock);
    input->is_left = true;
    pthread_mutex_unlock(&input->lock);
    buf_free(&input->bytes);
}

struct scxml_input *scxml_input_open(struct scope *owner)
{
    scope_on_close(owner, leave, &the_input);
    return &the_input;
}

/* --- lines ----------------------------------------------------------------------------------- */

static struct text waiting(const struct scxml_input *input)
{
    return text_slice(buf_text(&input->bytes), input->taken, input->bytes.len);
}

/* The rest of a line too long goes by unseen. */
static void skip_rest(struct scxml_input *input)
{
    struct text here = waiting(input);
    size_t end = text_find(here, '\n', 0);
    input->taken += end == SIZE_MAX ? here.len : end + 1;
    input->skips_rest = end == SIZE_MAX;
}

enum scxml_input_state scxml_input_take(struct scxml_input *input, size_t bytes_max,
                                        struct text *line)
{
    if (input->skips_rest) skip_rest(input);
    struct text here = waiting(input);
    size_t end = text_find(here, '\n', 0);
    if (end == SIZE_MAX && here.len <= bytes_max && !input->has_ended) return SCXML_INPUT_EMPTY;
    if (here.len == 0) return SCXML_INPUT_ENDED;
    input->skips_rest = end == SIZE_MAX && !input->has_ended;
    *line = text_slice(here, 0, end);
    input->taken += end == SIZE_MAX ? here.len : end + 1;
    input->line_number++;
    return SCXML_INPUT_LINE;
}

uint64_t scxml_input_line_number(const struct scxml_input *input)
{
    return input->line_number;
}

static void add_chunk(struct scxml_input *input)
{
    buf_drop_front(&input->bytes, input->taken);
    input->taken = 0;
    buf_add(&input->bytes, (struct text){ input->chunk, input->chunk_len });
    input->has_ended = input->chunk_len == 0;
}

static void read_chunk(struct scxml_input *input)
{
    struct pollfd readable = { .fd = STDIN_FILENO, .events = POLLIN };
    ssize_t len;
    while ((len = read(STDIN_FILENO, input->chunk, sizeof input->chunk)) < 0) {
        if (errno == EAGAIN) /* somebody made it so for all who share it */
            (void)poll(&readable, 1, -1);
        else if (errno != EINTR)
            break;
    }
    input->chunk_len = len > 0 ? (size_t)len : 0;
}

void scxml_input_wait(struct scxml_input *input)
{
    read_chunk(input);
    add_chunk(input);
}

/* --- the thread ------------------------------------------------------------------------------ */

static void *read_on(void *self)
{
    struct scxml_input *input = self;
    bool has_ended;
    do {
        read_chunk(input);
        has_ended = input->chunk_len == 0;
        pthread_mutex_lock(&input->lock);
        input->has_chunk = true;
        if (!input->is_left) waker_wake(input->waker);
        while (!has_ended && input->has_chunk) pthread_cond_wait(&input->may_read, &input->lock);
        pthread_mutex_unlock(&input->lock);
    } while (!has_ended);
    return NULL;
}

static void on_wake(void *self)
{
    struct scxml_input *input = self;
    pthread_mutex_lock(&input->lock);
    bool has_chunk = input->has_chunk;
    pthread_mutex_unlock(&input->lock);
    if (!has_chunk || input->has_added) return;
    input->has_added = true;
    add_chunk(input);
    input->on_more(input->self);
}

void scxml_input_watch(struct scxml_input *input, struct scope *owner, struct loop *loop,
                       void (*on_more)(void *self), void *self)
{
    pthread_t thread;
    input->on_more = on_more;
    input->self = self;
    input->waker = waker_new(owner, loop, on_wake, input);
    ASSERT(pthread_create(&thread, NULL, read_on, input) == 0);
    ASSERT(pthread_detach(thread) == 0);
}

void scxml_input_go_on(struct scxml_input *input)
{
    if (!input->has_added) return;
    input->has_added = false;
    pthread_mutex_lock(&input->lock);
    input->has_chunk = false;
    pthread_cond_signal(&input->may_read);
    pthread_mutex_unlock(&input->lock);
}
