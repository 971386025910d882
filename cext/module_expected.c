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
    apv_span kind;
} sections[] = {
    {KEY_packages, APV_WORD("package")},
    {KEY_services, APV_WORD("service")},
    {KEY_values, APV_WORD("value")},
    {KEY_actions, APV_WORD("action")},
};
#define SECTION_COUNT (sizeof sections / sizeof *sections)

/* Appends the resources of one map. */
static bool
add_section(const module_state *state, PyObject *map, size_t section, module_expected *made)
{
    PyObject *name, *value;
    Py_ssize_t at = 0;

    while (PyDict_Next(map, &at, &name, &value)) {
        apv_item *item = &made->items[made->expected.count];
        *item = (apv_item){.kind = sections[section].kind};
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
set_field(const module_state *state, enum module_key key, PyObject *value, module_expected *made)
{
    apv_expected *expected = &made->expected;

    if (value == Py_None)
        return true;
    if (key == KEY_minion || key == KEY_digest) {
        if (!PyUnicode_Check(value))
            return refuse(state);
        return module_text(state, value, key == KEY_minion ? &expected->minion : &expected->digest);
    }
    if (key == KEY_revision) {
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

/* The number of the word that a key is, or count: none of them. Nothing of Python runs, as could
 * for a key that is looked up in a dict. */
static size_t
index_of(const module_state *state, PyObject *key, const enum module_key *words, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (key == state->keys[words[i]])
            return i;
    for (size_t i = 0; PyUnicode_Check(key) && i < count; i++)
        if (PyUnicode_Compare(key, state->keys[words[i]]) == 0)
            return i;
    return count;
}

bool
module_expected_init(const module_state *state, PyObject *dict, module_expected *made)
{
    enum { FIELD_COUNT = 4, COUNT = SECTION_COUNT + FIELD_COUNT };
    static const enum module_key words[COUNT] = {KEY_packages, KEY_services,    KEY_values,
                                                 KEY_actions,  KEY_minion,      KEY_revision,
                                                 KEY_digest,   KEY_evidence_key};
    PyObject *given[COUNT] = {NULL}, *key, *value;
    Py_ssize_t at = 0, total = 0;

    *made = (module_expected){.items = NULL};
    if (!PyDict_Check(dict))
        return refuse(state);
    while (PyDict_Next(dict, &at, &key, &value)) {
        size_t index = index_of(state, key, words, COUNT);
        if (index == COUNT) {
            module_refuse(state, "expected has a key that is not known");
            return false;
        }
        given[index] = value;
    }
    for (size_t i = 0; i < SECTION_COUNT; i++) {
        if (given[i] == Py_None && i > 0)
            given[i] = NULL;
        if (given[i] == NULL ? i == 0 : !PyDict_Check(given[i]))
            return refuse(state);
        if (given[i] != NULL)
            total += PyDict_Size(given[i]);
    }

    /* One allocation for three arrays; never of nothing. */
    made->items = PyMem_Malloc(((size_t)total + 1) *
                               (sizeof *made->items + sizeof *made->names + sizeof *made->values));
    if (made->items == NULL) {
        PyErr_NoMemory();
        return false;
    }
    made->names = (PyObject **)(made->items + total + 1);
    made->values = made->names + total + 1;
    made->expected.items = made->items;
    for (size_t i = 0; i < COUNT; i++)
        if (given[i] != NULL && !(i < SECTION_COUNT ? add_section(state, given[i], i, made)
                                                    : set_field(state, words[i], given[i], made))) {
            module_expected_clear(made);
            return false;
        }
    return true;
}

void
module_expected_clear(module_expected *made)
{
    PyMem_Free(made->items);
    *made = (module_expected){.items = NULL};
}
