/* SPDX-License-Identifier: Apache-2.0 */
/* certificates.h - for tests of TLS: a folder of keys and certificates, made by the openssl
 * command. */
#ifndef TESTS_UNIT_IO_CERTIFICATES_H
#define TESTS_UNIT_IO_CERTIFICATES_H

#include "base/text.h"

struct certificates {
    char folder[64];
};

/* False: there is no openssl command. A "ca", and by it "server" for localhost and 127.0.0.1. */
bool certificates_open(struct certificates *certificates);
/* NAME.pem and NAME.key, signed by `ca` ("ca"), or by itself where it is NULL. `extension` may be
 * NULL: "subjectAltName=DNS:localhost". */
void certificates_make(const struct certificates *certificates, const char *name, const char *ca,
                       const char *extension);
/* "FOLDER/name"; good until the eighth call from now. */
struct text certificates_path(const struct certificates *certificates, const char *name);
void certificates_copy(const struct certificates *certificates, const char *from, const char *to);
void certificates_write(const struct certificates *certificates, const char *name,
                        const char *content);
/* Runs `openssl arguments...` in the folder. */
bool certificates_openssl(const struct certificates *certificates, const char *arguments);
void certificates_close(struct certificates *certificates);

#endif
