/* evidence.h - what the states of the module approval returned. */
#ifndef APV_EVIDENCE_H
#define APV_EVIDENCE_H

#include "apv.h"
#include "arena.h"
#include "value_private.h"

/* The sections of evidence, in the order in which its mac covers them. */
typedef enum {
    APV_SECTION_OBSERVED, /* what was there at the end */
    APV_SECTION_BEFORE,   /* what was there before it was first applied */
    APV_SECTION_MEETS,  /* as approved: what the platform holds observed to be, spelled otherwise */
    APV_SECTION_ERRORS, /* why a resource is not as approved, or could not be read */
    APV_SECTION_NOTES,  /* what has to be told of a resource, and moves no verdict */
    APV_SECTION_COUNT
} apv_section;

/* Sorted bytewise by (kind, name), no two the same. */
typedef struct {
    apv_observation *items;
    size_t count;
} apv_observations;

/* The evidence of approval.converged, checked for its shape. Borrows from the load. */
typedef struct {
    int64_t format; /* 1 or 2 */
    apv_span minion;
    int64_t revision;
    apv_span digest, run_id, boot_id;
    apv_span mac; /* data NULL: none given */
    /* Format 1 has no meets and no notes, and its errors are outside of its mac. */
    apv_observations sections[APV_SECTION_COUNT];
} apv_evidence;

/* Errors: INVALID (not of that shape), MEMORY. Takes arrays from arena. */
bool apv_evidence_read(const apv_reader *reader, apv_value value, apv_arena *arena,
                       apv_evidence *evidence, apv_err *err) APV_MUSTCHECK;

/* The mac that evidence must carry to prove which minion spoke.
 *
 * reader, evidence: what a state of ours returned under `approval`; its own `mac`
 * is not read. key: the evidence key of the revision, raw.
 * mac: receives 64 lower-case hex digits.
 * Errors: INVALID (not of the shape of evidence), MEMORY. Blocking: no.
 */
bool apv_evidence_mac(const apv_reader *reader, apv_value evidence,
                      const unsigned char key[APV_EVIDENCE_KEY_SIZE], char mac[APV_MAC_SIZE],
                      apv_err *err) APV_MUSTCHECK;

/* The same for evidence that was read. (digest.c)
 * Errors: INVALID (a text longer than 4 GiB), MEMORY. */
bool apv_evidence_sign(const apv_evidence *evidence, const unsigned char key[APV_EVIDENCE_KEY_SIZE],
                       char mac[APV_MAC_SIZE], apv_err *err) APV_MUSTCHECK;

#define APV_KEY_DIGEST_SIZE 32

/* sha256 of an evidence key, which names the key and does not give it away. Errors: MEMORY. */
bool apv_key_digest(const unsigned char key[APV_EVIDENCE_KEY_SIZE],
                    char digest[APV_KEY_DIGEST_SIZE], apv_err *err) APV_MUSTCHECK;

#endif
