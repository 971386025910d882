/* test_snapshot.c - reading a snapshot: by time, whatever happened to its files. What the
 * database has to do with it is tested from Python. */
#include <fcntl.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "failing_alloc.h"
#include "snapshot_private.h"
#include "support.h"

#define US INT64_C(1000000)
#define EPOCH_2000_S 946684800

static const double now = 1800000000;
static char path[64];

static const apv_item older[] = {
    {APV_WORD("package"), APV_WORD("hello"), APV_WORD("version"), APV_WORD("1")},
};
static const apv_item newer[] = {
    {APV_WORD("package"), APV_WORD("hello"), APV_WORD("version"),
     APV_WORD("2.10-3, and longer than 31")},
    {APV_WORD("package"), APV_WORD("sl"), APV_WORD("absent"), {NULL, 0}},
    {APV_WORD("value"), APV_WORD("limits"), APV_WORD("json"), APV_WORD("{\"a\":1}")},
};

static void
append(apv_buf *value, const char *minion, int64_t from_us, int64_t revision, const apv_item *items,
       size_t count)
{
    static const char key[APV_EVIDENCE_KEY_SIZE] = "0123456789abcdef0123456789abcde\377";
    apv_document document = {
        .revision = revision,
        .evidence_key = {key, sizeof key},
        .items = items,
        .count = count,
    };
    apv_err err = APV_ERR_NONE;
    assert_true(apv_digest(apv_span_of(minion), revision, items, count, document.digest, &err));
    assert_true(apv_snapshot_value_add(value, from_us, &document, &err));
}

/* The value of a minion that has `older` since ever and `newer` from an hour after now. */
static apv_buf
value_of(const char *minion)
{
    apv_buf value = APV_BUF_EMPTY;
    apv_err err = APV_ERR_NONE;

    assert_true(apv_snapshot_value_start(&value, &err));
    append(&value, minion, INT64_MIN, 1, older, 1);
    append(&value, minion, ((int64_t)now + 3600 - EPOCH_2000_S) * US, 2, newer, 3);
    apv_snapshot_value_end(&value, 2);
    return value;
}

static void
write_generation(int64_t number, bool retired)
{
    static const char *const minions[] = {"web1", "web2"};
    apv_generation generation = {.store = NULL};
    apv_snapshot_head head = {(int64_t)now * 1000, (int64_t)now * 1000, 7, "db/1/2", retired};
    apv_err err = APV_ERR_NONE;
    MDB_txn *txn = NULL;

    assert_true(apv_generation_open(path, number, true, true, &generation, &err));
    assert_true(apv_store_begin(generation.store, true, &txn, &err));
    for (size_t i = 0; i < 2; i++) {
        apv_buf value = value_of(minions[i]);
        assert_true(apv_store_put(txn, generation.documents, apv_span_of(minions[i]),
                                  (apv_span){value.data, value.size}, 0, &err));
        apv_buf_free(&value);
    }
    assert_true(apv_generation_put_head(&generation, txn, &head, &err));
    assert_true(apv_store_commit(generation.store, &txn, &err));
    apv_generation_close(&generation);
}

static int
make_snapshot(void **state)
{
    apv_err err = APV_ERR_NONE;
    (void)state;
    strcpy(path, "/tmp/apv-snapshot-XXXXXX");
    if (mkdtemp(path) == NULL)
        return 1;
    write_generation(5, false);
    return !apv_generation_switch(path, 5, &err);
}

static int
remove_snapshot(void **state)
{
    char link[96];
    (void)state;
    apv_generation_remove_others(path, 0);
    snprintf(link, sizeof link, "%s/current", path);
    unlink(link);
    return rmdir(path);
}

static apv_snapshot *
open_snapshot(void)
{
    apv_err err = APV_ERR_NONE;
    apv_snapshot *snapshot = NULL;
    assert_true(apv_snapshot_new(path, &snapshot, &err));
    return snapshot;
}

/* The revision that is read; -1: err tells. */
static int64_t
revision_at(apv_snapshot *snapshot, const char *minion, double at, double max_age, apv_err *err)
{
    apv_document *document = NULL;

    *err = (apv_err)APV_ERR_NONE;
    if (!apv_snapshot_read(snapshot, apv_span_of(minion), at, max_age, &document, err))
        return -1;
    int64_t revision = document->revision;
    char digest[APV_DIGEST_SIZE];
    assert_true(
        apv_digest(apv_span_of(minion), revision, document->items, document->count, digest, err));
    assert_string_equal(digest, document->digest);
    assert_true(document->from_snapshot);
    assert_true(fabs(document->as_of - now) < 1);
    apv_document_free(&document);
    return revision;
}

static void
assert_fails(const char *minion, double at, double max_age, apv_code code)
{
    apv_snapshot *snapshot = open_snapshot();
    apv_err err;

    assert_int_equal(revision_at(snapshot, minion, at, max_age, &err), -1);
    if (err.code != code)
        fail_msg("%d: %s", err.code, err.message);
    apv_snapshot_close(&snapshot);
    assert_null(snapshot);
}

static void
test_a_change_is_true_from_its_time_on(void **state)
{
    apv_snapshot *snapshot = open_snapshot();
    apv_document *document = NULL;
    apv_err err;

    (void)state;
    assert_int_equal(revision_at(snapshot, "web1", now, INFINITY, &err), 1);
    assert_int_equal(revision_at(snapshot, "web1", now + 3599.9, INFINITY, &err), 1);
    assert_int_equal(revision_at(snapshot, "web1", now + 3600, INFINITY, &err), 2);
    assert_true(
        apv_snapshot_read(snapshot, apv_span_of("web1"), now + 3600, INFINITY, &document, &err));
    assert_int_equal(document->count, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_true(apv_span_equal(document->items[i].kind, newer[i].kind));
        assert_true(apv_span_equal(document->items[i].name, newer[i].name));
        assert_true(apv_span_equal(document->items[i].type, newer[i].type));
        assert_true(apv_span_equal(document->items[i].value, newer[i].value));
    }
    assert_null(document->items[1].value.data);
    assert_int_equal(document->evidence_key.size, APV_EVIDENCE_KEY_SIZE);
    assert_memory_equal(document->evidence_key.data, "0123456789abcdef0123456789abcde\377",
                        APV_EVIDENCE_KEY_SIZE);
    apv_document_free(&document);
    apv_snapshot_close(&snapshot);
}

static void
test_an_unknown_minion(void **state)
{
    static const char *const unknown[] = {"web", "web11", "%", ""};
    apv_snapshot *snapshot = open_snapshot();
    char endless[1000];
    apv_err err;

    (void)state;
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(revision_at(snapshot, unknown[i], now, INFINITY, &err), 0);
    memset(endless, 'x', sizeof endless - 1);
    endless[sizeof endless - 1] = '\0';
    assert_int_equal(revision_at(snapshot, endless, now, INFINITY, &err), 0);
    apv_snapshot_close(&snapshot);
}

static void
test_too_old(void **state)
{
    apv_snapshot *snapshot = open_snapshot();
    apv_err err;

    (void)state;
    assert_int_equal(revision_at(snapshot, "web1", now + 60, 60, &err), 1);
    apv_snapshot_close(&snapshot);
    assert_fails("web1", now + 60.1, 60, APV_ERR_UNAVAILABLE);
    /* The clock went back, or it was written by one that ran ahead. */
    assert_fails("web1", now - 1000, 60, APV_ERR_UNAVAILABLE);
    /* Neither is a minion unknown. */
    assert_fails("web", now + 60.1, 60, APV_ERR_UNAVAILABLE);
}

static void
test_what_there_is(void **state)
{
    apv_snapshot *snapshot = open_snapshot();
    apv_snapshot_info info;
    size_t minions, documents;
    apv_err err = APV_ERR_NONE;

    (void)state;
    assert_true(apv_snapshot_inspect(snapshot, &info, &err));
    assert_int_equal(info.generation, 5);
    assert_int_equal(info.minions, 2);
    assert_int_equal(info.xmin, 7);
    assert_true(info.size_bytes > 0);
    assert_true(apv_snapshot_verify(snapshot, &minions, &documents, &err));
    assert_int_equal(minions, 2);
    assert_int_equal(documents, 4);
    apv_snapshot_close(&snapshot);
}

static void
test_there_is_none(void **state)
{
    apv_snapshot *snapshot = NULL;
    apv_err err = APV_ERR_NONE;

    (void)state;
    assert_true(apv_snapshot_new("/nowhere/at/all", &snapshot, &err));
    assert_int_equal(revision_at(snapshot, "web1", now, INFINITY, &err), -1);
    assert_int_equal(err.code, APV_ERR_INVALID);
    apv_snapshot_close(&snapshot);
    assert_false(apv_snapshot_new("", &snapshot, &err));
}

static void
test_readers_follow_to_the_next_generation(void **state)
{
    apv_snapshot *snapshot = open_snapshot();
    apv_snapshot_info info;
    apv_err err;

    (void)state;
    assert_int_equal(revision_at(snapshot, "web1", now, INFINITY, &err), 1);
    write_generation(6, false);
    assert_true(apv_generation_switch(path, 6, &err));
    /* Not told, it looks by itself when the old one is no longer refreshed. */
    assert_int_equal(revision_at(snapshot, "web1", now + 4, INFINITY, &err), 1);
    assert_int_equal(snapshot->current.number, 5);
    assert_int_equal(revision_at(snapshot, "web1", now + 6, INFINITY, &err), 1);
    assert_int_equal(snapshot->current.number, 6);
    apv_generation_remove_others(path, 6);
    assert_true(apv_snapshot_inspect(snapshot, &info, &err));
    apv_snapshot_close(&snapshot);
}

static void
test_readers_are_told_of_the_next_generation(void **state)
{
    apv_snapshot *snapshot = open_snapshot(), *writer = open_snapshot();
    apv_err err;

    (void)state;
    assert_int_equal(revision_at(snapshot, "web1", now, INFINITY, &err), 1);
    /* In one process only one may have it open, so another marks it. */
    write_generation(6, false);
    assert_true(apv_generation_switch(path, 6, &err));
    pid_t child = fork();
    if (child == 0) {
        apv_snapshot_head head;
        MDB_txn *txn = NULL;
        apv_generation old = {.store = NULL};
        bool ok = apv_generation_open(path, 5, true, true, &old, &err) &&
                  apv_store_begin(old.store, true, &txn, &err) &&
                  apv_generation_head(&old, txn, &head, &err);
        head.retired = true;
        ok = ok && apv_generation_put_head(&old, txn, &head, &err) &&
             apv_store_commit(old.store, &txn, &err);
        apv_generation_close(&old);
        _exit(!ok);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(revision_at(snapshot, "web1", now, INFINITY, &err), 1);
    assert_int_equal(snapshot->current.number, 6);
    apv_snapshot_close(&writer);
    apv_snapshot_close(&snapshot);
}

static void
test_a_child_process_opens_it_itself(void **state)
{
    apv_snapshot *snapshot = open_snapshot();
    apv_err err;
    int status;

    (void)state;
    assert_int_equal(revision_at(snapshot, "web1", now, INFINITY, &err), 1);
    pid_t child = fork();
    if (child == 0) {
        bool ok = revision_at(snapshot, "web1", now, INFINITY, &err) == 1;
        apv_snapshot_close(&snapshot);
        support_end_child(ok);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(revision_at(snapshot, "web2", now, INFINITY, &err), 1);
    apv_snapshot_close(&snapshot);
}

/* Puts bytes under a key of a table past all seals. */
static void
put_raw(bool in_head, const char *key, const void *bytes, size_t size)
{
    apv_generation generation = {.store = NULL};
    apv_err err = APV_ERR_NONE;
    MDB_txn *txn = NULL;
    MDB_val name = {strlen(key), (void *)key}, value = {size, (void *)bytes};

    assert_true(apv_generation_open(path, 5, true, true, &generation, &err));
    assert_true(apv_store_begin(generation.store, true, &txn, &err));
    assert_int_equal(
        mdb_put(txn, in_head ? generation.head : generation.documents, &name, &value, 0), 0);
    assert_true(apv_store_commit(generation.store, &txn, &err));
    apv_generation_close(&generation);
}

/* The same with a seal. */
static void
put_sealed(bool in_head, const char *key, apv_span bytes)
{
    apv_generation generation = {.store = NULL};
    apv_err err = APV_ERR_NONE;
    MDB_txn *txn = NULL;

    assert_true(apv_generation_open(path, 5, true, true, &generation, &err));
    assert_true(apv_store_begin(generation.store, true, &txn, &err));
    assert_true(apv_store_put(txn, in_head ? generation.head : generation.documents,
                              apv_span_of(key), bytes, 0, &err));
    assert_true(apv_store_commit(generation.store, &txn, &err));
    apv_generation_close(&generation);
}

static void
assert_unsound(void)
{
    apv_snapshot *snapshot = open_snapshot();
    size_t minions, documents;
    apv_err err = APV_ERR_NONE;

    assert_false(apv_snapshot_verify(snapshot, &minions, &documents, &err));
    assert_int_equal(err.code, APV_ERR_DAMAGED);
    apv_snapshot_close(&snapshot);
}

static void
test_a_damaged_value(void **state)
{
    apv_buf other = value_of("web2");
    apv_snapshot *snapshot;
    apv_err err;

    (void)state;
    put_raw(false, "web1", "abcdefgh", 8);
    assert_fails("web1", now, INFINITY, APV_ERR_DAMAGED);
    put_raw(false, "web1", "", 0);
    assert_fails("web1", now, INFINITY, APV_ERR_DAMAGED);
    snapshot = open_snapshot();
    assert_int_equal(revision_at(snapshot, "web2", now, INFINITY, &err), 1);
    apv_snapshot_close(&snapshot);
    assert_unsound();
    /* Another minion's documents do not match their digest. */
    put_sealed(false, "web1", (apv_span){other.data, other.size});
    assert_unsound();
    apv_buf_free(&other);
}

static void
test_values_of_no_sense(void **state)
{
    static const apv_span values[] = {
        APV_WORD("\xC0"),
        APV_WORD("\x91\x90"),
        APV_WORD("\x91\xC0"),
        APV_WORD("\x91\x95\x01\x01\x01\x01\x90"),
        APV_WORD("\xDD\xFF\xFF\xFF\xFF"),
        APV_WORD("\x90"), /* a document of it could not be used when it was built */
        APV_WORD(""),
    };
    (void)state;
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        put_sealed(false, "web1", values[i]);
        assert_fails("web1", now, INFINITY, APV_ERR_DAMAGED);
    }
}

static void
test_an_item_from_the_future(void **state)
{
    static const apv_item unknown[] = {
        {APV_WORD("kernel"), APV_WORD("x"), APV_WORD("version"), APV_WORD("1")}};
    apv_buf value = APV_BUF_EMPTY;
    apv_err err = APV_ERR_NONE;

    (void)state;
    assert_true(apv_snapshot_value_start(&value, &err));
    append(&value, "web1", INT64_MIN, 3, unknown, 1);
    apv_snapshot_value_end(&value, 1);
    put_sealed(false, "web1", (apv_span){value.data, value.size});
    assert_fails("web1", now, INFINITY, APV_ERR_PROTOCOL);
    assert_int_equal(apv_snapshot_value_revision((apv_span){value.data, value.size}), 3);
    apv_buf_free(&value);
}

static void
test_another_format(void **state)
{
    apv_snapshot *snapshot = open_snapshot();
    apv_err err;

    (void)state;
    put_sealed(true, "head",
               (apv_span)APV_WORD("\x81\xA6"
                                  "format\x02"));
    assert_int_equal(revision_at(snapshot, "web1", now, INFINITY, &err), -1);
    assert_int_equal(err.code, APV_ERR_INVALID);
    assert_non_null(strstr(err.message, "format 2"));
    apv_snapshot_close(&snapshot);
}

static void
test_a_damaged_head(void **state)
{
    (void)state;
    put_sealed(true, "head",
               (apv_span)APV_WORD("\x81\xA6"
                                  "format\x01"));
    assert_fails("web1", now, INFINITY, APV_ERR_DAMAGED);
    put_sealed(true, "head", (apv_span)APV_WORD("\x80"));
    assert_fails("web1", now, INFINITY, APV_ERR_DAMAGED);
    put_raw(true, "head", "abcdefgh", 8);
    assert_fails("web1", now, INFINITY, APV_ERR_DAMAGED);
}

static void
test_a_damaged_file(void **state)
{
    char file[96], zeros[8192] = {0};

    (void)state;
    snprintf(file, sizeof file, "%s/generation.5/data.mdb", path);
    int fd = open(file, O_WRONLY);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, zeros, sizeof zeros, 0), sizeof zeros);
    close(fd);
    assert_fails("web1", now, INFINITY, APV_ERR_DAMAGED);
}

static void
test_a_directory_for_others(void **state)
{
    (void)state;
    assert_int_equal(chmod(path, 0750), 0);
    assert_fails("web1", now, INFINITY, APV_ERR_INVALID);
    assert_int_equal(chmod(path, 0702), 0);
    assert_fails("web1", now, INFINITY, APV_ERR_INVALID);
    assert_int_equal(chmod(path, 0700), 0);
}

static void
test_no_memory(void **state)
{
    (void)state;
    bool failed = true;
    for (size_t count = 0; failed; count++) {
        apv_snapshot *snapshot = NULL;
        apv_document *document = NULL;
        apv_err err = APV_ERR_NONE;
        failing_alloc_after(count);
        bool ok = apv_snapshot_new(path, &snapshot, &err) &&
                  apv_snapshot_read(snapshot, apv_span_of("web1"), now, INFINITY, &document, &err);
        failed = failing_alloc_stop();
        if (failed && !ok)
            assert_int_equal(err.code, APV_ERR_MEMORY);
        apv_document_free(&document);
        apv_snapshot_close(&snapshot);
    }
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, make_snapshot, remove_snapshot)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_change_is_true_from_its_time_on),
        TEST(test_an_unknown_minion),
        TEST(test_too_old),
        TEST(test_what_there_is),
        TEST(test_there_is_none),
        TEST(test_readers_follow_to_the_next_generation),
        TEST(test_readers_are_told_of_the_next_generation),
        TEST(test_a_child_process_opens_it_itself),
        TEST(test_a_damaged_value),
        TEST(test_values_of_no_sense),
        TEST(test_an_item_from_the_future),
        TEST(test_another_format),
        TEST(test_a_damaged_head),
        TEST(test_a_damaged_file),
        TEST(test_a_directory_for_others),
        TEST(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
