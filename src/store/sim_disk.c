/* SPDX-License-Identifier: Apache-2.0 */
/* The simulated disk: files and their names, who has them open, and what happens to them. Each file
 * keeps its bytes as processes see them, and how to undo each write since its last sync: a sync
 * forgets that, a power cut undoes a suffix of it (sim_loss.c). */
#include "store/sim_disk_private.h"

#include "base/random.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What happens to the files below a prefix. */
struct sim_rule {
    struct list node;
    struct sim_disk *disk;
    struct text prefix;
    uint32_t failing[SIM_DEED_COUNT];
    uint32_t extra_ms;
    uint64_t deeds_left; /* 0: nobody is stopped */
    struct chore stopped;
};

static void *grown(void *at, size_t bytes)
{
    at = realloc(at, bytes);
    ASSERT(at != NULL);
    return at;
}

/* --- files --- */

struct sim_file *sim_file_find(struct sim_disk *disk, const char *path)
{
    LIST_EACH (node, &disk->files) {
        struct sim_file *file = LIST_OBJECT(node, struct sim_file, node);
        if (strcmp(file->path, path) == 0) return file;
    }
    return NULL;
}

void sim_file_release(struct sim_file *file)
{
    if (--file->holders > 0) return;
    free(file->bytes);
    free(file->writes);
    free(file->doubts);
    buf_free(&file->old_bytes);
    free(file);
}

static void add_note(struct sim_disk *disk, struct sim_file *file, bool is_deletion)
{
    struct sim_note *note = calloc(1, sizeof *note);
    ASSERT(note != NULL);
    *note = (struct sim_note){ .file = file, .is_deletion = is_deletion };
    file->holders++;
    list_add_last(&disk->notes, &note->node);
}

static void drop_note(struct sim_note *note)
{
    list_remove(&note->node);
    /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): the note is one of its file's holders */
    sim_file_release(note->file);
    free(note);
}

static void add_name(struct sim_disk *disk, struct sim_file *file)
{
    file->holders++;
    disk->bytes += file->size;
    list_add_last(&disk->files, &file->node);
}

static void drop_name(struct sim_disk *disk, struct sim_file *file)
{
    list_remove(&file->node);
    disk->bytes -= file->size;
    sim_file_release(file);
}

struct sim_file *sim_file_make(struct sim_disk *disk, const char *path)
{
    size_t len = strlen(path) + 1;
    struct sim_file *file = calloc(1, sizeof *file + len);
    ASSERT(file != NULL);
    file->path = memcpy(file + 1, path, len);
    add_name(disk, file);
    add_note(disk, file, false);
    return file;
}

void sim_file_delete(struct sim_disk *disk, struct sim_file *file)
{
    add_note(disk, file, true);
    drop_name(disk, file);
}

static size_t folder_len(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? (size_t)(slash - path) : 0;
}

void sim_folder_synced(struct sim_disk *disk, const char *path)
{
    size_t len = folder_len(path);
    for (struct list *node = disk->notes.next; node != &disk->notes;) {
        struct sim_note *note = LIST_OBJECT(node, struct sim_note, node);
        node = node->next;
        const char *other = note->file->path;
        if (folder_len(other) == len && memcmp(other, path, len) == 0) drop_note(note);
    }
}

/* --- bytes --- */

void sim_file_set_size(struct sim_disk *disk, struct sim_file *file, uint64_t size)
{
    if (size > file->room) {
        file->room = size * 2;
        file->bytes = grown(file->bytes, file->room);
    }
    if (size > file->size) memset(file->bytes + file->size, 0, size - file->size);
    if (list_is_linked(&file->node)) disk->bytes = disk->bytes - file->size + size;
    file->size = size;
}

static bool has_room(const struct sim_disk *disk, const struct sim_file *file, uint64_t size)
{
    if (disk->bytes_max == 0 || size <= file->size) return true;
    return disk->bytes + (size - file->size) <= disk->bytes_max;
}

/* `old_len` bytes from `offset` on will change. */
static void note_write(struct sim_file *file, uint64_t offset, uint32_t len, uint32_t old_len)
{
    if (file->write_count == file->write_room) {
        file->write_room = file->write_room ? file->write_room * 2 : 16;
        file->writes = grown(file->writes, file->write_room * sizeof *file->writes);
    }
    file->writes[file->write_count++] = (struct sim_write){
        .offset = offset,
        .old_size = file->size,
        .len = len,
        .old_len = old_len,
        .old_at = file->old_bytes.len,
    };
    if (old_len > 0) buf_add(&file->old_bytes, (struct text){ file->bytes + offset, old_len });
}

bool sim_file_write(struct sim_disk *disk, struct sim_file *file, uint64_t offset,
                    const void *bytes, uint32_t len)
{
    uint64_t end = offset + len;
    if (!has_room(disk, file, end)) return false;
    uint64_t old_len = offset >= file->size ? 0 : file->size - offset;
    note_write(file, offset, len, old_len < len ? (uint32_t)old_len : len);
    if (end > file->size) sim_file_set_size(disk, file, end);
    sim_file_trust(file, offset, end);
    memcpy(file->bytes + offset, bytes, len);
    return true;
}

bool sim_file_resize(struct sim_disk *disk, struct sim_file *file, uint64_t size)
{
    if (!has_room(disk, file, size)) return false;
    bool is_cut = size < file->size;
    note_write(file, is_cut ? size : file->size, 0, is_cut ? (uint32_t)(file->size - size) : 0);
    if (is_cut) sim_file_trust(file, size, UINT64_MAX);
    sim_file_set_size(disk, file, size);
    return true;
}

/* --- names that are lost --- */

static bool is_below(const char *path, struct text prefix)
{
    return text_starts(text_of(path), prefix);
}

static void undo_note(struct sim_disk *disk, struct sim_note *note)
{
    if (note->is_deletion)
        add_name(disk, note->file);
    else
        drop_name(disk, note->file);
    drop_note(note);
}

/* The newest name goes first, so that an older file of the same name comes back to a free place. */
static void lose_names(struct sim_disk *disk, struct text prefix)
{
    uint64_t count = 0;
    LIST_EACH (node, &disk->notes)
        if (is_below(LIST_OBJECT(node, struct sim_note, node)->file->path, prefix)) count++;
    uint64_t lost = random_below(loop_random(disk->loop), count + 1);
    for (struct list *node = disk->notes.prev; node != &disk->notes;) {
        struct sim_note *note = LIST_OBJECT(node, struct sim_note, node);
        node = node->prev;
        if (!is_below(note->file->path, prefix)) continue;
        if (lost > 0) {
            lost--;
            undo_note(disk, note);
        } else {
            drop_note(note);
        }
    }
}

static void cut_power(struct sim_disk *disk, struct text prefix)
{
    lose_names(disk, prefix);
    LIST_EACH (node, &disk->files) {
        struct sim_file *file = LIST_OBJECT(node, struct sim_file, node);
        if (is_below(file->path, prefix)) sim_file_power_cut(disk, file);
    }
}

/* --- who is dead --- */

bool sim_disk_is_dead(const struct sim_disk *disk, uint32_t user)
{
    LIST_EACH (node, &disk->handles) {
        const struct sim_handle *handle = LIST_OBJECT(node, struct sim_handle, node);
        if (handle->user == user && handle->is_dead) return true;
    }
    return false;
}

static void kill_user(struct sim_disk *disk, uint32_t user)
{
    LIST_EACH (node, &disk->handles) {
        struct sim_handle *handle = LIST_OBJECT(node, struct sim_handle, node);
        if (handle->user == user) sim_handle_die(handle);
    }
}

static void kill_below(struct sim_disk *disk, struct text prefix)
{
    LIST_EACH (node, &disk->handles) {
        struct sim_handle *handle = LIST_OBJECT(node, struct sim_handle, node);
        if (is_below(handle->file->path, prefix)) kill_user(disk, handle->user);
    }
}

/* --- life --- */

/* SQLite has one source of chance for the whole program; it makes WAL's salts and random(). */
static void seed_sqlite(uint32_t seed)
{
    (void)sqlite3_test_control(SQLITE_TESTCTRL_PRNG_SEED, (int)seed, NULL);
}

static void disk_drop(void *self)
{
    struct sim_disk *disk = self;
    ASSERT(list_is_empty(&disk->handles)); /* stores die before their loop */
    for (struct list *node = disk->notes.next; node != &disk->notes;) {
        struct sim_note *note = LIST_OBJECT(node, struct sim_note, node);
        node = node->next;
        drop_note(note);
    }
    for (struct list *node = disk->files.next; node != &disk->files;) {
        struct sim_file *file = LIST_OBJECT(node, struct sim_file, node);
        node = node->next;
        drop_name(disk, file);
    }
    LIST_EACH (rule, &disk->rules) chore_cancel(&LIST_OBJECT(rule, struct sim_rule, node)->stopped);
    ASSERT(sqlite3_vfs_unregister(&disk->vfs) == SQLITE_OK);
    seed_sqlite(0);
    scope_close(disk->life);
}

static struct sim_disk *disk_get(struct loop *loop)
{
    struct sim_disk *disk = loop_world(loop, LOOP_WORLD_DISK);
    if (disk) return disk;
    struct scope *life = scope_new(NULL, "simulated disk", SCOPE_NO_LIMIT);
    disk = scope_alloc(life, sizeof *disk);
    disk->loop = loop;
    disk->life = life;
    list_init(&disk->files);
    list_init(&disk->notes);
    list_init(&disk->handles);
    list_init(&disk->rules);
    int number = 1; /* a name that no other disk of this program has */
    do {
        (void)snprintf(disk->vfs_name, sizeof disk->vfs_name, "sim-%d", number++);
    } while (sqlite3_vfs_find(disk->vfs_name));
    sim_vfs_fill(disk);
    ASSERT(sqlite3_vfs_register(&disk->vfs, 0) == SQLITE_OK);
    seed_sqlite((uint32_t)random_u64(loop_random(loop)) | 1);
    loop_set_world(loop, LOOP_WORLD_DISK, disk, disk_drop);
    return disk;
}

/* --- rules --- */

static struct text without_scheme(struct text path)
{
    struct text scheme = TEXT(SIM_DISK_SCHEME);
    return text_starts(path, scheme) ? text_slice(path, scheme.len, path.len) : path;
}

static struct sim_rule *rule_get(struct loop *loop, struct text prefix)
{
    struct sim_disk *disk = disk_get(loop);
    prefix = without_scheme(prefix);
    LIST_EACH (node, &disk->rules) {
        struct sim_rule *rule = LIST_OBJECT(node, struct sim_rule, node);
        if (text_eq(rule->prefix, prefix)) return rule;
    }
    struct sim_rule *rule = scope_alloc(disk->life, sizeof *rule);
    rule->disk = disk;
    rule->prefix = scope_keep(disk->life, prefix);
    list_add_last(&disk->rules, &rule->node);
    return rule;
}

/* What is said of a prefix counts for all below it, whatever was said of them before.
 * `before` NULL: the first of those rules. */
static struct sim_rule *rule_below(struct sim_disk *disk, struct text prefix,
                                   struct sim_rule *before)
{
    struct list *node = before ? before->node.next : disk->rules.next;
    for (; node != &disk->rules; node = node->next) {
        struct sim_rule *rule = LIST_OBJECT(node, struct sim_rule, node);
        if (text_starts(rule->prefix, without_scheme(prefix))) return rule;
    }
    return NULL;
}

/* True: the rule stops whoever does this. */
static bool rule_stops(struct sim_rule *rule, const char *path)
{
    if (rule->deeds_left == 0 || !is_below(path, rule->prefix)) return false;
    if (--rule->deeds_left > 0) return false;
    if (rule->stopped.run) chore_soon(rule->disk->loop, &rule->stopped);
    return true;
}

bool sim_deed_begins(struct sim_disk *disk, const char *path, uint32_t user)
{
    bool is_stopped = false;
    LIST_EACH (node, &disk->rules)
        if (rule_stops(LIST_OBJECT(node, struct sim_rule, node), path)) is_stopped = true;
    if (!is_stopped) {
        disk->deeds++;
        return true;
    }
    if (user)
        kill_user(disk, user);
    else
        kill_below(disk, text_slice(text_of(path), 0, folder_len(path)));
    return false;
}

bool sim_deed_fails(struct sim_disk *disk, const char *path, enum sim_deed deed)
{
    LIST_EACH (node, &disk->rules) {
        struct sim_rule *rule = LIST_OBJECT(node, struct sim_rule, node);
        if (rule->failing[deed] == 0 || !is_below(path, rule->prefix)) continue;
        rule->failing[deed]--;
        return true;
    }
    return false;
}

uint32_t sim_seat_extra_ms(const struct sim_seat *seat)
{
    uint32_t most = 0;
    if (seat->disk == NULL) return 0;
    struct sim_disk *disk = seat->disk;
    LIST_EACH (node, &disk->rules) {
        struct sim_rule *rule = LIST_OBJECT(node, struct sim_rule, node);
        if (rule->extra_ms > most && text_starts(without_scheme(seat->path), rule->prefix))
            most = rule->extra_ms;
    }
    return most == 0 ? 0 : (uint32_t)random_below(loop_random(disk->loop), (uint64_t)most + 1);
}

/* --- the doors --- */

void sim_disk_crash(struct loop *loop, struct text prefix, enum sim_crash crash)
{
    struct sim_disk *disk = disk_get(loop);
    kill_below(disk, without_scheme(prefix));
    if (crash == SIM_CRASH_POWER) cut_power(disk, without_scheme(prefix));
}

void sim_disk_stop_after(struct loop *loop, struct text prefix, uint64_t deeds,
                         void (*on_stopped)(void *self), void *self)
{
    struct sim_rule *rule = NULL;
    while ((rule = rule_below(disk_get(loop), prefix, rule)) != NULL) {
        chore_cancel(&rule->stopped);
        rule->deeds_left = 0;
    }
    if (deeds == 0) return;
    rule = rule_get(loop, prefix);
    rule->deeds_left = deeds;
    rule->stopped = (struct chore){ .run = on_stopped, .self = self };
}

void sim_disk_fail(struct loop *loop, struct text prefix, enum sim_deed deed, uint32_t times)
{
    struct sim_rule *rule = NULL;
    while ((rule = rule_below(disk_get(loop), prefix, rule)) != NULL) rule->failing[deed] = 0;
    rule_get(loop, prefix)->failing[deed] = times;
}

void sim_disk_slow(struct loop *loop, struct text prefix, uint32_t extra_ms)
{
    struct sim_rule *rule = NULL;
    while ((rule = rule_below(disk_get(loop), prefix, rule)) != NULL) rule->extra_ms = 0;
    rule_get(loop, prefix)->extra_ms = extra_ms;
}

void sim_disk_limit(struct loop *loop, uint64_t bytes_max)
{
    disk_get(loop)->bytes_max = bytes_max;
}

uint64_t sim_disk_bytes(struct loop *loop)
{
    return disk_get(loop)->bytes;
}

uint64_t sim_disk_deeds(struct loop *loop)
{
    return disk_get(loop)->deeds;
}

uint64_t sim_disk_digest(struct loop *loop)
{
    uint64_t digest = 0;
    LIST_EACH (node, &disk_get(loop)->files) {
        const struct sim_file *file = LIST_OBJECT(node, struct sim_file, node);
        digest = digest * 31 + text_hash(text_of(file->path));
        digest = digest * 31 + text_hash((struct text){ file->bytes, file->size });
    }
    return digest;
}

/* --- seats --- */

static bool is_plain(struct text path)
{
    for (size_t i = 0; i < path.len; i++)
        if (strchr("?#%", path.at[i])) return false; /* it finds a NUL, too */
    return path.len > 0;
}

enum err sim_seat_take(struct loop *loop, struct text path, struct sim_seat *seat,
                       char bytes[SIM_URI_BYTES], struct text *uri, struct fault *fault)
{
    struct text plain = without_scheme(path);
    if (!loop_is_virtual(loop) || !is_plain(plain))
        return fault_set(fault, ERR_INVALID, "", "%.*s is no usable path", TEXT_ARG(path));
    struct sim_disk *disk = disk_get(loop);
    int len = snprintf(bytes, SIM_URI_BYTES, "file:%.*s?vfs=%s&user=%u", TEXT_ARG(plain),
                       disk->vfs_name, disk->users + 1);
    if (len < 0 || len >= SIM_URI_BYTES)
        return fault_set(fault, ERR_INVALID, "", "%.*s is too long a path", TEXT_ARG(path));
    *uri = (struct text){ bytes, (size_t)len };
    *seat = (struct sim_seat){ .disk = disk, .user = ++disk->users, .path = path };
    return ERR_OK;
}

bool sim_seat_is_dead(const struct sim_seat *seat)
{
    return seat->disk && sim_disk_is_dead(seat->disk, seat->user);
}

void sim_seat_kill(struct sim_seat *seat)
{
    ASSERT(seat->disk != NULL);
    kill_user(seat->disk, seat->user);
}
