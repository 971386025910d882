/* value_json.c - reading JSON through jansson.
 *
 * Salt writes what Python's json module writes, which is a little more than JSON:
 * NaN, infinities, whole numbers of any size, unpaired surrogates, NUL in keys.
 * jansson refuses the whole text for any of these. None of them can matter to a
 * verdict, so before parsing they are overwritten, in a copy and without moving
 * anything: numbers by one that is not whole, characters by U+FFFD.
 */
#include "value_json.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

/* ---- what jansson refuses ---- */

/* Overwrites size bytes, at least 3, with a number that is not whole. */
static void
put_fraction(char *at, size_t size)
{
    memset(at, '0', size);
    memcpy(at, "1.5", 3);
}

static bool
is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool
is_number_char(char c)
{
    return is_digit(c) || c == '+' || c == '-' || c == '.' || c == 'e' || c == 'E';
}

/* Mends the number at `at` if jansson has no room for it. Returns its size. */
static size_t
mend_number(char *at, const char *end)
{
    char text[64];
    size_t size = 0, sign = *at == '-';
    bool whole = true, fits = true;

    for (; at + size < end && is_number_char(at[size]); size++)
        whole = whole && (size < sign || is_digit(at[size]));
    whole = whole && size > sign && at[sign] != '0';

    if (size < sizeof text) {
        memcpy(text, at, size);
        text[size] = '\0';
        errno = 0;
        if (whole) {
            (void)strtoll(text, NULL, 10);
            fits = errno != ERANGE;
        } else
            fits = !isinf(strtod(text, NULL));
    } else
        fits = !whole;
    if (!fits)
        put_fraction(at, size);
    return size;
}

/* The code unit of \uXXXX at `at`, or -1: it isn't one. */
static long
code_unit(const char *at, const char *end)
{
    char digits[5];

    if (end - at < 6 || at[0] != '\\' || at[1] != 'u')
        return -1;
    for (size_t i = 0; i < 4; i++) {
        char c = at[2 + i];
        if (!is_digit(c) && !(c >= 'a' && c <= 'f') && !(c >= 'A' && c <= 'F'))
            return -1;
        digits[i] = c;
    }
    digits[4] = '\0';
    return strtol(digits, NULL, 16);
}

/* Mends the escape at `at`. Returns its size. */
static size_t
mend_escape(char *at, const char *end)
{
    long unit = code_unit(at, end);

    if (unit < 0)
        return 2;
    if (unit >= 0xD800 && unit <= 0xDBFF) {
        long low = code_unit(at + 6, end);
        if (low >= 0xDC00 && low <= 0xDFFF)
            return 12;
    }
    if (unit == 0 || (unit >= 0xD800 && unit <= 0xDFFF))
        memcpy(at, "\\uFFFD", 6);
    return 6;
}

static void
mend(char *at, const char *end)
{
    static const apv_span words[] = {APV_WORD("NaN"), APV_WORD("Infinity")};
    bool quoted = false;

    while (at < end) {
        if (quoted) {
            if (*at == '\\')
                at += mend_escape(at, end);
            else
                quoted = *at++ != '"';
            continue;
        }
        if (*at == '"') {
            quoted = true;
            at++;
            continue;
        }
        if (*at == '-' || is_digit(*at)) {
            /* A minus may stand before Infinity, which is then mended for itself. */
            at += mend_number(at, end);
            continue;
        }
        size_t taken = 1;
        for (size_t i = 0; i < 2; i++) {
            if ((size_t)(end - at) >= words[i].size &&
                memcmp(at, words[i].data, words[i].size) == 0) {
                taken = words[i].size;
                put_fraction(at, taken);
            }
        }
        at += taken;
    }
}

/* ---- the reader ---- */

static apv_type
json_type_of(const apv_reader *reader, apv_value value)
{
    (void)reader;
    if (value.node == NULL)
        return APV_MISSING;
    switch (json_typeof((const json_t *)value.node)) {
    case JSON_OBJECT:
        return APV_MAP;
    case JSON_ARRAY:
        return APV_LIST;
    case JSON_STRING:
        return APV_TEXT;
    case JSON_INTEGER:
    case JSON_REAL:
        return APV_NUMBER;
    case JSON_TRUE:
    case JSON_FALSE:
        return APV_BOOL;
    case JSON_NULL:
        return APV_NULL;
    }
    return APV_OTHER;
}

static bool
json_text(const apv_reader *reader, apv_value value, apv_span *text)
{
    (void)reader;
    if (!json_is_string((const json_t *)value.node))
        return false;
    *text = (apv_span){json_string_value(value.node), json_string_length(value.node)};
    return true;
}

static bool
json_whole(const apv_reader *reader, apv_value value, int64_t *integer)
{
    (void)reader;
    if (json_is_integer((const json_t *)value.node)) {
        *integer = json_integer_value(value.node);
        return true;
    }
    return json_is_real((const json_t *)value.node) &&
           apv_real_is_whole(json_real_value(value.node), integer);
}

static bool
json_truth(const apv_reader *reader, apv_value value)
{
    (void)reader;
    return json_is_true((const json_t *)value.node);
}

static void
json_open(const apv_reader *reader, apv_value value, apv_cursor *cursor)
{
    *cursor = (apv_cursor){.of = value};
    switch (json_type_of(reader, value)) {
    case APV_MAP:
        cursor->map = true;
        cursor->at = json_object_iter((json_t *)value.node);
        break;
    case APV_LIST:
        cursor->count = json_array_size(value.node);
        break;
    default:
        break;
    }
}

static bool
json_next(const apv_reader *reader, apv_cursor *cursor, apv_span *key, apv_value *value)
{
    (void)reader;
    *key = APV_NO_SPAN;
    if (!cursor->map) {
        if (cursor->index >= cursor->count)
            return false;
        value->node = json_array_get(cursor->of.node, cursor->index++);
        return true;
    }
    void *at = (void *)cursor->at;
    if (at == NULL)
        return false;
    const char *name = json_object_iter_key(at);
    *key = (apv_span){name, strlen(name)};
    value->node = json_object_iter_value(at);
    cursor->at = json_object_iter_next((json_t *)cursor->of.node, at);
    return true;
}

bool
apv_reader_json(apv_span json, apv_json_reader *made, apv_value *root, apv_err *err)
{
    json_error_t problem;
    json_t *tree;
    char *mended = malloc(json.size + 1);

    if (mended == NULL)
        return apv_fail_memory(err);
    if (json.size > 0)
        memcpy(mended, json.data, json.size);
    mend(mended, mended + json.size);
    tree = json_loadb(mended, json.size, JSON_DECODE_ANY, &problem);
    free(mended);
    if (tree == NULL) {
        if (json_error_code(&problem) == json_error_out_of_memory)
            return apv_fail_memory(err);
        return apv_fail(err, APV_ERR_INVALID, "the bytes are not one JSON value");
    }
    *made = (apv_json_reader){
        .reader =
            {
                .type = json_type_of,
                .text = json_text,
                .integer = json_whole,
                .truth = json_truth,
                .open = json_open,
                .next = json_next,
            },
        .tree = tree,
    };
    root->node = tree;
    return true;
}

void
apv_reader_json_close(apv_json_reader *made)
{
    json_decref(made->tree);
    made->tree = NULL;
}
