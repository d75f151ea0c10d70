/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/scxml/loading.h"
#include "tests/unit/test.h"

#include <string.h>
#include <time.h>

static enum err fetch(void *self, struct text url, struct scope *scope, struct text *body,
                      struct fault *fault)
{
    struct loading *loading = self;
    loading->fetched++;
    for (const struct loading_file *at = loading->files; at && at->url; at++) {
        if (!text_eq(url, text_of(at->url))) continue;
        *body = scope_keep(scope, text_of(at->body));
        return ERR_OK;
    }
    return fault_set(fault, ERR_NOT_FOUND, "src", "there is no '%.*s'", TEXT_ARG(url));
}

const struct scxml_document *loading_whole(struct loading *loading, struct text source)
{
    loading_end(loading);
    loading->scope = scope_new(NULL, "loading", SCOPE_NO_LIMIT);
    struct scxml_load load = { .url = text_of(loading->url ? loading->url : "doc.scxml"),
                               .dialect = loading->dialect,
                               .self = loading,
                               .fetch = fetch };
    loading->findings = (struct scxml_findings){ 0 };
    loading->document = NULL;
    loading->err =
        scxml_load(source, &load, loading->scope, &loading->document, &loading->findings);
    return loading->document;
}

const struct scxml_document *loading_body(struct loading *loading, const char *body)
{
    struct buf source = { 0 };
    buf_format(&source,
               "<scxml xmlns='http://www.w3.org/2005/07/scxml' version='1.0' "
               "datamodel='ecmascript'>\n%s</scxml>",
               body);
    const struct scxml_document *document = loading_whole(loading, buf_text(&source));
    buf_free(&source);
    return document;
}

void loading_check_findings(struct loading *loading, const char *findings)
{
    struct buf out = { 0 }, shown = { 0 };
    scxml_findings_print(&out, &loading->findings);
    struct text rest = buf_text(&out), line, own = TEXT("doc.scxml:");
    while (rest.len && text_next_item(&rest, '\n', &line)) {
        if (text_starts(line, own)) line = text_slice(line, own.len, line.len);
        buf_format(&shown, "%.*s\n", TEXT_ARG(line));
    }
    if (shown.len) shown.len--;
    if (text_ends(buf_text(&shown), TEXT("\n"))) shown.len--;
    test_check_text(buf_text(&shown), text_of(findings), __FILE__, __LINE__);
    buf_free(&out);
    buf_free(&shown);
}

void loading_check(struct loading *loading, const char *source, const char *findings)
{
    bool is_whole = strstr(source, "<scxml") == source || strstr(source, "<?xml") == source;
    if (is_whole)
        (void)loading_whole(loading, text_of(source));
    else
        (void)loading_body(loading, source);
    loading_check_findings(loading, findings);
    bool has_errors = strstr(findings, "error: ") != NULL;
    CHECK((loading->document == NULL) == has_errors);
    CHECK_I64(loading->err, has_errors ? ERR_INVALID : ERR_OK);
}

void loading_end(struct loading *loading)
{
    scope_close(loading->scope);
    loading->scope = NULL;
}

struct text loading_source(const struct scxml_document *document, scxml_expression_id id)
{
    CHECK(id < document->expression_count);
    return document->expressions[id].source;
}

const struct scxml_state *loading_state(const struct scxml_document *document, const char *id)
{
    uint32_t state = scxml_find_state(document, text_of(id));
    CHECK(state != SCXML_NONE);
    return &document->states[state];
}

double loading_ms_since(double *before)
{
    double now = (double)clock() * 1000.0 / CLOCKS_PER_SEC, passed = now - *before;
    *before = now;
    return passed / TEST_SLOWER;
}
