/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/outbound/http_proxy/settings.h"

#include "tests/unit/test.h"

static struct pair filter_pair = { .name = { "GSW_PHONE", 9 } };

static struct proxy_settings some(struct common_options *common)
{
    filter_pair.value = (struct value){ .kind = VALUE_TEXT, .text = TEXT("hide-first,4") };
    *common = (struct common_options){
        .log_verbose = TEXT("trace"),
        .log_all = TEXT("stdout, outbound"),
        .log_segment = TEXT("10 MB"),
        .log_expire = TEXT("3"),
        .log_message_format = TEXT("json"),
        .log_time_format = TEXT("time"),
        .log_time_convert = TEXT("utc"),
        .log_filter_default_filter_type = TEXT("copy"),
        .log_filter_data = { &filter_pair, 1 },
    };
    return (struct proxy_settings){
        .application = TEXT("outbound"),
        .host = TEXT("\xd1\x85"),
        .logs_dir = TEXT("/a \"b\""),
        .ports = { .at = { { .id = TEXT("http"),
                             .address = TEXT("127.0.0.1:6101"),
                             .number = 6101 },
                           { .id = TEXT("https"),
                             .address = TEXT("127.0.0.1:6102"),
                             .number = 6102,
                             .detects_tls = true,
                             .told = TEXT("certificate=/c.pem (port)"),
                             .tls = { .is_on = true,
                                      .is_mutual = true,
                                      .certificate = TEXT("/c;.pem"),
                                      .certificate_key = TEXT("/k.pem"),
                                      .trusted_ca = TEXT("/ca"),
                                      .crl = TEXT("/crl"),
                                      .cipher_list = TEXT("HIGH"),
                                      .only = TLS_VERSION_1_3,
                                      .at_least = TLS_VERSION_1_2 } } },
                   .count = 2 },
        .encoding = TEXT("ISO-8859-1"),
        .custom_headers = TEXT("X-A: 1\nX-B: 2"),
        .host_custom_headers = TEXT(""),
        .reconnect_s = 5,
        .response_timeout_s = 600,
        .common = common,
    };
}

TEST(what_the_parent_writes_is_what_the_child_reads)
{
    struct scope *scope = scope_new(NULL, "test", SCOPE_NO_LIMIT);
    struct common_options common;
    struct proxy_settings settings = some(&common), read;
    struct buf json = { 0 };
    struct fault fault;
    proxy_settings_write(&json, &settings);
    CHECK_OK(proxy_settings_read(buf_text(&json), scope, &read, &fault));
    CHECK_TEXT(read.application, "outbound");
    CHECK_TEXT(read.host, "\xd1\x85");
    CHECK_TEXT(read.logs_dir, "/a \"b\"");
    CHECK_U32(read.ports.count, 2);
    CHECK_TEXT(read.ports.at[0].address, "127.0.0.1:6101");
    CHECK_U32(read.ports.at[0].number, 6101);
    CHECK(!read.ports.at[0].tls.is_on && !read.ports.at[0].detects_tls);
    const struct proxy_port *secure = proxy_ports_find_id(&read.ports, TEXT("https"));
    CHECK(secure->detects_tls && secure->tls.is_on && secure->tls.is_mutual);
    CHECK(!secure->tls.is_name_unchecked && !secure->tls.needs_fips);
    CHECK_TEXT(secure->told, "certificate=/c.pem (port)");
    CHECK_TEXT(secure->tls.certificate, "/c;.pem");
    CHECK_TEXT(secure->tls.certificate_key, "/k.pem");
    CHECK_TEXT(secure->tls.trusted_ca, "/ca");
    CHECK_TEXT(secure->tls.crl, "/crl");
    CHECK_TEXT(secure->tls.cipher_list, "HIGH");
    CHECK_U32(secure->tls.only, TLS_VERSION_1_3);
    CHECK_U32(secure->tls.at_least, TLS_VERSION_1_2);
    CHECK_TEXT(read.encoding, "ISO-8859-1");
    CHECK_TEXT(read.custom_headers, "X-A: 1\nX-B: 2");
    CHECK_U32(read.reconnect_s, 5);
    CHECK_U32(read.response_timeout_s, 600);
    CHECK_TEXT(read.common->log_verbose, "trace");
    CHECK_TEXT(read.common->log_all, "stdout, outbound");
    CHECK_TEXT(read.common->log_message_format, "json");
    CHECK_U32(read.common->log_filter_data.count, 1);
    CHECK_TEXT(read.common->log_filter_data.at[0].name, "GSW_PHONE");
    CHECK_TEXT(read.common->log_filter_data.at[0].value.text, "hide-first,4");
    buf_free(&json);
    scope_close(scope);
}

TEST(a_missing_or_mistyped_member_is_named)
{
    struct scope *scope = scope_new(NULL, "test", SCOPE_NO_LIMIT);
    struct proxy_settings read;
    struct fault fault;
    CHECK_U32(proxy_settings_read(TEXT("{\"application\":1}"), scope, &read, &fault), ERR_INVALID);
    CHECK_TEXT(text_of(fault.field), "application");
    CHECK_U32(proxy_settings_read(
                  TEXT("{\"application\":\"\",\"host\":\"\",\"logs\":\"\",\"encoding\":\"\","
                       "\"customHeaders\":\"\",\"hostCustomHeaders\":\"\",\"reconnect\":1,"
                       "\"responseTimeout\":1,\"ports\":[{\"id\":\"\",\"address\":1}]}"),
                  scope, &read, &fault),
              ERR_INVALID);
    CHECK_TEXT(text_of(fault.field), "address");
    CHECK_U32(proxy_settings_read(TEXT("[]"), scope, &read, &fault), ERR_INVALID);
    CHECK_U32(proxy_settings_read(TEXT(""), scope, &read, &fault), ERR_INVALID);
    scope_close(scope);
}
