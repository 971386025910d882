/* db_close.c - the three ways to let a connection go. */
#include "db_pq.h"

#include <stdlib.h>
#include <unistd.h>

static void
free_statements(apv_db *db)
{
    for (size_t i = 0; i < db->statement_count; i++) {
        free(db->statements[i].sql);
        free(db->statements[i].types);
    }
    db->statement_count = 0;
}

void
apv_pq_close(apv_db *db)
{
    free_statements(db);
    PQfinish(db->conn);
    db->conn = NULL;
}

void
apv_pq_give_up(apv_db *db)
{
    free_statements(db);
    apv_cancel_start(&db->cancel, db->conn);
    db->conn = NULL;
}

void
apv_pq_abandon(apv_db *db)
{
    struct stat now;
    int fd = PQsocket(db->conn);

    if (fd >= 0 && fstat(fd, &now) == 0 && now.st_dev == db->socket.st_dev &&
        now.st_ino == db->socket.st_ino)
        close(fd);
    free_statements(db);
    db->conn = NULL;
}
