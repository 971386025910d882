/* breaker.h - how often a database that is away is asked.
 *
 * A breaker is closed while calls get through. The first one that finds the database away
 * opens it; from then on calls fail at once, but for one each interval, the probe. The
 * interval doubles from its first to its longest; a probe that gets through closes the
 * breaker. Time is the caller's, in nanoseconds of any clock that only goes forward. The
 * caller locks.
 */
#ifndef APV_BREAKER_H
#define APV_BREAKER_H

#include "apv_base.h"

#define APV_BREAKER_FIRST_MS 100 /* from a failure to the first probe */
#define APV_BREAKER_LONGEST_MS 900

/* Starts as {0}, closed. */
typedef struct {
    bool open;
    bool probing;        /* one call is out to see whether it is back */
    int64_t since_ns;    /* when it was found away */
    int64_t next_ns;     /* when the next probe may go */
    int64_t interval_ns; /* that led there */
    apv_err cause;       /* what the last call or probe found */
} apv_breaker;

/* The lesson that a call learned of the database. */
typedef enum {
    APV_LESSON_NONE,    /* it never asked the database, or came to no end of its own */
    APV_LESSON_AWAY,    /* no connection could be made */
    APV_LESSON_SILENCE, /* a connection was there, and brought no answer */
    APV_LESSON_ANSWER   /* whatever it was */
} apv_lesson;

/* Whether a call may go now.
 * now_ns: not read while the breaker is closed. probe: receives whether it goes as the probe of an
 * open breaker. If it may go, apv_breaker_tell must follow. Does not block. */
bool apv_breaker_ask(apv_breaker *breaker, int64_t now_ns, bool *probe) APV_MUSTCHECK;

/* Says why no call may go: the error of the last probe (UNAVAILABLE for TIMEOUT), with since
 * when it is so and when it is tried again. Always returns false, so that callers can return
 * it. */
bool apv_breaker_refuse(const apv_breaker *breaker, int64_t now_ns, apv_err *err);

/* Tells what a call that was let through learned.
 * now_ns: for AWAY, else not read. probe: as apv_breaker_ask gave it. Silence closes the breaker
 * for the probe alone: another call may have it from a connection that is older than the outage.
 * cause: for AWAY, else not read. */
void apv_breaker_tell(apv_breaker *breaker, int64_t now_ns, bool probe, apv_lesson lesson,
                      const apv_err *cause);

#endif
