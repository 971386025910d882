/* module_snapshot.h - the handles of snapshots that the module keeps, and snapshot_*(). */
#ifndef APV_MODULE_SNAPSHOT_H
#define APV_MODULE_SNAPSHOT_H

#include "module_handles.h"

#include "apv_snapshot.h"

/* The functions; ends with a zeroed entry. */
extern PyMethodDef module_snapshot_methods[];

/* A cache for snapshots, as module_handles_new. */
module_handles *module_snapshots_new(void);

/* Runs work on the one handle for this path, without the GIL and while no other thread
 * uses it. Returns whether work did. */
bool module_snapshot_try(const module_state *state, const char *path,
                         bool (*work)(apv_snapshot *snapshot, void *arg, apv_err *err), void *arg,
                         apv_err *err);

#endif
