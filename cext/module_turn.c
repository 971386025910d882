/* module_turn.c - threads that take turns at a handle. */
#include "module_turn.h"

#include <time.h>

#define NS_PER_S INT64_C(1000000000)

void
module_turn_init(module_turn *turn)
{
    pthread_condattr_t attributes;

    /* On Linux none of these fails with these arguments. */
    pthread_mutex_init(&turn->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&turn->freed, &attributes);
    pthread_condattr_destroy(&attributes);
    turn->busy = false;
}

void
module_turn_destroy(module_turn *turn)
{
    pthread_cond_destroy(&turn->freed);
    pthread_mutex_destroy(&turn->lock);
}

static struct timespec
later(int64_t ms)
{
    struct timespec at;

    clock_gettime(CLOCK_MONOTONIC, &at);
    int64_t ns = (int64_t)at.tv_sec * NS_PER_S + at.tv_nsec + ms * (NS_PER_S / 1000);
    return (struct timespec){(time_t)(ns / NS_PER_S), (long)(ns % NS_PER_S)};
}

bool
module_turn_take(module_turn *turn, int64_t limit_ms, const char *what, apv_err *err)
{
    bool taken = false;
    int status = 0;

    pthread_mutex_lock(&turn->lock);
    bool own = turn->busy && pthread_equal(turn->owner, pthread_self());
    if (turn->busy && !own) {
        const struct timespec end = later(limit_ms);
        while (turn->busy && status == 0)
            status = pthread_cond_timedwait(&turn->freed, &turn->lock, &end);
    }
    if (own) {
        apv_fail(err, APV_ERR_BUSY, "%s is in use by the call that this signal handler interrupts",
                 what);
    } else if (turn->busy) {
        apv_fail(err, APV_ERR_BUSY, "other calls had %s for %lld ms", what, (long long)limit_ms);
    } else {
        turn->owner = pthread_self();
        taken = turn->busy = true;
    }
    pthread_mutex_unlock(&turn->lock);
    return taken;
}

void
module_turn_give(module_turn *turn)
{
    pthread_mutex_lock(&turn->lock);
    turn->busy = false;
    pthread_cond_signal(&turn->freed);
    pthread_mutex_unlock(&turn->lock);
}
