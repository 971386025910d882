/* module_spool.c - the type Spool: a spool that this process has open, shared by its
 * threads, which take turns. */
#include "module_spool.h"

#include "module_arg.h"
#include "module_error.h"
#include "module_text.h"
#include "module_turn.h"
#include "module_type.h"

#include "apv_base.h"

#include "apv_spool.h"

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
};

/* Arguments and answer of a method. */
struct call {
    PyObject *kept; /* what texts and bytes are borrowed from; NULL: the caller's arguments */
    uint64_t seq;   /* of an entry; also a number of events, and the answer of put and retry */
    uint64_t *seqs;
    apv_spool_entry *entries;
    size_t count;      /* of seqs or entries; to be read at most */
    size_t size_bytes; /* to be read at most */
    apv_span jid, reason;
    apv_spool_kind kind;
    int64_t now_us;
    bool aside;
    apv_spool_entry last;         /* behind which to go on */
    const apv_spool_entry *after; /* that one, or NULL */
    bool found;
    apv_spool_batch *batch;
    apv_spool_info info;
};

/* A method: parse reads its arguments (false: an exception is set), work does it without the
 * GIL and while no other thread uses the spool, build makes its answer. */
struct method {
    bool (*parse)(const module_state *state, PyObject *args, PyObject *kwargs, struct call *call);
    bool (*work)(apv_spool *spool, struct call *call, apv_err *err);
    PyObject *(*build)(const struct call *call);
};

static const char *const kind_names[] = {NULL, "load", "return", "minions", "endtime", "events"};
#define KIND_COUNT (sizeof kind_names / sizeof *kind_names)

static bool
do_work(apv_spool *spool, const struct method *method, struct call *call, module_gil *gil,
        apv_err *err)
{
    if (spool == NULL)
        return apv_fail(err, APV_ERR_INVALID, "the spool is closed");
    apv_spool_on_signal(spool, module_gil_interrupted, gil);
    bool ok = method->work(spool, call, err);
    apv_spool_on_signal(spool, NULL, NULL);
    return ok;
}

/* Does what a method does. Returns whether it did; if not, an exception is set. */
static bool
run(struct spool_object *self, const struct method *method, struct call *call)
{
    apv_err err = APV_ERR_NONE;
    module_gil gil = {0};
    size_t place;
    bool ok = false;

    /* Before the lock, which another thread of the parent may have held when it forked. */
    if (self->pid != getpid()) {
        apv_fail(&err, APV_ERR_FORKED, "the spool belongs to the parent process");
    } else {
        module_gil_release(&gil);
        if (module_turn_take(&self->turn, TURN_MS, &gil, &place, &err)) {
            ok = do_work(self->spool, method, call, &gil, &err);
            module_turn_give(&self->turn, place, APV_LESSON_NONE, NULL);
        }
        module_gil_acquire(&gil);
    }
    if (!ok)
        module_raise(module_state_of((PyObject *)self), &err);
    return ok;
}

/* Calls a method from Python. */
static PyObject *
call_method(PyObject *object, const struct method *method, PyObject *args, PyObject *kwargs)
{
    struct call call = {.kept = NULL};
    PyObject *answer = NULL;

    if (method->parse(module_state_of(object), args, kwargs, &call) &&
        run((struct spool_object *)object, method, &call))
        answer = method->build(&call);
    apv_spool_batch_free(&call.batch);
    free(call.entries);
    free(call.seqs);
    Py_XDECREF(call.kept);
    /* cppcheck-suppress returnDanglingLifetime; build makes a new object */
    return answer;
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
        module_raise(module_state_of_type(type), &err);
        goto done;
    }
    self = module_object_new(type);
    if (self == NULL) {
        apv_spool_close(&spool);
        goto done;
    }
    self->spool = spool;
    self->pid = getpid();
    module_turn_init(&self->turn, 1, "the spool", APV_ERR_BUSY);

done:
    Py_DECREF(path);
    return (PyObject *)self;
}

static void
spool_dealloc(PyObject *object)
{
    struct spool_object *self = (struct spool_object *)object;

    apv_spool_close(&self->spool);
    if (self->pid == getpid())
        module_turn_destroy(&self->turn);
    module_object_free(object);
}

PyDoc_STRVAR(close_doc, "close()\n--\n\nClose it. All else then raises DataError.");

static PyObject *
spool_close(PyObject *object, PyObject *unused)
{
    (void)unused;
    struct spool_object *self = (struct spool_object *)object;
    apv_err err = APV_ERR_NONE;
    module_gil gil = {0};
    bool taken = true;
    size_t place;

    if (self->pid == getpid()) {
        module_gil_release(&gil);
        taken = module_turn_take(&self->turn, TURN_MS, &gil, &place, &err);
        if (taken) {
            apv_spool_close(&self->spool);
            module_turn_give(&self->turn, place, APV_LESSON_NONE, NULL);
        }
        module_gil_acquire(&gil);
    }
    if (!taken)
        return module_raise(module_state_of(object), &err);
    Py_RETURN_NONE;
}

/* ---- arguments ---- */

static bool
read_kind(const module_state *state, const char *name, apv_spool_kind *kind)
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
read_time(const module_state *state, double seconds, int64_t *us)
{
    if (!(seconds > -1e12 && seconds < 1e12)) {
        module_refuse(state, "a time is out of range");
        return false;
    }
    *us = (int64_t)(seconds * US_PER_S);
    return true;
}

/* For format O&. */
static int
read_seq(PyObject *object, void *seq)
{
    unsigned long long number = PyLong_AsUnsignedLongLong(object);

    if (number == (unsigned long long)-1 && PyErr_Occurred())
        return false;
    *(uint64_t *)seq = number;
    return true;
}

/* Borrows from item. */
static bool
read_entry(const module_state *state, PyObject *item, apv_spool_entry *entry)
{
    const char *kind;
    double accepted;
    PyObject *jid, *payload;

    if (!PyTuple_Check(item)) {
        PyErr_SetString(PyExc_TypeError, "an entry is a tuple (kind, accepted, jid, payload)");
        return false;
    }
    return PyArg_ParseTuple(item, "sdUO:put", &kind, &accepted, &jid, &payload) &&
           module_bytes(payload, &entry->payload) && read_kind(state, kind, &entry->kind) &&
           read_time(state, accepted, &entry->accepted_us) && module_text(state, jid, &entry->jid);
}

/* The one positional argument of a method, or NULL with an exception set. Borrowed. */
static PyObject *
only_arg(PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"", NULL};
    PyObject *arg;

    /* The parser takes a tenth of the time of has(): it is left to say what is wrong. */
    if (kwargs == NULL && PyTuple_Size(args) == 1)
        return PyTuple_GetItem(args, 0);
    return PyArg_ParseTupleAndKeywords(args, kwargs, "O", names, &arg) ? arg : NULL;
}

static bool
parse_nothing(const module_state *state, PyObject *args, PyObject *kwargs, struct call *call)
{
    static char *names[] = {NULL};

    (void)state;
    (void)call;
    return PyArg_ParseTupleAndKeywords(args, kwargs, "", names);
}

static bool
parse_seq(const module_state *state, PyObject *args, PyObject *kwargs, struct call *call)
{
    PyObject *seq = only_arg(args, kwargs);

    (void)state;
    return seq != NULL && read_seq(seq, &call->seq);
}

static bool
parse_jid(const module_state *state, PyObject *args, PyObject *kwargs, struct call *call)
{
    PyObject *jid = only_arg(args, kwargs);
    return jid != NULL && module_text(state, jid, &call->jid);
}

/* Members of the iterable that is the only argument, kept; and room for as many items of
 * size bytes. */
static bool
parse_members(PyObject *args, PyObject *kwargs, struct call *call, void **items, size_t size)
{
    PyObject *iterable = only_arg(args, kwargs);

    if (iterable == NULL || (call->kept = PySequence_Tuple(iterable)) == NULL)
        return false;
    call->count = (size_t)PyTuple_Size(call->kept);
    /* One more, as of nothing there may be no memory either. */
    *items = calloc(call->count + 1, size);
    if (*items == NULL)
        PyErr_NoMemory();
    return *items != NULL;
}

static bool
parse_put(const module_state *state, PyObject *args, PyObject *kwargs, struct call *call)
{
    void *items = NULL;

    if (!parse_members(args, kwargs, call, &items, sizeof *call->entries))
        return false;
    call->entries = items;
    for (size_t i = 0; i < call->count; i++)
        if (!read_entry(state, PyTuple_GetItem(call->kept, (Py_ssize_t)i), &call->entries[i]))
            return false;
    return true;
}

static bool
parse_remove(const module_state *state, PyObject *args, PyObject *kwargs, struct call *call)
{
    void *items = NULL;

    (void)state;
    if (!parse_members(args, kwargs, call, &items, sizeof *call->seqs))
        return false;
    call->seqs = items;
    for (size_t i = 0; i < call->count; i++)
        if (!read_seq(PyTuple_GetItem(call->kept, (Py_ssize_t)i), &call->seqs[i]))
            return false;
    return true;
}

static bool
parse_read(const module_state *state, PyObject *args, PyObject *kwargs, struct call *call)
{
    static char *names[] = {"first", "count", "size", "aside", NULL};
    Py_ssize_t count = READ_COUNT_DEFAULT, size = READ_SIZE_DEFAULT;

    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|O&$nnO&:read", names, read_seq, &call->seq,
                                     &count, &size, module_flag, &call->aside))
        return false;
    if (count < 0 || size < 0) {
        module_refuse(state, "count and size must not be negative");
        return false;
    }
    call->count = (size_t)count;
    call->size_bytes = (size_t)size;
    return true;
}

static bool
parse_find(const module_state *state, PyObject *args, PyObject *kwargs, struct call *call)
{
    static char *names[] = {"jid", "kind", "after", "count", "size", NULL};
    Py_ssize_t count = PY_SSIZE_T_MAX, size = PY_SSIZE_T_MAX;
    const char *kind = NULL;
    PyObject *jid = Py_None, *after = Py_None, *last_jid;

    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|Oz$Onn:find", names, &jid, &kind, &after,
                                     &count, &size))
        return false;
    if (count <= 0 || size <= 0) {
        module_refuse(state, "count and size must be positive");
        return false;
    }
    if ((jid != Py_None && !module_text(state, jid, &call->jid)) ||
        (kind != NULL && !read_kind(state, kind, &call->kind)))
        return false;
    if (after != Py_None) {
        if (!PyTuple_Check(after)) {
            PyErr_SetString(PyExc_TypeError, "after is a tuple (jid, seq)");
            return false;
        }
        if (!PyArg_ParseTuple(after, "UO&:find", &last_jid, read_seq, &call->last.seq) ||
            !module_text(state, last_jid, &call->last.jid))
            return false;
        call->after = &call->last;
    }
    call->count = (size_t)count;
    call->size_bytes = (size_t)size;
    return true;
}

static bool
parse_set_aside(const module_state *state, PyObject *args, PyObject *kwargs, struct call *call)
{
    static char *names[] = {"", "", "", NULL};
    double now;
    PyObject *reason;

    return PyArg_ParseTupleAndKeywords(args, kwargs, "O&Ud:set_aside", names, read_seq, &call->seq,
                                       &reason, &now) &&
           module_text(state, reason, &call->reason) && read_time(state, now, &call->now_us);
}

/* ---- answers ---- */

static PyObject *
build_none(const struct call *call)
{
    (void)call;
    Py_RETURN_NONE;
}

static PyObject *
build_seq(const struct call *call)
{
    return PyLong_FromUnsignedLongLong(call->seq);
}

static PyObject *
build_found(const struct call *call)
{
    return PyBool_FromLong(call->found);
}

static PyObject *
entry_tuple(const apv_spool_entry *entry)
{
    PyObject *kind = module_text_object(
        entry->kind == APV_SPOOL_DAMAGED ? APV_NO_SPAN : apv_span_of(kind_names[entry->kind]));
    apv_span jid = entry->jid.data == NULL ? apv_span_of("") : entry->jid;
    PyObject *name = module_text_object(jid), *reason = module_text_object(entry->reason);
    PyObject *payload =
        PyBytes_FromStringAndSize(entry->payload.data, (Py_ssize_t)entry->payload.size);
    PyObject *tuple = NULL;

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
build_entries(const struct call *call)
{
    const apv_spool_batch *batch = call->batch;
    PyObject *list = PyList_New((Py_ssize_t)batch->count);

    for (size_t i = 0; list != NULL && i < batch->count; i++) {
        PyObject *tuple = entry_tuple(&batch->entries[i]);
        if (tuple == NULL || PyList_SetItem(list, (Py_ssize_t)i, tuple) < 0)
            Py_CLEAR(list);
    }
    return list;
}

static PyObject *
build_info(const struct call *call)
{
    const apv_spool_info *info = &call->info;
    PyObject *kinds = PyDict_New(), *dict = NULL;

    for (size_t i = 1; kinds != NULL && i < KIND_COUNT; i++) {
        PyObject *count = PyLong_FromUnsignedLongLong(info->kinds[i]);
        if (count == NULL || PyDict_SetItemString(kinds, kind_names[i], count) < 0)
            Py_CLEAR(kinds);
        Py_XDECREF(count);
    }
    if (kinds != NULL)
        dict = Py_BuildValue(
            "{sKsOsKsKsdsKsnsn}", "entries", (unsigned long long)info->entries, "kinds", kinds,
            "aside", (unsigned long long)info->aside, "oldest_seq",
            (unsigned long long)info->oldest_seq, "oldest", (double)info->oldest_us / US_PER_S,
            "dropped_events", (unsigned long long)info->dropped_events, "used_bytes",
            (Py_ssize_t)info->used_bytes, "bound_bytes", (Py_ssize_t)info->bound_bytes);
    Py_XDECREF(kinds);
    return dict;
}

/* ---- work ---- */

static bool
work_put(apv_spool *spool, struct call *call, apv_err *err)
{
    return apv_spool_put(spool, call->entries, call->count, &call->seq, err);
}

static bool
work_count_dropped(apv_spool *spool, struct call *call, apv_err *err)
{
    return apv_spool_count_dropped(spool, call->seq, err);
}

static bool
work_read(apv_spool *spool, struct call *call, apv_err *err)
{
    return apv_spool_read(spool, call->aside, call->seq, call->count, call->size_bytes,
                          &call->batch, err);
}

static bool
work_find(apv_spool *spool, struct call *call, apv_err *err)
{
    return apv_spool_find_next(spool, call->jid, call->kind, call->after, call->count,
                               call->size_bytes, &call->batch, err);
}

static bool
work_has(apv_spool *spool, struct call *call, apv_err *err)
{
    return apv_spool_has(spool, call->jid, &call->found, err);
}

static bool
work_info(apv_spool *spool, struct call *call, apv_err *err)
{
    return apv_spool_inspect(spool, &call->info, err);
}

static bool
work_remove(apv_spool *spool, struct call *call, apv_err *err)
{
    return apv_spool_remove(spool, call->seqs, call->count, err);
}

static bool
work_set_aside(apv_spool *spool, struct call *call, apv_err *err)
{
    return apv_spool_set_aside(spool, call->seq, call->reason, call->now_us, &call->found, err);
}

static bool
work_retry(apv_spool *spool, struct call *call, apv_err *err)
{
    return apv_spool_retry(spool, call->seq, &call->seq, err);
}

static bool
work_drop(apv_spool *spool, struct call *call, apv_err *err)
{
    return apv_spool_remove_aside(spool, call->seq, &call->found, err);
}

/* ---- the type ---- */

PyDoc_STRVAR(put_doc,
             "put(entries, /)\n--\n\n"
             "Add entries (kind, accepted, jid, payload) behind all others: all or none, on disk\n"
             "when it returns. Gives the number of the first; the others follow.");
PyDoc_STRVAR(count_dropped_doc, "count_dropped(events, /)\n--\n\nCount events that found no room.");
PyDoc_STRVAR(read_doc,
             "read(first=0, *, count=500, size=16777216, aside=False)\n--\n\n"
             "Entries in their order, from this number on: at most count of them and size bytes,\n"
             "but always one. aside: of those that were set aside. Each is a tuple (seq, kind,\n"
             "accepted, jid, payload, reason, aside_at); the kind of a damaged one is None.");
PyDoc_STRVAR(find_doc,
             "find(jid=None, kind=None, *, after=None, count=sys.maxsize, size=sys.maxsize)\n--\n\n"
             "The entries of a job (None: of all jobs, ordered by job), in their order and as\n"
             "read() gives them, without the damaged ones. after: (jid, seq) of the one behind\n"
             "which to go on. At most count of them, and so many that their payloads reach size\n"
             "bytes, but always one.");
PyDoc_STRVAR(has_doc, "has(jid, /)\n--\n\nWhether any entry of the job waits.");
PyDoc_STRVAR(info_doc, "info()\n--\n\nWhat is in it, as a dict.");
PyDoc_STRVAR(remove_doc,
             "remove(seqs, /)\n--\n\nRemove entries that wait, all at once. Those that are not\n"
             "there are passed over.");
PyDoc_STRVAR(set_aside_doc, "set_aside(seq, reason, now, /)\n--\n\n"
                            "Set an entry aside, with the reason why. Gives whether it was there.");
PyDoc_STRVAR(retry_doc, "retry(seq, /)\n--\n\n"
                        "Put what was set aside behind all others again. Gives its new number, or\n"
                        "0 if there is none such.");
PyDoc_STRVAR(drop_doc,
             "drop(seq, /)\n--\n\nForget what was set aside. Gives whether it was there.");

/* The methods: name, parse, work, build. */
#define METHODS(X)                                                                                 \
    X(put, parse_put, work_put, build_seq)                                                         \
    X(count_dropped, parse_seq, work_count_dropped, build_none)                                    \
    X(read, parse_read, work_read, build_entries)                                                  \
    X(find, parse_find, work_find, build_entries)                                                  \
    X(has, parse_jid, work_has, build_found)                                                       \
    X(info, parse_nothing, work_info, build_info)                                                  \
    X(remove, parse_remove, work_remove, build_none)                                               \
    X(set_aside, parse_set_aside, work_set_aside, build_found)                                     \
    X(retry, parse_seq, work_retry, build_seq)                                                     \
    X(drop, parse_seq, work_drop, build_found)

#define DEFINE_METHOD(name, parse, work, build)                                                    \
    static PyObject *spool_##name(PyObject *object, PyObject *args, PyObject *kwargs)              \
    {                                                                                              \
        static const struct method method = {parse, work, build};                                  \
        return call_method(object, &method, args, kwargs);                                         \
    }
METHODS(DEFINE_METHOD)

static PyMethodDef spool_methods[] = {
#define METHOD_ENTRY(name, parse, work, build)                                                     \
    {#name, MODULE_WITH_KEYWORDS(spool_##name), name##_doc},
    METHODS(METHOD_ENTRY){"close", spool_close, METH_NOARGS, close_doc},
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
    return module_add_type(module, "Spool", &spool_spec);
}
