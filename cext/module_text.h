/* module_text.h - texts and bytes between Python and the library. */
#ifndef APV_MODULE_TEXT_H
#define APV_MODULE_TEXT_H

#include "module_state.h"

#include "apv.h"

/* The UTF-8 of a str, borrowed from it. False: an exception is set. */
bool module_text(const module_state *state, PyObject *object, apv_span *text);

/* The content of a bytes object, borrowed from it. False: an exception is set. */
bool module_bytes(PyObject *object, apv_span *bytes);

/* The same of each member of a tuple. spans: as many as it has members. */
bool module_bytes_of(PyObject *tuple, apv_span *spans);

/* A text as str, where no text is None. New reference, or NULL with an exception set. */
PyObject *module_text_object(apv_span text);

#endif
