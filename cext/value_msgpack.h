/* value_msgpack.h - readers for msgpack bytes, in place. */
#ifndef APV_VALUE_MSGPACK_H
#define APV_VALUE_MSGPACK_H

#include "value_private.h"

/* Makes a reader for msgpack bytes.
 *
 * msgpack: one whole msgpack object and nothing behind it; must outlive the reader.
 * Returns: false unless it is that. Errors: INVALID.
 * Ownership: the reader holds no memory of its own. Blocking: no.
 */
bool apv_reader_msgpack(apv_span msgpack, apv_reader *reader, apv_value *root,
                        apv_err *err) APV_MUSTCHECK;

/* Where a map ends that was looked through, so that it need not be skipped again. Starts as
 * {0}. */
typedef struct {
    const char *from, *to;
} apv_passed;

/* Lets a reader for msgpack remember in passed, which has to outlive it, so that it is faster.
 * Without a second thread: the reader is then used by one at a time. */
void apv_reader_msgpack_remember(apv_reader *reader, apv_passed *passed);

#endif
