/* test_copy.c - what COPY ... (FORMAT binary) sends, in pieces of any size. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "failing_alloc.h"
#include "wire_private.h"

#define HEADER "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0"
#define ROWS                                                                                       \
    "\0\2\0\0\0\1a\377\377\377\377"                                                                \
    "\0\2\0\0\0\0\0\0\0\2bc"
#define TRAILER "\377\377"

static const char stream[] = HEADER ROWS TRAILER;
#define STREAM_SIZE (sizeof stream - 1)

struct seen {
    size_t rows;
    bool refuse;
};

static bool
see(void *arg, const apv_span *columns, size_t count, apv_err *err)
{
    struct seen *seen = arg;

    if (seen->refuse)
        return apv_fail(err, APV_ERR_LIMIT, "enough");
    assert_int_equal(count, 2);
    if (seen->rows++ == 0) {
        assert_true(apv_span_is(columns[0], "a"));
        assert_null(columns[1].data);
    } else {
        assert_non_null(columns[0].data);
        assert_int_equal(columns[0].size, 0);
        assert_true(apv_span_is(columns[1], "bc"));
    }
    return true;
}

static void
test_pieces_of_any_size(void **state)
{
    (void)state;
    for (size_t piece = 1; piece <= STREAM_SIZE; piece++) {
        apv_copy copy = {.started = false};
        struct seen seen = {0};
        apv_err err = APV_ERR_NONE;
        for (size_t at = 0; at < STREAM_SIZE; at += piece) {
            size_t size = STREAM_SIZE - at < piece ? STREAM_SIZE - at : piece;
            /* A copy of its own, so that a read beyond its end is found. */
            char *bytes = malloc(size);
            memcpy(bytes, stream + at, size);
            assert_true(apv_copy_feed(&copy, (apv_span){bytes, size}, see, &seen, &err));
            free(bytes);
        }
        assert_true(copy.ended);
        assert_int_equal(seen.rows, 2);
        apv_copy_free(&copy);
    }
}

static void
test_malformed(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t size;
    } cases[] = {
        {"PGCOPX\n\377\r\n\0\0\0\0\0\0\0\0\0", 19}, /* another signature */
        {"PGCOPY\n\377\r\n\0\0\1\0\0\0\0\0\0", 19}, /* flags */
        {"PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\1", 19}, /* an extension */
        {HEADER "\0\21", 21},                       /* too many columns */
        {HEADER "\0\1\200\0\0\0", 25},              /* a negative size */
        {HEADER TRAILER "\0\0", 23},                /* something behind the end */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        apv_copy copy = {.started = false};
        struct seen seen = {0};
        apv_err err = APV_ERR_NONE;
        assert_false(
            apv_copy_feed(&copy, (apv_span){cases[i].bytes, cases[i].size}, see, &seen, &err));
        assert_int_equal(err.code, APV_ERR_PROTOCOL);
        apv_copy_free(&copy);
    }
}

static void
test_a_row_that_is_refused(void **state)
{
    apv_copy copy = {.started = false};
    struct seen seen = {.refuse = true};
    apv_err err = APV_ERR_NONE;

    (void)state;
    assert_false(apv_copy_feed(&copy, (apv_span){stream, STREAM_SIZE}, see, &seen, &err));
    assert_int_equal(err.code, APV_ERR_LIMIT);
    apv_copy_free(&copy);
}

static void
test_no_memory(void **state)
{
    apv_copy copy = {.started = false};
    struct seen seen = {0};
    apv_err err = APV_ERR_NONE;

    (void)state;
    failing_alloc_after(0);
    assert_false(apv_copy_feed(&copy, (apv_span){stream, 5}, see, &seen, &err));
    assert_true(failing_alloc_stop());
    assert_int_equal(err.code, APV_ERR_MEMORY);
    apv_copy_free(&copy);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pieces_of_any_size),
        cmocka_unit_test(test_malformed),
        cmocka_unit_test(test_a_row_that_is_refused),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
