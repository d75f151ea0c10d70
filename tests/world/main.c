/* SPDX-License-Identifier: Apache-2.0 */
/* world - runs simulated worlds: world [--seeds FIRST-LAST | --seed N | --week N | --weeks
 * FIRST-LAST] [--strikes N] [--log FILE] [--centre FILE]
 * TAP for the test runner: one line for each hundred seeds; a broken one prints its seed, what was
 * promised and the last events. `make replay SEED=n` runs one again with all its events. */
#include "tests/world/world.h"

#include <dirent.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { CENTRE_BYTES_MAX = 1 << 20, BATCH = 50 };

struct arguments {
    uint64_t first, last;
    bool are_weeks;
    uint32_t strikes;
    const char *log, *centre;
};

/* --- OpenSSL's chance is the world's -----------------------------------------------------------
 */

static struct random numbers;

static int give_bytes(unsigned char *out, int count)
{
    for (int i = 0; i < count; i++) out[i] = (unsigned char)random_u64(&numbers);
    return 1;
}

static int say_ready(void)
{
    return 1;
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
static void take_over_chance(void)
{
    static const RAND_METHOD method = { .bytes = give_bytes,
                                        .pseudorand = give_bytes,
                                        .status = say_ready };
    ASSERT(RAND_set_rand_method(&method) == 1);
}
#pragma GCC diagnostic pop

/* --- one seed --- */

static void remove_folder(const char *path)
{
    DIR *folder = opendir(path);
    for (struct dirent *entry; folder && (entry = readdir(folder)) != NULL;) {
        char inner[4096];
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
        (void)snprintf(inner, sizeof inner, "%s/%s", path, entry->d_name);
        if (unlink(inner) != 0) remove_folder(inner);
    }
    if (folder) (void)closedir(folder);
    (void)rmdir(path);
}

static bool run_seed(const struct arguments *arguments, uint64_t seed, struct text centre,
                     uint64_t *digest)
{
    char folder[64]; /* of memory where there is such a place: caches are synced */
    (void)snprintf(folder, sizeof folder, "%s/carillon-world-XXXXXX",
                   access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    if (mkdtemp(folder) == NULL) return false;
    FILE *log = arguments->log ? fopen(arguments->log, "we") : NULL;
    struct world_options options = { .seed = seed,
                                     .strikes = arguments->strikes,
                                     .data_dir = text_of(folder),
                                     .centre = centre,
                                     .log = log,
                                     .digest = digest };
    random_seed(&numbers, seed);
    bool is_kept = arguments->are_weeks ? week_run(&options) : world_run(&options);
    if (log) (void)fclose(log);
    remove_folder(folder);
    return is_kept;
}

/* What makes a replay worth while. */
static bool repeats(const struct arguments *arguments, struct text centre)
{
    uint64_t digests[2] = { 0 };
    if (arguments->first == arguments->last) return true;
    for (int i = 0; i < 2; i++) (void)run_seed(arguments, arguments->first, centre, &digests[i]);
    return digests[0] == digests[1];
}

static double seconds(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static bool run_batch(const struct arguments *arguments, uint64_t number, struct text centre)
{
    uint64_t first = arguments->first + number * BATCH, last = first + BATCH - 1, broken = 0;
    double began = seconds();
    if (last > arguments->last) last = arguments->last;
    for (uint64_t seed = first; seed <= last; seed++)
        broken += !run_seed(arguments, seed, centre, NULL);
    printf("%s %llu - %s_%llu_to_%llu_keep_their_promises # %.1f s\n", broken ? "not ok" : "ok",
           (unsigned long long)number + 2, arguments->are_weeks ? "weeks" : "worlds",
           (unsigned long long)first, (unsigned long long)last, seconds() - began);
    (void)fflush(stdout);
    return broken == 0;
}

static int run_all(const struct arguments *arguments, struct text centre)
{
    uint64_t batches = (arguments->last - arguments->first) / BATCH + 1;
    bool is_repeated = repeats(arguments, centre), are_kept = true;
    printf("1..%llu\n%s 1 - the_same_seed_is_the_same_world\n", (unsigned long long)batches + 1,
           is_repeated ? "ok" : "not ok");
    for (uint64_t number = 0; number < batches; number++)
        are_kept &= run_batch(arguments, number, centre);
    return are_kept && is_repeated ? 0 : 1;
}

static bool read_file(const char *path, struct buf *out)
{
    FILE *file = fopen(path, "re");
    if (file == NULL) return false;
    out->len += fread(buf_reserve(out, CENTRE_BYTES_MAX), 1, CENTRE_BYTES_MAX, file);
    return fclose(file) == 0;
}

/* "7", "1-100" */
static bool read_seeds(const char *value, struct arguments *out)
{
    char *end = NULL;
    out->first = out->last = strtoull(value, &end, 10);
    if (end != value && *end == '-') out->last = strtoull(end + 1, &end, 10);
    return end != value && *end == 0;
}

static bool read_arguments(int argc, char **argv, struct arguments *out)
{
    for (int i = 1; i + 1 < argc; i += 2) {
        const char *name = argv[i], *value = argv[i + 1];
        bool are_weeks = strcmp(name, "--week") == 0 || strcmp(name, "--weeks") == 0;
        out->are_weeks |= are_weeks;
        if (strcmp(name, "--log") == 0)
            out->log = value;
        else if (strcmp(name, "--centre") == 0)
            out->centre = value;
        else if (strcmp(name, "--strikes") == 0)
            out->strikes = (uint32_t)strtoul(value, NULL, 10);
        else if (!are_weeks && strcmp(name, "--seed") != 0 && strcmp(name, "--seeds") != 0)
            return false;
        else if (!read_seeds(value, out))
            return false;
    }
    if (out->centre == NULL) out->centre = out->are_weeks ? WORLD_WEEK : WORLD_CENTRE;
    return argc % 2 == 1 && out->last >= out->first;
}

int main(int argc, char **argv)
{
    struct arguments arguments = { .first = 1, .last = 100, .strikes = 8 };
    struct buf centre = { 0 };
    if (!read_arguments(argc, argv, &arguments) || !read_file(arguments.centre, &centre)) {
        (void)fprintf(stderr, "usage: world [--seeds FIRST-LAST | --seed N | --week N | --weeks "
                              "FIRST-LAST] [--strikes N] [--log FILE] [--centre FILE]\n");
        return 2;
    }
    take_over_chance();
    int code = run_all(&arguments, buf_text(&centre));
    buf_free(&centre);
    return code;
}
