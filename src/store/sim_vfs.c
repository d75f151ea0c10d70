/* SPDX-License-Identifier: Apache-2.0 */
/* The simulated disk as SQLite sees it: its files, their locks, and the memory that WAL shares. A
 * handle that is dead fails at everything and harms nothing; its locks went when it died. */
#include "store/sim_disk_private.h"

#include "base/random.h"

#include <string.h>

enum { PATH_BYTES_MAX = 1024 };

static struct sim_handle *handle_of(sqlite3_file *base)
{
    return (struct sim_handle *)(void *)base;
}

static struct sim_disk *disk_of(sqlite3_vfs *vfs)
{
    return vfs->pAppData;
}

static bool deed_begins(struct sim_handle *handle)
{
    return !handle->is_dead && sim_deed_begins(handle->disk, handle->file->path, handle->user);
}

static bool deed_fails(struct sim_handle *handle, enum sim_deed deed)
{
    return sim_deed_fails(handle->disk, handle->file->path, deed);
}

/* --- bytes --- */

static int vfs_read(sqlite3_file *base, void *out, int wanted, sqlite3_int64 offset)
{
    struct sim_handle *handle = handle_of(base);
    const struct sim_file *file = handle->file;
    if (handle->is_dead || deed_fails(handle, SIM_READ)) return SQLITE_IOERR_READ;
    uint64_t at = (uint64_t)offset, len = (uint64_t)wanted;
    uint64_t there = at >= file->size ? 0 : file->size - at;
    if (there > len) there = len;
    if (there > 0) memcpy(out, file->bytes + at, there);
    if (there == len) return SQLITE_OK;
    memset((char *)out + there, 0, len - there); /* as SQLite wants it */
    return SQLITE_IOERR_SHORT_READ;
}

static int vfs_write(sqlite3_file *base, const void *bytes, int len, sqlite3_int64 offset)
{
    struct sim_handle *handle = handle_of(base);
    if (!deed_begins(handle) || deed_fails(handle, SIM_WRITE)) return SQLITE_IOERR_WRITE;
    bool fits = sim_file_write(handle->disk, handle->file, (uint64_t)offset, bytes, (uint32_t)len);
    return fits ? SQLITE_OK : SQLITE_FULL;
}

static int vfs_truncate(sqlite3_file *base, sqlite3_int64 size)
{
    struct sim_handle *handle = handle_of(base);
    if (!deed_begins(handle) || deed_fails(handle, SIM_WRITE)) return SQLITE_IOERR_TRUNCATE;
    bool fits = sim_file_resize(handle->disk, handle->file, (uint64_t)size);
    return fits ? SQLITE_OK : SQLITE_FULL;
}

static int vfs_sync(sqlite3_file *base, int flags)
{
    (void)flags;
    struct sim_handle *handle = handle_of(base);
    if (!deed_begins(handle)) return SQLITE_IOERR_FSYNC;
    if (deed_fails(handle, SIM_SYNC)) {
        sim_file_sync_failed(handle->disk, handle->file);
        return SQLITE_IOERR_FSYNC;
    }
    sim_file_synced(handle->file);
    if (handle->syncs_folder) sim_folder_synced(handle->disk, handle->file->path);
    handle->syncs_folder = false;
    return SQLITE_OK;
}

static int vfs_file_size(sqlite3_file *base, sqlite3_int64 *size)
{
    struct sim_handle *handle = handle_of(base);
    if (handle->is_dead) return SQLITE_IOERR_FSTAT;
    *size = (sqlite3_int64)handle->file->size;
    return SQLITE_OK;
}

/* --- locks of the file --- */

static int lock_exclusive(struct sim_handle *handle)
{
    handle->file->writer = handle;
    bool is_alone = handle->file->shared == 1;
    handle->level = is_alone ? SQLITE_LOCK_EXCLUSIVE : SQLITE_LOCK_PENDING;
    return is_alone ? SQLITE_OK : SQLITE_BUSY;
}

static int vfs_lock(sqlite3_file *base, int level)
{
    struct sim_handle *handle = handle_of(base);
    struct sim_file *file = handle->file;
    if (handle->is_dead) return SQLITE_IOERR_LOCK;
    if (handle->level >= level) return SQLITE_OK;
    const struct sim_handle *writer = file->writer;
    if (level == SQLITE_LOCK_SHARED) {
        if (writer && writer->level >= SQLITE_LOCK_PENDING) return SQLITE_BUSY;
        file->shared++;
        handle->level = SQLITE_LOCK_SHARED;
        return SQLITE_OK;
    }
    if (writer && writer != handle) return SQLITE_BUSY;
    if (level == SQLITE_LOCK_EXCLUSIVE) return lock_exclusive(handle);
    file->writer = handle;
    handle->level = level;
    return SQLITE_OK;
}

static void unlock_file(struct sim_handle *handle, int level)
{
    if (handle->level <= level) return;
    if (handle->file->writer == handle) handle->file->writer = NULL;
    if (level == SQLITE_LOCK_NONE) handle->file->shared--;
    handle->level = level;
}

static int vfs_unlock(sqlite3_file *base, int level)
{
    unlock_file(handle_of(base), level);
    return SQLITE_OK;
}

static int vfs_check_reserved(sqlite3_file *base, int *is_reserved)
{
    *is_reserved = handle_of(base)->file->writer != NULL;
    return SQLITE_OK;
}

/* --- the memory that WAL shares --- */

void sim_shm_release(struct sim_shm *shm)
{
    if (--shm->holders > 0) return;
    for (uint32_t i = 0; i < shm->region_count; i++) sqlite3_free(shm->regions[i]);
    sqlite3_free(shm->regions);
    sqlite3_free(shm);
}

static void *zeroed(uint64_t bytes)
{
    void *at = sqlite3_malloc64(bytes);
    ASSERT(at != NULL);
    return memset(at, 0, bytes);
}

static void attach_shm(struct sim_handle *handle)
{
    struct sim_file *file = handle->file;
    if (file->shm == NULL) file->shm = zeroed(sizeof *file->shm);
    handle->shm = file->shm;
    handle->shm->holders++;
}

static int vfs_shm_map(sqlite3_file *base, int region, int bytes, int is_extending,
                       void volatile **out)
{
    struct sim_handle *handle = handle_of(base);
    *out = NULL;
    if (handle->is_dead) return SQLITE_IOERR_SHMMAP;
    if (handle->shm == NULL) attach_shm(handle);
    struct sim_shm *shm = handle->shm;
    uint32_t wanted = (uint32_t)region + 1;
    if (wanted > shm->region_count) {
        if (!is_extending) return SQLITE_OK;
        shm->regions = sqlite3_realloc64(shm->regions, wanted * sizeof *shm->regions);
        ASSERT(shm->regions != NULL);
        while (shm->region_count < wanted)
            shm->regions[shm->region_count++] = zeroed((uint64_t)bytes);
    }
    *out = shm->regions[region];
    return SQLITE_OK;
}

static bool slot_is_free(const struct sim_handle *handle, int slot, bool is_shared)
{
    const struct sim_shm *shm = handle->shm;
    if (shm->exclusive[slot] && shm->exclusive[slot] != handle) return false;
    uint32_t own = handle->shm_shared >> slot & 1;
    return is_shared || shm->shared[slot] == own;
}

static void take_slot(struct sim_handle *handle, int slot, bool is_shared)
{
    uint32_t bit = (uint32_t)1 << slot;
    if (!is_shared) {
        handle->shm->exclusive[slot] = handle;
        handle->shm_exclusive |= bit;
    } else if ((handle->shm_shared & bit) == 0) {
        handle->shm->shared[slot]++;
        handle->shm_shared |= bit;
    }
}

static void leave_slot(struct sim_handle *handle, int slot)
{
    uint32_t bit = (uint32_t)1 << slot;
    if (handle->shm_exclusive & bit) handle->shm->exclusive[slot] = NULL;
    if (handle->shm_shared & bit) handle->shm->shared[slot]--;
    handle->shm_exclusive &= ~bit;
    handle->shm_shared &= ~bit;
}

static int vfs_shm_lock(sqlite3_file *base, int first, int count, int flags)
{
    struct sim_handle *handle = handle_of(base);
    if (handle->is_dead) return SQLITE_IOERR_SHMLOCK;
    ASSERT(handle->shm != NULL && first + count <= SIM_SHM_LOCKS);
    bool is_shared = (flags & SQLITE_SHM_SHARED) != 0;
    for (int slot = first; slot < first + count; slot++)
        if (flags & SQLITE_SHM_UNLOCK)
            leave_slot(handle, slot);
        else if (!slot_is_free(handle, slot, is_shared))
            return SQLITE_BUSY;
    if (flags & SQLITE_SHM_UNLOCK) return SQLITE_OK;
    for (int slot = first; slot < first + count; slot++) take_slot(handle, slot, is_shared);
    return SQLITE_OK;
}

static void vfs_shm_barrier(sqlite3_file *base)
{
    (void)base; /* one thread */
}

static bool has_living(const struct sim_disk *disk, const struct sim_shm *shm)
{
    LIST_EACH (node, &disk->handles) {
        const struct sim_handle *handle = LIST_OBJECT(node, struct sim_handle, node);
        if (handle->shm == shm && !handle->is_dead) return true;
    }
    return false;
}

/* The last one that lives takes it along, as the operating system does: the next who opens the
 * file builds it anew from the log. */
static void leave_shm(struct sim_handle *handle)
{
    struct sim_shm *shm = handle->shm;
    for (int slot = 0; slot < SIM_SHM_LOCKS; slot++) leave_slot(handle, slot);
    if (handle->file->shm == shm && !has_living(handle->disk, shm)) handle->file->shm = NULL;
}

static void detach_shm(struct sim_handle *handle)
{
    struct sim_shm *shm = handle->shm;
    if (shm == NULL) return;
    leave_shm(handle);
    handle->shm = NULL;
    if (handle->file->shm == shm && !has_living(handle->disk, shm)) handle->file->shm = NULL;
    sim_shm_release(shm);
}

static int vfs_shm_unmap(sqlite3_file *base, int is_deleting)
{
    (void)is_deleting;
    detach_shm(handle_of(base));
    return SQLITE_OK;
}

void sim_handle_die(struct sim_handle *handle)
{
    if (handle->is_dead) return;
    handle->is_dead = true;
    unlock_file(handle, SQLITE_LOCK_NONE);
    if (handle->shm) leave_shm(handle);
}

/* --- a handle's life --- */

static int vfs_close(sqlite3_file *base)
{
    struct sim_handle *handle = handle_of(base);
    detach_shm(handle);
    unlock_file(handle, SQLITE_LOCK_NONE);
    list_remove(&handle->node);
    sim_file_release(handle->file);
    return SQLITE_OK;
}

static int vfs_file_control(sqlite3_file *base, int operation, void *argument)
{
    (void)base;
    (void)operation;
    (void)argument;
    return SQLITE_NOTFOUND;
}

static int vfs_sector_size(sqlite3_file *base)
{
    (void)base;
    return SIM_SECTOR_BYTES;
}

static int vfs_device_characteristics(sqlite3_file *base)
{
    (void)base;
    return SQLITE_IOCAP_POWERSAFE_OVERWRITE; /* lose_suffix() touches nothing beside a write */
}

static const sqlite3_io_methods METHODS = {
    .iVersion = 2, /* shared memory, no mapped files */
    .xClose = vfs_close,
    .xRead = vfs_read,
    .xWrite = vfs_write,
    .xTruncate = vfs_truncate,
    .xSync = vfs_sync,
    .xFileSize = vfs_file_size,
    .xLock = vfs_lock,
    .xUnlock = vfs_unlock,
    .xCheckReservedLock = vfs_check_reserved,
    .xFileControl = vfs_file_control,
    .xSectorSize = vfs_sector_size,
    .xDeviceCharacteristics = vfs_device_characteristics,
    .xShmMap = vfs_shm_map,
    .xShmLock = vfs_shm_lock,
    .xShmBarrier = vfs_shm_barrier,
    .xShmUnmap = vfs_shm_unmap,
};

static uint32_t user_of(const char *path)
{
    return (uint32_t)sqlite3_uri_int64(sqlite3_filename_database(path), "user", 0);
}

static int vfs_open(sqlite3_vfs *vfs, const char *path, sqlite3_file *base, int flags,
                    int *flags_out)
{
    const int ours = SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_WAL;
    struct sim_disk *disk = disk_of(vfs);
    base->pMethods = NULL; /* no xClose after an error */
    /* SQLite's temporary files: with temp_store = MEMORY (sqlite.c) it asks for none. */
    if ((flags & ours) == 0) return SQLITE_CANTOPEN;
    uint32_t user = user_of(path);
    if (sim_disk_is_dead(disk, user)) return SQLITE_CANTOPEN;
    struct sim_file *file = sim_file_find(disk, path);
    if (file == NULL) {
        if ((flags & SQLITE_OPEN_CREATE) == 0) return SQLITE_CANTOPEN;
        if (!sim_deed_begins(disk, path, user)) return SQLITE_IOERR;
        file = sim_file_make(disk, path);
    }
    file->holders++;
    struct sim_handle *handle = handle_of(base);
    *handle = (struct sim_handle){
        .base.pMethods = &METHODS,
        .disk = disk,
        .file = file,
        .user = user,
        .syncs_folder = (flags & SQLITE_OPEN_MAIN_DB) == 0,
    };
    list_add_last(&disk->handles, &handle->node);
    if (flags_out) *flags_out = flags;
    return SQLITE_OK;
}

/* --- the disk --- */

static int vfs_delete(sqlite3_vfs *vfs, const char *path, int is_folder_synced)
{
    struct sim_disk *disk = disk_of(vfs);
    struct sim_file *file = sim_file_find(disk, path);
    if (file == NULL) return SQLITE_IOERR_DELETE_NOENT;
    if (!sim_deed_begins(disk, path, 0)) return SQLITE_IOERR_DELETE;
    sim_file_delete(disk, file);
    if (is_folder_synced) sim_folder_synced(disk, path);
    return SQLITE_OK;
}

static int vfs_access(sqlite3_vfs *vfs, const char *path, int flags, int *out)
{
    const struct sim_file *file = sim_file_find(disk_of(vfs), path);
    /* An empty file counts as none where SQLite only asks whether there is one. */
    *out = file != NULL && (flags != SQLITE_ACCESS_EXISTS || file->size > 0);
    return SQLITE_OK;
}

static int vfs_full_path(sqlite3_vfs *vfs, const char *path, int out_bytes, char *out)
{
    (void)vfs;
    size_t len = strlen(path) + 1;
    if (len > (size_t)out_bytes) return SQLITE_CANTOPEN;
    memcpy(out, path, len);
    return SQLITE_OK;
}

static int vfs_randomness(sqlite3_vfs *vfs, int bytes, char *out)
{
    for (int i = 0; i < bytes; i++)
        out[i] = (char)random_below(loop_random(disk_of(vfs)->loop), 256);
    return bytes;
}

static int vfs_sleep(sqlite3_vfs *vfs, int microseconds)
{
    (void)vfs; /* who waits for a lock waits in vain: nobody else runs meanwhile */
    return microseconds;
}

static int vfs_time_ms(sqlite3_vfs *vfs, sqlite3_int64 *out)
{
    const sqlite3_int64 julian_of_1970_ms = 210866760000000;
    *out = julian_of_1970_ms + (sqlite3_int64)loop_now_utc_ms(disk_of(vfs)->loop);
    return SQLITE_OK;
}

static int vfs_time(sqlite3_vfs *vfs, double *out)
{
    sqlite3_int64 now_ms;
    (void)vfs_time_ms(vfs, &now_ms);
    *out = (double)now_ms / 86400000.0;
    return SQLITE_OK;
}

void sim_vfs_fill(struct sim_disk *disk)
{
    disk->vfs = (sqlite3_vfs){
        .iVersion = 2,
        .szOsFile = sizeof(struct sim_handle),
        .mxPathname = PATH_BYTES_MAX,
        .zName = disk->vfs_name,
        .pAppData = disk,
        .xOpen = vfs_open,
        .xDelete = vfs_delete,
        .xAccess = vfs_access,
        .xFullPathname = vfs_full_path,
        .xRandomness = vfs_randomness,
        .xSleep = vfs_sleep,
        .xCurrentTime = vfs_time,
        .xCurrentTimeInt64 = vfs_time_ms,
    };
}
