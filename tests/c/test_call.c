/* test_call.c - calls: what is refused, each kind of argument, statements that are kept. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "apv_wire.h"
#include "support_db.h"

static void
test_bad_calls(void **state)
{
    (void)state;
    apv_db *db = support_open_db(5000, true);
    apv_arg many[APV_ARGS_MAX + 1] = {{.kind = APV_ARG_NULL}};
    const apv_arg nul = {.kind = APV_ARG_TEXT, .as.span = {"a\0b", 3}};
    const apv_arg latin1 = {.kind = APV_ARG_TEXT, .as.span = {"\xfc", 1}};

    support_assert_call_fails(db, "", NULL, 0, true, APV_ERR_INVALID);
    support_assert_call_fails(db, "pg_sleep(1)", NULL, 0, true, APV_ERR_INVALID);
    support_assert_call_fails(db, "test_backend", many, APV_ARGS_MAX + 1, true, APV_ERR_INVALID);
    support_assert_call_fails(db, "test_backend", &nul, 1, true, APV_ERR_INVALID);
    support_assert_call_fails(db, "test_backend", &latin1, 1, true, APV_ERR_INVALID);
    support_assert_call_fails(db, "test_backend", many, APV_ARGS_MAX, true, APV_ERR_DATABASE);
    assert_true(support_backend(db) > 0);
    apv_db_close(&db);
}

static void
echo(bool prepare)
{
    apv_db *db = support_open_db(5000, prepare);
    apv_err err = APV_ERR_NONE;
    apv_result *result = NULL;
    apv_array array;
    apv_span item;
    static char large[1 << 20];
    const apv_span items[] = {{"a", 1}, {NULL, 0}, {"", 0}, {large, sizeof large}};

    memset(large, 'x', sizeof large);
    for (size_t count = 0; count <= 4; count++) {
        const apv_arg args[] = {
            {.kind = APV_ARG_BYTES, .as.span = {"\0\xff", 2}},
            {.kind = APV_ARG_TEXT_ARRAY, .as.array = {items, count}},
        };
        assert_true(apv_call(db, "test_echo", args, 2, false, &result, &err));
        assert_int_equal(apv_result_peek(result, 0, 0).size, 2);
        assert_memory_equal(apv_result_peek(result, 0, 0).data, "\0\xff", 2);
        assert_true(apv_array_open(apv_result_peek(result, 0, 1), APV_OID_TEXT, &array, &err));
        assert_int_equal(array.count, count);
        for (size_t i = 0; i < count; i++) {
            assert_true(apv_array_next(&array, &item));
            assert_int_equal(item.size, items[i].size);
            assert_int_equal(item.data == NULL, items[i].data == NULL);
        }
        apv_result_free(&result);
    }
    apv_db_close(&db);
}

static void
test_echo(void **state)
{
    (void)state;
    echo(true);
    echo(false);
}

/* A function of this number of arguments, all of them taken and given as they are. */
static void
test_each_kind(void **state)
{
    (void)state;
    apv_db *db = support_open_db(5000, true);
    apv_err err = APV_ERR_NONE;
    apv_result *result = NULL;
    const apv_span numbers[] = {{"\0\0\0\0\0\0\0\5", 8}, {NULL, 0}}, flags[] = {{"\1", 1}};
    const apv_span bytes[] = {{"\0\xff", 2}};
    const apv_arg args[] = {
        {.kind = APV_ARG_NULL},
        {.kind = APV_ARG_LITERAL, .as.span = {"7", 1}},
        {.kind = APV_ARG_TEXT, .as.span = {"\xc3\xa4", 2}},
        {.kind = APV_ARG_BOOL, .as.boolean = true},
        {.kind = APV_ARG_INT4, .as.integer = INT32_MIN},
        {.kind = APV_ARG_INT8, .as.integer = INT64_MIN},
        {.kind = APV_ARG_FLOAT, .as.real = -1.5},
        {.kind = APV_ARG_BYTES_ARRAY, .as.array = {bytes, 1}},
        {.kind = APV_ARG_BOOL_ARRAY, .as.array = {flags, 1}},
        {.kind = APV_ARG_INT8_ARRAY, .as.array = {numbers, 2}},
        {.kind = APV_ARG_TEXT_ARRAY, .is_null = true},
    };
    bool truth = false;
    int32_t small = 0;
    int64_t large = 0;
    double real = 0;

    support_run_sql("CREATE OR REPLACE FUNCTION approval.test_kinds(INOUT a integer,"
                    " INOUT b numeric, INOUT c text, INOUT d boolean, INOUT e integer,"
                    " INOUT f bigint, INOUT g float8, INOUT h bytea[], INOUT i boolean[],"
                    " INOUT j bigint[], INOUT k text[]) LANGUAGE sql"
                    " AS 'SELECT a, b, c, d, e, f, g, h, i, j, k'");
    for (int i = 0; i < 2; i++) { /* the second time as a statement that is known */
        if (!apv_call(db, "test_kinds", args, 11, true, &result, &err))
            fail_msg("%s", err.message);
        assert_null(apv_result_peek(result, 0, 0).data);
        assert_true(apv_result_peek(result, 0, 1).size > 0);
        assert_true(apv_span_is(apv_result_peek(result, 0, 2), "\xc3\xa4"));
        assert_true(apv_wire_bool(apv_result_peek(result, 0, 3), &truth, &err) && truth);
        assert_true(apv_wire_int4(apv_result_peek(result, 0, 4), &small, &err));
        assert_int_equal(small, INT32_MIN);
        assert_true(apv_wire_int8(apv_result_peek(result, 0, 5), &large, &err));
        assert_true(large == INT64_MIN);
        assert_true(apv_wire_float8(apv_result_peek(result, 0, 6), &real, &err) && real == -1.5);
        for (size_t column = 7; column < 10; column++) {
            const apv_oid elements[] = {APV_OID_BYTEA, APV_OID_BOOL, APV_OID_INT8};
            const apv_arg *arg = &args[column];
            apv_array array;
            apv_span item;
            assert_true(apv_array_open(apv_result_peek(result, 0, column), elements[column - 7],
                                       &array, &err));
            assert_int_equal(array.count, arg->as.array.count);
            for (size_t at = 0; apv_array_next(&array, &item); at++)
                assert_true(apv_span_equal(item, arg->as.array.items[at]));
        }
        assert_null(apv_result_peek(result, 0, 10).data);
        apv_result_free(&result);
    }
    apv_db_close(&db);
}

/* More statements than are kept prepared: each number of arguments is one. */
static void
test_more_statements_than_are_kept(void **state)
{
    (void)state;
    apv_db *db = support_open_db(5000, true);
    apv_arg args[APV_ARGS_MAX];
    apv_err err = APV_ERR_NONE;
    apv_result *result = NULL;

    support_run_sql("CREATE OR REPLACE FUNCTION approval.test_count(VARIADIC p bigint[])"
                    " RETURNS integer LANGUAGE sql AS 'SELECT cardinality(p)'");
    for (size_t i = 0; i < APV_ARGS_MAX; i++)
        args[i] = (apv_arg){.kind = APV_ARG_INT8, .as.integer = (int64_t)i};
    for (int round = 0; round < 2; round++) {
        (void)support_backend(db);
        for (size_t count = 1; count <= APV_ARGS_MAX; count++) {
            int32_t counted;
            if (!apv_call(db, "test_count", args, count, true, &result, &err))
                fail_msg("%s", err.message);
            assert_true(apv_wire_int4(apv_result_peek(result, 0, 0), &counted, &err));
            assert_int_equal(counted, count);
            apv_result_free(&result);
        }
    }
    apv_db_close(&db);
}

static void
test_text_check(void **state)
{
    (void)state;
    const apv_span good[] = {{NULL, 0}, {"", 0}, {"a\xc3\xa4", 3}};
    const apv_span refused[] = {{"a\0", 2}, {"\xc3", 1}};

    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        apv_err err = APV_ERR_NONE;
        assert_true(apv_text_check(good[i], &err));
    }
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        apv_err err = APV_ERR_NONE;
        assert_false(apv_text_check(refused[i], &err));
        assert_int_equal(err.code, APV_ERR_INVALID);
    }
}

static bool
once_call(apv_db *db, apv_err *err)
{
    const apv_span items[] = {{"a", 1}, {NULL, 0}};
    const apv_arg args[] = {
        {.kind = APV_ARG_BYTES, .as.span = {"x", 1}},
        {.kind = APV_ARG_TEXT_ARRAY, .as.array = {items, 2}},
    };
    apv_result *result = NULL;
    bool ok = apv_call(db, "test_echo", args, 2, true, &result, err);

    assert_int_equal(ok, result != NULL);
    apv_result_free(&result);
    return ok;
}

static void
test_no_memory(void **state)
{
    (void)state;
    support_assert_no_memory(once_call, false);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bad_calls),  cmocka_unit_test(test_echo),
        cmocka_unit_test(test_each_kind),  cmocka_unit_test(test_more_statements_than_are_kept),
        cmocka_unit_test(test_text_check), cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, support_make_functions, NULL);
}
