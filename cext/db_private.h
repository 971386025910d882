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

/* ---- db.c: one statement, many of them, a script ---- */
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

/* Takes the answer to one of many statements: its rows, which are from then on the
 * caller's, or, with result NULL, why the server refused it. False, and err set, ends it. */
typedef bool (*apv_answer_sink)(void *arg, size_t index, apv_result *result, const apv_err *refused,
                                apv_err *err);

/* Runs a statement that may be repeated with each of the parameters, one parameter a time,
 * and hands on the answers in their order. Up to a bound of them are on their way at once, as
 * a transaction; one that the server refuses keeps no other from being answered. It is never
 * kept prepared, whatever the handle's options. count: > 0. The time of the handle is for all
 * together. On failure some were handed on. Otherwise as apv_db_query. */
bool apv_db_query_many(apv_db *db, const char *sql, const apv_param *params, size_t count,
                       apv_answer_sink sink, void *arg, apv_err *err) APV_MUSTCHECK;

/* Has work(arg) done once, while the next statement's answer is waited for; its time does
 * not count. It must not use the handle. NULL: no more of it; to be called before arg ends,
 * since a statement that cannot be sent leaves the work undone. */
void apv_db_meanwhile(apv_db *db, void (*work)(void *arg), void *arg);

/* What a script gives, in this order. False, and err set, ends it. */
typedef struct {
    bool (*head)(void *arg, const char *const *values, size_t count, apv_err *err);
    bool (*bytes)(void *arg, apv_span bytes, apv_err *err);
    void *arg;
} apv_script_sink;

/* Runs several statements in one go: one that gives a row, whose values are handed on as
 * text, then a COPY TO STDOUT, whose bytes are, then any without rows. The time of the
 * handle bounds each wait, not the whole. On failure the connection is closed.
 * Otherwise as apv_call. */
bool apv_db_script(apv_db *db, const char *sql, const apv_script_sink *sink,
                   apv_err *err) APV_MUSTCHECK;

/* ---- copy.c: what COPY ... (FORMAT binary) sends ---- */
typedef struct {
    apv_buf rest; /* what came of a row that isn't whole yet */
    bool started; /* the header was read */
    bool ended;   /* so was the trailer */
} apv_copy;

#define APV_COPY_COLUMNS_MAX 16

/* Hands on each row that the bytes complete. Errors: PROTOCOL, MEMORY, those of row. */
bool apv_copy_feed(apv_copy *copy, apv_span bytes,
                   bool (*row)(void *arg, const apv_span *columns, size_t count, apv_err *err),
                   void *arg, apv_err *err) APV_MUSTCHECK;
void apv_copy_free(apv_copy *copy);

/* ---- document.c ---- */

/* A document with what apv_document_free frees. */
typedef struct {
    apv_document document; /* what callers have */
    apv_item *items;
    apv_result *result; /* what all spans borrow from: this, */
    char *bytes;        /* or these, with the key; neither: somebody else frees it */
    unsigned char key[APV_EVIDENCE_KEY_SIZE];
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
