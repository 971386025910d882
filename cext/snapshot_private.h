/* snapshot_private.h - what the files of the snapshot share. */
#ifndef APV_SNAPSHOT_PRIVATE_H
#define APV_SNAPSHOT_PRIVATE_H

#include "apv_snapshot.h"
#include "buf.h"
#include "store_private.h"

#define APV_SNAPSHOT_PATH_MAX 3900 /* bytes; a name in the directory is put behind it */
#define APV_SNAPSHOT_IDENTITY_MAX 64
#define APV_SNAPSHOT_KEY_MAX 511 /* LMDB's; a minion's id is shorter */

/* The head of a generation, under the only key of its table `head`. */
typedef struct {
    int64_t built_ms, refreshed_ms; /* since 1970 UTC */
    uint64_t xmin;
    char identity[APV_SNAPSHOT_IDENTITY_MAX]; /* of the database, with its timeline */
    bool retired;                             /* another generation has taken its place */
} apv_snapshot_head;

/* One generation, open. */
typedef struct {
    apv_store *store; /* NULL: none */
    MDB_dbi head, documents;
    int64_t number;
} apv_generation;

struct apv_snapshot {
    char *path;
    apv_generation current;
    bool write; /* it is open for writing */
};

/* ---- snapshot_generation.c ---- */

/* Whether the directory is for its owner alone, and we are that, or root who only reads.
 * Errors: INVALID. */
bool apv_generation_check(const char *path, bool write, apv_err *err) APV_MUSTCHECK;
/* The number that `current` points to. Errors: INVALID (there is none). */
bool apv_generation_current(const char *path, int64_t *number, apv_err *err) APV_MUSTCHECK;
/* Opens one. sync: as in apv_store_options. Errors: as apv_store_open. */
bool apv_generation_open(const char *path, int64_t number, bool write, bool sync,
                         apv_generation *generation, apv_err *err) APV_MUSTCHECK;
void apv_generation_close(apv_generation *generation);
/* Makes number the one that `current` points to, durably. Errors: FULL, INVALID. */
bool apv_generation_switch(const char *path, int64_t number, apv_err *err) APV_MUSTCHECK;
/* Removes all but number (0: all). What cannot be removed stays. */
void apv_generation_remove_others(const char *path, int64_t number);
/* Errors: INVALID (a newer format), DAMAGED. */
bool apv_generation_head(const apv_generation *generation, MDB_txn *txn, apv_snapshot_head *head,
                         apv_err *err) APV_MUSTCHECK;
bool apv_generation_put_head(const apv_generation *generation, MDB_txn *txn,
                             const apv_snapshot_head *head, apv_err *err) APV_MUSTCHECK;

/* ---- snapshot.c ---- */

/* Opens the generation in use, unless it is open already. Errors: as apv_snapshot_inspect. */
bool apv_snapshot_open(apv_snapshot *snapshot, bool write, apv_err *err) APV_MUSTCHECK;

/* ---- snapshot_value.c: the documents of a minion as one msgpack value ---- */

/* Starts a value in an empty buffer, appends a document, and ends it. from_us: since
 * 2000 UTC, as PostgreSQL counts. */
bool apv_snapshot_value_start(apv_buf *value, apv_err *err) APV_MUSTCHECK;
bool apv_snapshot_value_add(apv_buf *value, int64_t from_us, const apv_document *document,
                            apv_err *err) APV_MUSTCHECK;
void apv_snapshot_value_end(apv_buf *value, size_t documents);

/* The highest revision in a value; 0: none, or not a value. */
int64_t apv_snapshot_value_revision(apv_span value);

/* The document of a value in force at now_us; revision 0: none yet. Copies what it needs.
 * Errors: DAMAGED (not a value; one without documents), PROTOCOL, MEMORY. */
bool apv_snapshot_value_pick(apv_span value, apv_span minion_id, int64_t now_us,
                             apv_document **document, apv_err *err) APV_MUSTCHECK;

/* Checks all documents of a value with their digests. documents: receives how many. */
bool apv_snapshot_value_check(apv_span value, apv_span minion_id, size_t *documents,
                              apv_err *err) APV_MUSTCHECK;

#endif
