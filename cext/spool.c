/* spool.c - the spool: opening it, its transactions, and what goes in and out. */
#include "spool_private.h"

#include <stdlib.h>

/* Of the bound, one part of so many is left to removing, which needs new pages too. */
#define RESERVE_PARTS 8
/* Beyond its bytes an entry takes so many at most: the rest of a page, and its key in jobs. */
#define ENTRY_OVERHEAD 8192

/* ---- opening ---- */

static bool
open_store(apv_spool *spool, apv_err *err)
{
    static const char *const names[APV_SPOOL_TABLES] = {"entries", "aside", "jobs", "counters"};
    const apv_store_options options = {spool->path, spool->bound_bytes,     APV_SPOOL_TABLES, true,
                                       true,        spool->write_timeout_ms};

    if (!apv_store_open(&options, &spool->store, err))
        return false;
    apv_store_on_signal(spool->store, spool->interrupted, spool->interrupted_arg);
    for (size_t i = 0; i < APV_SPOOL_TABLES; i++) {
        if (!apv_store_table(spool->store, names[i], 0, &spool->tables[i], err)) {
            apv_store_close(&spool->store);
            return false;
        }
    }
    return true;
}

bool
apv_spool_open(const apv_spool_options *options, apv_spool **spool, apv_err *err)
{
    apv_spool *made = NULL;
    bool ok = false;

    if (options->bound_bytes < APV_SPOOL_BOUND_MIN) {
        apv_fail(err, APV_ERR_INVALID, "the spool's bound is below %zu bytes", APV_SPOOL_BOUND_MIN);
        goto done;
    }
    if (options->write_timeout_ms < 0) {
        apv_fail(err, APV_ERR_INVALID, "write_timeout_ms must not be negative");
        goto done;
    }
    made = calloc(1, sizeof *made);
    size_t size = strlen(options->path) + 1;
    if (made != NULL)
        made->path = malloc(size);
    if (made == NULL || made->path == NULL) {
        apv_fail_memory(err);
        goto done;
    }
    memcpy(made->path, options->path, size);
    made->bound_bytes = options->bound_bytes;
    made->write_timeout_ms =
        options->write_timeout_ms > 0 ? options->write_timeout_ms : APV_SPOOL_WRITE_TIMEOUT_MS;
    if (!open_store(made, err))
        goto done;
    *spool = made;
    made = NULL;
    ok = true;

done:
    apv_spool_close(&made);
    return ok;
}

void
apv_spool_close(apv_spool **spool)
{
    if (*spool == NULL)
        return;
    apv_store_close(&(*spool)->store);
    free((*spool)->path);
    free(*spool);
    *spool = NULL;
}

void
apv_spool_on_signal(apv_spool *spool, bool (*interrupted)(void *arg), void *arg)
{
    spool->interrupted = interrupted;
    spool->interrupted_arg = arg;
    if (spool->store != NULL)
        apv_store_on_signal(spool->store, interrupted, arg);
}

/* ---- transactions ---- */

bool
apv_spool_begin(apv_spool *spool, bool write, MDB_txn **txn, apv_err *err)
{
    if (spool->store == NULL && !open_store(spool, err))
        return false;
    return apv_store_begin(spool->store, write, txn, err);
}

bool
apv_spool_end(apv_spool *spool, MDB_txn **txn, bool ok, apv_err *err)
{
    if (*txn != NULL && ok)
        ok = apv_store_commit(spool->store, txn, err);
    else
        ok = false;
    apv_store_abort(txn);
    if (!ok && (err->code == APV_ERR_FULL || err->code == APV_ERR_DAMAGED) &&
        spool->store != NULL && !apv_store_forked(spool->store))
        apv_store_close(&spool->store);
    return ok;
}

/* ---- room ---- */

bool
apv_spool_used(const apv_spool *spool, MDB_txn *txn, size_t *used_bytes, apv_err *err)
{
    size_t used = 0;

    for (size_t i = 0; i < APV_SPOOL_TABLES; i++) {
        MDB_stat stat;
        int status = mdb_stat(txn, spool->tables[i], &stat);
        if (status != 0)
            return apv_store_fail(status, "cannot be read", err);
        used += (stat.ms_branch_pages + stat.ms_leaf_pages + stat.ms_overflow_pages) *
                (size_t)stat.ms_psize;
    }
    *used_bytes = used;
    return true;
}

/* Whether more bytes find room; events: by the bound of events. */
static bool
has_room(const apv_spool *spool, MDB_txn *txn, size_t more_bytes, bool events, apv_err *err)
{
    size_t used = 0, bound = spool->bound_bytes;
    size_t usable = events ? bound / 2 : bound - bound / RESERVE_PARTS;

    if (!apv_spool_used(spool, txn, &used, err))
        return false;
    if (more_bytes <= usable && used <= usable - more_bytes)
        return true;
    return apv_fail(err, APV_ERR_FULL, "the spool is full: it holds %zu of %zu MB%s", used >> 20,
                    bound >> 20, events ? ", of which events may fill half" : "");
}

/* ---- in ---- */

static bool
check_entries(const apv_spool_entry *entries, size_t count, size_t *size_bytes, bool *events,
              apv_err *err)
{
    size_t size = 0;
    bool only_events = true;

    if (count == 0)
        return apv_fail(err, APV_ERR_INVALID, "there is nothing to put into the spool");
    for (size_t i = 0; i < count; i++) {
        const apv_spool_entry *entry = &entries[i];
        if (entry->kind < APV_SPOOL_LOAD || entry->kind > APV_SPOOL_EVENTS)
            return apv_fail(err, APV_ERR_INVALID, "the spool has no such kind of entry");
        if (entry->jid.size > APV_SPOOL_JID_MAX)
            return apv_fail(err, APV_ERR_LIMIT, "a jid is longer than %d bytes", APV_SPOOL_JID_MAX);
        if (entry->payload.size > SIZE_MAX / 2 - size - ENTRY_OVERHEAD)
            return apv_fail(err, APV_ERR_LIMIT, "the entries are too large for the spool");
        size += entry->payload.size + ENTRY_OVERHEAD;
        only_events = only_events && entry->kind == APV_SPOOL_EVENTS;
    }
    *size_bytes = size;
    *events = only_events;
    return true;
}

bool
apv_spool_put(apv_spool *spool, const apv_spool_entry *entries, size_t count, uint64_t *first,
              apv_err *err)
{
    MDB_txn *txn = NULL;
    uint64_t seq, first_seq = 0;
    size_t size_bytes = 0;
    bool events = false, ok;

    if (!check_entries(entries, count, &size_bytes, &events, err) ||
        !apv_spool_begin(spool, true, &txn, err))
        return false;
    if (!has_room(spool, txn, size_bytes, events, err)) {
        apv_store_abort(&txn); /* nothing was written: the environment is as it was */
        return false;
    }
    ok = true;
    for (size_t i = 0; ok && i < count; i++) {
        ok = apv_spool_add(spool, txn, &entries[i], &seq, err);
        if (ok && i == 0)
            first_seq = seq;
    }
    if (!apv_spool_end(spool, &txn, ok, err))
        return false;
    *first = first_seq;
    return true;
}

bool
apv_spool_count_dropped(apv_spool *spool, uint64_t events, apv_err *err)
{
    MDB_txn *txn = NULL;
    uint64_t dropped = 0;

    if (!apv_spool_begin(spool, true, &txn, err))
        return false;
    bool ok = apv_spool_counter(spool, txn, "dropped", &dropped, err) &&
              apv_spool_set_counter(spool, txn, "dropped", dropped + events, err);
    return apv_spool_end(spool, &txn, ok, err);
}

/* ---- out ---- */

bool
apv_spool_remove(apv_spool *spool, const uint64_t *seqs, size_t count, apv_err *err)
{
    MDB_txn *txn = NULL;
    int dead;
    bool found, ok = true;

    if (!apv_spool_begin(spool, true, &txn, err))
        return false;
    for (size_t i = 0; ok && i < count; i++)
        ok = apv_spool_remove_entry(spool, txn, seqs[i], NULL, NULL, &found, err);
    /* Readers that were killed would keep what is removed here from being used again. */
    if (ok)
        (void)mdb_reader_check(mdb_txn_env(txn), &dead);
    return apv_spool_end(spool, &txn, ok, err);
}
