/* support_db.h - tests against the server that APV_TEST_DSN names: a superuser's connection
 * string for a database with the schema, which the tests add a few functions to. Without it
 * there is nothing to test. */
#ifndef SUPPORT_DB_H
#define SUPPORT_DB_H

#include "apv_db.h"

/* Makes functions test_backend, test_sleep and test_echo in schema approval: setup of a group. */
int support_make_functions(void **state);

/* The connection string; skips the test if there is none. */
const char *support_dsn(void);

/* Runs SQL beside the library. Fails the test if the server refuses it. */
void support_run_sql(const char *sql);

/* A handle; close it with apv_db_close. */
apv_db *support_open_db(int timeout_ms, bool prepare);

/* The process of the server that answers a handle's calls. */
int32_t support_backend(apv_db *db);

void support_assert_call_fails(apv_db *db, const char *function, const apv_arg *args, size_t count,
                               bool repeatable, apv_code code);

/* Does work with ever more allocations that succeed: each failure is told, costs nothing but that
 * call, and leaks nothing. bears: work may succeed without some of them. */
void support_assert_no_memory(bool (*work)(apv_db *db, apv_err *err), bool bears);

#endif
