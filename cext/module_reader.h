/* module_reader.h - reading Python objects as the library reads values. */
#ifndef APV_MODULE_READER_H
#define APV_MODULE_READER_H

#include "module_state.h"

#include "value_private.h"

/* Keys of a map that are remembered: more than a chunk of a state run has. */
#define MODULE_SHAPE_KEYS 16

/* The keys of the maps that were looked through last, as most maps of a return have the same,
 * interned ones in the same order. Good as long as the keys live. */
typedef struct {
    const apv_span *words; /* those that were looked for */
    const PyObject *keys[MODULE_SHAPE_KEYS];
    size_t indexes[MODULE_SHAPE_KEYS]; /* of the word that each is, or their count */
} module_shape;

/* A reader for Python objects: the node of a value is a borrowed PyObject. Use it only while the
 * GIL is held. */
typedef struct {
    apv_reader reader;
    module_shape shape;
} module_reader;

void module_reader_init(module_reader *made);

#endif
