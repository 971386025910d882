/* spool_aside.c - entries that nobody can record: out of the way of those behind them, and
 * back again. */
#include "spool_private.h"

#include "be.h"
#include "text.h"

#include <stdlib.h>

struct aside {
    const apv_spool *spool;
    MDB_txn *txn;
    uint64_t seq;
    apv_span reason;
    int64_t now_us;
};

/* Writes what stood in entries into aside, behind the time and the reason. */
static bool
keep_aside(void *arg, apv_span bytes, bool damaged, apv_err *err)
{
    const struct aside *aside = arg;
    unsigned char name[APV_SPOOL_SEQ_SIZE], now[8];
    uint64_t now_bits;

    size_t reason_size =
        apv_utf8_truncate(aside->reason.data, aside->reason.size, APV_SPOOL_REASON_MAX);
    size_t size = APV_SPOOL_HEAD_SIZE + reason_size + bytes.size;
    char *content = malloc(size);
    if (content == NULL)
        return apv_fail_memory(err);
    memcpy(&now_bits, &aside->now_us, sizeof now_bits);
    apv_be_write_u64(now, now_bits);
    memcpy(content, now, sizeof now);
    content[8] = damaged ? 1 : 0;
    content[9] = (char)(unsigned char)reason_size;
    if (reason_size > 0)
        memcpy(content + APV_SPOOL_HEAD_SIZE, aside->reason.data, reason_size);
    if (bytes.size > 0)
        memcpy(content + APV_SPOOL_HEAD_SIZE + reason_size, bytes.data, bytes.size);
    apv_be_write_u64(name, aside->seq);
    bool ok = apv_store_put(aside->txn, aside->spool->tables[APV_SPOOL_ASIDE],
                            (apv_span){(const char *)name, sizeof name}, (apv_span){content, size},
                            0, err);
    free(content);
    return ok;
}

bool
apv_spool_set_aside(apv_spool *spool, uint64_t seq, apv_span reason, int64_t now_us, bool *found,
                    apv_err *err)
{
    MDB_txn *txn = NULL;
    bool there = false;

    if (!apv_utf8_valid(reason.data, reason.size))
        return apv_fail(err, APV_ERR_INVALID, "the reason is not UTF-8 text");
    if (!apv_spool_begin(spool, true, &txn, err))
        return false;
    struct aside aside = {spool, txn, seq, reason, now_us};
    bool ok = apv_spool_remove_entry(spool, txn, seq, keep_aside, &aside, &there, err);
    if (!apv_spool_end(spool, &txn, ok, err))
        return false;
    *found = there;
    return true;
}

/* Deletes seq from aside. */
static bool
delete_aside(const apv_spool *spool, MDB_txn *txn, uint64_t seq, bool *found, apv_err *err)
{
    unsigned char name[APV_SPOOL_SEQ_SIZE];

    apv_be_write_u64(name, seq);
    MDB_val key = {sizeof name, name};
    int status = mdb_del(txn, spool->tables[APV_SPOOL_ASIDE], &key, NULL);
    if (status != 0 && status != MDB_NOTFOUND)
        return apv_store_fail(status, "cannot be written", err);
    *found = status == 0;
    return true;
}

bool
apv_spool_remove_aside(apv_spool *spool, uint64_t seq, bool *found, apv_err *err)
{
    MDB_txn *txn = NULL;
    bool there = false;

    if (!apv_spool_begin(spool, true, &txn, err))
        return false;
    bool ok = delete_aside(spool, txn, seq, &there, err);
    if (!apv_spool_end(spool, &txn, ok, err))
        return false;
    *found = there;
    return true;
}

bool
apv_spool_retry(apv_spool *spool, uint64_t seq, uint64_t *seq_new, apv_err *err)
{
    apv_spool_batch *batch = NULL;
    MDB_txn *txn = NULL;
    uint64_t added = 0;
    bool there = false, ok = false;

    if (!apv_spool_read(spool, true, seq, 1, 0, &batch, err))
        goto done;
    if (batch->count == 0 || batch->entries[0].seq != seq) {
        *seq_new = 0;
        ok = true;
        goto done;
    }
    const apv_spool_entry *entry = &batch->entries[0];
    if (entry->kind == APV_SPOOL_DAMAGED) {
        apv_fail(err, APV_ERR_INVALID, "the entry is damaged and can only be dropped");
        goto done;
    }
    if (!apv_spool_begin(spool, true, &txn, err))
        goto done;
    ok = delete_aside(spool, txn, seq, &there, err) &&
         (!there || apv_spool_add(spool, txn, entry, &added, err));
    ok = apv_spool_end(spool, &txn, ok, err);
    if (ok)
        *seq_new = added;

done:
    apv_spool_batch_free(&batch);
    return ok;
}
