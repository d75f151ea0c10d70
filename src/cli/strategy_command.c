/* SPDX-License-Identifier: Apache-2.0 */
/* carillon strategy: strategy files checked, compiled to SCXML, drawn. Begin at strategy(). */
#include "cli/command.h"
#include "cli/scxml_file.h"
#include "scxml/draw.h"
#include "strategy/compile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct words {
    const char *deed, *folder, *name;
};

static int wrong_use(const char *words)
{
    fprintf(stderr, "carillon strategy: %s (see: carillon help strategy)\n", words);
    return 2;
}

static enum err read_sources(char *const *paths, uint32_t count, struct scope *scope,
                             struct strategy_source **out)
{
    struct strategy_source *sources = scope_alloc_array(scope, count, sizeof *sources);
    enum err first = ERR_OK;
    for (uint32_t i = 0; i < count; i++) {
        struct fault fault = { 0 };
        sources[i].name = text_of(paths[i]);
        enum err err = scxml_file_fetch(NULL, sources[i].name, scope, &sources[i].text, &fault);
        if (err) fprintf(stderr, "carillon strategy: %s\n", fault.words);
        if (!first) first = err;
    }
    *out = sources;
    return first;
}

static void print_findings(const struct strategy_findings *findings, char *const *paths,
                           uint32_t count, FILE *to)
{
    struct text *names = scope_alloc_array(findings->scope, count, sizeof *names);
    struct buf out = { 0 };
    for (uint32_t i = 0; i < count; i++) names[i] = text_of(paths[i]);
    strategy_findings_print(&out, findings, names);
    (void)fwrite(out.at ? out.at : "", 1, out.len, to);
    buf_free(&out);
}

/* --- output: into a folder, or one behind the other --- */

static bool write_all(int file, struct text bytes)
{
    while (bytes.len > 0) {
        ssize_t written = write(file, bytes.at, bytes.len);
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return false;
        bytes = text_slice(bytes, (size_t)written, bytes.len);
    }
    return true;
}

static bool write_file(const char *folder, struct text name, struct text bytes, struct scope *scope)
{
    const char *path = scope_format(scope, "%s/%.*s", folder, TEXT_ARG(name)).at;
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    bool is_fine = file >= 0 && write_all(file, bytes);
    if (file >= 0 && close(file) != 0) is_fine = false;
    if (!is_fine) fprintf(stderr, "carillon strategy: %s: %s\n", path, strerror(errno));
    return is_fine;
}

static bool is_wanted(const struct words *words, const struct strategy_output *output)
{
    return words->name == NULL || text_eq(output->name, text_of(words->name));
}

static struct text file_name(const struct strategy_output *output, bool is_drawing,
                             struct scope *scope)
{
    if (!is_drawing) return output->file_name;
    struct text stem = text_slice(output->file_name, 0, output->file_name.len - strlen("scxml"));
    return scope_format(scope, "%.*ssvg", TEXT_ARG(stem));
}

/* What the engine says of a document that we made is our own mistake, and told as such. */
static bool draw(const struct strategy_output *output, struct scope *scope, struct text *out)
{
    struct scxml_findings findings = { 0 };
    struct scxml_document *document;
    struct scxml_load how = { .url = output->file_name };
    struct buf drawing = { 0 }, words = { 0 };
    if (scxml_load(output->text, &how, scope, &document, &findings)) {
        scxml_findings_print(&words, &findings);
        fprintf(stderr, "%.*s", TEXT_ARG(buf_text(&words)));
        buf_free(&words);
        return false;
    }
    scxml_draw(document, &drawing);
    *out = scope_keep(scope, buf_text(&drawing));
    buf_free(&drawing);
    return true;
}

static int put_out(const struct words *words, const struct strategy_output *first,
                   struct scope *scope)
{
    bool is_drawing = strcmp(words->deed, "draw") == 0;
    uint32_t count = 0;
    for (const struct strategy_output *at = first; at != NULL; at = at->next)
        count += is_wanted(words, at) && (at->is_document || !is_drawing);
    if (count == 0) {
        fprintf(stderr, "carillon strategy: %s is nowhere in the files\n",
                words->name ? words->name : "a strategy");
        return 1;
    }
    if (words->folder && mkdir(words->folder, 0777) != 0 && errno != EEXIST) {
        fprintf(stderr, "carillon strategy: %s: %s\n", words->folder, strerror(errno));
        return 1;
    }
    if (is_drawing && count > 1 && words->folder == NULL)
        return wrong_use("several strategies: --name one of them, or --out a folder for all");
    for (const struct strategy_output *at = first; at != NULL; at = at->next) {
        struct text bytes = at->text;
        if (!is_wanted(words, at) || (is_drawing && !at->is_document)) continue;
        struct text name = file_name(at, is_drawing, scope);
        if (is_drawing && !draw(at, scope, &bytes)) return 1;
        if (words->folder != NULL) {
            if (!write_file(words->folder, name, bytes, scope)) return 1;
            continue;
        }
        if (count > 1) printf("==> %.*s <==\n", TEXT_ARG(name));
        if (fwrite(bytes.at, 1, bytes.len, stdout) != bytes.len) return 1;
    }
    return fflush(stdout) == 0 ? 0 : 1;
}

static int build(const struct words *words, char *const *paths, uint32_t count)
{
    struct scope *scope = scope_new(NULL, "strategy", SCOPE_NO_LIMIT);
    struct strategy_findings findings = strategy_findings_in(scope);
    struct strategy_source *sources;
    struct strategy_output *output = NULL;
    bool is_check = strcmp(words->deed, "check") == 0;
    int status = read_sources(paths, count, scope, &sources) ? 2 : 0;
    if (status == 0 && strategy_build(sources, count, scope, &output, &findings)) status = 2;
    print_findings(&findings, paths, count, is_check ? stdout : stderr);
    if (status == 0 && !is_check) status = put_out(words, output, scope);
    scope_close(scope);
    return status;
}

static int strategy(int argc, char **argv)
{
    struct words words = {
        .folder = command_take_option(&argc, argv, "--out"),
        .name = command_take_option(&argc, argv, "--name"),
    };
    if (!command_knows_all(argc, argv)) return 2;
    words.deed = argc > 1 ? argv[1] : "";
    bool is_check = strcmp(words.deed, "check") == 0;
    if (!is_check && strcmp(words.deed, "compile") != 0 && strcmp(words.deed, "draw") != 0)
        return wrong_use("compile, check or draw?");
    if (argc < 3) return wrong_use("which file?");
    if (is_check && (words.folder || words.name))
        return wrong_use("--out and --name are of compile and draw");
    if ((words.folder && words.folder[0] == 0) || (words.name && words.name[0] == 0))
        return wrong_use("--out and --name want a word behind them");
    return build(&words, argv + 2, (uint32_t)(argc - 2));
}

const struct command strategy_command = {
    .name = "strategy",
    .arguments = "check FILE... | compile [--out DIR] [--name NAME] FILE... | draw ...",
    .help = "check strategies, compile them to state charts (SCXML), draw them",
    .more = "The files of one call are one program: they may name each other's queues, strategies\n"
            "and subroutines. docs/strategies.md is the notation.\n\n"
            "  check     every mistake, \"file:line:column: error: words\"\n"
            "  compile   a .scxml for each strategy and subroutine, a .json for each process\n"
            "  draw      a state chart (SVG) of each strategy and subroutine\n\n"
            "  --out DIR    into this folder, which is made; else to standard output\n"
            "  --name NAME  this strategy, subroutine or process alone\n\n"
            "Exit code: 0 done (warnings are told), 1 the output could not be written, 2 errors in "
            "the files.\n",
    .run = strategy,
};
