/* test_err.c - the setter of errors. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "text.h"

static void
test_sets_code_and_message(void **state)
{
    apv_err err = APV_ERR_NONE;

    (void)state;
    assert_false(apv_fail(&err, APV_ERR_LIMIT, "more than %d of %s", 3, "them"));
    assert_int_equal(err.code, APV_ERR_LIMIT);
    assert_string_equal(err.message, "more than 3 of them");
    assert_string_equal(err.sqlstate, "");
}

static void
test_first_error_wins(void **state)
{
    apv_err err = APV_ERR_NONE;

    (void)state;
    assert_false(apv_fail(&err, APV_ERR_MEMORY, "first"));
    assert_false(apv_fail(&err, APV_ERR_INVALID, "second"));
    assert_int_equal(err.code, APV_ERR_MEMORY);
    assert_string_equal(err.message, "first");
}

static void
test_truncates_and_terminates(void **state)
{
    apv_err err = APV_ERR_NONE;
    char text[1000];

    (void)state;
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    assert_false(apv_fail(&err, APV_ERR_INVALID, "%s", text));
    assert_int_equal(strlen(err.message), sizeof err.message - 1);
}

static void
test_truncates_between_characters(void **state)
{
    static const char *const characters[] = {"\xC3\xA9", "\xE2\x82\xAC", "\xF0\x9F\x98\x80"};

    (void)state;
    for (size_t i = 0; i < sizeof characters / sizeof *characters; i++)
        for (size_t before = 0; before < 4; before++) {
            size_t size = strlen(characters[i]), room = sizeof((apv_err *)0)->message - 1;
            apv_err err = APV_ERR_NONE;
            char text[2000];
            size_t end = before;
            memset(text, 'x', before);
            for (; end + size < sizeof text; end += size)
                memcpy(text + end, characters[i], size);
            text[end] = '\0';
            assert_false(apv_fail(&err, APV_ERR_INVALID, "%s", text));
            assert_true(apv_utf8_valid(err.message, strlen(err.message)));
            assert_int_equal(strlen(err.message), before + (room - before) / size * size);
        }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sets_code_and_message),
        cmocka_unit_test(test_first_error_wins),
        cmocka_unit_test(test_truncates_and_terminates),
        cmocka_unit_test(test_truncates_between_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
