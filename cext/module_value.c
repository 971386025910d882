/* module_value.c - digest, mac and validation for Python. */
#include "module_value.h"

#include <string.h>

static PyObject *
text_object(apv_span text)
{
    if (text.data == NULL)
        Py_RETURN_NONE;
    return PyUnicode_DecodeUTF8(text.data, (Py_ssize_t)text.size, "replace");
}

/* ---- verdicts ---- */

static PyObject *
finding_dict(const module_state *state, const apv_finding *finding)
{
    PyObject *const *keys = state->keys;
    PyObject *dict = PyDict_New();

    if (dict == NULL ||
        module_dict_take(dict, keys[KEY_minion], text_object(finding->minion)) < 0 ||
        module_dict_take(dict, keys[KEY_kind], text_object(finding->kind)) < 0 ||
        module_dict_take(dict, keys[KEY_name], text_object(finding->name)) < 0 ||
        module_dict_take(dict, keys[KEY_verdict],
                         PyUnicode_FromString(apv_outcome_name(finding->verdict))) < 0 ||
        module_dict_take(dict, keys[KEY_reason], PyUnicode_FromString(finding->reason)) < 0 ||
        module_dict_take(dict, keys[KEY_expected], text_object(finding->expected)) < 0 ||
        module_dict_take(dict, keys[KEY_observed], text_object(finding->observed)) < 0 ||
        module_dict_take(dict, keys[KEY_source], PyUnicode_FromString(finding->source)) < 0 ||
        module_dict_take(dict, keys[KEY_text], text_object(finding->text)) < 0) {
        Py_XDECREF(dict);
        return NULL;
    }
    return dict;
}

static PyObject *
finding_list(const module_state *state, const apv_verdict *verdict)
{
    PyObject *list = PyList_New((Py_ssize_t)verdict->finding_count);

    for (size_t i = 0; list != NULL && i < verdict->finding_count; i++) {
        PyObject *dict = finding_dict(state, &verdict->findings[i]);
        if (dict == NULL || PyList_SetItem(list, (Py_ssize_t)i, dict) < 0)
            Py_CLEAR(list);
    }
    return list;
}

static PyObject *
unapproved_list(const apv_verdict *verdict)
{
    PyObject *list = PyList_New((Py_ssize_t)verdict->unapproved_count);

    for (size_t i = 0; list != NULL && i < verdict->unapproved_count; i++) {
        PyObject *name = text_object(verdict->unapproved[i]);
        if (name == NULL || PyList_SetItem(list, (Py_ssize_t)i, name) < 0)
            Py_CLEAR(list);
    }
    return list;
}

PyObject *
module_verdict_dict(const module_state *state, const apv_verdict *verdict)
{
    PyObject *const *keys = state->keys;
    PyObject *dict = PyDict_New();

    if (dict == NULL ||
        module_dict_take(dict, keys[KEY_verdict],
                         PyUnicode_FromString(apv_outcome_name(verdict->verdict))) < 0 ||
        module_dict_take(dict, keys[KEY_revision],
                         verdict->has_revision ? PyLong_FromLongLong(verdict->revision)
                                               : Py_NewRef(Py_None)) < 0 ||
        module_dict_take(dict, keys[KEY_authenticated], PyBool_FromLong(verdict->authenticated)) <
            0 ||
        module_dict_take(dict, keys[KEY_findings], finding_list(state, verdict)) < 0 ||
        module_dict_take(dict, keys[KEY_unapproved], unapproved_list(verdict)) < 0) {
        Py_XDECREF(dict);
        return NULL;
    }
    return dict;
}

/* The answer of a validation, which is freed. */
static PyObject *
answer(const module_state *state, bool ok, apv_verdict **verdict, const apv_err *err)
{
    PyObject *dict = ok ? module_verdict_dict(state, *verdict) : module_raise(state, err);
    apv_verdict_free(verdict);
    return dict;
}

PyDoc_STRVAR(
    validate_doc,
    "validate(load, expected)\n--\n\n"
    "Judge a return, given as Salt gives it to a returner, against what is expected:\n"
    "{\"packages\": {name: version, \"latest\" or None}} and optionally minion, revision,\n"
    "digest, evidence_key, services, values (canonical JSON texts) and actions.\n\n"
    "Nothing in load raises. Answers {\"verdict\", \"revision\", \"authenticated\",\n"
    "\"findings\", \"unapproved\"}; docs/validation.md explains them.");

static PyObject *
validate(PyObject *module, PyObject *args)
{
    const module_state *state = module_state_get(module);
    apv_reader reader = module_reader();
    apv_err err = APV_ERR_NONE;
    apv_verdict *verdict = NULL;
    PyObject *load, *dict;
    module_expected made;

    if (!PyArg_ParseTuple(args, "OO:validate", &load, &dict) ||
        !module_expected_init(state, dict, &made))
        return NULL;
    bool ok = apv_validate(&reader, (apv_value){load}, &made.expected, &verdict, &err);
    module_expected_clear(&made);
    return answer(state, ok, &verdict, &err);
}

/* Judges bytes, which nobody can change, without the GIL. */
static PyObject *
validate_bytes(const module_state *state, apv_span load, PyObject *dict,
               bool (*judge)(apv_span, const apv_expected *, apv_verdict **, apv_err *))
{
    apv_err err = APV_ERR_NONE;
    apv_verdict *verdict = NULL;
    module_expected made;
    bool ok;

    if (!module_expected_init(state, dict, &made))
        return NULL;
    Py_BEGIN_ALLOW_THREADS ok = judge(load, &made.expected, &verdict, &err);
    Py_END_ALLOW_THREADS module_expected_clear(&made);
    return answer(state, ok, &verdict, &err);
}

PyDoc_STRVAR(validate_msgpack_doc, "validate_msgpack(data, expected)\n--\n\n"
                                   "validate() for a return in msgpack bytes.");

static PyObject *
validate_msgpack(PyObject *module, PyObject *args)
{
    PyObject *data, *dict;

    if (!PyArg_ParseTuple(args, "SO:validate_msgpack", &data, &dict))
        return NULL;
    apv_span load = {PyBytes_AsString(data), (size_t)PyBytes_Size(data)};
    return validate_bytes(module_state_get(module), load, dict, apv_validate_msgpack);
}

PyDoc_STRVAR(validate_json_doc, "validate_json(data, expected)\n--\n\n"
                                "validate() for a return in JSON, str or UTF-8 bytes.");

static PyObject *
validate_json(PyObject *module, PyObject *args)
{
    const module_state *state = module_state_get(module);
    PyObject *data, *dict;
    apv_span load;

    if (!PyArg_ParseTuple(args, "OO:validate_json", &data, &dict))
        return NULL;
    if (PyUnicode_Check(data)) {
        if (!module_text(state, data, &load))
            return NULL;
    } else if (PyBytes_Check(data))
        load = (apv_span){PyBytes_AsString(data), (size_t)PyBytes_Size(data)};
    else {
        PyErr_SetString(PyExc_TypeError, "validate_json() takes str or bytes");
        return NULL;
    }
    return validate_bytes(state, load, dict, apv_validate_json);
}

/* ---- digest and mac ---- */

/* One of a tuple's texts. none: None stands for no text. */
static bool
tuple_text(const module_state *state, PyObject *tuple, Py_ssize_t i, bool none, apv_span *text)
{
    PyObject *object = PyTuple_GetItem(tuple, i);

    if (none && object == Py_None) {
        *text = (apv_span){NULL, 0};
        return true;
    }
    if (PyUnicode_Check(object))
        return module_text(state, object, text);
    module_refuse(state, "an item is (kind, name, type, value or None)");
    return false;
}

static bool
read_item(const module_state *state, PyObject *tuple, apv_item *item)
{
    if (!PyTuple_Check(tuple) || PyTuple_Size(tuple) != 4) {
        module_refuse(state, "an item is (kind, name, type, value or None)");
        return false;
    }
    return tuple_text(state, tuple, 0, false, &item->kind) &&
           tuple_text(state, tuple, 1, false, &item->name) &&
           tuple_text(state, tuple, 2, false, &item->type) &&
           tuple_text(state, tuple, 3, true, &item->value);
}

PyDoc_STRVAR(digest_doc,
             "digest(minion_id, revision, items)\n--\n\n"
             "The digest of a document, \"sha256:...\". items: (kind, name, type, value or None).");

static PyObject *
digest(PyObject *module, PyObject *args)
{
    const module_state *state = module_state_get(module);
    PyObject *minion, *iterable, *list = NULL, *made = NULL;
    char text[APV_DIGEST_SIZE];
    apv_err err = APV_ERR_NONE;
    apv_item *items = NULL;
    long long revision;
    apv_span minion_id;

    if (!PyArg_ParseTuple(args, "ULO:digest", &minion, &revision, &iterable) ||
        !module_text(state, minion, &minion_id))
        return NULL;
    list = PySequence_List(iterable);
    if (list == NULL)
        goto done;
    /* Tuples of our own: the texts are borrowed from them. */
    Py_ssize_t count = PyList_Size(list);
    items = PyMem_Malloc(((size_t)count + 1) * sizeof *items);
    if (items == NULL) {
        PyErr_NoMemory();
        goto done;
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *tuple = PySequence_Tuple(PyList_GetItem(list, i));
        if (tuple == NULL || PyList_SetItem(list, i, tuple) < 0 ||
            !read_item(state, tuple, &items[i]))
            goto done;
    }
    if (apv_digest(minion_id, revision, items, (size_t)count, text, &err))
        made = PyUnicode_FromString(text);
    else
        module_raise(state, &err);

done:
    PyMem_Free(items);
    Py_XDECREF(list);
    return made;
}

PyDoc_STRVAR(mac_doc, "mac(evidence_key, evidence)\n--\n\n"
                      "The mac of evidence as 64 hex digits; its own \"mac\" is not read.");

static PyObject *
mac(PyObject *module, PyObject *args)
{
    const module_state *state = module_state_get(module);
    unsigned char raw[APV_EVIDENCE_KEY_SIZE];
    apv_reader reader = module_reader();
    apv_err err = APV_ERR_NONE;
    char text[APV_MAC_SIZE];
    PyObject *key, *evidence;

    if (!PyArg_ParseTuple(args, "OO:mac", &key, &evidence) || !module_evidence_key(state, key, raw))
        return NULL;
    if (!apv_evidence_mac(&reader, (apv_value){evidence}, raw, text, &err))
        return module_raise(state, &err);
    return PyUnicode_FromString(text);
}

PyMethodDef module_value_methods[] = {
    {"validate", validate, METH_VARARGS, validate_doc},
    {"validate_msgpack", validate_msgpack, METH_VARARGS, validate_msgpack_doc},
    {"validate_json", validate_json, METH_VARARGS, validate_json_doc},
    {"digest", digest, METH_VARARGS, digest_doc},
    {"mac", mac, METH_VARARGS, mac_doc},
    {NULL, NULL, 0, NULL},
};
