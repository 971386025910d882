/* module_value.c - digest, mac and validation for Python. */
#include "module_value.h"

#include "evidence.h"
#include "module_error.h"
#include "module_expected.h"
#include "module_reader.h"
#include "module_text.h"
#include "validate.h"

/* ---- verdicts ---- */

/* Puts value, a new reference or NULL, under key. */
static bool
put(PyObject *dict, PyObject *key, PyObject *value)
{
    return module_dict_take(dict, key, value) == 0;
}

/* The object that text was borrowed from, where it is known, else a new one. */
static PyObject *
same_text(apv_span text, PyObject *known, apv_span of_known)
{
    if (known != NULL && text.data == of_known.data && text.size == of_known.size)
        return Py_NewRef(known);
    return module_text_object(text);
}

/* ---- findings ---- */

/* A dict with all keys of a finding and what it has in common with others: most findings
 * differ from one that came before in nothing but name, versions and text. A copy of it is
 * made several times faster than a dict is filled. */
typedef struct {
    const char *minion, *kind, *reason, *source; /* the library's own, compared by address */
    PyObject *dict;
} pattern;

typedef struct {
    pattern patterns[16];
    size_t count, next;
} pattern_list;

static PyObject *
pattern_dict(const module_state *state, const apv_finding *finding)
{
    PyObject *const *keys = state->keys;
    PyObject *dict = PyDict_Copy(state->finding);

    if (dict != NULL &&
        (!put(dict, keys[KEY_minion], module_text_object(finding->minion)) ||
         !put(dict, keys[KEY_kind], module_text_object(finding->kind)) ||
         !put(dict, keys[KEY_verdict], module_word(state, apv_outcome_name(finding->verdict))) ||
         !put(dict, keys[KEY_reason], module_word(state, finding->reason)) ||
         !put(dict, keys[KEY_source], module_word(state, finding->source))))
        Py_CLEAR(dict);
    return dict;
}

/* Borrowed from patterns, or NULL with an exception set. */
static PyObject *
pattern_of(const module_state *state, const apv_finding *finding, pattern_list *patterns)
{
    const size_t room = sizeof patterns->patterns / sizeof *patterns->patterns;

    for (size_t i = 0; i < patterns->count; i++) {
        const pattern *known = &patterns->patterns[i];
        /* The reason's text stands for the verdict too. */
        if (known->reason == finding->reason && known->source == finding->source &&
            known->kind == finding->kind.data && known->minion == finding->minion.data)
            return known->dict;
    }
    pattern *made = &patterns->patterns[patterns->next];
    PyObject *dict = pattern_dict(state, finding);
    if (dict == NULL)
        return NULL;
    if (patterns->count < room)
        patterns->count++;
    else
        Py_DECREF(made->dict);
    *made =
        (pattern){finding->minion.data, finding->kind.data, finding->reason, finding->source, dict};
    patterns->next = (patterns->next + 1) % room;
    return dict;
}

static void
patterns_clear(pattern_list *patterns)
{
    while (patterns->count > 0)
        Py_DECREF(patterns->patterns[--patterns->count].dict);
}

/* Fills a copy of a pattern, where None stands for no text already. made: what was expected, of
 * which finding->item is one; or NULL. */
static bool
fill_finding(const module_state *state, PyObject *dict, const apv_finding *finding,
             const module_expected *made)
{
    const apv_item *item = finding->item;
    PyObject *const *keys = state->keys;
    PyObject *name = made == NULL ? NULL : made->names[item - made->items];
    PyObject *value = made == NULL ? NULL : made->values[item - made->items];

    return put(dict, keys[KEY_name], same_text(finding->name, name, item->name)) &&
           (finding->expected.data == NULL ||
            put(dict, keys[KEY_expected], same_text(finding->expected, value, item->value))) &&
           (finding->observed.data == NULL ||
            put(dict, keys[KEY_observed], same_text(finding->observed, value, item->value))) &&
           put(dict, keys[KEY_text], module_text_object(finding->text));
}

/* A list of findings that is being made. */
typedef struct {
    const module_state *state;
    const module_expected *made; /* NULL: its objects are not at hand */
    PyObject *list;
    pattern_list patterns;
} finding_list;

/* False, with an exception set: there is no list. */
static bool
findings_start(const module_state *state, const module_expected *made, finding_list *findings)
{
    *findings = (finding_list){.state = state, .made = made, .list = PyList_New(0)};
    return findings->list != NULL;
}

/* Appends a finding: the sink of a validation. False: an exception is set. */
static bool
findings_take(void *arg, const apv_finding *finding)
{
    finding_list *findings = arg;
    PyObject *alike = pattern_of(findings->state, finding, &findings->patterns);
    PyObject *dict = alike == NULL ? NULL : PyDict_Copy(alike);
    bool ok = dict != NULL && fill_finding(findings->state, dict, finding, findings->made) &&
              PyList_Append(findings->list, dict) == 0;

    Py_XDECREF(dict);
    return ok;
}

/* The list, a new reference, or NULL if not ok. */
static PyObject *
findings_end(finding_list *findings, bool ok)
{
    patterns_clear(&findings->patterns);
    if (!ok)
        Py_CLEAR(findings->list);
    return findings->list;
}

static PyObject *
unapproved_list(const apv_verdict *verdict)
{
    PyObject *list = PyList_New((Py_ssize_t)verdict->unapproved_count);

    for (size_t i = 0; list != NULL && i < verdict->unapproved_count; i++) {
        PyObject *name = module_text_object(verdict->unapproved[i]);
        if (name == NULL || PyList_SetItem(list, (Py_ssize_t)i, name) < 0)
            Py_CLEAR(list);
    }
    return list;
}

/* The answer of a validation. findings: taken; NULL: an exception is set. */
static PyObject *
verdict_dict(const module_state *state, const apv_verdict *verdict, PyObject *findings)
{
    PyObject *const *keys = state->keys;
    PyObject *dict = PyDict_New();

    if (dict == NULL || findings == NULL ||
        !put(dict, keys[KEY_verdict], module_word(state, apv_outcome_name(verdict->verdict))) ||
        !put(dict, keys[KEY_revision],
             verdict->has_revision ? PyLong_FromLongLong(verdict->revision) : Py_NewRef(Py_None)) ||
        !put(dict, keys[KEY_authenticated], PyBool_FromLong(verdict->authenticated)) ||
        PyDict_SetItem(dict, keys[KEY_findings], findings) < 0 ||
        !put(dict, keys[KEY_unapproved], unapproved_list(verdict)))
        Py_CLEAR(dict);
    Py_XDECREF(findings);
    return dict;
}

PyObject *
module_verdict_dict(const module_state *state, const apv_verdict *verdict)
{
    finding_list findings;
    bool ok = findings_start(state, NULL, &findings);

    for (size_t i = 0; ok && i < verdict->finding_count; i++)
        ok = findings_take(&findings, &verdict->findings[i]);
    return verdict_dict(state, verdict, findings_end(&findings, ok));
}

/* ---- validation ---- */

/* One call that validates. The GIL is held until its end: judging takes less than what is made of
 * it for Python. */
typedef struct {
    const module_state *state;
    module_expected made;
    finding_list findings;
    apv_finding_sink sink;
    apv_verdict *verdict;
    apv_err err;
    int collects; /* garbage */
} judging;

/* Takes the arguments of a call that validates. False: an exception is set, and the call is over.
 */
static bool
judging_start(PyObject *module, const char *name, PyObject *const *args, Py_ssize_t count,
              judging *call)
{
    call->state = module_state_get(module);
    call->sink = (apv_finding_sink){findings_take, &call->findings};
    call->verdict = NULL;
    call->err = (apv_err)APV_ERR_NONE;
    if (count != 2) {
        PyErr_Format(PyExc_TypeError, "%s() takes a return and what is expected", name);
        return false;
    }
    if (!module_expected_init(call->state, args[1], &call->made))
        return false;
    if (!findings_start(call->state, &call->made, &call->findings)) {
        module_expected_clear(&call->made);
        return false;
    }
    /* Making a dict may collect garbage, and a finalizer then change what is read. */
    call->collects = PyGC_Disable();
    return true;
}

/* The answer of the call. ok: there is a verdict. */
static PyObject *
judging_end(judging *call, bool ok)
{
    PyObject *findings = findings_end(&call->findings, ok), *answer;

    if (call->collects)
        PyGC_Enable();
    answer = ok ? verdict_dict(call->state, call->verdict, findings)
                : module_raise(call->state, &call->err);
    apv_verdict_free(&call->verdict);
    module_expected_clear(&call->made);
    return answer;
}

PyDoc_STRVAR(
    validate_doc,
    "validate(load, expected, /)\n--\n\n"
    "Judge a return, given as Salt gives it to a returner, against what is expected:\n"
    "{\"packages\": {name: version, \"latest\" or None}} and optionally minion, revision,\n"
    "digest, evidence_key, services, values (canonical JSON texts) and actions.\n\n"
    "Nothing in load raises. Answers {\"verdict\", \"revision\", \"authenticated\",\n"
    "\"findings\", \"unapproved\"}; docs/validation.md explains them.\n\n"
    "Tests and benchmarks alone call it: returns are validated as they are recorded.");

static PyObject *
validate(PyObject *module, PyObject *const *args, Py_ssize_t count)
{
    module_reader objects;
    judging call;

    if (!judging_start(module, "validate", args, count, &call))
        return NULL;
    module_reader_init(&objects);
    return judging_end(&call,
                       apv_validate(&objects.reader, (apv_value){args[0]}, &call.made.expected,
                                    &call.sink, &call.verdict, &call.err));
}

PyDoc_STRVAR(validate_msgpack_doc, "validate_msgpack(data, expected, /)\n--\n\n"
                                   "validate() for a return in msgpack bytes.");

static PyObject *
validate_msgpack(PyObject *module, PyObject *const *args, Py_ssize_t count)
{
    judging call;
    apv_span load;

    if (count > 0 && !module_bytes(args[0], &load))
        return NULL;
    if (!judging_start(module, "validate_msgpack", args, count, &call))
        return NULL;
    return judging_end(
        &call, apv_judge_msgpack(load, &call.made.expected, &call.sink, &call.verdict, &call.err));
}

PyDoc_STRVAR(validate_json_doc, "validate_json(data, expected, /)\n--\n\n"
                                "validate() for a return in JSON, str or UTF-8 bytes.");

static PyObject *
validate_json(PyObject *module, PyObject *const *args, Py_ssize_t count)
{
    judging call;
    apv_span load;

    if (count > 0 &&
        !(PyUnicode_Check(args[0]) ? module_text(module_state_get(module), args[0], &load)
                                   : module_bytes(args[0], &load)))
        return NULL;
    if (!judging_start(module, "validate_json", args, count, &call))
        return NULL;
    return judging_end(
        &call, apv_judge_json(load, &call.made.expected, &call.sink, &call.verdict, &call.err));
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

PyDoc_STRVAR(
    digest_doc,
    "digest(minion_id, revision, items)\n--\n\n"
    "The digest of a document, \"sha256:...\". items: (kind, name, type, value or None).\n\n"
    "Tests alone call it: a document is checked against its digest as it is read.");

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
                      "The mac of evidence as 64 hex digits; its own \"mac\" is not read.\n\n"
                      "Tests alone call it: evidence is checked as a return is validated.");

static PyObject *
mac(PyObject *module, PyObject *args)
{
    const module_state *state = module_state_get(module);
    unsigned char raw[APV_EVIDENCE_KEY_SIZE];
    module_reader objects;
    apv_err err = APV_ERR_NONE;
    char text[APV_MAC_SIZE];
    PyObject *key, *evidence;

    if (!PyArg_ParseTuple(args, "OO:mac", &key, &evidence) || !module_evidence_key(state, key, raw))
        return NULL;
    module_reader_init(&objects);
    if (!apv_evidence_mac(&objects.reader, (apv_value){evidence}, raw, text, &err))
        return module_raise(state, &err);
    return PyUnicode_FromString(text);
}

PyMethodDef module_value_methods[] = {
    {"validate", (PyCFunction)(void (*)(void))validate, METH_FASTCALL, validate_doc},
    {"validate_msgpack", (PyCFunction)(void (*)(void))validate_msgpack, METH_FASTCALL,
     validate_msgpack_doc},
    {"validate_json", (PyCFunction)(void (*)(void))validate_json, METH_FASTCALL, validate_json_doc},
    {"digest", digest, METH_VARARGS, digest_doc},
    {"mac", mac, METH_VARARGS, mac_doc},
    {NULL, NULL, 0, NULL},
};
