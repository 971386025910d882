/* apv_payload.h - what is stored packed: LZ4 frames. The rules at the head of
 * apv_base.h hold here too.
 */
#ifndef APV_PAYLOAD_H
#define APV_PAYLOAD_H

#include "apv_base.h"

/* Packs data into a frame. frame, size_bytes: receive it. Errors: MEMORY.
 * Ownership: free(3) the frame. Does not block. */
bool apv_payload_compress(apv_span data, char **frame, size_t *size_bytes,
                          apv_err *err) APV_MUSTCHECK;

/* The content of a frame made by apv_payload_compress, at most max_bytes of it.
 * Errors: INVALID (damaged, cut, or followed by something), LIMIT, MEMORY.
 * Ownership: free(3) the data. Does not block. */
bool apv_payload_decompress(apv_span frame, size_t max_bytes, char **data, size_t *size_bytes,
                            apv_err *err) APV_MUSTCHECK;

#endif
