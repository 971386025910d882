/* module_payload.c - compress() and decompress(). */
#include "module.h"

#include "apv_payload.h"

#include <stdlib.h>

#define MAX_SIZE_DEFAULT (256L * 1024 * 1024) /* bytes that decompress() gives at most */

PyDoc_STRVAR(compress_doc,
             "compress(data, /)\n--\n\nThe bytes as an LZ4 frame, as payloads are stored.");

static PyObject *
compress(PyObject *module, PyObject *object)
{
    apv_err err = APV_ERR_NONE;
    char *data, *frame = NULL;
    Py_ssize_t size;
    size_t frame_size = 0;
    bool ok;

    if (PyBytes_AsStringAndSize(object, &data, &size) < 0)
        return NULL;
    apv_span span = {data, (size_t)size};
    Py_BEGIN_ALLOW_THREADS
    ok = apv_payload_compress(span, &frame, &frame_size, &err);
    Py_END_ALLOW_THREADS
    if (!ok)
        return module_raise(module_state_get(module), &err);
    PyObject *bytes = PyBytes_FromStringAndSize(frame, (Py_ssize_t)frame_size);
    free(frame);
    return bytes;
}

PyDoc_STRVAR(decompress_doc, "decompress(data, max_size=268435456)\n--\n\n"
                             "The content of an LZ4 frame; more than max_size bytes are refused.");

static PyObject *
decompress(PyObject *module, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"data", "max_size", NULL};
    apv_err err = APV_ERR_NONE;
    Py_ssize_t frame_size, max_size = MAX_SIZE_DEFAULT;
    char *frame, *data = NULL;
    size_t size = 0;
    PyObject *object;
    bool ok;

    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O|n:decompress", names, &object, &max_size) ||
        PyBytes_AsStringAndSize(object, &frame, &frame_size) < 0)
        return NULL;
    if (max_size < 0)
        return module_refuse(module_state_get(module), "max_size must not be negative");
    apv_span span = {frame, (size_t)frame_size};
    Py_BEGIN_ALLOW_THREADS
    ok = apv_payload_decompress(span, (size_t)max_size, &data, &size, &err);
    Py_END_ALLOW_THREADS
    if (!ok)
        return module_raise(module_state_get(module), &err);
    PyObject *bytes = PyBytes_FromStringAndSize(data, (Py_ssize_t)size);
    free(data);
    return bytes;
}

PyMethodDef module_payload_methods[] = {
    {"compress", compress, METH_O, compress_doc},
    {"decompress", (PyCFunction)(void (*)(void))decompress, METH_VARARGS | METH_KEYWORDS,
     decompress_doc},
    {NULL, NULL, 0, NULL},
};
