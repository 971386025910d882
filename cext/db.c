/* db.c - the connection: connecting, waiting, statements. The only file that knows libpq,
 * but for db_cancel.c.
 *
 * libpq never blocks here: the socket is non-blocking and every wait is a poll
 * against a deadline of ours, because a stopped server would hold PQexec for ever.
 */
#include "db_private.h"

#include "db_cancel_private.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define STATEMENTS_MAX 64 /* prepared per connection; further ones run unnamed */
#define GIVE_WAYS_MAX 5   /* how often a call that was given up for another is made again */
#define NS_PER_MS 1000000LL

/* A prepared statement of the connection: its key is the SQL with the types. */
struct statement {
    char *sql;
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

    apv_cancel *cancel; /* of the last call that was given up */

    PGconn *conn; /* NULL until the first call, and after a loss */
    pid_t pid;    /* process that opened conn */
    struct stat socket;
    struct statement statements[STATEMENTS_MAX];
    size_t statement_count;
};

struct apv_result {
    PGresult *pg;
};

/* Outcome of one attempt at a statement. */
enum attempt {
    ATTEMPT_DONE,
    ATTEMPT_FAILED,
    ATTEMPT_LOST,  /* the connection is gone; what the server did is unknown */
    ATTEMPT_STALE, /* nothing was done: the prepared statement no longer fits */
    ATTEMPT_AGAIN  /* nothing was done: given up for another transaction */
};

/* ---- time ---- */

static int64_t
now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 * NS_PER_MS + now.tv_nsec;
}

enum wait { WAIT_READY, WAIT_DEADLINE, WAIT_INTERRUPTED, WAIT_BROKEN };

/* Waits until fd is ready for events, or the deadline; signals use up no time. */
static enum wait
wait_until(const apv_db *db, int fd, short events, int64_t deadline_ns)
{
    struct pollfd waited = {.fd = fd, .events = events};

    for (;;) {
        int64_t left_ns = deadline_ns - now_ns();
        if (left_ns <= 0)
            return WAIT_DEADLINE;
        int64_t left_ms = (left_ns + NS_PER_MS - 1) / NS_PER_MS;
        int ready = poll(&waited, 1, left_ms > INT_MAX ? INT_MAX : (int)left_ms);
        if (ready > 0)
            return WAIT_READY;
        if (ready < 0 && errno != EINTR)
            return WAIT_BROKEN;
        if (ready < 0 && db->interrupted != NULL && db->interrupted(db->interrupted_arg))
            return WAIT_INTERRUPTED;
    }
}

/* ---- life ---- */

bool
apv_db_new(const apv_db_options *options, apv_db **db, apv_err *err)
{
    apv_db *made = NULL;
    PQconninfoOption *parsed = PQconninfoParse(options->conninfo, NULL);
    bool ok = false;

    if (parsed == NULL) {
        /* libpq's own text quotes the string, and with it perhaps a password. */
        apv_fail(err, APV_ERR_INVALID,
                 "the connection settings of the approval database cannot be read");
        goto done;
    }
    if (options->connect_timeout_ms <= 0 || options->timeout_ms <= 0) {
        apv_fail(err, APV_ERR_INVALID, "connect_timeout_ms and timeout_ms must be positive");
        goto done;
    }
    made = calloc(1, sizeof *made);
    if (made == NULL || (made->conninfo = strdup(options->conninfo)) == NULL) {
        apv_fail_memory(err);
        goto done;
    }
    made->connect_timeout_ms = options->connect_timeout_ms;
    made->timeout_ms = options->timeout_ms;
    made->prepare = options->prepare;
    *db = made;
    made = NULL;
    ok = true;

done:
    free(made);
    PQconninfoFree(parsed);
    return ok;
}

static void
forget_statements(apv_db *db)
{
    for (size_t i = 0; i < db->statement_count; i++) {
        free(db->statements[i].sql);
        free(db->statements[i].types);
    }
    db->statement_count = 0;
}

/* Closes our own connection, if there is one. */
static void
drop(apv_db *db)
{
    forget_statements(db);
    PQfinish(db->conn);
    db->conn = NULL;
}

/* The same for one on which the server still does something, which nobody waits for. */
static void
give_up(apv_db *db)
{
    forget_statements(db);
    apv_cancel_start(&db->cancel, db->conn);
    db->conn = NULL;
}

/* Lets go of a connection that the parent process still uses: PQfinish would end
 * the parent's session. The descriptor is closed only if it still is that socket:
 * a daemonizing child may have closed it and opened something else under its number. */
static void
abandon(apv_db *db)
{
    struct stat now;
    int fd = PQsocket(db->conn);

    if (fd >= 0 && fstat(fd, &now) == 0 && now.st_dev == db->socket.st_dev &&
        now.st_ino == db->socket.st_ino)
        close(fd);
    forget_statements(db);
    db->conn = NULL;
}

bool
apv_db_forked(const apv_db *db)
{
    return db->conn != NULL && db->pid != getpid();
}

bool
apv_db_unreachable(const apv_db *db)
{
    return db->unreachable;
}

uint64_t
apv_db_tries(const apv_db *db)
{
    return db->tries;
}

void
apv_db_close(apv_db **db)
{
    if (*db == NULL)
        return;
    if (apv_db_forked(*db))
        abandon(*db);
    else
        drop(*db);
    apv_cancel_free(&(*db)->cancel);
    free((*db)->conninfo);
    free(*db);
    *db = NULL;
}

void
apv_db_on_signal(apv_db *db, bool (*interrupted)(void *arg), void *arg)
{
    db->interrupted = interrupted;
    db->interrupted_arg = arg;
}

void
apv_db_meanwhile(apv_db *db, void (*work)(void *arg), void *arg)
{
    db->meanwhile = work;
    db->meanwhile_arg = arg;
}

/* ---- connecting ---- */

/* The hosts still to be tried, as libpq takes them; all NULL: as the settings say. */
struct hosts {
    char *host;
    char *hostaddr;
    char *port;
};

static void
hosts_free(struct hosts *hosts)
{
    free(hosts->host);
    free(hosts->hostaddr);
    free(hosts->port);
    *hosts = (struct hosts){NULL, NULL, NULL};
}

static void
ignore_notice(void *arg, const PGresult *result)
{
    (void)arg;
    (void)result;
}

static PGconn *
start(const apv_db *db, const struct hosts *hosts)
{
    /* What stands behind dbname overrides what the conninfo says. */
    const char *const keywords[] = {
        "fallback_application_name", "dbname", "client_encoding", "host", "hostaddr", "port", NULL};
    const char *const values[] = {"saltext-approval", db->conninfo, "UTF8", hosts->host,
                                  hosts->hostaddr,    hosts->port,  NULL};
    PGconn *conn = PQconnectStartParams(keywords, values, 1);

    if (conn != NULL) {
        PQsetNoticeReceiver(conn, ignore_notice, NULL);
        PQsetErrorVerbosity(conn, PQERRORS_SQLSTATE);
    }
    return conn;
}

/* The value of a setting with defaults, environment and service file applied. */
static const char *
setting(const PQconninfoOption *options, const char *keyword)
{
    for (; options->keyword != NULL; options++)
        if (strcmp(options->keyword, keyword) == 0)
            return options->val == NULL ? "" : options->val;
    return "";
}

static char *
list_rest(const char *list, size_t index, bool *ok)
{
    /* An empty list stays one; a single port serves all hosts. */
    char *rest = apv_list_count(list) > 1 ? apv_list_without(list, index) : strdup(list);
    *ok = *ok && rest != NULL;
    return rest;
}

/* Takes the host that conn is stuck at off the list. False: it is the only one,
 * or cannot be told apart, or there is no memory. */
static bool
skip_host(const PGconn *conn, struct hosts *hosts)
{
    PQconninfoOption *options = PQconninfo((PGconn *)conn);
    bool ok = false;

    if (options == NULL)
        return false;
    const char *host = setting(options, "host"), *hostaddr = setting(options, "hostaddr");
    const char *port = setting(options, "port");
    const char *names = *host != '\0' ? host : hostaddr;
    size_t count = apv_list_count(names), index = 0;
    bool one_port = apv_list_count(port) == 1;

    while (index < count && !(apv_span_is(apv_list_peek(names, index), PQhost(conn)) &&
                              apv_span_is(apv_list_peek(port, one_port ? 0 : index), PQport(conn))))
        index++;
    if (count > 1 && index < count) {
        struct hosts rest;
        ok = true;
        rest.host = list_rest(host, index, &ok);
        rest.hostaddr = list_rest(hostaddr, index, &ok);
        rest.port = list_rest(port, index, &ok);
        hosts_free(hosts);
        *hosts = rest;
    }
    PQconninfoFree(options);
    return ok;
}

static size_t
host_count(PGconn *conn)
{
    PQconninfoOption *options = PQconninfo(conn);
    size_t count = 1;

    if (options != NULL) {
        const char *host = setting(options, "host");
        count = apv_list_count(*host != '\0' ? host : setting(options, "hostaddr"));
    }
    PQconninfoFree(options);
    return count;
}

/* Drives conn until it is connected or has failed (WAIT_READY: PQstatus tells), or
 * until one host has used up its share of the time (WAIT_DEADLINE). */
static enum wait
finish_connecting(const apv_db *db, PGconn *conn, int64_t deadline_ns)
{
    PostgresPollingStatusType status = PGRES_POLLING_WRITING;
    const char *host = NULL;
    int64_t share_ns = (deadline_ns - now_ns()) / (int64_t)host_count(conn), share_end_ns = 0;

    while (PQstatus(conn) != CONNECTION_BAD && status != PGRES_POLLING_OK &&
           status != PGRES_POLLING_FAILED) {
        if (host == NULL || host != PQhost(conn)) {
            host = PQhost(conn);
            share_end_ns = now_ns() + share_ns;
        }
        int64_t end_ns = share_end_ns < deadline_ns ? share_end_ns : deadline_ns;
        enum wait wait = wait_until(db, PQsocket(conn),
                                    status == PGRES_POLLING_READING ? POLLIN : POLLOUT, end_ns);
        if (wait != WAIT_READY)
            return wait;
        status = PQconnectPoll(conn);
    }
    return WAIT_READY;
}

/* Opens the connection. libpq goes from a host that refuses to the next by itself,
 * but waits for ever at one that does not answer; that one we leave out and start over. */
static bool
connect_db(apv_db *db, apv_err *err)
{
    int64_t deadline_ns = now_ns() + db->connect_timeout_ms * NS_PER_MS;
    struct hosts hosts = {NULL, NULL, NULL};
    PGconn *conn = NULL;
    bool ok = false;

    db->unreachable = true;
    for (;;) {
        conn = start(db, &hosts);
        if (conn == NULL) {
            apv_fail_memory(err);
            goto done;
        }
        enum wait wait = finish_connecting(db, conn, deadline_ns);
        if (wait == WAIT_READY && PQstatus(conn) == CONNECTION_OK)
            break;
        if (wait == WAIT_READY || wait == WAIT_BROKEN) {
            apv_fail_connect(err, PQerrorMessage(conn));
            goto done;
        }
        if (wait == WAIT_INTERRUPTED) {
            apv_fail(err, APV_ERR_UNAVAILABLE,
                     "connecting to the approval database was interrupted");
            goto done;
        }
        if (now_ns() >= deadline_ns || !skip_host(conn, &hosts)) {
            apv_fail(err, APV_ERR_TIMEOUT,
                     "the approval database could not be reached within %d ms",
                     db->connect_timeout_ms);
            goto done;
        }
        PQfinish(conn);
    }
    if (PQsetnonblocking(conn, 1) != 0 || fstat(PQsocket(conn), &db->socket) != 0) {
        apv_fail(err, APV_ERR_UNAVAILABLE,
                 "the approval database cannot be reached: connection lost");
        goto done;
    }
    PQsetErrorVerbosity(conn, PQERRORS_TERSE);
    db->conn = conn;
    db->pid = getpid();
    db->unreachable = false;
    conn = NULL;
    ok = true;

done:
    PQfinish(conn);
    hosts_free(&hosts);
    return ok;
}

/* Whether the kept connection has ended meanwhile. Nothing is due from the server
 * between calls, so a readable socket means a farewell or the end of the stream
 * (or a changed parameter: then it is still good). */
static bool
ended(const apv_db *db)
{
    struct pollfd waited = {.fd = PQsocket(db->conn), .events = POLLIN};

    while (poll(&waited, 1, 0) > 0) {
        if (PQconsumeInput(db->conn) == 0)
            return true;
        (void)PQisBusy(db->conn); /* parses what came */
    }
    return PQstatus(db->conn) != CONNECTION_OK;
}

/* ---- statements ---- */

static enum attempt
fail_wait(apv_db *db, enum wait wait, apv_err *err)
{
    enum attempt attempt = ATTEMPT_FAILED;

    if (wait == WAIT_DEADLINE) {
        apv_fail(err, APV_ERR_TIMEOUT, "the approval database did not answer within %d ms",
                 db->timeout_ms);
    } else if (wait == WAIT_INTERRUPTED) {
        apv_fail(err, APV_ERR_UNAVAILABLE, "the call to the approval database was interrupted");
    } else {
        apv_fail(err, APV_ERR_UNAVAILABLE, "the connection to the approval database was lost");
        attempt = ATTEMPT_LOST;
    }
    /* The connection's next answer belongs to the call that was given up. */
    if (attempt == ATTEMPT_LOST)
        drop(db);
    else
        give_up(db);
    return attempt;
}

/* Waits for the next result of what was sent; NULL: there is none left. */
static enum wait
next_result(apv_db *db, int64_t deadline_ns, PGresult **result)
{
    for (;;) {
        int flushed = PQflush(db->conn);
        if (flushed < 0)
            return WAIT_BROKEN;
        if (flushed == 0 && !PQisBusy(db->conn)) {
            *result = PQgetResult(db->conn);
            return WAIT_READY;
        }
        enum wait wait = wait_until(db, PQsocket(db->conn),
                                    (short)(flushed == 1 ? POLLIN | POLLOUT : POLLIN), deadline_ns);
        if (wait != WAIT_READY)
            return wait;
        if (PQconsumeInput(db->conn) == 0)
            return WAIT_BROKEN;
    }
}

static enum attempt
fail_result(apv_db *db, const PGresult *result, apv_err *err)
{
    const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);

    if (PQresultStatus(result) != PGRES_FATAL_ERROR) {
        apv_fail(err, APV_ERR_PROTOCOL,
                 "the approval database answered with something else than rows");
        drop(db);
        return ATTEMPT_FAILED;
    }
    if (sqlstate == NULL || PQstatus(db->conn) != CONNECTION_OK ||
        strncmp(sqlstate, "57P", 3) == 0) {
        if (sqlstate == NULL)
            apv_fail(err, APV_ERR_UNAVAILABLE, "the connection to the approval database was lost");
        else
            apv_fail_server(err, sqlstate, NULL);
        drop(db);
        return ATTEMPT_LOST;
    }
    apv_fail_server(err, sqlstate, PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY));
    /* feature_not_supported: "cached plan must not change result type", after an
     * upgrade of the schema; invalid_sql_statement_name: somebody deallocated it. */
    if (strcmp(sqlstate, "0A000") == 0 || strcmp(sqlstate, "26000") == 0)
        return ATTEMPT_STALE;
    /* serialization_failure, deadlock_detected: rolled back, and the other is done soon. */
    if (strcmp(sqlstate, "40001") == 0 || strcmp(sqlstate, "40P01") == 0)
        return ATTEMPT_AGAIN;
    return ATTEMPT_FAILED;
}

/* Takes the whole answer to what was sent: one result, of the wanted status. */
static enum attempt
take_answer(apv_db *db, ExecStatusType wanted, int64_t deadline_ns, PGresult **answer, apv_err *err)
{
    PGresult *result = NULL, *end = NULL;
    enum attempt attempt = ATTEMPT_DONE;
    enum wait wait = next_result(db, deadline_ns, &result);

    if (wait == WAIT_READY)
        wait = next_result(db, deadline_ns, &end);
    if (result == NULL || (wait != WAIT_READY && PQresultStatus(result) == wanted)) {
        attempt = fail_wait(db, wait == WAIT_READY ? WAIT_BROKEN : wait, err);
    } else if (PQresultStatus(result) != wanted || end != NULL) {
        attempt = fail_result(db, result, err);
        if (wait != WAIT_READY || end != NULL)
            drop(db);
    } else {
        *answer = result;
        result = NULL;
    }
    PQclear(end);
    PQclear(result);
    return attempt;
}

/* Number of the prepared statement, or statement_count when there is none. */
static size_t
find_statement(const apv_db *db, const char *sql, const Oid *types, size_t count)
{
    size_t i = 0;
    while (i < db->statement_count &&
           (db->statements[i].count != count || strcmp(db->statements[i].sql, sql) != 0 ||
            memcmp(db->statements[i].types, types, count * sizeof *types) != 0))
        i++;
    return i;
}

/* Prepares sql as the next statement of the connection. */
static enum attempt
prepare(apv_db *db, const char *sql, const Oid *types, size_t count, int64_t deadline_ns,
        apv_err *err)
{
    struct statement made = {
        .sql = strdup(sql), .count = count, .types = malloc(sizeof(Oid) * (count + 1))};
    PGresult *answer = NULL;
    enum attempt attempt = ATTEMPT_FAILED;

    if (made.sql == NULL || made.types == NULL) {
        apv_fail_memory(err);
        goto done;
    }
    memcpy(made.types, types, sizeof(Oid) * count);
    snprintf(made.name, sizeof made.name, "approval_%zu", db->statement_count);
    if (PQsendPrepare(db->conn, made.name, sql, (int)count, types) == 0) {
        attempt = fail_wait(db, WAIT_BROKEN, err);
        goto done;
    }
    attempt = take_answer(db, PGRES_COMMAND_OK, deadline_ns, &answer, err);
    if (attempt == ATTEMPT_DONE) {
        db->statements[db->statement_count++] = made;
        made = (struct statement){.sql = NULL};
    }

done:
    PQclear(answer);
    free(made.types);
    free(made.sql);
    return attempt;
}

/* The arguments of a statement as libpq takes them. */
struct bound {
    Oid types[APV_ARGS_MAX];
    const char *values[APV_ARGS_MAX];
    int sizes[APV_ARGS_MAX];
    int formats[APV_ARGS_MAX];
};

static void
bind_params(struct bound *bound, const apv_param *params, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        bound->types[i] = params[i].type;
        bound->values[i] = params[i].data;
        bound->sizes[i] = (int)params[i].size;
        bound->formats[i] = params[i].binary;
    }
}

/* Does what is to be done while the server works on the statement that was sent, and puts the
 * deadline off by the time that takes. */
static enum wait
do_meanwhile(apv_db *db, int64_t *deadline_ns)
{
    void (*work)(void *arg) = db->meanwhile;
    int flushed;

    /* The server begins when it has the whole statement. */
    while ((flushed = PQflush(db->conn)) == 1) {
        enum wait wait = wait_until(db, PQsocket(db->conn), POLLIN | POLLOUT, *deadline_ns);
        if (wait != WAIT_READY)
            return wait;
        if (PQconsumeInput(db->conn) == 0)
            return WAIT_BROKEN;
    }
    if (flushed < 0)
        return WAIT_BROKEN;
    int64_t start_ns = now_ns();
    db->meanwhile = NULL;
    work(db->meanwhile_arg);
    *deadline_ns += now_ns() - start_ns;
    return WAIT_READY;
}

static enum attempt
attempt_once(apv_db *db, const char *sql, const struct bound *bound, size_t count,
             int64_t *deadline_ns, PGresult **answer, apv_err *err)
{
    size_t number = db->prepare ? find_statement(db, sql, bound->types, count) : STATEMENTS_MAX;
    bool known = number < db->statement_count;
    enum attempt attempt;
    int sent;

    if (number == db->statement_count && number < STATEMENTS_MAX) {
        attempt = prepare(db, sql, bound->types, count, *deadline_ns, err);
        if (attempt != ATTEMPT_DONE)
            return attempt;
    }
    if (number < STATEMENTS_MAX) {
        sent = PQsendQueryPrepared(db->conn, db->statements[number].name, (int)count, bound->values,
                                   bound->sizes, bound->formats, 1);
    } else {
        sent = PQsendQueryParams(db->conn, sql, (int)count, bound->types, bound->values,
                                 bound->sizes, bound->formats, 1);
    }
    enum wait wait = sent == 0 ? WAIT_BROKEN : WAIT_READY;
    if (wait == WAIT_READY && db->meanwhile != NULL)
        wait = do_meanwhile(db, deadline_ns);
    if (wait != WAIT_READY)
        return fail_wait(db, wait, err);
    attempt = take_answer(db, PGRES_TUPLES_OK, *deadline_ns, answer, err);
    return attempt == ATTEMPT_STALE && !known ? ATTEMPT_FAILED : attempt;
}

/* Every statement is a transaction of its own, so that one which had to give way to
 * another is simply run again. */
static enum attempt
attempt_query(apv_db *db, const char *sql, const struct bound *bound, size_t count,
              int64_t *deadline_ns, PGresult **answer, apv_err *err)
{
    enum attempt attempt = attempt_once(db, sql, bound, count, deadline_ns, answer, err);

    for (int i = 0; i < GIVE_WAYS_MAX && attempt == ATTEMPT_AGAIN; i++) {
        *err = (apv_err)APV_ERR_NONE;
        attempt = attempt_once(db, sql, bound, count, deadline_ns, answer, err);
    }
    return attempt;
}

bool
apv_db_query(apv_db *db, const char *sql, const apv_param *params, size_t count, bool repeatable,
             apv_result **result, apv_err *err)
{
    struct bound bound;
    enum attempt attempt;
    PGresult *answer = NULL;
    apv_err first = APV_ERR_NONE;

    if (apv_db_forked(db))
        return apv_fail(err, APV_ERR_FORKED, "the connection belongs to the parent process");
    db->tries++;
    /* What may be done again finds out by itself, and saves the time to ask. */
    if (db->conn != NULL && !repeatable && ended(db))
        drop(db);
    bool kept = db->conn != NULL;
    if (!kept && !connect_db(db, err))
        return false;

    bind_params(&bound, params, count);
    int64_t deadline_ns = now_ns() + db->timeout_ms * NS_PER_MS;
    attempt = attempt_query(db, sql, &bound, count, &deadline_ns, &answer, &first);
    if (kept && (attempt == ATTEMPT_STALE || (attempt == ATTEMPT_LOST && repeatable))) {
        int64_t lost_ns = now_ns();
        drop(db);
        if (!connect_db(db, err))
            return false;
        first = (apv_err)APV_ERR_NONE;
        deadline_ns += now_ns() - lost_ns;
        attempt = attempt_query(db, sql, &bound, count, &deadline_ns, &answer, &first);
    }
    if (attempt != ATTEMPT_DONE) {
        *err = first;
        return false;
    }
    *result = malloc(sizeof **result);
    if (*result == NULL) {
        PQclear(answer);
        return apv_fail_memory(err);
    }
    (*result)->pg = answer;
    return true;
}

/* ---- one statement many times ---- */

/* Executions on their way at once. More gain nothing, and their answers have to wait in
 * memory while the rest is being sent. */
#define FLIGHT_MAX 128

struct many {
    const char *sql;
    const apv_param *params;
    size_t count;
    apv_answer_sink sink;
    void *arg;
    int64_t deadline_ns;
    size_t next;    /* the first without an answer */
    int given_ways; /* how often that one was given up for another transaction */
};

/* Hands on the answer to many->next. */
static enum attempt
hand_on(struct many *many, apv_result *result, const apv_err *refused, apv_err *err)
{
    size_t index = many->next++;

    many->given_ways = 0;
    return many->sink(many->arg, index, result, refused, err) ? ATTEMPT_DONE : ATTEMPT_FAILED;
}

/* Takes the answer to a statement in a pipeline: a result, and then a NULL. */
static enum attempt
take_piped(apv_db *db, int64_t deadline_ns, PGresult **answer, apv_err *err)
{
    PGresult *result = NULL, *end = NULL;
    enum wait wait = next_result(db, deadline_ns, &result);

    if (wait == WAIT_READY && result != NULL)
        wait = next_result(db, deadline_ns, &end);
    if (wait == WAIT_READY && result != NULL && end == NULL) {
        *answer = result;
        return ATTEMPT_DONE;
    }
    PQclear(end);
    PQclear(result);
    return fail_wait(db, wait == WAIT_READY ? WAIT_BROKEN : wait, err);
}

static enum attempt
take_rows(apv_db *db, struct many *many, PGresult *answer, apv_err *err)
{
    apv_err refused = APV_ERR_NONE;
    enum attempt attempt;
    apv_result *result;

    if (PQresultStatus(answer) == PGRES_TUPLES_OK) {
        result = malloc(sizeof *result);
        if (result == NULL) {
            PQclear(answer);
            apv_fail_memory(err);
            return ATTEMPT_FAILED;
        }
        result->pg = answer;
        return hand_on(many, result, NULL, err);
    }
    attempt = fail_result(db, answer, &refused);
    PQclear(answer);
    if (db->conn == NULL) {
        *err = refused;
        return attempt;
    }
    if ((attempt == ATTEMPT_AGAIN || attempt == ATTEMPT_STALE) &&
        many->given_ways++ < GIVE_WAYS_MAX)
        return ATTEMPT_DONE;
    return hand_on(many, NULL, &refused, err);
}

static bool
send_flight(apv_db *db, const struct many *many, size_t size)
{
    struct bound bound;

    bind_params(&bound, &many->params[many->next], 1);
    if (PQsendPrepare(db->conn, "", many->sql, 1, bound.types) == 0)
        return false;
    for (size_t i = 0; i < size; i++) {
        bind_params(&bound, &many->params[many->next + i], 1);
        if (PQsendQueryPrepared(db->conn, "", 1, bound.values, bound.sizes, bound.formats, 1) == 0)
            return false;
    }
    return PQpipelineSync(db->conn) != 0;
}

/* Sends the next executions and takes their answers. They are one transaction, which even a
 * PgBouncer in transaction mode leaves with one server, so that the statement without a name
 * serves all of them. After one that failed the server skips the others: they are for the
 * next flight. */
static enum attempt
fly(apv_db *db, struct many *many, apv_err *err)
{
    size_t left = many->count - many->next, size = left < FLIGHT_MAX ? left : FLIGHT_MAX;
    PGresult *answer = NULL, *end = NULL;
    enum attempt attempt;

    if (!send_flight(db, many, size))
        return fail_wait(db, WAIT_BROKEN, err);
    attempt = take_piped(db, many->deadline_ns, &answer, err);
    if (attempt != ATTEMPT_DONE)
        return attempt;
    if (PQresultStatus(answer) != PGRES_COMMAND_OK)
        attempt = fail_result(db, answer, err);
    PQclear(answer);
    for (size_t i = 0; i < size && attempt == ATTEMPT_DONE; i++) {
        attempt = take_piped(db, many->deadline_ns, &answer, err);
        if (attempt == ATTEMPT_DONE && PQresultStatus(answer) == PGRES_PIPELINE_ABORTED)
            PQclear(answer);
        else if (attempt == ATTEMPT_DONE)
            attempt = take_rows(db, many, answer, err);
    }
    if (attempt != ATTEMPT_DONE)
        return attempt;
    enum wait wait = next_result(db, many->deadline_ns, &end);
    bool ended_well = wait == WAIT_READY && PQresultStatus(end) == PGRES_PIPELINE_SYNC;
    PQclear(end);
    return ended_well ? ATTEMPT_DONE : fail_wait(db, wait == WAIT_READY ? WAIT_BROKEN : wait, err);
}

/* Goes on with what has no answer yet. On failure there is no connection any more. */
static enum attempt
attempt_many(apv_db *db, struct many *many, apv_err *err)
{
    enum attempt attempt = ATTEMPT_DONE;

    if (PQenterPipelineMode(db->conn) == 0)
        return fail_wait(db, WAIT_BROKEN, err);
    while (attempt == ATTEMPT_DONE && many->next < many->count)
        attempt = fly(db, many, err);
    if (attempt != ATTEMPT_DONE || PQexitPipelineMode(db->conn) == 0)
        drop(db);
    return attempt;
}

bool
apv_db_query_many(apv_db *db, const char *sql, const apv_param *params, size_t count,
                  apv_answer_sink sink, void *arg, apv_err *err)
{
    struct many many = {.sql = sql, .params = params, .count = count, .sink = sink, .arg = arg};
    apv_err first = APV_ERR_NONE;
    enum attempt attempt;

    if (apv_db_forked(db))
        return apv_fail(err, APV_ERR_FORKED, "the connection belongs to the parent process");
    db->tries++;
    bool kept = db->conn != NULL;
    if (!kept && !connect_db(db, err))
        return false;
    many.deadline_ns = now_ns() + db->timeout_ms * NS_PER_MS;
    attempt = attempt_many(db, &many, &first);
    if (kept && attempt == ATTEMPT_LOST) {
        int64_t lost_ns = now_ns();
        if (!connect_db(db, err))
            return false;
        first = (apv_err)APV_ERR_NONE;
        many.deadline_ns += now_ns() - lost_ns;
        attempt = attempt_many(db, &many, &first);
    }
    if (attempt != ATTEMPT_DONE)
        *err = first;
    return attempt == ATTEMPT_DONE;
}

/* ---- scripts ---- */

/* Hands on what a COPY sends, until its end. */
static enum wait
take_copy(apv_db *db, const apv_script_sink *sink, bool *ok, apv_err *err)
{
    for (;;) {
        char *data = NULL;
        int size = PQgetCopyData(db->conn, &data, 1);
        if (size > 0) {
            *ok = sink->bytes(sink->arg, (apv_span){data, (size_t)size}, err);
            PQfreemem(data);
            if (!*ok)
                return WAIT_READY;
            continue;
        }
        if (size < 0)
            return WAIT_READY; /* the next result tells whether it ended well */
        enum wait wait =
            wait_until(db, PQsocket(db->conn), POLLIN, now_ns() + db->timeout_ms * NS_PER_MS);
        if (wait != WAIT_READY)
            return wait;
        if (PQconsumeInput(db->conn) == 0)
            return WAIT_BROKEN;
    }
}

static bool
take_head(const PGresult *result, const apv_script_sink *sink, apv_err *err)
{
    const char *values[APV_ARGS_MAX];
    size_t count = (size_t)PQnfields(result);

    if (PQntuples(result) != 1 || count > APV_ARGS_MAX)
        return apv_fail(err, APV_ERR_PROTOCOL, "the approval database answered with too many rows");
    for (size_t i = 0; i < count; i++)
        values[i] = PQgetvalue(result, 0, (int)i);
    return sink->head(sink->arg, values, count, err);
}

bool
apv_db_script(apv_db *db, const char *sql, const apv_script_sink *sink, apv_err *err)
{
    PGresult *result = NULL;
    enum wait wait = WAIT_READY;
    bool ok = true;

    if (apv_db_forked(db))
        return apv_fail(err, APV_ERR_FORKED, "the connection belongs to the parent process");
    db->tries++;
    if (db->conn != NULL && ended(db))
        drop(db);
    if (db->conn == NULL && !connect_db(db, err))
        return false;
    if (PQsendQuery(db->conn, sql) == 0)
        wait = WAIT_BROKEN;
    while (ok && wait == WAIT_READY) {
        PQclear(result);
        result = NULL;
        wait = next_result(db, now_ns() + db->timeout_ms * NS_PER_MS, &result);
        if (wait != WAIT_READY || result == NULL)
            break;
        switch (PQresultStatus(result)) {
        case PGRES_COMMAND_OK:
            break;
        case PGRES_TUPLES_OK:
            ok = take_head(result, sink, err);
            break;
        case PGRES_COPY_OUT:
            wait = take_copy(db, sink, &ok, err);
            break;
        default:
            fail_result(db, result, err);
            ok = false;
        }
    }
    PQclear(result);
    if (wait != WAIT_READY) {
        fail_wait(db, wait, err);
        return false;
    }
    if (!ok)
        drop(db); /* what else it would send is of no use */
    return ok;
}

/* ---- results ---- */

void
apv_result_free(apv_result **result)
{
    if (*result == NULL)
        return;
    PQclear((*result)->pg);
    free(*result);
    *result = NULL;
}

size_t
apv_result_rows(const apv_result *result)
{
    return (size_t)PQntuples(result->pg);
}

size_t
apv_result_columns(const apv_result *result)
{
    return (size_t)PQnfields(result->pg);
}

uint32_t
apv_result_type(const apv_result *result, size_t column)
{
    return PQftype(result->pg, (int)column);
}

apv_span
apv_result_peek(const apv_result *result, size_t row, size_t column)
{
    if (PQgetisnull(result->pg, (int)row, (int)column))
        return (apv_span){NULL, 0};
    return (apv_span){PQgetvalue(result->pg, (int)row, (int)column),
                      (size_t)PQgetlength(result->pg, (int)row, (int)column)};
}
