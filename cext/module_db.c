/* module_db.c - document(), record_return() and call(): what goes to the database. */
#include "module.h"

/* The settings when the keyword arguments do not give them. */
#define OPTIONS_DEFAULT                                                                            \
    {                                                                                              \
        .connect_timeout_ms = 2000, .timeout_ms = 5000, .prepare = true                            \
    }

/* ---- document ---- */

PyDoc_STRVAR(
    document_doc,
    "document(conninfo, minion_id, *, connect_timeout_ms=2000, timeout_ms=5000, prepare=True)\n"
    "--\n\n"
    "The approved state of exactly this minion, as the pillar has it.");

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

static PyObject *
document(PyObject *module, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"conninfo",   "minion_id", "connect_timeout_ms",
                            "timeout_ms", "prepare",   NULL};
    const module_state *state = module_state_get(module);
    apv_db_options options = OPTIONS_DEFAULT;
    struct document_work work = {.document = NULL};
    PyObject *minion_id, *pillar = NULL;
    int prepare = options.prepare;

    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "sU|$iip:document", names, &options.conninfo,
                                     &minion_id, &options.connect_timeout_ms, &options.timeout_ms,
                                     &prepare))
        return NULL;
    options.prepare = prepare;
    if (!module_text(state, minion_id, &work.minion_id))
        return NULL;
    if (module_connection_run(state, &options, read_document, &work))
        pillar = module_document_dict(state, minion_id, work.document);
    apv_document_free(&work.document);
    return pillar;
}

/* ---- record_return ---- */

PyDoc_STRVAR(
    record_return_doc,
    "record_return(conninfo, packed_load, *, connect_timeout_ms=2000, timeout_ms=5000, "
    "prepare=True)\n"
    "--\n\n"
    "Validates and stores a return, given as msgpack. Answers as validate() does, with outcome\n"
    "(recorded, repeat, attempt or quarantined) and attempt (its number).");

struct record_work {
    apv_span load;
    apv_record *record;
};

static bool
record_load(apv_db *db, void *arg, apv_err *err)
{
    struct record_work *work = arg;
    return apv_record_return(db, work->load, &work->record, err);
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
    static char *names[] = {"conninfo",   "packed_load", "connect_timeout_ms",
                            "timeout_ms", "prepare",     NULL};
    const module_state *state = module_state_get(module);
    apv_db_options options = OPTIONS_DEFAULT;
    struct record_work work = {.record = NULL};
    PyObject *load, *dict = NULL;
    int prepare = options.prepare;
    char *data;
    Py_ssize_t size;

    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "sO|$iip:record_return", names,
                                     &options.conninfo, &load, &options.connect_timeout_ms,
                                     &options.timeout_ms, &prepare) ||
        PyBytes_AsStringAndSize(load, &data, &size) < 0)
        return NULL;
    options.prepare = prepare;
    work.load = (apv_span){data, (size_t)size};
    if (module_connection_run(state, &options, record_load, &work))
        dict = record_dict(state, work.record);
    apv_record_free(&work.record);
    return dict;
}

/* ---- call ---- */

PyDoc_STRVAR(call_doc,
             "call(conninfo, function, args, *, repeatable=False, connect_timeout_ms=2000, "
             "timeout_ms=5000,\n"
             "     prepare=True)\n"
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
    static char *names[] = {"conninfo",           "function",   "args",    "repeatable",
                            "connect_timeout_ms", "timeout_ms", "prepare", NULL};
    const module_state *state = module_state_get(module);
    apv_db_options options = OPTIONS_DEFAULT;
    struct module_args converted;
    struct call_work work = {.args = &converted, .result = NULL};
    int prepare = options.prepare, repeatable = false;
    PyObject *objects, *rows = NULL;

    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "ssO|$piip:call", names, &options.conninfo,
                                     &work.function, &objects, &repeatable,
                                     &options.connect_timeout_ms, &options.timeout_ms, &prepare))
        return NULL;
    options.prepare = prepare;
    work.repeatable = repeatable;
    if (module_args_init(state, objects, &converted) &&
        module_connection_run(state, &options, do_call, &work))
        rows = row_list(state, work.result);
    apv_result_free(&work.result);
    module_args_clear(&converted);
    return rows;
}

#define WITH_KEYWORDS(function)                                                                    \
    (PyCFunction)(void (*)(void))(function), METH_VARARGS | METH_KEYWORDS

PyMethodDef module_db_methods[] = {
    {"document", WITH_KEYWORDS(document), document_doc},
    {"record_return", WITH_KEYWORDS(record_return), record_return_doc},
    {"call", WITH_KEYWORDS(call), call_doc},
    {NULL, NULL, 0, NULL},
};
