/* wire.c - single values in PostgreSQL's binary format. */
#include "db_private.h"

#include <math.h>
#include <string.h>

/* Microseconds from 1970-01-01 to 2000-01-01, the epoch of timestamptz. */
#define EPOCH_US 946684800000000LL

static bool
fail_size(apv_err *err, const char *type)
{
    return apv_fail(err, APV_ERR_PROTOCOL, "the approval database sent a malformed %s", type);
}

static uint64_t
read_u64(const char *data)
{
    uint64_t value = 0;
    for (size_t i = 0; i < 8; i++)
        value = value << 8 | (unsigned char)data[i];
    return value;
}

bool
apv_wire_bool(apv_span bytes, bool *value, apv_err *err)
{
    if (bytes.size != 1)
        return fail_size(err, "bool");
    *value = bytes.data[0] != 0;
    return true;
}

bool
apv_wire_int4(apv_span bytes, int32_t *value, apv_err *err)
{
    if (bytes.size != 4)
        return fail_size(err, "int4");
    uint32_t bits = 0;
    for (size_t i = 0; i < 4; i++)
        bits = bits << 8 | (unsigned char)bytes.data[i];
    memcpy(value, &bits, sizeof bits);
    return true;
}

bool
apv_wire_int8(apv_span bytes, int64_t *value, apv_err *err)
{
    if (bytes.size != 8)
        return fail_size(err, "int8");
    uint64_t bits = read_u64(bytes.data);
    memcpy(value, &bits, sizeof bits);
    return true;
}

bool
apv_wire_float8(apv_span bytes, double *value, apv_err *err)
{
    if (bytes.size != 8)
        return fail_size(err, "float8");
    uint64_t bits = read_u64(bytes.data);
    memcpy(value, &bits, sizeof bits);
    return true;
}

bool
apv_wire_text(apv_span bytes, apv_span *value, apv_err *err)
{
    if (!apv_utf8_valid(bytes.data, bytes.size))
        return apv_fail(err, APV_ERR_PROTOCOL,
                        "the approval database sent a text that is not UTF-8");
    *value = bytes;
    return true;
}

bool
apv_wire_jsonb(apv_span bytes, apv_span *text, apv_err *err)
{
    /* One byte of format version, then the text. */
    if (bytes.size < 1 || bytes.data[0] != 1)
        return fail_size(err, "jsonb");
    return apv_wire_text((apv_span){bytes.data + 1, bytes.size - 1}, text, err);
}

bool
apv_wire_timestamptz(apv_span bytes, double *value, apv_err *err)
{
    int64_t since_2000_us = 0;
    if (bytes.size != 8)
        return fail_size(err, "timestamptz");
    if (!apv_wire_int8(bytes, &since_2000_us, err))
        return false;
    if (since_2000_us == INT64_MAX)
        *value = INFINITY;
    else if (since_2000_us == INT64_MIN)
        *value = -INFINITY;
    else
        *value = ((double)since_2000_us + (double)EPOCH_US) / 1e6;
    return true;
}
