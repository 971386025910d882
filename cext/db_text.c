/* db_text.c - what we say about failures of the database.
 *
 * These texts reach minions, tickets and logs. libpq's and the server's own
 * messages name hosts, users, settings and values, so none is passed on: the
 * words below are all there are, chosen by SQLSTATE (server) or by recognizing
 * libpq's message (no SQLSTATE there). Only our own SQLSTATE class, AP, whose
 * messages our functions write for people, is quoted.
 */
#include "db_text.h"

#include "text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* A prefix of SQLSTATEs and what it means here; the first that fits counts. */
static const struct {
    const char *prefix;
    apv_code code;
    const char *text;
} sqlstates[] = {
    {"08", APV_ERR_UNAVAILABLE, "the connection to the approval database failed"},
    {"25006", APV_ERR_DATABASE, "the approval database is read-only: is it a standby?"},
    {"26000", APV_ERR_DATABASE,
     "the approval database lost its prepared statements: behind PgBouncer set prepare to false"},
    {"28", APV_ERR_DATABASE, "the approval database refused the login"},
    {"3D000", APV_ERR_DATABASE, "the approval database does not exist"},
    {"3F000", APV_ERR_DATABASE,
     "the approval database has no schema approval: run salt-approval db init"},
    {"40", APV_ERR_DATABASE, "the approval database gave the call up for another one"},
    {"42501", APV_ERR_DATABASE, "this login may not do that in the approval database"},
    {"42883", APV_ERR_DATABASE,
     "the approval database has no such function: run salt-approval db upgrade"},
    {"42P05", APV_ERR_DATABASE,
     "prepared statements clash in the approval database: behind PgBouncer set prepare to false"},
    {"53", APV_ERR_UNAVAILABLE,
     "the approval database is out of resources (connections, memory or disk)"},
    {"55P03", APV_ERR_TIMEOUT, "the approval database waited too long for a lock"},
    {"57014", APV_ERR_TIMEOUT, "the approval database canceled the call"},
    {"57P", APV_ERR_UNAVAILABLE, "the approval database is starting up or shutting down"},
    {"", APV_ERR_DATABASE, "the approval database refused the call"},
};

/* Index into sqlstates; the last one fits all. */
static size_t
find_sqlstate(const char *sqlstate)
{
    size_t i = 0;
    while (strncmp(sqlstate, sqlstates[i].prefix, strlen(sqlstates[i].prefix)) != 0)
        i++;
    return i;
}

bool
apv_fail_server(apv_err *err, const char *sqlstate, const char *primary)
{
    size_t i = find_sqlstate(sqlstate);

    if (strncmp(sqlstate, "AP", 2) == 0 && primary != NULL)
        apv_fail(err, APV_ERR_DATABASE, "%.*s",
                 (int)apv_utf8_truncate(primary, strlen(primary), sizeof err->message - 1),
                 primary);
    else
        apv_fail(err, sqlstates[i].code, "%s (SQLSTATE %.5s)", sqlstates[i].text, sqlstate);
    snprintf(err->sqlstate, sizeof err->sqlstate, "%.5s", sqlstate);
    return false;
}

/* The SQLSTATE at the end of libpq's last line, "FATAL:  28P01" in whatever
 * language; false when the failure did not come from a server. */
static bool
last_sqlstate(const char *detail, char sqlstate[6])
{
    static const char alphabet[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    size_t size = strlen(detail);

    while (size > 0 && detail[size - 1] == '\n')
        size--;
    if (size < 8 || strncmp(detail + size - 8, ":  ", 3) != 0)
        return false;
    memcpy(sqlstate, detail + size - 5, 5);
    sqlstate[5] = '\0';
    return strspn(sqlstate, alphabet) == 5;
}

static bool
mentions_errno(const char *detail, int number)
{
    char text[128];
    return strerror_r(number, text, sizeof text) == 0 && strstr(detail, text) != NULL;
}

static const char *
connect_reason(const char *detail)
{
    static const struct {
        int number;
        const char *text;
    } errors[] = {
        {ECONNREFUSED, "connection refused"},      {ENOENT, "there is no server on that socket"},
        {EACCES, "no permission for that socket"}, {ETIMEDOUT, "no answer"},
        {EHOSTUNREACH, "no route to the host"},    {ENETUNREACH, "the network is unreachable"},
        {ECONNRESET, "connection reset"},
    };
    static const struct {
        const char *words;
        const char *text;
    } phrases[] = {
        {"could not translate host name", "the host name cannot be resolved"},
        {"definition of service", "there is no such service definition"},
        {"session is read-only", "no server there takes writes"},
        {"session is not read-only", "no server there is read-only"},
        {"server is in hot standby mode", "no server there is the primary"},
        {"server is not in hot standby mode", "no server there is a standby"},
        {"no password supplied", "a password is needed and none is set"},
        {"certificate", "the TLS certificate was not accepted"},
        {"SSL", "TLS could not be agreed on"},
        {"server closed the connection", "the server closed the connection"},
    };
    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++)
        if (mentions_errno(detail, errors[i].number))
            return errors[i].text;
    for (size_t i = 0; i < sizeof phrases / sizeof phrases[0]; i++)
        if (strstr(detail, phrases[i].words) != NULL)
            return phrases[i].text;
    return "check its connection settings and the network";
}

bool
apv_fail_connect(apv_err *err, const char *detail)
{
    char sqlstate[6];

    if (last_sqlstate(detail, sqlstate))
        return apv_fail_server(err, sqlstate, NULL);
    return apv_fail(err, APV_ERR_UNAVAILABLE, "the approval database cannot be reached: %s",
                    connect_reason(detail));
}
