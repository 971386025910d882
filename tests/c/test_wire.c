/* test_wire.c - PostgreSQL's binary format: values, arrays, and COPY in pieces of any size. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "apv_wire.h"
#include "failing_alloc.h"
#include "wire_private.h"

#define SPAN(text)                                                                                 \
    (apv_span)                                                                                     \
    {                                                                                              \
        text, sizeof text - 1                                                                      \
    }

static void
test_numbers(void **state)
{
    (void)state;
    apv_err err = APV_ERR_NONE;
    bool truth;
    int32_t small;
    int64_t large;
    double real;

    assert_true(apv_wire_bool(SPAN("\1"), &truth, &err) && truth);
    assert_true(apv_wire_bool(SPAN("\0"), &truth, &err) && !truth);
    assert_true(apv_wire_int4(SPAN("\x80\0\0\0"), &small, &err) && small == INT32_MIN);
    assert_true(apv_wire_int4(SPAN("\xff\xff\xff\xfe"), &small, &err) && small == -2);
    assert_true(apv_wire_int8(SPAN("\x7f\xff\xff\xff\xff\xff\xff\xff"), &large, &err));
    assert_true(large == INT64_MAX);
    assert_true(apv_wire_int8(SPAN("\xff\xff\xff\xff\xff\xff\xff\xff"), &large, &err) &&
                large == -1);
    assert_true(apv_wire_float8(SPAN("\x3f\xb9\x99\x99\x99\x99\x99\x9a"), &real, &err));
    assert_true(real == 0.1);
    assert_int_equal(err.code, APV_OK);
}

static void
test_times(void **state)
{
    (void)state;
    apv_err err = APV_ERR_NONE;
    double seconds;

    /* 2000-01-01 and half a second */
    assert_true(apv_wire_timestamptz(SPAN("\0\0\0\0\0\x07\xa1\x20"), &seconds, &err));
    assert_true(seconds == 946684800.5);
    assert_true(apv_wire_timestamptz(SPAN("\x7f\xff\xff\xff\xff\xff\xff\xff"), &seconds, &err));
    assert_true(isinf(seconds) && seconds > 0);
    assert_true(apv_wire_timestamptz(SPAN("\x80\0\0\0\0\0\0\0"), &seconds, &err));
    assert_true(isinf(seconds) && seconds < 0);
}

static void
test_texts(void **state)
{
    (void)state;
    apv_err err = APV_ERR_NONE;
    apv_span text = {"kept", 4};

    assert_true(apv_wire_text(SPAN("\xc3\xbc"), &text, &err) && text.size == 2);
    assert_true(apv_wire_text(SPAN(""), &text, &err) && text.size == 0);
    assert_true(apv_wire_jsonb(SPAN("\1{}"), &text, &err) && text.size == 2);
    assert_false(apv_wire_text(SPAN("\xc3"), &text, &err));
    assert_int_equal(err.code, APV_ERR_PROTOCOL);
    assert_int_equal(text.size, 2);
}

static void
test_wrong_sizes(void **state)
{
    (void)state;
    bool truth;
    int32_t small;
    int64_t large;
    double real;
    apv_span text;

    for (size_t size = 0; size < 12; size++) {
        apv_span bytes = {"\2\0\0\0\0\0\0\0\0\0\0\0", size};
        apv_err err = APV_ERR_NONE;
        assert_int_equal(apv_wire_bool(bytes, &truth, &err), size == 1);
        assert_int_equal(apv_wire_int4(bytes, &small, &err), size == 4);
        assert_int_equal(apv_wire_int8(bytes, &large, &err), size == 8);
        assert_int_equal(apv_wire_float8(bytes, &real, &err), size == 8);
        assert_int_equal(apv_wire_timestamptz(bytes, &real, &err), size == 8);
        assert_false(apv_wire_jsonb(bytes, &text, &err));
        assert_int_equal(err.code, APV_ERR_PROTOCOL);
    }
}

/* ---- arrays ---- */

#define HEAD "\0\0\0\1\0\0\0\1\0\0\0\x19" /* one dimension, NULLs, of text */
#define TWO_ITEMS "\0\0\0\2\0\0\0\1"

static void
assert_array_refused(apv_span bytes, uint32_t element)
{
    apv_err err = APV_ERR_NONE;
    apv_array array = {.count = 42};

    assert_false(apv_array_open(bytes, element, &array, &err));
    assert_int_equal(err.code, APV_ERR_PROTOCOL);
    assert_int_equal(array.count, 42);
}

static void
test_array_items(void **state)
{
    (void)state;
    apv_err err = APV_ERR_NONE;
    apv_array array;
    apv_span item;

    assert_true(apv_array_open(SPAN(HEAD "\0\0\0\3\0\0\0\1"
                                         "\0\0\0\2hi\xff\xff\xff\xff\0\0\0\0"),
                               APV_OID_TEXT, &array, &err));
    assert_int_equal(array.count, 3);
    assert_true(apv_array_next(&array, &item));
    assert_int_equal(item.size, 2);
    assert_memory_equal(item.data, "hi", 2);
    assert_true(apv_array_next(&array, &item));
    assert_null(item.data);
    assert_true(apv_array_next(&array, &item));
    assert_non_null(item.data);
    assert_int_equal(item.size, 0);
    assert_false(apv_array_next(&array, &item));
    assert_false(apv_array_next(&array, &item));
}

static void
test_array_empty(void **state)
{
    (void)state;
    apv_err err = APV_ERR_NONE;
    apv_array array;
    apv_span item;

    assert_true(apv_array_open(SPAN("\0\0\0\0\0\0\0\0\0\0\0\x19"), APV_OID_TEXT, &array, &err));
    assert_int_equal(array.count, 0);
    assert_false(apv_array_next(&array, &item));
}

static void
test_array_malformed(void **state)
{
    (void)state;
    static const char whole[] = HEAD TWO_ITEMS "\0\0\0\2hi\0\0\0\1x";

    for (size_t size = 0; size < sizeof whole - 1; size++)
        assert_array_refused((apv_span){whole, size}, APV_OID_TEXT);
    assert_array_refused(SPAN(HEAD TWO_ITEMS "\0\0\0\2hi\0\0\0\1xy"), APV_OID_TEXT);
    assert_array_refused(SPAN(HEAD TWO_ITEMS "\x7f\xff\xff\xffhi\0\0\0\1x"), APV_OID_TEXT);
    assert_array_refused(SPAN(HEAD TWO_ITEMS "\xff\xff\xff\xfehi\0\0\0\1x"), APV_OID_TEXT);
    assert_array_refused(SPAN(HEAD "\xff\xff\xff\xff\0\0\0\1\0\0\0\2hi"), APV_OID_TEXT);
    assert_array_refused((apv_span){whole, sizeof whole - 1}, APV_OID_BYTEA);
    assert_array_refused((apv_span){NULL, 0}, APV_OID_TEXT);
    /* two dimensions, and a flag that isn't one */
    assert_array_refused(
        SPAN("\0\0\0\2\0\0\0\0\0\0\0\x19\0\0\0\1\0\0\0\1\0\0\0\1\0\0\0\1\0\0\0\1a"), APV_OID_TEXT);
    assert_array_refused(SPAN("\0\0\0\1\0\0\0\2\0\0\0\x19" TWO_ITEMS "\0\0\0\2hi\0\0\0\1x"),
                         APV_OID_TEXT);
}

static void
test_array_text_is_utf8(void **state)
{
    (void)state;
    apv_err err = APV_ERR_NONE;
    apv_array array;

    assert_array_refused(SPAN(HEAD "\0\0\0\1\0\0\0\1\0\0\0\2\xc3("), APV_OID_TEXT);
    assert_true(apv_array_open(SPAN("\0\0\0\1\0\0\0\0\0\0\0\x11\0\0\0\1\0\0\0\1\0\0\0\2\xc3("),
                               APV_OID_BYTEA, &array, &err));
}

/* ---- COPY ---- */

#define HEADER "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0"
#define ROWS                                                                                       \
    "\0\2\0\0\0\1a\377\377\377\377"                                                                \
    "\0\2\0\0\0\0\0\0\0\2bc"
#define TRAILER "\377\377"

static const char stream[] = HEADER ROWS TRAILER;
#define STREAM_SIZE (sizeof stream - 1)

struct seen {
    size_t rows;
    bool refuse;
};

static bool
see(void *arg, const apv_span *columns, size_t count, apv_err *err)
{
    struct seen *seen = arg;

    if (seen->refuse)
        return apv_fail(err, APV_ERR_LIMIT, "enough");
    assert_int_equal(count, 2);
    if (seen->rows++ == 0) {
        assert_true(apv_span_is(columns[0], "a"));
        assert_null(columns[1].data);
    } else {
        assert_non_null(columns[0].data);
        assert_int_equal(columns[0].size, 0);
        assert_true(apv_span_is(columns[1], "bc"));
    }
    return true;
}

static void
test_copy_pieces_of_any_size(void **state)
{
    (void)state;
    for (size_t piece = 1; piece <= STREAM_SIZE; piece++) {
        apv_copy copy = {.started = false};
        struct seen seen = {0};
        apv_err err = APV_ERR_NONE;
        for (size_t at = 0; at < STREAM_SIZE; at += piece) {
            size_t size = STREAM_SIZE - at < piece ? STREAM_SIZE - at : piece;
            /* A copy of its own, so that a read beyond its end is found. */
            char *bytes = malloc(size);
            memcpy(bytes, stream + at, size);
            assert_true(apv_copy_feed(&copy, (apv_span){bytes, size}, see, &seen, &err));
            free(bytes);
        }
        assert_true(copy.ended);
        assert_int_equal(seen.rows, 2);
        apv_copy_free(&copy);
    }
}

static void
test_copy_malformed(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t size;
    } cases[] = {
        {"PGCOPX\n\377\r\n\0\0\0\0\0\0\0\0\0", 19}, /* another signature */
        {"PGCOPY\n\377\r\n\0\0\1\0\0\0\0\0\0", 19}, /* flags */
        {"PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\1", 19}, /* an extension */
        {HEADER "\0\21", 21},                       /* too many columns */
        {HEADER "\0\1\200\0\0\0", 25},              /* a negative size */
        {HEADER TRAILER "\0\0", 23},                /* something behind the end */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        apv_copy copy = {.started = false};
        struct seen seen = {0};
        apv_err err = APV_ERR_NONE;
        assert_false(
            apv_copy_feed(&copy, (apv_span){cases[i].bytes, cases[i].size}, see, &seen, &err));
        assert_int_equal(err.code, APV_ERR_PROTOCOL);
        apv_copy_free(&copy);
    }
}

static void
test_copy_a_row_that_is_refused(void **state)
{
    apv_copy copy = {.started = false};
    struct seen seen = {.refuse = true};
    apv_err err = APV_ERR_NONE;

    (void)state;
    assert_false(apv_copy_feed(&copy, (apv_span){stream, STREAM_SIZE}, see, &seen, &err));
    assert_int_equal(err.code, APV_ERR_LIMIT);
    apv_copy_free(&copy);
}

static void
test_copy_no_memory(void **state)
{
    apv_copy copy = {.started = false};
    struct seen seen = {0};
    apv_err err = APV_ERR_NONE;

    (void)state;
    failing_alloc_after(0);
    assert_false(apv_copy_feed(&copy, (apv_span){stream, 5}, see, &seen, &err));
    assert_true(failing_alloc_stop());
    assert_int_equal(err.code, APV_ERR_MEMORY);
    apv_copy_free(&copy);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_times),
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_wrong_sizes),
        cmocka_unit_test(test_array_items),
        cmocka_unit_test(test_array_empty),
        cmocka_unit_test(test_array_malformed),
        cmocka_unit_test(test_array_text_is_utf8),
        cmocka_unit_test(test_copy_pieces_of_any_size),
        cmocka_unit_test(test_copy_malformed),
        cmocka_unit_test(test_copy_a_row_that_is_refused),
        cmocka_unit_test(test_copy_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
