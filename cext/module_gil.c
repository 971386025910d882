/* module_gil.c - calls that run without the GIL, and ask Python's signal handlers meanwhile. */
#include "module_gil.h"

void
module_gil_release(module_gil *gil)
{
    gil->thread = PyEval_SaveThread();
}

void
module_gil_acquire(module_gil *gil)
{
    PyEval_RestoreThread(gil->thread);
}

bool
module_gil_interrupted(void *gil)
{
    module_gil *released = gil;

    module_gil_acquire(released);
    released->interrupted = released->interrupted || PyErr_CheckSignals() < 0;
    module_gil_release(released);
    return released->interrupted;
}
