/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/test.h"

#include "app/certificate_watch.h"

/* Self-signed, of no key that anybody has; ends 2036-11-19 00:20:07 UTC. */
static const char pem[] = "-----BEGIN CERTIFICATE-----\n"
                          "MIIBdDCCARmgAwIBAgIUHiajx5g3cmxEIEtMCmT8oCe5cRQwCgYIKoZIzj0EAwIw\n"
                          "DzENMAsGA1UEAwwEdGVzdDAeFw0yNjExMjIwMDIwMDdaFw0zNjExMTkwMDIwMDda\n"
                          "MA8xDTALBgNVBAMMBHRlc3QwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAAReZx0B\n"
                          "WeJfwdaCw2+8rLH5Cr7wJINiAbRocXZuM7G2P3Nzb/lHWEsGu79SUB5qGjXGOBsX\n"
                          "2o8UeD60hi8Y7xfZo1MwUTAdBgNVHQ4EFgQU1bgdOP13O6Dt9Le+wQ3tJvbnukcw\n"
                          "HwYDVR0jBBgwFoAU1bgdOP13O6Dt9Le+wQ3tJvbnukcwDwYDVR0TAQH/BAUwAwEB\n"
                          "/zAKBggqhkjOPQQDAgNJADBGAiEA3+16aV1cjsthoj4ptJVflxNTUSBZK32mQVv8\n"
                          "Ql6NLZQCIQDFNF8U2Ea/isjW/SuOhwj3jnTfb/ucN5vhOLbcv+uDyw==\n"
                          "-----END CERTIFICATE-----\n";
#define END_UTC_MS (UINT64_C(2110666807) * 1000)

TEST(the_time_left_is_that_of_the_first_certificate)
{
    int64_t left;
    CHECK_OK(
        certificate_seconds_left(((struct text){ pem, sizeof pem - 1 }), END_UTC_MS - 3000, &left));
    CHECK_I64(left, 3);
    CHECK_OK(certificate_seconds_left(((struct text){ pem, sizeof pem - 1 }), END_UTC_MS + 86400000,
                                      &left));
    CHECK_I64(left, -86400);
    CHECK(certificate_seconds_left(TEXT("no certificate"), 0, &left) == ERR_INVALID);
    CHECK(certificate_seconds_left(TEXT(""), 0, &left) == ERR_INVALID);
    CHECK(certificate_seconds_left(text_slice(((struct text){ pem, sizeof pem - 1 }), 0, 200), 0,
                                   &left) == ERR_INVALID);
}

TEST(warnings_come_at_thirty_seven_and_one_days)
{
    CHECK_U32(certificate_warning(31 * 86400), 0);
    CHECK_U32(certificate_warning(30 * 86400), 30);
    CHECK_U32(certificate_warning(7 * 86400 + 1), 30);
    CHECK_U32(certificate_warning(7 * 86400), 7);
    CHECK_U32(certificate_warning(86400), 1);
    CHECK_U32(certificate_warning(-5), 1);
}
