/* test_wire.c - single values in PostgreSQL's binary format. */
#include <math.h>
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

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_times),
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_wrong_sizes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
