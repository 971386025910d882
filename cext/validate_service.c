/* validate_service.c - service.running, service.dead and service.status. */
#include "validate_private.h"

#include "text.h"

/* What salt/states/service.py writes when a service is as asked for. Neither its
 * result nor its changes tell: a stopped service can stand as {name: true}, because
 * stopping it worked, and in a chroot nothing is looked at at all. */
static const char *const running_words[] = {
    "is already running",
    "and is running",
    "and is in the desired state",
    "Started service",
    "Service started",
    "Service restarted",
    "Service reloaded",
    "Service forcefully reloaded",
    "Service fully restarted",
};
static const char *const dead_words[] = {
    "is already dead", "and is dead",      "and is in the desired state", "was killed",
    "Service stopped", "is not available", "Service is already stopped",
};

static bool
has_any(apv_span text, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (apv_span_find(text, words[i]) != NULL)
            return true;
    return false;
}

void
apv_service_observe(apv_walk *walk, apv_slot *slot, bool running)
{
    apv_slot_observe(walk, slot, apv_span_of(running ? "running" : "dead"), APV_SOURCE_RETURN);
}

void
apv_service_judge(apv_walk *walk, const apv_chunk *chunk)
{
    apv_slot *slot = apv_slot_find(walk, APV_KIND_SERVICE, chunk->name, false);
    bool running = apv_span_is(chunk->fun, "running");
    apv_reason skipped = apv_chunk_skipped(chunk);

    if (slot == NULL || (!running && !apv_span_is(chunk->fun, "dead")))
        return;
    if (skipped != APV_REASON_NONE)
        apv_slot_skip(walk, slot, skipped);
    else if (chunk->result == APV_RESULT_FALSE)
        apv_slot_fail(walk, slot,
                      chunk->not_run ? APV_REASON_REQUISITE_FAILED : APV_REASON_STATE_FAILED,
                      chunk->comment);
    else if (chunk->result == APV_RESULT_TRUE &&
             (running
                  ? has_any(chunk->comment, running_words,
                            sizeof running_words / sizeof *running_words)
                  : has_any(chunk->comment, dead_words, sizeof dead_words / sizeof *dead_words)))
        apv_service_observe(walk, slot, running);
    else
        apv_slot_mention(walk, slot);
}
