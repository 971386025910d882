/* snapshot.c - reading the approved state on the master's disk. */
#include "snapshot_private.h"

#include "document_private.h"

#include <math.h>
#include <stdlib.h>

#define EPOCH_2000_S 946684800.0
#define MS_PER_S 1000.0
/* A head that was refreshed longer ago makes the reader look whether it is still the one. */
#define LOOK_AGAIN_S 5.0
#define OPEN_TRIES 3 /* a generation can be swept between looking for and opening it */

bool
apv_snapshot_new(const char *path, apv_snapshot **snapshot, apv_err *err)
{
    if (path[0] == '\0' || strlen(path) > APV_SNAPSHOT_PATH_MAX)
        return apv_fail(err, APV_ERR_INVALID, "the path of the snapshot is empty or too long");
    apv_snapshot *made = calloc(1, sizeof *made);
    if (made == NULL || (made->path = strdup(path)) == NULL) {
        free(made);
        return apv_fail_memory(err);
    }
    *snapshot = made;
    return true;
}

void
apv_snapshot_close(apv_snapshot **snapshot)
{
    if (*snapshot == NULL)
        return;
    apv_generation_close(&(*snapshot)->current);
    free((*snapshot)->path);
    free(*snapshot);
    *snapshot = NULL;
}

bool
apv_snapshot_open(apv_snapshot *snapshot, bool write, apv_err *err)
{
    apv_generation *current = &snapshot->current;

    if (current->store != NULL && (apv_store_forked(current->store) || (write && !snapshot->write)))
        apv_generation_close(current);
    for (int tries = 1; current->store == NULL; tries++) {
        apv_err found = APV_ERR_NONE;
        int64_t number, now;
        if (!apv_generation_check(snapshot->path, write, err) ||
            !apv_generation_current(snapshot->path, &number, err))
            return false;
        if (apv_generation_open(snapshot->path, number, write, true, current, &found)) {
            snapshot->write = write;
        } else if (tries == OPEN_TRIES || !apv_generation_current(snapshot->path, &now, &found) ||
                   now == number) {
            *err = found;
            return false;
        }
    }
    return true;
}

/* Whether another generation has taken the place of the one that is open. */
static bool
is_replaced(const apv_snapshot *snapshot, const apv_snapshot_head *head, double now)
{
    apv_err ignored = APV_ERR_NONE;
    int64_t number;

    if (head->retired)
        return true;
    return fabs(now - (double)head->refreshed_ms / MS_PER_S) > LOOK_AGAIN_S &&
           apv_generation_current(snapshot->path, &number, &ignored) &&
           number != snapshot->current.number;
}

/* Starts reading the generation in use. */
static bool
begin(apv_snapshot *snapshot, double now, MDB_txn **txn, apv_snapshot_head *head, apv_err *err)
{
    for (int tries = 1;; tries++) {
        apv_err found = APV_ERR_NONE;
        MDB_txn *begun = NULL;
        if (!apv_snapshot_open(snapshot, false, err))
            return false;
        bool read = apv_store_begin(snapshot->current.store, false, &begun, &found) &&
                    apv_generation_head(&snapshot->current, begun, head, &found);
        bool again = tries < OPEN_TRIES && (!read || is_replaced(snapshot, head, now));
        if (read && !again) {
            *txn = begun;
            return true;
        }
        apv_store_abort(&begun);
        if (!again) {
            *err = found;
            return false;
        }
        apv_generation_close(&snapshot->current);
    }
}

static bool
fill_info(const apv_snapshot *snapshot, MDB_txn *txn, const apv_snapshot_head *head,
          apv_snapshot_info *info, apv_err *err)
{
    MDB_stat documents;
    int status = mdb_stat(txn, snapshot->current.documents, &documents);

    if (status != 0)
        return apv_store_fail(status, "cannot be read", err);
    *info = (apv_snapshot_info){
        .generation = snapshot->current.number,
        .built_at = (double)head->built_ms / MS_PER_S,
        .refreshed_at = (double)head->refreshed_ms / MS_PER_S,
        .xmin = head->xmin,
        .minions = documents.ms_entries,
        .size_bytes = documents.ms_psize * (documents.ms_branch_pages + documents.ms_leaf_pages +
                                            documents.ms_overflow_pages),
    };
    return true;
}

bool
apv_snapshot_inspect(apv_snapshot *snapshot, apv_snapshot_info *info, apv_err *err)
{
    apv_snapshot_head head;
    MDB_txn *txn = NULL;

    if (!begin(snapshot, INFINITY, &txn, &head, err))
        return false;
    bool ok = fill_info(snapshot, txn, &head, info, err);
    apv_store_abort(&txn);
    return ok;
}

/* The microseconds since 2000, as PostgreSQL counts them. */
static int64_t
since_2000_us(double seconds)
{
    double us = (seconds - EPOCH_2000_S) * 1e6;
    return us >= 9.2e18 ? INT64_MAX : us <= -9.2e18 ? INT64_MIN : (int64_t)us;
}

bool
apv_snapshot_read(apv_snapshot *snapshot, apv_span minion_id, double now, double max_age,
                  apv_document **document, apv_err *err)
{
    apv_snapshot_head head;
    apv_document *read = NULL;
    MDB_txn *txn = NULL;
    apv_span value = APV_NO_SPAN;
    bool ok = false;

    if (!begin(snapshot, now, &txn, &head, err))
        return false;
    double refreshed_at = (double)head.refreshed_ms / MS_PER_S, age = now - refreshed_at;
    /* One from the future is as little to be trusted, unless the clock is a bit off. */
    if (age > max_age || -age > max_age + LOOK_AGAIN_S) {
        apv_fail(err, APV_ERR_UNAVAILABLE,
                 "the snapshot was refreshed %.0f s ago, which is too old", age);
        goto done;
    }
    if (minion_id.size > 0 && minion_id.size <= APV_SNAPSHOT_KEY_MAX &&
        !apv_store_get(txn, snapshot->current.documents, minion_id, &value, err))
        goto done;
    if (value.data == NULL
            ? !apv_document_unknown(minion_id, &read, err)
            : !apv_snapshot_value_pick(value, minion_id, since_2000_us(now), &read, err))
        goto done;
    read->as_of = refreshed_at;
    read->from_snapshot = true;
    *document = read;
    ok = true;

done:
    apv_store_abort(&txn);
    return ok;
}

bool
apv_snapshot_verify(apv_snapshot *snapshot, size_t *minions, size_t *documents, apv_err *err)
{
    apv_snapshot_head head;
    MDB_txn *txn = NULL;
    MDB_cursor *cursor = NULL;
    MDB_val key, found;
    size_t minion_count = 0, document_count = 0;
    bool ok = false;

    if (!begin(snapshot, INFINITY, &txn, &head, err))
        return false;
    int status = mdb_cursor_open(txn, snapshot->current.documents, &cursor);
    while (status == 0 && (status = mdb_cursor_get(cursor, &key, &found, MDB_NEXT)) == 0) {
        const apv_span minion_id = {key.mv_data, key.mv_size};
        apv_span value;
        size_t count;
        if (!apv_store_unseal(minion_id, &found, &value, err) ||
            !apv_snapshot_value_check(value, minion_id, &count, err))
            goto done;
        minion_count++;
        document_count += count;
    }
    if (status != MDB_NOTFOUND) {
        apv_store_fail(status, "cannot be read", err);
        goto done;
    }
    *minions = minion_count;
    *documents = document_count;
    ok = true;

done:
    if (cursor != NULL)
        mdb_cursor_close(cursor);
    apv_store_abort(&txn);
    return ok;
}
