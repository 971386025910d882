/* snapshot_build.c - bringing a snapshot up to date from the database. */
#include "snapshot_private.h"

#include "apv_wire.h"
#include "db_private.h"
#include "document_private.h"
#include "text.h"
#include "wire_private.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* What is written between two commits is private memory. */
#define BATCH_BYTES ((size_t)16 << 20)
#define COLUMNS (2 + APV_DOCUMENT_COLUMNS) /* minion_id and valid_from are first */

/* One transaction, in which everything is of one moment. The oldest transaction that is
 * not over then is where the next round starts: what it or a later one writes may not be
 * seen yet. The timeline tells a database apart from what it was before a fail-over or a
 * recovery, which can lose transactions and use their numbers again; that of the last
 * checkpoint is the old one until minutes after a standby was promoted. */
#define SCRIPT(settings, condition)                                                                \
    "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;" settings                                    \
    "SELECT pg_snapshot_xmin(pg_current_snapshot()),"                                              \
    " (SELECT system_identifier FROM pg_control_system()) || '/' ||"                               \
    " CASE WHEN pg_is_in_recovery()"                                                               \
    " THEN (SELECT upper(lpad(to_hex(timeline_id), 8, '0')) FROM pg_control_checkpoint())"         \
    " ELSE left(pg_walfile_name(pg_current_wal_insert_lsn()), 8) END || '/' ||"                    \
    " (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database());"                \
    "COPY (SELECT minion_id, valid_from, revision, digest, evidence_key, kinds, names, types,"     \
    " contents FROM approval.exported_document " condition                                         \
    " ORDER BY minion_id, valid_from) TO STDOUT (FORMAT binary);"                                  \
    "COMMIT"

/* A sort of everything would go by way of the disk; the index has the order. */
static const char everything[] = SCRIPT("SET LOCAL jit = off; SET LOCAL enable_sort = off;", "");
/* Completed by the transaction. */
static const char changes[] = SCRIPT("SET LOCAL jit = off;", "WHERE changed_xid >= '%llu'::xid8");

struct round {
    apv_generation *generation;
    bool building; /* everything, into a new generation */
    const apv_snapshot_head *before;
    bool other_database; /* what there is cannot be continued */
    apv_snapshot_head head;
    apv_copy copy;
    MDB_txn *txn;
    size_t batch_bytes;

    char minion[APV_SNAPSHOT_KEY_MAX]; /* whose documents are being put together */
    size_t minion_size;
    char last[APV_SNAPSHOT_KEY_MAX]; /* written last */
    size_t last_size;
    apv_buf value;
    size_t documents;
    int64_t revision;
    bool unusable;

    size_t minion_count, unusable_count;
};

/* ---- rows ---- */

static bool
take_script_head(void *arg, const char *const *values, size_t count, apv_err *err)
{
    struct round *round = arg;
    char *end;

    if (count != 2 || strlen(values[1]) >= sizeof round->head.identity)
        return apv_fail(err, APV_ERR_PROTOCOL, "the approval database answered something else");
    errno = 0;
    round->head.xmin = strtoull(values[0], &end, 10);
    if (*end != '\0' || errno != 0)
        return apv_fail(err, APV_ERR_PROTOCOL, "the approval database answered something else");
    strcpy(round->head.identity, values[1]);
    if (!round->building && strcmp(round->head.identity, round->before->identity) != 0) {
        round->other_database = true;
        return apv_fail(err, APV_ERR_INVALID, "the snapshot is of another database");
    }
    return true;
}

/* Whether what is stored for the minion is newer, as when this comes from a replica that
 * is behind. */
static bool
is_outdated(const struct round *round, apv_span minion_id)
{
    apv_err ignored = APV_ERR_NONE;
    apv_span stored;

    return !round->building &&
           apv_store_get(round->txn, round->generation->documents, minion_id, &stored, &ignored) &&
           stored.data != NULL && apv_snapshot_value_revision(stored) > round->revision;
}

/* Writes the minion whose documents were put together. */
static bool
flush(struct round *round, apv_err *err)
{
    const apv_span minion_id = {round->minion, round->minion_size};
    const apv_span last = {round->last, round->last_size};

    if (round->minion_size == 0 || is_outdated(round, minion_id))
        return true;
    if (round->unusable) {
        round->unusable_count++;
        round->documents = 0;
        round->value.size = 0;
        if (!apv_snapshot_value_start(&round->value, err))
            return false;
    }
    apv_snapshot_value_end(&round->value, round->documents);
    /* The database's order need not be that of bytes; where it is, appending is faster. */
    unsigned flags = round->building && apv_span_compare(minion_id, last) > 0 ? MDB_APPEND : 0U;
    if (!apv_store_put(round->txn, round->generation->documents, minion_id,
                       (apv_span){round->value.data, round->value.size}, flags, err))
        return false;
    round->minion_count++;
    if (apv_span_compare(minion_id, last) > 0) {
        memcpy(round->last, round->minion, round->minion_size);
        round->last_size = round->minion_size;
    }
    round->batch_bytes += round->value.size;
    if (round->building && round->batch_bytes > BATCH_BYTES) {
        round->batch_bytes = 0;
        return apv_store_commit(round->generation->store, &round->txn, err) &&
               apv_store_begin(round->generation->store, true, &round->txn, err);
    }
    return true;
}

/* Adds a document to those of its minion. */
static bool
add(struct round *round, const apv_span *columns, apv_err *err)
{
    apv_owned_document document = {.result = NULL};
    apv_err found = APV_ERR_NONE;
    int64_t from_us;
    bool ok = false;

    if (!apv_wire_int8(columns[1], &from_us, err))
        return false;
    if (apv_document_fill(&document, columns[0], columns + 2, &found)) {
        ok = apv_snapshot_value_add(&round->value, from_us, &document.document, err);
        round->documents++;
    } else if (found.code == APV_ERR_PROTOCOL || found.code == APV_ERR_INVALID) {
        /* Nothing is stored of a minion with such a document, so that its readers are
         * told; the others are served. */
        round->unusable = true;
        ok = true;
    } else {
        *err = found;
    }
    if (document.document.revision > round->revision)
        round->revision = document.document.revision;
    free(document.items);
    return ok;
}

static bool
take_row(void *arg, const apv_span *columns, size_t count, apv_err *err)
{
    struct round *round = arg;

    if (count != COLUMNS || columns[0].data == NULL || columns[0].size == 0 ||
        columns[0].size > APV_SNAPSHOT_KEY_MAX)
        return apv_fail(err, APV_ERR_PROTOCOL, "the approval database sent something else");
    if (!apv_span_equal(columns[0], (apv_span){round->minion, round->minion_size})) {
        if (!flush(round, err))
            return false;
        memcpy(round->minion, columns[0].data, columns[0].size);
        round->minion_size = columns[0].size;
        round->value.size = 0;
        round->documents = 0;
        round->revision = 0;
        round->unusable = false;
        if (!apv_snapshot_value_start(&round->value, err))
            return false;
    }
    return add(round, columns, err);
}

static bool
take_bytes(void *arg, apv_span bytes, apv_err *err)
{
    struct round *round = arg;
    return apv_copy_feed(&round->copy, bytes, take_row, round, err);
}

/* Reads what the script gives and writes it, with the head, in round->generation. */
static bool
run(struct round *round, apv_db *db, const char *script, apv_err *err)
{
    const apv_script_sink sink = {take_script_head, take_bytes, round};
    bool ok = false;

    if (!apv_store_begin(round->generation->store, true, &round->txn, err) ||
        !apv_db_script(db, script, &sink, err))
        goto done;
    if (!round->copy.ended) {
        apv_fail(err, APV_ERR_PROTOCOL, "the approval database sent only a part");
        goto done;
    }
    ok = flush(round, err) &&
         apv_generation_put_head(round->generation, round->txn, &round->head, err) &&
         apv_store_commit(round->generation->store, &round->txn, err);

done:
    apv_store_abort(&round->txn);
    apv_copy_free(&round->copy);
    apv_buf_free(&round->value);
    return ok;
}

/* ---- the two ways ---- */

static void
report(const struct round *round, apv_snapshot_round *done)
{
    done->built = round->building;
    done->minions = round->minion_count;
    done->unusable = round->unusable_count;
}

/* Writes what was changed since the last round. *fit false: that is not possible here. */
static bool
follow(apv_snapshot *snapshot, apv_db *db, const apv_snapshot_head *before, int64_t now_ms,
       apv_snapshot_round *done, bool *fit, apv_err *err)
{
    struct round round = {.generation = &snapshot->current, .before = before};
    char script[sizeof changes + 24];

    round.head.built_ms = before->built_ms;
    round.head.refreshed_ms = now_ms;
    snprintf(script, sizeof script, changes, (unsigned long long)before->xmin);
    bool ok = run(&round, db, script, err);
    *fit = !round.other_database && err->code != APV_ERR_DAMAGED;
    report(&round, done);
    return ok;
}

/* Tells the readers of a generation that it is no longer in use. They also find out some
 * seconds later by themselves, so a failure is none. Nothing waits for the disk here: the
 * switch is on it, and a power loss ends all readers. */
static void
retire(apv_generation *generation)
{
    apv_err ignored = APV_ERR_NONE;
    apv_snapshot_head head;
    MDB_txn *txn = NULL;

    if (apv_store_hurry(generation->store, &ignored) &&
        apv_store_begin(generation->store, true, &txn, &ignored) &&
        apv_generation_head(generation, txn, &head, &ignored)) {
        head.retired = true;
        if (apv_generation_put_head(generation, txn, &head, &ignored) &&
            apv_store_commit(generation->store, &txn, &ignored))
            return;
    }
    apv_store_abort(&txn);
}

/* Number of the generation in use, or otherwise where there is none. */
static int64_t
in_use(const char *path, int64_t otherwise)
{
    apv_err ignored = APV_ERR_NONE;
    int64_t number;

    return apv_generation_current(path, &number, &ignored) ? number : otherwise;
}

/* Builds everything anew beside what is in use, and switches to it. */
static bool
build(apv_snapshot *snapshot, apv_db *db, int64_t now_ms, apv_snapshot_round *done, apv_err *err)
{
    apv_generation made = {.store = NULL};
    struct round round = {.generation = &made, .building = true};
    int64_t number, current = in_use(snapshot->path, 0);
    bool ok = false;

    apv_generation_remove_others(snapshot->path, current);
    /* Never used before, also when the directory was emptied meanwhile. */
    number = current >= now_ms ? current + 1 : now_ms;
    round.head.built_ms = round.head.refreshed_ms = now_ms;
    /* One sync for all that was written: until the switch nobody looks for it. */
    if (!apv_generation_open(snapshot->path, number, true, false, &made, err) ||
        !run(&round, db, everything, err) || !apv_store_sync(made.store, err))
        goto done;
    apv_generation_close(&made);
    if (!apv_generation_switch(snapshot->path, number, err))
        goto done;
    report(&round, done);
    if (snapshot->current.store != NULL && snapshot->write)
        retire(&snapshot->current);
    apv_generation_close(&snapshot->current);
    ok = true;

done:
    apv_generation_close(&made);
    /* It may have failed after the switch. */
    if (!ok)
        apv_generation_remove_others(snapshot->path, in_use(snapshot->path, current));
    return ok;
}

/* ---- the directory ---- */

/* Makes the directory if need be, and holds it for this refresh; -1: err is set. */
static int
lock(const char *path, apv_err *err)
{
    char name[APV_SNAPSHOT_PATH_MAX + 8];

    if (mkdir(path, 0700) != 0 && errno != EEXIST) {
        apv_store_fail(errno, "cannot be made", err);
        return -1;
    }
    if (!apv_generation_check(path, true, err))
        return -1;
    snprintf(name, sizeof name, "%s/lock", path);
    int fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        apv_store_fail(errno, "cannot be opened", err);
        return -1;
    }
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        close(fd);
        apv_fail(err, APV_ERR_LIMIT, "another process refreshes the snapshot");
        return -1;
    }
    return fd;
}

/* Opens what there is for writing. False: it cannot be continued. */
static bool
open_current(apv_snapshot *snapshot, apv_snapshot_head *head)
{
    apv_err ignored = APV_ERR_NONE;
    MDB_txn *txn = NULL;
    int64_t number;

    if (snapshot->current.store != NULL &&
        (!apv_generation_current(snapshot->path, &number, &ignored) ||
         number != snapshot->current.number))
        apv_generation_close(&snapshot->current);
    if (!apv_snapshot_open(snapshot, true, &ignored) ||
        !apv_store_begin(snapshot->current.store, false, &txn, &ignored))
        return false;
    bool ok = apv_generation_head(&snapshot->current, txn, head, &ignored);
    apv_store_abort(&txn);
    return ok;
}

bool
apv_snapshot_refresh(apv_snapshot *snapshot, apv_db *db, bool rebuild, double now,
                     apv_snapshot_round *round, apv_err *err)
{
    int64_t now_ms = (int64_t)(now * 1000.0);
    apv_snapshot_head before;
    apv_snapshot_round done = {.built = false};
    bool ok, fit = true;
    int held = lock(snapshot->path, err);

    if (held < 0)
        return false;
    bool continued = open_current(snapshot, &before) && !rebuild;
    if (continued) {
        apv_err found = APV_ERR_NONE;
        ok = follow(snapshot, db, &before, now_ms, &done, &fit, &found);
        if (!ok && fit)
            *err = found;
        /* After a failed write an environment is opened anew. */
        if (!ok && fit)
            apv_generation_close(&snapshot->current);
    }
    if (!continued || !fit)
        ok = build(snapshot, db, now_ms, &done, err);
    ok = ok && apv_snapshot_inspect(snapshot, &done.now, err);
    if (ok)
        *round = done;
    /* Closing alone would leave the lock to children that were forked meanwhile. */
    flock(held, LOCK_UN);
    close(held);
    return ok;
}
