/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/web/client_address.h"

#include "tests/unit/test.h"

static const char *seen(const char *peer, const char *forwarded, const char *trusted)
{
    static char room[CLIENT_ADDRESS_BYTES], out[CLIENT_ADDRESS_BYTES];
    struct text address = client_address(text_of(peer), text_of(forwarded), text_of(trusted), room);
    CHECK_OK(text_to_z(address, out, sizeof out));
    return out;
}

TEST(nobody_is_believed_who_is_not_trusted)
{
    CHECK_TEXT(text_of(seen("192.0.2.1", "203.0.113.9", "")), "192.0.2.1");
    CHECK_TEXT(text_of(seen("192.0.2.1", "203.0.113.9", "127.0.0.1,10.0.0.1")), "192.0.2.1");
    CHECK_TEXT(text_of(seen("[2001:db8::1]", "203.0.113.9", "127.0.0.1")), "[2001:db8::1]");
    CHECK_TEXT(text_of(seen("192.0.2.1", "203.0.113.9", "nonsense,,192.0.2")), "192.0.2.1");
}

TEST(a_trusted_proxy_tells_who_asked_it_and_what_the_client_wrote_is_not_reached)
{
    CHECK_TEXT(text_of(seen("127.0.0.1", "203.0.113.9", "127.0.0.1")), "203.0.113.9");
    CHECK_TEXT(text_of(seen("127.0.0.1", "1.1.1.1, 203.0.113.9", "127.0.0.1")), "203.0.113.9");
    CHECK_TEXT(text_of(seen("127.0.0.1", "1.1.1.1,203.0.113.9, 10.0.0.1", "127.0.0.1, 10.0.0.1")),
               "203.0.113.9");
    CHECK_TEXT(text_of(seen("127.0.0.1", "127.0.0.1, 203.0.113.9", "127.0.0.1")), "203.0.113.9");
    CHECK_TEXT(text_of(seen("[::1]", "2001:DB8:0::7", "::1")), "[2001:db8::7]");
}

TEST(what_is_no_address_ends_the_way_at_the_proxy_before_it)
{
    CHECK_TEXT(text_of(seen("127.0.0.1", "", "127.0.0.1")), "127.0.0.1");
    CHECK_TEXT(text_of(seen("127.0.0.1", "unknown", "127.0.0.1")), "127.0.0.1");
    CHECK_TEXT(text_of(seen("127.0.0.1", "1.1.1.1, ", "127.0.0.1")), "127.0.0.1");
    CHECK_TEXT(text_of(seen("127.0.0.1", "evil\"\r\n, 10.0.0.1", "127.0.0.1,10.0.0.1")),
               "10.0.0.1");
    CHECK_TEXT(text_of(seen("127.0.0.1", "127.0.0.1", "127.0.0.1")), "127.0.0.1");
}

TEST(who_has_an_IPv6_network_is_one)
{
    char room[CLIENT_ADDRESS_BYTES];
    CHECK_TEXT(client_network(TEXT("[2001:db8:1:2:3:4:5:6]"), room), "[2001:db8:1:2::]");
    CHECK_TEXT(client_network(TEXT("[2001:db8:1:2:ffff::]"), room), "[2001:db8:1:2::]");
    CHECK_TEXT(client_network(TEXT("[::ffff:192.0.2.1]"), room), "[::ffff:192.0.2.1]");
    CHECK_TEXT(client_network(TEXT("192.0.2.1"), room), "192.0.2.1");
    CHECK_TEXT(client_network(TEXT("unix"), room), "unix");
}
