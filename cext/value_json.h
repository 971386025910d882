/* value_json.h - readers for JSON, through jansson. */
#ifndef APV_VALUE_JSON_H
#define APV_VALUE_JSON_H

#include "value_private.h"

/* Makes a reader for JSON.
 *
 * json: one whole value and nothing behind it; need not outlive the call.
 * Errors: INVALID, MEMORY. Ownership: close the reader with apv_reader_json_close.
 * Blocking: no. */
bool apv_reader_json(apv_span json, apv_reader *reader, apv_value *root,
                     apv_err *err) APV_MUSTCHECK;
void apv_reader_json_close(apv_reader *reader);

#endif
