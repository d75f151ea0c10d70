/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/scxml/script.h"

#include "tests/unit/test.h"

static const uint64_t SCRIPTS_NOW_MS = 1700000000000;

static bool is_active(void *self, struct text id)
{
    (void)self;
    return text_eq(id, TEXT("busy"));
}

static void begin(struct scripts *scripts, const struct scxml_limits *limits, bool is_legacy)
{
    *scripts = (struct scripts){ .scope = scope_new(NULL, "test", SCOPE_NO_LIMIT) };
    scripts->document.expressions = scripts->expressions;
    scripts->document.expression_count = SCRIPTS_MAX;
    scripts->document.is_ecmascript = true;
    scripts->document.is_legacy = is_legacy;
    CHECK_OK(
        scxml_ecmascript.open(&scripts->document, limits, &scripts->evaluator, &scripts->fault));
    scripts->document.expression_count = 0;
}

void scripts_begin(struct scripts *scripts, const struct scxml_limits *limits)
{
    begin(scripts, limits, false);
}

void scripts_begin_legacy(struct scripts *scripts)
{
    begin(scripts, NULL, true);
}

void scripts_end(struct scripts *scripts)
{
    scxml_ecmascript.close(scripts->evaluator);
    scope_close(scripts->scope);
}

scxml_expression_id scripts_add(struct scripts *scripts, enum scxml_expression_kind kind,
                                const char *source)
{
    struct scxml_document *document = &scripts->document;
    for (uint32_t i = 0; i < document->expression_count; i++)
        if (scripts->expressions[i].kind == kind &&
            text_eq(scripts->expressions[i].source, text_of(source)))
            return i;
    CHECK(document->expression_count < SCRIPTS_MAX);
    scripts->expressions[document->expression_count] =
        (struct scxml_expression){ kind, scope_keep(scripts->scope, text_of(source)), { 0, 1, 1 } };
    return document->expression_count++;
}

struct scxml_variables *scripts_open(struct scripts *scripts)
{
    static const struct scxml_io_processor processors[] = { { { "scxml", 5 },
                                                              { SCXML_EVENT_PROCESSOR,
                                                                sizeof SCXML_EVENT_PROCESSOR - 1 },
                                                              { "#_scxml_", 8 } } };
    struct scxml_frame frame = { .session_id = TEXT("S1"),
                                 .name = TEXT("chart"),
                                 .processors = processors,
                                 .processor_count = 1,
                                 .parameters = { SCXML_DATA_JSON, TEXT("{\"n\":\"1\"}") },
                                 .seed = 7,
                                 .is_active = is_active };
    struct scxml_variables *variables = NULL;
    CHECK_I64(scxml_ecmascript.open_session(scripts->evaluator, &frame, &variables), SCXML_DONE);
    scxml_ecmascript.set_time(variables, SCRIPTS_NOW_MS);
    return variables;
}

void scripts_close(struct scxml_variables *variables)
{
    scxml_ecmascript.close_session(variables);
}

enum scxml_verdict scripts_run(struct scripts *scripts, struct scxml_variables *variables,
                               const char *source)
{
    scxml_ecmascript.set_time(variables, SCRIPTS_NOW_MS);
    return scxml_ecmascript.run(variables, scripts_add(scripts, SCXML_SCRIPT, source),
                                &scripts->fault);
}

const char *scripts_value(struct scripts *scripts, struct scxml_variables *variables,
                          const char *source)
{
    struct scxml_payload payload;
    enum scxml_verdict verdict = scxml_ecmascript.value(variables,
                                                        scripts_add(scripts, SCXML_VALUE, source),
                                                        scripts->scope, &payload, &scripts->fault);
    if (verdict != SCXML_DONE) return scope_format(scripts->scope, "! %s", scripts->fault.words).at;
    if (payload.kind == SCXML_DATA_NONE) return "undefined";
    return scope_keep_z(scripts->scope, payload.text);
}

enum scxml_verdict scripts_assign(struct scripts *scripts, struct scxml_variables *variables,
                                  const char *location, const char *expr)
{
    return scxml_ecmascript.assign(variables, scripts_add(scripts, SCXML_LOCATION, location),
                                   scripts_add(scripts, SCXML_VALUE, expr), &scripts->fault);
}

uint64_t scripts_cpu_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}
