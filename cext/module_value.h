/* module_value.h - digest, mac and validation for Python. */
#ifndef APV_MODULE_VALUE_H
#define APV_MODULE_VALUE_H

#include "module_state.h"

#include "apv.h"

/* The functions; ends with a zeroed entry. */
extern PyMethodDef module_value_methods[];

/* The dict that validate() answers with, for a verdict of the library. New reference, or
 * NULL with an exception set. */
PyObject *module_verdict_dict(const module_state *state, const apv_verdict *verdict);

#endif
