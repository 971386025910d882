/* test_document.c - documents: one, many, those that cannot be handed out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "document_private.h"
#include "failing_alloc.h"
#include "support_db.h"

static void
test_known_items(void **state)
{
    (void)state;
    const apv_item known[] = {
        {APV_WORD("package"), APV_WORD("a"), APV_WORD("version"), APV_WORD("1")},
        {APV_WORD("package"), APV_WORD("a"), APV_WORD("latest"), APV_WORD("latest")},
        {APV_WORD("package"), APV_WORD("a"), APV_WORD("absent"), {NULL, 0}},
        {APV_WORD("service"), APV_WORD("a"), APV_WORD("state"), APV_WORD("running")},
        {APV_WORD("service"), APV_WORD("a"), APV_WORD("state"), APV_WORD("dead")},
        {APV_WORD("value"), APV_WORD("a"), APV_WORD("json"), APV_WORD("{}")},
    };
    const apv_item unknown[] = {
        {APV_WORD("package"), APV_WORD("a"), APV_WORD("version"), {NULL, 0}},
        {APV_WORD("package"), APV_WORD("a"), APV_WORD("absent"), APV_WORD("1")},
        {APV_WORD("package"), APV_WORD("a"), APV_WORD("newer"), APV_WORD("1")},
        {APV_WORD("service"), APV_WORD("a"), APV_WORD("state"), APV_WORD("masked")},
        {APV_WORD("value"), APV_WORD("a"), APV_WORD("json"), {NULL, 0}},
        {APV_WORD("file"), APV_WORD("a"), APV_WORD("json"), APV_WORD("{}")},
    };

    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        assert_true(apv_item_known(&known[i]));
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++)
        assert_false(apv_item_known(&unknown[i]));
}

static void
test_nothing_approved(void **state)
{
    (void)state;
    apv_document *document = NULL;
    char digest[APV_DIGEST_SIZE];
    apv_err err = APV_ERR_NONE;

    assert_true(apv_digest(apv_span_of("m"), 0, NULL, 0, digest, &err));
    assert_true(apv_document_unknown(apv_span_of("m"), &document, &err));
    assert_int_equal(document->revision, 0);
    assert_string_equal(document->digest, digest);
    apv_document_free(&document);
    apv_document_free(&document);
    for (size_t count = 0, failed = true; failed; count++) {
        failing_alloc_after(count);
        bool ok = apv_document_unknown(apv_span_of("m"), &document, &err);
        failed = failing_alloc_stop();
        assert_int_equal(ok, !failed);
        assert_int_equal(err.code, ok ? APV_OK : APV_ERR_MEMORY);
        err = (apv_err)APV_ERR_NONE;
        apv_document_free(&document);
    }
}

static void
test_unknown_minion(void **state)
{
    (void)state;
    apv_db *db = support_open_db(5000, true);
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
    apv_db *db = support_open_db(5000, false);
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
    support_run_sql(sql);
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
    apv_db *db = support_open_db(5000, true);
    apv_err err = APV_ERR_NONE;

    support_run_sql(
        "INSERT INTO approval.minion (minion_id, registered_at) VALUES ('test-altered', now())"
        " ON CONFLICT DO NOTHING;"
        "DELETE FROM approval.document WHERE minion_id = 'test-altered';"
        "INSERT INTO approval.document (minion_id, valid_from, revision, digest, evidence_key,"
        " kinds, names, types, contents, item_ids) VALUES ('test-altered', '-infinity', 7,"
        " 'sha256:' || repeat('0', 64), sha256('k'), '{package}', '{a}', '{version}', '{1}',"
        " '{1}')");
    assert_many(db);
    int32_t pid = support_backend(db);
    assert_many(db);
    assert_int_equal(support_backend(db), pid);

    /* The server ends the kept connection, and another one is made. */
    char sql[64];
    snprintf(sql, sizeof sql, "SELECT pg_terminate_backend(%d, 5000)", (int)pid);
    support_run_sql(sql);
    assert_many(db);
    assert_int_not_equal(support_backend(db), pid);

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

static void
test_no_memory(void **state)
{
    (void)state;
    support_assert_no_memory(once_document, false);
    support_assert_no_memory(once_documents, false);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_items),    cmocka_unit_test(test_nothing_approved),
        cmocka_unit_test(test_unknown_minion), cmocka_unit_test(test_document),
        cmocka_unit_test(test_many_documents), cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, support_make_functions, NULL);
}
