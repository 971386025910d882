/* db_script.c - several statements in one go, with a COPY among them. */
#include "db_pq.h"

#include <poll.h>

/* Hands on what a COPY sends, until its end. */
static enum apv_wait
take_copy(apv_db *db, const apv_script_sink *sink, bool *ok, apv_err *err)
{
    for (;;) {
        char *data = NULL;
        int size = PQgetCopyData(db->conn, &data, 1);
        if (size > 0) {
            *ok = sink->bytes(sink->arg, (apv_span){data, (size_t)size}, err);
            PQfreemem(data);
            if (!*ok)
                return APV_WAIT_READY;
            continue;
        }
        if (size < 0)
            return APV_WAIT_READY; /* the next result tells whether it ended well */
        enum apv_wait wait = apv_pq_wait(db, PQsocket(db->conn), POLLIN,
                                         apv_pq_now_ns() + db->timeout_ms * APV_NS_PER_MS);
        if (wait != APV_WAIT_READY)
            return wait;
        if (PQconsumeInput(db->conn) == 0)
            return APV_WAIT_BROKEN;
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
    enum apv_wait wait = APV_WAIT_READY;
    bool ok = true;

    if (apv_db_forked(db))
        return apv_fail(err, APV_ERR_FORKED, "the connection belongs to the parent process");
    db->tries++;
    if (db->conn != NULL && apv_pq_has_ended(db))
        apv_pq_close(db);
    if (db->conn == NULL && !apv_pq_connect(db, err))
        return false;
    if (PQsendQuery(db->conn, sql) == 0)
        wait = APV_WAIT_BROKEN;
    while (ok && wait == APV_WAIT_READY) {
        PQclear(result);
        result = NULL;
        wait = apv_pq_next_result(db, apv_pq_now_ns() + db->timeout_ms * APV_NS_PER_MS, &result);
        if (wait != APV_WAIT_READY || result == NULL)
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
            apv_pq_fail_result(db, result, err);
            ok = false;
        }
    }
    PQclear(result);
    if (wait != APV_WAIT_READY) {
        apv_pq_fail_wait(db, wait, err);
        return false;
    }
    if (!ok)
        apv_pq_close(db); /* what else it would send is of no use */
    return ok;
}
