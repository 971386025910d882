/* point_read.c - reads documents with libpq alone: the floor under every pillar.
 *
 *     point_read CONNINFO SQL
 *
 * Reads lines "ID ID ..." and for each id runs the SQL, prepared and with binary results, without
 * looking at the answer; prints for each line the times in nanoseconds, one behind the other.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <libpq-fe.h>

static long long
now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static int
fail(PGconn *conn)
{
    fprintf(stderr, "point_read: %s", PQerrorMessage(conn));
    PQfinish(conn);
    return EXIT_FAILURE;
}

int
main(int argc, char **argv)
{
    static char line[1 << 20];

    if (argc != 3) {
        fprintf(stderr, "usage: point_read CONNINFO SQL\n");
        return EXIT_FAILURE;
    }
    PGconn *conn = PQconnectdb(argv[1]);
    if (PQstatus(conn) != CONNECTION_OK)
        return fail(conn);
    PGresult *prepared = PQprepare(conn, "read", argv[2], 1, NULL);
    ExecStatusType status = PQresultStatus(prepared);
    PQclear(prepared);
    if (status != PGRES_COMMAND_OK)
        return fail(conn);

    while (fgets(line, sizeof line, stdin) != NULL) {
        for (char *id = strtok(line, " \n"); id != NULL; id = strtok(NULL, " \n")) {
            const char *const values[] = {id};
            long long start = now_ns();
            PGresult *row = PQexecPrepared(conn, "read", 1, values, NULL, NULL, 1);
            long long took = now_ns() - start;
            int rows = PQntuples(row);
            PQclear(row);
            if (rows != 1)
                return fail(conn);
            printf("%lld ", took);
        }
        printf("\n");
        fflush(stdout);
    }
    PQfinish(conn);
    return EXIT_SUCCESS;
}
