/* wire.c - PostgreSQL's binary format: values, arrays, COPY. */
#include "apv_wire.h"

#include "be.h"
#include "text.h"
#include "wire_private.h"

#include <math.h>
#include <string.h>

/* Microseconds from 1970-01-01 to 2000-01-01, the epoch of timestamptz. */
#define EPOCH_US 946684800000000LL

/* ---- values ---- */

static bool
fail_size(apv_err *err, const char *type)
{
    return apv_fail(err, APV_ERR_PROTOCOL, "the approval database sent a malformed %s", type);
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
    uint32_t bits = apv_be_read_u32(bytes.data);
    memcpy(value, &bits, sizeof bits);
    return true;
}

bool
apv_wire_int8(apv_span bytes, int64_t *value, apv_err *err)
{
    if (bytes.size != 8)
        return fail_size(err, "int8");
    uint64_t bits = apv_be_read_u64(bytes.data);
    memcpy(value, &bits, sizeof bits);
    return true;
}

bool
apv_wire_float8(apv_span bytes, double *value, apv_err *err)
{
    if (bytes.size != 8)
        return fail_size(err, "float8");
    uint64_t bits = apv_be_read_u64(bytes.data);
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

/* ---- arrays ----
 *
 * dimensions, has-nulls, element type; per dimension its size and lower bound;
 * then each element behind its size, -1 meaning NULL. All of them 4 bytes. No dimension
 * at all is the empty array.
 */

static bool
take_u32(apv_span *rest, uint32_t *value)
{
    if (rest->size < 4)
        return false;
    *value = apv_be_read_u32(rest->data);
    rest->data += 4;
    rest->size -= 4;
    return true;
}

static bool
take_item(apv_span *rest, apv_span *item)
{
    uint32_t size;
    if (!take_u32(rest, &size))
        return false;
    if (size == UINT32_MAX) {
        *item = (apv_span){NULL, 0};
        return true;
    }
    if (size > rest->size)
        return false;
    *item = (apv_span){rest->data, size};
    rest->data += size;
    rest->size -= size;
    return true;
}

bool
apv_array_open(apv_span bytes, uint32_t element, apv_array *array, apv_err *err)
{
    uint32_t dimensions, has_nulls, type, count = 0, lower_bound;
    apv_span rest = bytes;

    if (!take_u32(&rest, &dimensions) || !take_u32(&rest, &has_nulls) || !take_u32(&rest, &type))
        goto malformed;
    if (dimensions > 1 || has_nulls > 1 || type != element)
        goto malformed;
    if (dimensions == 1 && (!take_u32(&rest, &count) || !take_u32(&rest, &lower_bound)))
        goto malformed;

    apv_span unread = rest;
    for (uint32_t i = 0; i < count; i++) {
        apv_span item;
        if (!take_item(&rest, &item))
            goto malformed;
        if (element == APV_OID_TEXT && item.data != NULL && !apv_wire_text(item, &item, err))
            return false;
    }
    if (rest.size != 0)
        goto malformed;
    array->count = count;
    array->unread = unread;
    return true;

malformed:
    return apv_fail(err, APV_ERR_PROTOCOL, "the approval database sent a malformed array");
}

bool
apv_array_next(apv_array *array, apv_span *item)
{
    return array->unread.size > 0 && take_item(&array->unread, item);
}

/* ---- COPY ... (FORMAT binary): a header, rows, a trailer ----
 *
 * A row is the number of its columns in 2 bytes, then each behind its size in 4, -1
 * meaning NULL. The trailer is a row of -1 columns. Where one message of the protocol ends
 * and the next begins says nothing.
 */

static const char signature[] = "PGCOPY\n\377\r\n"; /* its NUL belongs to it */

#define HEADER_SIZE (sizeof signature + 8) /* with flags and the size of an extension */

static bool
fail_copy(apv_err *err)
{
    return apv_fail(err, APV_ERR_PROTOCOL, "the approval database sent a malformed copy");
}

/* Takes the header off unread; *whole false: more of it has to come. */
static bool
take_header(apv_span *unread, bool *whole, apv_err *err)
{
    if (unread->size < HEADER_SIZE) {
        *whole = false;
        return true;
    }
    /* No flags and no extension are known. */
    if (memcmp(unread->data, signature, sizeof signature) != 0 ||
        apv_be_read_u32(unread->data + sizeof signature) != 0 ||
        apv_be_read_u32(unread->data + sizeof signature + 4) != 0)
        return fail_copy(err);
    unread->data += HEADER_SIZE;
    unread->size -= HEADER_SIZE;
    return true;
}

/* Takes a row off unread. *count: its columns, -1 for the trailer. */
static bool
take_row(apv_span *unread, apv_span columns[APV_COPY_COLUMNS_MAX], int *count, bool *whole,
         apv_err *err)
{
    apv_span rest = *unread;

    *whole = false;
    if (rest.size < 2)
        return true;
    uint64_t number = apv_be_read(rest.data, 2);
    rest.data += 2;
    rest.size -= 2;
    *count = number == 0xFFFF ? -1 : (int)number;
    if (*count > APV_COPY_COLUMNS_MAX)
        return fail_copy(err);
    for (int i = 0; i < *count; i++) {
        if (rest.size < 4)
            return true;
        uint32_t size = apv_be_read_u32(rest.data);
        rest.data += 4;
        rest.size -= 4;
        columns[i] = APV_NO_SPAN;
        if (size == UINT32_MAX)
            continue;
        if (size > INT32_MAX)
            return fail_copy(err);
        if (rest.size < size)
            return true;
        columns[i] = (apv_span){rest.data, size};
        rest.data += size;
        rest.size -= size;
    }
    *unread = rest;
    *whole = true;
    return true;
}

bool
apv_copy_feed(apv_copy *copy, apv_span bytes,
              bool (*row)(void *arg, const apv_span *columns, size_t count, apv_err *err),
              void *arg, apv_err *err)
{
    apv_span columns[APV_COPY_COLUMNS_MAX], unread = bytes;
    bool kept = copy->rest.size > 0, whole = true;
    int count = 0;

    if (kept) {
        if (!apv_buf_append(&copy->rest, bytes.data, bytes.size, err))
            return false;
        unread = (apv_span){copy->rest.data, copy->rest.size};
    }
    if (!copy->started) {
        if (!take_header(&unread, &whole, err))
            return false;
        copy->started = whole;
    }
    while (whole && unread.size > 0) {
        if (copy->ended)
            return fail_copy(err);
        if (!take_row(&unread, columns, &count, &whole, err))
            return false;
        if (!whole)
            break;
        if (count < 0)
            copy->ended = true;
        else if (!row(arg, columns, (size_t)count, err))
            return false;
    }
    if (kept) {
        memmove(copy->rest.data, unread.data, unread.size);
        copy->rest.size = unread.size;
        return true;
    }
    return apv_buf_append(&copy->rest, unread.data, unread.size, err);
}

void
apv_copy_free(apv_copy *copy)
{
    apv_buf_free(&copy->rest);
}
