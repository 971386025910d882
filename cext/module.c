/* module.c - the Python module saltext.approval._core: its state, its exceptions
 * and how errors of the library become exceptions. */
#include "module.h"

#include "apv_base.h"

#include <string.h>

module_state *
module_state_get(PyObject *module)
{
    return (module_state *)PyModule_GetState(module);
}

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

int
module_dict_take(PyObject *dict, PyObject *key, PyObject *value)
{
    if (value == NULL)
        return -1;
    int status = PyDict_SetItem(dict, key, value);
    Py_DECREF(value);
    return status;
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

static int
add_exceptions(PyObject *module, module_state *state)
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

static int
intern_keys(module_state *state)
{
    static const char *const words[KEY_COUNT] = {
#define MODULE_KEY_WORD(word) #word,
        MODULE_KEYS(MODULE_KEY_WORD)
#undef MODULE_KEY_WORD
    };
    for (size_t i = 0; i < KEY_COUNT; i++) {
        state->keys[i] = PyUnicode_InternFromString(words[i]);
        if (state->keys[i] == NULL)
            return -1;
    }
    return 0;
}

static int
import_json(module_state *state)
{
    PyObject *json = PyImport_ImportModule("json"), *nothing = PyTuple_New(0);
    PyObject *type = NULL, *options = NULL, *encoder = NULL;
    int status = -1;

    if (json == NULL || nothing == NULL)
        goto done;
    state->json_loads = PyObject_GetAttrString(json, "loads");
    type = PyObject_GetAttrString(json, "JSONEncoder");
    options = Py_BuildValue("{sOsOsOs(ss)}", "sort_keys", Py_True, "ensure_ascii", Py_False,
                            "allow_nan", Py_False, "separators", ",", ":");
    if (state->json_loads == NULL || type == NULL || options == NULL)
        goto done;
    encoder = PyObject_Call(type, nothing, options);
    if (encoder == NULL)
        goto done;
    state->json_text = PyObject_GetAttrString(encoder, "encode");
    status = state->json_text == NULL ? -1 : 0;

done:
    Py_XDECREF(encoder);
    Py_XDECREF(options);
    Py_XDECREF(type);
    Py_XDECREF(nothing);
    Py_XDECREF(json);
    return status;
}

static int
module_exec(PyObject *module)
{
    module_state *state = module_state_get(module);

    if (add_exceptions(module, state) < 0 || intern_keys(state) < 0 || import_json(state) < 0)
        return -1;
    state->connections = module_connections_new();
    state->snapshots = module_snapshots_new();
    if (state->connections == NULL || state->snapshots == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    if (PyModule_AddFunctions(module, module_db_methods) < 0 ||
        PyModule_AddFunctions(module, module_payload_methods) < 0 ||
        PyModule_AddFunctions(module, module_snapshot_methods) < 0 ||
        module_add_spool(module) < 0 || module_add_returns(module) < 0)
        return -1;
    return PyModule_AddFunctions(module, module_value_methods);
}

static int
module_traverse(PyObject *module, visitproc visit, void *arg)
{
    module_state *state = module_state_get(module);
    Py_VISIT(state->error);
    Py_VISIT(state->unavailable);
    Py_VISIT(state->database_error);
    Py_VISIT(state->data_error);
    Py_VISIT(state->store_error);
    Py_VISIT(state->json_loads);
    Py_VISIT(state->json_text);
    for (size_t i = 0; i < KEY_COUNT; i++)
        Py_VISIT(state->keys[i]);
    return 0;
}

static int
module_clear(PyObject *module)
{
    module_state *state = module_state_get(module);
    Py_CLEAR(state->error);
    Py_CLEAR(state->unavailable);
    Py_CLEAR(state->database_error);
    Py_CLEAR(state->data_error);
    Py_CLEAR(state->store_error);
    Py_CLEAR(state->json_loads);
    Py_CLEAR(state->json_text);
    for (size_t i = 0; i < KEY_COUNT; i++)
        Py_CLEAR(state->keys[i]);
    return 0;
}

static void
module_free(void *module)
{
    module_clear((PyObject *)module);
    module_connections_free(&module_state_get((PyObject *)module)->connections);
    module_snapshots_free(&module_state_get((PyObject *)module)->snapshots);
}

static PyModuleDef_Slot module_slots[] = {
    {Py_mod_exec, (void *)module_exec},
    {0, NULL},
};

static struct PyModuleDef module_def = {
    PyModuleDef_HEAD_INIT,
    .m_name = "saltext.approval._core",
    .m_doc = "The C core: reads approved state, validates returns and records them.",
    .m_size = sizeof(module_state),
    .m_slots = module_slots,
    .m_traverse = module_traverse,
    .m_clear = module_clear,
    .m_free = module_free,
};

PyMODINIT_FUNC
PyInit__core(void)
{
    return PyModuleDef_Init(&module_def);
}
