/* test_array.c - PostgreSQL's binary arrays: what is read, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "apv_wire.h"

#define SPAN(text)                                                                                 \
    (apv_span)                                                                                     \
    {                                                                                              \
        text, sizeof text - 1                                                                      \
    }

#define HEAD "\0\0\0\1\0\0\0\1\0\0\0\x19" /* one dimension, NULLs, of text */
#define TWO_ITEMS "\0\0\0\2\0\0\0\1"

static void
assert_refused(apv_span bytes, uint32_t element)
{
    apv_err err = APV_ERR_NONE;
    apv_array array = {.count = 42};

    assert_false(apv_array_open(bytes, element, &array, &err));
    assert_int_equal(err.code, APV_ERR_PROTOCOL);
    assert_int_equal(array.count, 42);
}

static void
test_items(void **state)
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
test_empty(void **state)
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
test_malformed(void **state)
{
    (void)state;
    static const char whole[] = HEAD TWO_ITEMS "\0\0\0\2hi\0\0\0\1x";

    for (size_t size = 0; size < sizeof whole - 1; size++)
        assert_refused((apv_span){whole, size}, APV_OID_TEXT);
    assert_refused(SPAN(HEAD TWO_ITEMS "\0\0\0\2hi\0\0\0\1xy"), APV_OID_TEXT);
    assert_refused(SPAN(HEAD TWO_ITEMS "\x7f\xff\xff\xffhi\0\0\0\1x"), APV_OID_TEXT);
    assert_refused(SPAN(HEAD TWO_ITEMS "\xff\xff\xff\xfehi\0\0\0\1x"), APV_OID_TEXT);
    assert_refused(SPAN(HEAD "\xff\xff\xff\xff\0\0\0\1\0\0\0\2hi"), APV_OID_TEXT);
    assert_refused((apv_span){whole, sizeof whole - 1}, APV_OID_BYTEA);
    assert_refused((apv_span){NULL, 0}, APV_OID_TEXT);
    /* two dimensions, and a flag that isn't one */
    assert_refused(SPAN("\0\0\0\2\0\0\0\0\0\0\0\x19\0\0\0\1\0\0\0\1\0\0\0\1\0\0\0\1\0\0\0\1a"),
                   APV_OID_TEXT);
    assert_refused(SPAN("\0\0\0\1\0\0\0\2\0\0\0\x19" TWO_ITEMS "\0\0\0\2hi\0\0\0\1x"),
                   APV_OID_TEXT);
}

static void
test_text_is_utf8(void **state)
{
    (void)state;
    apv_err err = APV_ERR_NONE;
    apv_array array;

    assert_refused(SPAN(HEAD "\0\0\0\1\0\0\0\1\0\0\0\2\xc3("), APV_OID_TEXT);
    assert_true(apv_array_open(SPAN("\0\0\0\1\0\0\0\0\0\0\0\x11\0\0\0\1\0\0\0\1\0\0\0\2\xc3("),
                               APV_OID_BYTEA, &array, &err));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_items),
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_malformed),
        cmocka_unit_test(test_text_is_utf8),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
