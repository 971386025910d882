/* test_hosts.c - libpq's comma-separated lists. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "hosts.h"

static void
assert_item(const char *list, size_t index, const char *expected)
{
    apv_span item = apv_list_peek(list, index);
    if (expected == NULL) {
        assert_null(item.data);
        return;
    }
    assert_int_equal(item.size, strlen(expected));
    assert_memory_equal(item.data, expected, item.size);
}

static void
test_peek(void **state)
{
    (void)state;
    assert_int_equal(apv_list_count(""), 1);
    assert_int_equal(apv_list_count("a,,b"), 3);
    assert_item("", 0, "");
    assert_item("", 1, NULL);
    assert_item("a,,b", 0, "a");
    assert_item("a,,b", 1, "");
    assert_item("a,,b", 2, "b");
    assert_item("a,,b", 3, NULL);
}

static void
assert_without(const char *list, size_t index, const char *expected)
{
    char *rest = apv_list_without(list, index);
    assert_string_equal(rest, expected);
    free(rest);
}

static void
test_without(void **state)
{
    (void)state;
    assert_without("a,b,c", 0, "b,c");
    assert_without("a,b,c", 1, "a,c");
    assert_without("a,b,c", 2, "a,b");
    assert_without(",b", 0, "b");
    assert_without("a,", 1, "a");
    assert_without("a", 0, "");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_peek),
        cmocka_unit_test(test_without),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
