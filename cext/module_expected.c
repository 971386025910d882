/* module_expected.c - `expected` of the validate functions. */
#include "module_expected.h"

#include "module_error.h"
#include "module_text.h"

#include <string.h>

static const char shape[] =
    "expected must be a dict with packages {name: version or None}, and optionally minion, "
    "revision, digest, evidence_key, services {name: state}, values {name: JSON text}, actions "
    "{name: ...}";

static bool
refuse(const module_state *state)
{
    module_refuse(state, shape);
    return false;
}

bool
module_evidence_key(const module_state *state, PyObject *object,
                    unsigned char key[APV_EVIDENCE_KEY_SIZE])
{
    if (PyBytes_Check(object) && PyBytes_Size(object) == APV_EVIDENCE_KEY_SIZE) {
        memcpy(key, PyBytes_AsString(object), APV_EVIDENCE_KEY_SIZE);
        return true;
    }
    if (PyUnicode_Check(object)) {
        apv_span hex;
        if (!module_text(state, object, &hex))
            return false;
        if (apv_evidence_key_parse(hex, key))
            return true;
    }
    module_refuse(state, "an evidence key is 32 bytes, or 64 hex digits");
    return false;
}

/* The maps of resources in expected, each with the kind of its resources. */
static const struct {
    enum module_key key;
    const char *kind;
} sections[] = {
    {KEY_packages, "package"},
    {KEY_services, "service"},
    {KEY_values, "value"},
    {KEY_actions, "action"},
};
#define SECTION_COUNT (sizeof sections / sizeof *sections)

/* Appends the resources of one map; keeps what their texts are borrowed from. */
static bool
add_section(const module_state *state, PyObject *map, size_t section, module_expected *made)
{
    const char *kind = sections[section].kind;
    PyObject *name, *value;
    Py_ssize_t at = 0;

    while (PyDict_Next(map, &at, &name, &value)) {
        apv_item *item = &made->items[made->expected.count];
        *item = (apv_item){.kind = {kind, strlen(kind)}};
        if (!PyUnicode_Check(name))
            return refuse(state);
        if (!module_text(state, name, &item->name))
            return false;
        if (item->name.size == 0)
            return refuse(state);
        if (sections[section].key == KEY_actions)
            item->value = (apv_span){"", 0}; /* what proves an action is not a value */
        else if (PyUnicode_Check(value)) {
            if (!module_text(state, value, &item->value))
                return false;
        } else if (value != Py_None || sections[section].key != KEY_packages)
            return refuse(state);
        made->names[made->expected.count] = name;
        made->values[made->expected.count] = sections[section].key == KEY_actions ? NULL : value;
        made->expected.count++;
    }
    return true;
}

/* Sets one field that is no map. */
static bool
set_field(const module_state *state, PyObject *key, PyObject *value, module_expected *made)
{
    apv_expected *expected = &made->expected;
    PyObject *const *keys = state->keys;

    if (value == Py_None)
        return true;
    if (key == keys[KEY_minion] || key == keys[KEY_digest]) {
        if (!PyUnicode_Check(value))
            return refuse(state);
        return module_text(state, value,
                           key == keys[KEY_minion] ? &expected->minion : &expected->digest);
    }
    if (key == keys[KEY_revision]) {
        int overflow;
        if (!PyLong_Check(value) || PyBool_Check(value))
            return refuse(state);
        expected->revision = PyLong_AsLongLongAndOverflow(value, &overflow);
        expected->has_revision = true;
        return overflow == 0 || refuse(state);
    }
    expected->evidence_key = made->key;
    return module_evidence_key(state, value, made->key);
}

bool
module_expected_init(const module_state *state, PyObject *dict, module_expected *made)
{
    static const enum module_key fields[] = {KEY_minion, KEY_revision, KEY_digest,
                                             KEY_evidence_key};
    PyObject *maps[SECTION_COUNT] = {NULL}, *value;
    Py_ssize_t total = 0, known = 0;

    *made = (module_expected){.held = NULL};
    if (!PyDict_Check(dict))
        return refuse(state);
    /* Copies of the dicts: another thread may change them while the GIL is released,
     * and a copy holds what was in them. */
    made->held = PyList_New(0);
    if (made->held == NULL)
        goto fail;
    for (size_t i = 0; i < SECTION_COUNT; i++) {
        value = PyDict_GetItemWithError(dict, state->keys[sections[i].key]);
        if (value == NULL) {
            if (PyErr_Occurred())
                goto fail;
            continue;
        }
        known++;
        if (value == Py_None && sections[i].key != KEY_packages)
            continue;
        if (!PyDict_Check(value)) {
            refuse(state);
            goto fail;
        }
        maps[i] = PyDict_Copy(value);
        if (maps[i] == NULL)
            goto fail;
        int status = PyList_Append(made->held, maps[i]);
        Py_DECREF(maps[i]); /* held keeps it */
        if (status < 0)
            goto fail;
        total += PyDict_Size(maps[i]);
    }
    if (maps[0] == NULL) {
        refuse(state);
        goto fail;
    }

    /* One allocation for three arrays; never of nothing. */
    made->items = PyMem_Malloc(((size_t)total + 1) *
                               (sizeof *made->items + sizeof *made->names + sizeof *made->values));
    if (made->items == NULL) {
        PyErr_NoMemory();
        goto fail;
    }
    made->names = (PyObject **)(made->items + total + 1);
    made->values = made->names + total + 1;
    made->expected.items = made->items;
    for (size_t i = 0; i < SECTION_COUNT; i++)
        if (maps[i] != NULL && !add_section(state, maps[i], i, made))
            goto fail;
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        PyObject *key = state->keys[fields[i]];
        value = PyDict_GetItemWithError(dict, key);
        if (value == NULL) {
            if (PyErr_Occurred())
                goto fail;
            continue;
        }
        known++;
        if (PyList_Append(made->held, value) < 0 || !set_field(state, key, value, made))
            goto fail;
    }
    if (PyDict_Size(dict) != known) {
        module_refuse(state, "expected has a key that is not known");
        goto fail;
    }
    return true;

fail:
    module_expected_clear(made);
    return false;
}

void
module_expected_clear(module_expected *made)
{
    PyMem_Free(made->items);
    Py_CLEAR(made->held);
    *made = (module_expected){.held = NULL};
}
