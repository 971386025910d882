/* spool_entry.c - entries of the spool as they stand on disk. */
#include "spool_private.h"

#include "be.h"

#include <stdlib.h>

static int64_t
signed_of(uint64_t bits)
{
    int64_t number;
    memcpy(&number, &bits, sizeof number);
    return number;
}

bool
apv_spool_entry_parse(apv_span bytes, apv_spool_entry *entry)
{
    if (bytes.size < APV_SPOOL_HEAD_SIZE)
        return false;
    unsigned char kind = (unsigned char)bytes.data[0];
    size_t jid_size = (unsigned char)bytes.data[9];
    if (kind < APV_SPOOL_LOAD || kind > APV_SPOOL_EVENTS ||
        bytes.size - APV_SPOOL_HEAD_SIZE < jid_size)
        return false;
    entry->kind = (apv_spool_kind)kind;
    entry->accepted_us = signed_of(apv_be_read_u64(bytes.data + 1));
    entry->jid = (apv_span){bytes.data + APV_SPOOL_HEAD_SIZE, jid_size};
    entry->payload = (apv_span){bytes.data + APV_SPOOL_HEAD_SIZE + jid_size,
                                bytes.size - APV_SPOOL_HEAD_SIZE - jid_size};
    return true;
}

/* ---- counters ---- */

bool
apv_spool_counter(const apv_spool *spool, MDB_txn *txn, const char *name, uint64_t *number,
                  apv_err *err)
{
    apv_span value;

    if (!apv_store_get(txn, spool->tables[APV_SPOOL_COUNTERS], apv_span_of(name), &value, err))
        return false;
    if (value.data != NULL && value.size != 8)
        return apv_fail(err, APV_ERR_DAMAGED, "a counter of the spool is damaged");
    *number = value.data == NULL ? 0 : apv_be_read_u64(value.data);
    return true;
}

bool
apv_spool_set_counter(const apv_spool *spool, MDB_txn *txn, const char *name, uint64_t number,
                      apv_err *err)
{
    unsigned char bytes[8];

    apv_be_write_u64(bytes, number);
    return apv_store_put(txn, spool->tables[APV_SPOOL_COUNTERS], apv_span_of(name),
                         (apv_span){(const char *)bytes, sizeof bytes}, 0, err);
}

/* ---- one entry ---- */

struct job_key {
    unsigned char bytes[APV_SPOOL_JID_MAX + 1 + APV_SPOOL_SEQ_SIZE];
    size_t size;
};

static apv_span
job_key(struct job_key *key, apv_span jid, uint64_t seq)
{
    if (jid.size > 0)
        memcpy(key->bytes, jid.data, jid.size);
    key->bytes[jid.size] = '\0';
    apv_be_write_u64(key->bytes + jid.size + 1, seq);
    key->size = jid.size + 1 + APV_SPOOL_SEQ_SIZE;
    return (apv_span){(const char *)key->bytes, key->size};
}

bool
apv_spool_add(const apv_spool *spool, MDB_txn *txn, const apv_spool_entry *entry, uint64_t *seq,
              apv_err *err)
{
    unsigned char name[APV_SPOOL_SEQ_SIZE], accepted[8];
    uint64_t accepted_bits, number = 0;
    struct job_key key;
    bool ok = false;

    size_t size = APV_SPOOL_HEAD_SIZE + entry->jid.size + entry->payload.size;
    char *bytes = malloc(size);
    if (bytes == NULL) {
        apv_fail_memory(err);
        goto done;
    }
    memcpy(&accepted_bits, &entry->accepted_us, sizeof accepted_bits);
    apv_be_write_u64(accepted, accepted_bits);
    bytes[0] = (char)entry->kind;
    memcpy(bytes + 1, accepted, sizeof accepted);
    bytes[9] = (char)(unsigned char)entry->jid.size;
    if (entry->jid.size > 0)
        memcpy(bytes + APV_SPOOL_HEAD_SIZE, entry->jid.data, entry->jid.size);
    if (entry->payload.size > 0)
        memcpy(bytes + APV_SPOOL_HEAD_SIZE + entry->jid.size, entry->payload.data,
               entry->payload.size);

    if (!apv_spool_counter(spool, txn, "next", &number, err))
        goto done;
    if (number == 0)
        number = 1;
    apv_be_write_u64(name, number);
    if (!apv_store_put(txn, spool->tables[APV_SPOOL_ENTRIES],
                       (apv_span){(const char *)name, sizeof name}, (apv_span){bytes, size},
                       MDB_APPEND, err) ||
        !apv_spool_set_counter(spool, txn, "next", number + 1, err))
        goto done;
    if (entry->jid.size > 0 &&
        !apv_store_put(txn, spool->tables[APV_SPOOL_JOBS], job_key(&key, entry->jid, number),
                       (apv_span){bytes, 1}, 0, err))
        goto done;
    *seq = number;
    ok = true;

done:
    free(bytes);
    return ok;
}

/* Removes from jobs whatever leads to seq, whose entry does not tell its job any more. */
static bool
delete_links(const apv_spool *spool, MDB_txn *txn, uint64_t seq, apv_err *err)
{
    MDB_cursor *cursor = NULL;
    MDB_val key, value;
    int status = mdb_cursor_open(txn, spool->tables[APV_SPOOL_JOBS], &cursor);

    if (status == 0)
        status = mdb_cursor_get(cursor, &key, &value, MDB_FIRST);
    while (status == 0) {
        if (key.mv_size > APV_SPOOL_SEQ_SIZE &&
            apv_be_read_u64((const char *)key.mv_data + key.mv_size - APV_SPOOL_SEQ_SIZE) == seq)
            status = mdb_cursor_del(cursor, 0);
        if (status == 0)
            status = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
    }
    if (cursor != NULL)
        mdb_cursor_close(cursor);
    return status == MDB_NOTFOUND || apv_store_fail(status, "cannot be written", err);
}

static bool
delete_link(const apv_spool *spool, MDB_txn *txn, apv_span jid, uint64_t seq, apv_err *err)
{
    struct job_key key;
    apv_span name = job_key(&key, jid, seq);
    MDB_val found = {name.size, (void *)name.data};
    int status = mdb_del(txn, spool->tables[APV_SPOOL_JOBS], &found, NULL);

    return status == 0 || status == MDB_NOTFOUND ||
           apv_store_fail(status, "cannot be written", err);
}

bool
apv_spool_remove_entry(const apv_spool *spool, MDB_txn *txn, uint64_t seq, apv_spool_keep *keep,
                       void *arg, bool *found, apv_err *err)
{
    unsigned char name[APV_SPOOL_SEQ_SIZE];
    char jid[APV_SPOOL_JID_MAX]; /* what is found in LMDB lasts until the next write */
    apv_spool_entry entry = {0};
    apv_err damage = APV_ERR_NONE;
    apv_span bytes;

    apv_be_write_u64(name, seq);
    MDB_val key = {sizeof name, name}, value;
    int status = mdb_get(txn, spool->tables[APV_SPOOL_ENTRIES], &key, &value);
    if (status == MDB_NOTFOUND) {
        *found = false;
        return true;
    }
    if (status != 0)
        return apv_store_fail(status, "cannot be read", err);
    bool sealed =
        apv_store_unseal((apv_span){(const char *)name, sizeof name}, &value, &bytes, &damage);
    if (!sealed)
        bytes = (apv_span){value.mv_data, value.mv_size};
    bool damaged = !sealed || !apv_spool_entry_parse(bytes, &entry);
    if (!damaged && entry.jid.size > 0)
        memcpy(jid, entry.jid.data, entry.jid.size);
    if (keep != NULL && !keep(arg, bytes, damaged, err))
        return false;
    if (damaged) {
        if (!delete_links(spool, txn, seq, err))
            return false;
    } else if (entry.jid.size > 0 &&
               !delete_link(spool, txn, (apv_span){jid, entry.jid.size}, seq, err)) {
        return false;
    }
    status = mdb_del(txn, spool->tables[APV_SPOOL_ENTRIES], &key, NULL);
    if (status != 0)
        return apv_store_fail(status, "cannot be written", err);
    *found = true;
    return true;
}
