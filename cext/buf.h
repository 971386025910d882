/* buf.h - bytes that grow. */
#ifndef APV_BUF_H
#define APV_BUF_H

#include "apv_base.h"

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

#endif
