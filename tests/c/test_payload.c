/* test_payload.c - stored payloads: whole, or refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "apv_payload.h"

static void
round_trip(const char *content, size_t size)
{
    apv_err err = APV_ERR_NONE;
    char *frame = NULL, *data = NULL;
    size_t frame_size = 0, data_size = 0;

    assert_true(apv_payload_compress((apv_span){content, size}, &frame, &frame_size, &err));
    apv_span packed = {frame, frame_size};
    assert_true(apv_payload_decompress(packed, size, &data, &data_size, &err));
    assert_int_equal(data_size, size);
    assert_memory_equal(data, content, size);
    free(data);
    data = NULL;
    if (size > 0) {
        assert_false(apv_payload_decompress(packed, size - 1, &data, &data_size, &err));
        assert_int_equal(err.code, APV_ERR_LIMIT);
        assert_null(data);
    }
    free(frame);
}

static void
test_round_trip(void **state)
{
    (void)state;
    static char large[3 << 20];

    for (size_t i = 0; i < sizeof large; i++)
        large[i] = (char)(i * i >> 7);
    round_trip("", 0);
    round_trip("\0", 1);
    round_trip("hello", 5);
    round_trip(large, sizeof large);
}

static void
assert_refused(apv_span frame)
{
    apv_err err = APV_ERR_NONE;
    char *data = NULL;
    size_t size = 42;

    assert_false(apv_payload_decompress(frame, 1 << 20, &data, &size, &err));
    assert_true(err.code == APV_ERR_INVALID || err.code == APV_ERR_LIMIT);
    assert_null(data);
    assert_int_equal(size, 42);
}

/* A changed bit is found, unless what it says is the same: a repetition may also be
 * taken from further back. */
static void
assert_not_served(apv_span frame, const char *content)
{
    apv_err err = APV_ERR_NONE;
    char *data = NULL;
    size_t size = 0;

    if (apv_payload_decompress(frame, 1 << 20, &data, &size, &err)) {
        assert_int_equal(size, strlen(content));
        assert_memory_equal(data, content, size);
    }
    free(data);
}

static void
test_damaged(void **state)
{
    (void)state;
    static const char content[] = "hello hello hello hello hello";
    apv_err err = APV_ERR_NONE;
    char *frame = NULL;
    size_t size = 0;

    assert_true(apv_payload_compress((apv_span){content, strlen(content)}, &frame, &size, &err));
    for (size_t cut = 0; cut < size; cut++)
        assert_refused((apv_span){frame, cut});
    for (size_t i = 0; i < size * 8; i++) {
        frame[i / 8] = (char)(frame[i / 8] ^ 1 << i % 8);
        assert_not_served((apv_span){frame, size}, content);
        frame[i / 8] = (char)(frame[i / 8] ^ 1 << i % 8);
    }
    free(frame);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_damaged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
