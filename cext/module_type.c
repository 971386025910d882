/* module_type.c - what the types of the module have in common. */
#include "module_type.h"

int
module_add_type(PyObject *module, const char *name, PyType_Spec *spec)
{
    PyObject *type = PyType_FromModuleAndSpec(module, spec, NULL);

    if (type == NULL)
        return -1;
    int status = PyModule_AddObjectRef(module, name, type);
    Py_DECREF(type);
    return status;
}

const module_state *
module_state_of_type(PyTypeObject *type)
{
    return (const module_state *)PyType_GetModuleState(type);
}

const module_state *
module_state_of(PyObject *object)
{
    return module_state_of_type(Py_TYPE(object));
}

void *
module_object_new(PyTypeObject *type)
{
    allocfunc allocate = (allocfunc)PyType_GetSlot(type, Py_tp_alloc);
    return allocate(type, 0);
}

void
module_object_free(PyObject *object)
{
    PyTypeObject *type = Py_TYPE(object);
    freefunc release = (freefunc)PyType_GetSlot(type, Py_tp_free);

    release(object);
    Py_DECREF(type);
}
