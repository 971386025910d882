/* module_cell.h - values of a result as Python objects. */
#ifndef APV_MODULE_CELL_H
#define APV_MODULE_CELL_H

#include "module_state.h"

#include "apv.h"

/* A value of a result. New reference, or NULL with an exception set. */
PyObject *module_cell(const module_state *state, uint32_t type, apv_span bytes);

#endif
