/* db.c - a handle of the database: its life, one statement, results. */
#include "db_pq.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

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
        apv_pq_abandon(*db);
    else
        apv_pq_close(*db);
    if ((*db)->attached != NULL)
        (*db)->close_attached((*db)->attached);
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

void
apv_db_attach(apv_db *db, void *thing, void (*close)(void *thing))
{
    db->attached = thing;
    db->close_attached = close;
}

void *
apv_db_attached(const apv_db *db)
{
    return db->attached;
}

/* ---- statements ---- */

void
apv_pq_bind(struct apv_bound *bound, const apv_param *params, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        bound->types[i] = params[i].type;
        bound->values[i] = params[i].data;
        bound->sizes[i] = (int)params[i].size;
        bound->formats[i] = params[i].binary;
    }
}

/* Takes the whole answer to what was sent: one result, of the wanted status. */
static enum apv_attempt
take_answer(apv_db *db, ExecStatusType wanted, int64_t deadline_ns, PGresult **answer, apv_err *err)
{
    PGresult *result = NULL, *end = NULL;
    enum apv_attempt attempt = APV_ATTEMPT_DONE;
    enum apv_wait wait = apv_pq_next_result(db, deadline_ns, &result);

    if (wait == APV_WAIT_READY)
        wait = apv_pq_next_result(db, deadline_ns, &end);
    if (result == NULL || (wait != APV_WAIT_READY && PQresultStatus(result) == wanted)) {
        attempt = apv_pq_fail_wait(db, wait == APV_WAIT_READY ? APV_WAIT_BROKEN : wait, err);
    } else if (PQresultStatus(result) != wanted || end != NULL) {
        attempt = apv_pq_fail_result(db, result, err);
        if (wait != APV_WAIT_READY || end != NULL)
            apv_pq_close(db);
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
    size_t i = 0, size = strlen(sql);

    /* Most differ in their size already. */
    while (i < db->statement_count &&
           (db->statements[i].size != size || db->statements[i].count != count ||
            memcmp(db->statements[i].sql, sql, size) != 0 ||
            memcmp(db->statements[i].types, types, count * sizeof *types) != 0))
        i++;
    return i;
}

/* Prepares sql as the next statement of the connection. */
static enum apv_attempt
prepare(apv_db *db, const char *sql, const Oid *types, size_t count, int64_t deadline_ns,
        apv_err *err)
{
    struct apv_statement made = {.sql = strdup(sql),
                                 .size = strlen(sql),
                                 .count = count,
                                 .types = malloc(sizeof(Oid) * (count + 1))};
    PGresult *answer = NULL;
    enum apv_attempt attempt = APV_ATTEMPT_FAILED;

    if (made.sql == NULL || made.types == NULL) {
        apv_fail_memory(err);
        goto done;
    }
    memcpy(made.types, types, sizeof(Oid) * count);
    snprintf(made.name, sizeof made.name, "approval_%zu", db->statement_count);
    if (PQsendPrepare(db->conn, made.name, sql, (int)count, types) == 0) {
        attempt = apv_pq_fail_wait(db, APV_WAIT_BROKEN, err);
        goto done;
    }
    attempt = take_answer(db, PGRES_COMMAND_OK, deadline_ns, &answer, err);
    if (attempt == APV_ATTEMPT_DONE) {
        db->statements[db->statement_count++] = made;
        made = (struct apv_statement){.sql = NULL};
    }

done:
    PQclear(answer);
    free(made.types);
    free(made.sql);
    return attempt;
}

/* Does what is to be done while the server works on the statement that was sent, and puts the
 * deadline off by the time that takes. */
static enum apv_wait
do_meanwhile(apv_db *db, int64_t *deadline_ns)
{
    void (*work)(void *arg) = db->meanwhile;
    int flushed;

    /* The server begins when it has the whole statement. */
    while ((flushed = PQflush(db->conn)) == 1) {
        enum apv_wait wait = apv_pq_wait(db, PQsocket(db->conn), POLLIN | POLLOUT, *deadline_ns);
        if (wait != APV_WAIT_READY)
            return wait;
        if (PQconsumeInput(db->conn) == 0)
            return APV_WAIT_BROKEN;
    }
    if (flushed < 0)
        return APV_WAIT_BROKEN;
    int64_t start_ns = apv_pq_now_ns();
    db->meanwhile = NULL;
    work(db->meanwhile_arg);
    *deadline_ns += apv_pq_now_ns() - start_ns;
    return APV_WAIT_READY;
}

static enum apv_attempt
attempt_once(apv_db *db, const char *sql, const struct apv_bound *bound, size_t count,
             int64_t *deadline_ns, PGresult **answer, apv_err *err)
{
    size_t number = db->prepare ? find_statement(db, sql, bound->types, count) : APV_STATEMENTS_MAX;
    bool known = number < db->statement_count;
    enum apv_attempt attempt;
    int sent;

    if (number == db->statement_count && number < APV_STATEMENTS_MAX) {
        attempt = prepare(db, sql, bound->types, count, *deadline_ns, err);
        if (attempt != APV_ATTEMPT_DONE)
            return attempt;
    }
    if (number < APV_STATEMENTS_MAX) {
        sent = PQsendQueryPrepared(db->conn, db->statements[number].name, (int)count, bound->values,
                                   bound->sizes, bound->formats, 1);
    } else {
        sent = PQsendQueryParams(db->conn, sql, (int)count, bound->types, bound->values,
                                 bound->sizes, bound->formats, 1);
    }
    enum apv_wait wait = sent == 0 ? APV_WAIT_BROKEN : APV_WAIT_READY;
    if (wait == APV_WAIT_READY && db->meanwhile != NULL)
        wait = do_meanwhile(db, deadline_ns);
    if (wait != APV_WAIT_READY)
        return apv_pq_fail_wait(db, wait, err);
    attempt = take_answer(db, PGRES_TUPLES_OK, *deadline_ns, answer, err);
    return attempt == APV_ATTEMPT_STALE && !known ? APV_ATTEMPT_FAILED : attempt;
}

/* Every statement is a transaction of its own, so that one which had to give way to
 * another is simply run again. */
static enum apv_attempt
attempt_query(apv_db *db, const char *sql, const struct apv_bound *bound, size_t count,
              int64_t *deadline_ns, PGresult **answer, apv_err *err)
{
    enum apv_attempt attempt = attempt_once(db, sql, bound, count, deadline_ns, answer, err);

    for (int i = 0; i < APV_GIVE_WAYS_MAX && attempt == APV_ATTEMPT_AGAIN; i++) {
        *err = (apv_err)APV_ERR_NONE;
        attempt = attempt_once(db, sql, bound, count, deadline_ns, answer, err);
    }
    return attempt;
}

bool
apv_db_query(apv_db *db, const char *sql, const apv_param *params, size_t count, bool repeatable,
             apv_result **result, apv_err *err)
{
    struct apv_bound bound;
    enum apv_attempt attempt;
    PGresult *answer = NULL;
    apv_err first = APV_ERR_NONE;

    if (apv_db_forked(db))
        return apv_fail(err, APV_ERR_FORKED, "the connection belongs to the parent process");
    db->tries++;
    /* What may be done again finds out by itself, and saves the time to ask. */
    if (db->conn != NULL && !repeatable && apv_pq_has_ended(db))
        apv_pq_close(db);
    bool kept = db->conn != NULL;
    if (!kept && !apv_pq_connect(db, err))
        return false;

    apv_pq_bind(&bound, params, count);
    int64_t deadline_ns = apv_pq_now_ns() + db->timeout_ms * APV_NS_PER_MS;
    attempt = attempt_query(db, sql, &bound, count, &deadline_ns, &answer, &first);
    if (kept && (attempt == APV_ATTEMPT_STALE || (attempt == APV_ATTEMPT_LOST && repeatable))) {
        int64_t lost_ns = apv_pq_now_ns();
        apv_pq_close(db);
        if (!apv_pq_connect(db, err))
            return false;
        first = (apv_err)APV_ERR_NONE;
        deadline_ns += apv_pq_now_ns() - lost_ns;
        attempt = attempt_query(db, sql, &bound, count, &deadline_ns, &answer, &first);
    }
    if (attempt != APV_ATTEMPT_DONE) {
        *err = first;
        return false;
    }
    apv_result *made = apv_pq_result_new(answer, err);
    if (made == NULL)
        return false;
    *result = made;
    return true;
}

/* ---- results ---- */

apv_result *
apv_pq_result_new(PGresult *answer, apv_err *err)
{
    apv_result *result = malloc(sizeof *result);

    if (result == NULL) {
        PQclear(answer);
        apv_fail_memory(err);
        return NULL;
    }
    result->pg = answer;
    return result;
}

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
apv_result_size(const apv_result *result)
{
    return sizeof *result + PQresultMemorySize(result->pg);
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
