/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/scxml_check.h"

#include "cli/scxml_file.h"
#include "format/json.h"
#include "scxml/draw.h"
#include "scxml/ecmascript.h"

#include <stdio.h>

/* A file that cannot be read is a finding, too. Of a refused document there is what its expressions
 * need. */
static void load(struct text path, struct scope *scope, struct scxml_document **document,
                 struct scxml_findings *findings)
{
    struct fault fault = { 0 };
    struct text source;
    const struct scxml_load how = { .url = path,
                                    .wants_expressions = true,
                                    .fetch = scxml_file_fetch };
    enum err err = scxml_file_fetch(NULL, path, scope, &source, &fault);
    if (err) {
        scxml_find(findings, scope, false, path, (struct scxml_place){ 0 }, "%s", fault.words);
        return;
    }
    (void)scxml_load(source, &how, scope, document, findings);
}

static void check(struct text path, struct scope *scope, struct scxml_findings *findings)
{
    struct scxml_document *document = NULL;
    load(path, scope, &document, findings);
    if (document && document->is_ecmascript)
        (void)scxml_ecmascript_check(document, true, scope, findings);
}

static void print_json(struct buf *out, const struct scxml_findings *findings)
{
    for (const struct scxml_finding *one = findings->first; one; one = one->next) {
        struct json_writer json = json_writer(out);
        json_begin_object(&json);
        json_put_name(&json, TEXT("file"));
        json_put_text(&json, one->file);
        json_put_name(&json, TEXT("line"));
        json_put_u64(&json, one->place.line);
        json_put_name(&json, TEXT("column"));
        json_put_u64(&json, one->place.column);
        json_put_name(&json, TEXT("severity"));
        json_put_text(&json, one->is_warning ? TEXT("warning") : TEXT("error"));
        json_put_name(&json, TEXT("words"));
        json_put_text(&json, one->words);
        json_end_object(&json);
        buf_add_byte(out, '\n');
    }
}

static int written(const struct buf *out, int status)
{
    bool is_written = (out->len == 0 || fwrite(out->at, 1, out->len, stdout) == out->len) &&
                      fflush(stdout) == 0;
    if (!is_written) fprintf(stderr, "carillon scxml: the output was not written\n");
    return is_written ? status : 1;
}

int scxml_check(char *const *paths, int count, bool wants_json)
{
    struct buf out = { 0 };
    int status = 0;
    for (int i = 0; i < count; i++) {
        struct scope *scope = scope_new(NULL, "scxml check", SCOPE_NO_LIMIT);
        struct scxml_findings findings = { 0 };
        check(text_of(paths[i]), scope, &findings);
        if (wants_json)
            print_json(&out, &findings);
        else
            scxml_findings_print(&out, &findings);
        if (findings.error_count) status = 2;
        scope_close(scope);
    }
    status = written(&out, status);
    buf_free(&out);
    return status;
}

int scxml_draw_file(const char *path)
{
    struct scope *scope = scope_new(NULL, "scxml draw", SCOPE_NO_LIMIT);
    struct scxml_findings findings = { 0 };
    struct scxml_document *document = NULL;
    struct buf out = { 0 };
    int status = 2;
    load(text_of(path), scope, &document, &findings);
    if (findings.error_count) {
        scxml_findings_print(&out, &findings);
        (void)fwrite(out.at, 1, out.len, stderr);
    } else {
        scxml_draw(document, &out);
        status = written(&out, 0);
    }
    buf_free(&out);
    scope_close(scope);
    return status;
}
