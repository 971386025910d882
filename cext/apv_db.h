/* apv_db.h - the database side of the library: connection, calls, documents,
 * returns, payloads. The rules at the head of apv_base.h hold here too.
 */
#ifndef APV_DB_H
#define APV_DB_H

#include "apv.h"

/* ---- Connection ------------------------------------------------------------
 *
 * A handle is lazy: the first call connects, and a lost connection is opened
 * again by the next call. It belongs to one thread at a time (the caller
 * locks) and to the process that connected: after fork(2) the child's calls
 * fail with APV_ERR_FORKED, and apv_db_close there drops the inherited session
 * without a word to the server, because it is still the parent's.
 */
typedef struct apv_db apv_db;

typedef struct {
    const char *conninfo;   /* libpq's: keywords or URI, several hosts, service, passfile ... */
    int connect_timeout_ms; /* to connect, all hosts together; > 0. Not in it: name resolution,
                               which libpq cannot do without blocking (use hostaddr) */
    int timeout_ms;         /* from sending a call to its whole answer; > 0 */
    bool prepare;           /* false: no named statements, for a PgBouncer in transaction mode */
} apv_db_options;

/* Makes a handle; does no I/O.
 * options: copied. db: receives the handle.
 * Errors: INVALID (libpq cannot read the conninfo, a time is not positive), MEMORY.
 * Ownership: free with apv_db_close. Does not block. */
bool apv_db_new(const apv_db_options *options, apv_db **db, apv_err *err) APV_MUSTCHECK;

/* Closes the connection, frees the handle and sets *db to NULL; *db may be NULL.
 * Does not block. In a process other than the one that connected, the socket is
 * closed and libpq's memory is left alone. */
void apv_db_close(apv_db **db);

/* True when the handle has a connection of another process, so that it can only
 * be closed. */
bool apv_db_forked(const apv_db *db);

/* True when the last call failed because no connection could be made. A call that fails
 * on a connection only shows that this one is of no use any more. */
bool apv_db_unreachable(const apv_db *db);

/* How many calls got as far as the connection. One that did not (an argument could not be
 * used, say) tells nothing of the database, and leaves the number as it was. */
uint64_t apv_db_tries(const apv_db *db);

/* Sets what is asked when a signal interrupts a wait: interrupted(arg) true
 * gives the call up with APV_ERR_UNAVAILABLE. NULL: signals only resume it. */
void apv_db_on_signal(apv_db *db, bool (*interrupted)(void *arg), void *arg);

/* ---- Calls -----------------------------------------------------------------
 *
 * The library talks to the database through the functions of schema approval
 * and nothing else.
 */
typedef enum {
    APV_ARG_NULL,    /* typed by the function */
    APV_ARG_LITERAL, /* text, parsed by the server as the type that the function has */
    APV_ARG_TEXT,
    APV_ARG_BYTES,
    APV_ARG_BOOL,
    APV_ARG_INT4,
    APV_ARG_INT8,
    APV_ARG_FLOAT,
    APV_ARG_TEXT_ARRAY,
    APV_ARG_BYTES_ARRAY,
    APV_ARG_BOOL_ARRAY, /* elements in PostgreSQL's binary format: 1 byte, 0 or 1 */
    APV_ARG_INT8_ARRAY  /* likewise: 8 bytes, most significant first */
} apv_arg_kind;

typedef struct {
    apv_arg_kind kind;
    bool is_null; /* NULL of that kind */
    union {
        apv_span span; /* LITERAL: without NUL, and NUL-terminated; TEXT: without NUL; BYTES */
        bool boolean;
        int64_t integer;
        double real;
        struct {
            const apv_span *items; /* data NULL: element NULL */
            size_t count;
        } array;
    } as;
} apv_arg;

/* Whether PostgreSQL can take a text: UTF-8 without NUL. Errors: INVALID. Does not block. */
bool apv_text_check(apv_span text, apv_err *err) APV_MUSTCHECK;

#define APV_ARGS_MAX 64 /* arguments of a call */

typedef struct apv_result apv_result;

/* Calls approval.<function>(args ...) and returns its rows.
 * function: letters a-z and '_', at most 40. repeatable: whether doing it twice
 * is the same as once; then a call that dies with a kept connection (the server
 * was restarted) is made once more on a new one. A call that the server gives up
 * for another one (a deadlock) is made again in any case, as it did nothing.
 * Errors: INVALID; UNAVAILABLE, TIMEOUT (the connection is dropped, whether the
 * server did it is unknown); DATABASE (sqlstate set; the server's own text only
 * for our class AP); PROTOCOL; FORKED; MEMORY.
 * Ownership: free with apv_result_free. Blocks up to connect_timeout_ms +
 * timeout_ms. One thread at a time per handle. */
bool apv_call(apv_db *db, const char *function, const apv_arg *args, size_t count, bool repeatable,
              apv_result **result, apv_err *err) APV_MUSTCHECK;

/* Frees the result and sets *result to NULL; *result may be NULL. */
void apv_result_free(apv_result **result);

/* Size of the result, and the type (OID) of a column. */
size_t apv_result_rows(const apv_result *result);
size_t apv_result_columns(const apv_result *result);
uint32_t apv_result_type(const apv_result *result, size_t column);

/* The bytes of a value in PostgreSQL's binary format; data is NULL for SQL NULL.
 * Borrowed until the result is freed. */
apv_span apv_result_peek(const apv_result *result, size_t row, size_t column);

/* ---- PostgreSQL's binary format ---------------------------------------------
 *
 * Types by the OIDs of pg_type, which PostgreSQL never changes.
 */
typedef enum {
    APV_OID_BOOL = 16,
    APV_OID_BYTEA = 17,
    APV_OID_INT8 = 20,
    APV_OID_INT4 = 23,
    APV_OID_TEXT = 25,
    APV_OID_JSON = 114,
    APV_OID_FLOAT8 = 701,
    APV_OID_BOOL_ARRAY = 1000,
    APV_OID_BYTEA_ARRAY = 1001,
    APV_OID_TEXT_ARRAY = 1009,
    APV_OID_INT8_ARRAY = 1016,
    APV_OID_TIMESTAMPTZ = 1184,
    APV_OID_VOID = 2278,
    APV_OID_JSONB = 3802
} apv_oid;

/* Read one value each. Errors: PROTOCOL (wrong size, not UTF-8). Borrow from
 * `bytes`; do not block. */
bool apv_wire_bool(apv_span bytes, bool *value, apv_err *err) APV_MUSTCHECK;
bool apv_wire_int4(apv_span bytes, int32_t *value, apv_err *err) APV_MUSTCHECK;
bool apv_wire_int8(apv_span bytes, int64_t *value, apv_err *err) APV_MUSTCHECK;
bool apv_wire_float8(apv_span bytes, double *value, apv_err *err) APV_MUSTCHECK;
bool apv_wire_text(apv_span bytes, apv_span *value, apv_err *err) APV_MUSTCHECK;
bool apv_wire_jsonb(apv_span bytes, apv_span *text, apv_err *err) APV_MUSTCHECK;
/* Seconds since 1970 UTC; +-infinity as such. */
bool apv_wire_timestamptz(apv_span bytes, double *value, apv_err *err) APV_MUSTCHECK;

/* A one-dimensional array. Opening checks it whole, so that reading cannot fail. */
typedef struct {
    size_t count;    /* elements in all */
    apv_span unread; /* the elements not yet taken */
} apv_array;

/* Opens an array of elements of type element (an OID); text elements must be UTF-8.
 * Errors: PROTOCOL. The array borrows from `bytes`. */
bool apv_array_open(apv_span bytes, uint32_t element, apv_array *array, apv_err *err) APV_MUSTCHECK;

/* Takes the next element (data NULL: SQL NULL); false at the end. */
bool apv_array_next(apv_array *array, apv_span *item);

/* ---- Stored payloads: LZ4 frames -------------------------------------------- */

/* Packs data into a frame. frame, size_bytes: receive it. Errors: MEMORY.
 * Ownership: free(3) the frame. Does not block. */
bool apv_payload_compress(apv_span data, char **frame, size_t *size_bytes,
                          apv_err *err) APV_MUSTCHECK;

/* The content of a frame made by apv_payload_compress, at most max_bytes of it.
 * Errors: INVALID (damaged, cut, or followed by something), LIMIT, MEMORY.
 * Ownership: free(3) the data. Does not block. */
bool apv_payload_decompress(apv_span frame, size_t max_bytes, char **data, size_t *size_bytes,
                            apv_err *err) APV_MUSTCHECK;

/* ---- Documents ---------------------------------------------------------------- */
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

/* ---- returns -------------------------------------------------------------- */

/* What became of a return that was handed in. */
typedef struct {
    char outcome[16]; /* "recorded", "repeat", "attempt" or "quarantined" */
    int32_t attempt;  /* 1 for the first return of this job and minion; 0: quarantined */
    apv_verdict *verdict;
    apv_document *document; /* that it was held against; the verdict borrows its texts */
} apv_record;

/* Validates a return against the document that it claims to follow, or that was in
 * force when its job was published, and stores it with verdict and findings.
 * load: msgpack, as Salt hands it to a returner. record: receives what became of it.
 * Doing it twice with the same return changes nothing, also when their delivery
 * (_stamp, ts) differs.
 * Errors: as apv_call; INVALID also when the load is no map or names no minion.
 * Ownership: free with apv_record_free. Blocks up to twice as long as apv_call.
 */
bool apv_record_return(apv_db *db, apv_span load, apv_record **record, apv_err *err) APV_MUSTCHECK;

/* Whether a return can be recorded at all, whatever the database says to it: what
 * apv_record_return needs no database for.
 * load: as there. Errors: INVALID (no map, names no minion), LIMIT, MEMORY. Does not block. */
bool apv_return_check(apv_span load, apv_err *err) APV_MUSTCHECK;

#define APV_RECORDS_MAX 1000 /* returns in a batch */

/* As apv_record_return for each of the loads in turn, but much faster and all in one
 * transaction: on failure none of them was recorded. They come at one time: what one
 * of them changes in a minion's document is not yet in force for the others.
 * count: 1 to APV_RECORDS_MAX. records: count pointers, receives what became of each.
 * Errors: also INVALID for a count out of range, and when one load cannot be recorded.
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

/* As apv_record_returns for the batch. upcoming: the batch that comes next, validated while
 * the server stores this one, as if they came at one time; NULL: none. What is wrong with
 * it is told when it is recorded itself.
 * Blocks up to three times as long as apv_call. */
bool apv_returns_record(apv_db *db, apv_returns *returns, apv_returns *upcoming,
                        apv_err *err) APV_MUSTCHECK;

/* What became of a return of a batch that was recorded; borrowed from it. */
const apv_record *apv_returns_peek(const apv_returns *returns, size_t place);

void apv_returns_free(apv_returns **returns);

#endif
