/* module_reader.h - reading Python objects as the library reads values. */
#ifndef APV_MODULE_READER_H
#define APV_MODULE_READER_H

#include "module_state.h"

#include "value_private.h"

/* A reader for Python objects: the node of a value is a borrowed PyObject. Use it only while the
 * GIL is held. */
typedef struct {
    apv_reader reader;
    /* Which word a key was the last time that it was met: most maps have the same, interned
     * keys. Good as long as the keys live. */
    struct {
        const PyObject *key;
        const apv_span *words;
        size_t index;
    } met[64];
} module_reader;

void module_reader_init(module_reader *made);

#endif
