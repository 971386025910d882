/* module_error.c - errors of the library as Python exceptions. */
#include "module_error.h"

#include "apv_base.h"

#include <string.h>

/* The name under which Python sees an error code. */
static const char *
code_name(apv_code code)
{
    switch (code) {
    case APV_OK:
        return "ok";
    case APV_ERR_MEMORY:
        return "memory";
    case APV_ERR_INVALID:
        return "invalid";
    case APV_ERR_UNAVAILABLE:
        return "unavailable";
    case APV_ERR_TIMEOUT:
        return "timeout";
    case APV_ERR_DATABASE:
        return "database";
    case APV_ERR_PROTOCOL:
        return "protocol";
    case APV_ERR_FORKED:
        return "forked";
    case APV_ERR_LIMIT:
        return "limit";
    case APV_ERR_FULL:
        return "full";
    case APV_ERR_DAMAGED:
        return "damaged";
    case APV_ERR_BUSY:
        return "busy";
    }
    return "unknown";
}

/* Borrowed. */
static PyObject *
exception_class(const module_state *state, apv_code code)
{
    switch (code) {
    case APV_ERR_UNAVAILABLE:
    case APV_ERR_TIMEOUT:
    case APV_ERR_FORKED:
        return state->unavailable;
    case APV_ERR_DATABASE:
        return state->database_error;
    case APV_ERR_INVALID:
    case APV_ERR_LIMIT:
        return state->data_error;
    case APV_ERR_FULL:
    case APV_ERR_DAMAGED:
    case APV_ERR_BUSY:
        return state->store_error;
    default:
        return state->error;
    }
}

/* Sets attribute `name` of exception; takes value. */
static int
set_attribute(PyObject *exception, const char *name, PyObject *value)
{
    if (value == NULL)
        return -1;
    int status = PyObject_SetAttrString(exception, name, value);
    Py_DECREF(value);
    return status;
}

PyObject *
module_exception(const module_state *state, const apv_err *err)
{
    PyObject *text = NULL, *exception = NULL, *sqlstate = NULL;
    bool ok = false;

    text = PyUnicode_DecodeUTF8(err->message, (Py_ssize_t)strlen(err->message), "replace");
    if (text == NULL)
        goto done;
    exception = PyObject_CallFunctionObjArgs(exception_class(state, err->code), text, NULL);
    if (exception == NULL)
        goto done;
    if (set_attribute(exception, "code", PyUnicode_FromString(code_name(err->code))) < 0)
        goto done;
    if (err->sqlstate[0] != '\0') {
        sqlstate =
            PyUnicode_DecodeUTF8(err->sqlstate, (Py_ssize_t)strlen(err->sqlstate), "replace");
        if (sqlstate == NULL || PyObject_SetAttrString(exception, "sqlstate", sqlstate) < 0)
            goto done;
    }
    ok = true;

done:
    if (!ok)
        Py_CLEAR(exception);
    Py_XDECREF(sqlstate);
    Py_XDECREF(text);
    return exception;
}

PyObject *
module_raise(const module_state *state, const apv_err *err)
{
    if (PyErr_Occurred())
        return NULL;
    if (err->code == APV_ERR_MEMORY)
        return PyErr_NoMemory();
    PyObject *exception = module_exception(state, err);
    if (exception != NULL)
        PyErr_SetObject((PyObject *)Py_TYPE(exception), exception);
    Py_XDECREF(exception);
    return NULL;
}

PyObject *
module_refuse(const module_state *state, const char *text)
{
    apv_err err = APV_ERR_NONE;
    apv_fail(&err, APV_ERR_INVALID, "%s", text);
    return module_raise(state, &err);
}

/* Makes the exception class `name`, puts it into the module and *slot. */
static int
add_exception(PyObject *module, PyObject **slot, const char *name, PyObject *bases, const char *doc)
{
    char full[64];
    PyOS_snprintf(full, sizeof full, "saltext.approval._core.%s", name);
    *slot = PyErr_NewExceptionWithDoc(full, doc, bases, NULL);
    return *slot == NULL ? -1 : PyModule_AddObjectRef(module, name, *slot);
}

int
module_add_exceptions(PyObject *module, module_state *state)
{
    PyObject *bases = NULL;
    int status = -1;

    if (add_exception(module, &state->error, "Error", NULL,
                      "Base of all errors of the C core. `code` says what kind, as a word; "
                      "`sqlstate` is the server's code where the server said no.") < 0)
        goto done;
    if (PyObject_SetAttrString(state->error, "code", Py_None) < 0 ||
        PyObject_SetAttrString(state->error, "sqlstate", Py_None) < 0)
        goto done;
    if (add_exception(module, &state->unavailable, "Unavailable", state->error,
                      "The database cannot be reached, or did not answer in time.") < 0)
        goto done;
    if (add_exception(module, &state->database_error, "DatabaseError", state->error,
                      "The database refused; `sqlstate` says why.") < 0)
        goto done;
    bases = PyTuple_Pack(2, state->error, PyExc_ValueError);
    if (bases == NULL)
        goto done;
    if (add_exception(module, &state->data_error, "DataError", bases,
                      "An argument cannot be used.") < 0)
        goto done;
    if (add_exception(module, &state->store_error, "StoreError", state->error,
                      "A store on disk is full or damaged.") < 0)
        goto done;
    status = 0;

done:
    Py_XDECREF(bases);
    return status;
}
