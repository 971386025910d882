/* apv_wire.h - values and arrays in PostgreSQL's binary format. The rules at the head of
 * apv_base.h hold here too.
 */
#ifndef APV_WIRE_H
#define APV_WIRE_H

#include "apv_base.h"

/* Types by the OIDs of pg_type, which PostgreSQL never changes. */
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

#endif
