/* SPDX-License-Identifier: Apache-2.0 */
/* settings_fuzz.c - texts inside options: headers, addresses, TLS, log filters, secrets.
 * Nothing of them splits a message or a connection string, or shows what it hides. */
#include "tests/fuzz/fuzz.h"

#include "io/http/signature.h"
#include "io/net/address.h"
#include "io/net/tls.h"
#include "model/log_filter.h"
#include "servers/outbound/access_point.h"
#include "servers/outbound/http_proxy/custom_headers.h"

#include <string.h>

static void on_refused(void *self, struct text name, const char *rule)
{
    (void)name;
    (*(uint32_t *)self)++;
    FUZZ_CHECK(rule && rule[0]);
}

static void check_header(const struct custom_header *header)
{
    FUZZ_CHECK(header->name.len > 0);
    FUZZ_CHECK(header->name.len + header->value.len <= CUSTOM_HEADER_BYTES_MAX);
    for (size_t i = 0; i < header->name.len; i++)
        FUZZ_CHECK(header->name.at[i] > ' ' && header->name.at[i] < 0x7f &&
                   header->name.at[i] != ':');
    for (size_t i = 0; i < header->value.len; i++) {
        char byte = header->value.at[i];
        FUZZ_CHECK(byte != '\r' && byte != '\n' && byte != '\0');
    }
    FUZZ_CHECK(!text_eq_fold(header->name, TEXT("Content-Length")));
    FUZZ_CHECK(!text_eq_fold(header->name, TEXT("Transfer-Encoding")));
}

static void check_headers(struct text in)
{
    static struct custom_headers headers;
    struct text own = in, host = in;
    uint32_t refused = 0;
    (void)text_cut(in, '\1', &own, &host);
    for (int use = HEADERS_OF_RESPONSES; use <= HEADERS_OF_NOTIFICATIONS; use++) {
        headers.count = 0;
        custom_headers_add(&headers, own, (enum custom_header_use)use, on_refused, &refused);
        custom_headers_add(&headers, host, (enum custom_header_use)use, NULL, NULL);
        FUZZ_CHECK(headers.count <= CUSTOM_HEADERS_MAX);
        for (uint32_t i = 0; i < headers.count; i++) check_header(&headers.at[i]);
    }
}

static void check_address(struct text in)
{
    struct address address, again;
    struct fault fault = { 0 };
    char written[ADDRESS_TEXT_BYTES];
    enum err err = address_parse(in, &address, &fault);
    if (err) {
        FUZZ_CHECK(fault.words[0] && fault.err == err);
        return;
    }
    address_format(&address, written);
    if (address_is_unix(&address)) return;
    FUZZ_CHECK(address_parse(text_of(written), &again, NULL) == ERR_OK);
    FUZZ_CHECK(address_eq(&address, &again) && address_port(&address) == address_port(&again));
    FUZZ_CHECK(address_reaches(&address, &again));
}

static void check_tls(struct text in)
{
    struct tls_options options = { 0 };
    struct fault fault = { 0 };
    enum err err = tls_options_read(&options, in, &fault);
    if (err) fuzz_check_fault(err, &fault);
    if (options.certificate.len)
        FUZZ_CHECK(options.certificate.at >= in.at &&
                   options.certificate.at + options.certificate.len <= in.at + in.len);
}

/* "filter LF name LF value": what is to be hidden is not there. */
static void check_filter(struct text in)
{
    struct text type, name, value = in;
    struct buf out = { 0 };
    if (!fuzz_line(&value, &type) || !fuzz_line(&value, &name)) return;
    struct log_filter filter = { .usual = type };
    bool is_shown = log_filter_value(&out, &filter, name, value);
    FUZZ_CHECK(is_shown || out.len == 0);
    bool hides = text_eq(type, TEXT("hide")) || (type.len && log_filter_check(type) != ERR_OK);
    if (hides)
        for (size_t i = 0; i < out.len; i++) FUZZ_CHECK(out.at[i] == '*' || out.at[i] == 'M');
    if (text_starts(name, TEXT("XXX"))) FUZZ_CHECK(!is_shown);
    buf_clear(&out);
    struct pair pair = { name, { .kind = VALUE_TEXT, .text = value } };
    struct scope *scope = scope_new(NULL, "pairs", SCOPE_NO_LIMIT);
    struct kv shown = log_filter_apply(scope, &filter, &(struct kv){ &pair, 1 });
    FUZZ_CHECK(shown.count == (is_shown ? 1 : 0));
    log_filter_dump(&out, &shown);
    scope_close(scope);
    buf_free(&out);
}

static void check_signature(struct text in)
{
    struct buf out = { 0 };
    enum err err = signature_write(in, TEXT("id"), 1, TEXT("body"), &out);
    FUZZ_CHECK((err == ERR_OK) == (out.len > 0) || text_trim(in).len == 0);
    FUZZ_CHECK(out.len <= SIGNATURE_SECRETS_MAX * 64);
    buf_free(&out);
}

/* The next pair of a connection string as a driver manager reads it: a value in braces ends at the
 * one that is not doubled. */
static bool next_pair(struct text *rest, struct text *name, struct buf *value)
{
    buf_clear(value);
    if (!text_cut(*rest, '=', name, rest)) return false;
    if (rest->len == 0 || rest->at[0] != '{') {
        size_t end = text_find(*rest, ';', 0);
        buf_add(value, text_slice(*rest, 0, end));
        *rest = text_slice(*rest, end == SIZE_MAX ? rest->len : end + 1, SIZE_MAX);
        return true;
    }
    for (size_t i = 1; i < rest->len; i++) {
        if (rest->at[i] == '}' && (i + 1 == rest->len || rest->at[i + 1] != '}')) {
            *rest = text_slice(*rest, i + 2, SIZE_MAX);
            return true;
        }
        i += rest->at[i] == '}';
        buf_add_byte(value, rest->at[i]);
    }
    return false;
}

/* "database LF user LF password": each stays in its place, whatever it holds. */
static void check_access_point(struct text in)
{
    struct text values[3] = { 0 };
    for (int i = 0; i < 3; i++) (void)fuzz_line(&in, &values[i]);
    struct pair options[] = {
        { { "dbms-type", 9 }, { .kind = VALUE_TEXT, .text = { "postgresql", 10 } } },
        { { "database", 8 }, { .kind = VALUE_TEXT, .text = values[0] } },
        { { "user", 4 }, { .kind = VALUE_TEXT, .text = values[1] } },
        { { "password", 8 }, { .kind = VALUE_TEXT, .text = values[2] } },
    };
    struct pair section = { { "settings", 8 }, { .kind = VALUE_KV, .pairs = { options, 4 } } };
    struct kv sections = { &section, 1 };
    struct access_point point = { .options = &sections };
    struct buf out = { 0 }, value = { 0 };
    struct fault fault = { 0 };
    uint32_t timeout_s = 0;
    enum err err = access_point_string(&point, &out, &timeout_s, &fault);
    FUZZ_CHECK((err == ERR_OK) == (values[0].len > 0));
    if (err) {
        fuzz_check_fault(err, &fault);
    } else {
        static const struct text names[] = {
            { "Driver", 6 },   { "Servername", 10 }, { "Port", 4 },
            { "Database", 8 }, { "UID", 3 },         { "PWD", 3 }
        };
        struct text rest = buf_text(&out), name;
        for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
            if (i >= 4 && values[i - 3].len == 0) continue;
            FUZZ_CHECK(next_pair(&rest, &name, &value) && text_eq(name, names[i]));
            if (i >= 3) FUZZ_CHECK(text_eq(buf_text(&value), values[i - 3]));
        }
        FUZZ_CHECK(rest.len == 0);
    }
    buf_free(&out);
    buf_free(&value);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct text in = fuzz_text(data, size);
    check_headers(in);
    check_address(in);
    check_tls(in);
    check_filter(in);
    check_signature(in);
    check_access_point(in);
    return 0;
}
