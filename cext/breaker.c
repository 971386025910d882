/* breaker.c - how often a database that is away is asked. */
#include "breaker.h"

#define NS_PER_MS INT64_C(1000000)

static double
seconds(int64_t ns)
{
    return ns > 0 ? (double)ns / 1e9 : 0.0;
}

bool
apv_breaker_ask(apv_breaker *breaker, int64_t now_ns, bool *probe)
{
    if (breaker->open && (breaker->probing || now_ns < breaker->next_ns))
        return false;
    *probe = breaker->probing = breaker->open;
    return true;
}

bool
apv_breaker_refuse(const apv_breaker *breaker, int64_t now_ns, apv_err *err)
{
    /* No answer in time is nothing that this call waited for. */
    apv_code code =
        breaker->cause.code == APV_ERR_TIMEOUT ? APV_ERR_UNAVAILABLE : breaker->cause.code;
    if (breaker->probing)
        apv_fail(err, code, "%.160s (so for %.1f s; being tried again now)", breaker->cause.message,
                 seconds(now_ns - breaker->since_ns));
    else
        apv_fail(err, code, "%.160s (so for %.1f s; tried again in %.1f s)", breaker->cause.message,
                 seconds(now_ns - breaker->since_ns), seconds(breaker->next_ns - now_ns));
    memcpy(err->sqlstate, breaker->cause.sqlstate, sizeof err->sqlstate);
    return false;
}

/* The database was found away. */
static void
find_away(apv_breaker *breaker, int64_t now_ns, bool probe, const apv_err *cause)
{
    static const int64_t longest_ns = APV_BREAKER_LONGEST_MS * NS_PER_MS;

    if (!breaker->open) {
        breaker->open = true;
        breaker->since_ns = now_ns;
        breaker->interval_ns = APV_BREAKER_FIRST_MS * NS_PER_MS;
    } else if (probe) {
        breaker->interval_ns *= 2;
        if (breaker->interval_ns > longest_ns)
            breaker->interval_ns = longest_ns;
    }
    breaker->next_ns = now_ns + breaker->interval_ns;
    breaker->cause = *cause;
}

void
apv_breaker_tell(apv_breaker *breaker, int64_t now_ns, bool probe, apv_lesson lesson,
                 const apv_err *cause)
{
    if (probe)
        breaker->probing = false;
    if (lesson == APV_LESSON_AWAY)
        find_away(breaker, now_ns, probe, cause);
    else if (lesson == APV_LESSON_ANSWER || (lesson == APV_LESSON_SILENCE && probe))
        *breaker = (apv_breaker){.open = false};
}
