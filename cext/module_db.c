/* module_db.c - document*(), record_return*(), check_return() and call(): what goes to the
 * database. */
#include "module_db.h"

#include "module_arg.h"
#include "module_cell.h"
#include "module_connection.h"
#include "module_document.h"
#include "module_error.h"
#include "module_snapshot.h"
#include "module_text.h"
#include "module_value.h"

#include "apv_record.h"

#include <math.h>

/* ---- document ---- */

PyDoc_STRVAR(
    document_doc,
    "document(conninfo, minion_id, *, snapshot=None, snapshot_first=0.0, max_age=inf,\n"
    "         " MODULE_OPTIONS_DOC ")\n"
    "--\n\n"
    "The approved state of exactly this minion, as the pillar has it: from the database, or, when\n"
    "that is away, from the snapshot in this directory if it was refreshed within max_age "
    "seconds.\n"
    "One refreshed within snapshot_first seconds is asked before the database.");

struct document_work {
    apv_span minion_id;
    apv_document *document;
};

static bool
read_document(apv_db *db, void *arg, apv_err *err)
{
    struct document_work *work = arg;
    return apv_document_read(db, work->minion_id, &work->document, err);
}

/* Adds to the error of the database why the snapshot did not help out. */
static void
add_reason(apv_err *err, const apv_err *snapshot)
{
    apv_err both = APV_ERR_NONE;

    apv_fail(&both, err->code, "%.150s; %.100s", err->message, snapshot->message);
    memcpy(both.sqlstate, err->sqlstate, sizeof both.sqlstate);
    *err = both;
}

/* Whether the database was in no state to answer for any minion. What it answers is not
 * overruled by the snapshot: that it has a document which cannot be used, or that it lets
 * this login read none. */
static bool
is_away(const apv_err *err)
{
    static const char *const classes[] = {"40", "55", "57", "58", "XX"};

    if (err->code != APV_ERR_DATABASE)
        return err->code != APV_ERR_PROTOCOL;
    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++)
        if (strncmp(err->sqlstate, classes[i], 2) == 0)
            return true;
    return false;
}

/* Reads work->document from where the rules say. False: an exception is set. */
static bool
read_anywhere(const module_state *state, const apv_db_options *options, const char *snapshot,
              double snapshot_first, double max_age, struct document_work *work)
{
    apv_err err = APV_ERR_NONE, other = APV_ERR_NONE;

    /* No minion has such an id: whatever is asked, the answer is this one. */
    if (!apv_text_check(work->minion_id, &err)) {
        module_raise(state, &err);
        return false;
    }
    if (snapshot != NULL && snapshot_first > 0) {
        double age = snapshot_first < max_age ? snapshot_first : max_age;
        if (module_snapshot_read(state, snapshot, work->minion_id, age, &work->document, &other))
            return true;
        if (PyErr_Occurred())
            return false;
    }
    if (module_connection_try(state, options, read_document, work, &err))
        return true;
    if (snapshot != NULL && !PyErr_Occurred() && is_away(&err)) {
        other = (apv_err)APV_ERR_NONE;
        if (module_snapshot_read(state, snapshot, work->minion_id, max_age, &work->document,
                                 &other))
            return true;
        add_reason(&err, &other);
    }
    module_raise(state, &err);
    return false;
}

static PyObject *
document(PyObject *module, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"conninfo",       "minion_id", "snapshot",
                            "snapshot_first", "max_age",   MODULE_OPTIONS_NAMES};
    const module_state *state = module_state_get(module);
    apv_db_options options = MODULE_OPTIONS_DEFAULT;
    struct document_work work = {.document = NULL};
    PyObject *minion_id, *pillar = NULL;
    const char *snapshot = NULL;
    double snapshot_first = 0, max_age = INFINITY;

    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "sU|$zdd" MODULE_OPTIONS_FORMAT ":document",
                                     names, &options.conninfo, &minion_id, &snapshot,
                                     &snapshot_first, &max_age, MODULE_OPTIONS_TARGETS(&options)))
        return NULL;
    if (!module_text(state, minion_id, &work.minion_id))
        return NULL;
    if (read_anywhere(state, &options, snapshot, snapshot_first, max_age, &work))
        pillar = module_document_dict(state, minion_id, work.document);
    apv_document_free(&work.document);
    return pillar;
}

/* ---- documents ---- */

PyDoc_STRVAR(
    documents_doc,
    "documents(conninfo, minion_ids, *, " MODULE_OPTIONS_DOC ")\n"
    "--\n\n"
    "document() for each of at most 10000 minions, from the database alone: a dict by minion id,\n"
    "with an Error in place of the document of one that it cannot be handed out to. timeout_ms is\n"
    "for all together.");

struct documents_work {
    const apv_span *minion_ids;
    size_t count;
    apv_document **documents;
    apv_err *refusals;
};

static bool
read_documents(apv_db *db, void *arg, apv_err *err)
{
    struct documents_work *work = arg;
    return apv_documents_read(db, work->minion_ids, work->count, work->documents, work->refusals,
                              err);
}

static PyObject *
documents_dict(const module_state *state, PyObject *names, const struct documents_work *work)
{
    PyObject *dict = PyDict_New();

    for (size_t i = 0; dict != NULL && i < work->count; i++) {
        PyObject *name = PyTuple_GetItem(names, (Py_ssize_t)i);
        PyObject *value = work->documents[i] != NULL
                              ? module_document_dict(state, name, work->documents[i])
                              : module_exception(state, &work->refusals[i]);
        if (module_dict_take(dict, name, value) < 0)
            Py_CLEAR(dict);
    }
    return dict;
}

static PyObject *
documents(PyObject *module, PyObject *args, PyObject *kwargs)
{
    static char *keywords[] = {"conninfo", "minion_ids", MODULE_OPTIONS_NAMES};
    const module_state *state = module_state_get(module);
    apv_db_options options = MODULE_OPTIONS_DEFAULT;
    struct documents_work work = {.count = 0};
    PyObject *iterable, *names = NULL, *dict = NULL;
    apv_span *minion_ids = NULL;

    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "sO|$" MODULE_OPTIONS_FORMAT ":documents",
                                     keywords, &options.conninfo, &iterable,
                                     MODULE_OPTIONS_TARGETS(&options)))
        return NULL;
    if (PyUnicode_Check(iterable))
        return PyErr_Format(PyExc_TypeError, "minion_ids is one text and not several");
    names = PySequence_Tuple(iterable);
    if (names == NULL)
        return NULL;
    size_t count = (size_t)PyTuple_Size(names);
    if (count == 0) {
        dict = PyDict_New();
        goto done;
    }
    minion_ids = PyMem_Calloc(count, sizeof *minion_ids);
    work.documents = PyMem_Calloc(count, sizeof(apv_document *));
    work.refusals = PyMem_Calloc(count, sizeof *work.refusals);
    if (minion_ids == NULL || work.documents == NULL || work.refusals == NULL) {
        PyErr_NoMemory();
        goto done;
    }
    for (size_t i = 0; i < count; i++)
        if (!module_text(state, PyTuple_GetItem(names, (Py_ssize_t)i), &minion_ids[i]))
            goto done;
    work.minion_ids = minion_ids;
    work.count = count;
    if (module_connection_run(state, &options, read_documents, &work))
        dict = documents_dict(state, names, &work);

done:
    for (size_t i = 0; i < work.count; i++)
        apv_document_free(&work.documents[i]);
    PyMem_Free(work.refusals);
    PyMem_Free(work.documents);
    PyMem_Free(minion_ids);
    Py_DECREF(names);
    return dict;
}

/* ---- record_return ---- */

PyDoc_STRVAR(
    record_return_doc,
    "record_return(conninfo, packed_load, *, " MODULE_OPTIONS_DOC ")\n"
    "--\n\n"
    "Validates and stores a return, given as msgpack. Answers as validate() does, with outcome\n"
    "(recorded, repeat, attempt or quarantined) and attempt (its number).\n\n"
    "Tests and benchmarks alone call it: Returns records, and builds no dictionaries.");

struct record_work {
    const apv_span *loads;
    size_t count;
    apv_record **records;
};

static bool
record_loads(apv_db *db, void *arg, apv_err *err)
{
    struct record_work *work = arg;
    return apv_record_returns(db, work->loads, work->count, work->records, err);
}

static PyObject *
record_dict(const module_state *state, const apv_record *record)
{
    PyObject *dict = module_verdict_dict(state, record->verdict);

    if (dict == NULL)
        return NULL;
    if (module_dict_take(dict, state->keys[KEY_outcome], PyUnicode_FromString(record->outcome)) <
            0 ||
        module_dict_take(dict, state->keys[KEY_attempt], PyLong_FromLong(record->attempt)) < 0)
        Py_CLEAR(dict);
    return dict;
}

static PyObject *
record_return(PyObject *module, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"conninfo", "packed_load", MODULE_OPTIONS_NAMES};
    const module_state *state = module_state_get(module);
    apv_db_options options = MODULE_OPTIONS_DEFAULT;
    apv_record *record = NULL;
    PyObject *packed, *dict = NULL;
    apv_span load;

    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "sO|$" MODULE_OPTIONS_FORMAT ":record_return",
                                     names, &options.conninfo, &packed,
                                     MODULE_OPTIONS_TARGETS(&options)) ||
        !module_bytes(packed, &load))
        return NULL;
    struct record_work work = {&load, 1, &record};
    if (module_connection_run(state, &options, record_loads, &work))
        dict = record_dict(state, record);
    apv_record_free(&record);
    return dict;
}

/* ---- check_return ---- */

PyDoc_STRVAR(
    check_return_doc,
    "check_return(packed_load, /)\n--\n\n"
    "Raises DataError for a return, given as msgpack, that can never be recorded: it is no\n"
    "map, say, or names no minion. Asks no database.");

static PyObject *
check_return(PyObject *module, PyObject *packed)
{
    apv_err err = APV_ERR_NONE;
    apv_span load;
    bool ok;

    if (!module_bytes(packed, &load))
        return NULL;
    Py_BEGIN_ALLOW_THREADS
    ok = apv_return_check(load, &err);
    Py_END_ALLOW_THREADS
    if (!ok)
        return module_raise(module_state_get(module), &err);
    Py_RETURN_NONE;
}

/* ---- record_returns ---- */

PyDoc_STRVAR(
    record_returns_doc,
    "record_returns(conninfo, packed_loads, *, " MODULE_OPTIONS_DOC ")\n"
    "--\n\n"
    "record_return() for each of at most 1000 loads in turn, all in one transaction: after an\n"
    "exception none was stored. Answers with a list.\n\n"
    "Tests and benchmarks alone call it, too.");

static PyObject *
record_list(const module_state *state, apv_record *const *records, size_t count)
{
    PyObject *list = PyList_New((Py_ssize_t)count);

    for (size_t i = 0; list != NULL && i < count; i++) {
        PyObject *dict = record_dict(state, records[i]);
        if (dict == NULL || PyList_SetItem(list, (Py_ssize_t)i, dict) < 0)
            Py_CLEAR(list);
    }
    return list;
}

static PyObject *
record_returns(PyObject *module, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"conninfo", "packed_loads", MODULE_OPTIONS_NAMES};
    const module_state *state = module_state_get(module);
    apv_db_options options = MODULE_OPTIONS_DEFAULT;
    PyObject *sequence, *packed = NULL, *list = NULL;
    apv_record **records = NULL;
    apv_span *loads = NULL;
    size_t count;

    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "sO|$" MODULE_OPTIONS_FORMAT ":record_returns",
                                     names, &options.conninfo, &sequence,
                                     MODULE_OPTIONS_TARGETS(&options)))
        return NULL;
    packed = PySequence_Tuple(sequence); /* of our own, which nobody changes meanwhile */
    if (packed == NULL)
        return NULL;
    count = (size_t)PyTuple_Size(packed);
    loads = PyMem_Calloc(count, sizeof *loads);
    records = PyMem_Calloc(count, sizeof(apv_record *));
    if (loads == NULL || records == NULL) {
        PyErr_NoMemory();
        goto done;
    }
    struct record_work work = {loads, count, records};
    if (module_bytes_of(packed, loads) &&
        module_connection_run(state, &options, record_loads, &work))
        list = record_list(state, records, count);
    for (size_t i = 0; i < count; i++)
        apv_record_free(&records[i]);

done:
    PyMem_Free(records);
    PyMem_Free(loads);
    Py_DECREF(packed);
    return list;
}

/* ---- call ---- */

PyDoc_STRVAR(call_doc,
             "call(conninfo, function, args, *, repeatable=False, " MODULE_OPTIONS_DOC ")\n"
             "--\n\n"
             "The rows of approval.<function>(args ...), each a tuple. repeatable: doing it twice "
             "is the same\n"
             "as once, so that it may be repeated when a kept connection turns out to be dead.");

struct call_work {
    const char *function;
    const struct module_args *args;
    bool repeatable;
    apv_result *result;
};

static bool
do_call(apv_db *db, void *arg, apv_err *err)
{
    struct call_work *work = arg;
    return apv_call(db, work->function, work->args->args, work->args->count, work->repeatable,
                    &work->result, err);
}

static PyObject *
row_tuple(const module_state *state, const apv_result *result, size_t row)
{
    size_t columns = apv_result_columns(result);
    PyObject *tuple = PyTuple_New((Py_ssize_t)columns);

    for (size_t i = 0; tuple != NULL && i < columns; i++) {
        PyObject *cell =
            module_cell(state, apv_result_type(result, i), apv_result_peek(result, row, i));
        if (cell == NULL || PyTuple_SetItem(tuple, (Py_ssize_t)i, cell) < 0)
            Py_CLEAR(tuple);
    }
    return tuple;
}

static PyObject *
row_list(const module_state *state, const apv_result *result)
{
    size_t rows = apv_result_rows(result);
    PyObject *list = PyList_New((Py_ssize_t)rows);

    for (size_t i = 0; list != NULL && i < rows; i++) {
        PyObject *row = row_tuple(state, result, i);
        if (row == NULL || PyList_SetItem(list, (Py_ssize_t)i, row) < 0)
            Py_CLEAR(list);
    }
    return list;
}

static PyObject *
call(PyObject *module, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"conninfo", "function", "args", "repeatable", MODULE_OPTIONS_NAMES};
    const module_state *state = module_state_get(module);
    apv_db_options options = MODULE_OPTIONS_DEFAULT;
    struct module_args converted;
    struct call_work work = {.args = &converted, .result = NULL};
    PyObject *objects, *rows = NULL;

    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "ssO|$O&" MODULE_OPTIONS_FORMAT ":call", names,
                                     &options.conninfo, &work.function, &objects, module_flag,
                                     &work.repeatable, MODULE_OPTIONS_TARGETS(&options)))
        return NULL;
    if (module_args_init(state, objects, &converted) &&
        module_connection_run(state, &options, do_call, &work))
        rows = row_list(state, work.result);
    apv_result_free(&work.result);
    module_args_clear(&converted);
    return rows;
}

PyMethodDef module_db_methods[] = {
    {"document", MODULE_WITH_KEYWORDS(document), document_doc},
    {"documents", MODULE_WITH_KEYWORDS(documents), documents_doc},
    {"record_return", MODULE_WITH_KEYWORDS(record_return), record_return_doc},
    {"check_return", check_return, METH_O, check_return_doc},
    {"record_returns", MODULE_WITH_KEYWORDS(record_returns), record_returns_doc},
    {"call", MODULE_WITH_KEYWORDS(call), call_doc},
    {NULL, NULL, 0, NULL},
};
