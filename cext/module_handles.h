/* module_handles.h - handles that a process keeps and its threads share: connections and
 * snapshots.
 *
 * Handles are told apart by a key. Each key has a few places with a handle each, made when it
 * is first wanted; a call has one of them to itself. The GIL guards the list of keys, the turn
 * of a key its places. After a fork the child starts with none: it closes the handles that no
 * call of its parent used, and leaves the others alone, as they are in no known state.
 */
#ifndef APV_MODULE_HANDLES_H
#define APV_MODULE_HANDLES_H

#include "module_turn.h"

/* Numbers that a kind of handle has no use for are 0. */
typedef struct {
    const char *text;
    int numbers[3];
} module_handle_key;

typedef struct {
    const char *what; /* one of them, for error texts */
    apv_code busy;    /* when all places are taken for too long */
    size_t places;    /* of one key: 1 to MODULE_PLACES_MAX */
    size_t kept;      /* handles in all; of more, those least recently used are closed */
    /* Makes the handle for a key, without the GIL. */
    bool (*open)(const module_handle_key *key, void **handle, apv_err *err);
    void (*close)(void *handle);
} module_handle_kind;

typedef struct module_handles module_handles;

/* Makes a cache without handles. kind: outlives it. NULL: out of memory. Free it with
 * module_handles_free, which closes what no call uses: at the interpreter's end a daemon
 * thread may still be using one. */
module_handles *module_handles_new(const module_handle_kind *kind);
void module_handles_free(module_handles **handles);

/* A handle as one call has it. */
typedef struct {
    void *handle;
    module_gil *gil;   /* of the call */
    apv_lesson lesson; /* what the call learned of where the handle leads; starts as NONE */
} module_use;

/* Runs work on a handle for this key, without the GIL and while no other call uses that
 * handle. To be called with the GIL.
 * limit_ms: how long to wait for a place.
 * Returns whether work did. Errors: as module_turn_take; as the kind's open; as work. A
 * signal handler may have set an exception. */
bool module_handles_use(module_handles *handles, const module_handle_key *key, int64_t limit_ms,
                        bool (*work)(module_use *use, void *arg, apv_err *err), void *arg,
                        apv_err *err);

#endif
