/* test_text.c - spans of text: order, search, case, UTF-8, hex digits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "text.h"

static void
test_compare(void **state)
{
    (void)state;
    /* In ascending order; bytes are not signed. */
    const apv_span texts[] = {APV_WORD(""),   APV_WORD("a"), APV_WORD("a\0"),
                              APV_WORD("ab"), APV_WORD("b"), APV_WORD("\xc3\xa4")};
    const int count = sizeof texts / sizeof *texts;

    for (int i = 0; i < count; i++)
        for (int j = 0; j < count; j++) {
            int order = apv_span_compare(texts[i], texts[j]);
            assert_int_equal((order > 0) - (order < 0), (i > j) - (i < j));
            assert_int_equal(apv_span_equal(texts[i], texts[j]), i == j);
        }
    assert_int_equal(apv_span_compare(APV_NO_SPAN, texts[0]), 0);
}

static void
test_find(void **state)
{
    (void)state;
    const apv_span text = APV_WORD("aab\0aac");

    assert_ptr_equal(apv_span_find(text, "aa"), text.data);
    assert_ptr_equal(apv_span_find(text, "ab"), text.data + 1);
    assert_ptr_equal(apv_span_find(text, "aac"), text.data + 4);
    assert_null(apv_span_find(text, "aad"));
    assert_null(apv_span_find((apv_span){text.data, 2}, "aab"));
    assert_null(apv_span_find(APV_NO_SPAN, "a"));
}

static void
test_starts_and_ends(void **state)
{
    (void)state;
    const apv_span text = APV_WORD("abc");

    assert_true(apv_span_starts(text, "ab") && apv_span_starts(text, "abc"));
    assert_false(apv_span_starts(text, "abcd") || apv_span_starts(APV_NO_SPAN, "a"));
    assert_true(apv_span_ends(text, "bc") && apv_span_ends(text, "abc"));
    assert_false(apv_span_ends(text, "xabc") || apv_span_ends(APV_NO_SPAN, "a"));
    assert_true(apv_span_is(text, "abc"));
    assert_false(apv_span_is(text, "ab"));
}

static void
test_case(void **state)
{
    (void)state;

    /* Only the letters of ASCII have a case. */
    for (int c = 0; c < 256; c++) {
        bool upper = c >= 'A' && c <= 'Z';
        assert_int_equal((unsigned char)apv_lower((char)c), upper ? c + 32 : c);
    }
    assert_true(apv_span_equal_fold(apv_span_of("Git-LFS"), apv_span_of("git-lfs")));
    assert_true(apv_span_equal_fold(APV_NO_SPAN, apv_span_of("")));
    assert_false(apv_span_equal_fold(apv_span_of("git"), apv_span_of("gitk")));
    assert_false(apv_span_equal_fold(apv_span_of("a["), apv_span_of("a{")));
    assert_false(apv_span_equal_fold(apv_span_of("\xc3\x84"), apv_span_of("\xc3\xa4")));
}

static void
test_utf8(void **state)
{
    (void)state;
    const char text[] = "a\xe2\x82\xac"; /* 1 and 3 bytes */

    assert_true(apv_utf8_valid(text, 4));
    for (size_t size = 2; size < 4; size++) {
        assert_false(apv_utf8_valid(text, size));
        assert_int_equal(apv_utf8_truncate(text, 4, size), 1);
        assert_int_equal(apv_utf8_whole(text, size), 1);
    }
    assert_int_equal(apv_utf8_truncate(text, 4, 4), 4);
    assert_int_equal(apv_utf8_whole(text, 4), 4);
    assert_int_equal(apv_utf8_whole(text, 0), 0);
}

static void
test_hex(void **state)
{
    (void)state;
    char hex[] = "......";

    apv_hex_write("\x00\xf9", 2, hex + 1);
    assert_string_equal(hex, ".00f9.");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_compare),
        cmocka_unit_test(test_find),
        cmocka_unit_test(test_starts_and_ends),
        cmocka_unit_test(test_case),
        cmocka_unit_test(test_utf8),
        cmocka_unit_test(test_hex),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
