/* module_expected.h - `expected` of the validate functions. */
#ifndef APV_MODULE_EXPECTED_H
#define APV_MODULE_EXPECTED_H

#include "module_state.h"

#include "apv.h"

/* `expected` of the validate functions, as the library takes it. */
typedef struct {
    apv_expected expected;
    unsigned char key[APV_EVIDENCE_KEY_SIZE];
    apv_item *items;
    PyObject **names, **values; /* of the items */
} module_expected;

/* dict: what is made borrows texts and objects from it, and is good as long as nothing of Python
 * runs that may change it: with the GIL held, and no garbage collected. made: must not be moved.
 * False: an exception is set, and there is nothing to clear. */
bool module_expected_init(const module_state *state, PyObject *dict, module_expected *made);
void module_expected_clear(module_expected *made);

/* Raw bytes of an evidence key given as bytes or as hex digits. False: an exception is
 * set. */
bool module_evidence_key(const module_state *state, PyObject *object,
                         unsigned char key[APV_EVIDENCE_KEY_SIZE]);

#endif
