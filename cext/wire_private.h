/* wire_private.h - what COPY ... (FORMAT binary) sends. */
#ifndef APV_WIRE_PRIVATE_H
#define APV_WIRE_PRIVATE_H

#include "buf.h"

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

#endif
