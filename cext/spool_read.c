/* spool_read.c - reading the spool. */
#include "spool_private.h"

#include "arena.h"
#include "be.h"

#include <stdlib.h>

/* A batch, and all that it points to. */
struct batch {
    apv_spool_batch batch; /* what callers have */
    apv_spool_entry *entries;
    size_t room;
    apv_arena arena;
};

static struct batch *
batch_new(apv_err *err)
{
    struct batch *made = calloc(1, sizeof *made);
    if (made == NULL)
        apv_fail_memory(err);
    return made;
}

void
apv_spool_batch_free(apv_spool_batch **batch)
{
    if (*batch == NULL)
        return;
    struct batch *made = APV_CONTAINER_OF(*batch, struct batch, batch);
    apv_arena_free(&made->arena);
    free(made);
    *batch = NULL;
}

/* Adds a copy of an entry. */
static bool
batch_add(struct batch *made, const apv_spool_entry *entry, apv_err *err)
{
    apv_spool_entry copy = *entry;

    apv_spool_entry *entries = apv_arena_grow(&made->arena, made->entries, made->batch.count,
                                              &made->room, sizeof *entries);
    if (entries == NULL)
        return apv_fail_memory(err);
    made->entries = entries;
    made->batch.entries = entries;
    if ((copy.jid.data != NULL && !apv_arena_copy(&made->arena, entry->jid, &copy.jid)) ||
        (copy.payload.data != NULL &&
         !apv_arena_copy(&made->arena, entry->payload, &copy.payload)) ||
        (copy.reason.data != NULL && !apv_arena_copy(&made->arena, entry->reason, &copy.reason)))
        return apv_fail_memory(err);
    entries[made->batch.count++] = copy;
    return true;
}

/* ---- from bytes ---- */

/* What stands under seq in entries; one that is damaged as such. */
static apv_spool_entry
waiting_entry(apv_span key, const MDB_val *value)
{
    apv_spool_entry entry = {0};
    apv_err damage = APV_ERR_NONE;
    apv_span bytes;

    if (!apv_store_unseal(key, value, &bytes, &damage) || !apv_spool_entry_parse(bytes, &entry)) {
        entry = (apv_spool_entry){.kind = APV_SPOOL_DAMAGED};
        entry.payload = (apv_span){value->mv_data, value->mv_size};
    }
    return entry;
}

/* What stands under seq in aside. */
static apv_spool_entry
aside_entry(apv_span key, const MDB_val *value)
{
    apv_spool_entry entry = {0};
    apv_err damage = APV_ERR_NONE;
    apv_span bytes;

    entry.reason = apv_span_of("");
    if (!apv_store_unseal(key, value, &bytes, &damage) || bytes.size < APV_SPOOL_HEAD_SIZE ||
        bytes.size - APV_SPOOL_HEAD_SIZE < (unsigned char)bytes.data[9]) {
        entry.payload = (apv_span){value->mv_data, value->mv_size};
        return entry;
    }
    uint64_t aside = apv_be_read_u64(bytes.data);
    size_t reason_size = (unsigned char)bytes.data[9];
    apv_span rest = {bytes.data + APV_SPOOL_HEAD_SIZE + reason_size,
                     bytes.size - APV_SPOOL_HEAD_SIZE - reason_size};
    bool damaged = bytes.data[8] != 0 || !apv_spool_entry_parse(rest, &entry);
    if (damaged) {
        entry.kind = APV_SPOOL_DAMAGED;
        entry.payload = rest;
    }
    memcpy(&entry.aside_us, &aside, sizeof aside);
    entry.reason = (apv_span){bytes.data + APV_SPOOL_HEAD_SIZE, reason_size};
    return entry;
}

/* ---- walks ---- */

bool
apv_spool_read(apv_spool *spool, bool aside, uint64_t from, size_t count_max, size_t size_max_bytes,
               apv_spool_batch **batch, apv_err *err)
{
    unsigned char name[APV_SPOOL_SEQ_SIZE];
    MDB_txn *txn = NULL;
    MDB_cursor *cursor = NULL;
    size_t size_bytes = 0;
    bool ok = false;

    struct batch *made = batch_new(err);
    if (made == NULL || !apv_spool_begin(spool, false, &txn, err))
        goto done;
    apv_be_write_u64(name, from);
    MDB_val key = {sizeof name, name}, value;
    int status =
        mdb_cursor_open(txn, spool->tables[aside ? APV_SPOOL_ASIDE : APV_SPOOL_ENTRIES], &cursor);
    if (status == 0)
        status = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
    while (status == 0 && made->batch.count < count_max &&
           (made->batch.count == 0 || size_bytes + value.mv_size <= size_max_bytes)) {
        apv_span seq = {key.mv_data, key.mv_size};
        apv_spool_entry entry = aside ? aside_entry(seq, &value) : waiting_entry(seq, &value);
        entry.seq = key.mv_size == APV_SPOOL_SEQ_SIZE ? apv_be_read_u64(key.mv_data) : 0;
        if (!batch_add(made, &entry, err))
            goto done;
        size_bytes += value.mv_size;
        status = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
    }
    if (status != 0 && status != MDB_NOTFOUND) {
        apv_store_fail(status, "cannot be read", err);
        goto done;
    }
    *batch = &made->batch;
    made = NULL;
    ok = true;

done:
    if (cursor != NULL)
        mdb_cursor_close(cursor);
    apv_store_abort(&txn);
    apv_spool_batch *unfinished = made == NULL ? NULL : &made->batch;
    apv_spool_batch_free(&unfinished);
    return ok;
}

/* A walk over the keys of jobs. */
struct links {
    MDB_cursor *cursor;
    unsigned char prefix[APV_SPOOL_JID_MAX + 1];
    size_t prefix_size; /* 0: of all jobs */
    MDB_val key, value;
    int status;
};

static bool
links_open(const apv_spool *spool, MDB_txn *txn, apv_span jid, struct links *links, apv_err *err)
{
    *links = (struct links){0};
    if (jid.data != NULL) {
        if (jid.size > APV_SPOOL_JID_MAX)
            return apv_fail(err, APV_ERR_LIMIT, "a jid is longer than %d bytes", APV_SPOOL_JID_MAX);
        if (jid.size > 0)
            memcpy(links->prefix, jid.data, jid.size);
        links->prefix[jid.size] = '\0';
        links->prefix_size = jid.size + 1;
        links->key = (MDB_val){links->prefix_size, links->prefix};
    }
    links->status = mdb_cursor_open(txn, spool->tables[APV_SPOOL_JOBS], &links->cursor);
    if (links->status != 0)
        return apv_store_fail(links->status, "cannot be read", err);
    links->status = mdb_cursor_get(links->cursor, &links->key, &links->value,
                                   jid.data == NULL ? MDB_FIRST : MDB_SET_RANGE);
    return true;
}

/* The next link to an entry; false at the end, where status is MDB_NOTFOUND, or on failure. */
static bool
links_next(struct links *links, uint64_t *seq, apv_spool_kind *kind)
{
    while (links->status == 0) {
        const char *name = links->key.mv_data;
        size_t size = links->key.mv_size;
        apv_err damage = APV_ERR_NONE;
        apv_span found;
        if (links->prefix_size > 0 &&
            (size < links->prefix_size || memcmp(name, links->prefix, links->prefix_size) != 0))
            links->status = MDB_NOTFOUND;
        /* A jid with a NUL in it may begin as this one ends. */
        bool own = links->status == 0 && size > APV_SPOOL_SEQ_SIZE &&
                   (links->prefix_size == 0 || size == links->prefix_size + APV_SPOOL_SEQ_SIZE);
        if (own) {
            *seq = apv_be_read_u64(name + size - APV_SPOOL_SEQ_SIZE);
            /* A damaged link still leads to its entry. */
            *kind = APV_SPOOL_DAMAGED;
            if (apv_store_unseal((apv_span){name, size}, &links->value, &found, &damage) &&
                found.size == 1 && (unsigned char)found.data[0] <= APV_SPOOL_EVENTS)
                *kind = (apv_spool_kind)found.data[0];
        }
        if (links->status == 0)
            links->status = mdb_cursor_get(links->cursor, &links->key, &links->value, MDB_NEXT);
        if (own)
            return true;
    }
    return false;
}

/* Goes on behind the link to this entry, be it there or not. */
static bool
links_skip(struct links *links, const apv_spool_entry *after, apv_err *err)
{
    unsigned char name[APV_SPOOL_JID_MAX + 1 + APV_SPOOL_SEQ_SIZE];
    size_t size = after->jid.size;

    if (size > APV_SPOOL_JID_MAX)
        return apv_fail(err, APV_ERR_LIMIT, "a jid is longer than %d bytes", APV_SPOOL_JID_MAX);
    if (size > 0)
        memcpy(name, after->jid.data, size);
    name[size++] = '\0';
    apv_be_write_u64(name + size, after->seq);
    size += APV_SPOOL_SEQ_SIZE;
    links->key = (MDB_val){size, name};
    links->status = mdb_cursor_get(links->cursor, &links->key, &links->value, MDB_SET_RANGE);
    if (links->status == 0 && links->key.mv_size == size &&
        memcmp(links->key.mv_data, name, size) == 0)
        links->status = mdb_cursor_get(links->cursor, &links->key, &links->value, MDB_NEXT);
    return true;
}

static bool
links_close(struct links *links, apv_err *err)
{
    if (links->cursor != NULL)
        mdb_cursor_close(links->cursor);
    return links->status == 0 || links->status == MDB_NOTFOUND ||
           apv_store_fail(links->status, "cannot be read", err);
}

/* Adds the entry that a link leads to, if it is there, whole, and of this kind. */
static bool
add_linked(const apv_spool *spool, MDB_txn *txn, uint64_t seq, apv_spool_kind kind,
           struct batch *made, apv_err *err)
{
    unsigned char name[APV_SPOOL_SEQ_SIZE];

    apv_be_write_u64(name, seq);
    MDB_val key = {sizeof name, name}, value;
    int status = mdb_get(txn, spool->tables[APV_SPOOL_ENTRIES], &key, &value);
    if (status == MDB_NOTFOUND)
        return true;
    if (status != 0)
        return apv_store_fail(status, "cannot be read", err);
    apv_spool_entry entry = waiting_entry((apv_span){(const char *)name, sizeof name}, &value);
    entry.seq = seq;
    if (entry.kind == APV_SPOOL_DAMAGED || (kind != APV_SPOOL_DAMAGED && entry.kind != kind))
        return true;
    return batch_add(made, &entry, err);
}

bool
apv_spool_find_next(apv_spool *spool, apv_span jid, apv_spool_kind kind,
                    const apv_spool_entry *after, size_t count_max, size_t size_max_bytes,
                    apv_spool_batch **batch, apv_err *err)
{
    MDB_txn *txn = NULL;
    struct links links = {0};
    apv_spool_kind linked;
    size_t size_bytes = 0;
    uint64_t seq;
    bool ok = false, full = false;

    struct batch *made = batch_new(err);
    if (made == NULL || !apv_spool_begin(spool, false, &txn, err) ||
        !links_open(spool, txn, jid, &links, err) ||
        (after != NULL && !links_skip(&links, after, err)))
        goto done;
    ok = true;
    while (ok && !full && links_next(&links, &seq, &linked)) {
        size_t before = made->batch.count;
        if (kind == APV_SPOOL_DAMAGED || linked == APV_SPOOL_DAMAGED || linked == kind)
            ok = add_linked(spool, txn, seq, kind, made, err);
        if (ok && made->batch.count > before)
            size_bytes += made->entries[before].payload.size;
        full = made->batch.count >= count_max || size_bytes >= size_max_bytes;
    }
    ok = links_close(&links, err) && ok;
    links.cursor = NULL;
    if (ok) {
        *batch = &made->batch;
        made = NULL;
    }

done:
    if (links.cursor != NULL)
        mdb_cursor_close(links.cursor);
    apv_store_abort(&txn);
    apv_spool_batch *unfinished = made == NULL ? NULL : &made->batch;
    apv_spool_batch_free(&unfinished);
    return ok;
}

bool
apv_spool_find(apv_spool *spool, apv_span jid, apv_spool_kind kind, apv_spool_batch **batch,
               apv_err *err)
{
    return apv_spool_find_next(spool, jid, kind, NULL, SIZE_MAX, SIZE_MAX, batch, err);
}

bool
apv_spool_has(apv_spool *spool, apv_span jid, bool *has, apv_err *err)
{
    MDB_txn *txn = NULL;
    struct links links = {0};
    apv_spool_kind kind;
    uint64_t seq;

    if (!apv_spool_begin(spool, false, &txn, err))
        return false;
    bool ok = links_open(spool, txn, jid, &links, err);
    bool found = ok && links_next(&links, &seq, &kind);
    ok = links_close(&links, err) && ok;
    apv_store_abort(&txn);
    if (ok)
        *has = found;
    return ok;
}

/* ---- all of it ---- */

static bool
count_kinds(const apv_spool *spool, MDB_txn *txn, apv_spool_info *info, apv_err *err)
{
    struct links links = {0};
    apv_spool_kind kind;
    uint64_t seq, linked = 0;

    bool ok = links_open(spool, txn, APV_NO_SPAN, &links, err);
    while (ok && links_next(&links, &seq, &kind)) {
        info->kinds[kind]++;
        linked++;
    }
    ok = links_close(&links, err) && ok;
    /* Events are of no job. */
    if (info->entries > linked)
        info->kinds[APV_SPOOL_EVENTS] += info->entries - linked;
    return ok;
}

static bool
find_oldest(const apv_spool *spool, MDB_txn *txn, apv_spool_info *info, apv_err *err)
{
    MDB_cursor *cursor = NULL;
    MDB_val key, value;

    int status = mdb_cursor_open(txn, spool->tables[APV_SPOOL_ENTRIES], &cursor);
    if (status == 0)
        status = mdb_cursor_get(cursor, &key, &value, MDB_FIRST);
    if (status == 0 && key.mv_size == APV_SPOOL_SEQ_SIZE) {
        info->oldest_seq = apv_be_read_u64(key.mv_data);
        info->oldest_us = waiting_entry((apv_span){key.mv_data, key.mv_size}, &value).accepted_us;
    }
    if (cursor != NULL)
        mdb_cursor_close(cursor);
    return status == 0 || status == MDB_NOTFOUND || apv_store_fail(status, "cannot be read", err);
}

bool
apv_spool_inspect(apv_spool *spool, apv_spool_info *info, apv_err *err)
{
    apv_spool_info filled = {.bound_bytes = spool->bound_bytes};
    MDB_txn *txn = NULL;
    MDB_stat entries, aside;

    if (!apv_spool_begin(spool, false, &txn, err))
        return false;
    int status = mdb_stat(txn, spool->tables[APV_SPOOL_ENTRIES], &entries);
    if (status == 0)
        status = mdb_stat(txn, spool->tables[APV_SPOOL_ASIDE], &aside);
    bool ok = status == 0 || apv_store_fail(status, "cannot be read", err);
    if (ok) {
        filled.entries = entries.ms_entries;
        filled.aside = aside.ms_entries;
        ok = apv_spool_used(spool, txn, &filled.used_bytes, err) &&
             apv_spool_counter(spool, txn, "dropped", &filled.dropped_events, err) &&
             count_kinds(spool, txn, &filled, err) && find_oldest(spool, txn, &filled, err);
    }
    apv_store_abort(&txn);
    if (ok)
        *info = filled;
    return ok;
}
