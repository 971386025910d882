/* test_record.c - returns as they are stored, alone, in batches, one batch while another is stored.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "apv_record.h"
#include "failing_alloc.h"
#include "record_private.h"
#include "support_db.h"

/* {"id": "m", "jid": "1", "return": {}}, with and without what tells of its delivery. */
static const char plain[] = "\x83\xa2id\xa1m\xa3jid\xa1\x31\xa6return\x80";
static const char delivered[] =
    "\x85\xa6_stamp\xa1\x31\xa2id\xa1m\xa3jid\xa1\x31\xa6return\x80\xa2ts\x05";
static const char again[] =
    "\x85\xa6_stamp\xa1\x32\xa2id\xa1m\xa3jid\xa1\x31\xa6return\x80\xa2ts\x06";

static apv_row
row_of(apv_span load, const apv_verdict *verdict)
{
    apv_row row = {.payload = NULL};
    apv_err err = APV_ERR_NONE;

    if (!apv_row_fill(load, verdict, &row, &err))
        fail_msg("%s", err.message);
    return row;
}

static void
test_rows(void **state)
{
    (void)state;
    const apv_finding finding = {
        .kind = APV_WORD("package"),
        .name = APV_WORD("a\"b\\\n"),
        .verdict = APV_DRIFT,
        .reason = "missing",
        .source = "none",
        .expected = {NULL, 0},
        .observed = APV_WORD("1\0cut"),
        .text = APV_WORD("\xc3\xa4"),
    };
    const apv_observation before[] = {
        {APV_WORD("package"), APV_WORD("a"), {NULL, 0}},
        {APV_WORD("package"), APV_WORD("b\0"), APV_WORD("1")}, /* cannot be stored */
    };
    apv_verdict verdict = {
        .findings = &finding, .finding_count = 1, .before = before, .before_count = 2};
    const apv_span loads[] = {
        {plain, sizeof plain - 1}, {delivered, sizeof delivered - 1}, {again, sizeof again - 1}};

    apv_row row = row_of(loads[0], &verdict), first = row_of(loads[1], &verdict);
    assert_null(row.before.data); /* not from the minion itself */
    assert_true(apv_span_is((apv_span){row.findings.data, row.findings.size},
                            "[[\"package\",\"a\\\"b\\\\\\u000a\",\"drift\",\"missing\",null,\"1\","
                            "\"none\",\"\xc3\xa4\"]]"));
    apv_row_free(&row);
    verdict.authenticated = true;
    row = row_of(loads[2], &verdict);
    assert_true(
        apv_span_is((apv_span){row.before.data, row.before.size}, "[[\"package\",\"a\",null]]"));
    assert_memory_equal(row.digest, first.digest, sizeof row.digest); /* the same return */
    apv_row_free(&row);
    apv_row_free(&first);

    for (size_t count = 0, failed = true; failed; count++) {
        apv_err err = APV_ERR_NONE;
        row = (apv_row){.payload = NULL};
        failing_alloc_after(count);
        bool ok = apv_row_fill(loads[0], &verdict, &row, &err);
        failed = failing_alloc_stop();
        assert_int_equal(ok, !failed);
        assert_int_equal(err.code, ok ? APV_OK : APV_ERR_MEMORY);
        apv_row_free(&row);
    }
}

static void
test_cut(void **state)
{
    (void)state;
    const apv_span text = APV_WORD("a\xc3\xa4\0b");

    assert_null(apv_cut(APV_NO_SPAN, 5).data);
    assert_int_equal(apv_cut(text, 5).size, 3);
    assert_int_equal(apv_cut(text, 2).size, 1); /* not through a character */
    assert_int_equal(apv_cut(text, 0).size, 0);
}

static void
test_returns_that_can_be_recorded(void **state)
{
    (void)state;
    const apv_span refused[] = {{"\x80", 1},
                                {"\xc1", 1},
                                {"\x90", 1},
                                APV_WORD("\x81\xa2id\xa3"
                                         "a/b"),
                                APV_WORD("\x81\xa2id\xa0")};
    apv_err err = APV_ERR_NONE;

    assert_true(apv_return_check((apv_span){plain, sizeof plain - 1}, &err));
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        err = (apv_err)APV_ERR_NONE;
        assert_false(apv_return_check(refused[i], &err));
        assert_int_equal(err.code, APV_ERR_INVALID);
    }
}

/* {"id": "test-c", "jid": "1", "ts": 5}: quarantined, as the jid is none. */
static const char load[] = "\x83\xa2id\xa6test-c\xa3jid\xa1"
                           "1\xa2ts\x05";

static void
test_record(void **state)
{
    (void)state;
    apv_db *db = support_open_db(5000, true);
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
    apv_db *db = support_open_db(5000, true);
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
    apv_db *db = support_open_db(5000, true);
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

static bool
once_one(apv_db *db, apv_err *err)
{
    const apv_span span = {load, sizeof load - 1};
    apv_record *record = NULL;
    bool ok = apv_record_returns(db, &span, 1, &record, err);

    assert_int_equal(ok, record != NULL);
    apv_record_free(&record);
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

static void
test_no_memory(void **state)
{
    (void)state;
    support_assert_no_memory(once_one, false);
    support_assert_no_memory(once_record, false);
    support_assert_no_memory(once_upcoming, true);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_cut),
        cmocka_unit_test(test_returns_that_can_be_recorded),
        cmocka_unit_test(test_record),
        cmocka_unit_test(test_record_batch),
        cmocka_unit_test(test_upcoming),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, support_make_functions, NULL);
}
