/* module_state.h - the state of the Python module, and the keys of the dicts that it
 * takes and gives.
 *
 * Only module*.c include Python.h; the library below knows nothing of Python. All state
 * lives in the module object, none in statics, so that several interpreters can each have
 * their own.
 */
#ifndef APV_MODULE_STATE_H
#define APV_MODULE_STATE_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <stdbool.h>

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

struct module_handles;

/* A word of the library's own, as str: known by where it lies. */
typedef struct {
    const char *word; /* static */
    PyObject *text;
} module_word_made;

#define MODULE_WORDS 64 /* places; more words than a validation has */

typedef struct {
    PyObject *error;          /* Error(Exception) */
    PyObject *unavailable;    /* Unavailable(Error) */
    PyObject *database_error; /* DatabaseError(Error) */
    PyObject *data_error;     /* DataError(Error, ValueError) */
    PyObject *store_error;    /* StoreError(Error) */
    PyObject *json_loads;     /* json.loads */
    PyObject *json_text;      /* the one JSON text of an object, as intake makes it */
    PyObject *finding;        /* a dict with all keys of a finding, each None: to be copied */
    PyObject *keys[KEY_COUNT];
    module_word_made *words;            /* MODULE_WORDS of them */
    struct module_handles *connections; /* by settings */
    struct module_handles *snapshots;   /* by path */
} module_state;

/* State of a module of ours. Borrowed; never NULL after the module was executed. */
module_state *module_state_get(PyObject *module);

/* Fills in what the module has from elsewhere: keys, a finding's dict and Python's JSON. 0, or -1
 * with an exception set. */
int module_state_init(module_state *state);

/* Visits and clears the objects of the state, as tp_traverse and tp_clear do. */
int module_state_traverse(module_state *state, visitproc visit, void *arg);
void module_state_clear(module_state *state);

/* A word of the library's own as str: a new reference, or NULL with an exception set. word:
 * static. */
PyObject *module_word(const module_state *state, const char *word);

/* dict[key] = value; takes the reference to value (NULL: an exception is set).
 * Returns 0, or -1 with an exception set. */
int module_dict_take(PyObject *dict, PyObject *key, PyObject *value);

#endif
