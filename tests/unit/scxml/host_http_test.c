/* SPDX-License-Identifier: Apache-2.0 */
#include "scxml/event.h"
#include "scxml/host_http.h"
#include "tests/unit/test.h"

#define FORM "application/x-www-form-urlencoded"

static struct scope *scope;
static struct buf body;
static struct text content_type;

static void write_body(const struct scxml_message *message)
{
    buf_clear(&body);
    scxml_http_body(message, &body, &content_type);
}

static struct scxml_event read_request(const char *type, const char *query, const char *text)
{
    const struct scxml_http_request request = { .method = TEXT("POST"),
                                                .query = text_of(query),
                                                .content_type = text_of(type),
                                                .body = text_of(text),
                                                .raw = TEXT("POST / HTTP/1.1") };
    struct scxml_event event = { 0 };
    CHECK_OK(scxml_http_event(&request, scope, &event, NULL));
    return event;
}

static enum err refusal(const char *method, const char *text)
{
    const struct scxml_http_request request = { .method = text_of(method),
                                                .content_type = TEXT(FORM),
                                                .body = text_of(text) };
    struct scxml_event event;
    return scxml_http_event(&request, scope, &event, NULL);
}

static void open(void)
{
    scope = scope_new(NULL, "test", SCOPE_NO_LIMIT);
}

static void close(void)
{
    buf_free(&body);
    scope_close(scope);
}

TEST(a_send_is_a_form_with_its_event_and_its_pairs)
{
    open();
    const struct scxml_pair b = { .name = TEXT("b c"),
                                  .value = { SCXML_DATA_JSON, TEXT("\"x&y\"") } };
    const struct scxml_pair a = { .next = &b,
                                  .name = TEXT("a"),
                                  .value = { SCXML_DATA_JSON, TEXT("2") } };
    write_body(&(struct scxml_message){ .event.name = TEXT("go"), .pairs = &a });
    CHECK_TEXT(buf_text(&body), "_scxmleventname=go&a=2&b%20c=x%26y");
    CHECK_TEXT(content_type, FORM);
    close();
}

TEST(content_is_the_body)
{
    open();
    struct scxml_message message = { .has_content = true,
                                     .event.data = { SCXML_DATA_TEXT, TEXT("some content") } };
    write_body(&message);
    CHECK_TEXT(buf_text(&body), "some%20content");
    CHECK_TEXT(content_type, FORM);
    message.event.data = (struct scxml_payload){ SCXML_DATA_JSON, TEXT("{\"a\":1}") };
    write_body(&message);
    CHECK_TEXT(buf_text(&body), "{\"a\":1}");
    CHECK_TEXT(content_type, "application/json");
    message.event.data = (struct scxml_payload){ SCXML_DATA_XML, TEXT("<a/>") };
    write_body(&message);
    CHECK_TEXT(buf_text(&body), "<a/>");
    CHECK_TEXT(content_type, "application/xml");
    close();
}

TEST(a_form_is_an_event_with_an_object)
{
    open();
    struct scxml_event event =
        read_request(FORM "; charset=utf-8", "", "x=1&_scxmleventname=go&y=a+b&x=2");
    CHECK_TEXT(event.name, "go");
    CHECK_I64(event.type, SCXML_EXTERNAL);
    CHECK_TEXT(event.origin_type, SCXML_HTTP_PROCESSOR);
    CHECK_TEXT(event.raw, "POST / HTTP/1.1");
    CHECK_I64(event.data.kind, SCXML_DATA_JSON);
    CHECK_TEXT(event.data.text, "{\"x\":[\"1\",\"2\"],\"y\":\"a b\"}");
    close();
}

TEST(a_request_without_an_event_name_is_named_after_its_method)
{
    open();
    struct scxml_event event = read_request(FORM, "", "some%20content");
    CHECK_TEXT(event.name, "HTTP.POST");
    CHECK_I64(event.data.kind, SCXML_DATA_BODY);
    CHECK_TEXT(event.data.text, "some content");
    event = read_request(FORM, "", "");
    CHECK_TEXT(event.name, "HTTP.POST");
    CHECK_I64(event.data.kind, SCXML_DATA_NONE);
    close();
}

TEST(a_body_that_is_no_form_is_the_data_and_the_query_names_the_event)
{
    open();
    struct scxml_event event =
        read_request("application/json", "_scxmleventname=order", "{\"n\":1}");
    CHECK_TEXT(event.name, "order");
    CHECK_I64(event.data.kind, SCXML_DATA_BODY);
    CHECK_TEXT(event.data.text, "{\"n\":1}");
    close();
}

TEST(what_is_no_event_is_refused)
{
    open();
    CHECK_I64(refusal("GET", ""), ERR_UNSUPPORTED);
    CHECK_I64(refusal("POST", "a=%zz"), ERR_INVALID);
    CHECK_I64(refusal("POST", "a=%ff"), ERR_INVALID);
    close();
}

TEST(what_is_written_is_read_back)
{
    open();
    const struct scxml_pair b = { .name = TEXT("b"),
                                  .value = { SCXML_DATA_TEXT, TEXT("=&%+ \xc3\xa9") } };
    const struct scxml_pair a = { .next = &b,
                                  .name = TEXT("a"),
                                  .value = { SCXML_DATA_TEXT, TEXT("") } };
    write_body(&(struct scxml_message){ .event.name = TEXT("e.f"), .pairs = &a });
    buf_add_byte(&body, 0);
    struct scxml_event event = read_request(FORM, "", body.at);
    CHECK_TEXT(event.name, "e.f");
    CHECK_TEXT(event.data.text, "{\"a\":\"\",\"b\":\"=&%+ \xc3\xa9\"}");
    close();
}
