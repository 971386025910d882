/* call.c - calling the functions of schema approval. */
#include "apv_wire.h"
#include "buf.h"
#include "db_private.h"
#include "text.h"

#include <string.h>

#define FUNCTION_MAX 40                                /* length of a function's name */
#define SQL_MAX (64 + FUNCTION_MAX + 4 * APV_ARGS_MAX) /* $99 and a comma for each */

static bool
build_sql(const char *function, size_t count, char sql[SQL_MAX], apv_err *err)
{
    size_t length = strspn(function, "abcdefghijklmnopqrstuvwxyz_");

    if (length == 0 || length > FUNCTION_MAX || function[length] != '\0')
        return apv_fail(err, APV_ERR_INVALID, "a function's name has letters a-z and _ only");
    if (count > APV_ARGS_MAX)
        return apv_fail(err, APV_ERR_INVALID, "too many arguments");
    /* By hand: this is done for every call, and printf takes its time. */
    static const char start[] = "SELECT * FROM approval.";
    char *end = sql;
    memcpy(end, start, sizeof start - 1);
    end += sizeof start - 1;
    memcpy(end, function, length);
    end += length;
    *end++ = '(';
    for (size_t i = 1; i <= count; i++) {
        if (i > 1)
            *end++ = ',';
        *end++ = '$';
        if (i >= 10)
            *end++ = (char)('0' + i / 10);
        *end++ = (char)('0' + i % 10);
    }
    *end++ = ')';
    *end = '\0';
    return true;
}

bool
apv_text_check(apv_span text, apv_err *err)
{
    if (!apv_utf8_valid(text.data, text.size) ||
        (text.size > 0 && memchr(text.data, '\0', text.size) != NULL))
        return apv_fail(err, APV_ERR_INVALID, "a text must be UTF-8 without NUL");
    return true;
}

static bool
append_array(apv_buf *buf, const apv_arg *arg, uint32_t element, apv_err *err)
{
    size_t count = arg->as.array.count;
    bool has_nulls = false;

    if (count > INT32_MAX)
        return apv_fail(err, APV_ERR_LIMIT, "an array is too long");
    for (size_t i = 0; i < count; i++)
        has_nulls = has_nulls || arg->as.array.items[i].data == NULL;
    if (!apv_buf_append_u32(buf, count > 0, err) || !apv_buf_append_u32(buf, has_nulls, err) ||
        !apv_buf_append_u32(buf, element, err))
        return false;
    if (count > 0 &&
        (!apv_buf_append_u32(buf, (uint32_t)count, err) || !apv_buf_append_u32(buf, 1, err)))
        return false;
    for (size_t i = 0; i < count; i++) {
        apv_span item = arg->as.array.items[i];
        if (item.data == NULL) {
            if (!apv_buf_append_u32(buf, UINT32_MAX, err))
                return false;
            continue;
        }
        if (element == APV_OID_TEXT && !apv_text_check(item, err))
            return false;
        if (item.size > INT32_MAX)
            return apv_fail(err, APV_ERR_LIMIT, "an element of an array is too large");
        if (!apv_buf_append_u32(buf, (uint32_t)item.size, err) ||
            !apv_buf_append(buf, item.data, item.size, err))
            return false;
    }
    return true;
}

/* The OID under which an argument is sent; 0: the server infers it. */
static uint32_t
arg_type(apv_arg_kind kind)
{
    switch (kind) {
    case APV_ARG_NULL:
    case APV_ARG_LITERAL:
        return 0;
    case APV_ARG_TEXT:
        return APV_OID_TEXT;
    case APV_ARG_BYTES:
        return APV_OID_BYTEA;
    case APV_ARG_BOOL:
        return APV_OID_BOOL;
    case APV_ARG_INT4:
        return APV_OID_INT4;
    case APV_ARG_INT8:
        return APV_OID_INT8;
    case APV_ARG_FLOAT:
        return APV_OID_FLOAT8;
    case APV_ARG_TEXT_ARRAY:
        return APV_OID_TEXT_ARRAY;
    case APV_ARG_BYTES_ARRAY:
        return APV_OID_BYTEA_ARRAY;
    case APV_ARG_BOOL_ARRAY:
        return APV_OID_BOOL_ARRAY;
    case APV_ARG_INT8_ARRAY:
        return APV_OID_INT8_ARRAY;
    }
    return 0;
}

/* Appends what is sent for an argument, unless its own bytes can be sent as they are. */
static bool
append_arg(apv_buf *buf, const apv_arg *arg, apv_err *err)
{
    uint64_t bits;

    switch (arg->kind) {
    case APV_ARG_LITERAL:
    case APV_ARG_TEXT:
        return apv_text_check(arg->as.span, err);
    case APV_ARG_BYTES:
    case APV_ARG_NULL:
        return true;
    case APV_ARG_BOOL:
        return apv_buf_append(buf, arg->as.boolean ? "\1" : "\0", 1, err);
    case APV_ARG_INT4:
        return apv_buf_append_u32(buf, (uint32_t)arg->as.integer, err);
    case APV_ARG_INT8:
        return apv_buf_append_u64(buf, (uint64_t)arg->as.integer, err);
    case APV_ARG_FLOAT:
        memcpy(&bits, &arg->as.real, sizeof bits);
        return apv_buf_append_u64(buf, bits, err);
    case APV_ARG_TEXT_ARRAY:
        return append_array(buf, arg, APV_OID_TEXT, err);
    case APV_ARG_BYTES_ARRAY:
        return append_array(buf, arg, APV_OID_BYTEA, err);
    case APV_ARG_BOOL_ARRAY:
        return append_array(buf, arg, APV_OID_BOOL, err);
    case APV_ARG_INT8_ARRAY:
        return append_array(buf, arg, APV_OID_INT8, err);
    }
    return true;
}

static bool
sent_as_it_is(const apv_arg *arg)
{
    return arg->kind == APV_ARG_LITERAL || arg->kind == APV_ARG_TEXT || arg->kind == APV_ARG_BYTES;
}

bool
apv_call(apv_db *db, const char *function, const apv_arg *args, size_t count, bool repeatable,
         apv_result **result, apv_err *err)
{
    apv_param params[APV_ARGS_MAX];
    size_t starts[APV_ARGS_MAX];
    apv_buf buf = APV_BUF_EMPTY;
    char sql[SQL_MAX];
    bool ok = false;

    if (!build_sql(function, count, sql, err))
        goto done;
    for (size_t i = 0; i < count; i++) {
        starts[i] = buf.size;
        if (!args[i].is_null && !append_arg(&buf, &args[i], err))
            goto done;
        params[i].size = buf.size - starts[i];
    }
    /* The buffer stays where it is from here on. */
    for (size_t i = 0; i < count; i++) {
        params[i].type = arg_type(args[i].kind);
        params[i].binary = args[i].kind != APV_ARG_LITERAL;
        if (args[i].is_null || args[i].kind == APV_ARG_NULL) {
            params[i].data = NULL;
        } else if (sent_as_it_is(&args[i])) {
            params[i].data = args[i].as.span.data;
            params[i].size = args[i].as.span.size;
        } else {
            params[i].data = buf.data + starts[i];
        }
        if (params[i].size > INT32_MAX) {
            apv_fail(err, APV_ERR_LIMIT, "an argument is too large");
            goto done;
        }
    }
    ok = apv_db_query(db, sql, params, count, repeatable, result, err);

done:
    apv_buf_free(&buf);
    return ok;
}
