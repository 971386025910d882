/* value_json.h - reading JSON, through jansson. */
#ifndef APV_VALUE_JSON_H
#define APV_VALUE_JSON_H

#include "value_private.h"

/* Its members but for reader are value_json.c's own. */
typedef struct {
    apv_reader reader;
    void *tree;
} apv_json_reader;

/* Starts reading JSON.
 *
 * json: one whole value and nothing behind it; need not outlive the call. made, root: receive
 * the reader, to be used as made->reader, and its only value.
 * Errors: INVALID, MEMORY. Ownership: free what it holds with apv_reader_json_close.
 * Blocking: no.
 */
bool apv_reader_json(apv_span json, apv_json_reader *made, apv_value *root,
                     apv_err *err) APV_MUSTCHECK;
void apv_reader_json_close(apv_json_reader *made);

#endif
