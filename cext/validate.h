/* validate.h - judging a return through any reader. */
#ifndef APV_VALIDATE_H
#define APV_VALIDATE_H

#include "apv.h"
#include "value_private.h"

/* Takes the findings as they are concluded: minion by minion, in the order of the items. */
typedef struct {
    /* finding: its texts live until this returns; those that are an item's, kind, reason and
     * minion as long as the verdict and the items, so that they may be compared by address.
     * False: there is no memory, which ends the validation. */
    bool (*take)(void *arg, const apv_finding *finding);
    void *arg;
} apv_finding_sink;

/* Judges one return, whatever it stands in.
 *
 * reader, load: the return, which nobody may change meanwhile. sink: takes the findings, which
 * then are not in the verdict; NULL: the verdict keeps them. Otherwise as apv_validate_msgpack.
 */
bool apv_validate(const apv_reader *reader, apv_value load, const apv_expected *expected,
                  const apv_finding_sink *sink, apv_verdict **verdict, apv_err *err) APV_MUSTCHECK;

/* apv_validate_msgpack and apv_validate_json with a sink, as apv_validate has it. */
bool apv_judge_msgpack(apv_span load, const apv_expected *expected, const apv_finding_sink *sink,
                       apv_verdict **verdict, apv_err *err) APV_MUSTCHECK;
bool apv_judge_json(apv_span load, const apv_expected *expected, const apv_finding_sink *sink,
                    apv_verdict **verdict, apv_err *err) APV_MUSTCHECK;

#endif
