/* module_reader.h - reading Python objects as the library reads values. */
#ifndef APV_MODULE_READER_H
#define APV_MODULE_READER_H

#include "module_state.h"

#include "apv.h"

/* Which word a key was the last time that it was met: most maps have the same, interned
 * keys. Starts as {0}; good as long as the keys live. */
typedef struct {
    struct {
        const PyObject *key;
        const apv_span *words;
        size_t index;
    } met[64];
} module_keys_met;

/* A reader for Python objects: the node of a value is a borrowed PyObject. Use it only
 * while the GIL is held. met: NULL, or what outlives it. */
apv_reader module_reader(module_keys_met *met);

#endif
