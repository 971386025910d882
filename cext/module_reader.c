/* module_reader.c - reading Python objects as the library reads values.
 *
 * The GIL is held all the time, and nothing here runs Python code: dicts are walked,
 * not looked up in, because a lookup may call __hash__ and __eq__ of foreign keys.
 * So borrowed references stay good for as long as the load is.
 */
#include "module_reader.h"

#include "apv_base.h"

static PyObject *
object_of(apv_value value)
{
    return (PyObject *)value.node;
}

static bool
utf8_of(PyObject *object, apv_span *text)
{
    Py_ssize_t size;

    /* Exact types first, here and below: for them the limited API needs no call. */
    if (!PyUnicode_CheckExact(object) && !PyUnicode_Check(object))
        return false;
    const char *data = PyUnicode_AsUTF8AndSize(object, &size);
    if (data == NULL) {
        PyErr_Clear(); /* a lone surrogate: no text that anything could be called */
        return false;
    }
    *text = (apv_span){data, (size_t)size};
    return true;
}

static apv_type
object_type(const apv_reader *reader, apv_value value)
{
    PyObject *object = object_of(value);
    apv_span text;

    (void)reader;
    if (object == NULL)
        return APV_MISSING;
    if (object == Py_None)
        return APV_NULL;
    if (PyBool_Check(object))
        return APV_BOOL;
    if (PyDict_CheckExact(object) || PyDict_Check(object))
        return APV_MAP;
    if (PyUnicode_CheckExact(object) || PyUnicode_Check(object))
        return utf8_of(object, &text) ? APV_TEXT : APV_OTHER;
    if (PyList_Check(object) || PyTuple_Check(object))
        return APV_LIST;
    if (PyLong_Check(object) || PyFloat_Check(object))
        return APV_NUMBER;
    return APV_OTHER;
}

static bool
object_text(const apv_reader *reader, apv_value value, apv_span *text)
{
    (void)reader;
    return value.node != NULL && utf8_of(object_of(value), text);
}

static bool
object_integer(const apv_reader *reader, apv_value value, int64_t *integer)
{
    PyObject *object = object_of(value);

    (void)reader;
    if (object == NULL || PyBool_Check(object))
        return false;
    if (!PyLong_CheckExact(object) && !PyLong_Check(object))
        return PyFloat_Check(object) && apv_real_is_whole(PyFloat_AsDouble(object), integer);
    int overflow;
    long long number = PyLong_AsLongLongAndOverflow(object, &overflow);
    if (overflow != 0)
        return false;
    *integer = number;
    return true;
}

static bool
object_truth(const apv_reader *reader, apv_value value)
{
    (void)reader;
    return object_of(value) == Py_True;
}

static void
object_open(const apv_reader *reader, apv_value value, apv_cursor *cursor)
{
    PyObject *object = object_of(value);

    (void)reader;
    *cursor = (apv_cursor){.of = value};
    if (object == NULL)
        return;
    if (PyDict_CheckExact(object) || PyDict_Check(object)) {
        cursor->map = true;
        cursor->count = (size_t)PyDict_Size(object);
    } else if (PyList_Check(object))
        cursor->count = (size_t)PyList_Size(object);
    else if (PyTuple_Check(object))
        cursor->count = (size_t)PyTuple_Size(object);
}

static bool
object_next(const apv_reader *reader, apv_cursor *cursor, apv_span *key, apv_value *value)
{
    PyObject *object = object_of(cursor->of);
    Py_ssize_t at = (Py_ssize_t)cursor->index;

    (void)reader;
    *key = (apv_span){NULL, 0};
    if (cursor->map) {
        PyObject *name, *element;
        if (!PyDict_Next(object, &at, &name, &element))
            return false;
        cursor->index = (size_t)at;
        if (!utf8_of(name, key))
            *key = (apv_span){NULL, 0};
        value->node = element;
        return true;
    }
    if (cursor->index >= cursor->count)
        return false;
    cursor->index++;
    value->node = PyList_Check(object) ? PyList_GetItem(object, at) : PyTuple_GetItem(object, at);
    return true;
}

/* Which of the words a key is, or count. */
static size_t
index_of(PyObject *key, const apv_span *words, size_t count)
{
    apv_span text;
    return utf8_of(key, &text) && text.size > 0 ? apv_word_index(words, count, text) : count;
}

static void
object_find(const apv_reader *reader, apv_value map, const apv_span *words, size_t count,
            apv_value *found)
{
    module_shape *shape = &APV_CONTAINER_OF(reader, module_reader, reader)->shape;
    size_t remembered = count > 1 ? MODULE_SHAPE_KEYS : 0; /* a single word need not be static */
    PyObject *object = object_of(map), *key, *value;
    Py_ssize_t at = 0;

    if (object == NULL || (!PyDict_CheckExact(object) && !PyDict_Check(object)))
        return;
    if (remembered > 0 && shape->words != words)
        *shape = (module_shape){.words = words};
    for (size_t i = 0; PyDict_Next(object, &at, &key, &value); i++) {
        size_t index;
        if (i < remembered && shape->keys[i] == key)
            index = shape->indexes[i];
        else {
            index = index_of(key, words, count);
            if (i < remembered) {
                shape->keys[i] = key;
                shape->indexes[i] = index;
            }
        }
        if (index < count)
            found[index].node = value;
    }
}

void
module_reader_init(module_reader *made)
{
    *made = (module_reader){
        .reader =
            {
                .type = object_type,
                .text = object_text,
                .integer = object_integer,
                .truth = object_truth,
                .open = object_open,
                .next = object_next,
                .find = object_find,
            },
    };
}
