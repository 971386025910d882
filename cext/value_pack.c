/* pack.c - msgpack, as far as it is written here: what value_msgpack.c reads. */
#include "value_pack.h"

static bool
put_head(apv_buf *buf, unsigned char tag, uint32_t count, apv_err *err)
{
    return apv_buf_append(buf, &tag, 1, err) && apv_buf_append_u32(buf, count, err);
}

bool
apv_pack_list(apv_buf *buf, uint32_t count, apv_err *err)
{
    return put_head(buf, 0xDD, count, err);
}

bool
apv_pack_map(apv_buf *buf, uint32_t count, apv_err *err)
{
    return put_head(buf, 0xDF, count, err);
}

bool
apv_pack_integer(apv_buf *buf, int64_t integer, apv_err *err)
{
    return apv_buf_append(buf, "\xD3", 1, err) && apv_buf_append_u64(buf, (uint64_t)integer, err);
}

bool
apv_pack_bool(apv_buf *buf, bool truth, apv_err *err)
{
    return apv_buf_append(buf, truth ? "\xC3" : "\xC2", 1, err);
}

bool
apv_pack_text(apv_buf *buf, apv_span text, apv_err *err)
{
    if (text.data == NULL)
        return apv_buf_append(buf, "\xC0", 1, err);
    if (text.size > UINT32_MAX)
        return apv_fail(err, APV_ERR_LIMIT, "a text is too long");
    if (text.size < 32) {
        unsigned char tag = (unsigned char)(0xA0 | text.size);
        if (!apv_buf_append(buf, &tag, 1, err))
            return false;
    } else if (!put_head(buf, 0xDB, (uint32_t)text.size, err)) {
        return false;
    }
    return apv_buf_append(buf, text.data, text.size, err);
}
