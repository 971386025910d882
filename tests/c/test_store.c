/* test_store.c - LMDB environments: who may open them, what is found damaged, and when full. */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "failing_alloc.h"
#include "store_private.h"
#include "support.h"

#define BOUND ((size_t)1 << 20)

static apv_store *
open_store(bool write)
{
    const apv_store_options options = {support_directory, BOUND, 4, write, false, 0};
    apv_err err = APV_ERR_NONE;
    apv_store *store = NULL;
    assert_true(apv_store_open(&options, &store, &err));
    return store;
}

static void
put(apv_store *store, MDB_dbi table, const char *key, const char *value)
{
    apv_err err = APV_ERR_NONE;
    MDB_txn *txn = NULL;
    assert_true(apv_store_begin(store, true, &txn, &err));
    assert_true(apv_store_put(txn, table, apv_span_of(key), apv_span_of(value), 0, &err));
    assert_true(apv_store_commit(store, &txn, &err));
    assert_null(txn);
}

static void
assert_kept(apv_store *store, MDB_dbi table, const char *key, const char *value)
{
    apv_err err = APV_ERR_NONE;
    MDB_txn *txn = NULL;
    apv_span found = {"untouched", 9};
    assert_true(apv_store_begin(store, false, &txn, &err));
    assert_true(apv_store_get(txn, table, apv_span_of(key), &found, &err));
    if (value == NULL) {
        assert_null(found.data);
    } else {
        assert_int_equal(found.size, strlen(value));
        assert_memory_equal(found.data, value, found.size);
    }
    apv_store_abort(&txn);
    assert_null(txn);
}

static MDB_dbi
table_of(apv_store *store)
{
    apv_err err = APV_ERR_NONE;
    MDB_dbi table = 0;
    assert_true(apv_store_table(store, "things", 0, &table, &err));
    return table;
}

static void
test_kept(void **state)
{
    (void)state;
    apv_store *store = open_store(true);
    MDB_dbi table = table_of(store);
    put(store, table, "a", "one");
    put(store, table, "b", "");
    apv_store_close(&store);
    assert_null(store);

    store = open_store(false);
    table = table_of(store);
    assert_kept(store, table, "a", "one");
    assert_kept(store, table, "b", "");
    assert_kept(store, table, "c", NULL);
    apv_store_close(&store);
}

static void
test_kept_in_a_hurry(void **state)
{
    (void)state;
    const apv_store_options options = {support_directory, BOUND, 4, true, true, 0};
    apv_err err = APV_ERR_NONE;
    apv_store *store = NULL, *reader;

    assert_true(apv_store_open(&options, &store, &err));
    MDB_dbi table = table_of(store);
    assert_true(apv_store_hurry(store, &err));
    put(store, table, "a", "one");
    apv_store_close(&store);
    reader = open_store(false);
    assert_kept(reader, table_of(reader), "a", "one");
    apv_store_close(&reader);
}

static void
test_forgotten_when_aborted(void **state)
{
    (void)state;
    apv_err err = APV_ERR_NONE;
    MDB_txn *txn = NULL;
    apv_store *store = open_store(true);
    MDB_dbi table = table_of(store);
    assert_true(apv_store_begin(store, true, &txn, &err));
    assert_true(apv_store_put(txn, table, apv_span_of("a"), apv_span_of("one"), 0, &err));
    apv_store_abort(&txn);
    assert_kept(store, table, "a", NULL);
    apv_store_close(&store);
}

/* Writes raw bytes under a key, as damage would. */
static void
spoil(apv_store *store, MDB_dbi table, const char *key, const char *bytes, size_t size)
{
    apv_err err = APV_ERR_NONE;
    MDB_txn *txn = NULL;
    MDB_val name = {strlen(key), (void *)key}, value = {size, (void *)bytes};
    assert_true(apv_store_begin(store, true, &txn, &err));
    assert_int_equal(mdb_put(txn, table, &name, &value, 0), 0);
    assert_true(apv_store_commit(store, &txn, &err));
}

static void
assert_damaged(apv_store *store, MDB_dbi table, const char *key)
{
    apv_err err = APV_ERR_NONE;
    MDB_txn *txn = NULL;
    apv_span found = {"untouched", 9};
    assert_true(apv_store_begin(store, false, &txn, &err));
    assert_false(apv_store_get(txn, table, apv_span_of(key), &found, &err));
    assert_int_equal(err.code, APV_ERR_DAMAGED);
    assert_int_equal(found.size, 9);
    apv_store_abort(&txn);
}

static void
test_damage_is_found(void **state)
{
    (void)state;
    apv_err err = APV_ERR_NONE;
    MDB_txn *txn = NULL;
    apv_store *store = open_store(true);
    MDB_dbi table = table_of(store);
    MDB_val name = {1, (void *)"a"}, sealed;
    char copy[16];

    put(store, table, "a", "one");
    assert_true(apv_store_begin(store, false, &txn, &err));
    assert_int_equal(mdb_get(txn, table, &name, &sealed), 0);
    size_t size = sealed.mv_size;
    memcpy(copy, sealed.mv_data, size);
    apv_store_abort(&txn);

    for (size_t bit = 0; bit < size * 8; bit++) {
        copy[bit / 8] = (char)(copy[bit / 8] ^ 1 << bit % 8);
        spoil(store, table, "a", copy, size);
        assert_damaged(store, table, "a");
        copy[bit / 8] = (char)(copy[bit / 8] ^ 1 << bit % 8);
    }
    /* A value that stands under another's key is damage, too. */
    spoil(store, table, "b", copy, size);
    assert_damaged(store, table, "b");
    for (size_t cut = 0; cut < size; cut++) {
        spoil(store, table, "a", copy, cut);
        assert_damaged(store, table, "a");
    }
    spoil(store, table, "a", copy, size);
    assert_kept(store, table, "a", "one");
    apv_store_close(&store);
}

static void
test_full(void **state)
{
    (void)state;
    static const char large[1 << 16];
    apv_err err = APV_ERR_NONE;
    MDB_txn *txn = NULL;
    apv_store *store = open_store(true);
    MDB_dbi table = table_of(store);
    bool ok = true;

    put(store, table, "a", "one");
    assert_true(apv_store_begin(store, true, &txn, &err));
    for (uint32_t i = 0; ok && i < 64; i++)
        ok = apv_store_put(txn, table, (apv_span){(const char *)&i, sizeof i},
                           (apv_span){large, sizeof large}, 0, &err);
    assert_false(ok);
    assert_int_equal(err.code, APV_ERR_FULL);
    apv_store_abort(&txn);
    assert_kept(store, table, "a", "one");
    put(store, table, "b", "two");
    apv_store_close(&store);
}

static void
assert_refused(const char *path, bool write, apv_code code)
{
    const apv_store_options options = {path, BOUND, 4, write, true, 0};
    apv_err err = APV_ERR_NONE;
    apv_store *store = NULL;
    assert_false(apv_store_open(&options, &store, &err));
    assert_int_equal(err.code, code);
    assert_null(store);
}

static void
test_refused_directories(void **state)
{
    (void)state;
    char path[96];

    snprintf(path, sizeof path, "%s/missing/below", support_directory);
    assert_refused(path, false, APV_ERR_INVALID);
    assert_refused(path, true, APV_ERR_INVALID);
    assert_refused(support_directory, false, APV_ERR_INVALID); /* nothing in it yet */
    unlink(strcat(strcpy(path, support_directory), "/lock.mdb"));
    assert_int_equal(chmod(support_directory, 0710), 0);
    assert_refused(support_directory, true, APV_ERR_INVALID);
    assert_int_equal(chmod(support_directory, 0700), 0);
}

static void
test_refused_file(void **state)
{
    (void)state;
    static const char noise[8192] = "this is no environment of LMDB";
    char path[96];

    strcat(strcpy(path, support_directory), "/data.mdb");
    int file = open(path, O_CREAT | O_WRONLY, 0600);
    assert_int_equal(write(file, noise, sizeof noise), sizeof noise);
    close(file);
    assert_refused(support_directory, true, APV_ERR_DAMAGED);
    assert_refused(path, false, APV_ERR_INVALID);
}

/* Without room for its pages, the first to write to the table of readers would get SIGBUS. */
static void
test_readers_have_room(void **state)
{
    (void)state;
    char path[96];
    struct stat now;
    struct rlimit kept, none;
    const apv_store_options options = {support_directory, BOUND, 4, true, false, 0};
    apv_err err = APV_ERR_NONE;
    apv_store *store = NULL;

    assert_int_equal(getrlimit(RLIMIT_FSIZE, &kept), 0);
    none = (struct rlimit){4096, kept.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
    assert_ptr_not_equal(signal(SIGXFSZ, SIG_IGN), SIG_ERR);
    assert_false(apv_store_open(&options, &store, &err));
    assert_int_equal(err.code, APV_ERR_FULL);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &kept), 0);

    for (int i = 0; i < 2; i++) {
        store = open_store(i == 0);
        apv_store_close(&store);
        snprintf(path, sizeof path, "%s/lock.mdb", support_directory);
        assert_int_equal(stat(path, &now), 0);
        assert_true(now.st_blocks * 512 >= now.st_size);
    }
}

static void
test_reader_cannot_write(void **state)
{
    (void)state;
    apv_err err = APV_ERR_NONE;
    MDB_txn *txn = NULL;
    MDB_dbi table = 0;
    apv_store *store = open_store(true);
    table_of(store);
    apv_store_close(&store);
    store = open_store(false);
    assert_false(apv_store_begin(store, true, &txn, &err));
    assert_int_equal(err.code, APV_ERR_INVALID);
    err = (apv_err)APV_ERR_NONE;
    assert_false(apv_store_table(store, "other", 0, &table, &err));
    assert_int_equal(err.code, APV_ERR_INVALID);
    apv_store_close(&store);
}

/* A child may not use the parent's handle, and closing it there takes nothing from the parent. */
static void
test_fork(void **state)
{
    (void)state;
    apv_err err = APV_ERR_NONE;
    MDB_txn *txn = NULL;
    int status;
    apv_store *store = open_store(true);
    MDB_dbi table = table_of(store);

    put(store, table, "a", "one");
    assert_true(apv_store_begin(store, false, &txn, &err));
    pid_t child = fork();
    if (child == 0) {
        MDB_txn *own = NULL;
        bool used = apv_store_begin(store, false, &own, &err);
        bool forked = err.code == APV_ERR_FORKED && apv_store_forked(store);
        apv_store_close(&store);
        support_end_child(!used && forked);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    apv_store_abort(&txn);
    assert_kept(store, table, "a", "one");
    put(store, table, "b", "two");
    apv_store_close(&store);
}

static void
test_memory(void **state)
{
    (void)state;
    const apv_store_options options = {support_directory, BOUND, 4, true, false, 0};
    bool failed = true;

    for (size_t n = 0; failed; n++) {
        apv_err err = APV_ERR_NONE;
        apv_store *store = NULL;
        failing_alloc_after(n);
        bool ok = apv_store_open(&options, &store, &err);
        failed = failing_alloc_stop();
        assert_true(ok != failed);
        if (failed)
            assert_int_equal(err.code, APV_ERR_MEMORY);
        apv_store_close(&store);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_kept, support_directory_make,
                                        support_directory_remove),
        cmocka_unit_test_setup_teardown(test_kept_in_a_hurry, support_directory_make,
                                        support_directory_remove),
        cmocka_unit_test_setup_teardown(test_forgotten_when_aborted, support_directory_make,
                                        support_directory_remove),
        cmocka_unit_test_setup_teardown(test_damage_is_found, support_directory_make,
                                        support_directory_remove),
        cmocka_unit_test_setup_teardown(test_full, support_directory_make,
                                        support_directory_remove),
        cmocka_unit_test_setup_teardown(test_refused_directories, support_directory_make,
                                        support_directory_remove),
        cmocka_unit_test_setup_teardown(test_refused_file, support_directory_make,
                                        support_directory_remove),
        cmocka_unit_test_setup_teardown(test_readers_have_room, support_directory_make,
                                        support_directory_remove),
        cmocka_unit_test_setup_teardown(test_reader_cannot_write, support_directory_make,
                                        support_directory_remove),
        cmocka_unit_test_setup_teardown(test_fork, support_directory_make,
                                        support_directory_remove),
        cmocka_unit_test_setup_teardown(test_memory, support_directory_make,
                                        support_directory_remove),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
