/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/outbound/http_proxy/ports.h"

#include "format/json.h"
#include "tests/unit/test.h"

struct found {
    struct scope *scope;
    struct proxy_ports ports;
    uint32_t refused;
    char port_id[32];
    struct fault fault;
};

static void on_refused(void *self, struct text port_id, const struct fault *fault)
{
    struct found *found = self;
    found->refused++;
    CHECK_OK(text_to_z(port_id, found->port_id, sizeof found->port_id));
    found->fault = *fault;
}

static void find(struct found *found, const char *application, const char *host_annex)
{
    *found = (struct found){ .scope = scope_new(NULL, "test", SCOPE_NO_LIMIT) };
    void *object;
    struct kv annex;
    struct fault fault = { 0 };
    enum err err = json_to_shape(text_of(application), OBJECT_APPLICATION.shape, found->scope,
                                 &object, NULL, &fault);
    CHECK_TEXT(text_of(fault.words), "");
    CHECK_OK(err);
    CHECK_OK(json_read_kv(text_of(host_annex), found->scope, &annex, NULL));
    proxy_ports_find(&found->ports, object, &annex, found->scope, on_refused, found);
}

static void end(struct found *found)
{
    scope_close(found->scope);
}

#define HEAD "{\"name\":\"outbound\",\"template\":\"t\",\"ports\":["

TEST(http_and_https_ports_are_found_others_are_not)
{
    struct found found;
    find(&found,
         HEAD "{\"id\":\"default\",\"number\":6100},"
              "{\"id\":\"http\",\"number\":6101,\"connectionProtocol\":\"http\"},"
              "{\"id\":\"https\",\"number\":6102,\"connectionProtocol\":\"https\","
              "\"certificate\":\"/c.pem\",\"certificateKey\":\"/k.pem\"},"
              "{\"id\":\"esp\",\"number\":6103,\"connectionProtocol\":\"addp\"}]}",
         "{}");
    CHECK_U32(found.ports.count, 2);
    CHECK_TEXT(found.ports.at[0].address, "127.0.0.1:6101");
    CHECK(!found.ports.at[0].tls.is_on);
    CHECK_U32(found.ports.at[1].number, 6102);
    CHECK(found.ports.at[1].tls.is_on);
    CHECK_TEXT(found.ports.at[1].tls.certificate, "/c.pem");
    CHECK_TEXT(found.ports.at[1].told, "certificate=/c.pem (port), certificate-key=/k.pem (port)");
    struct buf printed = { 0 };
    proxy_ports_print(&found.ports, &printed);
    CHECK_TEXT(buf_text(&printed), "6101, 6102 (TLS)");
    buf_free(&printed);
    CHECK_TEXT(proxy_ports_uri(&found.ports, found.scope), "https://127.0.0.1:6102/records/");
    found.ports.count = 1;
    CHECK_TEXT(proxy_ports_uri(&found.ports, found.scope), "http://127.0.0.1:6101/records/");
    found.ports.count = 0;
    CHECK_TEXT(proxy_ports_uri(&found.ports, found.scope), "");
    end(&found);
}

TEST(tls_is_turned_on_by_the_port_alone)
{
    static const struct {
        const char *members;
        bool is_on, detects;
    } ports[] = {
        { "\"connectionProtocol\":\"http\"", false, false },
        { "\"connectionProtocol\":\"HTTPS\"", true, false },
        { "\"connectionProtocol\":\"http\",\"listeningMode\":\"secured\"", true, false },
        { "\"connectionProtocol\":\"http\",\"listeningMode\":\"auto-detect\"", true, true },
        { "\"connectionProtocol\":\"http\",\"transportParams\":\"tls=1\"", true, false },
        { "\"connectionProtocol\":\"http\",\"transportParams\":\"tls=0\"", false, false },
    };
    for (size_t i = 0; i < sizeof ports / sizeof ports[0]; i++) {
        struct found found;
        struct buf application = { 0 };
        buf_format(&application, HEAD "{\"id\":\"p\",\"number\":1,%s}]}", ports[i].members);
        buf_add_byte(&application, '\0');
        find(&found, application.at, "{\"security\":{\"tls\":\"1\"}}");
        CHECK_U32(found.ports.count, 1);
        CHECK(found.ports.at[0].tls.is_on == ports[i].is_on);
        CHECK(found.ports.at[0].detects_tls == ports[i].detects);
        buf_free(&application);
        end(&found);
    }
}

TEST(the_port_counts_before_the_application_and_that_before_the_host)
{
    struct found found;
    find(&found,
         HEAD
         "{\"id\":\"p\",\"number\":1,\"connectionProtocol\":\"https\",\"certificate\":\"/port\","
         "\"transportParams\":\"certificate=/parameter;tls-version=1.3\"}],"
         "\"options\":{\"security\":{\"certificate-key\":\"/application\",\"certificate\":\"/a\","
         "\"tls-mutual\":\"1\"}}}",
         "{\"security\":{\"trusted-ca\":\"/host\",\"certificate-key\":\"/h\",\"colour\":\"red\"}}");
    CHECK_U32(found.ports.count, 1);
    const struct tls_options *tls = &found.ports.at[0].tls;
    CHECK_TEXT(tls->certificate, "/port");
    CHECK_TEXT(tls->certificate_key, "/application");
    CHECK_TEXT(tls->trusted_ca, "/host");
    CHECK(tls->is_mutual);
    CHECK_U32(tls->at_least, TLS_VERSION_1_3);
    end(&found);
}

static void check_refused(const char *port, const char *field)
{
    struct found found;
    struct buf application = { 0 };
    buf_format(&application,
               HEAD "{\"id\":\"p\",\"number\":1,\"connectionProtocol\":\"http\",%s}]}", port);
    buf_add_byte(&application, '\0');
    find(&found, application.at, "{}");
    CHECK_U32(found.refused, field ? 1 : 0);
    CHECK_U32(found.ports.count, field ? 0 : 1);
    if (field) CHECK_TEXT(text_of(found.fault.field), field);
    buf_free(&application);
    end(&found);
}

TEST(a_port_that_breaks_a_rule_is_refused_by_name)
{
    check_refused("\"transportParams\":\"tls=1;tls-mutual=perhaps\"", "tls-mutual");
    check_refused("\"transportParams\":\"address=nowhere\"", "address");
    check_refused("\"transportParams\":\"address=::1\"", NULL);
    check_refused("\"transportParams\":\"address=127.0.0.7\"", NULL);
}

/* Design 6: elsewhere than on loopback a listener asks who they are. */
TEST(an_address_that_others_reach_needs_mutual_tls)
{
    check_refused("\"transportParams\":\"address=0.0.0.0\"", "address");
    check_refused("\"transportParams\":\"address=192.0.2.1;tls=1\"", "address");
    check_refused("\"transportParams\":\"address=192.0.2.1;tls-mutual=1\"", "address");
    check_refused("\"transportParams\":\"address=192.0.2.1;tls=1;tls-mutual=1\"", NULL);
    check_refused("\"listeningMode\":\"auto-detect\","
                  "\"transportParams\":\"address=192.0.2.1;tls=1;tls-mutual=1\"",
                  "address");
}

TEST(more_ports_than_four_are_refused)
{
    struct found found;
    struct buf application = { 0 };
    buf_add_z(&application, HEAD);
    for (int i = 1; i <= 6; i++)
        buf_format(&application, "%s{\"id\":\"p%d\",\"number\":%d,\"connectionProtocol\":\"http\"}",
                   i > 1 ? "," : "", i, i);
    buf_add_z(&application, "]}");
    buf_add_byte(&application, '\0');
    find(&found, application.at, "{}");
    CHECK_U32(found.ports.count, PROXY_PORTS_MAX);
    CHECK_U32(found.refused, 2);
    CHECK_TEXT(text_of(found.port_id), "p6");
    buf_free(&application);
    end(&found);
}
