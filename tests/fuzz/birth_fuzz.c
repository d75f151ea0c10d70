/* SPDX-License-Identifier: Apache-2.0 */
/* birth_fuzz.c - host.jsonc, the birth line, and what the HTTP Proxy is told first.
 * host.jsonc printed is read as the same; so are the settings of the HTTP Proxy. */
#include "tests/fuzz/fuzz.h"

#include "app/birth.h"
#include "format/json.h"
#include "servers/outbound/http_proxy/settings.h"
#include "servers/supervisor/host_file.h"

static void check_host_file(struct text in, struct scope *scope)
{
    struct host_file *file, *again;
    struct fault fault = { 0 };
    enum err err = host_file_parse(scope, in, &file, &fault);
    if (err) {
        fuzz_check_fault(err, &fault);
        return;
    }
    FUZZ_CHECK(file->host.len > 0 && file->data.len > 0 && file->config != NULL);
    FUZZ_CHECK(file->config->address.len > 0 && file->config->application.len > 0);
    struct text printed = host_file_print(scope, file);
    FUZZ_CHECK(host_file_parse(scope, printed, &again, NULL) == ERR_OK);
    FUZZ_CHECK(text_eq(printed, host_file_print(scope, again)));
}

static void check_birth(struct text in, struct scope *scope)
{
    struct birth birth;
    struct fault fault = { 0 };
    enum err err = birth_parse(in, scope, &birth, &fault);
    if (err) {
        fuzz_check_fault(err, &fault);
        return;
    }
    FUZZ_CHECK(birth.application.len >= 1 && birth.application.len <= 255);
    FUZZ_CHECK(birth.data.len > 0 && birth.run.len > 0);
}

static void check_settings(struct text in, struct scope *scope)
{
    struct proxy_settings settings, second;
    struct fault fault = { 0 };
    struct buf once = { 0 }, twice = { 0 };
    enum err err = proxy_settings_read(in, scope, &settings, &fault);
    if (err) {
        fuzz_check_fault(err, &fault);
        return;
    }
    FUZZ_CHECK(settings.ports.count <= PROXY_PORTS_MAX);
    proxy_settings_write(&once, &settings);
    FUZZ_CHECK(proxy_settings_read(buf_text(&once), scope, &second, NULL) == ERR_OK);
    proxy_settings_write(&twice, &second);
    FUZZ_CHECK(text_eq(buf_text(&once), buf_text(&twice)));
    buf_free(&once);
    buf_free(&twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct text in = fuzz_text(data, size);
    struct scope *scope = scope_new(NULL, "fuzz", FUZZ_MEMORY_MAX);
    check_host_file(in, scope);
    check_birth(in, scope);
    check_settings(in, scope);
    scope_close(scope);
    return 0;
}
