/* SPDX-License-Identifier: Apache-2.0 */
/* The names of framework 10.3 and what may stand behind them. Pure. */
#include "io/net/tls.h"

/* The place of `value` among `choices`, which NULL ends. */
static enum err choose(const char *name, struct text value, const char *const *choices,
                       const char *rule, uint32_t *out, struct fault *fault)
{
    for (uint32_t i = 0; choices[i]; i++) {
        if (!text_eq(value, text_of(choices[i]))) continue;
        *out = i;
        return ERR_OK;
    }
    return fault_set(fault, ERR_INVALID, name, "%s: must be %s", name, rule);
}

static enum err set_bool(bool *out, const char *name, struct text value, struct fault *fault)
{
    if (text_to_bool(value, out) == ERR_OK) return ERR_OK;
    return fault_set(fault, ERR_INVALID, name, "%s: must be 0 or 1", name);
}

static enum err set_name_check(struct tls_options *options, struct text value, struct fault *fault)
{
    static const char *const choices[] = { "host", "no", NULL };
    uint32_t choice = options->is_name_unchecked;
    enum err err = choose("tls-target-name-check", value, choices, "no or host", &choice, fault);
    options->is_name_unchecked = choice == 1;
    return err;
}

static enum err set_protocol(struct tls_options *options, struct text value, struct fault *fault)
{
    static const char *const choices[] = { "", "SSLv23", "TLSv12", "TLSv13", NULL };
    uint32_t choice = 0;
    enum err err =
        choose("sec-protocol", value, choices, "empty, SSLv23, TLSv12 or TLSv13", &choice, fault);
    if (!err)
        options->only = choice == 2   ? TLS_VERSION_1_2
                        : choice == 3 ? TLS_VERSION_1_3
                                      : TLS_VERSION_ANY;
    return err;
}

static enum err set_version(struct tls_options *options, struct text value, struct fault *fault)
{
    static const char *const choices[] = { "1.2", "1.3", NULL };
    uint32_t choice = 0;
    enum err err = choose("tls-version", value, choices, "1.2 or 1.3", &choice, fault);
    if (!err) options->at_least = choice == 1 ? TLS_VERSION_1_3 : TLS_VERSION_1_2;
    return err;
}

enum err tls_options_set(struct tls_options *options, struct text name, struct text value,
                         struct fault *fault)
{
    const struct {
        struct text name;
        struct text *value;
    } texts[] = {
        { TEXT("certificate"), &options->certificate },
        { TEXT("certificate-key"), &options->certificate_key },
        { TEXT("trusted-ca"), &options->trusted_ca },
        { TEXT("tls-crl"), &options->crl },
        { TEXT("cipher-list"), &options->cipher_list },
    };
    const struct {
        struct text name;
        bool *value;
    } switches[] = {
        { TEXT("tls"), &options->is_on },
        { TEXT("tls-mutual"), &options->is_mutual },
        { TEXT("fips140-enabled"), &options->needs_fips },
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        if (!text_eq(name, texts[i].name)) continue;
        *texts[i].value = value;
        return ERR_OK;
    }
    for (size_t i = 0; i < sizeof switches / sizeof switches[0]; i++)
        if (text_eq(name, switches[i].name))
            return set_bool(switches[i].value, switches[i].name.at, value, fault);
    if (text_eq(name, TEXT("tls-target-name-check"))) return set_name_check(options, value, fault);
    if (text_eq(name, TEXT("sec-protocol"))) return set_protocol(options, value, fault);
    if (text_eq(name, TEXT("tls-version"))) return set_version(options, value, fault);
    return text_eq(name, TEXT("provider")) ? ERR_OK : ERR_NOT_FOUND;
}

enum err tls_options_read(struct tls_options *options, struct text parameters, struct fault *fault)
{
    struct text rest = parameters, one;
    while (text_next_item(&rest, ';', &one)) {
        struct text name, value;
        if (!text_cut(one, '=', &name, &value)) continue;
        enum err err = tls_options_set(options, text_trim(name), text_trim(value), fault);
        if (err && err != ERR_NOT_FOUND) return err;
    }
    return ERR_OK;
}
