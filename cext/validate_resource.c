/* validate_resource.c - chunks of the states that manage packages and services. */
#include "validate_private.h"

#include "text.h"

/* ---- package states ---- */

static const struct {
    apv_span module, fun;
    apv_package_action action;
} actions[] = {
    {APV_WORD("pkg"), APV_WORD("installed"), APV_ACTION_INSTALL},
    {APV_WORD("pkg"), APV_WORD("latest"), APV_ACTION_UPGRADE},
    {APV_WORD("pkg"), APV_WORD("removed"), APV_ACTION_REMOVE},
    {APV_WORD("pkg"), APV_WORD("purged"), APV_ACTION_REMOVE},
    {APV_WORD("pkg"), APV_WORD("uptodate"), APV_ACTION_CHANGE},
    {APV_WORD("pkg"), APV_WORD("group_installed"), APV_ACTION_CHANGE},
    {APV_WORD("pkg"), APV_WORD("downloaded"), APV_ACTION_NONE},
    {APV_WORD("pkg"), APV_WORD("patch_installed"), APV_ACTION_NONE},
    {APV_WORD("pkg"), APV_WORD("patch_downloaded"), APV_ACTION_NONE},
    {APV_WORD("pkg"), APV_WORD("held"), APV_ACTION_NONE},
    {APV_WORD("pkg"), APV_WORD("unheld"), APV_ACTION_NONE},
    {APV_WORD("chocolatey"), APV_WORD("installed"), APV_ACTION_INSTALL},
    {APV_WORD("chocolatey"), APV_WORD("upgraded"), APV_ACTION_UPGRADE},
    {APV_WORD("chocolatey"), APV_WORD("uninstalled"), APV_ACTION_REMOVE},
    {APV_WORD("chocolatey"), APV_WORD("source_present"), APV_ACTION_NONE},
    {APV_WORD("chocolatey"), APV_WORD("bootstrapped"), APV_ACTION_NONE},
    {APV_WORD("chocolatey"), APV_WORD("unbootstrapped"), APV_ACTION_NONE},
};

static apv_package_action
action_of(const apv_chunk *chunk)
{
    for (size_t i = 0; i < sizeof actions / sizeof *actions; i++)
        if (apv_span_equal(chunk->module, actions[i].module) &&
            apv_span_equal(chunk->fun, actions[i].fun))
            return actions[i].action;
    return APV_ACTION_UNKNOWN;
}

/* Whether state.single was asked for just this state function. */
static bool
is_asked_for(const apv_chunk *chunk, const apv_arguments *arguments)
{
    size_t module = chunk->module.size;

    if (arguments == NULL)
        return false;
    apv_span state = arguments->state;
    return arguments->known && arguments->target_count > 0 &&
           state.size == module + 1 + chunk->fun.size && state.data[module] == '.' &&
           apv_span_equal((apv_span){state.data, module}, chunk->module) &&
           apv_span_equal((apv_span){state.data + module + 1, chunk->fun.size}, chunk->fun);
}

static apv_slot *
own_slot(const apv_walk *walk, const apv_own *own, size_t i)
{
    return apv_slot_find(&walk->slots, APV_KIND_PACKAGE, own->targets[i].name, own->fold);
}

static void
skip_own(apv_walk *walk, const apv_own *own, const apv_chunk *chunk, apv_reason reason)
{
    apv_changes_context context = {.ok = true, .fold = own->fold};
    bool dry = walk->run.dry;

    for (size_t i = 0; i < own->count; i++) {
        apv_slot *slot = own_slot(walk, own, i);
        if (slot != NULL)
            apv_slot_skip(walk, slot, reason);
    }
    /* What would have changed. */
    walk->run.dry = true;
    apv_changes_walk(walk, chunk->changes, &context);
    walk->run.dry = dry;
}

/* A state failed: which packages are meant by that? */
static void
fail_own(apv_walk *walk, const apv_own *own, const apv_chunk *chunk, apv_package_action action)
{
    apv_reason reason = chunk->not_run ? APV_REASON_REQUISITE_FAILED : APV_REASON_STATE_FAILED;
    bool attributed = false;

    apv_comment_fail_named(walk, chunk->comment, own->fold);
    for (size_t i = 0; i < own->count; i++) {
        apv_slot *slot = own_slot(walk, own, i);
        if (slot == NULL)
            continue;
        attributed = true;
        /* Of several packages those stay out of it that are shown to be there. A state
         * that is about something else than installing fails no package that is. */
        if (apv_slot_is_open(slot) || (own->named && action != APV_ACTION_NONE))
            apv_slot_fail(walk, slot, reason, chunk->comment);
    }
    if (attributed || action == APV_ACTION_NONE)
        return;
    /* The state is named after no approved package. If its comment names it, it is a
     * package; if not, it stands for a list that the return doesn't show. */
    if (own->count == 0 || chunk->not_run ||
        !apv_comment_names(chunk->comment, own->targets[0].name)) {
        walk->run.unattributed = true;
        walk->run.unattributed_detail = chunk->comment;
    }
}

/* Whether a state may be for a list of packages, which its chunk doesn't hold: it goes by
 * its id then. */
static bool
is_for_a_list(const apv_walk *walk, const apv_chunk *chunk)
{
    return !walk->run.dry && chunk->name.size > 0 &&
           apv_span_equal(apv_text_or_none(walk->reader, chunk->id), chunk->name) &&
           apv_slot_find(&walk->slots, APV_KIND_PACKAGE, chunk->name, false) == NULL;
}

void
apv_package_judge(apv_walk *walk, const apv_chunk *chunk, const apv_arguments *arguments)
{
    apv_target named = {.name = chunk->name};
    apv_own own = {
        .targets = &named,
        .count = chunk->name.size > 0 ? 1 : 0,
        .named = true,
        .fold = apv_span_is(chunk->module, "chocolatey"),
    };
    apv_package_action action = action_of(chunk);
    apv_reason skipped = apv_chunk_skipped(chunk);

    if (is_asked_for(chunk, arguments)) {
        own.targets = arguments->targets;
        own.count = arguments->target_count;
        own.named = own.count == 1 && apv_span_equal(own.targets[0].name, chunk->name);
    }
    if (skipped != APV_REASON_NONE) {
        skip_own(walk, &own, chunk, skipped);
        if (own.count == 0)
            apv_slots_skip(walk, skipped);
        return;
    }

    apv_changes_context context = {
        .ok = chunk->result == APV_RESULT_TRUE,
        .fold = own.fold,
        .own = own.named ? chunk->name : APV_NO_SPAN,
        .detail = chunk->comment,
    };
    if (chunk->result != APV_RESULT_ODD && action != APV_ACTION_NONE &&
        action != APV_ACTION_UNKNOWN) {
        apv_changes_walk(walk, chunk->changes, &context);
        apv_comment_read(walk, &own, action, chunk->comment);
    }
    if (chunk->result == APV_RESULT_TRUE && own.targets == &named && is_for_a_list(walk, chunk) &&
        apv_comment_hides(chunk->comment, action))
        walk->run.undisclosed = true;
    if (chunk->result == APV_RESULT_FALSE)
        fail_own(walk, &own, chunk, action);
    else if (action != APV_ACTION_NONE)
        for (size_t i = 0; i < own.count; i++) {
            apv_slot *slot = own_slot(walk, &own, i);
            if (slot != NULL && slot->step != walk->run.step)
                apv_slot_mention(walk, slot);
        }
}

/* ---- service states ---- */

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
    apv_slot *slot = apv_slot_find(&walk->slots, APV_KIND_SERVICE, chunk->name, false);
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
