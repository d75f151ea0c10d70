/* SPDX-License-Identifier: Apache-2.0 */
/* The documents of a host: compiled once by text and address, shared by all sessions of them, and
 * kept for a while when the last one has gone. */
#include "scxml/host_private.h"

static uint64_t key_of(struct text source, struct text url)
{
    return text_hash(source) ^ (text_hash(url) * UINT64_C(0x9e3779b97f4a7c15));
}

static enum err compile(struct scxml_host *host, struct scxml_program *program,
                        struct scxml_findings *findings, struct fault *fault)
{
    const struct scxml_load load = { .url = program->url,
                                     .dialect = host->options.dialect,
                                     .self = host->self,
                                     .fetch = host->hooks.fetch };
    enum err err = scxml_load(program->source, &load, program->scope, &program->document, findings);
    if (err) return fault_set(fault, err, "document", "the document is refused");
    return scxml_datamodel_of(program->document)
        ->open(program->document, &host->options.limits, &program->evaluator, fault);
}

static void drop(struct scxml_host *host, struct scxml_program *program)
{
    if (program->is_listed) table_remove(host->programs, TEXT_OF(&program->key));
    scxml_datamodel_of(program->document)->close(program->evaluator);
    scope_close(program->scope);
}

static struct scxml_program *known(struct scxml_host *host, struct text source, struct text url)
{
    uint64_t key = key_of(source, url);
    struct scxml_program *program = table_get(host->programs, TEXT_OF(&key));
    if (program == NULL || !text_eq(program->source, source) || !text_eq(program->url, url))
        return NULL;
    return program;
}

static void use(struct scxml_host *host, struct scxml_program *program)
{
    if (list_is_linked(&program->idle)) {
        list_remove(&program->idle);
        host->idle_count--;
    }
    program->users++;
}

/* Findings lie beside the document, which may not outlive this call: the caller gets copies. */
static void copy_findings(const struct scxml_findings *from, struct scope *scope,
                          struct scxml_findings *to)
{
    for (const struct scxml_finding *one = from->first; one; one = one->next)
        scxml_find(to, scope, one->is_warning, scope_keep(scope, one->file), one->place, "%.*s",
                   TEXT_ARG(one->words));
}

static enum err compile_new(struct scxml_host *host, struct text source, struct text url,
                            struct scope *scope, struct scxml_findings *findings,
                            struct scxml_program **out, struct fault *fault)
{
    struct scope *life = scope_new(NULL, "scxml program", SCOPE_NO_LIMIT);
    struct scxml_program *program = scope_alloc(life, sizeof *program);
    *program = (struct scxml_program){ .scope = life,
                                       .key = key_of(source, url),
                                       .source = scope_keep(life, source),
                                       .url = scope_keep(life, url) };
    struct scxml_findings found = { 0 };
    enum err err = compile(host, program, &found, fault);
    copy_findings(&found, scope, findings);
    if (err) {
        scope_close(life);
        return err;
    }
    if (table_get(host->programs, TEXT_OF(&program->key)) == NULL) {
        table_put(host->programs, TEXT_OF(&program->key), program);
        program->is_listed = true;
    }
    *out = program;
    return ERR_OK;
}

enum err scxml_host_load(struct scxml_host *host, struct text source, struct text url,
                         struct scope *scope, struct scxml_findings *findings,
                         struct scxml_program **out, struct fault *fault)
{
    struct scxml_program *program = known(host, source, url);
    if (program == NULL) {
        enum err err = compile_new(host, source, url, scope, findings, &program, fault);
        if (err) return err;
    }
    use(host, program);
    *out = program;
    return ERR_OK;
}

void scxml_host_release(struct scxml_host *host, struct scxml_program *program)
{
    ASSERT(program->users > 0);
    if (--program->users > 0) return;
    if (!program->is_listed) {
        drop(host, program);
        return;
    }
    list_add_last(&host->idle_programs, &program->idle);
    host->idle_count++;
    while (host->idle_count > host->options.idle_programs_max) {
        struct scxml_program *oldest =
            LIST_OBJECT(list_first(&host->idle_programs), struct scxml_program, idle);
        list_remove(&oldest->idle);
        host->idle_count--;
        drop(host, oldest);
    }
}

void programs_close(struct scxml_host *host)
{
    size_t at = 0;
    for (struct scxml_program *program; (program = table_next(host->programs, &at)) != NULL;) {
        scxml_datamodel_of(program->document)->close(program->evaluator);
        scope_close(program->scope);
    }
}

const struct scxml_document *scxml_program_document(const struct scxml_program *program)
{
    return program->document;
}

struct scxml_evaluator *scxml_program_evaluator(const struct scxml_program *program)
{
    return program->evaluator;
}

uint32_t scxml_host_program_count(const struct scxml_host *host)
{
    return (uint32_t)table_count(host->programs);
}
