/* copy.c - what COPY ... (FORMAT binary) sends: a header, rows, a trailer.
 *
 * A row is the number of its columns in 2 bytes, then each behind its size in 4, -1
 * meaning NULL; all of them most significant byte first. The trailer is a row of -1
 * columns. Where one message of the protocol ends and the next begins says nothing.
 */
#include "db_private.h"

static const char signature[] = "PGCOPY\n\377\r\n"; /* its NUL belongs to it */

#define HEADER_SIZE (sizeof signature + 8) /* with flags and the size of an extension */

static bool
fail(apv_err *err)
{
    return apv_fail(err, APV_ERR_PROTOCOL, "the approval database sent a malformed copy");
}

static uint32_t
read_u32(const char *at)
{
    const unsigned char *bytes = (const unsigned char *)at;
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
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
        read_u32(unread->data + sizeof signature) != 0 ||
        read_u32(unread->data + sizeof signature + 4) != 0)
        return fail(err);
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
    unsigned number = (unsigned)(unsigned char)rest.data[0] << 8 | (unsigned char)rest.data[1];
    rest.data += 2;
    rest.size -= 2;
    *count = number == 0xFFFF ? -1 : (int)number;
    if (*count > APV_COPY_COLUMNS_MAX)
        return fail(err);
    for (int i = 0; i < *count; i++) {
        if (rest.size < 4)
            return true;
        uint32_t size = read_u32(rest.data);
        rest.data += 4;
        rest.size -= 4;
        columns[i] = APV_NO_SPAN;
        if (size == UINT32_MAX)
            continue;
        if (size > INT32_MAX)
            return fail(err);
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
            return fail(err);
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
