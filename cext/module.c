/* module.c - the Python module saltext.approval._core: put together from its parts. */
#include "module_connection.h"
#include "module_db.h"
#include "module_error.h"
#include "module_payload.h"
#include "module_returns.h"
#include "module_snapshot.h"
#include "module_spool.h"
#include "module_value.h"

static int
module_exec(PyObject *module)
{
    module_state *state = module_state_get(module);

    if (module_add_exceptions(module, state) < 0 || module_state_init(state) < 0)
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
        PyModule_AddFunctions(module, module_value_methods) < 0 || module_add_spool(module) < 0)
        return -1;
    return module_add_returns(module);
}

static int
module_traverse(PyObject *module, visitproc visit, void *arg)
{
    return module_state_traverse(module_state_get(module), visit, arg);
}

static int
module_clear(PyObject *module)
{
    module_state_clear(module_state_get(module));
    return 0;
}

static void
module_free(void *module)
{
    module_state *state = module_state_get((PyObject *)module);

    module_state_clear(state);
    module_handles_free(&state->connections);
    module_handles_free(&state->snapshots);
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
