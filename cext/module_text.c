/* module_text.c - texts and bytes between Python and the library. */
#include "module_text.h"

#include "module_error.h"

bool
module_text(const module_state *state, PyObject *object, apv_span *text)
{
    Py_ssize_t size;
    const char *data = PyUnicode_AsUTF8AndSize(object, &size);

    if (data == NULL) {
        if (PyErr_ExceptionMatches(PyExc_UnicodeEncodeError)) {
            PyErr_Clear();
            module_refuse(state, "a text has a lone surrogate and cannot be stored");
        }
        return false;
    }
    *text = (apv_span){data, (size_t)size};
    return true;
}

bool
module_bytes(PyObject *object, apv_span *bytes)
{
    char *data;
    Py_ssize_t size;

    if (PyBytes_AsStringAndSize(object, &data, &size) < 0)
        return false;
    *bytes = (apv_span){data, (size_t)size};
    return true;
}

bool
module_bytes_of(PyObject *tuple, apv_span *spans)
{
    for (Py_ssize_t i = 0; i < PyTuple_Size(tuple); i++)
        if (!module_bytes(PyTuple_GetItem(tuple, i), &spans[i]))
            return false;
    return true;
}

PyObject *
module_text_object(apv_span text)
{
    if (text.data == NULL)
        Py_RETURN_NONE;
    return PyUnicode_DecodeUTF8(text.data, (Py_ssize_t)text.size, "replace");
}
