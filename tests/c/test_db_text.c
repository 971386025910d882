/* test_db_text.c - what is said about failures, and what isn't. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "db_text.h"

static void
assert_server(const char *sqlstate, apv_code code, const char *part)
{
    apv_err err = APV_ERR_NONE;
    assert_false(apv_fail_server(&err, sqlstate, "s3cret"));
    assert_int_equal(err.code, code);
    assert_string_equal(err.sqlstate, sqlstate);
    assert_non_null(strstr(err.message, part));
    assert_null(strstr(err.message, "s3cret"));
}

static void
test_server(void **state)
{
    (void)state;
    assert_server("28P01", APV_ERR_DATABASE, "login");
    assert_server("42501", APV_ERR_DATABASE, "may not");
    assert_server("42883", APV_ERR_DATABASE, "db upgrade");
    assert_server("53300", APV_ERR_UNAVAILABLE, "resources");
    assert_server("55P03", APV_ERR_TIMEOUT, "lock");
    assert_server("57014", APV_ERR_TIMEOUT, "canceled");
    assert_server("57P03", APV_ERR_UNAVAILABLE, "starting up");
    assert_server("XX000", APV_ERR_DATABASE, "refused");
}

static void
test_our_own_class(void **state)
{
    (void)state;
    apv_err err = APV_ERR_NONE;
    assert_false(apv_fail_server(&err, "AP007", "That is your own request."));
    assert_int_equal(err.code, APV_ERR_DATABASE);
    assert_string_equal(err.sqlstate, "AP007");
    assert_string_equal(err.message, "That is your own request.");
}

static void
assert_connect(const char *detail, apv_code code, const char *sqlstate, const char *part)
{
    apv_err err = APV_ERR_NONE;
    assert_false(apv_fail_connect(&err, detail));
    assert_int_equal(err.code, code);
    assert_string_equal(err.sqlstate, sqlstate);
    assert_non_null(strstr(err.message, part));
    assert_null(strstr(err.message, "s3cret"));
}

static void
test_connect(void **state)
{
    (void)state;
    assert_connect("connection to server at \"s3cret\" failed: Connection refused\n\tIs the server"
                   " running on that host and accepting TCP/IP connections?\n",
                   APV_ERR_UNAVAILABLE, "", "connection refused");
    assert_connect("could not translate host name \"s3cret\" to address: x\n", APV_ERR_UNAVAILABLE,
                   "", "resolved");
    assert_connect("something new about s3cret", APV_ERR_UNAVAILABLE, "", "settings");
    assert_connect("", APV_ERR_UNAVAILABLE, "", "settings");
    assert_connect("connection to server on socket \"s3cret\" failed: FATAL:  28P01\n",
                   APV_ERR_DATABASE, "28P01", "login");
    assert_connect("host s3cret: refused\nconnection to s3cret failed: SCHWERWIEGEND:  57P03\n",
                   APV_ERR_UNAVAILABLE, "57P03", "starting up");
    assert_connect("FATAL:  s3cre", APV_ERR_UNAVAILABLE, "", "settings");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_server),
        cmocka_unit_test(test_our_own_class),
        cmocka_unit_test(test_connect),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
