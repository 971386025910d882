/* module_snapshot.h - the handles of snapshots that the module keeps, and snapshot_*(). */
#ifndef APV_MODULE_SNAPSHOT_H
#define APV_MODULE_SNAPSHOT_H

#include "module_handles.h"

#include "apv_snapshot.h"

/* The functions; ends with a zeroed entry. */
extern PyMethodDef module_snapshot_methods[];

/* A cache for snapshots, as module_handles_new. */
module_handles *module_snapshots_new(void);

/* Reads a document from the snapshot in the directory path, as apv_snapshot_read does with
 * the time that it is now. Returns whether it did. A signal handler may have set an exception. */
bool module_snapshot_read(const module_state *state, const char *path, apv_span minion_id,
                          double max_age, apv_document **document, apv_err *err);

#endif
