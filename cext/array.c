/* array.c - one-dimensional arrays in PostgreSQL's binary format.
 *
 * dimensions, has-nulls, element type; per dimension its size and lower bound;
 * then each element behind its size, -1 meaning NULL. All of them 4 bytes, most
 * significant first. No dimension at all is the empty array.
 */
#include "db_private.h"

static bool
take_u32(apv_span *rest, uint32_t *value)
{
    if (rest->size < 4)
        return false;
    const unsigned char *bytes = (const unsigned char *)rest->data;
    *value =
        (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
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
