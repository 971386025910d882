/* module_document.c - the pillar of a minion as a Python dict. */
#include "module_document.h"

#include "module_text.h"

#include <string.h>
#include <time.h>

/* How deep lists and maps may stand in one another in a value: Salt's msgpack ends at 511, with
 * what it wraps around a pillar. */
#define DEPTH_MAX 400

static PyObject *
hex_object(apv_span bytes)
{
    static const char digits[] = "0123456789abcdef";
    char hex[2 * APV_EVIDENCE_KEY_SIZE];

    for (size_t i = 0; i < APV_EVIDENCE_KEY_SIZE; i++) {
        hex[2 * i] = digits[(unsigned char)bytes.data[i] >> 4];
        hex[2 * i + 1] = digits[(unsigned char)bytes.data[i] & 15];
    }
    return PyUnicode_FromStringAndSize(hex, sizeof hex);
}

/* 2026-11-22T15:00:00Z */
static PyObject *
time_object(double seconds)
{
    time_t whole = (time_t)seconds;
    struct tm parts;
    char text[64];

    if (gmtime_r(&whole, &parts) == NULL ||
        strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts) == 0)
        return PyErr_Format(PyExc_OverflowError, "a time is out of range");
    return PyUnicode_FromString(text);
}

/* Whether Salt's msgpack brings a value of json.loads to a minion as it is: 1, 0, or -1 with
 * an exception set. */
static int
is_carried(PyObject *value, int depth)
{
    int carried = 1;

    if (PyLong_Check(value)) {
        int overflow;
        PyLong_AsLongLongAndOverflow(value, &overflow);
        if (overflow > 0)
            (void)PyLong_AsUnsignedLongLong(value);
        carried = overflow >= 0 && !PyErr_Occurred();
        PyErr_Clear();
    } else if (PyDict_Check(value)) {
        PyObject *member;
        Py_ssize_t at = 0;
        carried = depth < DEPTH_MAX;
        while (carried > 0 && PyDict_Next(value, &at, NULL, &member))
            carried = is_carried(member, depth + 1);
    } else if (PyList_Check(value)) {
        carried = depth < DEPTH_MAX;
        for (Py_ssize_t i = 0; carried > 0 && i < PyList_Size(value); i++)
            carried = is_carried(PyList_GetItem(value, i), depth + 1);
    }
    return carried;
}

/* The object that a text of JSON stands for, or NULL: with an exception set; or without one, if
 * a minion could not make the same text of the object that would reach it. */
static PyObject *
json_object(const module_state *state, PyObject *text)
{
    /* Python's own parser and writer, because they are what a minion makes its text with. */
    PyObject *value = PyObject_CallFunctionObjArgs(state->json_loads, text, NULL), *again = NULL;
    int same = 0;

    if (value != NULL && is_carried(value, 0))
        again = PyObject_CallFunctionObjArgs(state->json_text, value, NULL);
    if (again != NULL)
        same = PyUnicode_Compare(text, again) == 0;
    Py_XDECREF(again);
    if (same)
        return value;
    Py_XDECREF(value);
    /* Not JSON, or nested too deep for Python; what else is wrong is no fault of the value. */
    if (PyErr_Occurred() &&
        (PyErr_ExceptionMatches(PyExc_ValueError) || PyErr_ExceptionMatches(PyExc_RecursionError)))
        PyErr_Clear();
    return NULL;
}

/* Adds an item to the maps of its kind. unreadable: receives the values that cannot reach a
 * minion, as their texts; NULL until there is one. */
static int
add_item(const module_state *state, PyObject *maps[3], PyObject **unreadable, const apv_item *item)
{
    /* The library hands out these three kinds and no other. */
    PyObject *map = maps[item->kind.data[0] == 'p' ? 0 : item->kind.data[0] == 's' ? 1 : 2];
    PyObject *name = module_text_object(item->name), *value = NULL;
    int status = -1;

    if (name == NULL)
        goto done;
    value = module_text_object(item->value);
    if (value != NULL && item->kind.data[0] == 'v') {
        PyObject *parsed = json_object(state, value);
        if (parsed != NULL) {
            Py_DECREF(value);
            value = parsed;
        } else if (PyErr_Occurred()) {
            Py_CLEAR(value);
        } else {
            if (*unreadable == NULL)
                *unreadable = PyDict_New();
            map = *unreadable;
        }
    }
    if (value == NULL || map == NULL) {
        Py_XDECREF(value);
        goto done;
    }
    status = module_dict_take(map, name, value);

done:
    Py_XDECREF(name);
    return status;
}

/* dict["unreadable"] = {"values": unreadable}; takes the reference to unreadable. */
static int
put_unreadable(const module_state *state, PyObject *dict, PyObject *unreadable)
{
    PyObject *kinds = PyDict_New();

    if (kinds == NULL) {
        Py_DECREF(unreadable);
        return -1;
    }
    if (module_dict_take(kinds, state->keys[KEY_values], unreadable) < 0) {
        Py_DECREF(kinds);
        return -1;
    }
    return module_dict_take(dict, state->keys[KEY_unreadable], kinds);
}

PyObject *
module_document_dict(const module_state *state, PyObject *minion_id, const apv_document *document)
{
    static const enum module_key kinds[] = {KEY_packages, KEY_services, KEY_values};
    PyObject *const *keys = state->keys;
    PyObject *maps[3] = {NULL, NULL, NULL}, *unreadable = NULL;
    PyObject *dict = PyDict_New();

    if (dict == NULL)
        return NULL;
    if (module_dict_take(dict, keys[KEY_revision], PyLong_FromLongLong(document->revision)) < 0 ||
        module_dict_take(dict, keys[KEY_digest], PyUnicode_FromString(document->digest)) < 0)
        goto fail;
    if (document->evidence_key.data != NULL &&
        module_dict_take(dict, keys[KEY_evidence_key], hex_object(document->evidence_key)) < 0)
        goto fail;
    if (PyDict_SetItem(dict, keys[KEY_minion], minion_id) < 0 ||
        PyDict_SetItem(dict, keys[KEY_source],
                       keys[document->from_snapshot ? KEY_snapshot : KEY_database]) < 0 ||
        module_dict_take(dict, keys[KEY_as_of], time_object(document->as_of)) < 0)
        goto fail;
    for (size_t i = 0; i < 3; i++) {
        maps[i] = PyDict_New(); /* borrowed from dict once it is in */
        if (module_dict_take(dict, keys[kinds[i]], maps[i]) < 0)
            goto fail;
    }
    for (size_t i = 0; i < document->count; i++)
        if (add_item(state, maps, &unreadable, &document->items[i]) < 0)
            goto fail;
    if (unreadable != NULL) {
        PyObject *taken = unreadable;
        unreadable = NULL;
        if (put_unreadable(state, dict, taken) < 0)
            goto fail;
    }
    return dict;

fail:
    Py_XDECREF(unreadable);
    Py_DECREF(dict);
    return NULL;
}
