/* db_private.h - what the database side of the library shares among its files. */
#ifndef APV_DB_PRIVATE_H
#define APV_DB_PRIVATE_H

#include "apv_db.h"
#include "apv_private.h"

/* ---- buf.c: bytes that grow ---- */
typedef struct {
    char *data;
    size_t size;
    size_t capacity;
} apv_buf;

#define APV_BUF_EMPTY                                                                              \
    {                                                                                              \
        NULL, 0, 0                                                                                 \
    }

/* Makes room for size_bytes more. Errors: MEMORY, LIMIT (beyond INT_MAX, which
 * libpq and the wire cannot carry). */
bool apv_buf_reserve(apv_buf *buf, size_t size_bytes, apv_err *err) APV_MUSTCHECK;
bool apv_buf_append(apv_buf *buf, const void *data, size_t size_bytes, apv_err *err) APV_MUSTCHECK;
/* Appends a 32 or 64 bit number, most significant byte first. */
bool apv_buf_append_u32(apv_buf *buf, uint32_t value, apv_err *err) APV_MUSTCHECK;
bool apv_buf_append_u64(apv_buf *buf, uint64_t value, apv_err *err) APV_MUSTCHECK;
void apv_buf_free(apv_buf *buf);

/* ---- db.c: the only file that knows libpq ---- */
typedef struct {
    uint32_t type;    /* OID, or 0: the server infers it */
    const char *data; /* NULL: SQL NULL */
    size_t size;      /* of binary data */
    bool binary;      /* false: NUL-terminated text */
} apv_param;

/* Runs one statement and takes its rows, in binary format. sql is the key of the
 * prepared statement. Otherwise as apv_call. */
bool apv_db_query(apv_db *db, const char *sql, const apv_param *params, size_t count,
                  bool repeatable, apv_result **result, apv_err *err) APV_MUSTCHECK;

/* ---- call.c ---- */

/* Whether PostgreSQL can take the text. Errors: INVALID. */
bool apv_text_check(apv_span text, apv_err *err) APV_MUSTCHECK;

/* ---- document.c ---- */

/* Reads what expected_documents answered for these returns. Revision 0 and no items: the
 * minion was given none such. documents: receives count documents, which borrow from
 * result; on failure some, the others are left as they are. Errors: PROTOCOL, MEMORY. */
bool apv_documents_read_expected(const apv_return *heads, size_t count, const apv_result *result,
                                 apv_document **documents, apv_err *err) APV_MUSTCHECK;

/* ---- record_row.c: a validated return as the database takes it ---- */
#define APV_RETURN_DIGEST_SIZE 32

/* Of what a minion sends, so much of a text is stored beside the payload, which has it all. */
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

/* ---- db_text.c: what we say about failures; never a setting or a value ---- */

/* Sets err for an error that the server reported. primary: its message, which is
 * shown only if the SQLSTATE is of our own class. Returns false. */
bool apv_fail_server(apv_err *err, const char *sqlstate, const char *primary);

/* Sets err for a failure to connect. detail: libpq's message, with severities and
 * SQLSTATEs only (PQERRORS_SQLSTATE); read, not shown. Returns false. */
bool apv_fail_connect(apv_err *err, const char *detail);

/* ---- hosts.c: libpq's comma-separated lists ---- */
size_t apv_list_count(const char *list);
/* Element `index` of the list; data is NULL beyond its end. Borrows from list. */
apv_span apv_list_peek(const char *list, size_t index);
/* A copy of the list without element `index`, which it has, or NULL: no memory. */
char *apv_list_without(const char *list, size_t index);

#endif
