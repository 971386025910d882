/* module_gil.h - calls that run without the GIL, and ask Python's signal handlers meanwhile. */
#ifndef APV_MODULE_GIL_H
#define APV_MODULE_GIL_H

#include "module_state.h"

/* The GIL as one call has released it. Starts as {0}. */
typedef struct {
    PyThreadState *thread; /* of the call */
    bool interrupted;      /* a signal handler raised: its exception is set */
} module_gil;

/* Lets other threads run Python, and takes the GIL back. */
void module_gil_release(module_gil *gil);
void module_gil_acquire(module_gil *gil);

/* Runs the signal handlers that are due, from the thread that released the GIL. gil: a
 * module_gil, in the form in which the library hands it on. Returns whether one raised. */
bool module_gil_interrupted(void *gil);

#endif
