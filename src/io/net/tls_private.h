/* SPDX-License-Identifier: Apache-2.0 */
/* tls_private.h - between the two files of TLS: tls_config.c knows files and rules, tls_stream.c
 * carries bytes. For the files of this room only. */
#ifndef IO_NET_TLS_PRIVATE_H
#define IO_NET_TLS_PRIVATE_H

#include "io/net/tls.h"

#include <openssl/ssl.h>

/* One connection by the files as they are now. `host` for clients. */
SSL *tls_config_connection(struct tls_config *config, struct text host);

#endif
