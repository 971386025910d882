/* module_type.h - what the types of the module have in common.
 *
 * They are heap types, whose objects hold no references that could form a circle.
 */
#ifndef APV_MODULE_TYPE_H
#define APV_MODULE_TYPE_H

#include "module_state.h"

/* Makes the type and puts it into the module under name; 0, or -1 with an exception set. */
int module_add_type(PyObject *module, const char *name, PyType_Spec *spec);

/* State of the module that a type belongs to. Borrowed. */
const module_state *module_state_of_type(PyTypeObject *type);

/* State of the module that the type of an object belongs to. Borrowed. */
const module_state *module_state_of(PyObject *object);

/* A new object of the type, all zero behind its head, or NULL with an exception set. */
void *module_object_new(PyTypeObject *type);

/* Frees an object at the end of its tp_dealloc. */
void module_object_free(PyObject *object);

#endif
