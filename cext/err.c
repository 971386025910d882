/* err.c - the one setter of errors. */
#include "apv_base.h"

#include "text.h"

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
    int size = vsnprintf(err->message, sizeof err->message, format, args);
    va_end(args);
    if (size < 0)
        err->message[0] = '\0';
    else if ((size_t)size >= sizeof err->message)
        /* Not through the middle of a character. */
        err->message[apv_utf8_whole(err->message, sizeof err->message - 1)] = '\0';
    return false;
}

bool
apv_fail_memory(apv_err *err)
{
    return apv_fail(err, APV_ERR_MEMORY, "out of memory");
}
