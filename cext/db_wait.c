/* db_wait.c - waiting for the server, and what becomes of the connection when that fails. */
#include "db_pq.h"

#include "db_text.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <time.h>

int64_t
apv_pq_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 * APV_NS_PER_MS + now.tv_nsec;
}

/* Waits until fd is ready for events, or the deadline; signals use up no time. */
enum apv_wait
apv_pq_wait(const apv_db *db, int fd, short events, int64_t deadline_ns)
{
    struct pollfd waited = {.fd = fd, .events = events};

    for (;;) {
        int64_t left_ns = deadline_ns - apv_pq_now_ns();
        if (left_ns <= 0)
            return APV_WAIT_DEADLINE;
        int64_t left_ms = (left_ns + APV_NS_PER_MS - 1) / APV_NS_PER_MS;
        int ready = poll(&waited, 1, left_ms > INT_MAX ? INT_MAX : (int)left_ms);
        if (ready > 0)
            return APV_WAIT_READY;
        if (ready < 0 && errno != EINTR)
            return APV_WAIT_BROKEN;
        if (ready < 0 && db->interrupted != NULL && db->interrupted(db->interrupted_arg))
            return APV_WAIT_INTERRUPTED;
    }
}

enum apv_attempt
apv_pq_fail_wait(apv_db *db, enum apv_wait wait, apv_err *err)
{
    enum apv_attempt attempt = APV_ATTEMPT_FAILED;

    if (wait == APV_WAIT_DEADLINE) {
        apv_fail(err, APV_ERR_TIMEOUT, "the approval database did not answer within %d ms",
                 db->timeout_ms);
    } else if (wait == APV_WAIT_INTERRUPTED) {
        apv_fail(err, APV_ERR_UNAVAILABLE, "the call to the approval database was interrupted");
    } else {
        apv_fail(err, APV_ERR_UNAVAILABLE, "the connection to the approval database was lost");
        attempt = APV_ATTEMPT_LOST;
    }
    /* The connection's next answer belongs to the call that was given up. */
    if (attempt == APV_ATTEMPT_LOST)
        apv_pq_close(db);
    else
        apv_pq_give_up(db);
    return attempt;
}

/* Waits for the next result of what was sent; NULL: there is none left. */
enum apv_wait
apv_pq_next_result(apv_db *db, int64_t deadline_ns, PGresult **result)
{
    for (;;) {
        int flushed = PQflush(db->conn);
        if (flushed < 0)
            return APV_WAIT_BROKEN;
        if (flushed == 0 && !PQisBusy(db->conn)) {
            *result = PQgetResult(db->conn);
            return APV_WAIT_READY;
        }
        enum apv_wait wait = apv_pq_wait(
            db, PQsocket(db->conn), (short)(flushed == 1 ? POLLIN | POLLOUT : POLLIN), deadline_ns);
        if (wait != APV_WAIT_READY)
            return wait;
        if (PQconsumeInput(db->conn) == 0)
            return APV_WAIT_BROKEN;
    }
}

enum apv_attempt
apv_pq_fail_result(apv_db *db, const PGresult *result, apv_err *err)
{
    const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);

    if (PQresultStatus(result) != PGRES_FATAL_ERROR) {
        apv_fail(err, APV_ERR_PROTOCOL,
                 "the approval database answered with something else than rows");
        apv_pq_close(db);
        return APV_ATTEMPT_FAILED;
    }
    if (sqlstate == NULL || PQstatus(db->conn) != CONNECTION_OK ||
        strncmp(sqlstate, "57P", 3) == 0) {
        if (sqlstate == NULL)
            apv_fail(err, APV_ERR_UNAVAILABLE, "the connection to the approval database was lost");
        else
            apv_fail_server(err, sqlstate, NULL);
        apv_pq_close(db);
        return APV_ATTEMPT_LOST;
    }
    apv_fail_server(err, sqlstate, PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY));
    /* feature_not_supported: "cached plan must not change result type", after an
     * upgrade of the schema; invalid_sql_statement_name: somebody deallocated it. */
    if (strcmp(sqlstate, "0A000") == 0 || strcmp(sqlstate, "26000") == 0)
        return APV_ATTEMPT_STALE;
    /* serialization_failure, deadlock_detected: rolled back, and the other is done soon. */
    if (strcmp(sqlstate, "40001") == 0 || strcmp(sqlstate, "40P01") == 0)
        return APV_ATTEMPT_AGAIN;
    return APV_ATTEMPT_FAILED;
}
