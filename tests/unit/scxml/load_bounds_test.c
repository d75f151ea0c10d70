/* SPDX-License-Identifier: Apache-2.0 */
/* What hostile documents cost: each within 100 ms of CPU (loading_ms_since). */
#include "scxml/load.h"
#include "tests/unit/scxml/loading.h"
#include "tests/unit/test.h"

#include <string.h>

static void repeat(struct buf *out, const char *what, size_t times)
{
    for (size_t i = 0; i < times; i++) buf_add_z(out, what);
}

static void check_bomb(const char *head, const char *what, size_t times, const char *tail,
                       const char *findings)
{
    struct loading loading = { 0 };
    struct buf body = { 0 };
    buf_add_z(&body, head);
    repeat(&body, what, times);
    buf_add_z(&body, tail);
    buf_add_byte(&body, '\0');
    double clock_ms = 0;
    (void)loading_ms_since(&clock_ms);
    (void)loading_body(&loading, body.at);
    CHECK(loading_ms_since(&clock_ms) < 100);
    struct buf found = { 0 };
    scxml_findings_print(&found, &loading.findings);
    buf_add_byte(&found, '\0');
    if (strstr(found.at, findings) == NULL) print_error("%.300s\n", found.at);
    CHECK(strstr(found.at, findings));
    buf_free(&found);
    CHECK(scope_bytes(loading.scope) < 32 * 1024 * 1024);
    CHECK(loading.document == NULL);
    buf_free(&body);
    loading_end(&loading);
}

TEST(a_document_past_its_bounds_is_refused_within_100_ms)
{
    check_bomb("", "<state>", 200000, "", "2:1786: error: more than 256 elements one in another");
    check_bomb("", "<state/>", 100000, "", "2:159993: error: more than 20000 elements");
    check_bomb("<state/><!--", "x", 2 * 1024 * 1024, "-->", "1:1: error: more than 2097152 bytes");
    check_bomb("", "<!DOCTYPE a [<!ENTITY a '&a;&a;'>]>", 1, "<state/>",
               "2:2: error: StartTag: invalid element name");
}

TEST(documents_within_documents_take_no_long_time)
{
    struct loading loading = { 0 };
    struct buf body = { 0 };
    const int depth = 60;
    for (int i = 0; i < depth; i++)
        buf_add_z(&body, "<state><invoke><content><scxml version='1.0'>");
    buf_add_z(&body, "<state/><!--");
    repeat(&body, "x", 1000000);
    buf_add_z(&body, "-->");
    repeat(&body, "<log/>", 10000);
    for (int i = 0; i < depth; i++) buf_add_z(&body, "</scxml></content></invoke></state>");
    buf_add_byte(&body, '\0');
    double clock_ms = 0;
    (void)loading_ms_since(&clock_ms);
    CHECK(loading_body(&loading, body.at) == NULL);
    CHECK(loading_ms_since(&clock_ms) < 100);
    CHECK_U32(loading.findings.error_count, SCXML_FINDINGS_MAX);
    buf_free(&body);
    loading_end(&loading);
}

TEST(what_small_text_swells_to_is_bounded)
{
    struct buf head = { 0 };
    buf_add_z(&head, "<q:x xmlns:q='");
    repeat(&head, "u", 500000);
    buf_add_z(&head, "'/><state xmlns:p='");
    repeat(&head, "u", 500000);
    buf_add_z(&head, "'><datamodel>");
    buf_add_byte(&head, '\0');
    check_bomb(head.at, "<data id='a'><x/></data>", 8000, "</datamodel></state>",
               "values between tags come to more than 4194304 bytes of XML");
    buf_free(&head);

    for (int i = 0; i < 120; i++) buf_format(&head, "<state xmlns:p%d='u' a='1' b='1'>", i);
    buf_add_z(&head, "<datamodel>");
    buf_add_byte(&head, '\0');
    struct buf tail = { 0 };
    buf_add_z(&tail, "</datamodel>");
    repeat(&tail, "</state>", 120);
    buf_add_byte(&tail, '\0');
    check_bomb(head.at, "<data id='a'><x/></data>", 8000, tail.at,
               "values between tags come to more than 4194304 bytes of XML");
    buf_free(&head);
    buf_free(&tail);

    check_bomb("<state><onentry><send event='e' namelist='", "a ", 1000000, "'/></onentry></state>",
               "2:33: error: more than 100000 expressions");
}

TEST(no_more_than_100_findings_of_a_kind_are_kept)
{
    struct loading loading = { 0 };
    struct buf body = { 0 };
    repeat(&body, "<state what='1'><transition target='nowhere'/></state>\n", 3000);
    buf_add_byte(&body, '\0');
    double clock_ms = 0;
    (void)loading_ms_since(&clock_ms);
    CHECK(loading_body(&loading, body.at) == NULL);
    CHECK(loading_ms_since(&clock_ms) < 100);
    CHECK_U32(loading.findings.error_count, SCXML_FINDINGS_MAX);
    CHECK_U32(loading.findings.warning_count, SCXML_FINDINGS_MAX);
    buf_free(&body);
    loading_end(&loading);
}

TEST(many_near_misses_take_no_long_time)
{
    struct loading loading = { 0 };
    struct buf body = { 0 };
    for (int i = 0; i < 9000; i++) buf_format(&body, "<state id='%045d'/>", i);
    repeat(&body,
           "<state><transition target='000000000000000000000000000000000000000000x00'/>"
           "</state>",
           90);
    buf_add_byte(&body, '\0');
    double clock_ms = 0;
    (void)loading_ms_since(&clock_ms);
    CHECK(loading_body(&loading, body.at) == NULL);
    CHECK(loading_ms_since(&clock_ms) < 100);
    CHECK_U32(loading.findings.error_count, 90);
    buf_free(&body);
    loading_end(&loading);
}

TEST(a_crowd_of_targets_takes_no_long_time)
{
    struct loading loading = { 0 };
    struct buf body = { 0 };
    buf_add_z(&body, "<parallel id='p'>");
    for (int i = 0; i < 9000; i++) buf_format(&body, "<state id='s%d'/>", i);
    buf_add_z(&body, "</parallel><state><transition target='");
    for (int i = 9000; i-- > 0;) buf_format(&body, "s%d p ", i);
    buf_add_z(&body, "'/></state>");
    buf_add_byte(&body, '\0');
    double clock_ms = 0;
    (void)loading_ms_since(&clock_ms);
    const struct scxml_document *document = loading_body(&loading, body.at);
    CHECK(loading_ms_since(&clock_ms) < 100);
    CHECK(document);
    CHECK_U32(document->transitions[0].target_count, 9001);
    buf_free(&body);
    loading_end(&loading);
}

TEST(the_largest_document_is_compiled_in_time)
{
    struct loading loading = { 0 };
    struct buf body = { 0 };
    for (int i = 0; i < 3900; i++)
        buf_format(&body,
                   "<state id='state_%d'><onentry><log label='entered' expr='\"state %d\" + x'/>"
                   "</onentry><transition event='next.*' cond='x > %d' target='state_%d'>"
                   "<assign location='x' expr='x + %d'/></transition><!-- %0290d --></state>\n",
                   i, i, i, (i + 1) % 3900, i, i);
    buf_add_byte(&body, '\0');
    CHECK(body.len > 1900000);
    double clock_ms = 0;
    (void)loading_ms_since(&clock_ms);
    const struct scxml_document *document = loading_body(&loading, body.at);
    CHECK(loading_ms_since(&clock_ms) < 500);
    CHECK(document);
    CHECK_U32(document->state_count, 3901);
    buf_free(&body);
    loading_end(&loading);
}

TEST(every_prefix_of_a_document_is_refused_with_words)
{
    struct loading loading = { 0 };
    const char *whole = "<scxml xmlns='http://www.w3.org/2005/07/scxml' version='1.0'>"
                        "<state id='a'><transition event='e' target='a'/></state></scxml>";
    for (size_t len = 0; len < strlen(whole); len++) {
        CHECK(loading_whole(&loading, (struct text){ whole, len }) == NULL);
        CHECK_U32(loading.findings.error_count, 1);
    }
    CHECK(loading_whole(&loading, text_of(whole)));
    loading_end(&loading);
}
