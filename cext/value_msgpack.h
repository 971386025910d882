/* value_msgpack.h - reading msgpack bytes, in place. */
#ifndef APV_VALUE_MSGPACK_H
#define APV_VALUE_MSGPACK_H

#include "value_private.h"

/* Where a value begins and ends. from NULL: of none is it known. */
typedef struct {
    const char *from, *to;
} apv_extent;

/* Keys of a map that are remembered: more than a chunk of a state run has. */
#define APV_SHAPE_KEYS 16
#define APV_KEY_SIZE 16 /* bytes; longer ones, with their head, are not remembered */

/* The keys of the map that was looked through last, as most maps of a return are alike. Bytes that
 * are behind a key's own are masked out. */
typedef struct {
    uint64_t low, high, low_mask, high_mask;
    size_t size;       /* with its head */
    size_t index;      /* of the word that it is, or their count */
    unsigned char tag; /* of its value in that map, if the tag tells the size */
    size_t value_size;
} apv_known_key;

typedef struct {
    const apv_span *words; /* those that were looked for */
    apv_known_key keys[APV_SHAPE_KEYS];
    size_t count; /* of keys */
} apv_shape;

/* Its members but for reader are value_msgpack.c's own. */
typedef struct {
    apv_reader reader;
    const char *end;    /* of the bytes */
    apv_extent longest; /* child of the root */
    apv_extent passed;  /* the map that was looked through last, which need not be skipped again */
    apv_shape shape;    /* of that map */
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
