/* module_state.c - the state of the Python module. */
#include "module_state.h"

module_state *
module_state_get(PyObject *module)
{
    return (module_state *)PyModule_GetState(module);
}

static int
intern_keys(module_state *state)
{
    static const char *const words[KEY_COUNT] = {
#define MODULE_KEY_WORD(word) #word,
        MODULE_KEYS(MODULE_KEY_WORD)
#undef MODULE_KEY_WORD
    };
    for (size_t i = 0; i < KEY_COUNT; i++) {
        state->keys[i] = PyUnicode_InternFromString(words[i]);
        if (state->keys[i] == NULL)
            return -1;
    }
    return 0;
}

static int
make_finding(module_state *state)
{
    static const enum module_key keys[] = {KEY_minion,   KEY_kind,   KEY_name,
                                           KEY_verdict,  KEY_reason, KEY_expected,
                                           KEY_observed, KEY_source, KEY_text};
    state->finding = PyDict_New();
    if (state->finding == NULL)
        return -1;
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (PyDict_SetItem(state->finding, state->keys[keys[i]], Py_None) < 0)
            return -1;
    return 0;
}

static int
import_json(module_state *state)
{
    PyObject *json = PyImport_ImportModule("json"), *nothing = PyTuple_New(0);
    PyObject *type = NULL, *options = NULL, *encoder = NULL;
    int status = -1;

    if (json == NULL || nothing == NULL)
        goto done;
    state->json_loads = PyObject_GetAttrString(json, "loads");
    type = PyObject_GetAttrString(json, "JSONEncoder");
    options = Py_BuildValue("{sOsOsOs(ss)}", "sort_keys", Py_True, "ensure_ascii", Py_False,
                            "allow_nan", Py_False, "separators", ",", ":");
    if (state->json_loads == NULL || type == NULL || options == NULL)
        goto done;
    encoder = PyObject_Call(type, nothing, options);
    if (encoder == NULL)
        goto done;
    state->json_text = PyObject_GetAttrString(encoder, "encode");
    status = state->json_text == NULL ? -1 : 0;

done:
    Py_XDECREF(encoder);
    Py_XDECREF(options);
    Py_XDECREF(type);
    Py_XDECREF(nothing);
    Py_XDECREF(json);
    return status;
}

int
module_state_init(module_state *state)
{
    state->words = PyMem_Calloc(MODULE_WORDS, sizeof *state->words);
    if (state->words == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    return intern_keys(state) < 0 || make_finding(state) < 0 ? -1 : import_json(state);
}

int
module_state_traverse(module_state *state, visitproc visit, void *arg)
{
    Py_VISIT(state->error);
    Py_VISIT(state->unavailable);
    Py_VISIT(state->database_error);
    Py_VISIT(state->data_error);
    Py_VISIT(state->store_error);
    Py_VISIT(state->json_loads);
    Py_VISIT(state->json_text);
    Py_VISIT(state->finding);
    for (size_t i = 0; i < KEY_COUNT; i++)
        Py_VISIT(state->keys[i]);
    for (size_t i = 0; state->words != NULL && i < MODULE_WORDS; i++)
        Py_VISIT(state->words[i].text);
    return 0;
}

void
module_state_clear(module_state *state)
{
    Py_CLEAR(state->error);
    Py_CLEAR(state->unavailable);
    Py_CLEAR(state->database_error);
    Py_CLEAR(state->data_error);
    Py_CLEAR(state->store_error);
    Py_CLEAR(state->json_loads);
    Py_CLEAR(state->json_text);
    Py_CLEAR(state->finding);
    for (size_t i = 0; i < KEY_COUNT; i++)
        Py_CLEAR(state->keys[i]);
    for (size_t i = 0; state->words != NULL && i < MODULE_WORDS; i++)
        Py_CLEAR(state->words[i].text);
    PyMem_Free(state->words);
    state->words = NULL;
}

PyObject *
module_word(const module_state *state, const char *word)
{
    uintptr_t address = (uintptr_t)word;
    module_word_made *made = &state->words[(address ^ address >> 6) % MODULE_WORDS];

    if (made->word != word) {
        PyObject *text = PyUnicode_InternFromString(word), *before = made->text;
        if (text == NULL)
            return NULL;
        *made = (module_word_made){word, text};
        Py_XDECREF(before);
    }
    return Py_NewRef(made->text);
}

int
module_dict_take(PyObject *dict, PyObject *key, PyObject *value)
{
    if (value == NULL)
        return -1;
    int status = PyDict_SetItem(dict, key, value);
    Py_DECREF(value);
    return status;
}
