/* module_returns.c - the type Returns: a batch of returns on their way into the database. */
#include "module_returns.h"

#include "module_connection.h"
#include "module_error.h"
#include "module_text.h"
#include "module_type.h"

#include "apv_record.h"

struct returns_object {
    PyObject_HEAD apv_returns *returns;
    PyObject *packed; /* a tuple of the loads, which the library borrows */
    size_t count;
    bool busy; /* a call has it; under the GIL */
};

/* ---- life ---- */

static PyObject *
returns_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"packed_loads", NULL};
    apv_err err = APV_ERR_NONE;
    struct returns_object *self = NULL;
    PyObject *sequence, *packed;
    apv_returns *returns = NULL;

    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O:Returns", names, &sequence))
        return NULL;
    packed = PySequence_Tuple(sequence); /* of our own, which nobody changes meanwhile */
    if (packed == NULL)
        return NULL;
    size_t count = (size_t)PyTuple_Size(packed);
    apv_span *loads = PyMem_Calloc(count, sizeof *loads);
    if (loads == NULL) {
        PyErr_NoMemory();
        goto done;
    }
    if (!module_bytes_of(packed, loads))
        goto done;
    if (!apv_returns_new(loads, count, &returns, &err)) {
        module_raise(module_state_of_type(type), &err);
        goto done;
    }
    self = module_object_new(type);
    if (self == NULL) {
        apv_returns_free(&returns);
        goto done;
    }
    self->returns = returns;
    self->count = count;
    self->packed = packed;
    packed = NULL;

done:
    PyMem_Free(loads);
    Py_XDECREF(packed);
    return (PyObject *)self;
}

static void
returns_dealloc(PyObject *object)
{
    struct returns_object *self = (struct returns_object *)object;

    apv_returns_free(&self->returns);
    Py_XDECREF(self->packed);
    module_object_free(object);
}

/* ---- record ---- */

PyDoc_STRVAR(record_doc,
             "record(conninfo, upcoming=None, *, " MODULE_OPTIONS_DOC ")\n"
             "--\n\n"
             "Validate and store them all in one transaction: after an exception none was stored.\n"
             "Gives the outcome of each. upcoming: the Returns to be recorded next, validated "
             "while the\n"
             "server stores these.");

struct record_work {
    apv_returns *returns, *upcoming;
};

static bool
do_record(apv_db *db, void *arg, apv_err *err)
{
    struct record_work *work = arg;
    return apv_returns_record(db, work->returns, work->upcoming, err);
}

static PyObject *
outcome_list(const struct returns_object *self)
{
    PyObject *list = PyList_New((Py_ssize_t)self->count);

    for (size_t i = 0; list != NULL && i < self->count; i++) {
        PyObject *outcome = PyUnicode_FromString(apv_returns_peek(self->returns, i)->outcome);
        if (outcome == NULL || PyList_SetItem(list, (Py_ssize_t)i, outcome) < 0)
            Py_CLEAR(list);
    }
    return list;
}

static PyObject *
returns_record(PyObject *object, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"conninfo", "upcoming", MODULE_OPTIONS_NAMES};
    struct returns_object *self = (struct returns_object *)object, *upcoming = NULL;
    const module_state *state = module_state_of(object);
    apv_db_options options = MODULE_OPTIONS_DEFAULT;
    PyObject *next = Py_None, *list = NULL;

    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "s|O$" MODULE_OPTIONS_FORMAT ":record", names,
                                     &options.conninfo, &next, MODULE_OPTIONS_TARGETS(&options)))
        return NULL;
    if (next != Py_None) {
        if (Py_TYPE(next) != Py_TYPE(object) || next == object)
            return module_refuse(state, "upcoming must be another Returns");
        upcoming = (struct returns_object *)next;
    }
    if (self->busy || (upcoming != NULL && upcoming->busy))
        return module_refuse(state, "another thread records these returns");
    struct record_work work = {self->returns, upcoming == NULL ? NULL : upcoming->returns};
    self->busy = true;
    if (upcoming != NULL)
        upcoming->busy = true;
    if (module_connection_run(state, &options, do_record, &work))
        list = outcome_list(self);
    if (upcoming != NULL)
        upcoming->busy = false;
    self->busy = false;
    return list;
}

/* ---- the type ---- */

static PyMethodDef returns_methods[] = {
    {"record", MODULE_WITH_KEYWORDS(returns_record), record_doc},
    {NULL, NULL, 0, NULL},
};

PyDoc_STRVAR(returns_doc, "Returns(packed_loads)\n--\n\n"
                          "1 to 1000 returns, each as msgpack, to be recorded in one go.");

static PyType_Slot returns_slots[] = {
    {Py_tp_doc, (void *)returns_doc},
    {Py_tp_new, (void *)returns_new},
    {Py_tp_dealloc, (void *)returns_dealloc},
    {Py_tp_methods, returns_methods},
    {0, NULL},
};

static PyType_Spec returns_spec = {
    .name = "saltext.approval._core.Returns",
    .basicsize = sizeof(struct returns_object),
    .flags = Py_TPFLAGS_DEFAULT,
    .slots = returns_slots,
};

int
module_add_returns(PyObject *module)
{
    return module_add_type(module, "Returns", &returns_spec);
}
