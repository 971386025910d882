/* kept.h - documents that a handle of the database keeps, so that they need not be read again for
 * each return. A kept document may be out of date: who uses one has the database prove it.
 */
#ifndef APV_KEPT_H
#define APV_KEPT_H

#include "apv_document.h"

/* Bounds of what one handle keeps; of more, the documents least recently used go. */
#define APV_KEPT_MAX 4096
#define APV_KEPT_BYTES_MAX (8 * 1024 * 1024)

/* The document that was kept last for the minion of a return, if it is of the revision that the
 * return claims, or the return claims none; else NULL. Ownership: free with apv_document_free. */
apv_document *apv_kept_find(const apv_db *db, const apv_return *head);

/* Keeps a document in the place of the one that was kept for the minion, unless it is too large.
 * It stays the caller's, too. Errors: MEMORY. */
bool apv_kept_put(apv_db *db, apv_span minion, apv_document *document, apv_err *err) APV_MUSTCHECK;

/* Forgets the document of the minion, if one is kept. */
void apv_kept_drop(apv_db *db, apv_span minion);

#endif
