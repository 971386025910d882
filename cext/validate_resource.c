/* validate_resource.c - chunks of package states. */
#include "validate_private.h"

#include "text.h"

/* ---- whether a state was run ---- */

/* Whether a whole line of text is one of those that unless, onlyif and creates write. */
static bool
has_condition(apv_span text)
{
    for (bool more = text.size > 0; more;) {
        const char *newline = memchr(text.data, '\n', text.size);
        apv_span line = {text.data, newline == NULL ? text.size : (size_t)(newline - text.data)};
        if (apv_span_is(line, "unless condition is true") ||
            apv_span_is(line, "onlyif condition is false") ||
            apv_span_is(line, "All files in creates exist"))
            return true;
        more = newline != NULL;
        if (more)
            text = (apv_span){newline + 1, text.size - line.size - 1};
    }
    return false;
}

apv_reason
apv_chunk_skipped(const apv_chunk *chunk)
{
    apv_span comment = chunk->comment;

    if (chunk->result == APV_RESULT_NONE)
        return apv_span_starts(comment, "Failed to meet global state conditions")
                   ? APV_REASON_NOT_RUN
                   : APV_REASON_TEST_RUN;
    if (chunk->result == APV_RESULT_FALSE)
        return apv_span_starts(comment, "The state function \"") &&
                       apv_span_find(comment, "\" is currently disabled by \"") != NULL
                   ? APV_REASON_REFUSED
                   : APV_REASON_NONE;
    if (apv_span_is(comment, "Not called, mocked"))
        return APV_REASON_TEST_RUN;
    /* Requisites that were not met, and the conditions of unless, onlyif and creates. */
    if (chunk->not_run || has_condition(comment) ||
        (apv_span_starts(comment, "/") && apv_span_ends(comment, " exists")))
        return APV_REASON_NOT_RUN;
    return APV_REASON_NONE;
}

/* ---- package states ---- */

static const struct {
    const char *module;
    const char *fun;
    apv_package_action action;
} actions[] = {
    {"pkg", "installed", APV_ACTION_INSTALL},
    {"pkg", "latest", APV_ACTION_UPGRADE},
    {"pkg", "removed", APV_ACTION_REMOVE},
    {"pkg", "purged", APV_ACTION_REMOVE},
    {"pkg", "uptodate", APV_ACTION_CHANGE},
    {"pkg", "group_installed", APV_ACTION_CHANGE},
    {"pkg", "downloaded", APV_ACTION_NONE},
    {"pkg", "patch_installed", APV_ACTION_NONE},
    {"pkg", "patch_downloaded", APV_ACTION_NONE},
    {"pkg", "held", APV_ACTION_NONE},
    {"pkg", "unheld", APV_ACTION_NONE},
    {"chocolatey", "installed", APV_ACTION_INSTALL},
    {"chocolatey", "upgraded", APV_ACTION_UPGRADE},
    {"chocolatey", "uninstalled", APV_ACTION_REMOVE},
    {"chocolatey", "source_present", APV_ACTION_NONE},
    {"chocolatey", "bootstrapped", APV_ACTION_NONE},
    {"chocolatey", "unbootstrapped", APV_ACTION_NONE},
};

static apv_package_action
action_of(const apv_chunk *chunk)
{
    for (size_t i = 0; i < sizeof actions / sizeof *actions; i++)
        if (apv_span_is(chunk->module, actions[i].module) &&
            apv_span_is(chunk->fun, actions[i].fun))
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
    return apv_slot_find(walk, APV_KIND_PACKAGE, own->targets[i].name, own->fold);
}

static void
skip_own(apv_walk *walk, const apv_own *own, const apv_chunk *chunk, apv_reason reason)
{
    apv_changes_context context = {.ok = true, .fold = own->fold};
    bool dry = walk->dry;

    for (size_t i = 0; i < own->count; i++) {
        apv_slot *slot = own_slot(walk, own, i);
        if (slot != NULL)
            apv_slot_skip(walk, slot, reason);
    }
    /* What would have changed. */
    walk->dry = true;
    apv_changes_walk(walk, chunk->changes, &context);
    walk->dry = dry;
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
        walk->unattributed = true;
        walk->unattributed_detail = chunk->comment;
    }
}

/* Whether a state may be for a list of packages, which its chunk doesn't hold: it goes by
 * its id then. */
static bool
is_for_a_list(const apv_walk *walk, const apv_chunk *chunk)
{
    return !walk->dry && chunk->name.size > 0 && apv_span_equal(chunk->id, chunk->name) &&
           apv_slot_find(walk, APV_KIND_PACKAGE, chunk->name, false) == NULL;
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
        walk->undisclosed = true;
    if (chunk->result == APV_RESULT_FALSE)
        fail_own(walk, &own, chunk, action);
    else if (action != APV_ACTION_NONE)
        for (size_t i = 0; i < own.count; i++) {
            apv_slot *slot = own_slot(walk, &own, i);
            if (slot != NULL && slot->step != walk->step)
                apv_slot_mention(walk, slot);
        }
}
