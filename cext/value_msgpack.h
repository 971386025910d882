/* value_msgpack.h - reading msgpack bytes, in place. */
#ifndef APV_VALUE_MSGPACK_H
#define APV_VALUE_MSGPACK_H

#include "value_private.h"

/* Where a value begins and ends. from NULL: of none is it known. */
typedef struct {
    const char *from, *to;
} apv_extent;

/* Its members but for reader are value_msgpack.c's own. */
typedef struct {
    apv_reader reader;
    const char *end;    /* of the bytes */
    apv_extent longest; /* child of the root */
    apv_extent passed;  /* the map that was looked through last, which need not be skipped again */
} apv_msgpack_reader;

/* Starts reading msgpack bytes.
 *
 * msgpack: one whole msgpack object and nothing behind it; must outlive the reader. made, root:
 * receive the reader, to be used as made->reader, and its only value.
 * Returns: false unless it is that. Errors: INVALID.
 * Ownership: the reader holds no memory. Blocking: no.
 */
bool apv_reader_msgpack(apv_span msgpack, apv_msgpack_reader *made, apv_value *root,
                        apv_err *err) APV_MUSTCHECK;

#endif
