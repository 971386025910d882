/* module_snapshot.c - the handles of snapshots that the module keeps, one per process and
 * path, and snapshot_*(). */
#include "module.h"

#include "apv_base.h"
#include "module_turn.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* How long a call waits for another thread's. A refresh takes longer than that only where it
 * builds the snapshot of a large fleet. */
#define TURN_MS 10000

struct handle {
    struct handle *next;
    char *path;
    apv_snapshot *snapshot;
    size_t users;     /* calls that have it or wait for it; under the GIL, as next is */
    module_turn turn; /* of the call that has it */
};

struct snapshot_cache {
    struct handle *first;
    pid_t pid; /* process that made them */
};

static void
handle_free(struct handle *handle)
{
    apv_snapshot_close(&handle->snapshot);
    module_turn_destroy(&handle->turn);
    free(handle->path);
    free(handle);
}

struct snapshot_cache *
module_snapshots_new(void)
{
    struct snapshot_cache *cache = calloc(1, sizeof *cache);
    if (cache != NULL)
        cache->pid = getpid();
    return cache;
}

/* Closes what no call uses; as with connections, what one uses is left as it is. */
static void
close_all(struct snapshot_cache *cache)
{
    while (cache->first != NULL) {
        struct handle *handle = cache->first;
        cache->first = handle->next;
        if (handle->users == 0)
            handle_free(handle);
    }
}

void
module_snapshots_free(struct snapshot_cache **cache)
{
    if (*cache == NULL)
        return;
    close_all(*cache);
    free(*cache);
    *cache = NULL;
}

static struct handle *
find(struct snapshot_cache *cache, const char *path, apv_err *err)
{
    struct handle *found;

    if (cache->pid != getpid()) {
        close_all(cache);
        cache->pid = getpid();
    }
    for (found = cache->first; found != NULL; found = found->next)
        if (strcmp(found->path, path) == 0)
            return found;
    found = calloc(1, sizeof *found);
    if (found == NULL || (found->path = strdup(path)) == NULL) {
        free(found);
        apv_fail(err, APV_ERR_MEMORY, "out of memory");
        return NULL;
    }
    module_turn_init(&found->turn);
    if (!apv_snapshot_new(path, &found->snapshot, err)) {
        handle_free(found);
        return NULL;
    }
    found->next = cache->first;
    cache->first = found;
    return found;
}

/* Gets the handle for this path for one call, waiting without the GIL; NULL: err is set. */
static struct handle *
acquire(const module_state *state, const char *path, apv_err *err)
{
    struct handle *handle = find(state->snapshots, path, err);
    bool taken;

    if (handle == NULL)
        return NULL;
    handle->users++;
    Py_BEGIN_ALLOW_THREADS
    taken = module_turn_take(&handle->turn, TURN_MS, "the snapshot", err);
    Py_END_ALLOW_THREADS
    if (!taken) {
        handle->users--;
        return NULL;
    }
    return handle;
}

static void
release(struct handle *handle)
{
    module_turn_give(&handle->turn);
    handle->users--;
}

bool
module_snapshot_try(const module_state *state, const char *path,
                    bool (*work)(apv_snapshot *snapshot, void *arg, apv_err *err), void *arg,
                    apv_err *err)
{
    struct handle *handle = acquire(state, path, err);
    bool ok;

    if (handle == NULL)
        return false;
    Py_BEGIN_ALLOW_THREADS
    ok = work(handle->snapshot, arg, err);
    Py_END_ALLOW_THREADS
    release(handle);
    return ok;
}

/* The same, and raises when it did not. */
static bool
run(const module_state *state, const char *path,
    bool (*work)(apv_snapshot *snapshot, void *arg, apv_err *err), void *arg)
{
    apv_err err = APV_ERR_NONE;
    bool ok = module_snapshot_try(state, path, work, arg, &err);

    if (!ok)
        module_raise(state, &err);
    return ok;
}

/* ---- snapshot_info ---- */

PyDoc_STRVAR(info_doc,
             "snapshot_info(path)\n"
             "--\n\n"
             "What is in the snapshot: generation, built_at, refreshed_at, xmin, minions, "
             "size_bytes.");

static bool
look(apv_snapshot *snapshot, void *arg, apv_err *err)
{
    return apv_snapshot_inspect(snapshot, arg, err);
}

static PyObject *
info_dict(const module_state *state, const apv_snapshot_info *info)
{
    PyObject *const *keys = state->keys;
    PyObject *dict = PyDict_New();

    if (dict != NULL &&
        (module_dict_take(dict, keys[KEY_generation], PyLong_FromLongLong(info->generation)) < 0 ||
         module_dict_take(dict, keys[KEY_built_at], PyFloat_FromDouble(info->built_at)) < 0 ||
         module_dict_take(dict, keys[KEY_refreshed_at], PyFloat_FromDouble(info->refreshed_at)) <
             0 ||
         module_dict_take(dict, keys[KEY_xmin], PyLong_FromUnsignedLongLong(info->xmin)) < 0 ||
         module_dict_take(dict, keys[KEY_minions], PyLong_FromSize_t(info->minions)) < 0 ||
         module_dict_take(dict, keys[KEY_size_bytes], PyLong_FromSize_t(info->size_bytes)) < 0))
        Py_CLEAR(dict);
    return dict;
}

static PyObject *
snapshot_info(PyObject *module, PyObject *args)
{
    const module_state *state = module_state_get(module);
    apv_snapshot_info info;
    const char *path;

    if (!PyArg_ParseTuple(args, "s:snapshot_info", &path) || !run(state, path, look, &info))
        return NULL;
    return info_dict(state, &info);
}

/* ---- snapshot_read ---- */

PyDoc_STRVAR(read_doc, "snapshot_read(path, minion_id, max_age=inf)\n"
                       "--\n\n"
                       "The approved state of exactly this minion as the snapshot has it.");

struct read_work {
    apv_span minion_id;
    double now, max_age;
    apv_document *document;
};

static double
seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static bool
read_document(apv_snapshot *snapshot, void *arg, apv_err *err)
{
    struct read_work *work = arg;
    return apv_snapshot_read(snapshot, work->minion_id, work->now, work->max_age, &work->document,
                             err);
}

static PyObject *
snapshot_read(PyObject *module, PyObject *args)
{
    const module_state *state = module_state_get(module);
    struct read_work work = {.now = seconds_now(), .max_age = INFINITY};
    PyObject *minion_id, *pillar = NULL;
    const char *path;

    if (!PyArg_ParseTuple(args, "sU|d:snapshot_read", &path, &minion_id, &work.max_age) ||
        !module_text(state, minion_id, &work.minion_id))
        return NULL;
    if (run(state, path, read_document, &work))
        pillar = module_document_dict(state, minion_id, work.document);
    apv_document_free(&work.document);
    return pillar;
}

/* ---- snapshot_verify ---- */

PyDoc_STRVAR(verify_doc,
             "snapshot_verify(path)\n"
             "--\n\n"
             "Reads all of the snapshot and checks it: {minions, documents}. Damage to the file's\n"
             "structure can end the process: call it in a child.");

struct verify_work {
    size_t minions, documents;
};

static bool
verify(apv_snapshot *snapshot, void *arg, apv_err *err)
{
    struct verify_work *work = arg;
    return apv_snapshot_verify(snapshot, &work->minions, &work->documents, err);
}

static PyObject *
snapshot_verify(PyObject *module, PyObject *args)
{
    const module_state *state = module_state_get(module);
    struct verify_work work;
    const char *path;
    PyObject *dict;

    if (!PyArg_ParseTuple(args, "s:snapshot_verify", &path) || !run(state, path, verify, &work))
        return NULL;
    dict = PyDict_New();
    if (dict != NULL &&
        (module_dict_take(dict, state->keys[KEY_minions], PyLong_FromSize_t(work.minions)) < 0 ||
         module_dict_take(dict, state->keys[KEY_documents], PyLong_FromSize_t(work.documents)) < 0))
        Py_CLEAR(dict);
    return dict;
}

/* ---- snapshot_refresh ---- */

PyDoc_STRVAR(refresh_doc,
             "snapshot_refresh(conninfo, path, *, rebuild=False, connect_timeout_ms=2000,\n"
             "                 timeout_ms=5000, prepare=True)\n"
             "--\n\n"
             "Brings the snapshot up to date. Answers as snapshot_info(), with built (a new "
             "generation, of\n"
             "everything), written (minions, now) and unusable (of them).");

struct refresh_work {
    apv_snapshot *snapshot;
    bool rebuild;
    double now;
    apv_snapshot_round round;
};

static bool
refresh(apv_db *db, void *arg, apv_err *err)
{
    struct refresh_work *work = arg;
    return apv_snapshot_refresh(work->snapshot, db, work->rebuild, work->now, &work->round, err);
}

static PyObject *
snapshot_refresh(PyObject *module, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"conninfo",   "path",    "rebuild", "connect_timeout_ms",
                            "timeout_ms", "prepare", NULL};
    const module_state *state = module_state_get(module);
    apv_db_options options = MODULE_OPTIONS_DEFAULT;
    struct refresh_work work = {.now = seconds_now()};
    apv_err err = APV_ERR_NONE;
    struct handle *handle;
    bool ok;
    int prepare = options.prepare, rebuild = false;
    const char *path;
    PyObject *dict;

    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "ss|$piip:snapshot_refresh", names,
                                     &options.conninfo, &path, &rebuild,
                                     &options.connect_timeout_ms, &options.timeout_ms, &prepare))
        return NULL;
    options.prepare = prepare;
    work.rebuild = rebuild;
    handle = acquire(state, path, &err);
    if (handle == NULL)
        return module_raise(state, &err);
    work.snapshot = handle->snapshot;
    ok = module_connection_run(state, &options, refresh, &work);
    release(handle);
    if (!ok)
        return NULL;
    dict = info_dict(state, &work.round.now);
    if (dict != NULL &&
        (PyDict_SetItem(dict, state->keys[KEY_built], work.round.built ? Py_True : Py_False) < 0 ||
         module_dict_take(dict, state->keys[KEY_written], PyLong_FromSize_t(work.round.minions)) <
             0 ||
         module_dict_take(dict, state->keys[KEY_unusable], PyLong_FromSize_t(work.round.unusable)) <
             0))
        Py_CLEAR(dict);
    return dict;
}

PyMethodDef module_snapshot_methods[] = {
    {"snapshot_info", snapshot_info, METH_VARARGS, info_doc},
    {"snapshot_read", snapshot_read, METH_VARARGS, read_doc},
    {"snapshot_verify", snapshot_verify, METH_VARARGS, verify_doc},
    {"snapshot_refresh", (PyCFunction)(void (*)(void))snapshot_refresh,
     METH_VARARGS | METH_KEYWORDS, refresh_doc},
    {NULL, NULL, 0, NULL},
};
