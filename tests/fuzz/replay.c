/* SPDX-License-Identifier: Apache-2.0 */
/* The other driver of a fuzz target, for compilers without libFuzzer and for every `make test`:
 *
 *     url_fuzz corpus/url [SECONDS]    every file, its prefixes, and some mutations from a fixed
 * seed url_fuzz crash-url               one file as it is
 *
 * An input that breaks a promise is left as crash-<target> in the present folder. */
#include "tests/fuzz/fuzz.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
    FILES_MAX = 1024,
    FILE_BYTES_MAX = 1024 * 1024,
    PREFIXES_MAX = 96,
    MUTATIONS_USUAL = 24,
    PREFIX_MS = 500, /* per target: a slow one has fewer prefixes and mutations */
    MUTATIONS_MS_USUAL = 300,
};

struct file {
    char *name;
    struct buf bytes;
};

static struct {
    struct file files[FILES_MAX];
    size_t count;
    struct text present; /* what runs just now */
    char crash_name[128];
    uint64_t runs;
} replay;

/* --- when it breaks --- */

static void keep_present(void)
{
    FILE *file = fopen(replay.crash_name, "wb");
    if (file == NULL) return;
    (void)fwrite(replay.present.at, 1, replay.present.len, file);
    (void)fclose(file);
    (void)fprintf(stderr, "the input is in %s\n", replay.crash_name);
}

static void on_abort(int number)
{
    keep_present();
    (void)signal(number, SIG_DFL);
    (void)raise(number);
}

/* There only where a sanitizer is. */
void __sanitizer_set_death_callback(void (*callback)(void)) __attribute__((weak));

/* --- one input --- */

static void run(struct text bytes)
{
    char *copy = malloc(bytes.len ? bytes.len : 1); /* of exactly its size: its end is watched */
    ASSERT(copy != NULL);
    if (bytes.len) memcpy(copy, bytes.at, bytes.len);
    replay.present = (struct text){ copy, bytes.len };
    replay.runs++;
    (void)LLVMFuzzerTestOneInput((const uint8_t *)copy, bytes.len);
    free(copy);
}

/* Of CPU, or half of the time that passes: a machine with other work to do tries less. */
static uint64_t spent_ms(void)
{
    struct timespec now;
    static uint64_t began_ms;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    uint64_t now_ms = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
    if (began_ms == 0) began_ms = now_ms;
    uint64_t passed_ms = (now_ms - began_ms) / 2;
    uint64_t cpu_ms = (uint64_t)clock() * 1000 / CLOCKS_PER_SEC;
    return cpu_ms > passed_ms ? cpu_ms : passed_ms;
}

static void run_prefixes(struct text bytes)
{
    size_t step = bytes.len / PREFIXES_MAX + 1;
    for (size_t len = 0; len < bytes.len && spent_ms() < PREFIX_MS; len += step)
        run(text_slice(bytes, 0, len));
}

/* --- mutations --- */

static void mutate_once(struct random *random, struct buf *bytes)
{
    const struct file *other = &replay.files[random_below(random, replay.count)];
    size_t at = bytes->len ? (size_t)random_below(random, bytes->len) : 0;
    size_t len = 1 + (size_t)random_below(random, 16);
    if (len > bytes->len - at) len = bytes->len - at;
    struct buf tail = { 0 };
    buf_add(&tail, text_slice(buf_text(bytes), at, SIZE_MAX));
    switch (random_below(random, 5)) {
    case 0: /* another byte */
        if (bytes->len) bytes->at[at] = (char)random_u64(random);
        break;
    case 1: /* another bit */
        if (bytes->len) bytes->at[at] ^= (char)(1U << random_below(random, 8));
        break;
    case 2: /* some bytes less */
        bytes->len = at;
        buf_add(bytes, text_slice(buf_text(&tail), len, SIZE_MAX));
        break;
    case 3: /* some bytes twice */
        bytes->len = at + len;
        buf_add(bytes, buf_text(&tail));
        break;
    default: { /* the end of another file */
        struct text end = buf_text(&other->bytes);
        bytes->len = at;
        if (end.len) buf_add(bytes, text_slice(end, random_below(random, end.len), SIZE_MAX));
        break;
    }
    }
    buf_free(&tail);
}

static void run_mutation(struct random *random, struct text from)
{
    struct buf bytes = { 0 };
    buf_add(&bytes, from);
    for (uint64_t i = 1 + random_below(random, 4); i > 0; i--) mutate_once(random, &bytes);
    if (bytes.len > FILE_BYTES_MAX) bytes.len = FILE_BYTES_MAX;
    run(buf_text(&bytes));
    buf_free(&bytes);
}

/* Round after round over all files; a slow target gets fewer. */
static void run_mutations(uint64_t rounds, uint64_t ms)
{
    struct random random;
    random_seed(&random, 20261121);
    uint64_t end_ms = spent_ms() + ms;
    for (uint64_t round = 0; round < rounds; round++)
        for (size_t i = 0; i < replay.count; i++) {
            run_mutation(&random, buf_text(&replay.files[i].bytes));
            if (spent_ms() > end_ms) return;
        }
}

/* --- files --- */

static bool read_file(const char *path, struct buf *out)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) return false;
    out->len = fread(buf_reserve(out, FILE_BYTES_MAX), 1, FILE_BYTES_MAX, file);
    (void)fclose(file);
    return true;
}

static int compare(const void *a, const void *b)
{
    return strcmp(((const struct file *)a)->name, ((const struct file *)b)->name);
}

static bool read_folder(const char *path)
{
    DIR *folder = opendir(path);
    if (folder == NULL) return false;
    for (struct dirent *entry; (entry = readdir(folder)) != NULL && replay.count < FILES_MAX;) {
        struct buf name = { 0 };
        if (entry->d_name[0] == '.') continue;
        buf_format(&name, "%s/%s", path, entry->d_name);
        buf_add_byte(&name, '\0');
        struct file *file = &replay.files[replay.count];
        file->name = name.at;
        replay.count += read_file(name.at, &file->bytes);
    }
    (void)closedir(folder);
    qsort(replay.files, replay.count, sizeof replay.files[0], compare);
    return replay.count > 0;
}

static void name_crash(const char *program)
{
    const char *slash = strrchr(program, '/');
    struct text name = text_of(slash ? slash + 1 : program);
    if (text_ends(name, TEXT("_fuzz"))) name.len -= sizeof "_fuzz" - 1;
    (void)snprintf(replay.crash_name, sizeof replay.crash_name, "crash-%.*s", TEXT_ARG(name));
}

static int run_one(const char *path)
{
    struct buf bytes = { 0 };
    if (!read_file(path, &bytes)) return 2;
    run(buf_text(&bytes));
    buf_free(&bytes);
    return 0;
}

static void run_folder(const char *seconds)
{
    uint32_t wanted_s = 0;
    if (seconds) (void)text_to_u32(text_of(seconds), 1, 86400, &wanted_s);
    (void)printf("1..%zu\n", replay.count + 1);
    for (size_t i = 0; i < replay.count; i++) {
        run(buf_text(&replay.files[i].bytes));
        (void)printf("ok %zu - %s\n", i + 1, strrchr(replay.files[i].name, '/') + 1);
    }
    for (size_t i = 0; i < replay.count; i++) run_prefixes(buf_text(&replay.files[i].bytes));
    run_mutations(wanted_s ? UINT64_MAX : MUTATIONS_USUAL,
                  wanted_s ? wanted_s * 1000ULL : MUTATIONS_MS_USUAL);
    (void)printf("ok %zu - prefixes and mutations; %llu inputs in all\n", replay.count + 1,
                 (unsigned long long)replay.runs);
    for (size_t i = 0; i < replay.count; i++) {
        buf_free(&replay.files[i].bytes);
        free(replay.files[i].name);
    }
}

int main(int argc, char **argv)
{
    struct stat status;
    if (argc < 2 || stat(argv[1], &status) != 0) {
        (void)fprintf(stderr, "%s FOLDER [SECONDS] | FILE\n", argv[0]);
        return 2;
    }
    name_crash(argv[0]);
    (void)signal(SIGABRT, on_abort);
    if (__sanitizer_set_death_callback) __sanitizer_set_death_callback(keep_present);
    if (!S_ISDIR(status.st_mode)) return run_one(argv[1]);
    if (!read_folder(argv[1])) return 2;
    run_folder(argc > 2 ? argv[2] : NULL);
    return 0;
}
