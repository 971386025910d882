/* validate.h - judging a return through any reader. */
#ifndef APV_VALIDATE_H
#define APV_VALIDATE_H

#include "apv.h"
#include "value_private.h"

/* Judges one return, whatever it stands in.
 *
 * reader, load: the return. Otherwise as apv_validate_msgpack.
 */
bool apv_validate(const apv_reader *reader, apv_value load, const apv_expected *expected,
                  apv_verdict **verdict, apv_err *err) APV_MUSTCHECK;

#endif
