/* SPDX-License-Identifier: Apache-2.0 */
/* check-log [--silent] [--lapse SECONDS] FILE - judges the event log of a run (event_log.h).
 * Ends with 0 and one line of what was seen; or with 1, each breach and the events that led to it;
 * with 2 when the file cannot be read. --silent: no notifications are due. --lapse: the
 * preview-timeout of the run. */
#include "tests/world/checker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool hear_file(FILE *file, struct checker *checker, struct fault *fault)
{
    struct scope *scratch = scope_new(NULL, "line", SCOPE_NO_LIMIT);
    char *line = NULL;
    size_t room = 0;
    ssize_t len;
    bool is_whole = true;
    for (unsigned long number = 1; is_whole && (len = getline(&line, &room, file)) >= 0; number++) {
        struct event event;
        struct text text = text_trim((struct text){ line, (size_t)len });
        if (text.len == 0) continue;
        if (event_read(text, scratch, &event, fault)) {
            fprintf(stderr, "check-log: line %lu: %s %s\n", number, fault->field, fault->words);
            is_whole = false;
        } else {
            (void)checker_hear(checker, &event);
        }
        scope_reset(scratch);
    }
    free(line);
    scope_close(scratch);
    return is_whole;
}

static void print_breaches(const struct checker *checker)
{
    uint32_t count;
    const struct breach *breaches = checker_breaches(checker, &count);
    for (uint32_t i = 0; i < count; i++)
        printf("BREACH %.*s (event %llu)\n%.*s", TEXT_ARG(breaches[i].words),
               (unsigned long long)breaches[i].number, TEXT_ARG(breaches[i].history));
}

static void print_counts(struct checker_counts counts)
{
    printf("check-log: %llu events, %llu requests (%llu acknowledged, %llu refused, %llu lost), "
           "%llu chains, %llu rounds, %llu notifications (%llu deliveries), %llu looks; ",
           (unsigned long long)counts.events, (unsigned long long)counts.requests,
           (unsigned long long)counts.acknowledged, (unsigned long long)counts.refused,
           (unsigned long long)counts.lost, (unsigned long long)counts.chains,
           (unsigned long long)counts.rounds, (unsigned long long)counts.notifications,
           (unsigned long long)counts.deliveries, (unsigned long long)counts.looks);
    if (counts.given_up)
        printf("%llu chains could not be judged; ", (unsigned long long)counts.given_up);
    printf("%llu breaches\n", (unsigned long long)counts.breaches);
}

int main(int count, char **words)
{
    struct checker_options options = { 0 };
    int i = 1;
    for (; i < count - 1; i++) {
        uint32_t seconds;
        if (strcmp(words[i], "--silent") == 0)
            options.is_silent = true;
        else if (strcmp(words[i], "--lapse") == 0 &&
                 text_to_u32(text_of(words[i + 1]), 1, UINT32_MAX, &seconds) == ERR_OK && ++i)
            options.lapse_ms = (uint64_t)seconds * 1000;
        else
            break;
    }
    FILE *file = i == count - 1 ? fopen(words[i], "r") : NULL;
    if (file == NULL) {
        fprintf(stderr, "usage: check-log [--silent] [--lapse SECONDS] FILE\n");
        return 2;
    }
    struct scope *scope = scope_new(NULL, "check-log", SCOPE_NO_LIMIT);
    struct checker *checker = checker_new(scope, &options);
    struct fault fault = { 0 };
    bool is_whole = hear_file(file, checker, &fault);
    fclose(file);
    struct checker_counts counts = checker_counts(checker);
    print_breaches(checker);
    print_counts(counts);
    scope_close(scope);
    return is_whole ? counts.breaches != 0 : 2;
}
