/* test_version.c - whether a version that was found is the one that was approved. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support.h"
#include "validate_private.h"

typedef struct {
    const char *approved, *version;
    bool fits, may_be;
} example;

static const example examples[] = {
    /* as written */
    {"1.0-1", "1.0-1", true, true},
    {"0:1.0-1", "1.0-1", true, true},
    {"1.0-1", "0:1.0-1", true, true},
    {"1.0-1", "1.0-2", false, false},
    {"latest", "1.0", true, false},
    {"latest", "", false, false},
    {"2.10*", "2.10-3", true, true},
    {"*", "", false, false},
    /* what could not be approved is not pinned */
    {"latest", "latest", false, false},
    {"latest", "--root=x", false, false},
    {"latest", "1.0 x", false, false},
    {"latest", "1.0\n", false, false},
    {"latest", "*", false, false},
    {"latest", ">=1", false, false},
    {"2.10*", "2.10*", false, false},
    {"2.10*", "2.10 --force", false, false},
    {"2.10*", "2.10\x7f", false, false},
    {"*3", "-3", false, false},
    {"1.0", "1.0-1 --force", false, false},
    {"1.0", "1.0-*", false, false},
    {"1.0", "1.0+a b", false, false},
    {"1*2", "1", false, false},
    /* rpm */
    {"9.11.4", "32:9.11.4-9.el7", false, true},
    {"32:9.11.4", "32:9.11.4-9.el7", false, true},
    {"9.11.4-9.el7", "32:9.11.4-9.el7", false, true},
    {"9.11.4", "9.11.4-9-9", false, false},
    {"0:9.11.4", "9.11.4-9", false, true},
    {"0:9.11.4", "32:9.11.4-9", false, false},
    {"31:9.11.4", "32:9.11.4-9", false, false},
    {"9.11.4-9", "32:9.11.4-9.el7", false, false},
    {"9.11.4", "x:9.11.4", false, false},
    {"9.11.4", ":9.11.4", false, false},
    {"9.11*", "32:9.11.4-9", false, true},
    {"32:9.11*", "32:9.11.4-9", true, true},
    {"0:9.11*", "9.11.4-9", false, true},
    {"0:9.11*", "32:9.11.4-9", false, false},
    /* NuGet */
    {"0.78", "0.78.0", false, true},
    {"1", "1.0.0.0", false, true},
    {"24.09", "24.9.0", false, true},
    {"000.1", "0.1", false, true},
    {"9.5.368.0", "9.5.368", false, true},
    {"1.0-Beta.01.x", "1.0.0-beta.1.X", false, true},
    {"1.0+a", "1.0.0+b", false, true},
    {"0.78", "0.78.1", false, false},
    {"1.0.0.0.0", "1.0.0.0", false, false},
    {"1.", "1", false, false},
    {".1", "0.1", false, false},
    {"1.0-beta", "1.0.0", false, false},
    {"1.0-beta", "1.0.0-beta.1", false, false},
    {"1.0-beta1", "1.0.0-beta01", false, false},
    {"", "1", false, false},
};

static void
test_examples(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof examples / sizeof *examples; i++) {
        apv_span approved = apv_span_of(examples[i].approved);
        apv_span version = apv_span_of(examples[i].version);
        if (apv_version_fits(approved, version) != examples[i].fits ||
            apv_version_may_be(approved, version) != examples[i].may_be)
            fail_msg("%s and %s", examples[i].approved, examples[i].version);
    }
}

static void
test_long_text_is_no_version(void **state)
{
    static char text[256];

    (void)state;
    memset(text, '1', sizeof text);
    for (size_t size = 255; size <= 256; size++) {
        apv_span version = {text, size};
        assert_int_equal(apv_version_fits(apv_span_of("1*"), version), size == 255);
        assert_int_equal(apv_version_fits(apv_span_of("latest"), version), size == 255);
        assert_int_equal(apv_version_may_be(version, version), size == 255);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_examples),
        cmocka_unit_test(test_long_text_is_no_version),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
