/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/outbound/http_proxy/ports.h"

#include "io/net/address.h"

/* One port while its levels are read, the weakest first. */
struct reading {
    struct proxy_port port;
    struct text host;
    struct buf told;
    struct fault fault;
    enum err err;
};

static void tell(struct reading *reading, struct text name, struct text value, const char *origin)
{
    buf_format(&reading->told, "%s%.*s=%.*s (%s)", reading->told.len ? ", " : "", TEXT_ARG(name),
               TEXT_ARG(value), origin);
}

static void set(struct reading *reading, struct text name, struct text value, const char *origin)
{
    if (reading->err) return;
    enum err err = tls_options_set(&reading->port.tls, name, value, &reading->fault);
    if (err == ERR_NOT_FOUND) return;
    reading->err = err;
    tell(reading, name, value, origin);
}

/* Section [security] of an object. What it says of `tls` is not for ports. */
static void read_section(struct reading *reading, const struct kv *sections, const char *origin)
{
    const struct value *section = sections ? kv_find(sections, TEXT("security")) : NULL;
    if (section == NULL || section->kind != VALUE_KV) return;
    for (uint32_t i = 0; i < section->pairs.count; i++) {
        const struct pair *pair = &section->pairs.at[i];
        if (pair->value.kind == VALUE_TEXT && !text_eq(pair->name, TEXT("tls")))
            set(reading, pair->name, pair->value.text, origin);
    }
}

static void read_parameters(struct reading *reading, struct text parameters)
{
    struct text one, name, value;
    while (parameters.len > 0 && text_next_item(&parameters, ';', &one)) {
        if (!text_cut(one, '=', &name, &value)) continue;
        if (text_eq(text_trim(name), TEXT("address")))
            reading->host = text_trim(value);
        else
            set(reading, text_trim(name), text_trim(value), "port, transport parameters");
    }
}

static void read_fields(struct reading *reading, const struct object_application_port *port)
{
    if (port->certificate.len) set(reading, TEXT("certificate"), port->certificate, "port");
    if (port->certificate_key.len)
        set(reading, TEXT("certificate-key"), port->certificate_key, "port");
    if (port->trusted_ca.len) set(reading, TEXT("trusted-ca"), port->trusted_ca, "port");
    reading->port.detects_tls = text_eq(port->listening_mode, TEXT("auto-detect"));
    reading->port.tls.is_on |= text_eq_fold(port->connection_protocol, TEXT("https")) ||
                               text_eq(port->listening_mode, TEXT("secured")) ||
                               reading->port.detects_tls;
}

static enum err check_address(struct reading *reading, struct scope *scope)
{
    struct address address;
    bool is_v6 = text_find(reading->host, ':', 0) != SIZE_MAX;
    reading->port.address = scope_format(scope, is_v6 ? "[%.*s]:%u" : "%.*s:%u",
                                         TEXT_ARG(reading->host), (unsigned)reading->port.number);
    if (address_parse(reading->port.address, &address, NULL))
        return fault_set(&reading->fault, ERR_INVALID, "address",
                         "address: %.*s must be an IP address", TEXT_ARG(reading->host));
    bool asks_who = reading->port.tls.is_on && reading->port.tls.is_mutual &&
                    !reading->port.detects_tls;
    if (address_is_loopback(&address) || asks_who) return ERR_OK;
    return fault_set(&reading->fault, ERR_DENIED, "address",
                     "address: %.*s is reached by others, so the port needs TLS and tls-mutual",
                     TEXT_ARG(reading->host));
}

static bool read_port(struct reading *reading, const struct object_application *application,
                      const struct object_application_port *port, const struct kv *host_annex,
                      struct scope *scope)
{
    reading->port.id = port->id;
    reading->port.number = (uint16_t)port->number;
    reading->host = TEXT("127.0.0.1");
    read_section(reading, host_annex, "host");
    read_section(reading, &application->options, "application");
    read_parameters(reading, port->transport_params);
    read_fields(reading, port);
    if (!reading->err) reading->err = check_address(reading, scope);
    reading->port.told = scope_keep(scope, buf_text(&reading->told));
    return reading->err == ERR_OK;
}

void proxy_ports_find(struct proxy_ports *ports, const struct object_application *application,
                      const struct kv *host_annex, struct scope *scope,
                      void (*on_refused)(void *self, struct text port_id,
                                         const struct fault *fault),
                      void *self)
{
    *ports = (struct proxy_ports){ 0 };
    for (uint32_t i = 0; i < application->ports.count; i++) {
        const struct object_application_port *port = &application->ports.at[i];
        if (!text_eq_fold(port->connection_protocol, TEXT("http")) &&
            !text_eq_fold(port->connection_protocol, TEXT("https")))
            continue;
        struct reading reading = { 0 };
        bool is_right = read_port(&reading, application, port, host_annex, scope);
        if (is_right && ports->count == PROXY_PORTS_MAX) {
            is_right = false;
            (void)fault_set(&reading.fault, ERR_LIMIT, "ports", "at most %d ports are served",
                            PROXY_PORTS_MAX);
        }
        if (is_right)
            ports->at[ports->count++] = reading.port;
        else
            on_refused(self, port->id, &reading.fault);
        buf_free(&reading.told);
    }
}

void proxy_ports_print(const struct proxy_ports *ports, struct buf *out)
{
    for (uint32_t i = 0; i < ports->count; i++)
        buf_format(out, "%s%u%s", i ? ", " : "", (unsigned)ports->at[i].number,
                   ports->at[i].tls.is_on ? " (TLS)" : "");
}

struct text proxy_ports_uri(const struct proxy_ports *ports, struct scope *scope)
{
    const struct proxy_port *port = ports->count ? &ports->at[0] : NULL;
    for (uint32_t i = 0; i < ports->count && !port->tls.is_on; i++) port = &ports->at[i];
    if (port == NULL) return (struct text){ 0 };
    if (!port->tls.is_on) port = &ports->at[0];
    bool is_plain = !port->tls.is_on || port->detects_tls;
    return scope_format(scope, "%s://%.*s/records/", is_plain ? "http" : "https",
                        TEXT_ARG(port->address));
}

const struct proxy_port *proxy_ports_find_id(const struct proxy_ports *ports, struct text id)
{
    for (uint32_t i = 0; i < ports->count; i++)
        if (text_eq(ports->at[i].id, id)) return &ports->at[i];
    return NULL;
}
