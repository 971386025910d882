/* apv_snapshot.h - the approved state of all minions on the master's disk, for the time
 * that the database is away or slower than wanted. The rules at the head of apv_base.h hold
 * here too.
 *
 * A snapshot is a directory, for its owner alone since evidence keys stand in it:
 *     current              symbolic link to the generation in use
 *     generation.NUMBER/   an LMDB environment, see store_private.h
 *     lock                 held by the process that refreshes it
 * Each minion's value holds all its documents, also those that come into force later, so
 * that a change becomes true at its time. Refreshing writes what was changed since, or
 * builds a new generation beside the one in use and then switches to it.
 *
 * A handle is used by one thread at a time, and a process has one handle per directory:
 * LMDB's locks are lost otherwise. After fork(2) the child may go on with it.
 */
#ifndef APV_SNAPSHOT_H
#define APV_SNAPSHOT_H

#include "apv_document.h"

#define APV_SNAPSHOT_FORMAT 1

typedef struct apv_snapshot apv_snapshot;

/* Makes a handle for the directory path; does no I/O.
 * Errors: INVALID (too long a path), MEMORY. Ownership: free with apv_snapshot_close. */
bool apv_snapshot_new(const char *path, apv_snapshot **snapshot, apv_err *err) APV_MUSTCHECK;

/* Closes what is open and sets *snapshot to NULL; *snapshot may be NULL. */
void apv_snapshot_close(apv_snapshot **snapshot);

typedef struct {
    int64_t generation;
    double built_at;     /* seconds since 1970 UTC, by the clock of who refreshed it */
    double refreshed_at; /* nothing committed before is missing */
    uint64_t xmin;       /* the next round reads what this transaction or a later one wrote */
    size_t minions;
    size_t size_bytes; /* in use in the file */
} apv_snapshot_info;

/* Tells what there is.
 * Errors: INVALID (there is none; it cannot be opened; it is of a newer format), DAMAGED,
 * LIMIT (too many processes read it), MEMORY. Blocks on the disk. */
bool apv_snapshot_inspect(apv_snapshot *snapshot, apv_snapshot_info *info,
                          apv_err *err) APV_MUSTCHECK;

/* Reads the document of exactly this minion that is in force at a time.
 * now: seconds since 1970 UTC. max_age: of the last refresh in seconds, INFINITY: any.
 * document: receives it, with as_of the last refresh.
 * Errors: as apv_snapshot_inspect; UNAVAILABLE (older than max_age); DAMAGED also for a
 * document that did not match its digest; PROTOCOL (an item that this version doesn't know).
 * Ownership: free with apv_document_free. Blocks on the disk where it isn't cached. */
bool apv_snapshot_read(apv_snapshot *snapshot, apv_span minion_id, double now, double max_age,
                       apv_document **document, apv_err *err) APV_MUSTCHECK;

/* What one refresh did. */
typedef struct {
    bool built;      /* a new generation, of everything; else what was changed since */
    size_t minions;  /* written */
    size_t unusable; /* of them, those with a document that does not match its digest */
    apv_snapshot_info now;
} apv_snapshot_round;

/* Brings the snapshot up to date; makes directory (not its parents) and all if need be.
 * What cannot be continued is built anew: a damaged one, one of another format, and one
 * of another database (also after a fail-over, which may have lost what was read).
 * db: a login with approval_exporter; its timeout_ms bounds the time without any answer.
 * rebuild: build in any case. now: seconds since 1970 UTC.
 * Errors: as apv_call; as apv_snapshot_inspect; FULL (readers keep what they had); LIMIT also
 * when another process refreshes it. Blocks for as long as it takes. */
bool apv_snapshot_refresh(apv_snapshot *snapshot, apv_db *db, bool rebuild, double now,
                          apv_snapshot_round *round, apv_err *err) APV_MUSTCHECK;

/* Reads all of it and checks every value and digest. Damage to LMDB's own pages can end
 * the process, so this is for a child process.
 * minions, documents: receive how many there are.
 * Errors: as apv_snapshot_read. Blocks on the disk. */
bool apv_snapshot_verify(apv_snapshot *snapshot, size_t *minions, size_t *documents,
                         apv_err *err) APV_MUSTCHECK;

#endif
