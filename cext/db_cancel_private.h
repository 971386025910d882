/* db_cancel_private.h - what gives up cancels. Beside db_cancel.c only db_pq.h includes this file,
 * since it names libpq's types. */
#ifndef APV_DB_CANCEL_PRIVATE_H
#define APV_DB_CANCEL_PRIVATE_H

#include <libpq-fe.h>

typedef struct apv_cancel apv_cancel;

/* Asks the server to cancel what it does for conn, then closes conn: for a call that was given
 * up, since a server process that waits for a lock would not notice that nobody waits for it.
 * Both happen in a thread of their own, because libpq blocks while the server does not answer.
 * conn: taken; not NULL. cancel: what the last call left there, or NULL; while that one is
 * still at it conn is only closed, so that a server that is stopped costs one thread.
 * Does not block. */
void apv_cancel_start(apv_cancel **cancel, PGconn *conn);

/* Leaves what is under way to itself and sets *cancel to NULL; *cancel may be NULL. */
void apv_cancel_free(apv_cancel **cancel);

#endif
