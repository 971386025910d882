/* store_private.h - LMDB environments and the rules that keep them safe.
 *
 * What is kept on the master's disk (snapshot, spool) is an LMDB environment: a directory
 * with a data file and a lock file. Several processes may have it open, one writes at a
 * time. A process opens each environment once (LMDB's locks are lost otherwise), and a
 * handle is used by one thread at a time. It is never mapped for writing: on a full disk
 * that ends the process.
 */
#ifndef APV_STORE_PRIVATE_H
#define APV_STORE_PRIVATE_H

#include <lmdb.h>

#include "apv_base.h"

typedef struct apv_store apv_store;

typedef struct {
    const char *path;     /* directory on a local disk, for its owner alone */
    size_t bound_bytes;   /* the data file never grows beyond; address space, not memory */
    unsigned int tables;  /* named tables at most; > 0 */
    bool write;           /* false: read only; the environment must exist */
    bool sync;            /* commits are durable on return; false: apv_store_sync makes them so */
    int write_timeout_ms; /* how long to wait for a writer of another process; 0: for ever, where
                             nobody else writes */
} apv_store_options;

/* Opens an environment; with `write` makes directory (not its parents) and files.
 * Errors: INVALID (no such environment; not a directory; others than its owner may read or
 * write it; it belongs to somebody else), DAMAGED (not an environment of LMDB), FULL, LIMIT
 * (too many readers), MEMORY.
 * Ownership: free with apv_store_close. Blocks on the disk. */
bool apv_store_open(const apv_store_options *options, apv_store **store,
                    apv_err *err) APV_MUSTCHECK;

/* Closes the environment and sets *store to NULL; *store may be NULL. In a process other
 * than the one that opened it, it is left as it is, since it is still the parent's. */
void apv_store_close(apv_store **store);

/* Sets what is asked now and then while another writer is waited for: interrupted(arg) true
 * gives up with BUSY. NULL: nothing is. */
void apv_store_on_signal(apv_store *store, bool (*interrupted)(void *arg), void *arg);

/* Whether it belongs to another process, so that it can only be closed. */
bool apv_store_forked(const apv_store *store);

/* Starts a transaction, to end by apv_store_commit or apv_store_abort before another one.
 * Writing waits for a writer of another process, as long as the options say; LMDB's own lock
 * would wait for ever for one that is stopped.
 * Errors: BUSY, FORKED, INVALID (writing what is open for reading), DAMAGED, FULL, LIMIT, MEMORY.
 * After FULL and DAMAGED a store is closed and opened again before it is written to. */
bool apv_store_begin(apv_store *store, bool write, MDB_txn **txn, apv_err *err) APV_MUSTCHECK;

/* Ends it and sets *txn to NULL, also when it fails: then nothing was written. */
bool apv_store_commit(apv_store *store, MDB_txn **txn, apv_err *err) APV_MUSTCHECK;

/* Ends it, forgetting what was written, and sets *txn to NULL; *txn may be NULL. */
void apv_store_abort(MDB_txn **txn);

/* Makes all commits of a store without `sync` durable. Errors: FULL, FORKED. */
bool apv_store_sync(apv_store *store, apv_err *err) APV_MUSTCHECK;

/* From now on commits are as of a store without `sync`: for what need not outlive a power
 * loss, in an environment that nobody needs after one. Errors: FORKED. */
bool apv_store_hurry(apv_store *store, apv_err *err) APV_MUSTCHECK;

/* The table of this name, made if it isn't there and the store is open for writing; else nobody
 * is waited for. flags: LMDB's, such as
 * MDB_INTEGERKEY. Call once per name after opening; the handle holds as long as the store.
 * Errors: as apv_store_begin; INVALID (there is no such table). */
bool apv_store_table(apv_store *store, const char *name, unsigned int flags, MDB_dbi *table,
                     apv_err *err) APV_MUSTCHECK;

/* Writes value under key, sealed with a checksum of both. flags: LMDB's, such as
 * MDB_APPEND. Errors: FULL, INVALID (a key of 0 or more than 511 bytes), MEMORY. */
bool apv_store_put(MDB_txn *txn, MDB_dbi table, apv_span key, apv_span value, unsigned int flags,
                   apv_err *err) APV_MUSTCHECK;

/* Looks up a sealed value. value: data NULL when there is none; else borrowed from the
 * transaction, until it ends or writes. Errors: DAMAGED, as when the checksum differs. */
bool apv_store_get(MDB_txn *txn, MDB_dbi table, apv_span key, apv_span *value,
                   apv_err *err) APV_MUSTCHECK;

/* The value in what a cursor found, which borrows from it. Errors: DAMAGED. */
bool apv_store_unseal(apv_span key, const MDB_val *found, apv_span *value,
                      apv_err *err) APV_MUSTCHECK;

/* Sets err for a status of LMDB that is not 0. doing: "cannot be written", say. Returns false. */
bool apv_store_fail(int status, const char *doing, apv_err *err);

#endif
