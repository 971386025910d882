/* db_pq.h - what the db*.c files share: a connection of libpq's. No other file of the library
 * knows libpq.
 *
 * db_close.c    letting a connection go
 * db_wait.c     waiting for the server, and what becomes of the connection when that fails
 * db_connect.c  opening a connection
 * db.c          life of a handle, one statement, results
 * db_many.c     one statement many times
 * db_script.c   several statements with a COPY among them
 * db_cancel.c   cancelling what was given up
 *
 * libpq never blocks here: the socket is non-blocking and every wait is a poll
 * against a deadline of ours, because a stopped server would hold PQexec for ever.
 */
#ifndef APV_DB_PQ_H
#define APV_DB_PQ_H

#include "db_cancel_private.h"
#include "db_private.h"

#include <sys/stat.h>
#include <sys/types.h>

#include <libpq-fe.h>

#define APV_STATEMENTS_MAX 64 /* prepared per connection; further ones run unnamed */
#define APV_GIVE_WAYS_MAX 5   /* how often a call that was given up for another is made again */
#define APV_NS_PER_MS 1000000LL

/* A prepared statement of the connection: its key is the SQL with the types. */
struct apv_statement {
    char *sql;
    size_t size; /* of sql */
    size_t count;
    Oid *types;
    char name[16];
};

struct apv_db {
    char *conninfo;
    int connect_timeout_ms;
    int timeout_ms;
    bool prepare;
    bool (*interrupted)(void *arg);
    void *interrupted_arg;
    bool unreachable;             /* the last try to connect failed */
    uint64_t tries;               /* calls that got as far as the connection */
    void (*meanwhile)(void *arg); /* NULL: nothing, or done */
    void *meanwhile_arg;
    void *attached; /* NULL: nothing */
    void (*close_attached)(void *thing);

    apv_cancel *cancel; /* of the last call that was given up */

    PGconn *conn; /* NULL until the first call, and after a loss */
    pid_t pid;    /* process that opened conn */
    struct stat socket;
    struct apv_statement statements[APV_STATEMENTS_MAX];
    size_t statement_count;
};

struct apv_result {
    PGresult *pg;
};

/* Outcome of one attempt at a statement. */
enum apv_attempt {
    APV_ATTEMPT_DONE,
    APV_ATTEMPT_FAILED,
    APV_ATTEMPT_LOST,  /* the connection is gone; what the server did is unknown */
    APV_ATTEMPT_STALE, /* nothing was done: the prepared statement no longer fits */
    APV_ATTEMPT_AGAIN  /* nothing was done: given up for another transaction */
};

/* How a wait ended. */
enum apv_wait { APV_WAIT_READY, APV_WAIT_DEADLINE, APV_WAIT_INTERRUPTED, APV_WAIT_BROKEN };

/* The arguments of a statement as libpq takes them. */
struct apv_bound {
    Oid types[APV_ARGS_MAX];
    const char *values[APV_ARGS_MAX];
    int sizes[APV_ARGS_MAX];
    int formats[APV_ARGS_MAX];
};

/* ---- db_close.c ---- */

/* Closes the connection of this process, if there is one. Does not block. */
void apv_pq_close(apv_db *db);

/* The same for a connection on which the server still does something that nobody waits for. */
void apv_pq_give_up(apv_db *db);

/* Lets a connection go that the parent process still uses: PQfinish would end the parent's
 * session. The descriptor is closed only if it still is that socket: a daemonizing child may have
 * closed it and opened something else under its number. */
void apv_pq_abandon(apv_db *db);

/* ---- db_wait.c ---- */

/* The monotonic clock, in nanoseconds. */
int64_t apv_pq_now_ns(void);

/* Waits until fd is ready for events (of poll), or the deadline; signals use up no time. */
enum apv_wait apv_pq_wait(const apv_db *db, int fd, short events, int64_t deadline_ns);

/* Waits for the next result of what was sent. result: receives it, to be cleared by the caller;
 * NULL: there is none left. */
enum apv_wait apv_pq_next_result(apv_db *db, int64_t deadline_ns, PGresult **result);

/* Sets err for a wait that did not end well, and closes the connection: its next answer would
 * belong to the call that was given up. Returns APV_ATTEMPT_FAILED or _LOST. */
enum apv_attempt apv_pq_fail_wait(apv_db *db, enum apv_wait wait, apv_err *err);

/* Sets err for a result that is not the wanted one. The connection is closed where it is of no
 * use any more. */
enum apv_attempt apv_pq_fail_result(apv_db *db, const PGresult *result, apv_err *err);

/* ---- db_connect.c ---- */

/* Opens the connection of a handle that has none, within its connect_timeout_ms.
 * Errors: UNAVAILABLE, TIMEOUT, MEMORY. */
bool apv_pq_connect(apv_db *db, apv_err *err) APV_MUSTCHECK;

/* Whether the kept connection has ended meanwhile. Does not block. */
bool apv_pq_has_ended(const apv_db *db);

/* ---- db.c ---- */

/* Points bound at params, count of them. */
void apv_pq_bind(struct apv_bound *bound, const apv_param *params, size_t count);

/* A result of ours around answer, which it takes. NULL, and err set: no memory. */
apv_result *apv_pq_result_new(PGresult *answer, apv_err *err);

#endif
