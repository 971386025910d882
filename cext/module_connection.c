/* module_connection.c - the connections that the module keeps: a few per process and
 * settings, and asked only now and then while the database is away. */
#include "module_connection.h"

#include "module_error.h"

static bool
open_db(const module_handle_key *key, void **handle, apv_err *err)
{
    const apv_db_options options = {
        .conninfo = key->text,
        .connect_timeout_ms = key->numbers[0],
        .timeout_ms = key->numbers[1],
        .prepare = key->numbers[2],
    };
    apv_db *db;

    if (!apv_db_new(&options, &db, err))
        return false;
    *handle = db;
    return true;
}

static void
close_db(void *handle)
{
    apv_db *db = handle;
    apv_db_close(&db);
}

module_handles *
module_connections_new(void)
{
    /* A second connection pays, as PostgreSQL commits what two of them store with one flush
     * of the disk. Each more is one more that the server must have for every process. */
    static const module_handle_kind kind = {
        .what = "the connection to the approval database",
        .busy = APV_ERR_TIMEOUT,
        .places = 2,
        .kept = 16,
        .open = open_db,
        .close = close_db,
    };
    return module_handles_new(&kind);
}

struct job {
    bool (*work)(apv_db *db, void *arg, apv_err *err);
    void *arg;
};

/* The lesson of a call that did not succeed. */
static apv_lesson
lesson_of(const apv_db *db, const apv_err *err)
{
    if (apv_db_unreachable(db))
        return APV_LESSON_AWAY;
    return err->code == APV_ERR_DATABASE ? APV_LESSON_ANSWER : APV_LESSON_SILENCE;
}

static bool
do_job(module_use *use, void *arg, apv_err *err)
{
    const struct job *job = arg;
    apv_db *db = use->handle;
    const uint64_t tries = apv_db_tries(db);

    apv_db_on_signal(db, module_gil_interrupted, use->gil);
    bool ok = job->work(db, job->arg, err);
    apv_db_on_signal(db, NULL, NULL);
    /* A call that never asked the database, or that had no memory, learned nothing of it. */
    if (!use->gil->interrupted && err->code != APV_ERR_MEMORY && apv_db_tries(db) != tries)
        use->lesson = ok ? APV_LESSON_ANSWER : lesson_of(db, err);
    return ok;
}

bool
module_connection_try(const module_state *state, const apv_db_options *options,
                      bool (*work)(apv_db *db, void *arg, apv_err *err), void *arg, apv_err *err)
{
    const module_handle_key key = {
        .text = options->conninfo,
        .numbers = {options->connect_timeout_ms, options->timeout_ms, options->prepare},
    };
    struct job job = {work, arg};
    int64_t limit_ms = (int64_t)options->connect_timeout_ms + options->timeout_ms;

    return module_handles_use(state->connections, &key, limit_ms, do_job, &job, err);
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
