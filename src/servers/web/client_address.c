/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/web/client_address.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

enum { NETWORK_BYTES = 8 };

static bool read_v6(struct text in, struct in6_addr *out)
{
    char z[INET6_ADDRSTRLEN];
    if (in.len > 2 && in.at[0] == '[' && in.at[in.len - 1] == ']')
        in = text_slice(in, 1, in.len - 2);
    return text_to_z(in, z, sizeof z) == ERR_OK && inet_pton(AF_INET6, z, out) == 1;
}

static struct text print_v6(const struct in6_addr *address, char room[CLIENT_ADDRESS_BYTES])
{
    char z[INET6_ADDRSTRLEN] = "";
    (void)inet_ntop(AF_INET6, address, z, sizeof z);
    (void)snprintf(room, CLIENT_ADDRESS_BYTES, "[%s]", z);
    return text_of(room);
}

/* In one spelling, so that the same address is always the same text. */
static bool read_any(struct text in, char room[CLIENT_ADDRESS_BYTES], struct text *out)
{
    struct in_addr v4;
    struct in6_addr v6;
    char z[INET_ADDRSTRLEN];
    if (text_to_z(in, z, sizeof z) == ERR_OK && inet_pton(AF_INET, z, &v4) == 1) {
        (void)inet_ntop(AF_INET, &v4, room, CLIENT_ADDRESS_BYTES);
        *out = text_of(room);
        return true;
    }
    if (!read_v6(in, &v6)) return false;
    *out = print_v6(&v6, room);
    return true;
}

static bool is_trusted(struct text address, struct text trusted)
{
    struct text one, spelled;
    char room[CLIENT_ADDRESS_BYTES];
    while (trusted.len && text_next_item(&trusted, ',', &one))
        if (read_any(text_trim(one), room, &spelled) && text_eq(spelled, address)) return true;
    return false;
}

/* The last item; `rest` is what stands before it. */
static struct text cut_last(struct text *rest)
{
    size_t comma = rest->len;
    while (comma > 0 && rest->at[comma - 1] != ',') comma--;
    struct text last = text_trim(text_slice(*rest, comma, SIZE_MAX));
    *rest = text_slice(*rest, 0, comma ? comma - 1 : 0);
    return last;
}

struct text client_address(struct text peer, struct text forwarded, struct text trusted,
                           char room[CLIENT_ADDRESS_BYTES])
{
    struct text address = peer, said;
    char next[CLIENT_ADDRESS_BYTES];
    while (is_trusted(address, trusted) && forwarded.len &&
           read_any(cut_last(&forwarded), next, &said)) {
        memcpy(room, next, sizeof next);
        address = (struct text){ room, said.len };
    }
    return address;
}

struct text client_network(struct text address, char room[CLIENT_ADDRESS_BYTES])
{
    struct in6_addr v6;
    bool is_v6 = address.len && address.at[0] == '[' && read_v6(address, &v6);
    if (!is_v6 || IN6_IS_ADDR_V4MAPPED(&v6)) return address;
    memset(v6.s6_addr + NETWORK_BYTES, 0, sizeof v6.s6_addr - NETWORK_BYTES);
    return print_v6(&v6, room);
}
