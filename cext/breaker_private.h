/* breaker_private.h - how often a database that is away is asked.
 *
 * A breaker is closed while calls get through. The first one that finds the database away
 * opens it; from then on calls fail at once, but for one each interval, the probe. The
 * interval doubles from its first to its longest; a probe that gets through closes the
 * breaker. Time is the caller's, in nanoseconds of any clock that only goes forward. The
 * caller locks.
 */
#ifndef APV_BREAKER_PRIVATE_H
#define APV_BREAKER_PRIVATE_H

#include "apv_base.h"

#define APV_BREAKER_FIRST_MS 100 /* from a failure to the first probe */
#define APV_BREAKER_LONGEST_MS 900

typedef struct {
    bool open;
    bool probing;        /* one call is out to see whether it is back */
    int64_t since_ns;    /* when it was found away */
    int64_t next_ns;     /* when the next probe may go */
    int64_t interval_ns; /* that led there */
    apv_err cause;       /* what the last call or probe found */
} apv_breaker;

/* Whether a call may go now; if the breaker is open it is the probe, and
 * apv_breaker_tell must follow. Errors: that of the last probe (UNAVAILABLE for TIMEOUT),
 * with since when it is so and when it is tried again. Does not block. */
bool apv_breaker_ask(apv_breaker *breaker, int64_t now_ns, apv_err *err) APV_MUSTCHECK;

/* Tells what became of a call that was let through. cause: why the database could not be
 * reached; NULL: it could, whatever it answered. */
void apv_breaker_tell(apv_breaker *breaker, int64_t now_ns, const apv_err *cause);

/* Tells that the call came to no end of its own, or never asked the database: nothing was
 * learned. */
void apv_breaker_forget(apv_breaker *breaker);

#endif
