/* SPDX-License-Identifier: Apache-2.0 */
/* tls.h - TLS for the streams of net.h, on OpenSSL 3: give a listener or a connect a
 * struct tls_config and its streams carry TLS; handlers notice nothing but what on_closed tells.
 * Promise  1.2 or newer, no renegotiation, no compression. Each accept and connect uses the files
 *          as they are now: a changed one is noticed within TLS_CHECK_MS and counts for new
 *          connections; when the new files cannot be used, the old ones stay, and on_files hears
 *          why, once per change.
 * Failed   a handshake that fails or takes longer than TLS_HANDSHAKE_MS closes its connection
 *          alone: on_closed with ERR_DENIED (a certificate was refused), ERR_TIMEOUT, ERR_CLOSED
 *          (the peer left) or ERR_INVALID (that was no TLS, or nothing in common);
 *          stream_words() says more. What was written before it ends waits until then.
 * Owner    a config outlives the listeners and streams that were made with it.
 * Bound    what a stream holds of the peer's bytes while its reader pauses: one read and one
 *          record. Files: TLS_FILES_MAX.
 * Source   framework 10.2, 10.3 */
#ifndef IO_NET_TLS_H
#define IO_NET_TLS_H

#include "io/net/net.h"

enum { TLS_HANDSHAKE_MS = 10000, TLS_CHECK_MS = 1000, TLS_FILES_MAX = 32 };

enum tls_version { TLS_VERSION_ANY, TLS_VERSION_1_2, TLS_VERSION_1_3 };

/* The options of framework 10.3 under their meaning; texts are views. */
struct tls_options {
    bool is_on;                  /* tls */
    bool is_mutual;              /* tls-mutual: the server wants a certificate of the client */
    bool is_name_unchecked;      /* tls-target-name-check=no */
    bool needs_fips;             /* fips140-enabled */
    struct text certificate;     /* PEM files, separated by commas: ours first, then its chain */
    struct text certificate_key; /* PEM file */
    struct text trusted_ca;      /* PEM files or folders made by `openssl rehash`, commas between */
    struct text crl;             /* PEM file; checked for the whole chain */
    struct text cipher_list;     /* of TLS 1.2; empty: forward secrecy with AES-GCM or ChaCha20 */
    enum tls_version at_least;   /* tls-version; ANY: 1.2 */
    enum tls_version only;       /* sec-protocol */
};

/* One option by its name in the guides, "certificate-key". ERR_NOT_FOUND: TLS has no such option
 * (`provider` is known and ignored). ERR_INVALID: the value breaks its rule. */
enum err tls_options_set(struct tls_options *options, struct text name, struct text value,
                         struct fault *fault);
/* The transport parameters of a port or connection, "tls=1;certificate=/x.pem"; names that are not
 * TLS's are somebody else's. */
enum err tls_options_read(struct tls_options *options, struct text parameters, struct fault *fault);

enum tls_role { TLS_SERVER, TLS_CLIENT };

struct tls_config;

struct tls_setup {
    enum tls_role role;
    const struct tls_options *options; /* copied; `is_on` is the caller's affair */
    /* The files changed: `fault` NULL, and the new ones are used; or why they are not. Nothing may
     * be opened or closed in this call. May be NULL. */
    void (*on_files)(void *self, const struct fault *fault);
    void *self;
};

/* A server needs certificate and certificate-key, and trusted-ca where tls-mutual is on; a client
 * needs trusted-ca. Faults name the option and its rule. */
enum err tls_config_open(struct scope *owner, struct loop *loop, const struct tls_setup *setup,
                         struct tls_config **out, struct fault *fault);
/* Other options from the next connection on; on an error the ones before stay. */
enum err tls_config_change(struct tls_config *config, const struct tls_options *options,
                           struct fault *fault);

/* As stream_connect(), with TLS; TLS_HANDSHAKE_MS holds for connecting and handshake together.
 * `host` is the name or IP address that the server's certificate must have, and what it is told
 * (SNI). on_open comes when the handshake is done. */
struct stream *stream_connect_tls(struct scope *owner, struct net *net, struct text address,
                                  struct tls_config *config, struct text host,
                                  const struct stream_handler *handler, void *self);

#endif
