/* module_connection.c - the connections that the module keeps: one per process and
 * settings, shared by the threads, which take turns, and asked only now and then while
 * the database is away. */
#include "module_connection.h"

#include "module_error.h"

#include "breaker.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_S INT64_C(1000000000)
#define CONNECTIONS_MAX 16 /* kept; of more, those least recently used are closed */

struct connection {
    struct connection *next; /* less recently used */
    char *conninfo;
    apv_db_options options; /* its conninfo is the one above */
    apv_db *db;

    size_t users;        /* calls that have it or wait for it; under the GIL, as next is */
    bool busy;           /* one call has it; under lock, as owner is */
    pthread_t owner;     /* thread of that call */
    apv_breaker breaker; /* under lock */
    pthread_mutex_t lock;
    pthread_cond_t freed;
    PyThreadState *thread; /* of the call that has it, as what follows */
    uint64_t tries;        /* apv_db_tries() when it got it */
    bool interrupted;      /* a signal handler raised */
};

struct connection_cache {
    struct connection *first; /* most recently used */
    pid_t pid;                /* process that made them */
};

static void
connection_free(struct connection *connection)
{
    apv_db_close(&connection->db);
    pthread_cond_destroy(&connection->freed);
    pthread_mutex_destroy(&connection->lock);
    free(connection->conninfo);
    free(connection);
}

struct connection_cache *
module_connections_new(void)
{
    struct connection_cache *cache = calloc(1, sizeof *cache);
    if (cache != NULL)
        cache->pid = getpid();
    return cache;
}

/* Closes what no call uses. The others stay as they are: after a fork, what another
 * thread was using is in no known state; at the interpreter's end, a daemon thread may
 * still be using it. */
static void
close_all(struct connection_cache *cache)
{
    while (cache->first != NULL) {
        struct connection *connection = cache->first;
        cache->first = connection->next;
        if (connection->users == 0)
            connection_free(connection);
    }
}

void
module_connections_free(struct connection_cache **cache)
{
    if (*cache == NULL)
        return;
    close_all(*cache);
    free(*cache);
    *cache = NULL;
}

/* Asks Python's signal handlers; called by the library, without the GIL. */
static bool
interrupted(void *arg)
{
    struct connection *connection = arg;
    PyEval_RestoreThread(connection->thread);
    connection->interrupted = PyErr_CheckSignals() < 0;
    connection->thread = PyEval_SaveThread();
    return connection->interrupted;
}

static bool
serves(const struct connection *connection, const apv_db_options *options)
{
    return strcmp(connection->conninfo, options->conninfo) == 0 &&
           connection->options.connect_timeout_ms == options->connect_timeout_ms &&
           connection->options.timeout_ms == options->timeout_ms &&
           connection->options.prepare == options->prepare;
}

static struct connection *
connection_new(const apv_db_options *options, apv_err *err)
{
    struct connection *made = calloc(1, sizeof *made);
    pthread_condattr_t attributes;

    if (made == NULL) {
        apv_fail(err, APV_ERR_MEMORY, "out of memory");
        return NULL;
    }
    /* On Linux none of these fails with these arguments. */
    pthread_mutex_init(&made->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&made->freed, &attributes);
    pthread_condattr_destroy(&attributes);

    made->conninfo = strdup(options->conninfo);
    made->options = *options;
    made->options.conninfo = made->conninfo;
    if (made->conninfo == NULL) {
        apv_fail(err, APV_ERR_MEMORY, "out of memory");
        goto fail;
    }
    if (!apv_db_new(&made->options, &made->db, err))
        goto fail;
    apv_db_on_signal(made->db, interrupted, made);
    return made;

fail:
    connection_free(made);
    return NULL;
}

/* The connection for these settings, made if need be, as the most recently used. */
static struct connection *
find(struct connection_cache *cache, const apv_db_options *options, apv_err *err)
{
    struct connection **link = &cache->first, *found;

    if (cache->pid != getpid()) {
        close_all(cache);
        cache->pid = getpid();
    }
    while (*link != NULL && !serves(*link, options))
        link = &(*link)->next;
    found = *link;
    if (found != NULL) {
        *link = found->next;
    } else {
        found = connection_new(options, err);
        if (found == NULL)
            return NULL;
    }
    found->next = cache->first;
    cache->first = found;
    return found;
}

/* Closes the least recently used ones beyond the bound that no call uses. */
static void
trim(struct connection_cache *cache)
{
    size_t position = 0;
    struct connection **link = &cache->first;

    while (*link != NULL) {
        struct connection *connection = *link;
        if (position++ < CONNECTIONS_MAX || connection->users > 0) {
            link = &connection->next;
            continue;
        }
        *link = connection->next;
        connection_free(connection);
    }
}

static int64_t
now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * NS_PER_S + now.tv_nsec;
}

/* Waits until no other call has the connection, for as long as one may take, and not at
 * all while the database is away. */
static bool
take_turn(struct connection *connection, apv_err *err)
{
    const apv_db_options *options = &connection->options;
    int64_t limit_ms = (int64_t)options->connect_timeout_ms + options->timeout_ms;
    int64_t end_ns = 0;
    int status = 0;
    bool taken = false;

    pthread_mutex_lock(&connection->lock);
    /* A signal handler that calls while its thread waits for an answer would wait for itself. */
    bool own = connection->busy && pthread_equal(connection->owner, pthread_self());
    while (connection->busy && !own && !connection->breaker.open && status == 0) {
        if (end_ns == 0)
            end_ns = now_ns() + limit_ms * (NS_PER_S / 1000);
        const struct timespec end = {(time_t)(end_ns / NS_PER_S), (long)(end_ns % NS_PER_S)};
        status = pthread_cond_timedwait(&connection->freed, &connection->lock, &end);
    }
    if (connection->breaker.open && !apv_breaker_ask(&connection->breaker, now_ns(), err)) {
        /* err says why */
    } else if (own) {
        apv_fail(err, APV_ERR_UNAVAILABLE,
                 "the connection to the approval database is in use by the call that this signal "
                 "handler interrupts");
    } else if (connection->busy) {
        apv_fail(err, APV_ERR_TIMEOUT,
                 "other calls held the connection to the approval database for %lld ms",
                 (long long)limit_ms);
    } else {
        connection->owner = pthread_self();
        taken = connection->busy = true;
    }
    pthread_mutex_unlock(&connection->lock);
    return taken;
}

/* Gives the connection to the next call. err: how this one ended. */
static void
give_turn(struct connection *connection, const apv_err *err)
{
    pthread_mutex_lock(&connection->lock);
    connection->busy = false;
    /* A call that never asked the database, or that had no memory, learned nothing of it. */
    if (connection->interrupted || err->code == APV_ERR_MEMORY ||
        apv_db_tries(connection->db) == connection->tries)
        apv_breaker_forget(&connection->breaker);
    else if (connection->breaker.open || err->code != APV_OK)
        apv_breaker_tell(&connection->breaker, now_ns(),
                         apv_db_unreachable(connection->db) ? err : NULL);
    /* While the database is away all that wait are told at once. */
    if (connection->breaker.open)
        pthread_cond_broadcast(&connection->freed);
    else
        pthread_cond_signal(&connection->freed);
    pthread_mutex_unlock(&connection->lock);
}

bool
module_connection_try(const module_state *state, const apv_db_options *options,
                      bool (*work)(apv_db *db, void *arg, apv_err *err), void *arg, apv_err *err)
{
    struct connection *connection = find(state->connections, options, err);
    bool ok = false;

    if (connection != NULL) {
        connection->users++;
        PyThreadState *thread = PyEval_SaveThread();
        if (take_turn(connection, err)) {
            connection->thread = thread;
            connection->interrupted = false;
            connection->tries = apv_db_tries(connection->db);
            ok = work(connection->db, arg, err);
            give_turn(connection, err);
        }
        PyEval_RestoreThread(thread);
        connection->users--;
        trim(state->connections);
    }
    return ok;
}

bool
module_connection_run(const module_state *state, const apv_db_options *options,
                      bool (*work)(apv_db *db, void *arg, apv_err *err), void *arg)
{
    apv_err err = APV_ERR_NONE;
    bool ok = module_connection_try(state, options, work, arg, &err);

    if (!ok)
        module_raise(state, &err);
    return ok;
}
