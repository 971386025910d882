/* module_turn.h - threads that take turns at a handle. */
#ifndef APV_MODULE_TURN_H
#define APV_MODULE_TURN_H

#include "apv_base.h"

#include <pthread.h>

typedef struct {
    pthread_mutex_t lock;
    pthread_cond_t freed;
    bool busy;       /* one call has the handle; under lock, as owner is */
    pthread_t owner; /* thread of that call */
} module_turn;

void module_turn_init(module_turn *turn);
void module_turn_destroy(module_turn *turn);

/* Waits until no other call has the handle. To be called without the GIL.
 * limit_ms: to wait at most. what: the handle, for error texts.
 * Errors: BUSY (others had it for all that time; or this very thread has it, since a signal
 * handler came in between, for which waiting would never end). */
bool module_turn_take(module_turn *turn, int64_t limit_ms, const char *what,
                      apv_err *err) APV_MUSTCHECK;

/* Gives the handle to the next call. */
void module_turn_give(module_turn *turn);

#endif
