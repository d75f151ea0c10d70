/* SPDX-License-Identifier: Apache-2.0 */
#include "scxml/load.h"
#include "tests/unit/test.h"

TEST(an_address_is_resolved_beside_its_document)
{
    static const char *const cases[][3] = {
        { "/a/b/main.scxml", "child.scxml", "/a/b/child.scxml" },
        { "/a/b/main.scxml", "file:child.scxml", "/a/b/child.scxml" },
        { "/a/b/main.scxml", "../c/./child.scxml", "/a/c/child.scxml" },
        { "/a/main.scxml", "../../../x", "/x" },
        { "/a/main.scxml", "/x/y", "/x/y" },
        { "/a/main.scxml", "", "/a/main.scxml" },
        { "main.scxml", "child.scxml", "child.scxml" },
        { "main.scxml", "../child.scxml", "../child.scxml" },
        { "../main.scxml", "../child.scxml", "../../child.scxml" },
        { "here/main.scxml", "../child.scxml", "child.scxml" },
        { "file:///a/main.scxml", "child.scxml", "file:///a/child.scxml" },
        { "file:///a/main.scxml", "file:child.scxml", "file:///a/child.scxml" },
        { "http://h:80/a/main.scxml", "../b?c=1", "http://h:80/b?c=1" },
        { "http://h", "b", "http://h/b" },
        { "http://h/a/", "/b", "http://h/b" },
        { "/a/main.scxml", "http://h/x", "http://h/x" },
        { "http://h/a", "file:///etc/passwd", "file:///etc/passwd" },
        { "", "x", "x" },
    };
    struct scope *scope = scope_new(NULL, "test", SCOPE_NO_LIMIT);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        CHECK_TEXT(scxml_resolve(text_of(cases[i][0]), text_of(cases[i][1]), scope), cases[i][2]);
    scope_close(scope);
}
