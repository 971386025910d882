/* module_cell.c - values of a result as Python objects. */
#include "module_cell.h"

#include "module_error.h"
#include "module_text.h"

#include "apv_db.h"
#include "apv_wire.h"

/* A list of an array's elements. */
static PyObject *
list_of(const module_state *state, apv_span bytes, apv_oid element)
{
    apv_err err = APV_ERR_NONE;
    apv_array array;
    apv_span item;

    if (!apv_array_open(bytes, element, &array, &err))
        return module_raise(state, &err);
    PyObject *list = PyList_New((Py_ssize_t)array.count);
    for (Py_ssize_t i = 0; list != NULL && apv_array_next(&array, &item); i++) {
        PyObject *object = module_cell(state, element, item);
        if (object == NULL || PyList_SetItem(list, i, object) < 0)
            Py_CLEAR(list);
    }
    return list;
}

PyObject *
module_cell(const module_state *state, uint32_t type, apv_span bytes)
{
    apv_err err = APV_ERR_NONE;
    apv_span text;
    bool truth;
    int32_t small;
    int64_t large;
    double real;

    if (bytes.data == NULL)
        Py_RETURN_NONE;
    switch (type) {
    case APV_OID_BOOL:
        return apv_wire_bool(bytes, &truth, &err) ? PyBool_FromLong(truth)
                                                  : module_raise(state, &err);
    case APV_OID_BYTEA:
        return PyBytes_FromStringAndSize(bytes.data, (Py_ssize_t)bytes.size);
    case APV_OID_INT8:
        return apv_wire_int8(bytes, &large, &err) ? PyLong_FromLongLong(large)
                                                  : module_raise(state, &err);
    case APV_OID_INT4:
        return apv_wire_int4(bytes, &small, &err) ? PyLong_FromLong(small)
                                                  : module_raise(state, &err);
    case APV_OID_TEXT:
    case APV_OID_JSON:
        return apv_wire_text(bytes, &text, &err) ? module_text_object(text)
                                                 : module_raise(state, &err);
    case APV_OID_JSONB:
        return apv_wire_jsonb(bytes, &text, &err) ? module_text_object(text)
                                                  : module_raise(state, &err);
    case APV_OID_FLOAT8:
        return apv_wire_float8(bytes, &real, &err) ? PyFloat_FromDouble(real)
                                                   : module_raise(state, &err);
    case APV_OID_TIMESTAMPTZ:
        return apv_wire_timestamptz(bytes, &real, &err) ? PyFloat_FromDouble(real)
                                                        : module_raise(state, &err);
    case APV_OID_BYTEA_ARRAY:
        return list_of(state, bytes, APV_OID_BYTEA);
    case APV_OID_TEXT_ARRAY:
        return list_of(state, bytes, APV_OID_TEXT);
    case APV_OID_INT8_ARRAY:
        return list_of(state, bytes, APV_OID_INT8);
    case APV_OID_VOID:
        Py_RETURN_NONE;
    default:
        return PyErr_Format(state->error,
                            "the database answered with a type (OID %u) that has no Python form",
                            (unsigned)type);
    }
}
