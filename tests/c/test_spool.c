/* test_spool.c - the spool: its order, what is set aside, full, damaged, several processes. */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "failing_alloc.h"
#include "spool_private.h"
#include "support.h"

#define BOUND ((size_t)4 << 20)
#define ALL ((size_t)1 << 30)

static apv_spool *
open_spool(void)
{
    const apv_spool_options options = {support_directory, BOUND, 0};
    apv_err err = APV_ERR_NONE;
    apv_spool *spool = NULL;
    if (!apv_spool_open(&options, &spool, &err))
        fail_msg("%s", err.message);
    return spool;
}

static apv_spool_entry
entry_of(apv_spool_kind kind, const char *jid, const char *payload)
{
    return (apv_spool_entry){.kind = kind,
                             .accepted_us = 1700000000000000,
                             .jid = apv_span_of(jid),
                             .payload = apv_span_of(payload)};
}

static uint64_t
put(apv_spool *spool, apv_spool_kind kind, const char *jid, const char *payload)
{
    apv_err err = APV_ERR_NONE;
    apv_spool_entry entry = entry_of(kind, jid, payload);
    uint64_t seq = 0;
    if (!apv_spool_put(spool, &entry, 1, &seq, &err))
        fail_msg("%s", err.message);
    return seq;
}

static apv_spool_batch *
read_all(apv_spool *spool, bool aside)
{
    apv_err err = APV_ERR_NONE;
    apv_spool_batch *batch = NULL;
    if (!apv_spool_read(spool, aside, 0, SIZE_MAX, ALL, &batch, &err))
        fail_msg("%s", err.message);
    return batch;
}

static void
assert_entry(const apv_spool_entry *entry, uint64_t seq, apv_spool_kind kind, const char *jid,
             const char *payload)
{
    assert_int_equal(entry->seq, seq);
    assert_int_equal(entry->kind, kind);
    assert_int_equal(entry->accepted_us, 1700000000000000);
    assert_true(apv_span_is(entry->jid, jid));
    assert_true(apv_span_is(entry->payload, payload));
}

static void
remove_seqs(apv_spool *spool, const uint64_t *seqs, size_t count)
{
    apv_err err = APV_ERR_NONE;
    if (!apv_spool_remove(spool, seqs, count, &err))
        fail_msg("%s", err.message);
}

static apv_spool_info
inspect(apv_spool *spool)
{
    apv_err err = APV_ERR_NONE;
    apv_spool_info info = {0};
    if (!apv_spool_inspect(spool, &info, &err))
        fail_msg("%s", err.message);
    return info;
}

static void
test_order(void **state)
{
    (void)state;
    apv_spool *spool = open_spool();
    assert_int_equal(put(spool, APV_SPOOL_LOAD, "20", "load"), 1);
    assert_int_equal(put(spool, APV_SPOOL_RETURN, "10", ""), 2);
    assert_int_equal(put(spool, APV_SPOOL_EVENTS, "", "events"), 3);
    apv_spool_close(&spool);
    assert_null(spool);

    spool = open_spool();
    apv_spool_batch *batch = read_all(spool, false);
    assert_int_equal(batch->count, 3);
    assert_entry(&batch->entries[0], 1, APV_SPOOL_LOAD, "20", "load");
    assert_entry(&batch->entries[1], 2, APV_SPOOL_RETURN, "10", "");
    assert_entry(&batch->entries[2], 3, APV_SPOOL_EVENTS, "", "events");
    assert_null(batch->entries[0].reason.data);
    apv_spool_batch_free(&batch);
    assert_null(batch);

    /* What is emptied does not begin anew: a number is never given twice. */
    remove_seqs(spool, (const uint64_t[]){3, 1, 2, 9}, 4);
    apv_spool_close(&spool);
    spool = open_spool();
    batch = read_all(spool, false);
    assert_int_equal(batch->count, 0);
    apv_spool_batch_free(&batch);
    assert_int_equal(put(spool, APV_SPOOL_LOAD, "20", "load"), 4);
    apv_spool_close(&spool);
}

static void
test_read_in_parts(void **state)
{
    (void)state;
    apv_err err = APV_ERR_NONE;
    apv_spool *spool = open_spool();
    apv_spool_batch *batch = NULL;
    for (size_t i = 0; i < 5; i++)
        put(spool, APV_SPOOL_RETURN, "1", "0123456789");

    assert_true(apv_spool_read(spool, false, 2, 2, ALL, &batch, &err));
    assert_int_equal(batch->count, 2);
    assert_int_equal(batch->entries[0].seq, 2);
    apv_spool_batch_free(&batch);
    /* One is always given, however large. */
    assert_true(apv_spool_read(spool, false, 3, 5, 1, &batch, &err));
    assert_int_equal(batch->count, 1);
    assert_int_equal(batch->entries[0].seq, 3);
    apv_spool_batch_free(&batch);
    assert_true(apv_spool_read(spool, false, 6, 5, ALL, &batch, &err));
    assert_int_equal(batch->count, 0);
    apv_spool_batch_free(&batch);
    apv_spool_close(&spool);
}

static size_t
count_found(apv_spool *spool, apv_span jid, apv_spool_kind kind)
{
    apv_err err = APV_ERR_NONE;
    apv_spool_batch *batch = NULL;
    assert_true(apv_spool_find(spool, jid, kind, &batch, &err));
    size_t count = batch->count;
    for (size_t i = 0; i < count; i++) {
        assert_true(jid.data == NULL || apv_span_equal(batch->entries[i].jid, jid));
        assert_true(kind == APV_SPOOL_DAMAGED || batch->entries[i].kind == kind);
        assert_true(i == 0 || jid.data == NULL ||
                    batch->entries[i - 1].seq < batch->entries[i].seq);
    }
    apv_spool_batch_free(&batch);
    return count;
}

static bool
has(apv_spool *spool, apv_span jid)
{
    apv_err err = APV_ERR_NONE;
    bool found = false;
    assert_true(apv_spool_has(spool, jid, &found, &err));
    return found;
}

static void
test_jobs(void **state)
{
    (void)state;
    apv_err err = APV_ERR_NONE;
    apv_spool *spool = open_spool();
    /* A jid is whatever a minion says. */
    const apv_span odd = {"2\0\0\0\0\0\0\0\0\1", 10};
    apv_spool_entry entry = entry_of(APV_SPOOL_RETURN, "", "odd");
    uint64_t seq;
    entry.jid = odd;
    assert_true(apv_spool_put(spool, &entry, 1, &seq, &err));
    put(spool, APV_SPOOL_LOAD, "2", "load");
    put(spool, APV_SPOOL_RETURN, "2", "return");
    put(spool, APV_SPOOL_RETURN, "2", "return");
    put(spool, APV_SPOOL_LOAD, "20", "load");
    put(spool, APV_SPOOL_EVENTS, "", "events");

    assert_int_equal(count_found(spool, apv_span_of("2"), APV_SPOOL_DAMAGED), 3);
    assert_int_equal(count_found(spool, apv_span_of("2"), APV_SPOOL_RETURN), 2);
    assert_int_equal(count_found(spool, apv_span_of("20"), APV_SPOOL_DAMAGED), 1);
    assert_int_equal(count_found(spool, odd, APV_SPOOL_DAMAGED), 1);
    assert_int_equal(count_found(spool, apv_span_of("3"), APV_SPOOL_DAMAGED), 0);
    assert_int_equal(count_found(spool, APV_NO_SPAN, APV_SPOOL_DAMAGED), 5);
    assert_int_equal(count_found(spool, APV_NO_SPAN, APV_SPOOL_LOAD), 2);
    assert_true(has(spool, apv_span_of("2")));
    assert_false(has(spool, apv_span_of("")));

    remove_seqs(spool, (const uint64_t[]){2, 3, 4}, 3);
    assert_false(has(spool, apv_span_of("2")));
    assert_true(has(spool, odd));
    apv_spool_info info = inspect(spool);
    assert_int_equal(info.entries, 3);
    assert_int_equal(info.kinds[APV_SPOOL_LOAD], 1);
    assert_int_equal(info.kinds[APV_SPOOL_RETURN], 1);
    assert_int_equal(info.kinds[APV_SPOOL_EVENTS], 1);
    assert_int_equal(info.oldest_seq, 1);
    assert_int_equal(info.oldest_us, 1700000000000000);
    apv_spool_close(&spool);
}

static void
test_refused(void **state)
{
    (void)state;
    char long_jid[APV_SPOOL_JID_MAX + 2] = {0};
    apv_spool *spool = open_spool();
    uint64_t seq = 7;
    memset(long_jid, '1', sizeof long_jid - 1);
    const apv_spool_entry bad[] = {entry_of(APV_SPOOL_DAMAGED, "1", ""),
                                   entry_of((apv_spool_kind)6, "1", ""),
                                   entry_of(APV_SPOOL_LOAD, long_jid, "")};
    const apv_code codes[] = {APV_ERR_INVALID, APV_ERR_INVALID, APV_ERR_LIMIT};

    for (size_t i = 0; i < 3; i++) {
        const apv_spool_entry pair[] = {entry_of(APV_SPOOL_LOAD, "1", ""), bad[i]};
        apv_err err = APV_ERR_NONE;
        assert_false(apv_spool_put(spool, pair, 2, &seq, &err));
        assert_int_equal(err.code, codes[i]);
    }
    apv_err err = APV_ERR_NONE;
    assert_false(apv_spool_put(spool, bad, 0, &seq, &err));
    assert_int_equal(err.code, APV_ERR_INVALID);
    assert_int_equal(seq, 7);
    assert_int_equal(inspect(spool).entries, 0);
    apv_spool_close(&spool);

    const apv_spool_options small = {support_directory, APV_SPOOL_BOUND_MIN - 1, 0};
    err = (apv_err)APV_ERR_NONE;
    assert_false(apv_spool_open(&small, &spool, &err));
    assert_int_equal(err.code, APV_ERR_INVALID);

    /* Returns hold what minions say: nobody else may read them. */
    const apv_spool_options options = {support_directory, BOUND, 0};
    chmod(support_directory, 0750);
    err = (apv_err)APV_ERR_NONE;
    assert_false(apv_spool_open(&options, &spool, &err));
    assert_int_equal(err.code, APV_ERR_INVALID);
    chmod(support_directory, 0700);
}

static void
test_aside(void **state)
{
    (void)state;
    apv_err err = APV_ERR_NONE;
    apv_spool *spool = open_spool();
    bool found = false;
    uint64_t seq = 9;
    put(spool, APV_SPOOL_RETURN, "1", "poison");
    put(spool, APV_SPOOL_RETURN, "1", "behind it");

    assert_true(apv_spool_set_aside(spool, 1, apv_span_of("no such minion"), 42, &found, &err));
    assert_true(found);
    assert_true(apv_spool_set_aside(spool, 1, apv_span_of("again"), 42, &found, &err));
    assert_false(found);
    apv_spool_batch *batch = read_all(spool, true);
    assert_int_equal(batch->count, 1);
    assert_entry(&batch->entries[0], 1, APV_SPOOL_RETURN, "1", "poison");
    assert_true(apv_span_is(batch->entries[0].reason, "no such minion"));
    assert_int_equal(batch->entries[0].aside_us, 42);
    apv_spool_batch_free(&batch);
    assert_int_equal(count_found(spool, apv_span_of("1"), APV_SPOOL_DAMAGED), 1);
    assert_int_equal(inspect(spool).aside, 1);

    assert_true(apv_spool_retry(spool, 1, &seq, &err));
    assert_int_equal(seq, 3);
    batch = read_all(spool, false);
    assert_int_equal(batch->count, 2);
    assert_entry(&batch->entries[1], 3, APV_SPOOL_RETURN, "1", "poison");
    apv_spool_batch_free(&batch);
    assert_true(apv_spool_retry(spool, 1, &seq, &err));
    assert_int_equal(seq, 0);

    assert_true(apv_spool_set_aside(spool, 3, apv_span_of(""), 42, &found, &err));
    assert_true(apv_spool_remove_aside(spool, 2, &found, &err));
    assert_false(found);
    assert_true(apv_spool_remove_aside(spool, 3, &found, &err));
    assert_true(found);
    assert_int_equal(inspect(spool).aside, 0);
    assert_int_equal(inspect(spool).entries, 1);
    apv_spool_close(&spool);
}

/* Events go first, then a put is refused; what is there can be removed, and all goes on. */
static void
test_full(void **state)
{
    (void)state;
    static char payload[20000];
    const uint64_t extra[] = {3};
    apv_spool *spool = open_spool();
    apv_spool_entry entry = entry_of(APV_SPOOL_EVENTS, "", "");
    uint64_t seq = 0, last = 0;
    memset(payload, 'x', sizeof payload);
    entry.payload = (apv_span){payload, sizeof payload};

    for (int kind = APV_SPOOL_EVENTS; kind >= APV_SPOOL_RETURN; kind -= 3) {
        apv_err err = APV_ERR_NONE;
        entry.kind = (apv_spool_kind)kind;
        entry.jid = apv_span_of(kind == APV_SPOOL_RETURN ? "1" : "");
        uint64_t before = last;
        while (apv_spool_put(spool, &entry, 1, &seq, &err))
            last = seq;
        assert_int_equal(err.code, APV_ERR_FULL);
        assert_true(last > before + 10);
        assert_int_equal(inspect(spool).entries, last);
    }
    assert_true(inspect(spool).used_bytes > BOUND / 4 * 3);
    assert_true(inspect(spool).used_bytes < BOUND);

    apv_err err = APV_ERR_NONE;
    bool found;
    assert_true(apv_spool_count_dropped(spool, 5, &err));
    assert_true(apv_spool_count_dropped(spool, 2, &err));
    assert_int_equal(inspect(spool).dropped_events, 7);
    assert_true(apv_spool_set_aside(spool, 2, apv_span_of("why"), 1, &found, &err));
    remove_seqs(spool, extra, 1);
    /* What was removed is used again only once no reader can need it. */
    for (uint64_t each = 4; each <= last; each++)
        remove_seqs(spool, &each, 1);
    assert_int_equal(inspect(spool).entries, 1);
    while (apv_spool_put(spool, &entry, 1, &seq, &err))
        last = seq;
    assert_int_equal(err.code, APV_ERR_FULL);
    assert_true(inspect(spool).used_bytes > BOUND / 4 * 3);
    apv_spool_close(&spool);
}

/* A file that may not grow: the put fails whole, and the next one works once there is room. */
static void
test_disk_full(void **state)
{
    (void)state;
    int status;
    apv_spool *spool = open_spool();
    put(spool, APV_SPOOL_RETURN, "1", "before");
    apv_spool_close(&spool);
    pid_t child = fork();
    if (child == 0) {
        static char payload[1 << 20];
        char path[96];
        snprintf(path, sizeof path, "%s/data.mdb", support_directory);
        spool = open_spool();
        apv_spool_entry entry = entry_of(APV_SPOOL_RETURN, "1", "");
        entry.payload = (apv_span){payload, sizeof payload};
        /* Writing into /dev/full fails as on a full disk. */
        int fd = -1, full = open("/dev/full", O_RDWR), kept = -1;
        for (int number = 3; number < 64 && fd < 0; number++) {
            char name[64], target[128];
            snprintf(name, sizeof name, "/proc/self/fd/%d", number);
            ssize_t size = readlink(name, target, sizeof target - 1);
            if (size <= 0)
                continue;
            target[size] = '\0';
            if (strcmp(target, path) == 0) {
                fd = number;
                kept = dup(fd);
                dup2(full, fd);
            }
        }
        apv_err err = APV_ERR_NONE;
        uint64_t seq;
        bool stored = apv_spool_put(spool, &entry, 1, &seq, &err);
        if (fd < 0 || kept < 0 || stored || err.code != APV_ERR_FULL)
            _exit(1);
        err = (apv_err)APV_ERR_NONE;
        stored = apv_spool_put(spool, &entry, 1, &seq, &err);
        apv_spool_close(&spool);
        _exit(stored && seq == 2 ? 0 : 2);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    spool = open_spool();
    assert_int_equal(inspect(spool).entries, 2);
    apv_spool_close(&spool);
}

/* Flips a bit of `text` wherever it stands in the data file. */
static void
damage(const char *text)
{
    char path[96];
    snprintf(path, sizeof path, "%s/data.mdb", support_directory);
    FILE *file = fopen(path, "r+b");
    assert_non_null(file);
    static char content[1 << 20];
    size_t size = fread(content, 1, sizeof content, file), length = strlen(text), hits = 0;
    for (size_t i = 0; i + length <= size; i++) {
        if (memcmp(content + i, text, length) != 0)
            continue;
        fseek(file, (long)i, SEEK_SET);
        fputc(text[0] ^ 1, file);
        hits++;
    }
    assert_true(hits > 0);
    fclose(file);
}

static void
test_damaged(void **state)
{
    (void)state;
    apv_err err = APV_ERR_NONE;
    apv_spool *spool = open_spool();
    bool found;
    uint64_t seq;
    put(spool, APV_SPOOL_RETURN, "1", "first");
    put(spool, APV_SPOOL_RETURN, "1", "second");
    put(spool, APV_SPOOL_RETURN, "1", "third");
    apv_spool_close(&spool);
    damage("second");

    spool = open_spool();
    apv_spool_batch *batch = read_all(spool, false);
    assert_int_equal(batch->count, 3);
    assert_entry(&batch->entries[0], 1, APV_SPOOL_RETURN, "1", "first");
    assert_int_equal(batch->entries[1].kind, APV_SPOOL_DAMAGED);
    assert_int_equal(batch->entries[1].seq, 2);
    assert_int_equal(batch->entries[1].jid.size, 0);
    apv_spool_batch_free(&batch);
    assert_int_equal(count_found(spool, apv_span_of("1"), APV_SPOOL_DAMAGED), 2);

    assert_true(apv_spool_set_aside(spool, 2, apv_span_of("damaged"), 1, &found, &err));
    batch = read_all(spool, true);
    assert_int_equal(batch->count, 1);
    assert_int_equal(batch->entries[0].kind, APV_SPOOL_DAMAGED);
    assert_true(apv_span_is(batch->entries[0].reason, "damaged"));
    assert_true(batch->entries[0].payload.size > 6);
    apv_spool_batch_free(&batch);
    assert_false(apv_spool_retry(spool, 2, &seq, &err));
    assert_int_equal(err.code, APV_ERR_INVALID);
    remove_seqs(spool, (const uint64_t[]){1, 3}, 2);
    assert_false(has(spool, apv_span_of("1")));

    /* So that the link of a damaged entry goes as well if it is simply removed. */
    put(spool, APV_SPOOL_LOAD, "1", "fourth");
    apv_spool_close(&spool);
    damage("fourth");
    spool = open_spool();
    remove_seqs(spool, (const uint64_t[]){4}, 1);
    assert_false(has(spool, apv_span_of("1")));
    apv_spool_close(&spool);
    damage("damaged");
    spool = open_spool();
    batch = read_all(spool, true);
    assert_int_equal(batch->entries[0].kind, APV_SPOOL_DAMAGED);
    assert_int_equal(batch->entries[0].reason.size, 0);
    apv_spool_batch_free(&batch);
    apv_spool_close(&spool);
}

static void
test_fork(void **state)
{
    (void)state;
    int status;
    apv_spool *spool = open_spool();
    put(spool, APV_SPOOL_RETURN, "1", "the parent's");
    pid_t child = fork();
    if (child == 0) {
        apv_err err = APV_ERR_NONE;
        apv_spool_entry entry = entry_of(APV_SPOOL_RETURN, "1", "x");
        uint64_t seq;
        bool used = apv_spool_put(spool, &entry, 1, &seq, &err);
        bool forked = err.code == APV_ERR_FORKED;
        apv_spool_close(&spool);
        spool = open_spool();
        put(spool, APV_SPOOL_RETURN, "1", "the child's");
        apv_spool_close(&spool);
        support_end_child(!used && forked);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    put(spool, APV_SPOOL_RETURN, "1", "the parent's");
    assert_int_equal(inspect(spool).entries, 3);
    apv_spool_close(&spool);
}

/* Writers in two processes and one that takes out: each entry comes out once, and those of
 * a writer in their order. */
static void
test_two_writers(void **state)
{
    (void)state;
    enum { EACH = 100 };
    pid_t children[2];
    int status;
    size_t seen[2] = {0};

    for (size_t i = 0; i < 2; i++) {
        children[i] = fork();
        if (children[i] == 0) {
            apv_spool *own = open_spool();
            for (size_t n = 0; n < EACH; n++) {
                char payload[16];
                snprintf(payload, sizeof payload, "%zu", n);
                put(own, APV_SPOOL_RETURN, i == 0 ? "0" : "1", payload);
            }
            apv_spool_close(&own);
            _exit(0);
        }
    }
    apv_spool *spool = open_spool();
    while (seen[0] + seen[1] < (size_t)2 * EACH) {
        apv_err err = APV_ERR_NONE;
        apv_spool_batch *batch = NULL;
        uint64_t seqs[7];
        assert_true(apv_spool_read(spool, false, 0, 7, ALL, &batch, &err));
        for (size_t i = 0; i < batch->count; i++) {
            size_t writer = apv_span_is(batch->entries[i].jid, "1");
            char payload[16];
            snprintf(payload, sizeof payload, "%zu", seen[writer]++);
            assert_true(apv_span_is(batch->entries[i].payload, payload));
            seqs[i] = batch->entries[i].seq;
        }
        remove_seqs(spool, seqs, batch->count);
        if (batch->count == 0)
            nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
        apv_spool_batch_free(&batch);
    }
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        assert_int_equal(status, 0);
    }
    assert_int_equal(inspect(spool).entries, 0);
    assert_int_equal(put(spool, APV_SPOOL_RETURN, "1", ""), 2 * EACH + 1);
    apv_spool_close(&spool);
}

/* One of each operation; false if memory ran out. What was put is there or isn't. */
static bool
use(void)
{
    const apv_spool_options options = {support_directory, BOUND, 0};
    apv_err err = APV_ERR_NONE;
    apv_spool *spool = NULL;
    apv_spool_batch *batch = NULL;
    apv_spool_info info;
    apv_spool_entry entries[2] = {entry_of(APV_SPOOL_LOAD, "1", "load"),
                                  entry_of(APV_SPOOL_RETURN, "1", "return")};
    uint64_t seq = 0, seq_new = 0;
    bool found = false, ok = false;

    if (!apv_spool_open(&options, &spool, &err) || !apv_spool_put(spool, entries, 2, &seq, &err) ||
        !apv_spool_set_aside(spool, seq, apv_span_of("why"), 1, &found, &err) ||
        !apv_spool_read(spool, false, 0, 9, ALL, &batch, &err))
        goto done;
    apv_spool_batch_free(&batch);
    if (!apv_spool_retry(spool, seq, &seq_new, &err) ||
        !apv_spool_find(spool, apv_span_of("1"), APV_SPOOL_LOAD, &batch, &err) ||
        !apv_spool_inspect(spool, &info, &err) ||
        !apv_spool_remove(spool, (const uint64_t[]){seq + 1, seq_new}, 2, &err))
        goto done;
    assert_int_equal(batch->count, 1);
    ok = true;

done:
    if (!ok)
        assert_int_equal(err.code, APV_ERR_MEMORY);
    apv_spool_batch_free(&batch);
    apv_spool_close(&spool);
    return ok;
}

static void
test_memory(void **state)
{
    bool failed = true;

    for (size_t n = 0; failed; n++) {
        failing_alloc_after(n);
        bool ok = use();
        failed = failing_alloc_stop();
        assert_true(ok != failed);
        assert_int_equal(support_directory_remove(state), 0);
        assert_int_equal(support_directory_make(state), 0);
    }
}

/* A child that is stopped in the middle of a write; the spool is there already. */
static pid_t
stop_writing(void)
{
    pid_t child = fork();
    int status;

    if (child == 0) {
        apv_spool *own = open_spool();
        apv_err err = APV_ERR_NONE;
        MDB_txn *txn = NULL;
        if (apv_spool_begin(own, true, &txn, &err))
            raise(SIGSTOP);
        _exit(1);
    }
    assert_int_equal(waitpid(child, &status, WUNTRACED), child);
    assert_true(WIFSTOPPED(status));
    return child;
}

static bool
count_questions(void *arg)
{
    size_t *count = arg;
    return ++*count == 3;
}

static void
test_a_stopped_writer(void **state)
{
    (void)state;
    const apv_spool_options options = {support_directory, BOUND, 200};
    const apv_spool_entry entry = entry_of(APV_SPOOL_LOAD, "1", "p");
    apv_spool *spool = open_spool();
    size_t questions = 0;
    uint64_t seq = 0;
    bool has = true;

    apv_spool_close(&spool);
    pid_t child = stop_writing();
    apv_err err = APV_ERR_NONE;
    assert_true(apv_spool_open(&options, &spool, &err));
    assert_true(apv_spool_has(spool, apv_span_of("1"), &has, &err));
    assert_false(has);
    assert_false(apv_spool_put(spool, &entry, 1, &seq, &err));
    assert_int_equal(err.code, APV_ERR_BUSY);
    assert_string_equal(err.message,
                        "the store cannot be written: another process has been writing "
                        "for 200 ms (is it stopped?)");
    apv_spool_on_signal(spool, count_questions, &questions);
    err = (apv_err)APV_ERR_NONE;
    assert_false(apv_spool_put(spool, &entry, 1, &seq, &err));
    assert_int_equal(err.code, APV_ERR_BUSY);
    assert_int_equal(questions, 3);

    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, NULL, 0), child);
    err = (apv_err)APV_ERR_NONE;
    assert_true(apv_spool_put(spool, &entry, 1, &seq, &err));
    assert_int_equal(seq, 1);
    apv_spool_close(&spool);
}

static void
test_found_in_parts(void **state)
{
    (void)state;
    apv_spool *spool = open_spool();
    apv_spool_batch *batch = NULL;
    apv_err err = APV_ERR_NONE;
    char jid[16] = "";
    uint64_t found = 0;

    for (size_t i = 0; i < 10; i++) {
        char name[2] = {(char)('a' + i / 3), '\0'};
        put(spool, i % 4 == 3 ? APV_SPOOL_RETURN : APV_SPOOL_LOAD, name, "p");
    }
    apv_spool_entry last = {.jid = apv_span_of("")};
    do {
        apv_spool_batch_free(&batch);
        assert_true(
            apv_spool_find_next(spool, APV_NO_SPAN, APV_SPOOL_LOAD, &last, 3, ALL, &batch, &err));
        assert_true(batch->count <= 3);
        for (size_t i = 0; i < batch->count; i++) {
            assert_int_equal(batch->entries[i].kind, APV_SPOOL_LOAD);
            assert_true(batch->entries[i].seq > last.seq);
            last.seq = batch->entries[i].seq;
            memcpy(jid, batch->entries[i].jid.data, batch->entries[i].jid.size);
            last.jid = (apv_span){jid, batch->entries[i].jid.size};
            found++;
        }
    } while (batch->count > 0);
    apv_spool_batch_free(&batch);
    assert_int_equal(found, 8);
    last.jid = (apv_span){jid, 256};
    assert_false(
        apv_spool_find_next(spool, APV_NO_SPAN, APV_SPOOL_LOAD, &last, 3, ALL, &batch, &err));
    assert_int_equal(err.code, APV_ERR_LIMIT);
    apv_spool_close(&spool);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name)                                                                                 \
    cmocka_unit_test_setup_teardown(name, support_directory_make, support_directory_remove)
        TEST(test_order),          TEST(test_read_in_parts), TEST(test_jobs),
        TEST(test_refused),        TEST(test_aside),         TEST(test_full),
        TEST(test_disk_full),      TEST(test_damaged),       TEST(test_fork),
        TEST(test_two_writers),    TEST(test_memory),        TEST(test_a_stopped_writer),
        TEST(test_found_in_parts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
