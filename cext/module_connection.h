/* module_connection.h - the connections that the module keeps. */
#ifndef APV_MODULE_CONNECTION_H
#define APV_MODULE_CONNECTION_H

#include "module_arg.h"
#include "module_handles.h"

#include "apv_db.h"

/* A cache for connections, as module_handles_new. */
module_handles *module_connections_new(void);

/* Runs work on a connection for these settings, without the GIL and while no other call
 * uses it. Returns whether work did; if not, an exception is set. */
bool module_connection_run(const module_state *state, const apv_db_options *options,
                           bool (*work)(apv_db *db, void *arg, apv_err *err), void *arg);
/* The same, but for the exception: err says why it did not. A signal handler may have
 * set one. */
bool module_connection_try(const module_state *state, const apv_db_options *options,
                           bool (*work)(apv_db *db, void *arg, apv_err *err), void *arg,
                           apv_err *err);

/* The settings as keyword-only arguments, behind what a function takes itself: their
 * defaults, how documentation spells them, their names (which end the list), their part of
 * the format of PyArg_ParseTupleAndKeywords, and where it puts them. */
#define MODULE_OPTIONS_DEFAULT                                                                     \
    {                                                                                              \
        .connect_timeout_ms = 2000, .timeout_ms = 5000, .prepare = true                            \
    }
#define MODULE_OPTIONS_DOC "connect_timeout_ms=2000, timeout_ms=5000, prepare=True"
#define MODULE_OPTIONS_NAMES "connect_timeout_ms", "timeout_ms", "prepare", NULL
#define MODULE_OPTIONS_FORMAT "iiO&"
#define MODULE_OPTIONS_TARGETS(options)                                                            \
    &(options)->connect_timeout_ms, &(options)->timeout_ms, module_flag, &(options)->prepare

#endif
