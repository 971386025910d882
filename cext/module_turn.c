/* module_turn.c - calls that take turns at a few places, of several threads. */
#include "module_turn.h"

#include "apv_base.h"

#include <errno.h>
#include <time.h>

#define NS_PER_S INT64_C(1000000000)
#define NS_PER_MS INT64_C(1000000)
#define ASK_NS (100 * NS_PER_MS) /* how often a call that waits asks the signal handlers */

/* A call that waits, on its thread's stack. A condition variable alone has no line: it wakes in any
 * order, and a later call can be quicker, so that some would wait for seconds. */
struct module_waiter {
    struct module_waiter *next;
    pthread_cond_t turn;
    bool asks; /* the signal handlers: meanwhile those behind it go first */
};

void
module_turn_init(module_turn *turn, size_t count, const char *what, apv_code busy)
{
    *turn = (module_turn){.what = what, .busy = busy, .count = count};
    /* On Linux none of these fails with these arguments. */
    pthread_mutex_init(&turn->lock, NULL);
    pthread_condattr_init(&turn->clock);
    pthread_condattr_setclock(&turn->clock, CLOCK_MONOTONIC);
}

void
module_turn_destroy(module_turn *turn)
{
    pthread_condattr_destroy(&turn->clock);
    pthread_mutex_destroy(&turn->lock);
}

static int64_t
now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * NS_PER_S + now.tv_nsec;
}

/* The first place that is free, or count. */
static size_t
free_place_locked(const module_turn *turn)
{
    size_t i = 0;

    while (i < turn->count && turn->places[i].taken)
        i++;
    return i;
}

/* The first that waits and is there to take a place, or NULL. */
static struct module_waiter *
first_locked(const module_turn *turn)
{
    struct module_waiter *waiter = turn->first;

    while (waiter != NULL && waiter->asks)
        waiter = waiter->next;
    return waiter;
}

/* Wakes the first that waits if it can go on; while the database is away all, who are told so. */
static void
wake_locked(module_turn *turn)
{
    struct module_waiter *waiter = first_locked(turn);

    if (turn->breaker.open)
        for (waiter = turn->first; waiter != NULL; waiter = waiter->next)
            pthread_cond_signal(&waiter->turn);
    else if (waiter != NULL && free_place_locked(turn) < turn->count)
        pthread_cond_signal(&waiter->turn);
}

/* Whether this thread has all places: a wait for one would have no end. */
static bool
own_all_locked(const module_turn *turn)
{
    size_t i = 0;

    while (i < turn->count && turn->places[i].taken &&
           pthread_equal(turn->places[i].owner, pthread_self()))
        i++;
    return i == turn->count;
}

/* Puts the waiter at the end of the line. */
static void
join_locked(module_turn *turn, struct module_waiter *waiter)
{
    struct module_waiter **link = &turn->first;

    pthread_cond_init(&waiter->turn, &turn->clock);
    while (*link != NULL)
        link = &(*link)->next;
    *link = waiter;
}

static void
leave_locked(module_turn *turn, struct module_waiter *waiter)
{
    struct module_waiter **link = &turn->first;

    while (*link != waiter)
        link = &(*link)->next;
    *link = waiter->next;
    pthread_cond_destroy(&waiter->turn);
}

/* Waits until it may be this one's turn, end_ns comes, or the signal handlers are to be asked.
 * Returns whether one of them raised. */
static bool
wait_locked(module_turn *turn, struct module_waiter *waiter, int64_t end_ns, module_gil *gil)
{
    int64_t until_ns = now_ns() + ASK_NS;
    bool interrupted = false;

    if (until_ns > end_ns)
        until_ns = end_ns;
    const struct timespec until = {(time_t)(until_ns / NS_PER_S), (long)(until_ns % NS_PER_S)};
    if (pthread_cond_timedwait(&waiter->turn, &turn->lock, &until) == ETIMEDOUT) {
        /* A handler may call, and take a place itself. */
        waiter->asks = true;
        wake_locked(turn);
        pthread_mutex_unlock(&turn->lock);
        interrupted = module_gil_interrupted(gil);
        pthread_mutex_lock(&turn->lock);
        waiter->asks = false;
    }
    return interrupted;
}

/* The free place that this one may take, or count. */
static size_t
place_for_locked(const module_turn *turn, const struct module_waiter *waiter)
{
    return first_locked(turn) == waiter ? free_place_locked(turn) : turn->count;
}

/* Waits in the line for a free place, for limit_ms at most. Returns its number, or count.
 * interrupted: whether a signal handler raised. own: whether this thread has all places. */
static size_t
wait_for_place_locked(module_turn *turn, int64_t limit_ms, module_gil *gil, bool *interrupted,
                      bool *own)
{
    const int64_t end_ns = now_ns() + limit_ms * NS_PER_MS;
    struct module_waiter waiter = {0};
    size_t free;

    join_locked(turn, &waiter);
    while ((free = place_for_locked(turn, &waiter)) == turn->count && !turn->breaker.open &&
           !(*own = own_all_locked(turn)) && !*interrupted && now_ns() < end_ns)
        *interrupted = wait_locked(turn, &waiter, end_ns, gil);
    leave_locked(turn, &waiter);
    return free;
}

/* Whether the breaker lets the call through. probe: as apv_breaker_ask. */
static bool
ask_locked(module_turn *turn, bool *probe)
{
    return !turn->breaker.open || apv_breaker_ask(&turn->breaker, now_ns(), probe);
}

/* Most calls find a place free and the breaker closed: for them the clock is not read. */
bool
module_turn_take(module_turn *turn, int64_t limit_ms, module_gil *gil, size_t *place, apv_err *err)
{
    bool interrupted = false, own = false, ok = false, probe = false;

    pthread_mutex_lock(&turn->lock);
    size_t free = place_for_locked(turn, NULL);
    if (free == turn->count)
        free = wait_for_place_locked(turn, limit_ms, gil, &interrupted, &own);
    if (interrupted) {
        apv_fail(err, turn->busy, "the wait for %s was interrupted", turn->what);
    } else if (free < turn->count && ask_locked(turn, &probe)) {
        turn->places[free] = (module_place){true, probe, pthread_self()};
        *place = free;
        ok = true;
    } else if (turn->breaker.open) {
        apv_breaker_refuse(&turn->breaker, now_ns(), err);
    } else if (own) {
        apv_fail(err, turn->busy, "%s is in use by the call that this signal handler interrupts",
                 turn->what);
    } else {
        apv_fail(err, turn->busy, "other calls had %s for %lld ms", turn->what,
                 (long long)limit_ms);
    }
    /* Several places may be free of which each woke the same one, or this one leaves the line. */
    wake_locked(turn);
    pthread_mutex_unlock(&turn->lock);
    return ok;
}

void
module_turn_give(module_turn *turn, size_t place, apv_lesson lesson, const apv_err *cause)
{
    module_place *given = &turn->places[place];
    const int64_t at_ns = lesson == APV_LESSON_AWAY ? now_ns() : 0;

    pthread_mutex_lock(&turn->lock);
    apv_breaker_tell(&turn->breaker, at_ns, given->probe, lesson, cause);
    given->taken = false;
    wake_locked(turn);
    pthread_mutex_unlock(&turn->lock);
}
