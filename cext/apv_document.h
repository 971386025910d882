/* apv_document.h - a minion's approved state, as the database hands it out. The rules at the head
 * of apv_base.h hold here too.
 */
#ifndef APV_DOCUMENT_H
#define APV_DOCUMENT_H

#include "apv.h"
#include "apv_db.h"

typedef struct {
    int64_t revision; /* 0: nothing was ever approved for the minion */
    char digest[APV_DIGEST_SIZE];
    apv_span evidence_key; /* 32 bytes; data NULL for revision 0 */
    double as_of;          /* seconds since 1970 UTC, by the database's clock; revision 0: by ours;
                              from a snapshot: when that was last refreshed */
    bool from_snapshot;
    const apv_item *items;
    size_t count;
} apv_document;

/* Reads the approved state of exactly this minion.
 * minion_id: any text without NUL. document: receives it.
 * Errors: as apv_call; PROTOCOL also when the content does not match its digest,
 * or has a kind or type that is not known here.
 * Ownership: free with apv_document_free; everything in it lives until then.
 * Blocks as apv_call. */
bool apv_document_read(apv_db *db, apv_span minion_id, apv_document **document,
                       apv_err *err) APV_MUSTCHECK;

#define APV_DOCUMENTS_MAX 10000 /* minions in one call */

/* As apv_document_read for each of the minions, with several reads on their way at a time.
 * count: 1 to APV_DOCUMENTS_MAX. documents, refusals: count pointers that are NULL and count
 * errors that are none; for each minion one of the two receives it or why it is not handed
 * out (PROTOCOL, DATABASE), which keeps it from no other minion.
 * Errors: UNAVAILABLE, TIMEOUT (the time is for all together), FORKED, MEMORY; INVALID also
 * for a count out of range. Then some are there and what is missing has no error.
 * Ownership: free each with apv_document_free, also on failure. Blocks as apv_call. */
bool apv_documents_read(apv_db *db, const apv_span *minion_ids, size_t count,
                        apv_document **documents, apv_err *refusals, apv_err *err) APV_MUSTCHECK;

/* Frees the document and sets *document to NULL; *document may be NULL. */
void apv_document_free(apv_document **document);

#endif
