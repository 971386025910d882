/* snapshot_generation.c - the generations of a snapshot: which is in use, and its head. */
#include "snapshot_private.h"

#include "value_msgpack.h"
#include "value_pack.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define PREFIX "generation."
#define NAME_MAX_BYTES 64
#define PATH_BYTES (APV_SNAPSHOT_PATH_MAX + NAME_MAX_BYTES)
#define TABLES 2
/* Address space, which is not memory; the file is as long as what is in it. */
#define BOUND_BYTES ((size_t)1 << (sizeof(size_t) > 4 ? 35 : 29))

static const apv_span head_key = APV_WORD("head");

/* ---- names ---- */

/* The number in a generation's name; 0: it is none. */
static int64_t
number_of(const char *name)
{
    char *end;

    if (strncmp(name, PREFIX, sizeof PREFIX - 1) != 0)
        return 0;
    errno = 0;
    long long number = strtoll(name + sizeof PREFIX - 1, &end, 10);
    return *end == '\0' && errno == 0 && number > 0 ? number : 0;
}

static void
name_of(char name[NAME_MAX_BYTES], int64_t number)
{
    snprintf(name, NAME_MAX_BYTES, PREFIX "%lld", (long long)number);
}

static void
join(char path[PATH_BYTES], const char *directory, const char *name)
{
    snprintf(path, PATH_BYTES, "%s/%s", directory, name);
}

bool
apv_generation_check(const char *path, bool write, apv_err *err)
{
    struct stat status;

    if (stat(path, &status) != 0)
        return apv_fail(err, APV_ERR_INVALID, "there is no snapshot");
    if (!S_ISDIR(status.st_mode) || (status.st_mode & 077) != 0)
        return apv_fail(err, APV_ERR_INVALID,
                        "others may read or write the directory of the snapshot: chmod 700 it");
    /* What root makes there, its owner could not open. */
    if (status.st_uid != geteuid() && (write || geteuid() != 0))
        return apv_fail(err, APV_ERR_INVALID,
                        "the directory of the snapshot belongs to another user");
    return true;
}

bool
apv_generation_current(const char *path, int64_t *number, apv_err *err)
{
    char link[PATH_BYTES], target[NAME_MAX_BYTES];

    join(link, path, "current");
    ssize_t size = readlink(link, target, sizeof target - 1);
    if (size < 0)
        return apv_fail(err, APV_ERR_INVALID, "there is no snapshot");
    target[size] = '\0';
    int64_t found = number_of(target);
    if (found == 0)
        return apv_fail(err, APV_ERR_INVALID, "the snapshot points to no generation");
    *number = found;
    return true;
}

static bool
sync_directory(const char *path, apv_err *err)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool ok = fd >= 0 && fsync(fd) == 0;
    int status = errno;

    if (fd >= 0)
        close(fd);
    return ok || apv_store_fail(status, "cannot be written", err);
}

bool
apv_generation_switch(const char *path, int64_t number, apv_err *err)
{
    char link[PATH_BYTES], fresh[PATH_BYTES], name[NAME_MAX_BYTES], directory[PATH_BYTES];

    name_of(name, number);
    join(directory, path, name);
    join(link, path, "current");
    join(fresh, path, "current.new");
    /* The names of the files: what they hold is on the disk, but nothing says that it could
     * be found after a power loss. */
    if (!sync_directory(directory, err))
        return false;
    if (unlink(fresh) != 0 && errno != ENOENT)
        return apv_store_fail(errno, "cannot be written", err);
    if (symlink(name, fresh) != 0 || rename(fresh, link) != 0)
        return apv_store_fail(errno, "cannot be written", err);
    /* The link, and with it the generation's name, before the old one is given up. */
    return sync_directory(path, err);
}

void
apv_generation_remove_others(const char *path, int64_t number)
{
    static const char *const files[] = {"data.mdb", "lock.mdb"};
    DIR *directory = opendir(path);
    struct dirent *each;

    if (directory == NULL)
        return;
    while ((each = readdir(directory)) != NULL) {
        int64_t found = number_of(each->d_name);
        char generation[PATH_BYTES], file[PATH_BYTES + NAME_MAX_BYTES], name[NAME_MAX_BYTES];
        if (found == 0 || found == number)
            continue;
        name_of(name, found);
        join(generation, path, name);
        for (size_t i = 0; i < 2; i++) {
            snprintf(file, sizeof file, "%s/%s", generation, files[i]);
            unlink(file);
        }
        rmdir(generation);
    }
    closedir(directory);
}

/* ---- opening ---- */

bool
apv_generation_open(const char *path, int64_t number, bool write, bool sync,
                    apv_generation *generation, apv_err *err)
{
    char directory[PATH_BYTES], name[NAME_MAX_BYTES];
    const apv_store_options options = {directory, BOUND_BYTES, TABLES, write, sync, 0};
    apv_generation opened = {.number = number};

    name_of(name, number);
    join(directory, path, name);
    if (!apv_store_open(&options, &opened.store, err))
        return false;
    if (!apv_store_table(opened.store, "head", 0, &opened.head, err) ||
        !apv_store_table(opened.store, "documents", 0, &opened.documents, err)) {
        apv_generation_close(&opened);
        return false;
    }
    *generation = opened;
    return true;
}

void
apv_generation_close(apv_generation *generation)
{
    apv_store_close(&generation->store);
}

/* ---- the head ---- */

bool
apv_generation_put_head(const apv_generation *generation, MDB_txn *txn,
                        const apv_snapshot_head *head, apv_err *err)
{
    apv_buf buf = APV_BUF_EMPTY;
    bool ok =
        apv_pack_map(&buf, 6, err) && apv_pack_text(&buf, apv_span_of("format"), err) &&
        apv_pack_integer(&buf, APV_SNAPSHOT_FORMAT, err) &&
        apv_pack_text(&buf, apv_span_of("built_ms"), err) &&
        apv_pack_integer(&buf, head->built_ms, err) &&
        apv_pack_text(&buf, apv_span_of("refreshed_ms"), err) &&
        apv_pack_integer(&buf, head->refreshed_ms, err) &&
        apv_pack_text(&buf, apv_span_of("xmin"), err) &&
        apv_pack_integer(&buf, (int64_t)head->xmin, err) &&
        apv_pack_text(&buf, apv_span_of("identity"), err) &&
        apv_pack_text(&buf, apv_span_of(head->identity), err) &&
        apv_pack_text(&buf, apv_span_of("retired"), err) &&
        apv_pack_bool(&buf, head->retired, err) &&
        apv_store_put(txn, generation->head, head_key, (apv_span){buf.data, buf.size}, 0, err);

    apv_buf_free(&buf);
    return ok;
}

bool
apv_generation_head(const apv_generation *generation, MDB_txn *txn, apv_snapshot_head *head,
                    apv_err *err)
{
    enum { FORMAT, BUILT, REFRESHED, XMIN, IDENTITY, RETIRED, WORDS };
    static const apv_span words[WORDS] = {APV_WORD("format"),       APV_WORD("built_ms"),
                                          APV_WORD("refreshed_ms"), APV_WORD("xmin"),
                                          APV_WORD("identity"),     APV_WORD("retired")};
    apv_value found[WORDS];
    apv_msgpack_reader msgpack;
    const apv_reader *reader = &msgpack.reader;
    apv_value root;
    apv_span value, identity;
    int64_t format, xmin;

    if (!apv_store_get(txn, generation->head, head_key, &value, err))
        return false;
    if (value.data == NULL || !apv_reader_msgpack(value, &msgpack, &root, err)) {
        *err = (apv_err)APV_ERR_NONE;
        return apv_fail(err, APV_ERR_DAMAGED, "the snapshot has no head");
    }
    apv_map_find(reader, root, words, WORDS, found);
    if (!reader->integer(reader, found[FORMAT], &format))
        return apv_fail(err, APV_ERR_DAMAGED, "the head of the snapshot cannot be read");
    if (format != APV_SNAPSHOT_FORMAT)
        return apv_fail(err, APV_ERR_INVALID,
                        "the snapshot has format %lld and this version reads format %d only: "
                        "it is built anew by the next refresh",
                        (long long)format, APV_SNAPSHOT_FORMAT);
    if (!reader->integer(reader, found[BUILT], &head->built_ms) ||
        !reader->integer(reader, found[REFRESHED], &head->refreshed_ms) ||
        !reader->integer(reader, found[XMIN], &xmin) ||
        !reader->text(reader, found[IDENTITY], &identity) || identity.size >= sizeof head->identity)
        return apv_fail(err, APV_ERR_DAMAGED, "the head of the snapshot cannot be read");
    head->xmin = (uint64_t)xmin;
    memcpy(head->identity, identity.data, identity.size);
    head->identity[identity.size] = '\0';
    head->retired = reader->truth(reader, found[RETIRED]);
    return true;
}
