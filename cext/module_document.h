/* module_document.h - the pillar of a minion as a Python dict. */
#ifndef APV_MODULE_DOCUMENT_H
#define APV_MODULE_DOCUMENT_H

#include "module_state.h"

#include "apv_document.h"

/* The pillar of a minion. New reference, or NULL with an exception set. */
PyObject *module_document_dict(const module_state *state, PyObject *minion_id,
                               const apv_document *document);

#endif
