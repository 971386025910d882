/* buf.c - bytes that grow. */
#include "buf.h"

#include "be.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

bool
apv_buf_reserve(apv_buf *buf, size_t size_bytes, apv_err *err)
{
    if (size_bytes <= buf->capacity - buf->size)
        return true;
    if (size_bytes > (size_t)INT_MAX - buf->size)
        return apv_fail(err, APV_ERR_LIMIT, "a value is larger than the database can take");

    size_t capacity = buf->capacity < 256 ? 256 : buf->capacity;
    while (capacity < buf->size + size_bytes)
        capacity *= 2;
    char *data = realloc(buf->data, capacity);
    if (data == NULL)
        return apv_fail_memory(err);
    buf->data = data;
    buf->capacity = capacity;
    return true;
}

bool
apv_buf_append(apv_buf *buf, const void *data, size_t size_bytes, apv_err *err)
{
    if (!apv_buf_reserve(buf, size_bytes, err))
        return false;
    if (size_bytes > 0)
        memcpy(buf->data + buf->size, data, size_bytes);
    buf->size += size_bytes;
    return true;
}

bool
apv_buf_append_u32(apv_buf *buf, uint32_t value, apv_err *err)
{
    unsigned char bytes[4];

    apv_be_write_u32(bytes, value);
    return apv_buf_append(buf, bytes, sizeof bytes, err);
}

bool
apv_buf_append_u64(apv_buf *buf, uint64_t value, apv_err *err)
{
    unsigned char bytes[8];

    apv_be_write_u64(bytes, value);
    return apv_buf_append(buf, bytes, sizeof bytes, err);
}

void
apv_buf_free(apv_buf *buf)
{
    free(buf->data);
    *buf = (apv_buf)APV_BUF_EMPTY;
}
