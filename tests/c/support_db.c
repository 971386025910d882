/* support_db.c - see support_db.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <libpq-fe.h>

#include "apv_wire.h"
#include "failing_alloc.h"
#include "support_db.h"

static const char functions[] =
    "CREATE OR REPLACE FUNCTION approval.test_backend() RETURNS integer LANGUAGE sql"
    " AS 'SELECT pg_backend_pid()';"
    "CREATE OR REPLACE FUNCTION approval.test_sleep(seconds float8) RETURNS void LANGUAGE sql"
    " AS 'SELECT pg_sleep(seconds)';"
    "CREATE OR REPLACE FUNCTION approval.test_echo(INOUT a bytea, INOUT b text[]) LANGUAGE sql"
    " AS 'SELECT a, b';";

static bool
support_have_dsn(void)
{
    const char *value = getenv("APV_TEST_DSN");
    return value != NULL && *value != '\0';
}

const char *
support_dsn(void)
{
    if (!support_have_dsn())
        skip();
    return getenv("APV_TEST_DSN");
}

/* Runs SQL beside the library. */
void
support_run_sql(const char *sql)
{
    PGconn *conn = PQconnectdb(support_dsn());
    PGresult *result = PQexec(conn, sql);
    ExecStatusType status = PQresultStatus(result);

    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
        print_error("%s", PQerrorMessage(conn));
    PQclear(result);
    PQfinish(conn);
    assert_true(status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK);
}

apv_db *
support_open_db(int timeout_ms, bool prepare)
{
    apv_db_options options = {support_dsn(), 2000, timeout_ms, prepare};
    apv_err err = APV_ERR_NONE;
    apv_db *db = NULL;

    assert_true(apv_db_new(&options, &db, &err));
    return db;
}

int32_t
support_backend(apv_db *db)
{
    apv_err err = APV_ERR_NONE;
    apv_result *result = NULL;
    int32_t pid;

    if (!apv_call(db, "test_backend", NULL, 0, false, &result, &err))
        fail_msg("%s", err.message);
    assert_int_equal(apv_result_rows(result), 1);
    assert_int_equal(apv_result_columns(result), 1);
    assert_int_equal(apv_result_type(result, 0), APV_OID_INT4);
    assert_true(apv_wire_int4(apv_result_peek(result, 0, 0), &pid, &err));
    apv_result_free(&result);
    assert_null(result);
    return pid;
}

void
support_assert_call_fails(apv_db *db, const char *function, const apv_arg *args, size_t count,
                          bool repeatable, apv_code code)
{
    apv_err err = APV_ERR_NONE;
    apv_result *result = NULL;

    assert_false(apv_call(db, function, args, count, repeatable, &result, &err));
    assert_int_equal(err.code, code);
    assert_null(result);
}

int
support_make_functions(void **state)
{
    (void)state;
    if (support_have_dsn())
        support_run_sql(functions);
    return 0;
}

void
support_assert_no_memory(bool (*work)(apv_db *db, apv_err *err), bool bears)
{
    bool failed = true;

    for (size_t count = 0; failed; count++) {
        apv_db *db = support_open_db(5000, true);
        apv_err err = APV_ERR_NONE;

        assert_true(count < 1000);
        (void)support_backend(db);
        failing_alloc_after(count);
        bool ok = work(db, &err);
        failed = failing_alloc_stop();
        assert_true(ok || failed);
        assert_true(!ok || !failed || bears);
        assert_int_equal(err.code, ok ? APV_OK : APV_ERR_MEMORY);
        err = (apv_err)APV_ERR_NONE;
        assert_true(work(db, &err));
        assert_true(support_backend(db) > 0);
        apv_db_close(&db);
    }
}
