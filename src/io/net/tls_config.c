/* SPDX-License-Identifier: Apache-2.0 */
/* What a connection may do and whom it trusts: options and files become an SSL_CTX, made anew when
 * a file has changed. Connections that are open keep the one they began with. Start reading at
 * tls_config_connection(). */
#include "io/net/tls_private.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/provider.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { PATH_BYTES = 4096, NAME_BYTES = 256 };

static const char usual_ciphers[] = "ECDHE+AESGCM:ECDHE+CHACHA20";

/* What tells a file from the one that stood there before. */
struct stamp {
    dev_t device;
    ino_t number;
    off_t bytes;
    struct timespec changed;
};

struct stamps {
    struct stamp at[TLS_FILES_MAX];
    uint32_t count;
};

struct tls_config {
    struct loop *loop;
    struct scope *life, *options_life;
    enum tls_role role;
    struct tls_options options;
    void (*on_files)(void *self, const struct fault *fault);
    void *self;
    SSL_CTX *context;
    struct stamps stamps; /* of the files when we last read them, usable or not */
    uint64_t checked_mono_ms;
};

/* --- files --- */

static const char *reason(void)
{
    const char *words = ERR_reason_error_string(ERR_peek_last_error());
    return words ? words : "it is of no known kind";
}

static enum err path_of(const char *option, struct text path, char out[PATH_BYTES],
                        struct fault *fault)
{
    if (text_to_z(path, out, PATH_BYTES) == ERR_OK && path.len > 0) return ERR_OK;
    return fault_set(fault, ERR_INVALID, option, "%s: must be the name of a file", option);
}

/* A path of the list `files`, NUL-ended; false at the end of it. */
static bool next_path(const char *option, struct text *files, char path[PATH_BYTES], enum err *err,
                      struct fault *fault)
{
    struct text one;
    if (*err || files->len == 0 || !text_next_item(files, ',', &one)) return false;
    *err = path_of(option, one, path, fault);
    return *err == ERR_OK;
}

static enum err open_file(const char *option, const char *path, BIO **out, struct fault *fault)
{
    FILE *file = fopen(path, "re");
    struct stat status;
    if (file == NULL || fstat(fileno(file), &status) != 0 || S_ISDIR(status.st_mode)) {
        const char *words = file ? "it is no file" : strerror(errno);
        enum err err = fault_set(fault, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, option,
                                 "%s: cannot read %s: %s", option, path, words);
        if (file) (void)fclose(file);
        return err;
    }
    *out = BIO_new_fp(file, BIO_CLOSE);
    ASSERT(*out != NULL);
    return ERR_OK;
}

static void stamp_list(struct stamps *stamps, struct text files)
{
    struct text one;
    char path[PATH_BYTES];
    while (files.len > 0 && text_next_item(&files, ',', &one)) {
        struct stat status;
        if (stamps->count == TLS_FILES_MAX) return; /* check() refuses so many */
        struct stamp *stamp = &stamps->at[stamps->count++];
        *stamp = (struct stamp){ 0 };
        if (text_to_z(one, path, sizeof path) || stat(path, &status) != 0) continue;
        stamp->device = status.st_dev;
        stamp->number = status.st_ino;
        stamp->bytes = status.st_size;
        stamp->changed = status.st_mtim;
    }
}

static void stamp_all(const struct tls_options *options, struct stamps *stamps)
{
    memset(stamps, 0, sizeof *stamps); /* padding too: they are compared as bytes */
    stamp_list(stamps, options->certificate);
    stamp_list(stamps, options->certificate_key);
    stamp_list(stamps, options->trusted_ca);
    stamp_list(stamps, options->crl);
}

static bool is_changed(const struct tls_config *config, const struct stamps *now)
{
    for (uint32_t i = 0; i < now->count; i++) {
        const struct stamp *a = &now->at[i], *b = &config->stamps.at[i];
        if (a->device != b->device || a->number != b->number || a->bytes != b->bytes ||
            a->changed.tv_sec != b->changed.tv_sec || a->changed.tv_nsec != b->changed.tv_nsec)
            return true;
    }
    return now->count != config->stamps.count;
}

/* --- a context --- */

/* The certificates of one file: the first of all is ours, the others are its chain. */
static enum err add_certificates(SSL_CTX *context, const char *path, bool *has_own,
                                 struct fault *fault)
{
    BIO *file;
    enum err err = open_file("certificate", path, &file, fault);
    if (err) return err;
    uint32_t count = 0;
    X509 *certificate;
    while (!err && (certificate = PEM_read_bio_X509(file, NULL, NULL, NULL)) != NULL) {
        long done = *has_own ? SSL_CTX_add1_chain_cert(context, certificate)
                             : SSL_CTX_use_certificate(context, certificate);
        X509_free(certificate);
        if (done != 1)
            err = fault_set(fault, ERR_INVALID, "certificate", "certificate: %s cannot be used: %s",
                            path, reason());
        *has_own = true;
        count++;
    }
    BIO_free(file);
    if (!err && (count == 0 || ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE))
        err = fault_set(fault, ERR_INVALID, "certificate",
                        "certificate: %s must hold certificates in PEM: %s", path, reason());
    ERR_clear_error();
    return err;
}

/* A key behind a password would make OpenSSL ask at the terminal. */
static int no_password(char *out, int size, int is_writing, void *self)
{
    (void)out, (void)size, (void)is_writing, (void)self;
    return -1;
}

static enum err add_key(SSL_CTX *context, struct text key, struct fault *fault)
{
    char path[PATH_BYTES];
    BIO *file;
    enum err err = path_of("certificate-key", key, path, fault);
    if (!err) err = open_file("certificate-key", path, &file, fault);
    if (err) return err;
    EVP_PKEY *private_key = PEM_read_bio_PrivateKey(file, NULL, no_password, NULL);
    BIO_free(file);
    if (private_key == NULL)
        return fault_set(fault, ERR_INVALID, "certificate-key",
                         "certificate-key: %s must hold a private key in PEM without a password",
                         path);
    int fits = SSL_CTX_use_PrivateKey(context, private_key);
    EVP_PKEY_free(private_key);
    if (fits == 1) return ERR_OK;
    return fault_set(fault, ERR_INVALID, "certificate-key",
                     "certificate-key: %s does not belong to the certificate", path);
}

static enum err add_own(SSL_CTX *context, const struct tls_options *options, struct fault *fault)
{
    enum err err = ERR_OK;
    char path[PATH_BYTES];
    struct text files = options->certificate;
    bool has_own = false;
    while (next_path("certificate", &files, path, &err, fault))
        err = add_certificates(context, path, &has_own, fault);
    if (err) return err;
    return add_key(context, options->certificate_key, fault);
}

/* A file of certificates, or a folder where `openssl rehash` was. */
static enum err add_trusted(SSL_CTX *context, const char *path, struct fault *fault)
{
    struct stat status;
    BIO *file;
    if (stat(path, &status) == 0 && S_ISDIR(status.st_mode)) {
        if (SSL_CTX_load_verify_dir(context, path) == 1) return ERR_OK;
        return fault_set(fault, ERR_INVALID, "trusted-ca", "trusted-ca: %s cannot be used", path);
    }
    enum err err = open_file("trusted-ca", path, &file, fault);
    if (err) return err;
    BIO_free(file); /* it can be read: what else is wrong is its content */
    if (SSL_CTX_load_verify_file(context, path) == 1) return ERR_OK;
    return fault_set(fault, ERR_INVALID, "trusted-ca",
                     "trusted-ca: %s must hold certificates in PEM: %s", path, reason());
}

/* What a server tells its clients, so that they can choose a certificate. */
static void name_trusted(SSL_CTX *context, const char *path)
{
    if (SSL_CTX_get_client_CA_list(context) == NULL)
        SSL_CTX_set_client_CA_list(context, sk_X509_NAME_new_null());
    (void)SSL_add_file_cert_subjects_to_stack(SSL_CTX_get_client_CA_list(context), path);
    ERR_clear_error(); /* a folder has no names to tell */
}

static enum err add_crl(SSL_CTX *context, struct text crl, struct fault *fault)
{
    char path[PATH_BYTES];
    BIO *file;
    if (crl.len == 0) return ERR_OK;
    enum err err = path_of("tls-crl", crl, path, fault);
    if (!err) err = open_file("tls-crl", path, &file, fault);
    if (err) return err;
    X509_STORE *store = SSL_CTX_get_cert_store(context);
    uint32_t count = 0;
    X509_CRL *list;
    while ((list = PEM_read_bio_X509_CRL(file, NULL, NULL, NULL)) != NULL) {
        count += X509_STORE_add_crl(store, list) == 1;
        X509_CRL_free(list);
    }
    BIO_free(file);
    ERR_clear_error();
    if (count == 0)
        return fault_set(fault, ERR_INVALID, "tls-crl",
                         "tls-crl: %s must hold revocation lists in PEM", path);
    (void)X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
    return ERR_OK;
}

static enum err add_trust(SSL_CTX *context, enum tls_role role, const struct tls_options *options,
                          struct fault *fault)
{
    enum err err = ERR_OK;
    char path[PATH_BYTES];
    struct text files = options->trusted_ca;
    while (next_path("trusted-ca", &files, path, &err, fault)) {
        err = add_trusted(context, path, fault);
        if (!err && role == TLS_SERVER) name_trusted(context, path);
    }
    if (!err) err = add_crl(context, options->crl, fault);
    if (!err && (role == TLS_CLIENT || options->is_mutual))
        SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    return err;
}

static enum err set_versions(SSL_CTX *context, const struct tls_options *options,
                             struct fault *fault)
{
    bool is_1_3 = options->at_least == TLS_VERSION_1_3 || options->only == TLS_VERSION_1_3;
    if (is_1_3 && options->only == TLS_VERSION_1_2)
        return fault_set(fault, ERR_INVALID, "sec-protocol",
                         "sec-protocol: TLSv12 and tls-version 1.3 exclude each other");
    int least = is_1_3 ? TLS1_3_VERSION : TLS1_2_VERSION;
    int most = options->only == TLS_VERSION_1_2 ? TLS1_2_VERSION : 0;
    ASSERT(SSL_CTX_set_min_proto_version(context, least) == 1);
    ASSERT(SSL_CTX_set_max_proto_version(context, most) == 1);
    return ERR_OK;
}

static enum err set_ciphers(SSL_CTX *context, struct text list, struct fault *fault)
{
    char ciphers[PATH_BYTES];
    if (list.len == 0) list = text_of(usual_ciphers);
    if (text_to_z(list, ciphers, sizeof ciphers) == ERR_OK &&
        SSL_CTX_set_cipher_list(context, ciphers) == 1)
        return ERR_OK;
    return fault_set(fault, ERR_INVALID, "cipher-list",
                     "cipher-list: must be a list that OpenSSL knows ciphers of");
}

static void set_habits(SSL_CTX *context)
{
    static const unsigned char name[] = "carillon";
    (void)SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                           SSL_OP_CIPHER_SERVER_PREFERENCE);
    (void)SSL_CTX_set_dh_auto(context, 1); /* for a cipher-list that names DHE */
    (void)SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS); /* idle streams own no buffers */
    (void)SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF); /* tickets do */
    (void)SSL_CTX_set_session_id_context(context, name, sizeof name - 1);
}

/* The validated cipher provider, beside the usual one; once loaded it stays. */
static enum err need_fips(struct fault *fault)
{
    static bool is_loaded;
    if (!is_loaded) is_loaded = OSSL_PROVIDER_try_load(NULL, "fips", 1) != NULL;
    ERR_clear_error();
    if (is_loaded) return ERR_OK;
    return fault_set(fault, ERR_UNSUPPORTED, "fips140-enabled",
                     "fips140-enabled: OpenSSL has no FIPS provider here");
}

static enum err new_context(enum tls_role role, const struct tls_options *options, SSL_CTX **out,
                            struct fault *fault)
{
    enum err err = options->needs_fips ? need_fips(fault) : ERR_OK;
    if (err) return err;
    *out = SSL_CTX_new_ex(NULL, options->needs_fips ? "fips=yes" : NULL,
                          role == TLS_SERVER ? TLS_server_method() : TLS_client_method());
    ASSERT(*out != NULL);
    set_habits(*out);
    return ERR_OK;
}

static enum err check(enum tls_role role, const struct tls_options *options, struct fault *fault)
{
    struct stamps stamps;
    stamp_all(options, &stamps);
    if (stamps.count == TLS_FILES_MAX)
        return fault_set(fault, ERR_LIMIT, "certificate",
                         "certificate, trusted-ca: must be fewer than %d files", TLS_FILES_MAX);
    if (role == TLS_SERVER && options->certificate.len == 0)
        return fault_set(fault, ERR_INVALID, "certificate", "certificate: a TLS port needs one");
    if (options->certificate.len > 0 && options->certificate_key.len == 0)
        return fault_set(fault, ERR_INVALID, "certificate-key",
                         "certificate-key: a certificate needs one");
    if (role == TLS_SERVER && options->is_mutual && options->trusted_ca.len == 0)
        return fault_set(fault, ERR_INVALID, "trusted-ca",
                         "trusted-ca: tls-mutual needs it to judge the clients' certificates");
    if (role == TLS_CLIENT && options->trusted_ca.len == 0)
        return fault_set(fault, ERR_INVALID, "trusted-ca",
                         "trusted-ca: a client needs it to judge the server's certificate");
    return ERR_OK;
}

static enum err load(enum tls_role role, const struct tls_options *options, SSL_CTX **out,
                     struct fault *fault)
{
    SSL_CTX *context;
    ERR_clear_error();
    enum err err = check(role, options, fault);
    if (!err) err = new_context(role, options, &context, fault);
    if (err) return err;
    err = set_versions(context, options, fault);
    if (!err) err = set_ciphers(context, options->cipher_list, fault);
    if (!err && options->certificate.len > 0) err = add_own(context, options, fault);
    if (!err) err = add_trust(context, role, options, fault);
    ERR_clear_error();
    if (err)
        SSL_CTX_free(context);
    else
        *out = context;
    return err;
}

/* --- life --- */

static void config_forget(void *self)
{
    struct tls_config *config = self;
    SSL_CTX_free(config->context);
}

static enum err load_and_keep(struct tls_config *config, const struct tls_options *options,
                              struct fault *fault)
{
    struct stamps stamps;
    SSL_CTX *context;
    stamp_all(options, &stamps); /* before: a change while we read is one more change */
    enum err err = load(config->role, options, &context, fault);
    if (err) return err;
    SSL_CTX_free(config->context);
    config->context = context;
    config->stamps = stamps;
    config->checked_mono_ms = loop_now_mono_ms(config->loop);
    return ERR_OK;
}

static void keep_options(struct tls_config *config, const struct tls_options *options)
{
    struct scope *before = config->options_life;
    struct scope *life = scope_new(config->life, "tls options", SCOPE_NO_LIMIT);
    struct tls_options kept = *options;
    struct text *texts[] = { &kept.certificate, &kept.certificate_key, &kept.trusted_ca, &kept.crl,
                             &kept.cipher_list };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        *texts[i] = scope_keep(life, *texts[i]);
    config->options = kept;
    config->options_life = life;
    scope_close(before);
}

enum err tls_config_open(struct scope *owner, struct loop *loop, const struct tls_setup *setup,
                         struct tls_config **out, struct fault *fault)
{
    struct scope *life = scope_new(owner, "tls config", SCOPE_NO_LIMIT);
    struct tls_config *config = scope_alloc(life, sizeof *config);
    *config = (struct tls_config){ .loop = loop,
                                   .life = life,
                                   .role = setup->role,
                                   .on_files = setup->on_files,
                                   .self = setup->self };
    scope_on_close(life, config_forget, config);
    enum err err = load_and_keep(config, setup->options, fault);
    if (err) {
        scope_close(life);
        return err;
    }
    keep_options(config, setup->options);
    *out = config;
    return ERR_OK;
}

enum err tls_config_change(struct tls_config *config, const struct tls_options *options,
                           struct fault *fault)
{
    enum err err = load_and_keep(config, options, fault);
    if (!err) keep_options(config, options);
    return err;
}

/* --- connections --- */

static void look_at_files(struct tls_config *config)
{
    uint64_t now = loop_now_mono_ms(config->loop);
    if (now < config->checked_mono_ms + TLS_CHECK_MS) return;
    config->checked_mono_ms = now;
    struct stamps stamps;
    struct fault fault;
    stamp_all(&config->options, &stamps);
    if (!is_changed(config, &stamps)) return;
    enum err err = load_and_keep(config, &config->options, &fault);
    if (err) config->stamps = stamps; /* not again before the next change */
    if (config->on_files) config->on_files(config->self, err ? &fault : NULL);
}

static void expect_host(SSL *ssl, const struct tls_config *config, struct text host)
{
    char name[NAME_BYTES];
    unsigned char number[sizeof(struct in6_addr)];
    if (text_to_z(host, name, sizeof name)) name[0] = '\0'; /* a name that no certificate has */
    bool is_ip = inet_pton(AF_INET, name, number) == 1 || inet_pton(AF_INET6, name, number) == 1;
    if (!is_ip && name[0]) (void)SSL_set_tlsext_host_name(ssl, name);
    if (config->options.is_name_unchecked) return;
    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    int done = is_ip ? X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name)
                     : SSL_set1_host(ssl, name[0] ? name : ".");
    ASSERT(done == 1);
}

SSL *tls_config_connection(struct tls_config *config, struct text host)
{
    look_at_files(config);
    SSL *ssl = SSL_new(config->context);
    ASSERT(ssl != NULL);
    if (config->role == TLS_SERVER) {
        SSL_set_accept_state(ssl);
    } else {
        expect_host(ssl, config, host);
        SSL_set_connect_state(ssl);
    }
    return ssl;
}
