/* spool_private.h - what the files of the spool share.
 *
 * Tables of its environment; keys of 8 bytes are sequence numbers, big-endian:
 *   entries   seq -> kind (1 byte), accepted_us (8), size of jid (1), jid, payload
 *   aside     seq -> aside_us (8), damaged (1), size of reason (1), reason, then the entry
 *   jobs      jid, NUL, seq -> kind (1)
 *   counters  name -> number (8): "next", the next sequence number; "dropped", events
 */
#ifndef APV_SPOOL_PRIVATE_H
#define APV_SPOOL_PRIVATE_H

#include "apv_spool.h"
#include "store_private.h"

#define APV_SPOOL_SEQ_SIZE 8
#define APV_SPOOL_HEAD_SIZE 10 /* of an entry, and of what stands before one set aside */

enum { APV_SPOOL_ENTRIES, APV_SPOOL_ASIDE, APV_SPOOL_JOBS, APV_SPOOL_COUNTERS, APV_SPOOL_TABLES };

struct apv_spool {
    apv_store *store; /* NULL after a write that failed: opened again by the next use */
    MDB_dbi tables[APV_SPOOL_TABLES];
    size_t bound_bytes;
    char *path;
    int write_timeout_ms;
    bool (*interrupted)(void *arg);
    void *interrupted_arg;
};

/* Starts a transaction, opening the environment again if need be. */
bool apv_spool_begin(apv_spool *spool, bool write, MDB_txn **txn, apv_err *err) APV_MUSTCHECK;

/* Ends a transaction that writes: commits it if ok, else forgets it. Returns whether it was
 * committed. LMDB wants an environment that could not write to be opened again. */
bool apv_spool_end(apv_spool *spool, MDB_txn **txn, bool ok, apv_err *err) APV_MUSTCHECK;

/* The parts of an entry, borrowed from its bytes. seq, reason and aside_us are left as they
 * are. False: it is none. */
bool apv_spool_entry_parse(apv_span bytes, apv_spool_entry *entry) APV_MUSTCHECK;

/* Adds an entry and what finds it by its job; its number comes from the counter. */
bool apv_spool_add(const apv_spool *spool, MDB_txn *txn, const apv_spool_entry *entry,
                   uint64_t *seq, apv_err *err) APV_MUSTCHECK;

/* Removes an entry and what finds it by its job. found: receives whether it was there;
 * kept: if not NULL, is called with what stood there before that goes, damaged or not. */
typedef bool apv_spool_keep(void *arg, apv_span bytes, bool damaged, apv_err *err);
bool apv_spool_remove_entry(const apv_spool *spool, MDB_txn *txn, uint64_t seq,
                            apv_spool_keep *keep, void *arg, bool *found,
                            apv_err *err) APV_MUSTCHECK;

/* A counter; 0 before it was first set. */
bool apv_spool_counter(const apv_spool *spool, MDB_txn *txn, const char *name, uint64_t *number,
                       apv_err *err) APV_MUSTCHECK;
bool apv_spool_set_counter(const apv_spool *spool, MDB_txn *txn, const char *name, uint64_t number,
                           apv_err *err) APV_MUSTCHECK;

/* The bytes that are in use. */
bool apv_spool_used(const apv_spool *spool, MDB_txn *txn, size_t *used_bytes,
                    apv_err *err) APV_MUSTCHECK;

#endif
