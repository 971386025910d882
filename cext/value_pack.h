/* value_pack.h - writing msgpack, as far as it is written here: what value_msgpack.c reads. */
#ifndef APV_VALUE_PACK_H
#define APV_VALUE_PACK_H

#include "buf.h"

/* Append one object each, or the head of one whose children are appended next: count elements
 * of a list, count pairs of a map. Errors: MEMORY, LIMIT. Do not block. */
bool apv_pack_list(apv_buf *buf, uint32_t count, apv_err *err) APV_MUSTCHECK;
bool apv_pack_map(apv_buf *buf, uint32_t count, apv_err *err) APV_MUSTCHECK;
bool apv_pack_integer(apv_buf *buf, int64_t integer, apv_err *err) APV_MUSTCHECK;
bool apv_pack_bool(apv_buf *buf, bool truth, apv_err *err) APV_MUSTCHECK;
/* data NULL: nil. */
bool apv_pack_text(apv_buf *buf, apv_span text, apv_err *err) APV_MUSTCHECK;

#endif
