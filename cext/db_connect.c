/* db_connect.c - opening a connection, to several hosts in turn. */
#include "db_pq.h"

#include "db_text.h"
#include "hosts.h"

#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

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
    /* A keyword behind dbname overrides the same one in the conninfo. */
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

/* Drives conn until it is connected or has failed (APV_WAIT_READY: PQstatus tells), or
 * until one host has used up its share of the time (APV_WAIT_DEADLINE). */
static enum apv_wait
finish_connecting(const apv_db *db, PGconn *conn, int64_t deadline_ns)
{
    PostgresPollingStatusType status = PGRES_POLLING_WRITING;
    const char *host = NULL;
    int64_t share_ns = (deadline_ns - apv_pq_now_ns()) / (int64_t)host_count(conn),
            share_end_ns = 0;

    while (PQstatus(conn) != CONNECTION_BAD && status != PGRES_POLLING_OK &&
           status != PGRES_POLLING_FAILED) {
        if (host == NULL || host != PQhost(conn)) {
            host = PQhost(conn);
            share_end_ns = apv_pq_now_ns() + share_ns;
        }
        int64_t end_ns = share_end_ns < deadline_ns ? share_end_ns : deadline_ns;
        enum apv_wait wait = apv_pq_wait(
            db, PQsocket(conn), status == PGRES_POLLING_READING ? POLLIN : POLLOUT, end_ns);
        if (wait != APV_WAIT_READY)
            return wait;
        status = PQconnectPoll(conn);
    }
    return APV_WAIT_READY;
}

/* Opens the connection. libpq goes from a host that refuses to the next by itself,
 * but waits for ever at one that does not answer; that one we leave out and start over. */
bool
apv_pq_connect(apv_db *db, apv_err *err)
{
    int64_t deadline_ns = apv_pq_now_ns() + db->connect_timeout_ms * APV_NS_PER_MS;
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
        enum apv_wait wait = finish_connecting(db, conn, deadline_ns);
        if (wait == APV_WAIT_READY && PQstatus(conn) == CONNECTION_OK)
            break;
        if (wait == APV_WAIT_READY || wait == APV_WAIT_BROKEN) {
            apv_fail_connect(err, PQerrorMessage(conn));
            goto done;
        }
        if (wait == APV_WAIT_INTERRUPTED) {
            apv_fail(err, APV_ERR_UNAVAILABLE,
                     "connecting to the approval database was interrupted");
            goto done;
        }
        if (apv_pq_now_ns() >= deadline_ns || !skip_host(conn, &hosts)) {
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
bool
apv_pq_has_ended(const apv_db *db)
{
    struct pollfd waited = {.fd = PQsocket(db->conn), .events = POLLIN};

    while (poll(&waited, 1, 0) > 0) {
        if (PQconsumeInput(db->conn) == 0)
            return true;
        (void)PQisBusy(db->conn); /* parses what came */
    }
    return PQstatus(db->conn) != CONNECTION_OK;
}
