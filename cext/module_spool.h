/* module_spool.h - the type Spool. */
#ifndef APV_MODULE_SPOOL_H
#define APV_MODULE_SPOOL_H

#include "module_state.h"

/* Puts the type Spool into the module; 0, or -1 with an exception set. */
int module_add_spool(PyObject *module);

#endif
