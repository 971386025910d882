/* db_many.c - one statement many times, several executions on their way at once. */
#include "db_pq.h"

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
static enum apv_attempt
hand_answer(struct many *many, apv_result *result, const apv_err *refused, apv_err *err)
{
    size_t index = many->next++;

    many->given_ways = 0;
    return many->sink(many->arg, index, result, refused, err) ? APV_ATTEMPT_DONE
                                                              : APV_ATTEMPT_FAILED;
}

/* Takes the answer to a statement in a pipeline: a result, and then a NULL. */
static enum apv_attempt
take_piped(apv_db *db, int64_t deadline_ns, PGresult **answer, apv_err *err)
{
    PGresult *result = NULL, *end = NULL;
    enum apv_wait wait = apv_pq_next_result(db, deadline_ns, &result);

    if (wait == APV_WAIT_READY && result != NULL)
        wait = apv_pq_next_result(db, deadline_ns, &end);
    if (wait == APV_WAIT_READY && result != NULL && end == NULL) {
        *answer = result;
        return APV_ATTEMPT_DONE;
    }
    PQclear(end);
    PQclear(result);
    return apv_pq_fail_wait(db, wait == APV_WAIT_READY ? APV_WAIT_BROKEN : wait, err);
}

static enum apv_attempt
take_rows(apv_db *db, struct many *many, PGresult *answer, apv_err *err)
{
    apv_err refused = APV_ERR_NONE;
    enum apv_attempt attempt;

    if (PQresultStatus(answer) == PGRES_TUPLES_OK) {
        apv_result *result = apv_pq_result_new(answer, err);
        return result == NULL ? APV_ATTEMPT_FAILED : hand_answer(many, result, NULL, err);
    }
    attempt = apv_pq_fail_result(db, answer, &refused);
    PQclear(answer);
    if (db->conn == NULL) {
        *err = refused;
        return attempt;
    }
    if ((attempt == APV_ATTEMPT_AGAIN || attempt == APV_ATTEMPT_STALE) &&
        many->given_ways++ < APV_GIVE_WAYS_MAX)
        return APV_ATTEMPT_DONE;
    return hand_answer(many, NULL, &refused, err);
}

static bool
send_flight(apv_db *db, const struct many *many, size_t size)
{
    struct apv_bound bound;

    apv_pq_bind(&bound, &many->params[many->next], 1);
    if (PQsendPrepare(db->conn, "", many->sql, 1, bound.types) == 0)
        return false;
    for (size_t i = 0; i < size; i++) {
        apv_pq_bind(&bound, &many->params[many->next + i], 1);
        if (PQsendQueryPrepared(db->conn, "", 1, bound.values, bound.sizes, bound.formats, 1) == 0)
            return false;
    }
    return PQpipelineSync(db->conn) != 0;
}

/* Sends the next executions and takes their answers. They are one transaction, which even a
 * PgBouncer in transaction mode leaves with one server, so that the statement without a name
 * serves all of them. After one that failed the server skips the others: they are for the
 * next flight. */
static enum apv_attempt
attempt_flight(apv_db *db, struct many *many, apv_err *err)
{
    size_t left = many->count - many->next, size = left < FLIGHT_MAX ? left : FLIGHT_MAX;
    PGresult *answer = NULL, *end = NULL;
    enum apv_attempt attempt;

    if (!send_flight(db, many, size))
        return apv_pq_fail_wait(db, APV_WAIT_BROKEN, err);
    attempt = take_piped(db, many->deadline_ns, &answer, err);
    if (attempt != APV_ATTEMPT_DONE)
        return attempt;
    if (PQresultStatus(answer) != PGRES_COMMAND_OK)
        attempt = apv_pq_fail_result(db, answer, err);
    PQclear(answer);
    for (size_t i = 0; i < size && attempt == APV_ATTEMPT_DONE; i++) {
        attempt = take_piped(db, many->deadline_ns, &answer, err);
        if (attempt == APV_ATTEMPT_DONE && PQresultStatus(answer) == PGRES_PIPELINE_ABORTED)
            PQclear(answer);
        else if (attempt == APV_ATTEMPT_DONE)
            attempt = take_rows(db, many, answer, err);
    }
    if (attempt != APV_ATTEMPT_DONE)
        return attempt;
    enum apv_wait wait = apv_pq_next_result(db, many->deadline_ns, &end);
    bool ended_well = wait == APV_WAIT_READY && PQresultStatus(end) == PGRES_PIPELINE_SYNC;
    PQclear(end);
    return ended_well ? APV_ATTEMPT_DONE
                      : apv_pq_fail_wait(db, wait == APV_WAIT_READY ? APV_WAIT_BROKEN : wait, err);
}

/* Goes on with what has no answer yet. On failure there is no connection any more. */
static enum apv_attempt
attempt_many(apv_db *db, struct many *many, apv_err *err)
{
    enum apv_attempt attempt = APV_ATTEMPT_DONE;

    if (PQenterPipelineMode(db->conn) == 0)
        return apv_pq_fail_wait(db, APV_WAIT_BROKEN, err);
    while (attempt == APV_ATTEMPT_DONE && many->next < many->count)
        attempt = attempt_flight(db, many, err);
    if (attempt != APV_ATTEMPT_DONE || PQexitPipelineMode(db->conn) == 0)
        apv_pq_close(db);
    return attempt;
}

bool
apv_db_query_many(apv_db *db, const char *sql, const apv_param *params, size_t count,
                  apv_answer_sink sink, void *arg, apv_err *err)
{
    struct many many = {.sql = sql, .params = params, .count = count, .sink = sink, .arg = arg};
    apv_err first = APV_ERR_NONE;
    enum apv_attempt attempt;

    if (apv_db_forked(db))
        return apv_fail(err, APV_ERR_FORKED, "the connection belongs to the parent process");
    db->tries++;
    bool kept = db->conn != NULL;
    if (!kept && !apv_pq_connect(db, err))
        return false;
    many.deadline_ns = apv_pq_now_ns() + db->timeout_ms * APV_NS_PER_MS;
    attempt = attempt_many(db, &many, &first);
    if (kept && attempt == APV_ATTEMPT_LOST) {
        int64_t lost_ns = apv_pq_now_ns();
        if (!apv_pq_connect(db, err))
            return false;
        first = (apv_err)APV_ERR_NONE;
        many.deadline_ns += apv_pq_now_ns() - lost_ns;
        attempt = attempt_many(db, &many, &first);
    }
    if (attempt != APV_ATTEMPT_DONE)
        *err = first;
    return attempt == APV_ATTEMPT_DONE;
}
