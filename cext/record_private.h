/* record_private.h - a validated return as the database takes it. */
#ifndef APV_RECORD_PRIVATE_H
#define APV_RECORD_PRIVATE_H

#include "apv.h"
#include "buf.h"

#define APV_RETURN_DIGEST_SIZE 32

/* Bounds of the texts that are stored beside the payload, which has them whole. */
#define APV_ID_MAX 255 /* bytes of a minion id or a resource's name */

typedef struct {
    apv_buf findings; /* JSON [[kind, name, verdict, reason, expected, observed, source, text]] */
    apv_buf before;   /* JSON [[kind, name, value]]; no data: nothing is known */
    char *payload;    /* an LZ4 frame */
    size_t payload_size;
    unsigned char digest[APV_RETURN_DIGEST_SIZE]; /* of what makes two returns the same */
    char revision[8], retcode[8];                 /* in PostgreSQL's binary format */
} apv_row;

/* The text up to a NUL, which PostgreSQL cannot store, and up to size_max bytes of whole
 * characters. */
apv_span apv_cut(apv_span text, size_t size_max);

/* Fills a zeroed row, except for revision and retcode. Free it in any case.
 * Errors: INVALID, LIMIT, MEMORY. */
bool apv_row_fill(apv_span load, const apv_verdict *verdict, apv_row *row,
                  apv_err *err) APV_MUSTCHECK;
void apv_row_free(apv_row *row);

#endif
