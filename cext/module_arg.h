/* module_arg.h - Python values as arguments of a call. */
#ifndef APV_MODULE_ARG_H
#define APV_MODULE_ARG_H

#include "module_state.h"

#include "apv_db.h"

/* The arguments of a call, borrowed from Python objects that are kept beside them.
 * After init, also one that failed, comes clear. */
struct module_args {
    apv_arg args[APV_ARGS_MAX];
    PyObject *kept[APV_ARGS_MAX];
    size_t count;
    PyObject *objects;
};
bool module_args_init(const module_state *state, PyObject *objects, struct module_args *args);
void module_args_clear(struct module_args *args);

/* For format O& of PyArg_Parse*: whether object is true, into a bool. */
int module_flag(PyObject *object, void *flag);

/* Entry of a PyMethodDef for a function that takes keywords: the function and its flags. */
#define MODULE_WITH_KEYWORDS(function)                                                             \
    (PyCFunction)(void (*)(void))(function), METH_VARARGS | METH_KEYWORDS

#endif
