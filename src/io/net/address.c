/* SPDX-License-Identifier: Apache-2.0 */
#include "io/net/address.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

static enum err parse_unix(struct text path, struct address *out, struct fault *fault)
{
    *out = (struct address){ .at.local.sun_family = AF_UNIX };
    enum err err = text_to_z(path, out->at.local.sun_path, sizeof out->at.local.sun_path);
    if (err || path.len == 0)
        return fault_set(fault, err ? err : ERR_INVALID, "address",
                         "a socket path has 1 to %zu bytes, none of them NUL",
                         sizeof out->at.local.sun_path - 1);
    out->len = sizeof out->at.local;
    return ERR_OK;
}

/* Host and port; the host of "[::1]:80" without its brackets. */
static bool cut_host(struct text in, struct text *host, struct text *port, bool *is_v6)
{
    *is_v6 = in.len > 0 && in.at[0] == '[';
    if (!*is_v6) return text_cut(in, ':', host, port);
    size_t end = text_find(in, ']', 0);
    if (end == SIZE_MAX || end + 1 >= in.len || in.at[end + 1] != ':') return false;
    *host = text_slice(in, 1, end - 1);
    *port = text_slice(in, end + 2, SIZE_MAX);
    return true;
}

static bool parse_host(struct text host, bool is_v6, struct address *out)
{
    char z[INET6_ADDRSTRLEN];
    if (text_eq_fold(host, TEXT("localhost")) && !is_v6) host = TEXT("127.0.0.1");
    if (text_to_z(host, z, sizeof z)) return false;
    if (is_v6) {
        *out = (struct address){ .at.v6.sin6_family = AF_INET6, .len = sizeof out->at.v6 };
        return inet_pton(AF_INET6, z, &out->at.v6.sin6_addr) == 1;
    }
    *out = (struct address){ .at.v4.sin_family = AF_INET, .len = sizeof out->at.v4 };
    return inet_pton(AF_INET, z, &out->at.v4.sin_addr) == 1;
}

enum err address_parse(struct text in, struct address *out, struct fault *fault)
{
    struct text host, port_text;
    struct address address;
    bool is_v6;
    uint32_t port;
    if (text_starts(in, TEXT("unix:"))) {
        enum err err = parse_unix(text_slice(in, 5, SIZE_MAX), &address, fault);
        if (!err) *out = address;
        return err;
    }
    if (!cut_host(in, &host, &port_text, &is_v6) || text_to_u32(port_text, 0, UINT16_MAX, &port) ||
        !parse_host(host, is_v6, &address))
        return fault_set(
            fault, ERR_INVALID, "address",
            "\"%.*s\" is neither unix:PATH nor HOST:PORT with an IPv4 address, an IPv6 "
            "address in brackets, or localhost",
            (int)(in.len < 128 ? in.len : 128), in.at);
    address_set_port(&address, (uint16_t)port);
    *out = address;
    return ERR_OK;
}

void address_format(const struct address *address, char out[ADDRESS_TEXT_BYTES])
{
    char host[INET6_ADDRSTRLEN] = "";
    if (address_is_unix(address)) {
        (void)snprintf(out, ADDRESS_TEXT_BYTES, "unix");
    } else if (address->at.any.sa_family == AF_INET6) {
        (void)inet_ntop(AF_INET6, &address->at.v6.sin6_addr, host, sizeof host);
        (void)snprintf(out, ADDRESS_TEXT_BYTES, "[%s]:%u", host, address_port(address));
    } else {
        (void)inet_ntop(AF_INET, &address->at.v4.sin_addr, host, sizeof host);
        (void)snprintf(out, ADDRESS_TEXT_BYTES, "%s:%u", host, address_port(address));
    }
}

bool address_is_unix(const struct address *address)
{
    return address->at.any.sa_family == AF_UNIX;
}

bool address_is_loopback(const struct address *address)
{
    if (address_is_unix(address)) return true;
    if (address->at.any.sa_family == AF_INET)
        return (ntohl(address->at.v4.sin_addr.s_addr) >> 24) == 127;
    const struct in6_addr *host = &address->at.v6.sin6_addr;
    return IN6_IS_ADDR_LOOPBACK(host) || (IN6_IS_ADDR_V4MAPPED(host) && host->s6_addr[12] == 127);
}

uint16_t address_port(const struct address *address)
{
    if (address_is_unix(address)) return 0;
    return ntohs(address->at.any.sa_family == AF_INET ? address->at.v4.sin_port
                                                      : address->at.v6.sin6_port);
}

void address_set_port(struct address *address, uint16_t port)
{
    if (address->at.any.sa_family == AF_INET)
        address->at.v4.sin_port = htons(port);
    else
        address->at.v6.sin6_port = htons(port);
}

static bool is_every_host(const struct address *address)
{
    if (address->at.any.sa_family == AF_INET) return address->at.v4.sin_addr.s_addr == INADDR_ANY;
    return IN6_IS_ADDR_UNSPECIFIED(&address->at.v6.sin6_addr);
}

static bool is_same_host(const struct address *a, const struct address *b)
{
    if (a->at.any.sa_family == AF_INET) return a->at.v4.sin_addr.s_addr == b->at.v4.sin_addr.s_addr;
    return IN6_ARE_ADDR_EQUAL(&a->at.v6.sin6_addr, &b->at.v6.sin6_addr);
}

bool address_reaches(const struct address *to, const struct address *at)
{
    if (to->at.any.sa_family != at->at.any.sa_family) return false;
    if (address_is_unix(to)) return strcmp(to->at.local.sun_path, at->at.local.sun_path) == 0;
    return address_port(to) == address_port(at) && (is_every_host(at) || is_same_host(to, at));
}

bool address_eq(const struct address *a, const struct address *b)
{
    return address_reaches(a, b) && address_reaches(b, a);
}
