/* store.c - LMDB environments and the rules that keep them safe. */
#include "store_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <zlib.h>

#define READERS_MAX 1024 /* processes and threads that read at one time */
#define SEAL_SIZE 4      /* bytes of the checksum in front of a value */
#define PATH_BYTES_MAX 4000
#define LOCK_BYTES (READERS_MAX * 64 + 4096) /* of lock.mdb: a cache line for each, and a head */

#define NS_PER_MS INT64_C(1000000)
#define LOOK_NS_MAX (2 * NS_PER_MS) /* between two looks at the writers' lock */
#define ASK_NS (20 * NS_PER_MS)     /* between two questions whether to give up */

struct apv_store {
    MDB_env *env;
    pid_t pid; /* process that opened env */
    bool write;
    int write_timeout_ms;
    int writers;     /* descriptor of the writers' lock, or -1: there is none */
    MDB_txn *writer; /* the transaction for which it is held */
    bool (*interrupted)(void *arg);
    void *interrupted_arg;
};

bool
apv_store_fail(int status, const char *doing, apv_err *err)
{
    switch (status) {
    case ENOMEM:
        return apv_fail_memory(err);
    case MDB_MAP_FULL:
    case MDB_TXN_FULL:
        return apv_fail(err, APV_ERR_FULL, "the store %s: it has reached its bound", doing);
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
    case EIO: /* what a short write is for LMDB */
        return apv_fail(err, APV_ERR_FULL, "the store %s: the disk is full or broken", doing);
    case MDB_CORRUPTED:
    case MDB_PAGE_NOTFOUND:
    case MDB_INVALID:
    case MDB_VERSION_MISMATCH:
    case MDB_INCOMPATIBLE:
    case MDB_PANIC: /* also after a write that failed, until it is opened again */
        return apv_fail(err, APV_ERR_DAMAGED, "the store %s: its file is damaged", doing);
    case MDB_READERS_FULL:
        return apv_fail(err, APV_ERR_LIMIT, "the store %s: too many processes read it", doing);
    default:
        return apv_fail(err, APV_ERR_INVALID, "the store %s: %s", doing, mdb_strerror(status));
    }
}

/* ---- opening ---- */

/* Evidence keys and returns stand in there: nobody but the owner may come in. */
static bool
check_directory(const char *path, bool create, struct stat *status, apv_err *err)
{
    if (create && mkdir(path, 0700) != 0 && errno != EEXIST)
        return apv_store_fail(errno, "cannot be made", err);
    if (stat(path, status) != 0)
        return apv_store_fail(errno, "cannot be opened", err);
    if (!S_ISDIR(status->st_mode))
        return apv_fail(err, APV_ERR_INVALID, "the store cannot be opened: it is no directory");
    if ((status->st_mode & 077) != 0)
        return apv_fail(err, APV_ERR_INVALID,
                        "the store cannot be opened: others may read or write its directory "
                        "(chmod 700 it)");
    if (geteuid() != 0 && status->st_uid != geteuid())
        return apv_fail(err, APV_ERR_INVALID,
                        "the store cannot be opened: its directory belongs to another user");
    return true;
}

static void
join(char path[PATH_BYTES_MAX + 16], const char *directory, const char *name)
{
    size_t size = strlen(directory);

    memcpy(path, directory, size);
    memcpy(path + size, name, strlen(name) + 1);
}

/* Gets room on the disk for the table of readers before LMDB maps it: writing to a page
 * that finds none ends the process (SIGBUS), and not with an error. To be called before
 * this process opens the store, since closing the file gives up all its locks. */
static bool
reserve_lock(const char *directory, apv_err *err)
{
    char path[PATH_BYTES_MAX + 16];
    struct stat now;
    int status = 0;

    join(path, directory, "/lock.mdb");
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return true; /* LMDB says why, or does without */
    if (fstat(fd, &now) == 0) {
        /* One that is in use keeps its size, which all who use it know. */
        off_t size = now.st_size > 0 ? now.st_size : LOCK_BYTES;
        if (now.st_blocks * 512 < size)
            status = posix_fallocate(fd, 0, size);
    }
    close(fd);
    return status == 0 || status == EOPNOTSUPP || status == EINVAL ||
           apv_store_fail(status, "cannot be opened", err);
}

/* Leaves a file that root made to the owner of the directory, who must open it next. */
static bool
give_to_owner(const char *directory, const char *name, const struct stat *owner, apv_err *err)
{
    char path[PATH_BYTES_MAX + 16];
    struct stat now;

    if (geteuid() != 0 || owner->st_uid == 0)
        return true;
    join(path, directory, name);
    if (lstat(path, &now) != 0 || now.st_uid == owner->st_uid)
        return true;
    return lchown(path, owner->st_uid, owner->st_gid) == 0 ||
           apv_store_fail(errno, "cannot be given to its owner", err);
}

/* ---- the writers' lock ----
 *
 * LMDB's lock is a mutex that knows no deadline: a writer that was stopped (SIGSTOP, a frozen
 * container) would hold up all others for ever, and deaf to signals. So who writes first gets
 * a record lock of POSIX on a byte of lock.mdb, far from those that LMDB itself locks (the
 * first, and one for each process id). It is neither flock nor an OFD lock, because children
 * that are forked meanwhile would inherit these. Closing the file gives up all locks of this
 * process, LMDB's among them: that is done when the environment is closed.
 */
#define WRITERS_BYTE (1 << 30)

static bool
open_writers(apv_store *store, const char *directory, apv_err *err)
{
    char path[PATH_BYTES_MAX + 16];

    join(path, directory, "/lock.mdb");
    store->writers = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    return store->writers >= 0 || apv_store_fail(errno, "cannot be opened", err);
}

static int64_t
now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 * NS_PER_MS + now.tv_nsec;
}

static int
set_lock(const apv_store *store, short type)
{
    struct flock lock = {.l_type = type, .l_whence = SEEK_SET, .l_start = WRITERS_BYTE, .l_len = 1};
    return fcntl(store->writers, F_SETLK, &lock) == 0 ? 0 : errno;
}

/* Looks again and again, ever less often: a wait in the kernel would have no deadline. */
static bool
lock_writers(const apv_store *store, apv_err *err)
{
    int64_t end_ns = 0, asked_ns = 0, pause_ns = NS_PER_MS / 10;
    int status;

    while ((status = set_lock(store, F_WRLCK)) == EACCES || status == EAGAIN || status == EINTR) {
        int64_t at_ns = now_ns();
        if (end_ns == 0) {
            end_ns = at_ns + store->write_timeout_ms * NS_PER_MS;
            asked_ns = at_ns;
        }
        if (at_ns >= end_ns)
            return apv_fail(err, APV_ERR_BUSY,
                            "the store cannot be written: another process has been writing for "
                            "%d ms (is it stopped?)",
                            store->write_timeout_ms);
        const struct timespec pause = {0, (long)pause_ns};
        bool signal = nanosleep(&pause, NULL) != 0;
        pause_ns = pause_ns * 2 > LOOK_NS_MAX ? LOOK_NS_MAX : pause_ns * 2;
        if (store->interrupted != NULL && (signal || at_ns - asked_ns >= ASK_NS)) {
            asked_ns = at_ns;
            if (store->interrupted(store->interrupted_arg))
                return apv_fail(err, APV_ERR_BUSY, "the wait for another writer was interrupted");
        }
    }
    return status == 0 || apv_store_fail(status, "cannot be locked", err);
}

/* Lets others write, if this was the transaction that kept them from it. */
static void
unlock_writers(apv_store *store, const MDB_txn *ended)
{
    if (store->writers < 0 || ended == NULL || store->writer != ended)
        return;
    store->writer = NULL;
    (void)set_lock(store, F_UNLCK);
}

bool
apv_store_open(const apv_store_options *options, apv_store **store, apv_err *err)
{
    apv_store *made = NULL;
    struct stat directory;
    int status, dead;
    bool ok = false;

    if (strlen(options->path) > PATH_BYTES_MAX) {
        apv_fail(err, APV_ERR_INVALID, "the store cannot be opened: its path is too long");
        goto done;
    }
    if (!check_directory(options->path, options->write, &directory, err) ||
        !reserve_lock(options->path, err))
        goto done;
    made = calloc(1, sizeof *made);
    if (made == NULL) {
        apv_fail_memory(err);
        goto done;
    }
    made->pid = getpid();
    made->write = options->write;
    made->writers = -1;
    made->write_timeout_ms = options->write_timeout_ms;
    status = mdb_env_create(&made->env);
    if (status == 0)
        status = mdb_env_set_userctx(made->env, made);
    if (status == 0)
        status = mdb_env_set_maxdbs(made->env, options->tables);
    if (status == 0)
        status = mdb_env_set_maxreaders(made->env, READERS_MAX);
    if (status == 0)
        status = mdb_env_set_mapsize(made->env, options->bound_bytes);
    if (status == 0)
        status = mdb_env_open(made->env, options->path,
                              MDB_NOTLS | (options->write ? 0U : MDB_RDONLY) |
                                  (options->sync ? 0U : MDB_NOSYNC),
                              0600);
    /* Readers that were killed would keep old pages from being used again. */
    if (status == 0)
        status = mdb_reader_check(made->env, &dead);
    if (status != 0) {
        apv_store_fail(status, "cannot be opened", err);
        goto done;
    }
    if (options->write_timeout_ms > 0 && !open_writers(made, options->path, err))
        goto done;
    if (!give_to_owner(options->path, "/lock.mdb", &directory, err) ||
        !give_to_owner(options->path, "/data.mdb", &directory, err))
        goto done;
    *store = made;
    made = NULL;
    ok = true;

done:
    apv_store_close(&made);
    return ok;
}

void
apv_store_close(apv_store **store)
{
    if (*store == NULL)
        return;
    /* In a child LMDB would clear the parent's readers: what it holds is left to it. */
    if ((*store)->env != NULL && !apv_store_forked(*store))
        mdb_env_close((*store)->env);
    if ((*store)->writers >= 0)
        close((*store)->writers);
    free(*store);
    *store = NULL;
}

void
apv_store_on_signal(apv_store *store, bool (*interrupted)(void *arg), void *arg)
{
    store->interrupted = interrupted;
    store->interrupted_arg = arg;
}

bool
apv_store_forked(const apv_store *store)
{
    return store->pid != getpid();
}

/* ---- transactions ---- */

bool
apv_store_begin(apv_store *store, bool write, MDB_txn **txn, apv_err *err)
{
    int status;

    if (apv_store_forked(store))
        return apv_fail(err, APV_ERR_FORKED, "the store belongs to the parent process");
    if (write && !store->write)
        return apv_fail(err, APV_ERR_INVALID, "the store is open for reading only");
    bool locks = write && store->writers >= 0;
    if (locks && !lock_writers(store, err))
        return false;
    status = mdb_txn_begin(store->env, NULL, write ? 0U : MDB_RDONLY, txn);
    if (status == MDB_MAP_RESIZED) {
        /* Another process has it with a larger bound: take over that. */
        status = mdb_env_set_mapsize(store->env, 0);
        if (status == 0)
            status = mdb_txn_begin(store->env, NULL, write ? 0U : MDB_RDONLY, txn);
    }
    if (locks && status == 0)
        store->writer = *txn;
    else if (locks)
        (void)set_lock(store, F_UNLCK);
    return status == 0 ||
           apv_store_fail(status, write ? "cannot be written" : "cannot be read", err);
}

bool
apv_store_commit(apv_store *store, MDB_txn **txn, apv_err *err)
{
    MDB_txn *ended = *txn;
    int status;

    *txn = NULL;
    if (apv_store_forked(store))
        return apv_fail(err, APV_ERR_FORKED, "the store belongs to the parent process");
    status = mdb_txn_commit(ended);
    unlock_writers(store, ended);
    return status == 0 || apv_store_fail(status, "cannot be written", err);
}

void
apv_store_abort(MDB_txn **txn)
{
    MDB_txn *ended = *txn;

    *txn = NULL;
    if (ended == NULL)
        return;
    apv_store *store = mdb_env_get_userctx(mdb_txn_env(ended));
    mdb_txn_abort(ended);
    unlock_writers(store, ended);
}

bool
apv_store_sync(apv_store *store, apv_err *err)
{
    int status;

    if (apv_store_forked(store))
        return apv_fail(err, APV_ERR_FORKED, "the store belongs to the parent process");
    status = mdb_env_sync(store->env, 1);
    return status == 0 || apv_store_fail(status, "cannot be written", err);
}

bool
apv_store_hurry(apv_store *store, apv_err *err)
{
    if (apv_store_forked(store))
        return apv_fail(err, APV_ERR_FORKED, "the store belongs to the parent process");
    int status = mdb_env_set_flags(store->env, MDB_NOSYNC, 1);
    return status == 0 || apv_store_fail(status, "cannot be written", err);
}

/* Opens a table in a transaction; status: what LMDB said of it. False: err is set. */
static bool
open_table(apv_store *store, bool make, const char *name, unsigned int flags, MDB_dbi *table,
           int *status, apv_err *err)
{
    MDB_txn *txn = NULL;

    if (!apv_store_begin(store, make, &txn, err))
        return false;
    *status = mdb_dbi_open(txn, name, flags | (make ? MDB_CREATE : 0U), table);
    if (*status == 0)
        return apv_store_commit(store, &txn, err);
    apv_store_abort(&txn);
    return true;
}

bool
apv_store_table(apv_store *store, const char *name, unsigned int flags, MDB_dbi *table,
                apv_err *err)
{
    MDB_dbi found = 0;
    int status = 0;

    /* Who only reads must not wait for a writer: the table is made where it is not there. */
    if (!open_table(store, false, name, flags, &found, &status, err))
        return false;
    if (status == MDB_NOTFOUND && store->write &&
        !open_table(store, true, name, flags, &found, &status, err))
        return false;
    if (status == MDB_NOTFOUND)
        return apv_fail(err, APV_ERR_INVALID, "the store has no table %s", name);
    if (status != 0)
        return apv_store_fail(status, "cannot be opened", err);
    *table = found;
    return true;
}

/* ---- sealed values ---- */

static uint32_t
seal_of(const void *key, size_t key_size, const void *value, size_t size)
{
    uLong sum = crc32_z(0, key, key_size);
    return (uint32_t)crc32_z(sum, value, size);
}

bool
apv_store_put(MDB_txn *txn, MDB_dbi table, apv_span key, apv_span value, unsigned int flags,
              apv_err *err)
{
    MDB_val name = {key.size, (void *)key.data}, room = {SEAL_SIZE + value.size, NULL};
    int status = mdb_put(txn, table, &name, &room, flags | MDB_RESERVE);

    if (status != 0)
        return apv_store_fail(status, "cannot be written", err);
    uint32_t seal = seal_of(key.data, key.size, value.data, value.size);
    memcpy(room.mv_data, &seal, SEAL_SIZE);
    if (value.size > 0)
        memcpy((char *)room.mv_data + SEAL_SIZE, value.data, value.size);
    return true;
}

bool
apv_store_unseal(apv_span key, const MDB_val *found, apv_span *value, apv_err *err)
{
    uint32_t seal;

    if (found->mv_size < SEAL_SIZE)
        return apv_fail(err, APV_ERR_DAMAGED, "a value in the store is damaged");
    const char *data = (const char *)found->mv_data + SEAL_SIZE;
    size_t size = found->mv_size - SEAL_SIZE;
    memcpy(&seal, found->mv_data, SEAL_SIZE);
    if (seal != seal_of(key.data, key.size, data, size))
        return apv_fail(err, APV_ERR_DAMAGED, "a value in the store is damaged");
    *value = (apv_span){data, size};
    return true;
}

bool
apv_store_get(MDB_txn *txn, MDB_dbi table, apv_span key, apv_span *value, apv_err *err)
{
    MDB_val name = {key.size, (void *)key.data}, found;
    int status = mdb_get(txn, table, &name, &found);

    if (status == MDB_NOTFOUND) {
        *value = APV_NO_SPAN;
        return true;
    }
    if (status != 0)
        return apv_store_fail(status, "cannot be read", err);
    return apv_store_unseal(key, &found, value, err);
}
