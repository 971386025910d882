/* test_kept.c - documents that a handle of the database keeps. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "document_private.h"
#include "failing_alloc.h"
#include "kept.h"

#define NAME_SIZE 24

/* A handle, which never connects. */
static apv_db *
handle(void)
{
    const apv_db_options options = {"host=/nowhere", 1, 1, true};
    apv_err err = APV_ERR_NONE;
    apv_db *db = NULL;

    assert_true(apv_db_new(&options, &db, &err));
    return db;
}

static apv_span
name_of(int number, char name[NAME_SIZE])
{
    snprintf(name, NAME_SIZE, "minion-%d", number);
    return apv_span_of(name);
}

/* Keeps a document of a revision, with so many items, which are not there. */
static void
put(apv_db *db, apv_span minion, int64_t revision, size_t count)
{
    apv_err err = APV_ERR_NONE;
    apv_document *document = NULL;

    assert_true(apv_document_unknown(minion, &document, &err));
    document->revision = revision;
    document->count = count;
    assert_true(apv_kept_put(db, minion, document, &err));
    apv_document_free(&document);
}

/* The revision of what is kept for a return that claims one, or none (-1); -2: nothing is. */
static int64_t
found(const apv_db *db, apv_span minion, int64_t claimed)
{
    const apv_return head = {
        .minion = minion, .has_revision = claimed >= 0, .revision = claimed, .can_prove = true};
    apv_document *document = apv_kept_find(db, &head);
    int64_t revision = document == NULL ? -2 : document->revision;

    if (document != NULL)
        apv_document_free(&document);
    return revision;
}

static void
test_the_last_one_of_a_minion(void **state)
{
    (void)state;
    const apv_span one = APV_WORD("one"), other = APV_WORD("other");
    apv_db *db = handle();

    assert_int_equal(found(db, one, -1), -2);
    apv_kept_drop(db, one);
    put(db, one, 3, 0);
    put(db, other, 5, 0);
    assert_int_equal(found(db, one, -1), 3);
    assert_int_equal(found(db, one, 3), 3);
    assert_int_equal(found(db, one, 2), -2);
    put(db, one, 4, 0);
    assert_int_equal(found(db, one, 3), -2);
    assert_int_equal(found(db, one, 4), 4);
    apv_kept_drop(db, one);
    assert_int_equal(found(db, one, -1), -2);
    assert_int_equal(found(db, other, 5), 5);
    apv_db_close(&db);
}

static void
test_outlives_the_handle(void **state)
{
    (void)state;
    const apv_return head = {.minion = APV_WORD("one")};
    apv_db *db = handle();

    put(db, head.minion, 3, 0);
    apv_document *document = apv_kept_find(db, &head);
    apv_db_close(&db);
    assert_int_equal(document->revision, 3);
    apv_document_free(&document);
    assert_null(document);
}

static void
test_those_used_last_stay(void **state)
{
    (void)state;
    apv_db *db = handle();
    char name[NAME_SIZE];

    for (int i = 0; i < APV_KEPT_MAX; i++)
        put(db, name_of(i, name), 1, 0);
    assert_int_equal(found(db, name_of(0, name), -1), 1);
    put(db, apv_span_of("one more"), 1, 0);
    assert_int_equal(found(db, name_of(0, name), -1), 1);
    assert_int_equal(found(db, name_of(1, name), -1), -2);
    assert_int_equal(found(db, name_of(2, name), -1), 1);
    apv_db_close(&db);
}

static void
test_bytes_are_bounded(void **state)
{
    (void)state;
    const size_t half = APV_KEPT_BYTES_MAX / 2 / sizeof(apv_item) - 10;
    apv_db *db = handle();

    put(db, apv_span_of("one"), 1, half);
    put(db, apv_span_of("two"), 1, half);
    assert_int_equal(found(db, apv_span_of("one"), -1), 1);
    put(db, apv_span_of("three"), 1, half);
    assert_int_equal(found(db, apv_span_of("two"), -1), -2);
    assert_int_equal(found(db, apv_span_of("one"), -1), 1);
    /* A document that is too large displaces the one of this minion, and no other. */
    put(db, apv_span_of("three"), 2, 3 * half);
    assert_int_equal(found(db, apv_span_of("three"), -1), -2);
    assert_int_equal(found(db, apv_span_of("one"), -1), 1);
    apv_db_close(&db);
}

static void
test_no_memory(void **state)
{
    (void)state;
    const apv_span minion = APV_WORD("one");
    apv_err err = APV_ERR_NONE;
    apv_document *document = NULL;

    assert_true(apv_document_unknown(minion, &document, &err));
    for (size_t count = 0, failed = true; failed; count++) {
        apv_db *db = handle();
        err = (apv_err)APV_ERR_NONE;
        failing_alloc_after(count);
        bool ok = apv_kept_put(db, minion, document, &err);
        failed = failing_alloc_stop();
        assert_int_equal(ok, !failed);
        assert_int_equal(err.code, ok ? APV_OK : APV_ERR_MEMORY);
        assert_int_equal(found(db, minion, -1), ok ? 0 : -2);
        apv_db_close(&db);
    }
    apv_document_free(&document);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_last_one_of_a_minion),
        cmocka_unit_test(test_outlives_the_handle),
        cmocka_unit_test(test_those_used_last_stay),
        cmocka_unit_test(test_bytes_are_bounded),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
