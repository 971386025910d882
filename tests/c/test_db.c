/* test_db.c - connection, calls and documents against the server that APV_TEST_DSN
 * names: a superuser's connection string for a database with the schema, which the
 * tests add a few functions to. Without it there is nothing to test.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <libpq-fe.h>

#include "apv_record.h"
#include "apv_wire.h"
#include "db_private.h"
#include "failing_alloc.h"
#include "support.h"

static const char functions[] =
    "CREATE OR REPLACE FUNCTION approval.test_backend() RETURNS integer LANGUAGE sql"
    " AS 'SELECT pg_backend_pid()';"
    "CREATE OR REPLACE FUNCTION approval.test_sleep(seconds float8) RETURNS void LANGUAGE sql"
    " AS 'SELECT pg_sleep(seconds)';"
    "CREATE OR REPLACE FUNCTION approval.test_echo(INOUT a bytea, INOUT b text[]) LANGUAGE sql"
    " AS 'SELECT a, b';";

static bool
have_dsn(void)
{
    const char *value = getenv("APV_TEST_DSN");
    return value != NULL && *value != '\0';
}

static const char *
dsn(void)
{
    if (!have_dsn())
        skip();
    return getenv("APV_TEST_DSN");
}

/* Runs SQL beside the library. */
static void
run_sql(const char *sql)
{
    PGconn *conn = PQconnectdb(dsn());
    PGresult *result = PQexec(conn, sql);
    ExecStatusType status = PQresultStatus(result);

    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
        print_error("%s", PQerrorMessage(conn));
    PQclear(result);
    PQfinish(conn);
    assert_true(status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK);
}

static apv_db *
open_db(int timeout_ms, bool prepare)
{
    apv_db_options options = {dsn(), 2000, timeout_ms, prepare};
    apv_err err = APV_ERR_NONE;
    apv_db *db = NULL;

    assert_true(apv_db_new(&options, &db, &err));
    return db;
}

static int32_t
backend(apv_db *db)
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

static void
assert_call_fails(apv_db *db, const char *function, const apv_arg *args, size_t count,
                  bool repeatable, apv_code code)
{
    apv_err err = APV_ERR_NONE;
    apv_result *result = NULL;

    assert_false(apv_call(db, function, args, count, repeatable, &result, &err));
    assert_int_equal(err.code, code);
    assert_null(result);
}

static int
make_functions(void **state)
{
    (void)state;
    if (have_dsn())
        run_sql(functions);
    return 0;
}

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
    assert_call_fails(db, "test_backend", NULL, 0, true, APV_ERR_UNAVAILABLE);
    apv_db_close(&db);
    assert_null(db);
}

static void
test_bad_calls(void **state)
{
    (void)state;
    apv_db *db = open_db(5000, true);
    apv_arg many[APV_ARGS_MAX + 1] = {{.kind = APV_ARG_NULL}};
    const apv_arg nul = {.kind = APV_ARG_TEXT, .as.span = {"a\0b", 3}};
    const apv_arg latin1 = {.kind = APV_ARG_TEXT, .as.span = {"\xfc", 1}};

    assert_call_fails(db, "", NULL, 0, true, APV_ERR_INVALID);
    assert_call_fails(db, "pg_sleep(1)", NULL, 0, true, APV_ERR_INVALID);
    assert_call_fails(db, "test_backend", many, APV_ARGS_MAX + 1, true, APV_ERR_INVALID);
    assert_call_fails(db, "test_backend", &nul, 1, true, APV_ERR_INVALID);
    assert_call_fails(db, "test_backend", &latin1, 1, true, APV_ERR_INVALID);
    assert_call_fails(db, "test_backend", many, APV_ARGS_MAX, true, APV_ERR_DATABASE);
    assert_true(backend(db) > 0);
    apv_db_close(&db);
}

static void
echo(bool prepare)
{
    apv_db *db = open_db(5000, prepare);
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

static void
test_deadline(void **state)
{
    (void)state;
    apv_db *db = open_db(100, true);
    const apv_arg seconds = {.kind = APV_ARG_FLOAT, .as.real = 5.0};
    int32_t first = backend(db);

    assert_call_fails(db, "test_sleep", &seconds, 1, true, APV_ERR_TIMEOUT);
    assert_int_not_equal(backend(db), first);
    apv_db_close(&db);
}

static void
test_lost_connection(void **state)
{
    (void)state;
    apv_db *db = open_db(5000, true);
    char sql[128];
    int32_t first = backend(db);

    snprintf(sql, sizeof sql, "SELECT pg_terminate_backend(%d, 5000)", (int)first);
    run_sql(sql);
    assert_int_not_equal(backend(db), first);
    apv_db_close(&db);
}

static void
test_fork(void **state)
{
    (void)state;
    apv_db *db = open_db(5000, true);
    int32_t first = backend(db);
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
    assert_int_equal(backend(db), first);
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
    apv_db *db = open_db(5000, true);
    const apv_arg seconds = {.kind = APV_ARG_FLOAT, .as.real = 2.0};
    struct sigaction action = {.sa_handler = ignore_signal}, previous;
    int asked = 0;

    (void)backend(db);
    apv_db_on_signal(db, give_up, &asked);
    sigaction(SIGALRM, &action, &previous);
    alarm(1);
    assert_call_fails(db, "test_sleep", &seconds, 1, true, APV_ERR_UNAVAILABLE);
    assert_int_equal(asked, 1);
    sigaction(SIGALRM, &previous, NULL);
    apv_db_close(&db);
}

static void
test_unknown_minion(void **state)
{
    (void)state;
    apv_db *db = open_db(5000, true);
    apv_err err = APV_ERR_NONE;
    apv_document *document = NULL;

    assert_true(apv_document_read(db, (apv_span){"%", 1}, &document, &err));
    assert_int_equal(document->revision, 0);
    assert_int_equal(document->count, 0);
    assert_null(document->evidence_key.data);
    assert_int_equal(strlen(document->digest), APV_DIGEST_SIZE - 1);
    apv_document_free(&document);
    assert_null(document);
    assert_false(apv_document_read(db, (apv_span){"a\0b", 3}, &document, &err));
    assert_int_equal(err.code, APV_ERR_INVALID);
    apv_db_close(&db);
}

static void
test_document(void **state)
{
    (void)state;
    apv_db *db = open_db(5000, false);
    apv_err err = APV_ERR_NONE;
    apv_document *document = NULL;

    const apv_item items[] = {
        {{"package", 7}, {"a", 1}, {"version", 7}, {"1", 1}},
        {{"package", 7}, {"b", 1}, {"absent", 6}, {NULL, 0}},
    };
    char digest[APV_DIGEST_SIZE], sql[1024];

    assert_true(apv_digest((apv_span){"test-c", 6}, 7, items, 2, digest, &err));
    snprintf(sql, sizeof sql,
             "INSERT INTO approval.minion (minion_id, registered_at) VALUES ('test-c', now())"
             " ON CONFLICT DO NOTHING;"
             "DELETE FROM approval.document WHERE minion_id = 'test-c';"
             "INSERT INTO approval.document (minion_id, valid_from, revision, digest, evidence_key,"
             " kinds, names, types, contents, item_ids) VALUES ('test-c', '-infinity', 7, '%s',"
             " sha256('k'), '{package,package}', '{a,b}', '{version,absent}', '{1,NULL}', '{1,2}')",
             digest);
    run_sql(sql);
    if (!apv_document_read(db, (apv_span){"test-c", 6}, &document, &err))
        fail_msg("%s", err.message);
    assert_int_equal(document->revision, 7);
    assert_int_equal(document->evidence_key.size, APV_EVIDENCE_KEY_SIZE);
    assert_int_equal(document->count, 2);
    assert_memory_equal(document->items[0].value.data, "1", 1);
    assert_null(document->items[1].value.data);
    assert_true(document->as_of > 1e9);
    apv_document_free(&document);
    apv_db_close(&db);
}

/* More than are on their way at once, among them one that cannot be handed out. */
#define MANY 300

static void
ask_many(apv_span *minion_ids, char names[MANY][16])
{
    for (size_t i = 0; i < MANY; i++) {
        snprintf(names[i], sizeof names[i], "many-%zu", i);
        minion_ids[i] = apv_span_of(names[i]);
    }
    minion_ids[100] = minion_ids[MANY - 1] = apv_span_of("test-c");
    minion_ids[200] = apv_span_of("test-altered");
}

static void
assert_many(apv_db *db)
{
    char names[MANY][16];
    apv_span minion_ids[MANY];
    apv_document *documents[MANY] = {NULL};
    apv_err refusals[MANY] = {APV_ERR_NONE}, err = APV_ERR_NONE;

    ask_many(minion_ids, names);
    if (!apv_documents_read(db, minion_ids, MANY, documents, refusals, &err))
        fail_msg("%s", err.message);
    for (size_t i = 0; i < MANY; i++) {
        bool known = i == 100 || i == MANY - 1;
        if (i == 200) {
            assert_null(documents[i]);
            assert_int_equal(refusals[i].code, APV_ERR_PROTOCOL);
            continue;
        }
        assert_non_null(documents[i]);
        assert_int_equal(documents[i]->revision, known ? 7 : 0);
        assert_int_equal(documents[i]->count, known ? 2 : 0);
        assert_int_equal(refusals[i].code, APV_OK);
        apv_document_free(&documents[i]);
    }
}

static void
test_many_documents(void **state)
{
    (void)state;
    apv_db *db = open_db(5000, true);
    apv_err err = APV_ERR_NONE;

    run_sql("INSERT INTO approval.minion (minion_id, registered_at) VALUES ('test-altered', now())"
            " ON CONFLICT DO NOTHING;"
            "DELETE FROM approval.document WHERE minion_id = 'test-altered';"
            "INSERT INTO approval.document (minion_id, valid_from, revision, digest, evidence_key,"
            " kinds, names, types, contents, item_ids) VALUES ('test-altered', '-infinity', 7,"
            " 'sha256:' || repeat('0', 64), sha256('k'), '{package}', '{a}', '{version}', '{1}',"
            " '{1}')");
    assert_many(db);
    int32_t pid = backend(db);
    assert_many(db);
    assert_int_equal(backend(db), pid);

    /* The server ends the kept connection, and another one is made. */
    char sql[64];
    snprintf(sql, sizeof sql, "SELECT pg_terminate_backend(%d, 5000)", (int)pid);
    run_sql(sql);
    assert_many(db);
    assert_int_not_equal(backend(db), pid);

    const size_t refused[] = {0, APV_DOCUMENTS_MAX + 1};
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        err = (apv_err)APV_ERR_NONE;
        assert_false(apv_documents_read(db, NULL, refused[i], NULL, NULL, &err));
        assert_int_equal(err.code, APV_ERR_INVALID);
    }
    const apv_span bad[] = {{"test-c", 6}, {"a\0b", 3}};
    apv_document *documents[] = {NULL, NULL};
    apv_err refusals[] = {APV_ERR_NONE, APV_ERR_NONE};
    err = (apv_err)APV_ERR_NONE;
    assert_false(apv_documents_read(db, bad, 2, documents, refusals, &err));
    assert_int_equal(err.code, APV_ERR_INVALID);
    assert_null(documents[0]);
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
    apv_db *db = open_db(5000, true);
    apv_err err = APV_ERR_NONE;
    size_t counts[] = {0, 0};

    run_sql(
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
    assert_true(backend(db) > 0);
    apv_db_close(&db);

    db = open_db(300, true);
    err = (apv_err)APV_ERR_NONE;
    assert_false(apv_db_query_many(db, "SELECT pg_sleep($1::float8)", params, 4, count_refusals,
                                   counts, &err));
    assert_int_equal(err.code, APV_ERR_TIMEOUT);
    apv_db_close(&db);
}

/* {"id": "test-c", "jid": "1", "ts": 5}: quarantined, as the jid is none. */
static const char load[] = "\x83\xa2id\xa6test-c\xa3jid\xa1"
                           "1\xa2ts\x05";

static void
test_record(void **state)
{
    (void)state;
    apv_db *db = open_db(5000, true);
    apv_err err = APV_ERR_NONE;
    apv_record *record = NULL;

    if (!apv_record_returns(db, &(apv_span){load, sizeof load - 1}, 1, &record, &err))
        fail_msg("%s", err.message);
    assert_string_equal(record->outcome, "quarantined");
    assert_int_equal(record->attempt, 0);
    assert_non_null(record->verdict);
    assert_false(record->verdict->authenticated);
    apv_record_free(&record);
    assert_null(record);

    assert_false(apv_record_returns(db, &(apv_span){"\x80", 1}, 1, &record, &err));
    assert_int_equal(err.code, APV_ERR_INVALID);
    err = (apv_err)APV_ERR_NONE;
    assert_false(apv_record_returns(db, &(apv_span){"\xc1", 1}, 1, &record, &err));
    assert_int_equal(err.code, APV_ERR_INVALID);
    apv_db_close(&db);
}

static void
test_record_batch(void **state)
{
    (void)state;
    apv_db *db = open_db(5000, true);
    apv_span loads[] = {{load, sizeof load - 1}, {load, sizeof load - 1}, {"\x80", 1}};
    apv_record *records[] = {NULL, NULL, NULL};
    apv_err err = APV_ERR_NONE;

    if (!apv_record_returns(db, loads, 2, records, &err))
        fail_msg("%s", err.message);
    for (size_t i = 0; i < 2; i++) {
        assert_string_equal(records[i]->outcome, "quarantined");
        apv_record_free(&records[i]);
    }
    const size_t refused[] = {0, 3, APV_RECORDS_MAX + 1};
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        err = (apv_err)APV_ERR_NONE;
        assert_false(apv_record_returns(db, loads, refused[i], records, &err));
        assert_int_equal(err.code, APV_ERR_INVALID);
        assert_null(records[0]);
    }
    apv_db_close(&db);
}

static void
test_upcoming(void **state)
{
    (void)state;
    apv_db *db = open_db(5000, true);
    const apv_span good[] = {{load, sizeof load - 1}, {load, sizeof load - 1}};
    const apv_span bad[] = {{load, sizeof load - 1}, {"\x80", 1}};
    apv_returns *first = NULL, *second = NULL, *wrong = NULL;
    apv_err err = APV_ERR_NONE;

    assert_true(apv_returns_new(good, 2, &first, &err));
    assert_true(apv_returns_new(good, 1, &second, &err));
    assert_true(apv_returns_new(bad, 2, &wrong, &err));
    if (!apv_returns_record(db, first, second, &err))
        fail_msg("%s", err.message);
    assert_string_equal(apv_returns_peek(first, 1)->outcome, "quarantined");
    assert_string_equal(apv_returns_peek(second, 0)->outcome, ""); /* judged, not stored */
    /* What is wrong with the next one is no matter of this one. */
    assert_true(apv_returns_record(db, second, wrong, &err));
    assert_string_equal(apv_returns_peek(second, 0)->outcome, "quarantined");
    assert_int_equal(err.code, APV_OK);
    assert_false(apv_returns_record(db, wrong, NULL, &err));
    assert_int_equal(err.code, APV_ERR_INVALID);
    apv_returns_free(&first);
    apv_returns_free(&second);
    apv_returns_free(&wrong);
    assert_null(wrong);
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
    apv_db *db = open_db(200, true);
    bool done = false;

    (void)backend(db);
    apv_db_meanwhile(db, work_long, &done);
    assert_true(backend(db) > 0);
    assert_true(done);
    done = false;
    assert_true(backend(db) > 0);
    assert_false(done);
    apv_db_close(&db);
}

/* ---- no memory ---- */

static bool
once_document(apv_db *db, apv_err *err)
{
    apv_document *document = NULL;
    bool ok = apv_document_read(db, (apv_span){"test-c", 6}, &document, err);

    assert_int_equal(ok, document != NULL);
    apv_document_free(&document);
    return ok;
}

static bool
once_documents(apv_db *db, apv_err *err)
{
    const apv_span minion_ids[] = {{"test-c", 6}, {"nobody", 6}};
    apv_document *documents[] = {NULL, NULL};
    apv_err refusals[] = {APV_ERR_NONE, APV_ERR_NONE};
    bool ok = apv_documents_read(db, minion_ids, 2, documents, refusals, err);

    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(refusals[i].code, APV_OK);
        assert_true(!ok || documents[i] != NULL);
        apv_document_free(&documents[i]);
    }
    return ok;
}

static bool
once_record(apv_db *db, apv_err *err)
{
    const apv_span loads[] = {{load, sizeof load - 1}, {load, sizeof load - 1}};
    apv_record *records[] = {NULL, NULL};
    bool ok = apv_record_returns(db, loads, 2, records, err);

    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(ok, records[i] != NULL);
        apv_record_free(&records[i]);
    }
    return ok;
}

/* Without memory for the upcoming returns, the others are recorded all the same. */
static bool
once_upcoming(apv_db *db, apv_err *err)
{
    const apv_span span = {load, sizeof load - 1};
    apv_returns *first = NULL, *second = NULL;
    bool ok = apv_returns_new(&span, 1, &first, err) && apv_returns_new(&span, 1, &second, err) &&
              apv_returns_record(db, first, second, err) &&
              apv_returns_record(db, second, NULL, err);

    apv_returns_free(&first);
    apv_returns_free(&second);
    return ok;
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

/* With ever more allocations that succeed: each failure is told, costs nothing but that
 * call, and leaks nothing. */
static void
test_no_memory(void **state)
{
    (void)state;
    bool (*const work[])(apv_db *, apv_err *) = {once_call, once_document, once_documents,
                                                 once_record, once_upcoming};

    for (size_t i = 0; i < sizeof work / sizeof work[0]; i++) {
        bool failed = true;
        for (size_t count = 0; failed; count++) {
            apv_db *db = open_db(5000, true);
            apv_err err = APV_ERR_NONE;

            assert_true(count < 1000);
            (void)backend(db);
            failing_alloc_after(count);
            bool ok = work[i](db, &err);
            failed = failing_alloc_stop();
            assert_true(ok || failed);
            assert_true(!ok || !failed || work[i] == once_upcoming);
            assert_int_equal(err.code, ok ? APV_OK : APV_ERR_MEMORY);
            err = (apv_err)APV_ERR_NONE;
            assert_true(work[i](db, &err));
            assert_true(backend(db) > 0);
            apv_db_close(&db);
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_options),        cmocka_unit_test(test_nobody_there),
        cmocka_unit_test(test_bad_calls),      cmocka_unit_test(test_echo),
        cmocka_unit_test(test_deadline),       cmocka_unit_test(test_lost_connection),
        cmocka_unit_test(test_fork),           cmocka_unit_test(test_signal),
        cmocka_unit_test(test_unknown_minion), cmocka_unit_test(test_document),
        cmocka_unit_test(test_many_documents), cmocka_unit_test(test_refusals_among_many),
        cmocka_unit_test(test_record),         cmocka_unit_test(test_record_batch),
        cmocka_unit_test(test_upcoming),       cmocka_unit_test(test_meanwhile),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, make_functions, NULL);
}
