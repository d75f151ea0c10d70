/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses inside documents. An address is taken apart into what stays of the base ("http://host",
 * "file://", nothing) and a path; dot segments are walked, never above the root. */
#include "scxml/load.h"

static size_t scheme_len(struct text address) /* without the colon; 0: none */
{
    size_t len = 0;
    while (len < address.len && ((address.at[len] >= 'a' && address.at[len] <= 'z') ||
                                 (address.at[len] >= 'A' && address.at[len] <= 'Z') ||
                                 (len > 0 && ((address.at[len] >= '0' && address.at[len] <= '9') ||
                                              address.at[len] == '+' || address.at[len] == '-' ||
                                              address.at[len] == '.'))))
        len++;
    return len < address.len && address.at[len] == ':' ? len : 0;
}

struct parts {
    struct text root; /* "http://host:80", "file://" or "" */
    struct text path;
};

static struct parts take_apart(struct text address)
{
    size_t scheme = scheme_len(address), root = 0;
    struct text rest = text_slice(address, scheme ? scheme + 1 : 0, address.len);
    if (scheme == 0) return (struct parts){ .path = address };
    if (text_starts(rest, TEXT("//"))) {
        size_t slash = text_find(rest, '/', 2);
        root = scheme + 1 + (slash == SIZE_MAX ? rest.len : slash);
    } else {
        root = scheme + 1;
    }
    return (struct parts){ .root = text_slice(address, 0, root),
                           .path = text_slice(address, root, address.len) };
}

static struct text folder_of(struct text path)
{
    size_t len = path.len;
    while (len > 0 && path.at[len - 1] != '/') len--;
    return text_slice(path, 0, len);
}

static void step_back(struct buf *out)
{
    if (out->len <= 1) return; /* the root, or nothing */
    size_t len = out->len - 1; /* the slash at its end */
    while (len > 0 && out->at[len - 1] != '/') len--;
    if (text_eq((struct text){ out->at + len, out->len - len }, TEXT("../"))) {
        buf_add(out, TEXT("../"));
        return;
    }
    out->len = len;
}

/* `out` is empty or ends with a slash. A relative path may begin with "../"; a rooted one not. */
static void walk(struct buf *out, struct text path)
{
    size_t from = 0;
    while (from < path.len) {
        size_t slash = text_find(path, '/', from);
        bool is_last = slash == SIZE_MAX;
        struct text segment = text_slice(path, from, (is_last ? path.len : slash) - from);
        from = is_last ? path.len : slash + 1;
        if (text_eq(segment, TEXT("..")) && out->len == 0)
            buf_add(out, TEXT("../"));
        else if (text_eq(segment, TEXT("..")))
            step_back(out);
        else if (!text_eq(segment, TEXT("."))) {
            buf_add(out, segment);
            if (!is_last) buf_add_byte(out, '/');
        }
    }
}

struct text scxml_resolve(struct text base, struct text reference, struct scope *scope)
{
    struct text file = TEXT("file:");
    bool is_file = text_starts(reference, file);
    if (is_file && !text_starts(reference, TEXT("file:/")))
        reference = text_slice(reference, file.len, reference.len);
    if (scheme_len(reference) > 0) return scope_keep(scope, reference);
    if (reference.len == 0) return scope_keep(scope, base);

    struct parts parts = take_apart(base);
    struct buf path = { 0 };
    if (reference.at[0] == '/')
        buf_add_byte(&path, '/');
    else {
        struct text folder = folder_of(parts.path);
        if (folder.len == 0 && parts.root.len) buf_add_byte(&path, '/');
        buf_add(&path, folder);
    }
    walk(&path, reference.at[0] == '/' ? text_slice(reference, 1, reference.len) : reference);
    struct text out =
        scope_format(scope, "%.*s%.*s", TEXT_ARG(parts.root), TEXT_ARG(buf_text(&path)));
    buf_free(&path);
    return out;
}
