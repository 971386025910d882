/* module_value.h - what module_reader.c and module_value.c share. */
#ifndef APV_MODULE_VALUE_H
#define APV_MODULE_VALUE_H

#include "module.h"
#include "value_private.h"

/* A reader for Python objects: the node of a value is a borrowed PyObject. Use it only while the
 * GIL is held. (module_reader.c) */
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

/* `expected` of the validate functions, as the library takes it. Its texts are borrowed
 * from objects that it holds itself. (module_expected.c) */
typedef struct {
    apv_expected expected;
    unsigned char key[APV_EVIDENCE_KEY_SIZE];
    apv_item *items;
    PyObject **names, **values; /* of the items; borrowed from held */
    PyObject *held;
} module_expected;

/* False: an exception is set, and there is nothing to clear. */
bool module_expected_init(const module_state *state, PyObject *dict, module_expected *made);
void module_expected_clear(module_expected *made);

/* Raw bytes of an evidence key given as bytes or as hex digits. False: an exception is
 * set. */
bool module_evidence_key(const module_state *state, PyObject *object,
                         unsigned char key[APV_EVIDENCE_KEY_SIZE]);

#endif
