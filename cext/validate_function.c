/* validate_function.c - returns of execution functions, alone or through module.run. */
#include "validate_private.h"

#include "text.h"

#include <string.h>

typedef enum {
    FUN_INSTALL, /* changes; nothing is said of what did not change */
    FUN_REMOVE,
    FUN_VERSION,
    FUN_LIST,
    FUN_OUTPUT, /* only a program's output */
    FUN_SERVICE_STATUS
} family;

static const struct {
    const char *name;
    family family;
} functions[] = {
    {"pkg.install", FUN_INSTALL},
    {"pkg.upgrade", FUN_INSTALL},
    {"pkg.group_install", FUN_INSTALL},
    {"pkg.downgrade", FUN_INSTALL},
    {"pkg.remove", FUN_REMOVE},
    {"pkg.purge", FUN_REMOVE},
    {"pkg.autoremove", FUN_REMOVE},
    {"pkg.version", FUN_VERSION},
    {"pkg_resource.version", FUN_VERSION},
    {"pkg.list_pkgs", FUN_LIST},
    {"chocolatey.install", FUN_OUTPUT},
    {"chocolatey.upgrade", FUN_OUTPUT},
    {"chocolatey.update", FUN_OUTPUT},
    {"chocolatey.uninstall", FUN_OUTPUT},
    {"service.status", FUN_SERVICE_STATUS},
};

static bool
find_family(apv_span fun, family *found)
{
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
        if (apv_span_is(fun, functions[i].name)) {
            *found = functions[i].family;
            return true;
        }
    }
    return false;
}

bool
apv_is_judged_function(apv_span fun)
{
    family is;
    return find_family(fun, &is) || apv_span_starts(fun, "pkg.");
}

/* ---- jobs that could not run ---- */

static const struct {
    const char *words;
    apv_reason reason;
} refusals[] = {
    {"is running as PID", APV_REASON_REFUSED_RUNNING},
    {"is currently disabled", APV_REASON_REFUSED},
    {"Minion in blackout mode", APV_REASON_REFUSED},
    {"Minion did not return", APV_REASON_NO_RETURN},
};

bool
apv_is_refusal(apv_span text, apv_reason *reason)
{
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        if (apv_span_find(text, refusals[i].words) != NULL) {
            *reason = refusals[i].reason;
            return true;
        }
    }
    return false;
}

/* A text where a map, a version or a bool should be: Salt's minion puts the words of an
 * exception there. */
static bool
is_error_text(apv_span text)
{
    return apv_span_starts(text, "ERROR") || apv_span_starts(text, "Traceback") ||
           apv_span_starts(text, "The minion function caused an exception") ||
           apv_span_starts(text, "Passed invalid arguments") ||
           apv_span_starts(text, "Command required for '") ||
           apv_span_ends(text, "is not available.");
}

/* ---- the families ---- */

static apv_slot *
target_slot(const apv_walk *walk, const apv_arguments *arguments, size_t i, apv_kind kind)
{
    return apv_slot_find(&walk->slots, kind, arguments->targets[i].name, false);
}

/* The function failed: so did what it was asked for, or everything if that isn't known. */
static void
judge_failed(apv_walk *walk, const apv_arguments *arguments, apv_kind kind, apv_span detail)
{
    apv_reason refusal;
    bool refused = apv_is_refusal(detail, &refusal);

    if (arguments == NULL || !arguments->known || arguments->target_count == 0) {
        if (refused)
            apv_slots_skip(walk, refusal);
        else
            apv_slots_fail(walk, APV_REASON_JOB_FAILED, detail);
        return;
    }
    for (size_t i = 0; i < arguments->target_count; i++) {
        apv_slot *slot = target_slot(walk, arguments, i, kind);
        if (slot == NULL)
            continue;
        if (refused)
            apv_slot_skip(walk, slot, refusal);
        else if (slot->step != walk->run.step || apv_slot_is_open(slot))
            apv_slot_fail(walk, slot, APV_REASON_JOB_FAILED, detail);
    }
}

static void
mention_targets(apv_walk *walk, const apv_arguments *arguments, apv_kind kind)
{
    for (size_t i = 0; arguments != NULL && i < arguments->target_count; i++) {
        apv_slot *slot = target_slot(walk, arguments, i, kind);
        if (slot != NULL && slot->step != walk->run.step)
            apv_slot_mention(walk, slot);
    }
}

/* How many different packages a query was for. */
static size_t
count_distinct(const apv_arguments *arguments)
{
    size_t distinct = arguments->target_count > 0 ? 1 : 0;
    for (size_t i = 1; i < arguments->target_count; i++)
        if (!apv_span_equal(arguments->targets[i].name, arguments->targets[0].name))
            distinct++;
    return distinct;
}

/* Whether a name says for which architecture, as Debian's and RPM's can. */
static bool
has_architecture(apv_span name)
{
    static const char *const rpm[] = {".x86_64",  ".i386",  ".i586",    ".i686",   ".noarch",
                                      ".aarch64", ".s390x", ".ppc64le", ".armv7hl"};
    for (size_t i = 0; i < sizeof rpm / sizeof *rpm; i++)
        if (apv_span_ends(name, rpm[i]))
            return true;
    return memchr(name.data, ':', name.size) != NULL;
}

/* No version: it is absent. But Salt lists packages of the minion's own architecture
 * without it, so that a name with one can be missing though the package is there. */
static void
observe_none(apv_walk *walk, apv_slot *slot)
{
    if (has_architecture(slot->item->name))
        apv_slot_mention(walk, slot);
    else
        apv_slot_observe(walk, slot, APV_NO_SPAN, APV_SOURCE_RETURN);
}

static void
observe(apv_walk *walk, apv_slot *slot, apv_value version)
{
    const apv_reader *reader = walk->reader;
    apv_cursor cursor;
    apv_span text;

    reader->open(reader, version, &cursor);
    if ((reader->text(reader, version, &text) && text.size == 0) ||
        (reader->type(reader, version) == APV_LIST && cursor.count == 0))
        observe_none(walk, slot);
    else
        apv_version_observe(walk, slot, version, APV_SOURCE_RETURN);
}

/* pkg.version: the version of the one package asked for, or {name: version}. Without
 * the arguments it isn't known of what, nor whether it asked for what is installed. */
static void
judge_version(apv_walk *walk, apv_value ret, const apv_arguments *arguments)
{
    const apv_reader *reader = walk->reader;
    bool understood = arguments != NULL && arguments->known && !arguments->selecting;
    apv_cursor cursor;
    apv_value version;
    apv_span name;

    if (reader->type(reader, ret) == APV_MAP) {
        reader->open(reader, ret, &cursor);
        while (reader->next(reader, &cursor, &name, &version)) {
            apv_slot *slot = apv_slot_find(&walk->slots, APV_KIND_PACKAGE, name, false);
            if (slot == NULL)
                continue;
            if (understood)
                observe(walk, slot, version);
            else
                apv_slot_mention(walk, slot);
        }
    } else if (understood && count_distinct(arguments) == 1 &&
               memchr(arguments->targets[0].name.data, '*', arguments->targets[0].name.size) ==
                   NULL) {
        apv_slot *slot = target_slot(walk, arguments, 0, APV_KIND_PACKAGE);
        if (slot != NULL)
            observe(walk, slot, ret);
    }
    mention_targets(walk, arguments, APV_KIND_PACKAGE);
}

/* pkg.list_pkgs: all that is installed, so that what isn't in it is absent. */
static void
judge_list(apv_walk *walk, apv_value ret, const apv_arguments *arguments)
{
    const apv_reader *reader = walk->reader;
    apv_cursor cursor;
    apv_value version;
    apv_span name;
    bool any = false;

    if (arguments == NULL || !arguments->known || arguments->selecting ||
        reader->type(reader, ret) != APV_MAP)
        return;
    reader->open(reader, ret, &cursor);
    while (reader->next(reader, &cursor, &name, &version)) {
        apv_slot *slot = apv_slot_find(&walk->slots, APV_KIND_PACKAGE, name, false);
        any = true;
        if (slot == NULL)
            continue;
        observe(walk, slot, version);
        slot->step = walk->run.step; /* it is in the list, whatever is said of its version */
    }
    if (!any || !apv_slots_sweep(&walk->slots))
        return;
    for (size_t i = 0; i < walk->slots.count; i++) {
        apv_slot *slot = &walk->slots.items[i];
        if (slot->kind == APV_KIND_PACKAGE && slot->step != walk->run.step)
            observe_none(walk, slot);
    }
}

static void
judge_service_status(apv_walk *walk, apv_value ret, const apv_arguments *arguments)
{
    const apv_reader *reader = walk->reader;

    if (arguments != NULL && arguments->known && !arguments->selecting &&
        arguments->target_count == 1 && reader->type(reader, ret) == APV_BOOL) {
        apv_slot *slot = target_slot(walk, arguments, 0, APV_KIND_SERVICE);
        if (slot != NULL)
            apv_service_observe(walk, slot, reader->truth(reader, ret));
    }
    mention_targets(walk, arguments, APV_KIND_SERVICE);
}

/* Whether a function changed nothing. Most of them take no notice of test=True, so that what
 * they show under it was done; those that do show nothing then. */
static bool
was_dry(const apv_reader *reader, apv_value ret, family is, const apv_arguments *arguments)
{
    apv_cursor cursor;
    apv_value value;
    apv_span name;

    if (arguments == NULL || arguments->elsewhere || !arguments->test)
        return arguments != NULL && arguments->elsewhere;
    reader->open(reader, ret, &cursor);
    return is <= FUN_REMOVE &&
           !(reader->type(reader, ret) == APV_MAP && reader->next(reader, &cursor, &name, &value));
}

bool
apv_function_judge(apv_walk *walk, apv_span fun, apv_value ret, bool failed,
                   const apv_arguments *arguments)
{
    const apv_reader *reader = walk->reader;
    apv_type type = reader->type(reader, ret);
    apv_span text = apv_text_or_none(reader, ret);
    family is;

    if (!find_family(fun, &is)) {
        /* A function of pkg that there isn't, or that could not run. */
        if (!failed || !apv_span_starts(fun, "pkg.") || text.data == NULL)
            return false;
        judge_failed(walk, arguments, APV_KIND_PACKAGE, text);
        return true;
    }
    if (apv_span_is(text, "VALUE_TRIMMED"))
        return false;

    bool dry = walk->run.dry;
    apv_kind kind = is == FUN_SERVICE_STATUS ? APV_KIND_SERVICE : APV_KIND_PACKAGE;
    apv_changes_context context = {.ok = !failed, .detail = text};
    walk->run.dry = dry || was_dry(reader, ret, is, arguments);
    walk->run.step++;
    if (type == APV_MAP && (is == FUN_INSTALL || is == FUN_REMOVE))
        apv_changes_walk(walk, ret, &context);
    if (failed || is_error_text(text) || (is <= FUN_REMOVE && text.size > 0))
        judge_failed(walk, arguments, kind, text);
    else if (is == FUN_VERSION)
        judge_version(walk, ret, arguments);
    else if (is == FUN_LIST)
        judge_list(walk, ret, arguments);
    else if (is == FUN_SERVICE_STATUS)
        judge_service_status(walk, ret, arguments);
    else /* asked for, but it isn't among the changes */
        mention_targets(walk, arguments, kind);
    walk->run.dry = dry;
    return true;
}

/* ---- module.run ---- */

/* The function that a key of new-style module.run names: pkg.install, pkg.install:2. */
static apv_span
function_of(apv_span key)
{
    const char *colon = key.size == 0 ? NULL : memchr(key.data, ':', key.size);
    if (colon != NULL)
        key.size = (size_t)(colon - key.data);
    return key;
}

/* Whether the state was to run a function that changes packages. */
static bool
runs_package_function(const apv_reader *reader, const apv_chunk *chunk)
{
    apv_cursor cursor;
    apv_value element;
    apv_span name, none;
    family is;

    if (chunk->name.data != NULL)
        return find_family(function_of(chunk->name), &is) && is <= FUN_REMOVE;
    reader->open(reader, chunk->raw_name, &cursor);
    while (reader->next(reader, &cursor, &none, &element))
        if (reader->text(reader, element, &name) && find_family(function_of(name), &is) &&
            is <= FUN_REMOVE)
            return true;
    return false;
}

void
apv_module_judge(apv_walk *walk, const apv_chunk *chunk)
{
    const apv_reader *reader = walk->reader;
    bool failed = chunk->result != APV_RESULT_TRUE;
    apv_cursor cursor;
    apv_value ret;
    apv_span key;

    if (!apv_span_is(chunk->fun, "run") || apv_chunk_skipped(chunk) != APV_REASON_NONE)
        return;
    reader->open(reader, chunk->changes, &cursor);
    while (reader->next(reader, &cursor, &key, &ret)) {
        /* Old style: {"ret": return} of the function that is the state's name. New
         * style: {function: return} of those that succeeded. */
        bool old_style = apv_span_is(key, "ret") && chunk->name.data != NULL;
        (void)apv_function_judge(walk, old_style ? chunk->name : function_of(key), ret,
                                 failed && old_style, NULL);
    }
    if (!failed)
        return;
    apv_comment_fail_named(walk, chunk->comment, false);
    if (runs_package_function(reader, chunk)) {
        walk->run.unattributed = true;
        walk->run.unattributed_detail = chunk->comment;
    }
}
