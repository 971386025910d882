/* validate_evidence.c - evidence of approval.converged. */
#include "validate_private.h"

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

    if (walk->overridden)
        return APV_REASON_PILLAR_OVERRIDE;
    if (walk->minion.data != NULL && !apv_span_equal(evidence->minion, walk->minion))
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

static apv_kind
kind_of(const apv_observation *observation)
{
    if (apv_span_is(observation->kind, "service"))
        return APV_KIND_SERVICE;
    return apv_span_is(observation->kind, "value") ? APV_KIND_VALUE : APV_KIND_PACKAGE;
}

static bool
is_reached(const apv_walk *walk, const apv_slot *slot)
{
    return slot->step == walk->step &&
           (slot->seen == APV_SEEN_VALUE || slot->seen == APV_SEEN_ABSENT) &&
           apv_slot_match(slot, slot->observed) != APV_MATCH_NO;
}

/* Errors say why a resource is not as it should be; of one that is they say nothing. */
static void
judge_errors(apv_walk *walk, apv_value errors)
{
    static const struct {
        const char *section;
        apv_kind kind;
    } sections[] = {
        {"packages", APV_KIND_PACKAGE},
        {"services", APV_KIND_SERVICE},
        {"values", APV_KIND_VALUE},
    };
    const apv_reader *reader = walk->reader;
    apv_cursor cursor;
    apv_value error;
    apv_span name;

    for (size_t i = 0; i < sizeof sections / sizeof *sections; i++) {
        reader->open(reader, apv_map_get(reader, errors, sections[i].section), &cursor);
        while (reader->next(reader, &cursor, &name, &error)) {
            apv_slot *slot = apv_slot_find(walk, sections[i].kind, name, false);
            if (slot != NULL && !is_reached(walk, slot))
                apv_slot_fail(walk, slot, APV_REASON_APPLY_FAILED, apv_text_or_none(reader, error));
        }
    }
}

static void
judge_observations(apv_walk *walk, const apv_evidence *evidence, const apv_chunk *chunk)
{
    bool failed = chunk->result == APV_RESULT_FALSE;

    for (size_t i = 0; i < evidence->observed_count; i++) {
        const apv_observation *observation = &evidence->observed[i];
        apv_slot *slot = apv_slot_find(walk, kind_of(observation), observation->name, false);
        if (slot != NULL)
            apv_slot_observe(walk, slot, observation->value, APV_SOURCE_EVIDENCE);
    }
    judge_errors(walk, evidence->errors);
    if (!apv_slots_sweep(walk))
        return;
    for (size_t i = 0; i < walk->expected->count; i++) {
        apv_slot *slot = &walk->slots[i];
        if (failed && slot->seen != APV_SEEN_FAILED && !is_reached(walk, slot))
            apv_slot_fail(walk, slot, APV_REASON_STATE_FAILED, chunk->comment);
        else if (slot->step != walk->step) /* approved, but not looked at */
            apv_slot_mention(walk, slot);
    }
}

static void
keep(apv_walk *walk, const apv_evidence *evidence)
{
    apv_verdict *verdict = walk->verdict;
    apv_observation *before = apv_arena_take(walk->kept, evidence->before_count, sizeof *before);

    if (before == NULL) {
        walk->out_of_memory = true;
        return;
    }
    for (size_t i = 0; i < evidence->before_count; i++)
        if (!apv_arena_copy(walk->kept, evidence->before[i].kind, &before[i].kind) ||
            !apv_arena_copy(walk->kept, evidence->before[i].name, &before[i].name) ||
            !apv_arena_copy(walk->kept, evidence->before[i].value, &before[i].value))
            walk->out_of_memory = true;
    verdict->before = before;
    verdict->before_count = evidence->before_count;
    verdict->has_revision = true;
    verdict->revision = evidence->revision;
    if (!apv_arena_copy(walk->kept, evidence->run_id, &verdict->run_id) ||
        !apv_arena_copy(walk->kept, evidence->boot_id, &verdict->boot_id))
        walk->out_of_memory = true;
}

/* approval.converged without evidence: it refused, was not run, or something on the way
 * dropped it. */
static void
judge_without(apv_walk *walk, const apv_chunk *chunk)
{
    apv_reason skipped = apv_chunk_skipped(chunk);

    if (skipped != APV_REASON_NONE)
        apv_slots_skip(walk, skipped);
    else if (chunk->result == APV_RESULT_FALSE)
        apv_slots_fail(walk, chunk->not_run ? APV_REASON_REQUISITE_FAILED : APV_REASON_STATE_FAILED,
                       chunk->comment);
    else if (apv_slots_sweep(walk))
        for (size_t i = 0; i < walk->expected->count; i++)
            apv_slot_mention(walk, &walk->slots[i]);
}

void
apv_evidence_judge(apv_walk *walk, const apv_chunk *chunk)
{
    apv_err err = APV_ERR_NONE;
    apv_evidence evidence;
    apv_reason skipped;

    if (!apv_span_is(chunk->fun, "converged"))
        return;
    if (chunk->approval.node == NULL) {
        judge_without(walk, chunk);
        return;
    }
    if (!apv_evidence_read(walk->reader, chunk->approval, walk->scratch, &evidence, &err)) {
        if (err.code == APV_ERR_MEMORY)
            walk->out_of_memory = true;
        walk->taint = APV_REASON_MALFORMED_EVIDENCE;
        return;
    }
    keep(walk, &evidence);
    skipped = apv_chunk_skipped(chunk);
    if (walk->dry || skipped != APV_REASON_NONE) {
        apv_slots_skip(walk, skipped == APV_REASON_NONE ? APV_REASON_TEST_RUN : skipped);
        return;
    }
    walk->taint = examine(walk, &evidence);
    if (walk->taint != APV_REASON_NONE)
        return;
    walk->authenticated = walk->expected->evidence_key != NULL;
    judge_observations(walk, &evidence, chunk);
}
