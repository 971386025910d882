/* validate_evidence.c - evidence of approval.converged, approval.observed and
 * approval.performed; and of approval.observe, which returns that of approval.observed. */
#include "validate_private.h"

#include "evidence.h"
#include "text.h"
#include "value_json.h"

#include <stdlib.h>

#include <openssl/crypto.h>

/* ---- is it what the expected document's minion says? ---- */

static bool
mac_is_valid(apv_walk *walk, const apv_evidence *evidence)
{
    apv_err err = APV_ERR_NONE;
    char mac[APV_MAC_SIZE];

    if (evidence->mac.size != APV_MAC_SIZE - 1)
        return false;
    if (!apv_evidence_sign(evidence, walk->expected->evidence_key, mac, &err)) {
        if (err.code == APV_ERR_MEMORY)
            walk->out_of_memory = true;
        return false;
    }
    return CRYPTO_memcmp(mac, evidence->mac.data, APV_MAC_SIZE - 1) == 0;
}

/* What is wrong with it, or APV_REASON_NONE. */
static apv_reason
examine(apv_walk *walk, const apv_evidence *evidence)
{
    const apv_expected *expected = walk->expected;

    if (walk->run.overridden)
        return APV_REASON_PILLAR_OVERRIDE;
    if (walk->run.minion.data != NULL && !apv_span_equal(evidence->minion, walk->run.minion))
        return APV_REASON_FORGED;
    /* Before digest and mac, which differ in every revision. */
    if (expected->has_revision && evidence->revision != expected->revision)
        return APV_REASON_STALE_REVISION;
    if (expected->digest.data != NULL && !apv_span_equal(evidence->digest, expected->digest))
        return APV_REASON_FORGED;
    if (expected->evidence_key != NULL && !mac_is_valid(walk, evidence))
        return APV_REASON_FORGED;
    return APV_REASON_NONE;
}

/* ---- what it says ---- */

static bool
has_kind(const apv_observation *observation, apv_kind *kind)
{
    static const struct {
        const char *name;
        apv_kind kind;
    } kinds[] = {
        {"package", APV_KIND_PACKAGE},
        {"service", APV_KIND_SERVICE},
        {"value", APV_KIND_VALUE},
        {"action", APV_KIND_ACTION},
    };

    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (apv_span_is(observation->kind, kinds[i].name)) {
            *kind = kinds[i].kind;
            return true;
        }
    return false; /* when a service was started: nothing approved has this kind */
}

static int
compare_observations(const void *a, const void *b)
{
    const apv_observation *left = a, *right = b;
    int order = apv_span_compare(left->kind, right->kind);
    return order != 0 ? order : apv_span_compare(left->name, right->name);
}

/* Whether the minion has written down what it found before it first applied this. */
static bool
was_applied(const apv_evidence *evidence, const apv_observation *observation)
{
    const apv_observations *before = &evidence->sections[APV_SECTION_BEFORE];

    return bsearch(observation, before->items, before->count, sizeof *before->items,
                   compare_observations) != NULL;
}

static bool
is_reached(const apv_walk *walk, const apv_slot *slot)
{
    return slot->step == walk->run.step &&
           (slot->seen == APV_SEEN_VALUE || slot->seen == APV_SEEN_ABSENT) &&
           apv_slot_match(slot, slot->observed) != APV_MATCH_NO;
}

/* The slot of a resource that converged or observed tells of, or NULL; actions are not theirs. */
static apv_slot *
slot_of(const apv_walk *walk, const apv_observation *observation)
{
    apv_kind kind;

    if (!has_kind(observation, &kind) || kind == APV_KIND_ACTION)
        return NULL;
    return apv_slot_find(&walk->slots, kind, observation->name, false);
}

/* Why resources are not as they should be, or could not be read. In format 1 anybody on the
 * way could have written that: it takes nothing from what was seen, and a check's is not read. */
static void
judge_errors(apv_walk *walk, const apv_evidence *evidence, bool checked)
{
    const apv_observations *errors = &evidence->sections[APV_SECTION_ERRORS];
    bool proven = evidence->format > 1;

    if (checked && !proven)
        return;
    for (size_t i = 0; i < errors->count; i++) {
        apv_slot *slot = slot_of(walk, &errors->items[i]);
        if (slot == NULL || (!proven && is_reached(walk, slot)))
            continue;
        apv_slot_fail(walk, slot, checked ? APV_REASON_CHECK_FAILED : APV_REASON_APPLY_FAILED,
                      errors->items[i].value);
        if (proven)
            slot->source = checked ? APV_SOURCE_OBSERVATION : APV_SOURCE_EVIDENCE;
    }
}

/* What is spelled otherwise than it was approved. */
static void
judge_meets(apv_walk *walk, const apv_evidence *evidence)
{
    const apv_observations *meets = &evidence->sections[APV_SECTION_MEETS];

    for (size_t i = 0; i < meets->count; i++) {
        apv_slot *slot = slot_of(walk, &meets->items[i]);
        if (slot != NULL && slot->step == walk->run.step)
            slot->meets = meets->items[i].value;
    }
}

/* What people are to be told beside the verdict, which it doesn't move. */
static void
judge_notes(apv_walk *walk, const apv_evidence *evidence)
{
    const apv_observations *notes = &evidence->sections[APV_SECTION_NOTES];

    for (size_t i = 0; i < notes->count; i++) {
        apv_slot *slot = slot_of(walk, &notes->items[i]);
        if (slot != NULL && slot->step == walk->run.step)
            slot->note = notes->items[i].value;
    }
}

/* What converged or observed saw. */
static void
judge_observations(apv_walk *walk, const apv_evidence *evidence, bool checked)
{
    apv_source source = checked ? APV_SOURCE_OBSERVATION : APV_SOURCE_EVIDENCE;

    const apv_observations *observed = &evidence->sections[APV_SECTION_OBSERVED];

    for (size_t i = 0; i < observed->count; i++) {
        const apv_observation *observation = &observed->items[i];
        apv_slot *slot = slot_of(walk, observation);
        if (slot == NULL)
            continue;
        apv_slot_observe(walk, slot, observation->value, source);
        slot->unapplied = checked && !was_applied(evidence, observation);
    }
}

/* What is approved, and neither seen nor failed for a reason of its own. */
static void
judge_rest(apv_walk *walk, const apv_chunk *chunk, bool checked)
{
    bool failed = !checked && chunk->result == APV_RESULT_FALSE;

    if (!apv_slots_sweep(&walk->slots))
        return;
    for (size_t i = 0; i < walk->slots.count; i++) {
        apv_slot *slot = &walk->slots.items[i];
        if (failed && slot->seen != APV_SEEN_FAILED && !is_reached(walk, slot))
            apv_slot_fail(walk, slot, APV_REASON_STATE_FAILED, chunk->comment);
        else if (slot->step != walk->run.step) /* approved, but not looked at */
            apv_slot_mention(walk, slot);
    }
}

/* What a function returned, as performed writes it down: {"retcode", "return", "success"}. */
static void
judge_outcome(apv_walk *walk, apv_slot *slot, apv_span outcome)
{
    enum { RETCODE, RETURN, SUCCESS, COUNT };
    static const apv_span words[COUNT] = {APV_WORD("retcode"), APV_WORD("return"),
                                          APV_WORD("success")};
    apv_err err = APV_ERR_NONE;
    apv_value found[COUNT], root = {NULL};
    apv_json_reader json;
    const apv_reader *reader = &json.reader;
    apv_span detail;
    int64_t retcode;

    if (outcome.data == NULL || !apv_reader_json(outcome, &json, &root, &err)) {
        if (err.code == APV_ERR_MEMORY)
            walk->out_of_memory = true;
        apv_slot_mention(walk, slot);
        return;
    }
    apv_map_find(reader, root, words, COUNT, found);
    if (!reader->integer(reader, found[RETCODE], &retcode) ||
        reader->type(reader, found[SUCCESS]) != APV_BOOL)
        apv_slot_mention(walk, slot);
    else {
        apv_slot_observe(walk, slot, outcome, APV_SOURCE_EVIDENCE);
        if (retcode != 0 || !reader->truth(reader, found[SUCCESS])) {
            if (!reader->text(reader, found[RETURN], &detail))
                detail = outcome;
            if (!apv_arena_copy(walk->scratch, detail, &detail))
                walk->out_of_memory = true;
            apv_slot_fail(walk, slot, APV_REASON_ACTION_FAILED, detail);
        }
    }
    apv_reader_json_close(&json);
}

static void
judge_actions(apv_walk *walk, const apv_evidence *evidence)
{
    const apv_observations *observed = &evidence->sections[APV_SECTION_OBSERVED];
    apv_kind kind;

    for (size_t i = 0; i < observed->count; i++) {
        const apv_observation *observation = &observed->items[i];
        if (!has_kind(observation, &kind) || kind != APV_KIND_ACTION)
            continue;
        apv_slot *slot = apv_slot_find(&walk->slots, kind, observation->name, false);
        if (slot != NULL)
            judge_outcome(walk, slot, observation->value);
    }
}

/* What it says of its run. What is not authentic only claims, beside nothing that is. */
static void
keep(apv_walk *walk, const apv_evidence *evidence, bool authentic)
{
    const apv_observations *found = &evidence->sections[APV_SECTION_BEFORE];
    apv_verdict *verdict = walk->answer.verdict;
    apv_observation *before;

    if (walk->run.authenticated && !authentic)
        return;
    before = apv_arena_take(walk->answer.kept, found->count, sizeof *before);
    if (before == NULL) {
        walk->out_of_memory = true;
        return;
    }
    for (size_t i = 0; i < found->count; i++)
        if (!apv_arena_copy(walk->answer.kept, found->items[i].kind, &before[i].kind) ||
            !apv_arena_copy(walk->answer.kept, found->items[i].name, &before[i].name) ||
            !apv_arena_copy(walk->answer.kept, found->items[i].value, &before[i].value))
            walk->out_of_memory = true;
    verdict->before = before;
    verdict->before_count = found->count;
    verdict->has_revision = true;
    verdict->revision = evidence->revision;
    if (!apv_arena_copy(walk->answer.kept, evidence->run_id, &verdict->run_id) ||
        !apv_arena_copy(walk->answer.kept, evidence->boot_id, &verdict->boot_id))
        walk->out_of_memory = true;
}

/* ---- the states ---- */

typedef enum {
    STATE_CONVERGED, /* applies what is approved, and reads it */
    STATE_OBSERVED,  /* reads what is approved */
    STATE_PERFORMED, /* runs one action */
    STATE_UNKNOWN
} state;

static state
state_of(apv_span fun)
{
    if (apv_span_is(fun, "converged"))
        return STATE_CONVERGED;
    if (apv_span_is(fun, "observed"))
        return STATE_OBSERVED;
    return apv_span_is(fun, "performed") ? STATE_PERFORMED : STATE_UNKNOWN;
}

bool
apv_evidence_is_given(apv_span fun)
{
    return state_of(fun) != STATE_UNKNOWN;
}

bool
apv_evidence_is_whole(apv_span fun)
{
    state which = state_of(fun);
    return which == STATE_CONVERGED || which == STATE_OBSERVED;
}

/* The action that a state is named after: no evidence says what came of it. */
static void
judge_without_performance(apv_walk *walk, const apv_chunk *chunk, apv_reason skipped)
{
    apv_slot *slot = apv_slot_find(&walk->slots, APV_KIND_ACTION, chunk->name, false);

    if (slot == NULL)
        return;
    if (skipped != APV_REASON_NONE)
        apv_slot_skip(walk, slot, skipped);
    else if (chunk->result == APV_RESULT_FALSE)
        apv_slot_skip(walk, slot, APV_REASON_REFUSED);
    else
        apv_slot_mention(walk, slot);
}

/* Without evidence: it refused, was not run, or something on the way dropped it. */
static void
judge_without(apv_walk *walk, const apv_chunk *chunk, state which)
{
    apv_reason skipped = apv_chunk_skipped(chunk);

    if (which == STATE_PERFORMED)
        judge_without_performance(walk, chunk, skipped);
    else if (skipped != APV_REASON_NONE)
        apv_slots_skip(walk, skipped);
    else if (chunk->result == APV_RESULT_FALSE && which == STATE_OBSERVED)
        apv_slots_skip(walk, APV_REASON_REFUSED);
    else if (chunk->result == APV_RESULT_FALSE)
        apv_slots_fail(walk, chunk->not_run ? APV_REASON_REQUISITE_FAILED : APV_REASON_STATE_FAILED,
                       chunk->comment);
    else if (apv_slots_sweep(&walk->slots))
        for (size_t i = 0; i < walk->slots.count; i++)
            apv_slot_mention(walk, &walk->slots.items[i]);
}

void
apv_evidence_judge(apv_walk *walk, const apv_chunk *chunk)
{
    state which = state_of(chunk->fun);
    apv_err err = APV_ERR_NONE;
    apv_evidence evidence;
    apv_reason skipped, wrong;

    if (which == STATE_UNKNOWN)
        return;
    if (chunk->approval.node == NULL) {
        judge_without(walk, chunk, which);
        return;
    }
    if (!apv_evidence_read(walk->reader, chunk->approval, walk->scratch, &evidence, &err)) {
        if (err.code == APV_ERR_MEMORY)
            walk->out_of_memory = true;
        walk->run.taint = APV_REASON_MALFORMED_EVIDENCE;
        return;
    }
    skipped = apv_chunk_skipped(chunk);
    if (walk->run.dry || skipped != APV_REASON_NONE) {
        if (skipped == APV_REASON_NONE)
            skipped = APV_REASON_TEST_RUN;
        keep(walk, &evidence, false);
        if (which == STATE_PERFORMED)
            judge_without_performance(walk, chunk, skipped);
        else
            apv_slots_skip(walk, skipped);
        return;
    }
    wrong = examine(walk, &evidence);
    keep(walk, &evidence, wrong == APV_REASON_NONE);
    /* An action's evidence does not redeem what is wrong with that of the rest. */
    if (wrong != APV_REASON_NONE || which != STATE_PERFORMED)
        walk->run.taint = wrong;
    if (wrong != APV_REASON_NONE)
        return;
    walk->run.authenticated = walk->expected->evidence_key != NULL;
    if (which == STATE_PERFORMED) {
        judge_actions(walk, &evidence);
        return;
    }
    judge_observations(walk, &evidence, which == STATE_OBSERVED);
    judge_meets(walk, &evidence);
    judge_errors(walk, &evidence, which == STATE_OBSERVED);
    judge_rest(walk, chunk, which == STATE_OBSERVED);
    judge_notes(walk, &evidence);
}

/* ---- the execution function ---- */

bool
apv_is_check(apv_span fun)
{
    return apv_span_is(fun, "approval.observe");
}

/* Why there is no evidence: nothing was read, so that nothing is known of any resource. */
static void
judge_without_check(apv_walk *walk, apv_span text)
{
    apv_reason reason;

    if (apv_span_find(text, "' is not available") != NULL)
        reason = APV_REASON_NOT_SYNCED;
    else if (!apv_is_refusal(text, &reason))
        reason = APV_REASON_REFUSED;
    apv_slots_skip(walk, reason);
}

void
apv_check_judge(apv_walk *walk, const apv_subject *subject)
{
    apv_span text = apv_text_or_none(walk->reader, subject->ret);
    apv_type type = walk->reader->type(walk->reader, subject->ret);
    apv_arguments arguments;

    if (apv_span_is(text, "VALUE_TRIMMED"))
        return;
    apv_arguments_read(walk, subject->fun, subject->args, &arguments);
    walk->run.recognized = true;
    walk->run.dry = subject->dry || arguments.test || arguments.elsewhere;
    walk->run.overridden = arguments.pillar;
    walk->run.step++;
    if (type == APV_TEXT || (type != APV_MAP && subject->failed))
        judge_without_check(walk, text);
    else {
        apv_chunk chunk = {
            .fun = apv_span_of("observed"), .result = APV_RESULT_TRUE, .approval = subject->ret};
        apv_evidence_judge(walk, &chunk);
    }
    walk->run.dry = false;
    walk->run.overridden = false;
}
