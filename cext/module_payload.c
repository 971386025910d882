/* module_payload.c - compress() and decompress(). */
#include "module_payload.h"

#include "module_arg.h"
#include "module_error.h"
#include "module_text.h"

#include "apv_payload.h"

#include <stdlib.h>

#define MAX_SIZE_DEFAULT (256L * 1024 * 1024) /* bytes that decompress() gives at most */

PyDoc_STRVAR(compress_doc,
             "compress(data, /)\n--\n\nThe bytes as an LZ4 frame, as payloads are stored.");

static PyObject *
compress(PyObject *module, PyObject *object)
{
    apv_err err = APV_ERR_NONE;
    apv_span data;
    char *frame = NULL;
    size_t size = 0;
    bool ok;

    if (!module_bytes(object, &data))
        return NULL;
    Py_BEGIN_ALLOW_THREADS
    ok = apv_payload_compress(data, &frame, &size, &err);
    Py_END_ALLOW_THREADS
    if (!ok)
        return module_raise(module_state_get(module), &err);
    PyObject *bytes = PyBytes_FromStringAndSize(frame, (Py_ssize_t)size);
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
    Py_ssize_t max_size = MAX_SIZE_DEFAULT;
    apv_span frame;
    char *data = NULL;
    size_t size = 0;
    PyObject *object;
    bool ok;

    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O|n:decompress", names, &object, &max_size) ||
        !module_bytes(object, &frame))
        return NULL;
    if (max_size < 0)
        return module_refuse(module_state_get(module), "max_size must not be negative");
    Py_BEGIN_ALLOW_THREADS
    ok = apv_payload_decompress(frame, (size_t)max_size, &data, &size, &err);
    Py_END_ALLOW_THREADS
    if (!ok)
        return module_raise(module_state_get(module), &err);
    PyObject *bytes = PyBytes_FromStringAndSize(data, (Py_ssize_t)size);
    free(data);
    return bytes;
}

PyMethodDef module_payload_methods[] = {
    {"compress", compress, METH_O, compress_doc},
    {"decompress", MODULE_WITH_KEYWORDS(decompress), decompress_doc},
    {NULL, NULL, 0, NULL},
};
