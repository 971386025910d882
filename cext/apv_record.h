/* apv_record.h - storing what minions returned. The rules at the head of
 * apv_base.h hold here too.
 */
#ifndef APV_RECORD_H
#define APV_RECORD_H

#include "apv_document.h"

/* The outcome for a return that was handed in. */
typedef struct {
    char outcome[16]; /* "recorded", "repeat", "attempt" or "quarantined" */
    int32_t attempt;  /* 1 for the first return of this job and minion; 0: quarantined */
    apv_verdict *verdict;
    apv_document *document; /* that it was held against; the verdict borrows its texts */
} apv_record;

/* Whether a return can be recorded at all, whatever the database says to it: what
 * apv_record_returns needs no database for.
 * load: as there. Errors: INVALID (no map, names no minion), LIMIT, MEMORY. Does not block. */
bool apv_return_check(apv_span load, apv_err *err) APV_MUSTCHECK;

#define APV_RECORDS_MAX 1000 /* returns in a batch */

/* Validates returns, each against the document that it claims to follow, or that was in
 * force when its job was published, and stores them with verdicts and findings, all in one
 * transaction: on failure none of them was recorded. They come at one time: what one
 * of them changes in a minion's document is not yet in force for the others.
 * loads: msgpack, as Salt hands it to a returner. count: 1 to APV_RECORDS_MAX.
 * records: count pointers, receives what became of each.
 * Doing it twice with the same return changes nothing, also when their delivery
 * (_stamp, ts) differs.
 * Errors: as apv_call; INVALID also for a count out of range, and when a load is no map or
 * names no minion.
 * Ownership: free each with apv_record_free. Blocks up to twice as long as apv_call. */
bool apv_record_returns(apv_db *db, const apv_span *loads, size_t count, apv_record **records,
                        apv_err *err) APV_MUSTCHECK;

void apv_record_free(apv_record **record);

/* Returns on their way into the database, for one batch to be prepared while the server
 * stores the one before. */
typedef struct apv_returns apv_returns;

/* Makes a batch; does no I/O.
 * loads: the bytes are borrowed until it is freed. count: 1 to APV_RECORDS_MAX.
 * Errors: INVALID for a count out of range, MEMORY.
 * Ownership: free with apv_returns_free. */
bool apv_returns_new(const apv_span *loads, size_t count, apv_returns **returns,
                     apv_err *err) APV_MUSTCHECK;

/* As apv_record_returns for the batch. A batch of one return without an upcoming one is held
 * against a document that the handle keeps, if it has the one that the database demands: most take
 * one call of the database. upcoming: the batch that comes next, validated while the server stores
 * this one, as if they came at one time; NULL: none. What is wrong with it is told when it is
 * recorded itself. Blocks up to three times as long as apv_call. */
bool apv_returns_record(apv_db *db, apv_returns *returns, apv_returns *upcoming,
                        apv_err *err) APV_MUSTCHECK;

/* The outcome for a return of a recorded batch; borrowed from the batch. */
const apv_record *apv_returns_peek(const apv_returns *returns, size_t place);

void apv_returns_free(apv_returns **returns);

#endif
