/* module_turn.h - calls that take turns at a few places, of several threads. */
#ifndef APV_MODULE_TURN_H
#define APV_MODULE_TURN_H

#include "module_gil.h"

#include "breaker.h"

#include <pthread.h>

#define MODULE_PLACES_MAX 4

/* One call at a time has a place. */
typedef struct {
    bool taken;
    bool probe;      /* it is the breaker's */
    pthread_t owner; /* thread of the call */
} module_place;

typedef struct {
    const char *what; /* stands in the places, for error texts */
    apv_code busy;    /* the code of errors */
    size_t count;     /* of places */
    pthread_condattr_t clock;
    pthread_mutex_t lock; /* of all below */
    module_place places[MODULE_PLACES_MAX];
    struct module_waiter *first; /* the line of calls that wait for a place */
    apv_breaker breaker;         /* one for all places */
} module_turn;

/* Makes count (1 to MODULE_PLACES_MAX) free places. what: outlives the turn. */
void module_turn_init(module_turn *turn, size_t count, const char *what, apv_code busy);
void module_turn_destroy(module_turn *turn);

/* Takes the first free place, and waits for one if there is none, behind those that wait already;
 * not while the breaker is open. To be called without the GIL.
 * limit_ms: to wait at most. gil: the call's; a signal handler that raises ends the wait.
 * place: receives its number.
 * Errors: the code turn->busy (others had all places for that time, this very thread has
 * them, since a signal handler came in between, or a handler raised); as apv_breaker_refuse. */
bool module_turn_take(module_turn *turn, int64_t limit_ms, module_gil *gil, size_t *place,
                      apv_err *err) APV_MUSTCHECK;

/* Frees a place. lesson: what its call learned. cause: why, for AWAY. */
void module_turn_give(module_turn *turn, size_t place, apv_lesson lesson, const apv_err *cause);

#endif
