/* SPDX-License-Identifier: Apache-2.0 */
/* A family as MessagePack (decision 0037): what the host itself knows, the documents' texts, the
 * sessions from the eldest on, and who is waiting for a turn. Parents are older than children. */
#include "format/msgpack.h"
#include "scxml/host_private.h"

#include <stdlib.h>
#include <string.h>

enum { VERSION = 1, PARTS = 7, SESSION_PARTS = 5 };

/* --- writing ---------------------------------------------------------------------------------- */

struct saving {
    struct buf *out;
    struct member **members; /* the eldest first */
    uint32_t count;
    struct scxml_program **programs; /* each once */
    uint32_t program_count;
};

static int by_number(const void *a, const void *b)
{
    uint32_t left = (*(struct member *const *)a)->number;
    uint32_t right = (*(struct member *const *)b)->number;
    return left < right ? -1 : left > right;
}

static uint32_t place_of(const struct saving *saving, const struct scxml_program *program)
{
    uint32_t at = 0;
    while (at < saving->program_count && saving->programs[at] != program) at++;
    return at;
}

static void collect(struct saving *saving, const struct scxml_host *host, struct scope *scope)
{
    size_t count = table_count(host->members), at = 0;
    saving->members = scope_alloc_array(scope, count + 1, sizeof *saving->members);
    saving->programs = scope_alloc_array(scope, count + 1, sizeof *saving->programs);
    for (struct member *member; (member = table_next(host->members, &at)) != NULL;)
        saving->members[saving->count++] = member;
    qsort(saving->members, saving->count, sizeof *saving->members, by_number);
    for (uint32_t i = 0; i < saving->count; i++) {
        struct scxml_program *program = saving->members[i]->program;
        if (place_of(saving, program) == saving->program_count)
            saving->programs[saving->program_count++] = program;
    }
}

static void put_programs(const struct saving *saving)
{
    msgpack_put_array(saving->out, saving->program_count * 2);
    for (uint32_t i = 0; i < saving->program_count; i++) {
        msgpack_put_bytes(saving->out, saving->programs[i]->url);
        msgpack_put_bytes(saving->out, saving->programs[i]->source);
    }
}

/* Its number, document, parent (its number and one; 0: none), invocation, and itself. */
static enum err put_session(const struct saving *saving, const struct member *member,
                            struct fault *fault)
{
    struct buf session = { 0 };
    const struct member *parent = member->parent;
    msgpack_put_u64(saving->out, member->number);
    msgpack_put_u64(saving->out, place_of(saving, member->program));
    msgpack_put_u64(saving->out, parent ? (uint64_t)parent->number + 1 : 0);
    msgpack_put_bytes(saving->out, text_of(parent ? member->invoke_id : ""));
    enum err err = scxml_session_save(member->session, &session, fault);
    if (!err) msgpack_put_bytes(saving->out, buf_text(&session));
    buf_free(&session);
    return err;
}

static enum err put_sessions(const struct saving *saving, struct fault *fault)
{
    enum err err = ERR_OK;
    msgpack_put_array(saving->out, saving->count * SESSION_PARTS);
    for (uint32_t i = 0; i < saving->count && !err; i++)
        err = put_session(saving, saving->members[i], fault);
    return err;
}

static void put_waiting(const struct saving *saving, const struct scxml_host *host)
{
    uint32_t count = 0;
    LIST_EACH (node, &host->ready) count++;
    msgpack_put_array(saving->out, count);
    LIST_EACH (node, &host->ready)
        msgpack_put_u64(saving->out, LIST_OBJECT(node, struct member, ready)->number);
}

static enum err save_all(struct saving *saving, const struct scxml_host *host, struct fault *fault)
{
    struct buf *out = saving->out;
    msgpack_put_array(out, PARTS);
    msgpack_put_text(out, TEXT("scxml family"));
    msgpack_put_u64(out, VERSION);
    msgpack_put_array(out, 6);
    msgpack_put_text(out, (struct text){ host->node, NODE_CHARS });
    msgpack_put_u64(out, host->births);
    for (int i = 0; i < 4; i++) msgpack_put_u64(out, host->random.state[i]);
    put_programs(saving);
    enum err err = put_sessions(saving, fault);
    put_waiting(saving, host);
    msgpack_put_nil(out); /* of a later version */
    return err;
}

enum err scxml_host_save(struct scxml_host *host, struct buf *out, struct fault *fault)
{
    if (slots_count(host->calls))
        return fault_set(fault, ERR_CONFLICT, "host", "messages over HTTP are under way");
    struct scope *scope = scope_new(NULL, "scxml family", SCOPE_NO_LIMIT);
    struct saving saving = { .out = out };
    size_t before = out->len;
    collect(&saving, host, scope);
    enum err err = save_all(&saving, host, fault);
    if (err) out->len = before;
    scope_close(scope);
    return err;
}

/* --- reading ---------------------------------------------------------------------------------- */

struct reading {
    struct msgpack_reader reader;
    struct scxml_host *host;
    struct scope *scope;
    struct fault *fault;
    struct scxml_program **programs;
    uint32_t program_count;
    struct table *by_number; /* of members */
};

static enum err refused(struct reading *reading, enum err err)
{
    if (!reading->reader.err) reading->reader.err = err;
    return reading->reader.err;
}

static enum err refuse(struct reading *reading)
{
    return refused(reading, fault_set(reading->fault, ERR_INVALID, "family",
                                      "this is no saved family of sessions"));
}

static bool has_failed(const struct reading *reading)
{
    return reading->reader.err != ERR_OK;
}

static void get_head(struct reading *reading)
{
    struct msgpack_reader *reader = &reading->reader;
    struct scxml_host *host = reading->host;
    if (msgpack_get_array(reader) != PARTS) (void)refuse(reading);
    if (!text_eq(msgpack_get_text(reader), TEXT("scxml family"))) (void)refuse(reading);
    if (msgpack_get_u64(reader) != VERSION)
        (void)refused(reading, fault_set(reading->fault, ERR_UNSUPPORTED, "family",
                                         "it was saved by another release"));
    if (msgpack_get_array(reader) != 6) (void)refuse(reading);
    struct text node = msgpack_get_text(reader);
    uint64_t births = msgpack_get_u64(reader);
    if (node.len != NODE_CHARS || births > BIRTHS_MAX) (void)refuse(reading);
    struct random random;
    for (int i = 0; i < 4; i++) random.state[i] = msgpack_get_u64(reader);
    if (has_failed(reading)) return;
    memcpy(host->node, node.at, NODE_CHARS);
    host->births = (uint32_t)births;
    host->random = random;
}

static void get_programs(struct reading *reading)
{
    uint32_t count = msgpack_get_array(&reading->reader);
    if (count % 2) (void)refuse(reading);
    if (has_failed(reading)) return;
    reading->programs = scope_alloc_array(reading->scope, count / 2 + 1, sizeof *reading->programs);
    for (uint32_t i = 0; i < count / 2 && !has_failed(reading); i++) {
        struct text url = msgpack_get_bytes(&reading->reader);
        struct text source = msgpack_get_bytes(&reading->reader);
        struct scxml_findings findings = { 0 };
        struct scxml_program **program = &reading->programs[i];
        if (has_failed(reading)) return;
        enum err err = scxml_host_load(reading->host, source, url, reading->scope, &findings,
                                       program, reading->fault);
        (void)refused(reading, err);
        if (!err) reading->program_count++;
    }
}

/* NULL for 0; an unknown one is refused. */
static struct member *get_member(struct reading *reading, uint64_t number_and_one)
{
    uint32_t number = (uint32_t)(number_and_one - 1);
    if (number_and_one == 0 || has_failed(reading)) return NULL;
    struct member *member =
        number_and_one <= BIRTHS_MAX ? table_get(reading->by_number, TEXT_OF(&number)) : NULL;
    if (member == NULL) (void)refuse(reading);
    return member;
}

static void add_session(struct reading *reading, uint32_t number, struct scxml_program *program,
                        struct member *parent, struct text invoke_id, struct text saved)
{
    struct scxml_host *host = reading->host;
    struct scxml_session *session;
    enum err err = scxml_session_restore(saved, program->evaluator, program->document,
                                         &host->options.limits, host->processors,
                                         host->processor_count, &session, reading->fault);
    if (err) {
        (void)refused(reading, err);
        return;
    }
    if (table_get(host->members, scxml_session_id(session)) ||
        table_get(reading->by_number, TEXT_OF(&number))) {
        (void)refuse(reading);
        scxml_session_free(session);
        return;
    }
    program->users++;
    struct member *member = member_add(host, session, program, number, parent, invoke_id);
    table_put(reading->by_number, TEXT_OF(&member->number), member);
}

static void get_session(struct reading *reading)
{
    struct msgpack_reader *reader = &reading->reader;
    uint64_t number = msgpack_get_u64(reader), program = msgpack_get_u64(reader);
    struct member *parent = get_member(reading, msgpack_get_u64(reader));
    struct text invoke_id = msgpack_get_bytes(reader);
    struct text saved = msgpack_get_bytes(reader);
    if (number >= reading->host->births || program >= reading->program_count) (void)refuse(reading);
    if (parent && parent->depth >= reading->host->options.depth_max) (void)refuse(reading);
    if (!has_failed(reading))
        add_session(reading, (uint32_t)number, reading->programs[program], parent, invoke_id,
                    saved);
}

static void get_waiting(struct reading *reading)
{
    struct scxml_host *host = reading->host;
    for (uint32_t count = msgpack_get_array(&reading->reader); count > 0 && !has_failed(reading);
         count--) {
        struct member *member = get_member(reading, msgpack_get_u64(&reading->reader) + 1);
        if (member && !list_is_linked(&member->ready)) list_add_last(&host->ready, &member->ready);
    }
    size_t at = 0;
    for (struct member *member; (member = table_next(reading->by_number, &at)) != NULL;)
        member_schedule(host, member);
}

static void get_all(struct reading *reading)
{
    get_head(reading);
    get_programs(reading);
    uint32_t count = msgpack_get_array(&reading->reader);
    if (count % SESSION_PARTS || count / SESSION_PARTS > reading->host->options.sessions_max)
        (void)refuse(reading);
    for (uint32_t i = 0; i < count / SESSION_PARTS && !has_failed(reading); i++)
        get_session(reading);
    get_waiting(reading);
    if (!has_failed(reading) &&
        (!msgpack_get_nil(&reading->reader) || !msgpack_is_done(&reading->reader)))
        (void)refuse(reading);
}

enum err scxml_host_restore(struct scxml_host *host, struct text saved, struct fault *fault)
{
    struct fault words = { 0 };
    struct scope *scope = scope_new(NULL, "scxml family", SCOPE_NO_LIMIT);
    struct reading reading = { .reader = msgpack_reader(saved),
                               .host = host,
                               .scope = scope,
                               .fault = &words,
                               .by_number = table_new(scope) };
    ASSERT(table_count(host->members) == 0);
    get_all(&reading);
    for (uint32_t i = 0; i < reading.program_count; i++)
        scxml_host_release(host, reading.programs[i]);
    enum err err = reading.reader.err;
    if (err) members_drop(host);
    if (err && words.err != err)
        (void)fault_set(&words, err, "family", "this is no saved family of sessions");
    if (err && fault) *fault = words;
    scope_close(scope);
    return err;
}
