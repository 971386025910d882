/* test_db.c - the connection: settings, deadlines, its loss, fork, signals, many statements. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "apv_wire.h"
#include "db_private.h"
#include "support.h"
#include "support_db.h"

static void
test_options(void **state)
{
    (void)state;
    const apv_db_options refused[] = {
        {"pasword=s3cret", 1, 1, true},
        {"postgresql://[::1", 1, 1, true},
        {"host=x", 0, 1, true},
        {"host=x", 1, -1, true},
    };
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        apv_err err = APV_ERR_NONE;
        apv_db *db = NULL;
        assert_false(apv_db_new(&refused[i], &db, &err));
        assert_int_equal(err.code, APV_ERR_INVALID);
        assert_null(strstr(err.message, "s3cret"));
        assert_null(db);
        apv_db_close(&db);
    }
}

static void
test_nobody_there(void **state)
{
    (void)state;
    apv_db_options options = {"host=/nowhere user=x", 500, 500, true};
    apv_err err = APV_ERR_NONE;
    apv_db *db = NULL;

    assert_true(apv_db_new(&options, &db, &err));
    support_assert_call_fails(db, "test_backend", NULL, 0, true, APV_ERR_UNAVAILABLE);
    apv_db_close(&db);
    assert_null(db);
}

static void
test_deadline(void **state)
{
    (void)state;
    apv_db *db = support_open_db(100, true);
    const apv_arg seconds = {.kind = APV_ARG_FLOAT, .as.real = 5.0};
    int32_t first = support_backend(db);

    support_assert_call_fails(db, "test_sleep", &seconds, 1, true, APV_ERR_TIMEOUT);
    assert_int_not_equal(support_backend(db), first);
    apv_db_close(&db);
}

static void
test_lost_connection(void **state)
{
    (void)state;
    apv_db *db = support_open_db(5000, true);
    char sql[128];
    int32_t first = support_backend(db);

    snprintf(sql, sizeof sql, "SELECT pg_terminate_backend(%d, 5000)", (int)first);
    support_run_sql(sql);
    assert_int_not_equal(support_backend(db), first);
    apv_db_close(&db);
}

static void
test_fork(void **state)
{
    (void)state;
    apv_db *db = support_open_db(5000, true);
    int32_t first = support_backend(db);
    int status;

    assert_false(apv_db_forked(db));
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        apv_err err = APV_ERR_NONE;
        apv_result *result = NULL;
        bool refused = apv_db_forked(db) &&
                       !apv_call(db, "test_backend", NULL, 0, true, &result, &err) &&
                       err.code == APV_ERR_FORKED;
        apv_db_close(&db);
        support_end_child(refused && db == NULL);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(support_backend(db), first);
    apv_db_close(&db);
}

static bool
give_up(void *arg)
{
    ++*(int *)arg;
    return true;
}

static void
ignore_signal(int number)
{
    (void)number;
}

static void
test_signal(void **state)
{
    (void)state;
    apv_db *db = support_open_db(5000, true);
    const apv_arg seconds = {.kind = APV_ARG_FLOAT, .as.real = 2.0};
    struct sigaction action = {.sa_handler = ignore_signal}, previous;
    int asked = 0;

    (void)support_backend(db);
    apv_db_on_signal(db, give_up, &asked);
    sigaction(SIGALRM, &action, &previous);
    alarm(1);
    support_assert_call_fails(db, "test_sleep", &seconds, 1, true, APV_ERR_UNAVAILABLE);
    assert_int_equal(asked, 1);
    sigaction(SIGALRM, &previous, NULL);
    apv_db_close(&db);
}

/* What the server refuses with such an error is asked again, and then given up alone. */
static bool
count_refusals(void *arg, size_t index, apv_result *result, const apv_err *refused, apv_err *err)
{
    size_t *counts = arg;

    (void)err;
    assert_int_equal(index, counts[0] + counts[1]);
    counts[result == NULL ? 1 : 0]++;
    if (result == NULL)
        assert_int_equal(refused->code, APV_ERR_DATABASE);
    apv_result_free(&result);
    return true;
}

static void
test_refusals_among_many(void **state)
{
    (void)state;
    static const char divide[] = "SELECT 1 / $1::integer", odd[] = "SELECT approval.test_odd($1)";
    const apv_param params[] = {{APV_OID_TEXT, "1", 1, false},
                                {APV_OID_TEXT, "0", 1, false},
                                {APV_OID_TEXT, "0", 1, false},
                                {APV_OID_TEXT, "2", 1, false}};
    apv_db *db = support_open_db(5000, true);
    apv_err err = APV_ERR_NONE;
    size_t counts[] = {0, 0};

    support_run_sql(
        "CREATE OR REPLACE FUNCTION approval.test_odd(which text) RETURNS text"
        " LANGUAGE plpgsql AS $$ BEGIN IF which = '0' THEN"
        " RAISE EXCEPTION USING ERRCODE = 'serialization_failure'; END IF; RETURN which; END $$");
    assert_true(apv_db_query_many(db, divide, params, 4, count_refusals, counts, &err));
    assert_int_equal(counts[0], 2);
    assert_int_equal(counts[1], 2);
    counts[0] = counts[1] = 0;
    assert_true(apv_db_query_many(db, odd, params, 4, count_refusals, counts, &err));
    assert_int_equal(counts[0], 2);
    assert_int_equal(counts[1], 2);

    assert_false(apv_db_query_many(db, "SELECT nonsense", params, 4, count_refusals, counts, &err));
    assert_int_equal(err.code, APV_ERR_DATABASE);
    assert_true(support_backend(db) > 0);
    apv_db_close(&db);

    db = support_open_db(300, true);
    err = (apv_err)APV_ERR_NONE;
    assert_false(apv_db_query_many(db, "SELECT pg_sleep($1::float8)", params, 4, count_refusals,
                                   counts, &err));
    assert_int_equal(err.code, APV_ERR_TIMEOUT);
    apv_db_close(&db);
}

/* The time that the work takes which is done meanwhile is not the server's. */
static void
work_long(void *arg)
{
    const struct timespec time = {.tv_nsec = 300 * 1000 * 1000};
    nanosleep(&time, NULL);
    *(bool *)arg = true;
}

static void
test_meanwhile(void **state)
{
    (void)state;
    apv_db *db = support_open_db(200, true);
    bool done = false;

    (void)support_backend(db);
    apv_db_meanwhile(db, work_long, &done);
    assert_true(support_backend(db) > 0);
    assert_true(done);
    done = false;
    assert_true(support_backend(db) > 0);
    assert_false(done);
    apv_db_close(&db);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_options),
        cmocka_unit_test(test_nobody_there),
        cmocka_unit_test(test_deadline),
        cmocka_unit_test(test_lost_connection),
        cmocka_unit_test(test_fork),
        cmocka_unit_test(test_signal),
        cmocka_unit_test(test_refusals_among_many),
        cmocka_unit_test(test_meanwhile),
    };
    return cmocka_run_group_tests(tests, support_make_functions, NULL);
}
