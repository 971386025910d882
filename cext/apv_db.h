/* apv_db.h - the database: a connection, calls of functions, their results. The rules at the
 * head of apv_base.h hold here too.
 */
#ifndef APV_DB_H
#define APV_DB_H

#include "apv_base.h"

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

#endif
