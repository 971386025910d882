/* document_private.h - documents as the library itself holds and reads them. */
#ifndef APV_DOCUMENT_PRIVATE_H
#define APV_DOCUMENT_PRIVATE_H

#include "apv_document.h"

#include <stdatomic.h>

/* A document with what apv_document_free frees. */
typedef struct {
    apv_document document; /* what callers have */
    apv_item *items;
    apv_result *result; /* what all spans borrow from: this, */
    char *bytes;        /* or these, with the key; neither: somebody else frees it */
    unsigned char key[APV_EVIDENCE_KEY_SIZE];
    atomic_uint others; /* owners beside the first, maybe in other threads */
} apv_owned_document;

/* Whether this version knows what the item means; of a document with one that it doesn't,
 * nothing is handed out, since a part of what was approved is not what was approved. */
bool apv_item_known(const apv_item *item) APV_MUSTCHECK;

#define APV_DOCUMENT_COLUMNS 7

/* Reads an empty document from its columns in PostgreSQL's binary format: revision,
 * digest, evidence_key, kinds, names, types, contents. It borrows from them, and is to be
 * cleared also when this fails. Errors: as apv_document_read. */
bool apv_document_fill(apv_owned_document *document, apv_span minion_id,
                       const apv_span columns[APV_DOCUMENT_COLUMNS], apv_err *err) APV_MUSTCHECK;

/* The document of a minion for which nothing was ever approved, with as_of 0. */
bool apv_document_unknown(apv_span minion_id, apv_document **document, apv_err *err) APV_MUSTCHECK;

/* One more owner of the document, which nobody changes any more: it is freed when each of them
 * has freed it. Returns the document. */
apv_document *apv_document_share(apv_document *document);

/* Gives the document the result that it borrows from. */
void apv_document_take_result(apv_document *document, apv_result **result);

/* Bytes of memory that the document has. */
size_t apv_document_size(const apv_document *document);

/* Reads what expected_documents answered for those of the returns that can prove something; it may
 * be NULL where none can. Revision 0 and no items: the minion was given none such, or the return
 * is held against nothing, since it can prove nothing. documents: receives count documents, which
 * borrow from result; on failure some, the others are left as they are. Errors: PROTOCOL, MEMORY.
 */
bool apv_documents_read_expected(const apv_return *heads, size_t count, const apv_result *result,
                                 apv_document **documents, apv_err *err) APV_MUSTCHECK;

#endif
