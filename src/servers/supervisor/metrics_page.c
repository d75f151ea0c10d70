/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/supervisor/metrics_page.h"

#include "base/list.h"
#include "base/table.h"

struct family {
    struct list node;
    struct text name;
    struct text help, type; /* whole lines, the first that came */
    struct buf samples;
};

struct metrics_page {
    struct scope *life;
    struct table *by_name;
    struct list families; /* in the order of their first line */
};

static void free_families(void *self)
{
    struct metrics_page *page = self;
    LIST_EACH (node, &page->families) buf_free(&LIST_OBJECT(node, struct family, node)->samples);
}

struct metrics_page *metrics_page_new(struct scope *owner)
{
    struct metrics_page *page = scope_alloc(owner, sizeof *page);
    *page = (struct metrics_page){ .life = owner, .by_name = table_new(owner) };
    list_init(&page->families);
    scope_on_close(owner, free_families, page);
    return page;
}

static struct family *family_get(struct metrics_page *page, struct text name)
{
    struct family *family = table_get(page->by_name, name);
    if (family != NULL) return family;
    family = scope_alloc(page->life, sizeof *family);
    family->name = scope_keep(page->life, name);
    list_add_last(&page->families, &family->node);
    table_put(page->by_name, family->name, family);
    return family;
}

/* "# HELP name words": keeps the first line of each kind. */
static bool take_comment(struct metrics_page *page, struct text line, struct text prefix)
{
    if (!text_starts(line, prefix)) return false;
    struct text rest = text_slice(line, prefix.len, SIZE_MAX), name = rest, words;
    text_cut(rest, ' ', &name, &words);
    struct family *family = family_get(page, name);
    struct text *kept = line.at[2] == 'H' ? &family->help : &family->type;
    if (kept->len == 0) *kept = scope_keep(page->life, line);
    return true;
}

static void take_sample(struct metrics_page *page, struct text line)
{
    size_t end = 0;
    while (end < line.len && line.at[end] != '{' && line.at[end] != ' ') end++;
    if (end == 0 || end == line.len) return;
    struct family *family = family_get(page, text_slice(line, 0, end));
    buf_add(&family->samples, line);
    buf_add_byte(&family->samples, '\n');
}

void metrics_page_add(struct metrics_page *page, struct text text)
{
    while (text.len > 0) {
        struct text line = text;
        if (!text_cut(text, '\n', &line, &text)) text = (struct text){ 0 };
        if (line.len == 0 || take_comment(page, line, TEXT("# HELP ")) ||
            take_comment(page, line, TEXT("# TYPE ")) || line.at[0] == '#')
            continue;
        take_sample(page, line);
    }
}

static void print_line(struct text line, struct buf *out)
{
    if (line.len == 0) return;
    buf_add(out, line);
    buf_add_byte(out, '\n');
}

void metrics_page_print(const struct metrics_page *page, struct buf *out)
{
    LIST_EACH (node, &page->families) {
        const struct family *family = LIST_OBJECT(node, struct family, node);
        if (family->samples.len == 0) continue;
        print_line(family->help, out);
        print_line(family->type, out);
        buf_add(out, buf_text(&family->samples));
    }
}
