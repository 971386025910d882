/* module_arg.c - Python values as arguments of a call. */
#include "module_arg.h"

#include "module_error.h"
#include "module_text.h"

#include <stdlib.h>

static bool
fail_type(PyObject *object)
{
    PyErr_Format(PyExc_TypeError, "an argument cannot be a %R", (PyObject *)Py_TYPE(object));
    return false;
}

static bool
integer_arg(const module_state *state, PyObject *object, apv_arg *arg)
{
    int overflow;
    long long number = PyLong_AsLongLongAndOverflow(object, &overflow);

    if (overflow != 0) {
        module_refuse(state, "an integer is beyond 64 bits");
        return false;
    }
    if (number == -1 && PyErr_Occurred())
        return false;
    /* The smaller type where it fits: the server widens, but never narrows. */
    arg->kind = number >= INT32_MIN && number <= INT32_MAX ? APV_ARG_INT4 : APV_ARG_INT8;
    arg->as.integer = number;
    return true;
}

/* items: a tuple of str or bytes, and None. */
static bool
array_arg(const module_state *state, PyObject *items, apv_arg *arg)
{
    Py_ssize_t count = PyTuple_Size(items);
    bool texts = false, bytes = false;

    if (count == 0) {
        arg->kind = APV_ARG_LITERAL; /* of whatever type the function wants */
        arg->as.span = (apv_span){"{}", 2};
        return true;
    }
    apv_span *spans = calloc((size_t)count, sizeof *spans);
    if (spans == NULL) {
        PyErr_NoMemory();
        return false;
    }
    arg->kind = APV_ARG_TEXT_ARRAY;
    arg->as.array.items = spans;
    arg->as.array.count = (size_t)count;
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *item = PyTuple_GetItem(items, i);
        if (item == Py_None)
            continue;
        texts = texts || PyUnicode_Check(item);
        bytes = bytes || PyBytes_Check(item);
        if (!PyUnicode_Check(item) && !PyBytes_Check(item))
            return fail_type(item);
        if (texts && bytes) {
            PyErr_SetString(PyExc_TypeError, "a list has both str and bytes");
            return false;
        }
        if (!(texts ? module_text(state, item, &spans[i]) : module_bytes(item, &spans[i])))
            return false;
    }
    if (bytes)
        arg->kind = APV_ARG_BYTES_ARRAY;
    return true;
}

/* Sets arg to borrow from object; *kept, if set, is a reference that arg also borrows from. */
static bool
convert(const module_state *state, PyObject *object, apv_arg *arg, PyObject **kept)
{
    if (object == Py_None) {
        arg->kind = APV_ARG_NULL;
        return true;
    }
    if (PyBool_Check(object)) {
        arg->kind = APV_ARG_BOOL;
        arg->as.boolean = object == Py_True;
        return true;
    }
    if (PyLong_Check(object))
        return integer_arg(state, object, arg);
    if (PyFloat_Check(object)) {
        arg->kind = APV_ARG_FLOAT;
        arg->as.real = PyFloat_AsDouble(object);
        return true;
    }
    if (PyUnicode_Check(object)) {
        arg->kind = APV_ARG_LITERAL;
        return module_text(state, object, &arg->as.span);
    }
    if (PyBytes_Check(object)) {
        arg->kind = APV_ARG_BYTES;
        return module_bytes(object, &arg->as.span);
    }
    if (PyList_Check(object) || PyTuple_Check(object)) {
        /* A copy, since others may change the list while the GIL is released. */
        *kept = PySequence_Tuple(object);
        return *kept != NULL && array_arg(state, *kept, arg);
    }
    return fail_type(object);
}

bool
module_args_init(const module_state *state, PyObject *objects, struct module_args *args)
{
    *args = (struct module_args){.objects = PySequence_Tuple(objects)};
    if (args->objects == NULL)
        return false;
    Py_ssize_t count = PyTuple_Size(args->objects);
    if (count > APV_ARGS_MAX) {
        module_refuse(state, "too many arguments");
        return false;
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        args->count++;
        if (!convert(state, PyTuple_GetItem(args->objects, i), &args->args[i], &args->kept[i]))
            return false;
    }
    return true;
}

void
module_args_clear(struct module_args *args)
{
    for (size_t i = 0; i < args->count; i++) {
        if (args->args[i].kind == APV_ARG_TEXT_ARRAY || args->args[i].kind == APV_ARG_BYTES_ARRAY)
            free((void *)args->args[i].as.array.items);
        Py_XDECREF(args->kept[i]);
    }
    args->count = 0;
    Py_CLEAR(args->objects);
}

int
module_flag(PyObject *object, void *flag)
{
    int truth = PyObject_IsTrue(object);

    if (truth < 0)
        return false;
    *(bool *)flag = truth;
    return true;
}
