/* module_error.h - errors of the library as Python exceptions. */
#ifndef APV_MODULE_ERROR_H
#define APV_MODULE_ERROR_H

#include "module_state.h"

#include "apv.h"

/* Makes the exception classes, into the module and its state. 0, or -1 with an exception set. */
int module_add_exceptions(PyObject *module, module_state *state);

/* Raises what *err says, as the exception class for its code, with attributes
 * `code` and `sqlstate`. Always returns NULL, so that callers can return it.
 * An exception already set (a signal handler's) is left as it is. */
PyObject *module_raise(const module_state *state, const apv_err *err);

/* The exception that module_raise raises, for all codes but MEMORY. New reference, or NULL with an
 * exception set. */
PyObject *module_exception(const module_state *state, const apv_err *err);

/* Raises DataError with this text. Always returns NULL. */
PyObject *module_refuse(const module_state *state, const char *text);

#endif
