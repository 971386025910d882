/* module_state.h - what the files of the Python binding share.
 *
 * Only module*.c include this file (and with it Python.h); the library below
 * knows nothing of Python. All state lives in the module object, none in
 * statics, so that several interpreters can each have their own.
 */
#ifndef APV_MODULE_STATE_H
#define APV_MODULE_STATE_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "apv_snapshot.h"

/* Keys of the dicts that we take and give, interned once. */
#define MODULE_KEYS(X)                                                                             \
    X(actions)                                                                                     \
    X(as_of)                                                                                       \
    X(attempt)                                                                                     \
    X(authenticated)                                                                               \
    X(built)                                                                                       \
    X(built_at)                                                                                    \
    X(database)                                                                                    \
    X(digest)                                                                                      \
    X(documents)                                                                                   \
    X(evidence_key)                                                                                \
    X(expected)                                                                                    \
    X(findings)                                                                                    \
    X(generation)                                                                                  \
    X(kind)                                                                                        \
    X(minion)                                                                                      \
    X(minions)                                                                                     \
    X(name)                                                                                        \
    X(observed)                                                                                    \
    X(outcome)                                                                                     \
    X(packages)                                                                                    \
    X(reason)                                                                                      \
    X(refreshed_at)                                                                                \
    X(revision)                                                                                    \
    X(services)                                                                                    \
    X(size_bytes)                                                                                  \
    X(snapshot)                                                                                    \
    X(source)                                                                                      \
    X(text)                                                                                        \
    X(unapproved)                                                                                  \
    X(unreadable)                                                                                  \
    X(unusable)                                                                                    \
    X(values)                                                                                      \
    X(verdict)                                                                                     \
    X(written)                                                                                     \
    X(xmin)

enum module_key {
#define MODULE_KEY_INDEX(word) KEY_##word,
    MODULE_KEYS(MODULE_KEY_INDEX)
#undef MODULE_KEY_INDEX
        KEY_COUNT
};

struct connection_cache; /* module_connection.c */
struct snapshot_cache;   /* module_snapshot.c */

typedef struct {
    PyObject *error;          /* Error(Exception) */
    PyObject *unavailable;    /* Unavailable(Error) */
    PyObject *database_error; /* DatabaseError(Error) */
    PyObject *data_error;     /* DataError(Error, ValueError) */
    PyObject *store_error;    /* StoreError(Error) */
    PyObject *json_loads;     /* json.loads */
    PyObject *json_text;      /* the one JSON text of an object, as intake makes it */
    PyObject *keys[KEY_COUNT];
    struct connection_cache *connections;
    struct snapshot_cache *snapshots;
} module_state;

/* State of a module of ours. Borrowed; never NULL after the module was executed. */
module_state *module_state_get(PyObject *module);

/* Raises what *err says, as the exception class for its code, with attributes
 * `code` and `sqlstate`. Always returns NULL, so that callers can return it.
 * An exception already set (a signal handler's) is left as it is. */
PyObject *module_raise(const module_state *state, const apv_err *err);

/* What module_raise raises, unless it is MEMORY. New reference, or NULL with an exception set. */
PyObject *module_exception(const module_state *state, const apv_err *err);

/* Raises DataError with this text. Always returns NULL. */
PyObject *module_refuse(const module_state *state, const char *text);

/* dict[key] = value; takes the reference to value (NULL: an error is set).
 * Returns 0, or -1 with an exception set. */
int module_dict_take(PyObject *dict, PyObject *key, PyObject *value);

/* The dict that validate() answers with, for a verdict of the library. New
 * reference, or NULL with an exception set. (module_value.c) */
PyObject *module_verdict_dict(const module_state *state, const apv_verdict *verdict);

/* The pillar of a minion. New reference, or NULL with an exception set.
 * (module_document.c) */
PyObject *module_document_dict(const module_state *state, PyObject *minion_id,
                               const apv_document *document);

/* The UTF-8 of a str, borrowed from it. False: an exception is set. (module_arg.c) */
bool module_text(const module_state *state, PyObject *object, apv_span *text);

/* The arguments of a call, borrowed from Python objects that are kept beside them.
 * After init, also one that failed, comes clear. (module_arg.c) */
struct module_args {
    apv_arg args[APV_ARGS_MAX];
    PyObject *kept[APV_ARGS_MAX];
    size_t count;
    PyObject *objects;
};
bool module_args_init(const module_state *state, PyObject *objects, struct module_args *args);
void module_args_clear(struct module_args *args);

/* A value of a result. New reference, or NULL with an exception set. (module_cell.c) */
PyObject *module_cell(const module_state *state, uint32_t type, apv_span bytes);

/* Functions of the module, by the file that has them; each ends with a zeroed entry. */
extern PyMethodDef module_db_methods[];       /* document*, record_return*, call */
extern PyMethodDef module_payload_methods[];  /* compress, decompress */
extern PyMethodDef module_snapshot_methods[]; /* snapshot_* */
extern PyMethodDef module_value_methods[];    /* digest, mac, validate* */

/* Puts the type Spool into the module; 0, or -1 with an exception set. (module_spool.c) */
int module_add_spool(PyObject *module);

/* The same with the type Returns. (module_returns.c) */
int module_add_returns(PyObject *module);

/* Points loads at the bytes objects in packed, a tuple of count. False: an exception is set.
 * (module_db.c) */
bool module_borrow_bytes(PyObject *packed, apv_span *loads, size_t count);

/* Life of the connection cache (module_connection.c). */
struct connection_cache *module_connections_new(void);
void module_connections_free(struct connection_cache **cache);

/* Runs work on the connection for these settings, without the GIL and while no other
 * thread uses it. Returns whether work did; if not, an exception is set. */
bool module_connection_run(const module_state *state, const apv_db_options *options,
                           bool (*work)(apv_db *db, void *arg, apv_err *err), void *arg);
/* The same, but for the exception: err says why it did not. A signal handler may have
 * set one. */
bool module_connection_try(const module_state *state, const apv_db_options *options,
                           bool (*work)(apv_db *db, void *arg, apv_err *err), void *arg,
                           apv_err *err);

/* The settings when the keyword arguments do not give them. */
#define MODULE_OPTIONS_DEFAULT                                                                     \
    {                                                                                              \
        .connect_timeout_ms = 2000, .timeout_ms = 5000, .prepare = true                            \
    }

/* Life of the handles of snapshots (module_snapshot.c). */
struct snapshot_cache *module_snapshots_new(void);
void module_snapshots_free(struct snapshot_cache **cache);

/* Runs work on the one handle for this path, without the GIL and while no other thread
 * uses it. Returns whether work did. */
bool module_snapshot_try(const module_state *state, const char *path,
                         bool (*work)(apv_snapshot *snapshot, void *arg, apv_err *err), void *arg,
                         apv_err *err);

#endif
