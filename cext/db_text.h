/* db_text.h - what is said about failures of the database; never a setting or a value. */
#ifndef APV_DB_TEXT_H
#define APV_DB_TEXT_H

#include "apv_base.h"

/* Sets err for an error that the server reported. primary: its message, which is
 * shown only if the SQLSTATE is of our own class. Returns false. */
bool apv_fail_server(apv_err *err, const char *sqlstate, const char *primary);

/* Sets err for a failure to connect. detail: libpq's message, with severities and
 * SQLSTATEs only (PQERRORS_SQLSTATE); read, not shown. Returns false. */
bool apv_fail_connect(apv_err *err, const char *detail);

#endif
