/* module_snapshot.c - the handles of snapshots that the module keeps, one per process and
 * path, and snapshot_*(). */
#include "module_snapshot.h"

#include "module_connection.h"
#include "module_document.h"
#include "module_error.h"
#include "module_text.h"

#include <math.h>
#include <time.h>

/* How long a call waits for another thread's. A refresh takes longer than that only where it
 * builds the snapshot of a large fleet. */
#define TURN_MS 10000

static bool
open_snapshot(const module_handle_key *key, void **handle, apv_err *err)
{
    apv_snapshot *snapshot;

    if (!apv_snapshot_new(key->text, &snapshot, err))
        return false;
    *handle = snapshot;
    return true;
}

static void
close_snapshot(void *handle)
{
    apv_snapshot *snapshot = handle;
    apv_snapshot_close(&snapshot);
}

module_handles *
module_snapshots_new(void)
{
    static const module_handle_kind kind = {
        .what = "the snapshot",
        .busy = APV_ERR_BUSY,
        .places = 1, /* LMDB's locks are lost where a process has two */
        .kept = 16,
        .open = open_snapshot,
        .close = close_snapshot,
    };
    return module_handles_new(&kind);
}

struct job {
    bool (*work)(apv_snapshot *snapshot, void *arg, apv_err *err);
    void *arg;
};

static bool
do_job(module_use *use, void *arg, apv_err *err)
{
    const struct job *job = arg;
    return job->work(use->handle, job->arg, err);
}

/* Runs work on the one handle for this path, without the GIL and while no other thread
 * uses it. Returns whether work did. */
static bool
try_run(const module_state *state, const char *path,
        bool (*work)(apv_snapshot *snapshot, void *arg, apv_err *err), void *arg, apv_err *err)
{
    const module_handle_key key = {.text = path};
    struct job job = {work, arg};

    return module_handles_use(state->snapshots, &key, TURN_MS, do_job, &job, err);
}

/* The same, and raises when it did not. */
static bool
run(const module_state *state, const char *path,
    bool (*work)(apv_snapshot *snapshot, void *arg, apv_err *err), void *arg)
{
    apv_err err = APV_ERR_NONE;
    bool ok = try_run(state, path, work, arg, &err);

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
    apv_snapshot_info info = {0};
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

bool
module_snapshot_read(const module_state *state, const char *path, apv_span minion_id,
                     double max_age, apv_document **document, apv_err *err)
{
    struct read_work work = {minion_id, seconds_now(), max_age, NULL};
    bool ok = try_run(state, path, read_document, &work, err);

    if (ok)
        *document = work.document;
    return ok;
}

static PyObject *
snapshot_read(PyObject *module, PyObject *args)
{
    const module_state *state = module_state_get(module);
    apv_document *document = NULL;
    apv_err err = APV_ERR_NONE;
    double max_age = INFINITY;
    PyObject *minion_id, *pillar;
    apv_span name;
    const char *path;

    if (!PyArg_ParseTuple(args, "sU|d:snapshot_read", &path, &minion_id, &max_age) ||
        !module_text(state, minion_id, &name))
        return NULL;
    if (!module_snapshot_read(state, path, name, max_age, &document, &err))
        return module_raise(state, &err);
    pillar = module_document_dict(state, minion_id, document);
    apv_document_free(&document);
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
    struct verify_work work = {0};
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
             "snapshot_refresh(conninfo, path, *, rebuild=False, " MODULE_OPTIONS_DOC ")\n"
             "--\n\n"
             "Brings the snapshot up to date. Answers as snapshot_info(), with built (a new "
             "generation, of\n"
             "everything), written (minions, now) and unusable (of them).");

struct refresh_work {
    const module_state *state;
    apv_db_options options;
    apv_snapshot *snapshot;
    bool rebuild;
    double now;
    apv_snapshot_round round;
};

static bool
refresh_from(apv_db *db, void *arg, apv_err *err)
{
    struct refresh_work *work = arg;
    return apv_snapshot_refresh(work->snapshot, db, work->rebuild, work->now, &work->round, err);
}

/* Wants a connection beside the snapshot, which threads wait for with the GIL. */
static bool
refresh(module_use *use, void *arg, apv_err *err)
{
    struct refresh_work *work = arg;

    work->snapshot = use->handle;
    module_gil_acquire(use->gil);
    bool ok = module_connection_try(work->state, &work->options, refresh_from, work, err);
    module_gil_release(use->gil);
    return ok;
}

static PyObject *
snapshot_refresh(PyObject *module, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"conninfo", "path", "rebuild", MODULE_OPTIONS_NAMES};
    const module_state *state = module_state_get(module);
    struct refresh_work work = {
        .state = state,
        .options = MODULE_OPTIONS_DEFAULT,
        .now = seconds_now(),
    };
    apv_err err = APV_ERR_NONE;
    module_handle_key key = {0};
    PyObject *dict;

    if (!PyArg_ParseTupleAndKeywords(args, kwargs,
                                     "ss|$O&" MODULE_OPTIONS_FORMAT ":snapshot_refresh", names,
                                     &work.options.conninfo, &key.text, module_flag, &work.rebuild,
                                     MODULE_OPTIONS_TARGETS(&work.options)))
        return NULL;
    if (!module_handles_use(state->snapshots, &key, TURN_MS, refresh, &work, &err))
        return module_raise(state, &err);
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
    {"snapshot_refresh", MODULE_WITH_KEYWORDS(snapshot_refresh), refresh_doc},
    {NULL, NULL, 0, NULL},
};
