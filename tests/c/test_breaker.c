/* test_breaker.c - how often a database that is away is asked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "apv_base.h"
#include "breaker_private.h"

#define MS INT64_C(1000000)

static const apv_err away = {APV_ERR_UNAVAILABLE, "", "it cannot be reached"};
static const apv_err late = {APV_ERR_TIMEOUT, "", "it did not answer"};

static void
assert_refused(apv_breaker *breaker, int64_t now_ns, const char *text)
{
    apv_err err = APV_ERR_NONE;

    assert_false(apv_breaker_ask(breaker, now_ns, &err));
    assert_int_equal(err.code, APV_ERR_UNAVAILABLE);
    if (text != NULL)
        assert_string_equal(err.message, text);
}

static void
assert_let_through(apv_breaker *breaker, int64_t now_ns)
{
    apv_err err = APV_ERR_NONE;

    assert_true(apv_breaker_ask(breaker, now_ns, &err));
    assert_int_equal(err.code, APV_OK);
}

static void
test_closed_lets_all_through(void **state)
{
    apv_breaker breaker = {0};

    (void)state;
    for (int64_t now = 0; now < 5; now++) {
        assert_let_through(&breaker, now);
        apv_breaker_tell(&breaker, now, NULL);
    }
    assert_let_through(&breaker, 5);
    assert_let_through(&breaker, 5);
}

static void
test_one_probe_each_interval(void **state)
{
    apv_breaker breaker = {0};
    int64_t now = 1000 * MS, interval = 100 * MS;

    (void)state;
    apv_breaker_tell(&breaker, now, &away);
    for (int i = 0; i < 8; i++) {
        assert_refused(&breaker, now, NULL);
        assert_refused(&breaker, now + interval - 1, NULL);
        now += interval;
        assert_let_through(&breaker, now);
        assert_refused(&breaker, now + 10000 * MS, NULL); /* while the probe is out */
        apv_breaker_tell(&breaker, now, i % 2 == 0 ? &late : &away);
        interval = interval * 2 > 900 * MS ? 900 * MS : interval * 2;
    }
}

static void
test_says_since_when_and_until_when(void **state)
{
    apv_breaker breaker = {0};

    (void)state;
    apv_breaker_tell(&breaker, 5000 * MS, &away);
    assert_refused(&breaker, 5000 * MS,
                   "it cannot be reached (so for 0.0 s; tried again in 0.1 s)");
    assert_let_through(&breaker, 7000 * MS);
    assert_refused(&breaker, 7000 * MS,
                   "it cannot be reached (so for 2.0 s; being tried again now)");
    apv_breaker_tell(&breaker, 8000 * MS, &late);
    assert_refused(&breaker, 8000 * MS, "it did not answer (so for 3.0 s; tried again in 0.2 s)");
}

static void
test_an_answer_closes(void **state)
{
    apv_breaker breaker = {0};

    (void)state;
    apv_breaker_tell(&breaker, 0, &away);
    assert_let_through(&breaker, 100 * MS);
    apv_breaker_tell(&breaker, 100 * MS, NULL);
    assert_let_through(&breaker, 100 * MS);
    assert_let_through(&breaker, 100 * MS);
    /* The next outage starts over. */
    apv_breaker_tell(&breaker, 100 * MS, &away);
    assert_refused(&breaker, 200 * MS - 1, NULL);
    assert_let_through(&breaker, 200 * MS);
}

static void
test_calls_that_were_out_already(void **state)
{
    apv_breaker breaker = {0};

    (void)state;
    /* Two that fail one behind the other are no two probes. */
    apv_breaker_tell(&breaker, 0, &away);
    apv_breaker_tell(&breaker, 1 * MS, &away);
    assert_refused(&breaker, 101 * MS - 1, NULL);
    assert_let_through(&breaker, 101 * MS);
}

static void
test_a_probe_that_was_given_up(void **state)
{
    apv_breaker breaker = {0};

    (void)state;
    apv_breaker_tell(&breaker, 0, &away);
    assert_let_through(&breaker, 100 * MS);
    apv_breaker_forget(&breaker);
    assert_let_through(&breaker, 100 * MS);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_closed_lets_all_through),
        cmocka_unit_test(test_one_probe_each_interval),
        cmocka_unit_test(test_says_since_when_and_until_when),
        cmocka_unit_test(test_an_answer_closes),
        cmocka_unit_test(test_calls_that_were_out_already),
        cmocka_unit_test(test_a_probe_that_was_given_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
