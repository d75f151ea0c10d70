/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/config/permission.h"

static const struct {
    char letter;
    const char *deed;
} bits[PERMISSION_LETTERS] = {
    { 'R', "read it" },
    { 'C', "create objects in it" },
    { 'H', "change it" },
    { 'X', "execute it" },
    { 'D', "delete it" },
    { 'E', "read its permissions" },
    { 'P', "change its permissions" },
};

static const struct {
    struct text name;
    uint8_t mask;
} sets[] = {
    { { "Read", 4 }, PERMISSIONS_READ },
    { { "Read & Execute", 14 }, PERMISSIONS_READ_EXECUTE },
    { { "Change", 6 }, PERMISSIONS_CHANGE },
    { { "Full Control", 12 }, PERMISSIONS_FULL },
};

/* 0: no such letter. */
static uint8_t bit_of(char letter)
{
    if (letter >= 'a' && letter <= 'z') letter = (char)(letter - 'a' + 'A');
    for (int i = 0; i < PERMISSION_LETTERS; i++)
        if (bits[i].letter == letter) return (uint8_t)(1u << i);
    return 0;
}

enum err permission_parse(struct text in, uint8_t *out)
{
    for (size_t i = 0; i < sizeof sets / sizeof sets[0]; i++) {
        if (!text_eq_fold(in, sets[i].name)) continue;
        *out = sets[i].mask;
        return ERR_OK;
    }
    uint8_t mask = 0;
    for (size_t i = 0; i < in.len; i++) {
        uint8_t bit = bit_of(in.at[i]);
        if (bit == 0 || (mask & bit)) return ERR_INVALID;
        mask |= bit;
    }
    *out = mask;
    return ERR_OK;
}

struct text permission_format(uint8_t mask, char out[PERMISSION_BYTES])
{
    size_t len = 0;
    for (int i = 0; i < PERMISSION_LETTERS; i++)
        if (mask & (1u << i)) out[len++] = bits[i].letter;
    out[len] = '\0';
    return (struct text){ out, len };
}

const char *permission_deed(enum permission bit)
{
    for (int i = 0; i < PERMISSION_LETTERS; i++)
        if ((unsigned)bit == (1u << i)) return bits[i].deed;
    return "do that";
}
