/* apv.h - the C library of saltext-approval: what is expected of a minion, and what its
 * return proves. The rules at the head of apv_base.h hold here too.
 */
#ifndef APV_H
#define APV_H

#include "apv_base.h"

/* ---- items and digest ------------------------------------------------------ */

/* A resource and the value that it should have. */
typedef struct {
    apv_span kind;  /* "package", "service", "value" or the name of an action */
    apv_span name;  /* of the resource */
    apv_span type;  /* of the value: "version", "latest", "absent", "state", "json" */
    apv_span value; /* data NULL: must be absent */
} apv_item;

/* A resource and the value that it was found to have. */
typedef struct {
    apv_span kind;
    apv_span name;
    apv_span value; /* data NULL: it was absent */
} apv_observation;

#define APV_DIGEST_SIZE 72       /* "sha256:", 64 digits, NUL */
#define APV_MAC_SIZE 65          /* 64 digits, NUL */
#define APV_EVIDENCE_KEY_SIZE 32 /* raw bytes */

/* The digest of a minion's approved state.
 *
 * minion_id; revision: 0 or more; items: in any order, count of them.
 * digest: receives "sha256:" and 64 lower-case hex digits.
 * Errors: INVALID (two items with the same kind and name), MEMORY. Blocking: no.
 */
bool apv_digest(apv_span minion_id, int64_t revision, const apv_item *items, size_t count,
                char digest[APV_DIGEST_SIZE], apv_err *err) APV_MUSTCHECK;

/* 64 hex digits to raw bytes. False, and key untouched, unless it is that. */
bool apv_evidence_key_parse(apv_span hex, unsigned char key[APV_EVIDENCE_KEY_SIZE]) APV_MUSTCHECK;

/* ---- validation ------------------------------------------------------------
 * docs/validation.md tells how a verdict is reached.
 */

typedef enum {
    APV_CONVERGED,
    APV_PARTIAL,
    APV_FAILED,
    APV_NOT_APPLIED,
    APV_DRIFT,
    APV_INVALID,
    APV_UNPROVEN
} apv_outcome;

/* "converged", "partial", ... Static. */
const char *apv_outcome_name(apv_outcome outcome);

/* What a return is held against. Only what is given is checked. */
typedef struct {
    apv_span minion; /* data NULL: every minion that the return speaks for */
    bool has_revision;
    int64_t revision;
    apv_span digest;                   /* data NULL: any */
    const unsigned char *evidence_key; /* APV_EVIDENCE_KEY_SIZE bytes, or NULL: no mac is checked */
    const apv_item *items;             /* their type is not read */
    size_t count;
} apv_expected;

typedef struct {
    const apv_item *item; /* of what was expected */
    apv_span minion;      /* data NULL: the return doesn't say which */
    apv_span kind;
    apv_span name;
    apv_outcome verdict; /* never PARTIAL or INVALID */
    const char *reason;  /* a short code; static */
    const char *source;  /* "evidence", "observation", "changes", "return", "fun_args" or "none" */
    apv_span expected;   /* data NULL: must be absent */
    apv_span observed;   /* data NULL: no value was seen */
    apv_span text;       /* one sentence for people */
} apv_finding;

/* The answer for one return. All that it points to belongs to it, but for the items of findings
 * and the texts that these have from them. */
typedef struct {
    apv_outcome verdict;
    bool authenticated; /* evidence with a valid mac for the expected revision and digest */
    bool has_revision;  /* the return claims a revision */
    int64_t revision;   /* the claimed one, whether or not it is authenticated */
    apv_span run_id;    /* of the evidence; data NULL: none */
    apv_span boot_id;   /* the same */
    const apv_finding *findings; /* minion by minion, in the order of the items */
    size_t finding_count;
    const apv_span *unapproved; /* packages changed that no item names */
    size_t unapproved_count;
    const apv_observation *before; /* of the evidence: what was there before first applied */
    size_t before_count;
} apv_verdict;

/* Judges one return in msgpack or JSON bytes.
 *
 * load: the return; nothing in it is trusted, and nothing in it is an error: what cannot be
 * parsed has the verdict APV_INVALID.
 * expected: its items and their texts must outlive the verdict, which borrows them.
 * verdict: receives the answer; free it with apv_verdict_free.
 * Errors: INVALID (expected is unusable: two items with the same kind and name, an
 * empty name), MEMORY. Blocking: no. Time: linear in the return and in the items.
 */
bool apv_validate_msgpack(apv_span load, const apv_expected *expected, apv_verdict **verdict,
                          apv_err *err) APV_MUSTCHECK;
bool apv_validate_json(apv_span load, const apv_expected *expected, apv_verdict **verdict,
                       apv_err *err) APV_MUSTCHECK;

void apv_verdict_free(apv_verdict **verdict);

/* What a return says of itself. All of it is a claim. */
typedef struct {
    apv_span minion; /* data NULL: not given; so for all spans */
    apv_span jid;
    apv_span fun;    /* of a job with several functions: the first */
    int64_t retcode; /* of several: the first that isn't 0 */
    bool success;    /* not given: retcode is 0 */
    bool has_revision;
    int64_t revision; /* of the evidence */
    /* Whether it may show anything of what is approved. If not, its verdict is invalid whatever
     * it is held against, it has no authentic evidence, and no finding of it is converged. */
    bool can_prove;
} apv_return;

/* Reads the head of a return in msgpack bytes.
 *
 * head: borrows from load. Errors: INVALID (no msgpack, or not a map). Blocking: no.
 */
bool apv_return_read(apv_span load, apv_return *head, apv_err *err) APV_MUSTCHECK;

#endif
