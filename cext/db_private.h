/* db_private.h - statements, for the parts of the library that talk to the database. */
#ifndef APV_DB_PRIVATE_H
#define APV_DB_PRIVATE_H

#include "apv_db.h"

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

/* Hands something over to the handle, which has at most one such thing: apv_db_close ends it by
 * close(thing). */
void apv_db_attach(apv_db *db, void *thing, void (*close)(void *thing));

/* The thing that was handed over, or NULL. */
void *apv_db_attached(const apv_db *db);

/* Bytes of memory that the result has. */
size_t apv_result_size(const apv_result *result);

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

#endif
