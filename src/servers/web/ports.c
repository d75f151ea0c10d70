/* SPDX-License-Identifier: Apache-2.0 */
/* Where we listen: every port of our Application object with the protocol http or https. A plain
 * one is for this host alone, since sessions travel on it in clear. */
#include "gen/events.h"
#include "gen/objects.h"
#include "io/net/address.h"
#include "io/net/tls.h"
#include "servers/web/web.h"

/* Log-in and passwords: nobody has said yet who asks, so he costs us little. */
enum { BODY_BYTES_MAX = 16 * 1024 };

struct wanted {
    struct text id, address;
    struct tls_options tls;
    bool detects_tls;
};

/* --- what the configuration says ------------------------------------------------------------ */

static enum err read_section(struct tls_options *tls, const struct kv *sections,
                             struct fault *fault)
{
    const struct value *section = sections ? kv_find(sections, TEXT("security")) : NULL;
    enum err err = ERR_OK;
    for (uint32_t i = 0; !err && section && section->kind == VALUE_KV && i < section->pairs.count;
         i++) {
        const struct pair *pair = &section->pairs.at[i];
        if (pair->value.kind != VALUE_TEXT || text_eq(pair->name, TEXT("tls"))) continue;
        err = tls_options_set(tls, pair->name, pair->value.text, fault);
        if (err == ERR_NOT_FOUND) err = ERR_OK;
    }
    return err;
}

static struct text address_parameter(struct text parameters)
{
    struct text one, name, value;
    while (parameters.len && text_next_item(&parameters, ';', &one))
        if (text_cut(one, '=', &name, &value) && text_eq(text_trim(name), TEXT("address")))
            return text_trim(value);
    return TEXT("127.0.0.1");
}

static enum err read_tls(struct web *web, const struct object_application *self,
                         const struct object_application_port *port, struct wanted *out,
                         struct fault *fault)
{
    const struct app_object *host = app_object(web->app, &OBJECT_HOST, web->app->host);
    struct tls_options *tls = &out->tls;
    enum err err = read_section(tls, host ? &host->fields->annex : NULL, fault);
    if (!err) err = read_section(tls, &self->options, fault);
    if (!err) err = tls_options_read(tls, port->transport_params, fault);
    if (!err && port->certificate.len) tls->certificate = port->certificate;
    if (!err && port->certificate_key.len) tls->certificate_key = port->certificate_key;
    if (!err && port->trusted_ca.len) tls->trusted_ca = port->trusted_ca;
    out->detects_tls = text_eq(port->listening_mode, TEXT("auto-detect"));
    tls->is_on |= text_eq_fold(port->connection_protocol, TEXT("https")) ||
                  text_eq(port->listening_mode, TEXT("secured")) || out->detects_tls;
    return err;
}

static enum err read_port(struct web *web, const struct object_application *self,
                          const struct object_application_port *port, struct scope *scope,
                          struct wanted *out, struct fault *fault)
{
    struct text host = address_parameter(port->transport_params);
    struct address address;
    bool is_v6 = text_find(host, ':', 0) != SIZE_MAX;
    *out = (struct wanted){ .id = port->id };
    out->address = scope_format(scope, is_v6 ? "[%.*s]:%u" : "%.*s:%u", TEXT_ARG(host),
                                (unsigned)port->number);
    enum err err = read_tls(web, self, port, out, fault);
    if (err) return err;
    if (address_parse(out->address, &address, NULL))
        return fault_set(fault, ERR_INVALID, "address", "%.*s: must be an IP address",
                         TEXT_ARG(host));
    if (address_is_loopback(&address) || (out->tls.is_on && !out->detects_tls)) return ERR_OK;
    return fault_set(fault, ERR_DENIED, "address",
                     "%.*s is reached by others, so the port needs TLS", TEXT_ARG(host));
}

/* --- listening ------------------------------------------------------------------------------ */

static void on_files(void *self, const struct fault *fault)
{
    const struct port *port = self;
    LOG_WEB_CERTIFICATE_CHANGED(&port->web->app->log,
                                fault ? fault->words : "the new files are used");
}

static enum err open_port(struct port *port, const struct wanted *wanted, struct fault *fault)
{
    struct web *web = port->web;
    if (wanted->tls.is_on) {
        struct tls_setup setup = { TLS_SERVER, &wanted->tls, on_files, port };
        enum err err = tls_config_open(port->life, web->app->loop, &setup, &port->tls, fault);
        if (err) return err;
    }
    struct http_server_options options = {
        .body_bytes_max = BODY_BYTES_MAX,
        .body_limit = door_body_limit,
        .connections_max = options_of(web)->max_desktops + 1024,
        .tls = port->tls,
        .detects_tls = wanted->detects_tls,
        .dress_refusal = door_dress,
    };
    port->is_secure = wanted->tls.is_on && !wanted->detects_tls;
    return http_server_open(port->life, web->app->net, port->address, &options, door_on_request,
                            port, &port->http, fault);
}

static struct port *find(const struct web *web, const struct wanted *wanted)
{
    for (struct port *port = web->ports; port; port = port->next)
        if (!port->is_closing && text_eq(port->id, wanted->id) &&
            text_eq(port->address, wanted->address))
            return port;
    return NULL;
}

static void use(struct web *web, const struct wanted *wanted)
{
    struct fault fault = { 0 };
    struct app *app = web->app;
    struct port *port = find(web, wanted);
    if (port) {
        port->is_wanted = true;
        if (port->tls && tls_config_change(port->tls, &wanted->tls, &fault))
            LOG_WEB_CERTIFICATE_CHANGED(&app->log, fault.words);
        return;
    }
    struct scope *life = scope_new(app->life, "port", SCOPE_NO_LIMIT);
    port = scope_alloc(life, sizeof *port);
    *port = (struct port){ .life = life,
                           .web = web,
                           .is_wanted = true,
                           .id = scope_keep(life, wanted->id),
                           .address = scope_keep(life, wanted->address) };
    if (open_port(port, wanted, &fault)) {
        LOG_WEB_CANNOT_LISTEN(&app->log, port->address.at, fault.words);
        scope_close(life);
        return;
    }
    port->next = web->ports;
    web->ports = port;
    LOG_WEB_LISTENING(&app->log, port->is_secure ? "https://" : "http://", port->address.at);
}

/* What is not wanted any more closes when its answers are given; its memory stays, since they may
 * come late. */
void ports_configure(struct web *web)
{
    const struct app_object *object = app_self(web->app);
    if (object == NULL) return; /* removed or disabled: we are about to be stopped */
    const struct object_application *self = (const struct object_application *)object->fields;
    struct scope *scratch = scope_new(NULL, "ports", SCOPE_NO_LIMIT);
    for (struct port *port = web->ports; port; port = port->next) port->is_wanted = false;
    for (uint32_t i = 0; i < self->ports.count; i++) {
        const struct object_application_port *port = &self->ports.at[i];
        struct wanted wanted;
        struct fault fault = { 0 };
        if (!text_eq_fold(port->connection_protocol, TEXT("http")) &&
            !text_eq_fold(port->connection_protocol, TEXT("https")))
            continue;
        if (read_port(web, self, port, scratch, &wanted, &fault))
            LOG_WEB_CANNOT_LISTEN(&web->app->log, wanted.address.at, fault.words);
        else
            use(web, &wanted);
    }
    for (struct port *port = web->ports; port; port = port->next) {
        if (port->is_wanted || port->is_closing) continue;
        port->is_closing = true;
        http_server_close(port->http);
    }
    scope_close(scratch);
}

bool ports_are_open(const struct web *web)
{
    for (const struct port *port = web->ports; port; port = port->next)
        if (!port->is_closing) return true;
    return false;
}

void ports_close(struct web *web)
{
    for (struct port *port = web->ports; port; port = port->next) {
        if (port->is_closing) continue;
        port->is_closing = true;
        http_server_close(port->http);
    }
}
