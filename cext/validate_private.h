/* validate_private.h - what the files of the validator share.
 *
 * validate.c           entry, grouping by minion, the verdict over all findings
 * validate_load.c      the shapes of loads: which minion, which function, which return
 * validate_chunk.c     one chunk of a state run
 * validate_arguments.c what a job was asked to do (fun_args)
 * validate_state.c     the return of a state run: its chunks, in the order they ran
 * validate_resource.c  chunks of package and service states
 * validate_comment.c   what their comments say
 * validate_changes.c   what changed: {name: {old, new}} and its relatives
 * validate_function.c  returns of execution functions, and module.run
 * validate_evidence.c  evidence of approval.converged, approval.observed, approval.performed;
 *                      approval.observe, whose return is that of approval.observed
 * validate_slot.c      what is known of each expected resource so far
 * validate_finding.c   what follows from it, and the sentence for people
 */
#ifndef APV_VALIDATE_PRIVATE_H
#define APV_VALIDATE_PRIVATE_H

#include "apv.h"
#include "arena.h"
#include "validate.h"

/* Why a finding says what it says. */
typedef enum {
    APV_REASON_NONE,
    /* converged */
    APV_REASON_OBSERVED,    /* the approved version was seen */
    APV_REASON_AS_APPROVED, /* the approved value of a service or value was seen */
    APV_REASON_LATEST,      /* approved is the latest version, and that is what is there */
    APV_REASON_ABSENT,      /* absent, as approved */
    APV_REASON_PERFORMED,   /* the action ran, and succeeded */
    /* drift */
    APV_REASON_WRONG_VERSION,
    APV_REASON_WRONG_VALUE, /* of a service or value */
    APV_REASON_MISSING,
    APV_REASON_STILL_INSTALLED,
    /* failed */
    APV_REASON_STATE_FAILED,
    APV_REASON_REQUISITE_FAILED,
    APV_REASON_COMPILE_ERROR,
    APV_REASON_JOB_FAILED,
    APV_REASON_APPLY_FAILED, /* evidence names an error */
    APV_REASON_CHECK_FAILED, /* evidence of a check does */
    APV_REASON_ACTION_FAILED,
    /* not-applied */
    APV_REASON_NOT_MENTIONED,
    APV_REASON_TEST_RUN,
    APV_REASON_NOT_RUN,
    APV_REASON_REFUSED_RUNNING,
    APV_REASON_REFUSED,
    APV_REASON_QUEUED,
    APV_REASON_NOT_SYNCED, /* a check: the minion lacks the modules */
    APV_REASON_NO_RETURN,
    APV_REASON_NEVER_APPLIED, /* a check found it otherwise, and it was not applied before */
    /* unproven */
    APV_REASON_NO_VERSION, /* present; in which version is not said */
    APV_REASON_NOT_SHOWN,  /* reported as done, but what is there is not said */
    APV_REASON_NO_EVIDENCE,
    APV_REASON_FORGED,
    APV_REASON_STALE_REVISION,
    APV_REASON_MALFORMED_EVIDENCE,
    APV_REASON_PILLAR_OVERRIDE,
    APV_REASON_COUNT
} apv_reason;

typedef enum {
    APV_SOURCE_NONE,
    APV_SOURCE_EVIDENCE,
    APV_SOURCE_OBSERVATION, /* evidence of a check: nothing was to be changed */
    APV_SOURCE_CHANGES,
    APV_SOURCE_RETURN,
    APV_SOURCE_FUN_ARGS
} apv_source;

typedef enum { APV_KIND_PACKAGE, APV_KIND_SERVICE, APV_KIND_VALUE, APV_KIND_ACTION } apv_kind;

/* What is known of one expected resource. Later in this list doesn't mean better
 * known; the functions of validate_slot.c say what may follow what. */
typedef enum {
    APV_SEEN_NOTHING,
    APV_SEEN_SKIPPED,   /* nothing was attempted */
    APV_SEEN_MENTIONED, /* reported as done, nothing shown */
    APV_SEEN_PRESENT,   /* there, in a version that isn't said */
    APV_SEEN_LATEST,    /* there, in the latest version, which isn't said */
    APV_SEEN_ABSENT,
    APV_SEEN_VALUE,
    APV_SEEN_FAILED
} apv_seen;

typedef struct {
    const apv_item *item;
    apv_kind kind;
    apv_seen seen;
    apv_reason reason; /* of SKIPPED and FAILED */
    apv_source source;
    apv_span observed; /* of VALUE; of FAILED if a value was seen */
    apv_span detail;   /* of FAILED: Salt's own words */
    apv_span note;     /* what evidence tells beside it; data NULL: nothing */
    apv_span meets;    /* of VALUE: the approved text that it is, as evidence says */
    bool overridden;   /* seen in a run whose pillar came from the command line */
    bool unapplied;    /* seen by a check; the minion has not tried to apply it before */
    uint64_t step;     /* the chunk or function that last said something of it */
} apv_slot;

/* One return of one function by one minion. */
typedef struct {
    apv_span minion; /* data NULL: not said */
    apv_span fun;    /* data NULL: not said */
    apv_value args;  /* fun_args; APV_MISSING: not known */
    apv_value ret;
    bool failed;   /* success is false, or retcode isn't 0 */
    bool dry;      /* the orchestration was a test run */
    bool silent;   /* no return at all: the minion was targeted */
    int64_t order; /* of its step in an orchestration, else 0 */
    size_t index;
} apv_subject;

/* A package, or service, that a function was asked for. */
typedef struct {
    apv_span name;
    apv_span version; /* data NULL: none asked for, or not one exact version */
} apv_target;

/* What a function was asked to do, as far as its arguments tell. */
typedef struct {
    bool known;     /* fun_args were given, and which targets they name is understood */
    bool test;      /* a test run, for functions that know of such */
    bool elsewhere; /* a mock run, a download, another root file system */
    bool pillar;    /* pillar= or force= */
    bool terse;     /* what didn't change shall not be reported */
    bool loose;     /* another version than the one given will do: targets have none */
    bool selecting; /* a query is narrowed or widened by an option that we don't know */
    apv_span state; /* of state.single: the state function */
    apv_target *targets;
    size_t target_count, target_room;
} apv_arguments;

/* The slots of all items, found by kind and name. */
typedef struct {
    apv_slot *items; /* one per item of apv_expected, in its order */
    size_t count;
    size_t *table; /* hash -> index of slot + 1 */
    size_t mask;
    uint64_t name_sizes; /* which sizes the names have, as bits; the last: and more */
    unsigned sweeps;     /* times that all slots were gone through for one minion */
} apv_slots;

/* What is known of the return that is being walked. Starts as {0} for each minion. */
typedef struct {
    apv_span minion;
    uint64_t step;
    bool recognized; /* it is a package or state result */
    bool dry;        /* nothing that it says is evidence */
    bool overridden; /* pillar= or force= */
    bool terse;
    bool unattributed; /* a package state failed and doesn't say for which packages */
    apv_span unattributed_detail;
    bool undisclosed; /* a package state succeeded and doesn't say for which packages */
    apv_reason taint; /* what is wrong with its evidence */
    bool authenticated;
} apv_run;

/* What goes into the verdict. */
typedef struct {
    apv_verdict *verdict;
    apv_arena *kept; /* becomes the verdict's */
    const apv_finding_sink *sink;
    size_t outcomes[APV_UNPROVEN + 1]; /* findings of each */
    apv_span *unapproved;
    size_t unapproved_count, unapproved_room;
} apv_answer;

/* One validation. */
typedef struct {
    const apv_reader *reader;
    const apv_expected *expected;
    apv_arena *scratch; /* freed when the validation ends */
    bool out_of_memory;
    apv_slots slots;
    apv_run run;
    apv_answer answer;
} apv_walk;

/* ---- validate_slot.c ---- */

/* Makes slots and table of the items of expected, which apv_slots_reset has to make ready. Takes
 * them from arena. Errors: INVALID, MEMORY. */
bool apv_slots_open(apv_slots *slots, const apv_expected *expected, apv_arena *arena,
                    apv_err *err) APV_MUSTCHECK;
/* Makes slots ready for the next minion: nothing was seen of it. */
void apv_slots_reset(apv_slots *slots);
/* The slot of a resource, or NULL. fold: a match that differs in ASCII case will do,
 * for package managers that ignore case. */
apv_slot *apv_slot_find(const apv_slots *slots, apv_kind kind, apv_span name, bool fold);
/* Whether a value is the approved one. */
typedef enum { APV_MATCH_NO, APV_MATCH_YES, APV_MATCH_UNKNOWN } apv_match;
apv_match apv_slot_match(const apv_slot *slot, apv_span value);

/* Whether approved is latest or a pattern, which stand for a version that is found. */
bool apv_version_is_open(apv_span approved);
/* Whether version is the approved one as it is written: but for an epoch of 0, a pattern, latest.
 * What those two stand for, and apv_version_may_be too, is one version that could be approved. */
bool apv_version_fits(apv_span approved, apv_span version);
/* Whether there is a platform on which version is the approved one, spelled otherwise: which
 * one a minion is of only the minion knows. RPM: what was approved without an epoch or a release
 * stands for each. NuGet: 0.78 is 0.78.0. */
bool apv_version_may_be(apv_span approved, apv_span version);

/* Each of these takes note of what a chunk said; in a dry run all of them but
 * apv_slot_fail come down to apv_slot_skip. value: data NULL: absent. */
void apv_slot_observe(apv_walk *walk, apv_slot *slot, apv_span value, apv_source source);
void apv_slot_present(apv_walk *walk, apv_slot *slot, bool latest, apv_source source);
void apv_slot_mention(apv_walk *walk, apv_slot *slot);
/* It changed, to what cannot be told: what was as approved before need not be so now. */
void apv_slot_doubt(apv_walk *walk, apv_slot *slot);
void apv_slot_skip(apv_walk *walk, apv_slot *slot, apv_reason reason);
void apv_slot_fail(apv_walk *walk, apv_slot *slot, apv_reason reason, apv_span detail);
/* Whether what follows may go through all slots: a return that makes us do so again and
 * again is none of Salt's, and would cost its size times the number of slots. */
bool apv_slots_sweep(apv_slots *slots) APV_MUSTCHECK;
/* Nothing is known of it but, perhaps, that something was or wasn't attempted. */
bool apv_slot_is_open(const apv_slot *slot);
/* Fails or skips all slots that are open. */
void apv_slots_fail(apv_walk *walk, apv_reason reason, apv_span detail);
void apv_slots_skip(apv_walk *walk, apv_reason reason);

/* ---- validate_chunk.c ---- */

typedef enum { APV_RESULT_TRUE, APV_RESULT_FALSE, APV_RESULT_NONE, APV_RESULT_ODD } apv_result_is;

typedef struct {
    apv_span module, fun; /* of its key: before the first and behind the last separator */
    apv_value id;
    apv_span name; /* data NULL: not a text */
    apv_value raw_name;
    apv_result_is result;
    apv_value changes;
    apv_span comment; /* data NULL: not a text */
    apv_value approval;
    bool not_run; /* __state_ran__ is false */
    int64_t order;
    size_t index;
} apv_chunk;

/* Splits the key of a chunk at its first and its last separator. The middle is never
 * split: an id or a name may hold the separator too. False: it isn't a key. */
bool apv_tag_split(apv_span tag, apv_span *module, apv_span *fun);
/* Whether a map has keys of chunks. */
bool apv_is_state_return(const apv_reader *reader, apv_value map);
/* Fills a chunk, except for module, fun and index. */
void apv_chunk_read(const apv_reader *reader, apv_value value, apv_chunk *chunk);
/* Why a chunk's state was not run for real, or APV_REASON_NONE: it was. */
apv_reason apv_chunk_skipped(const apv_chunk *chunk);

/* ---- validate_arguments.c ---- */

/* Reads fun_args of fun. Of a state run the targets are known for state.single only. */
void apv_arguments_read(apv_walk *walk, apv_span fun, apv_value fun_args, apv_arguments *arguments);

/* ---- validate_changes.c ---- */

typedef struct {
    bool ok;         /* the function or state that changed them succeeded */
    bool fold;       /* names of that package manager ignore case */
    apv_span own;    /* the name of the state; data NULL: none */
    apv_span detail; /* what to say of failures */
} apv_changes_context;

void apv_changes_walk(apv_walk *walk, apv_value changes, const apv_changes_context *context);
/* Takes note of an installed version given as text, which may have commas between several
 * versions or in one. before: the text of what was installed before, or none. */
void apv_version_text(apv_walk *walk, apv_slot *slot, apv_span text, apv_span before,
                      apv_source source);
/* The same of a version given as text, as a list, or as a list of maps with `version`. */
void apv_version_observe(apv_walk *walk, apv_slot *slot, apv_value version, apv_source source);
/* Whether text could be a version: short, without spaces and control characters. */
bool apv_version_plausible(apv_span text);
/* The version, if it is one and not a comparison, a pattern or "latest"; else none. */
apv_span apv_version_exact(apv_span text);

/* ---- validate_comment.c ---- */

/* What a state does to packages. */
typedef enum {
    APV_ACTION_UNKNOWN, /* no state function that we know, or that there is */
    APV_ACTION_NONE,    /* it installs and removes nothing */
    APV_ACTION_CHANGE,  /* what it does is only in its changes */
    APV_ACTION_INSTALL,
    APV_ACTION_UPGRADE,
    APV_ACTION_REMOVE
} apv_package_action;

/* The packages that a chunk is about, as far as is known. */
typedef struct {
    const apv_target *targets;
    size_t count;
    bool named; /* one, which the state is named after; not a list */
    bool fold;  /* their names ignore case */
} apv_own;

void apv_comment_read(apv_walk *walk, const apv_own *own, apv_package_action action,
                      apv_span comment);
/* Whether a comment says that a list of packages needed no change, without naming them. */
bool apv_comment_hides(apv_span comment, apv_package_action action);
/* Whether name stands in comment as a word. */
bool apv_comment_names(apv_span comment, apv_span name);
/* Fails the packages that the comment of a failed state lists as failed, and the open
 * ones among those that it names at all. */
void apv_comment_fail_named(apv_walk *walk, apv_span comment, bool fold);

/* ---- validate_resource.c ---- */

/* arguments: of the job, or NULL: they don't tell what this chunk was asked to do. */
void apv_package_judge(apv_walk *walk, const apv_chunk *chunk, const apv_arguments *arguments);
void apv_service_judge(apv_walk *walk, const apv_chunk *chunk);
void apv_service_observe(apv_walk *walk, apv_slot *slot, bool running);

/* ---- validate_function.c ---- */

/* False: fun is no function that says something of packages or services. arguments: NULL
 * if they are not known. */
bool apv_function_judge(apv_walk *walk, apv_span fun, apv_value ret, bool failed,
                        const apv_arguments *arguments);
/* Whether apv_function_judge may read what a function returns. */
bool apv_is_judged_function(apv_span fun);
void apv_module_judge(apv_walk *walk, const apv_chunk *chunk);
/* Whether a text is what Salt returns instead of a result when a job could not run. */
bool apv_is_refusal(apv_span text, apv_reason *reason);

/* ---- validate_state.c ---- */

bool apv_is_state_function(apv_span fun);
void apv_state_judge(apv_walk *walk, const apv_subject *subject);

/* ---- validate_evidence.c ---- */

/* Whether a state of the module approval returns evidence. */
bool apv_evidence_is_given(apv_span fun);
/* Whether a state of the module approval reads all that is approved, so that the last
 * evidence of it holds. */
bool apv_evidence_is_whole(apv_span fun);
void apv_evidence_judge(apv_walk *walk, const apv_chunk *chunk);
/* Whether it is the execution function approval.observe, whose return is evidence itself. */
bool apv_is_check(apv_span fun);
void apv_check_judge(apv_walk *walk, const apv_subject *subject);

/* ---- validate_load.c ---- */

typedef struct {
    apv_subject *subjects;
    size_t count, room;
    bool empty; /* the load is an answer that says that there is no return (yet) */
} apv_subjects;

void apv_subjects_collect(apv_walk *walk, apv_value load, apv_subjects *subjects);

/* ---- validate_finding.c ---- */

/* Hands the findings for the minion whose return was walked to the sink, one per slot. nothing:
 * the reason of those of which nothing is known. */
void apv_findings_write(apv_walk *walk, apv_reason nothing);
/* A copy in walk->kept of at most max_size bytes, control characters replaced. */
apv_span apv_clean_copy(apv_walk *walk, apv_span text, size_t max_size);

#endif
