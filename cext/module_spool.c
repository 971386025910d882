/* module_spool.c - the type Spool: a spool that this process has open, shared by its
 * threads, which take turns. */
#include "module.h"

#include "apv_base.h"
#include "apv_spool.h"
#include "module_turn.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define READ_COUNT_DEFAULT 500
#define READ_SIZE_DEFAULT (16L * 1024 * 1024) /* bytes */
#define US_PER_S 1e6
#define TURN_MS 10000 /* how long a call waits for another thread's */

struct spool_object {
    PyObject_HEAD apv_spool *spool; /* NULL after close() */
    pid_t pid;                      /* process that opened it */
    module_turn turn;
    PyThreadState *thread; /* of the call that has it, as what follows */
    bool interrupted;      /* a signal handler raised */
};

static const char *const kind_names[] = {NULL, "load", "return", "minions", "endtime", "events"};
#define KIND_COUNT (sizeof kind_names / sizeof *kind_names)

static const module_state *
state_of(struct spool_object *self)
{
    return (const module_state *)PyType_GetModuleState(Py_TYPE(self));
}

/* Asks Python's signal handlers; called by the library, without the GIL. */
static bool
interrupted(void *arg)
{
    struct spool_object *self = arg;
    PyEval_RestoreThread(self->thread);
    self->interrupted = PyErr_CheckSignals() < 0;
    self->thread = PyEval_SaveThread();
    return self->interrupted;
}

/* Does work on the spool, without the GIL and while no other thread uses it. Returns
 * whether it did; if not, an exception is set. */
static bool
run(struct spool_object *self, bool (*work)(apv_spool *spool, void *arg, apv_err *err), void *arg)
{
    apv_err err = APV_ERR_NONE;
    bool ok = false;

    /* Before the lock, which another thread of the parent may have held when it forked. */
    if (self->pid != getpid()) {
        apv_fail(&err, APV_ERR_FORKED, "the spool belongs to the parent process");
    } else {
        PyThreadState *thread = PyEval_SaveThread();
        if (module_turn_take(&self->turn, TURN_MS, "the spool", &err)) {
            self->thread = thread;
            ok = self->spool != NULL ? work(self->spool, arg, &err)
                                     : apv_fail(&err, APV_ERR_INVALID, "the spool is closed");
            module_turn_give(&self->turn);
        }
        PyEval_RestoreThread(thread);
    }
    if (!ok)
        module_raise(state_of(self), &err);
    return ok;
}

/* ---- life ---- */

static PyObject *
spool_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"path", "bound_bytes", "write_timeout_ms", NULL};
    apv_err err = APV_ERR_NONE;
    struct spool_object *self = NULL;
    PyObject *path = NULL;
    Py_ssize_t bound_bytes;
    apv_spool_options options = {.write_timeout_ms = APV_SPOOL_WRITE_TIMEOUT_MS};
    apv_spool *spool = NULL;
    bool ok;

    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O&n|$i:Spool", names, PyUnicode_FSConverter,
                                     &path, &bound_bytes, &options.write_timeout_ms))
        return NULL;
    options.path = PyBytes_AsString(path);
    options.bound_bytes = bound_bytes < 0 ? 0 : (size_t)bound_bytes;
    if (options.path == NULL)
        goto done;
    Py_BEGIN_ALLOW_THREADS
    ok = apv_spool_open(&options, &spool, &err);
    Py_END_ALLOW_THREADS
    if (!ok) {
        module_raise((const module_state *)PyType_GetModuleState(type), &err);
        goto done;
    }
    allocfunc allocate = (allocfunc)PyType_GetSlot(type, Py_tp_alloc);
    self = (struct spool_object *)allocate(type, 0);
    if (self == NULL) {
        apv_spool_close(&spool);
        goto done;
    }
    self->spool = spool;
    self->pid = getpid();
    module_turn_init(&self->turn);
    apv_spool_on_signal(spool, interrupted, self);

done:
    Py_DECREF(path);
    return (PyObject *)self;
}

static void
spool_dealloc(PyObject *object)
{
    struct spool_object *self = (struct spool_object *)object;
    PyTypeObject *type = Py_TYPE(object);

    apv_spool_close(&self->spool);
    if (self->pid == getpid())
        module_turn_destroy(&self->turn);
    freefunc release = (freefunc)PyType_GetSlot(type, Py_tp_free);
    release(object);
    Py_DECREF(type);
}

PyDoc_STRVAR(close_doc, "close()\n--\n\nClose it. All else then raises DataError.");

static PyObject *
spool_close(PyObject *object, PyObject *unused)
{
    (void)unused;
    struct spool_object *self = (struct spool_object *)object;

    apv_err err = APV_ERR_NONE;
    bool taken = true;

    if (self->pid == getpid()) {
        Py_BEGIN_ALLOW_THREADS
        taken = module_turn_take(&self->turn, TURN_MS, "the spool", &err);
        if (taken) {
            apv_spool_close(&self->spool);
            module_turn_give(&self->turn);
        }
        Py_END_ALLOW_THREADS
    }
    if (!taken)
        return module_raise(state_of(self), &err);
    Py_RETURN_NONE;
}

/* ---- conversions ---- */

static bool
parse_kind(const module_state *state, const char *name, apv_spool_kind *kind)
{
    for (size_t i = 1; i < KIND_COUNT; i++) {
        if (strcmp(name, kind_names[i]) == 0) {
            *kind = (apv_spool_kind)i;
            return true;
        }
    }
    module_refuse(state, "the spool has no such kind of entry");
    return false;
}

static bool
parse_time(const module_state *state, double seconds, int64_t *us)
{
    if (!(seconds > -1e12 && seconds < 1e12)) {
        module_refuse(state, "a time is out of range");
        return false;
    }
    *us = (int64_t)(seconds * US_PER_S);
    return true;
}

static PyObject *
text_or_none(apv_span text)
{
    if (text.data == NULL)
        Py_RETURN_NONE;
    return PyUnicode_DecodeUTF8(text.data, (Py_ssize_t)text.size, "replace");
}

static PyObject *
entry_tuple(const apv_spool_entry *entry)
{
    PyObject *kind = text_or_none(
        entry->kind == APV_SPOOL_DAMAGED ? APV_NO_SPAN : apv_span_of(kind_names[entry->kind]));
    apv_span jid = entry->jid.data == NULL ? apv_span_of("") : entry->jid;
    PyObject *name = text_or_none(jid), *reason = text_or_none(entry->reason), *tuple = NULL;
    PyObject *payload =
        PyBytes_FromStringAndSize(entry->payload.data, (Py_ssize_t)entry->payload.size);

    if (kind != NULL && name != NULL && reason != NULL && payload != NULL)
        tuple = Py_BuildValue("(KOdOOOd)", (unsigned long long)entry->seq, kind,
                              (double)entry->accepted_us / US_PER_S, name, payload, reason,
                              (double)entry->aside_us / US_PER_S);
    Py_XDECREF(kind);
    Py_XDECREF(name);
    Py_XDECREF(reason);
    Py_XDECREF(payload);
    return tuple;
}

static PyObject *
entry_list(const apv_spool_batch *batch)
{
    PyObject *list = PyList_New((Py_ssize_t)batch->count);

    for (size_t i = 0; list != NULL && i < batch->count; i++) {
        PyObject *tuple = entry_tuple(&batch->entries[i]);
        if (tuple == NULL || PyList_SetItem(list, (Py_ssize_t)i, tuple) < 0)
            Py_CLEAR(list);
    }
    return list;
}

/* ---- put ---- */

PyDoc_STRVAR(put_doc,
             "put(entries, /)\n--\n\n"
             "Add entries (kind, accepted, jid, payload) behind all others: all or none, on disk\n"
             "when it returns. Gives the number of the first; the others follow.");

struct put_work {
    apv_spool_entry *entries;
    size_t count;
    uint64_t first;
};

static bool
do_put(apv_spool *spool, void *arg, apv_err *err)
{
    struct put_work *work = arg;
    return apv_spool_put(spool, work->entries, work->count, &work->first, err);
}

/* Borrows from item. */
static bool
parse_entry(const module_state *state, PyObject *item, apv_spool_entry *entry)
{
    const char *kind;
    char *payload;
    double accepted;
    PyObject *jid, *bytes;
    Py_ssize_t size;

    if (!PyTuple_Check(item)) {
        PyErr_SetString(PyExc_TypeError, "an entry is a tuple (kind, accepted, jid, payload)");
        return false;
    }
    if (!PyArg_ParseTuple(item, "sdUO:put", &kind, &accepted, &jid, &bytes) ||
        PyBytes_AsStringAndSize(bytes, &payload, &size) < 0)
        return false;
    entry->payload = (apv_span){payload, (size_t)size};
    return parse_kind(state, kind, &entry->kind) &&
           parse_time(state, accepted, &entry->accepted_us) && module_text(state, jid, &entry->jid);
}

static PyObject *
spool_put(PyObject *object, PyObject *entries)
{
    struct spool_object *self = (struct spool_object *)object;
    struct put_work work = {0};
    PyObject *items = PySequence_Tuple(entries), *first = NULL;

    if (items == NULL)
        return NULL;
    Py_ssize_t count = PyTuple_Size(items);
    /* One more, as of nothing there may be no memory either. */
    work.entries = calloc((size_t)count + 1, sizeof *work.entries);
    if (work.entries == NULL) {
        PyErr_NoMemory();
        goto done;
    }
    work.count = (size_t)count;
    for (Py_ssize_t i = 0; i < count; i++) {
        if (!parse_entry(state_of(self), PyTuple_GetItem(items, i), &work.entries[i]))
            goto done;
    }
    if (run(self, do_put, &work))
        first = PyLong_FromUnsignedLongLong(work.first);

done:
    free(work.entries);
    Py_DECREF(items);
    return first;
}

PyDoc_STRVAR(count_dropped_doc, "count_dropped(events, /)\n--\n\nCount events that found no room.");

static bool
do_count_dropped(apv_spool *spool, void *arg, apv_err *err)
{
    const uint64_t *events = arg;
    return apv_spool_count_dropped(spool, *events, err);
}

static PyObject *
spool_count_dropped(PyObject *object, PyObject *number)
{
    uint64_t events = PyLong_AsUnsignedLongLong(number);

    if (PyErr_Occurred() || !run((struct spool_object *)object, do_count_dropped, &events))
        return NULL;
    Py_RETURN_NONE;
}

/* ---- reading ---- */

PyDoc_STRVAR(read_doc,
             "read(first=0, *, count=500, size=16777216, aside=False)\n--\n\n"
             "Entries in their order, from this number on: at most count of them and size bytes,\n"
             "but always one. aside: of those that were set aside. Each is a tuple (seq, kind,\n"
             "accepted, jid, payload, reason, aside_at); the kind of a damaged one is None.");

struct read_work {
    bool aside;
    uint64_t first;
    size_t count, size_bytes;
    apv_span jid;
    apv_spool_kind kind;
    const apv_spool_entry *after;
    bool has;
    apv_spool_batch *batch;
};

static bool
do_read(apv_spool *spool, void *arg, apv_err *err)
{
    struct read_work *work = arg;
    return apv_spool_read(spool, work->aside, work->first, work->count, work->size_bytes,
                          &work->batch, err);
}

static PyObject *
spool_read(PyObject *object, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"first", "count", "size", "aside", NULL};
    struct spool_object *self = (struct spool_object *)object;
    struct read_work work = {0};
    unsigned long long first = 0;
    Py_ssize_t count = READ_COUNT_DEFAULT, size = READ_SIZE_DEFAULT;
    int aside = false;
    PyObject *list = NULL;

    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|K$nnp:read", names, &first, &count, &size,
                                     &aside))
        return NULL;
    if (count < 0 || size < 0)
        return module_refuse(state_of(self), "count and size must not be negative");
    work.aside = aside;
    work.first = first;
    work.count = (size_t)count;
    work.size_bytes = (size_t)size;
    if (run(self, do_read, &work))
        list = entry_list(work.batch);
    apv_spool_batch_free(&work.batch);
    return list;
}

PyDoc_STRVAR(find_doc,
             "find(jid=None, kind=None, *, after=None, count=sys.maxsize, size=sys.maxsize)\n--\n\n"
             "The entries of a job (None: of all jobs, ordered by job), in their order and as\n"
             "read() gives them, without the damaged ones. after: (jid, seq) of the one behind\n"
             "which to go on. At most count of them, and so many that their payloads reach size\n"
             "bytes, but always one.");

static bool
do_find(apv_spool *spool, void *arg, apv_err *err)
{
    struct read_work *work = arg;
    return apv_spool_find_next(spool, work->jid, work->kind, work->after, work->count,
                               work->size_bytes, &work->batch, err);
}

static PyObject *
spool_find(PyObject *object, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"jid", "kind", "after", "count", "size", NULL};
    struct spool_object *self = (struct spool_object *)object;
    struct read_work work = {0};
    apv_spool_entry last = {0};
    unsigned long long seq = 0;
    Py_ssize_t count = PY_SSIZE_T_MAX, size = PY_SSIZE_T_MAX;
    const char *kind = NULL;
    PyObject *jid = Py_None, *after = Py_None, *last_jid, *list = NULL;

    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|Oz$Onn:find", names, &jid, &kind, &after,
                                     &count, &size))
        return NULL;
    if (count <= 0 || size <= 0)
        return module_refuse(state_of(self), "count and size must be positive");
    if ((jid != Py_None && !module_text(state_of(self), jid, &work.jid)) ||
        (kind != NULL && !parse_kind(state_of(self), kind, &work.kind)))
        return NULL;
    if (after != Py_None) {
        if (!PyTuple_Check(after)) {
            PyErr_SetString(PyExc_TypeError, "after is a tuple (jid, seq)");
            return NULL;
        }
        if (!PyArg_ParseTuple(after, "UK:find", &last_jid, &seq) ||
            !module_text(state_of(self), last_jid, &last.jid))
            return NULL;
        last.seq = seq;
        work.after = &last;
    }
    work.count = (size_t)count;
    work.size_bytes = (size_t)size;
    if (run(self, do_find, &work))
        list = entry_list(work.batch);
    apv_spool_batch_free(&work.batch);
    return list;
}

PyDoc_STRVAR(has_doc, "has(jid, /)\n--\n\nWhether any entry of the job waits.");

static bool
do_has(apv_spool *spool, void *arg, apv_err *err)
{
    struct read_work *work = arg;
    return apv_spool_has(spool, work->jid, &work->has, err);
}

static PyObject *
spool_has(PyObject *object, PyObject *jid)
{
    struct spool_object *self = (struct spool_object *)object;
    struct read_work work = {0};

    if (!module_text(state_of(self), jid, &work.jid) || !run(self, do_has, &work))
        return NULL;
    return PyBool_FromLong(work.has);
}

PyDoc_STRVAR(info_doc, "info()\n--\n\nWhat is in it, as a dict.");

static bool
do_info(apv_spool *spool, void *arg, apv_err *err)
{
    return apv_spool_inspect(spool, arg, err);
}

static PyObject *
spool_info(PyObject *object, PyObject *unused)
{
    (void)unused;
    apv_spool_info info;

    if (!run((struct spool_object *)object, do_info, &info))
        return NULL;
    PyObject *kinds = PyDict_New(), *dict = NULL;
    for (size_t i = 1; kinds != NULL && i < KIND_COUNT; i++) {
        PyObject *count = PyLong_FromUnsignedLongLong(info.kinds[i]);
        if (count == NULL || PyDict_SetItemString(kinds, kind_names[i], count) < 0)
            Py_CLEAR(kinds);
        Py_XDECREF(count);
    }
    if (kinds != NULL)
        dict = Py_BuildValue(
            "{sKsOsKsKsdsKsnsn}", "entries", (unsigned long long)info.entries, "kinds", kinds,
            "aside", (unsigned long long)info.aside, "oldest_seq",
            (unsigned long long)info.oldest_seq, "oldest", (double)info.oldest_us / US_PER_S,
            "dropped_events", (unsigned long long)info.dropped_events, "used_bytes",
            (Py_ssize_t)info.used_bytes, "bound_bytes", (Py_ssize_t)info.bound_bytes);
    Py_XDECREF(kinds);
    return dict;
}

/* ---- taking out ---- */

PyDoc_STRVAR(remove_doc,
             "remove(seqs, /)\n--\n\nRemove entries that wait, all at once. Those that are not\n"
             "there are passed over.");

struct remove_work {
    uint64_t *seqs;
    size_t count;
};

static bool
do_remove(apv_spool *spool, void *arg, apv_err *err)
{
    const struct remove_work *work = arg;
    return apv_spool_remove(spool, work->seqs, work->count, err);
}

static PyObject *
spool_remove(PyObject *object, PyObject *seqs)
{
    struct remove_work work = {0};
    PyObject *items = PySequence_Tuple(seqs), *done = NULL;

    if (items == NULL)
        return NULL;
    Py_ssize_t count = PyTuple_Size(items);
    work.seqs = calloc((size_t)count + 1, sizeof *work.seqs);
    if (work.seqs == NULL) {
        PyErr_NoMemory();
        goto done;
    }
    work.count = (size_t)count;
    for (Py_ssize_t i = 0; i < count; i++) {
        work.seqs[i] = PyLong_AsUnsignedLongLong(PyTuple_GetItem(items, i));
        if (PyErr_Occurred())
            goto done;
    }
    if (run((struct spool_object *)object, do_remove, &work))
        done = Py_NewRef(Py_None);

done:
    free(work.seqs);
    Py_DECREF(items);
    return done;
}

struct seq_work {
    uint64_t seq;
    apv_span reason;
    int64_t now_us;
    bool found;
    uint64_t seq_new;
};

PyDoc_STRVAR(set_aside_doc, "set_aside(seq, reason, now, /)\n--\n\n"
                            "Set an entry aside, with the reason why. Gives whether it was there.");

static bool
do_set_aside(apv_spool *spool, void *arg, apv_err *err)
{
    struct seq_work *work = arg;
    return apv_spool_set_aside(spool, work->seq, work->reason, work->now_us, &work->found, err);
}

static PyObject *
spool_set_aside(PyObject *object, PyObject *args)
{
    struct spool_object *self = (struct spool_object *)object;
    struct seq_work work = {0};
    unsigned long long seq;
    double now;
    PyObject *reason;

    if (!PyArg_ParseTuple(args, "KUd:set_aside", &seq, &reason, &now) ||
        !module_text(state_of(self), reason, &work.reason) ||
        !parse_time(state_of(self), now, &work.now_us))
        return NULL;
    work.seq = seq;
    if (!run(self, do_set_aside, &work))
        return NULL;
    return PyBool_FromLong(work.found);
}

PyDoc_STRVAR(retry_doc, "retry(seq, /)\n--\n\n"
                        "Put what was set aside behind all others again. Gives its new number, or\n"
                        "0 if there is none such.");

static bool
do_retry(apv_spool *spool, void *arg, apv_err *err)
{
    struct seq_work *work = arg;
    return apv_spool_retry(spool, work->seq, &work->seq_new, err);
}

static PyObject *
spool_retry(PyObject *object, PyObject *seq)
{
    struct seq_work work = {.seq = PyLong_AsUnsignedLongLong(seq)};

    if (PyErr_Occurred() || !run((struct spool_object *)object, do_retry, &work))
        return NULL;
    return PyLong_FromUnsignedLongLong(work.seq_new);
}

PyDoc_STRVAR(drop_doc,
             "drop(seq, /)\n--\n\nForget what was set aside. Gives whether it was there.");

static bool
do_drop(apv_spool *spool, void *arg, apv_err *err)
{
    struct seq_work *work = arg;
    return apv_spool_remove_aside(spool, work->seq, &work->found, err);
}

static PyObject *
spool_drop(PyObject *object, PyObject *seq)
{
    struct seq_work work = {.seq = PyLong_AsUnsignedLongLong(seq)};

    if (PyErr_Occurred() || !run((struct spool_object *)object, do_drop, &work))
        return NULL;
    return PyBool_FromLong(work.found);
}

/* ---- the type ---- */

#define WITH_KEYWORDS(function)                                                                    \
    (PyCFunction)(void (*)(void))(function), METH_VARARGS | METH_KEYWORDS

static PyMethodDef spool_methods[] = {
    {"put", spool_put, METH_O, put_doc},
    {"count_dropped", spool_count_dropped, METH_O, count_dropped_doc},
    {"read", WITH_KEYWORDS(spool_read), read_doc},
    {"find", WITH_KEYWORDS(spool_find), find_doc},
    {"has", spool_has, METH_O, has_doc},
    {"info", spool_info, METH_NOARGS, info_doc},
    {"remove", spool_remove, METH_O, remove_doc},
    {"set_aside", spool_set_aside, METH_VARARGS, set_aside_doc},
    {"retry", spool_retry, METH_O, retry_doc},
    {"drop", spool_drop, METH_O, drop_doc},
    {"close", spool_close, METH_NOARGS, close_doc},
    {NULL, NULL, 0, NULL},
};

PyDoc_STRVAR(spool_doc, "Spool(path, bound_bytes, *, write_timeout_ms=5000)\n--\n\n"
                        "The spool in this directory, made if it isn't there. A process has each\n"
                        "open once. write_timeout_ms: how long a write waits for one of another\n"
                        "process, upon which it raises StoreError, with code `busy`.");

static PyType_Slot spool_slots[] = {
    {Py_tp_doc, (void *)spool_doc},
    {Py_tp_new, (void *)spool_new},
    {Py_tp_dealloc, (void *)spool_dealloc},
    {Py_tp_methods, spool_methods},
    {0, NULL},
};

static PyType_Spec spool_spec = {
    .name = "saltext.approval._core.Spool",
    .basicsize = sizeof(struct spool_object),
    .flags = Py_TPFLAGS_DEFAULT,
    .slots = spool_slots,
};

int
module_add_spool(PyObject *module)
{
    PyObject *type = PyType_FromModuleAndSpec(module, &spool_spec, NULL);

    if (type == NULL)
        return -1;
    int status = PyModule_AddObjectRef(module, "Spool", type);
    Py_DECREF(type);
    return status;
}
