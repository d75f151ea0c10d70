/* SPDX-License-Identifier: Apache-2.0 */
/* sim_disk_private.h - the inside of the simulated disk, for the files of this room only.
 * sim_disk.c has files and what happens to them, sim_loss.c what they lose; sim_vfs.c shows them to
 * SQLite, with locks and shared memory. */
#ifndef STORE_SIM_DISK_PRIVATE_H
#define STORE_SIM_DISK_PRIVATE_H

#include "store/sim_disk.h"

#include "base/buf.h"

#include <sqlite3.h>

enum { SIM_SECTOR_BYTES = 512, SIM_PAGE_BYTES = 4096, SIM_SHM_LOCKS = SQLITE_SHM_NLOCK };

/* A write or truncation since the last sync, and how to undo it. */
struct sim_write {
    uint64_t offset, old_size;
    uint32_t len;     /* written; 0: a truncation */
    uint32_t old_len; /* bytes from `offset` on that were there before */
    size_t old_at;    /* they lie there in old_bytes */
};

/* A page of the operating system, as it is on the disk. */
struct sim_doubt {
    uint64_t page;
    char bytes[SIM_PAGE_BYTES];
};

/* What connections to one file share beside it (WAL's index). Counted: the dead hold it until they
 * are closed, but no newcomer finds it. */
struct sim_shm {
    uint32_t holders;
    uint32_t region_count;
    char **regions;
    uint32_t shared[SIM_SHM_LOCKS];
    const struct sim_handle *exclusive[SIM_SHM_LOCKS];
};

struct sim_file {
    struct list node; /* in disk->files, while it has a name */
    uint32_t holders; /* its name, its handles, its notes in the folder */
    const char *path; /* behind the struct */
    char *bytes;
    uint64_t size, room;

    struct sim_write *writes; /* since the last sync */
    uint32_t write_count, write_room;
    struct buf old_bytes;
    struct sim_doubt *doubts; /* pages that read well and may not be there: sim_loss.c */
    uint32_t doubt_count;

    uint32_t shared;                 /* holders of SQLite's SHARED lock and above */
    const struct sim_handle *writer; /* who has RESERVED or more */
    struct sim_shm *shm;
};

/* A file made or deleted since its folder's last sync. */
struct sim_note {
    struct list node;
    struct sim_file *file;
    bool is_deletion;
};

struct sim_disk {
    struct loop *loop;
    struct scope *life;
    sqlite3_vfs vfs;
    char vfs_name[32];
    struct list files;   /* in the order they were made */
    struct list notes;   /* oldest first */
    struct list handles; /* open ones */
    struct list rules;   /* what happens to a prefix */
    uint32_t users;      /* stores so far: each is one process */
    uint64_t bytes, bytes_max, deeds;
};

/* One file that SQLite has open. */
struct sim_handle {
    sqlite3_file base; /* first: SQLite's */
    struct list node;
    struct sim_disk *disk;
    struct sim_file *file;
    uint32_t user;
    bool is_dead;
    bool syncs_folder; /* with its first sync, as SQLite's own for logs */
    int level;         /* SQLITE_LOCK_... */
    struct sim_shm *shm;
    uint32_t shm_shared, shm_exclusive; /* bits */
};

/* A store's place at the disk: a process of its own. Zeroed: not at a simulated disk. */
struct sim_seat {
    struct sim_disk *disk;
    uint32_t user;
    struct text path; /* "sim:..."; kept by the store */
};

/* `path` is "sim:..."; `uri` is what SQLite opens, and lies in `bytes`. */
enum { SIM_URI_BYTES = 1024 };
enum err sim_seat_take(struct loop *loop, struct text path, struct sim_seat *seat,
                       char bytes[SIM_URI_BYTES], struct text *uri, struct fault *fault);
bool sim_seat_is_dead(const struct sim_seat *seat);
void sim_seat_kill(struct sim_seat *seat);
uint32_t sim_seat_extra_ms(const struct sim_seat *seat); /* how much slower this time */

/* Between sim_disk.c and sim_vfs.c. */
bool sim_disk_is_dead(const struct sim_disk *disk, uint32_t user);
struct sim_file *sim_file_find(struct sim_disk *disk, const char *path); /* NULL: none */
struct sim_file *sim_file_make(struct sim_disk *disk, const char *path);
void sim_file_delete(struct sim_disk *disk, struct sim_file *file);
void sim_file_release(struct sim_file *file);
/* False: the disk is full, nothing was written. */
bool sim_file_write(struct sim_disk *disk, struct sim_file *file, uint64_t offset,
                    const void *bytes, uint32_t len);
bool sim_file_resize(struct sim_disk *disk, struct sim_file *file, uint64_t size);
void sim_file_set_size(struct sim_disk *disk, struct sim_file *file, uint64_t size);
void sim_folder_synced(struct sim_disk *disk, const char *path); /* of the folder it lies in */
/* A deed of `user` (0: of whoever has the file's database open) begins; false: it just died. */
bool sim_deed_begins(struct sim_disk *disk, const char *path, uint32_t user);
bool sim_deed_fails(struct sim_disk *disk, const char *path, enum sim_deed deed);
/* sim_loss.c */
void sim_file_synced(struct sim_file *file);
void sim_file_sync_failed(struct sim_disk *disk, struct sim_file *file);
void sim_file_power_cut(struct sim_disk *disk, struct sim_file *file);
/* Written anew, or cut away: nothing there is doubtful any more. */
void sim_file_trust(struct sim_file *file, uint64_t offset, uint64_t end);

/* sim_vfs.c */
void sim_handle_die(struct sim_handle *handle); /* in sim_vfs.c: its locks go */
void sim_shm_release(struct sim_shm *shm);
void sim_vfs_fill(struct sim_disk *disk);

#endif
