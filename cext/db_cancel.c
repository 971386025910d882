/* db_cancel.c - what gives up cancels. */
#include "db_cancel_private.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>

enum { RUNNING, DONE, LEFT };

struct apv_cancel {
    PGconn *conn;
    PGcancel *request;
    atomic_int state; /* whoever comes second, the thread or the owner, frees it */
};

static void *
run(void *arg)
{
    apv_cancel *cancel = arg;
    char ignored[256];

    (void)PQcancel(cancel->request, ignored, sizeof ignored);
    PQfreeCancel(cancel->request);
    /* Not before: a pooler forgets with its client whom it was to cancel. */
    PQfinish(cancel->conn);
    if (atomic_exchange(&cancel->state, DONE) == LEFT)
        free(cancel);
    return NULL;
}

/* Starts the thread, which gets no signals: they are to interrupt those who wait for them. */
static int
start_thread(apv_cancel *cancel)
{
    pthread_attr_t attributes;
    sigset_t all, before;
    pthread_t thread;

    int status = pthread_attr_init(&attributes);
    if (status != 0)
        return status;
    sigfillset(&all);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    status = pthread_create(&thread, &attributes, run, cancel);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return status;
}

void
apv_cancel_start(apv_cancel **cancel, PGconn *conn)
{
    apv_cancel *made = NULL;

    if (*cancel != NULL && atomic_load(&(*cancel)->state) == RUNNING)
        goto done;
    apv_cancel_free(cancel);
    made = malloc(sizeof *made);
    if (made == NULL)
        goto done;
    made->conn = conn;
    made->request = PQgetCancel(conn);
    atomic_init(&made->state, RUNNING);
    if (made->request == NULL || start_thread(made) != 0)
        goto done;
    *cancel = made;
    return;

done:
    if (made != NULL)
        PQfreeCancel(made->request);
    free(made);
    PQfinish(conn);
}

void
apv_cancel_free(apv_cancel **cancel)
{
    if (*cancel != NULL && atomic_exchange(&(*cancel)->state, LEFT) == DONE)
        free(*cancel);
    *cancel = NULL;
}
