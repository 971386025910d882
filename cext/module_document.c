/* module_document.c - the pillar of a minion as a Python dict. */
#include "module.h"

#include <string.h>
#include <time.h>

static PyObject *
text_object(apv_span text)
{
    return PyUnicode_DecodeUTF8(text.data, (Py_ssize_t)text.size, NULL);
}

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

/* What the pillar says for an item. */
static PyObject *
value_object(const module_state *state, const apv_item *item)
{
    PyObject *text, *value;

    if (item->value.data == NULL)
        Py_RETURN_NONE;
    text = text_object(item->value);
    if (text == NULL || item->kind.data[0] != 'v')
        return text;
    /* Python's own parser, because it is what made the text canonical at intake. */
    value = PyObject_CallFunctionObjArgs(state->json_loads, text, NULL);
    Py_DECREF(text);
    return value;
}

static int
add_item(const module_state *state, PyObject *maps[3], const apv_item *item)
{
    /* The library hands out these three kinds and no other. */
    PyObject *map = maps[item->kind.data[0] == 'p' ? 0 : item->kind.data[0] == 's' ? 1 : 2];
    PyObject *name = text_object(item->name);
    int status = -1;

    if (name != NULL)
        status = module_dict_take(map, name, value_object(state, item));
    Py_XDECREF(name);
    return status;
}

PyObject *
module_document_dict(const module_state *state, PyObject *minion_id, const apv_document *document)
{
    static const enum module_key kinds[] = {KEY_packages, KEY_services, KEY_values};
    PyObject *const *keys = state->keys;
    PyObject *maps[3] = {NULL, NULL, NULL};
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
        if (add_item(state, maps, &document->items[i]) < 0)
            goto fail;
    return dict;

fail:
    Py_DECREF(dict);
    return NULL;
}
