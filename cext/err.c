/* err.c - the one setter of errors. */
#include "apv_private.h"

#include <stdarg.h>
#include <stdio.h>

bool
apv_fail(apv_err *err, apv_code code, const char *format, ...)
{
    if (err->code != APV_OK)
        return false;
    err->code = code;

    va_list args;
    va_start(args, format);
    /* Truncates and terminates; a message that cannot be formatted stays empty. */
    if (vsnprintf(err->message, sizeof err->message, format, args) < 0)
        err->message[0] = '\0';
    va_end(args);
    return false;
}
