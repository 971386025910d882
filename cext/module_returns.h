/* module_returns.h - the type Returns. */
#ifndef APV_MODULE_RETURNS_H
#define APV_MODULE_RETURNS_H

#include "module_state.h"

/* Puts the type Returns into the module; 0, or -1 with an exception set. */
int module_add_returns(PyObject *module);

#endif
