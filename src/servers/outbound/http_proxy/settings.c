/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/outbound/http_proxy/settings.h"

#include "format/json.h"
#include "model/option.h"

#include <string.h>

static const char *const log_sections[] = { "log", "log-extended", "log-filter",
                                            "log-filter-data" };

static void put_text(struct json_writer *json, const char *name, struct text value)
{
    json_put_name(json, text_of(name));
    json_put_text(json, value);
}

static void put_u32(struct json_writer *json, const char *name, uint32_t value)
{
    json_put_name(json, text_of(name));
    json_put_u64(json, value);
}

static void put_section(struct json_writer *json, const struct common_options *common,
                        const char *section, struct scope *scope)
{
    json_put_name(json, text_of(section));
    json_begin_object(json);
    for (size_t i = 0; i < OPTIONS_COMMON.count; i++) {
        const struct option *option = &OPTIONS_COMMON.options[i];
        if (strcmp(option->section, section) != 0) continue;
        if (option->is_family)
            json_put_kv_members(json, (const struct kv *)((const char *)common + option->offset));
        else
            put_text(json, option->name, option_format(option, common, scope));
    }
    json_end_object(json);
}

static void put_log(struct json_writer *json, const struct common_options *common)
{
    struct scope *scratch = scope_new(NULL, "log options", SCOPE_NO_LIMIT);
    json_put_name(json, TEXT("log"));
    json_begin_object(json);
    for (size_t i = 0; i < sizeof log_sections / sizeof log_sections[0]; i++)
        put_section(json, common, log_sections[i], scratch);
    json_end_object(json);
    scope_close(scratch);
}

/* The names of framework 10.3, which tls_options_set() knows. */
static void put_tls(struct json_writer *json, const struct tls_options *tls)
{
    static const char *const versions[] = { [TLS_VERSION_1_2] = "1.2", [TLS_VERSION_1_3] = "1.3" };
    static const char *const protocols[] = {
        [TLS_VERSION_ANY] = "", [TLS_VERSION_1_2] = "TLSv12", [TLS_VERSION_1_3] = "TLSv13"
    };
    put_text(json, "tls", TEXT("1"));
    put_text(json, "tls-mutual", tls->is_mutual ? TEXT("1") : TEXT("0"));
    put_text(json, "fips140-enabled", tls->needs_fips ? TEXT("1") : TEXT("0"));
    put_text(json, "tls-target-name-check", tls->is_name_unchecked ? TEXT("no") : TEXT("host"));
    put_text(json, "certificate", tls->certificate);
    put_text(json, "certificate-key", tls->certificate_key);
    put_text(json, "trusted-ca", tls->trusted_ca);
    put_text(json, "tls-crl", tls->crl);
    put_text(json, "cipher-list", tls->cipher_list);
    put_text(json, "sec-protocol", text_of(protocols[tls->only]));
    if (tls->at_least) put_text(json, "tls-version", text_of(versions[tls->at_least]));
}

static void put_ports(struct json_writer *json, const struct proxy_ports *ports)
{
    json_put_name(json, TEXT("ports"));
    json_begin_array(json);
    for (uint32_t i = 0; i < ports->count; i++) {
        const struct proxy_port *port = &ports->at[i];
        json_begin_object(json);
        put_text(json, "id", port->id);
        put_text(json, "address", port->address);
        put_u32(json, "number", port->number);
        json_put_name(json, TEXT("detects"));
        json_put_bool(json, port->detects_tls);
        put_text(json, "told", port->told);
        json_put_name(json, TEXT("options"));
        json_begin_object(json);
        if (port->tls.is_on) put_tls(json, &port->tls);
        json_end_object(json);
        json_end_object(json);
    }
    json_end_array(json);
}

void proxy_settings_write(struct buf *out, const struct proxy_settings *settings)
{
    struct json_writer json = json_writer(out);
    json_begin_object(&json);
    put_text(&json, "application", settings->application);
    put_text(&json, "host", settings->host);
    put_text(&json, "logs", settings->logs_dir);
    put_ports(&json, &settings->ports);
    put_text(&json, "encoding", settings->encoding);
    put_text(&json, "customHeaders", settings->custom_headers);
    put_text(&json, "hostCustomHeaders", settings->host_custom_headers);
    put_u32(&json, "reconnect", settings->reconnect_s);
    put_u32(&json, "responseTimeout", settings->response_timeout_s);
    if (settings->common) put_log(&json, settings->common);
    json_end_object(&json);
}

struct members {
    const struct kv *kv;
    struct fault *fault;
    enum err err; /* of the first that is wrong */
};

static struct text text_member(struct members *members, const char *name)
{
    const struct value *value = kv_find(members->kv, text_of(name));
    if (value && value->kind == VALUE_TEXT) return value->text;
    if (!members->err)
        members->err = fault_set(members->fault, ERR_INVALID, name, "%s: must be text", name);
    return TEXT("");
}

static uint32_t u32_member(struct members *members, const char *name)
{
    const struct value *value = kv_find(members->kv, text_of(name));
    if (value && value->kind == VALUE_INTEGER && value->integer >= 0 &&
        value->integer <= UINT32_MAX)
        return (uint32_t)value->integer;
    if (!members->err)
        members->err = fault_set(members->fault, ERR_INVALID, name, "%s: must be a number", name);
    return 0;
}

static const struct value *member(struct members *members, const char *name, enum value_kind kind)
{
    const struct value *value = kv_find(members->kv, text_of(name));
    if (value && value->kind == kind) return value;
    if (!members->err)
        members->err = fault_set(members->fault, ERR_INVALID, name, "%s: is of another kind", name);
    return NULL;
}

static struct proxy_port read_port(struct members *members)
{
    struct proxy_port port = { .id = text_member(members, "id"),
                               .address = text_member(members, "address"),
                               .number = (uint16_t)u32_member(members, "number"),
                               .told = text_member(members, "told") };
    const struct value *detects = member(members, "detects", VALUE_BOOL);
    const struct value *options = member(members, "options", VALUE_KV);
    port.detects_tls = detects && detects->truth;
    for (uint32_t i = 0; options && !members->err && i < options->pairs.count; i++) {
        const struct pair *pair = &options->pairs.at[i];
        if (pair->value.kind == VALUE_TEXT)
            members->err = tls_options_set(&port.tls, pair->name, pair->value.text, members->fault);
    }
    return port;
}

static void read_ports(struct members *members, struct proxy_ports *ports)
{
    const struct value *list = member(members, "ports", VALUE_LIST);
    for (uint32_t i = 0; list && i < list->items.count && ports->count < PROXY_PORTS_MAX; i++) {
        if (list->items.at[i].kind != VALUE_KV) continue;
        struct members of_port = { &list->items.at[i].pairs, members->fault, ERR_OK };
        ports->at[ports->count++] = read_port(&of_port);
        if (of_port.err) members->err = of_port.err;
    }
}

/* Values that break their rule were reported by outbound: here they are the defaults. */
static const struct common_options *read_log(const struct kv *kv, struct text application,
                                             struct scope *scope)
{
    const struct value *sections = kv_find(kv, TEXT("log"));
    if (sections == NULL || sections->kind != VALUE_KV) return NULL;
    struct option_layer layer = { LEVEL_APPLICATION, &sections->pairs };
    struct option_source source = { application, &layer, 1 };
    return option_resolve(&OPTIONS_COMMON, &source, NULL, scope, NULL, NULL);
}

enum err proxy_settings_read(struct text json, struct scope *scope, struct proxy_settings *out,
                             struct fault *fault)
{
    struct kv kv;
    enum err err = json_read_kv(json, scope, &kv, fault);
    if (err) return err;
    struct members members = { &kv, fault, ERR_OK };
    struct proxy_settings settings = {
        .application = text_member(&members, "application"),
        .host = text_member(&members, "host"),
        .logs_dir = text_member(&members, "logs"),
        .encoding = text_member(&members, "encoding"),
        .custom_headers = text_member(&members, "customHeaders"),
        .host_custom_headers = text_member(&members, "hostCustomHeaders"),
        .reconnect_s = u32_member(&members, "reconnect"),
        .response_timeout_s = u32_member(&members, "responseTimeout"),
    };
    read_ports(&members, &settings.ports);
    if (members.err) return members.err;
    settings.common = read_log(&kv, settings.application, scope);
    *out = settings;
    return ERR_OK;
}
