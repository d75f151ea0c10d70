/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/io/certificates.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PATHS = 8 };

bool certificates_openssl(const struct certificates *certificates, const char *arguments)
{
    char words[1024], *all[64] = { (char[]){ "openssl" } }, *rest = words;
    size_t count = 1;
    int status = 0;
    (void)snprintf(words, sizeof words, "%s", arguments);
    while (count < 63 && (all[count] = strsep(&rest, " ")) != NULL) count++;
    all[count] = NULL;
    pid_t pid = fork();
    if (pid == 0) {
        int nothing = open("/dev/null", O_RDWR);
        for (int fd = 0; fd < 3; fd++) (void)dup2(nothing, fd);
        if (chdir(certificates->folder) == 0) (void)execvp(all[0], all);
        _exit(127);
    }
    return waitpid(pid, &status, 0) == pid && status == 0;
}

void certificates_make(const struct certificates *certificates, const char *name, const char *ca,
                       const char *extension)
{
    char line[1024], signer[128] = "";
    if (ca) (void)snprintf(signer, sizeof signer, " -CA %s.pem -CAkey %s.key", ca, ca);
    (void)snprintf(line, sizeof line,
                   "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 "
                   "-subj /CN=%s -keyout %s.key -out %s.pem%s%s%s",
                   name, name, name, signer, extension ? " -addext " : "",
                   extension ? extension : "");
    ASSERT(certificates_openssl(certificates, line));
}

bool certificates_open(struct certificates *certificates)
{
    const char *temporary = getenv("TMPDIR");
    (void)snprintf(certificates->folder, sizeof certificates->folder, "%.40s/tls-XXXXXX",
                   temporary ? temporary : "/tmp");
    ASSERT(mkdtemp(certificates->folder) != NULL);
    if (!certificates_openssl(certificates, "version")) {
        certificates_close(certificates);
        return false;
    }
    certificates_make(certificates, "ca", NULL, NULL);
    certificates_make(certificates, "server", "ca", "subjectAltName=DNS:localhost,IP:127.0.0.1");
    return true;
}

struct text certificates_path(const struct certificates *certificates, const char *name)
{
    static char paths[PATHS][384];
    static unsigned turn;
    char *path = paths[turn++ % PATHS];
    (void)snprintf(path, sizeof paths[0], "%s/%s", certificates->folder, name);
    return text_of(path);
}

void certificates_write(const struct certificates *certificates, const char *name,
                        const char *content)
{
    FILE *file = fopen(certificates_path(certificates, name).at, "we");
    ASSERT(file != NULL && fputs(content, file) >= 0 && fclose(file) == 0);
}

void certificates_copy(const struct certificates *certificates, const char *from, const char *to)
{
    char content[16384];
    FILE *file = fopen(certificates_path(certificates, from).at, "re");
    ASSERT(file != NULL);
    content[fread(content, 1, sizeof content - 1, file)] = '\0';
    (void)fclose(file);
    certificates_write(certificates, to, content);
}

void certificates_close(struct certificates *certificates)
{
    DIR *folder = opendir(certificates->folder);
    struct dirent *entry;
    while (folder && (entry = readdir(folder)) != NULL)
        (void)unlink(certificates_path(certificates, entry->d_name).at);
    if (folder) (void)closedir(folder);
    (void)rmdir(certificates->folder);
}
