/* validate_changes.c - what changed: {name: {old, new}} and its relatives. */
#include "validate_private.h"

#include <string.h>

#define VERSION_SIZE_MAX 255

/* In which part of the changes of pkg.purge a package stands: that returns
 * {"installed": changes, "removed": changes among the packages of which only the
 * configuration is left}. */
typedef enum { PART_WHOLE, PART_INSTALLED, PART_REMOVED } part;

bool
apv_version_plausible(apv_span text)
{
    if (text.size == 0 || text.size > VERSION_SIZE_MAX)
        return false;
    for (size_t i = 0; i < text.size; i++)
        if ((unsigned char)text.data[i] <= ' ' || text.data[i] == 0x7F)
            return false;
    return true;
}

apv_span
apv_version_exact(apv_span text)
{
    if (!apv_version_plausible(text) || apv_span_is(text, "latest") ||
        strchr("<>=!~", text.data[0]) != NULL)
        return APV_NO_SPAN;
    for (size_t i = 0; i < text.size; i++) {
        /* A comma may be of the version; behind it no further comparison may stand. */
        bool comma = text.data[i] == ',';
        if (strchr("*?[", text.data[i]) != NULL ||
            (comma && (i + 1 == text.size || strchr("<>=!~,", text.data[i + 1]) != NULL)))
            return APV_NO_SPAN;
    }
    return text;
}

/* ---- one or several versions ---- */

/* Of several installed versions the first, or the first that is the approved one. */
typedef struct {
    apv_span version; /* data NULL: none yet */
    bool approved;
    bool odd; /* something stood there that is no version */
} choice;

static void
choose(const apv_slot *slot, apv_span version, choice *chosen)
{
    if (!apv_version_plausible(version)) {
        chosen->odd = true;
        return;
    }
    bool approved = apv_slot_match(slot, version) == APV_MATCH_YES;
    if (chosen->version.data == NULL || (approved && !chosen->approved)) {
        chosen->version = version;
        chosen->approved = approved;
    }
}

/* Takes what stands before the next comma off *rest. False: there is none left. */
static bool
next_part(apv_span *rest, apv_span *version)
{
    if (rest->data == NULL)
        return false;
    const char *comma = rest->size == 0 ? NULL : memchr(rest->data, ',', rest->size);
    *version = *rest;
    *rest = APV_NO_SPAN;
    if (comma != NULL) {
        size_t size = (size_t)(comma - version->data);
        *rest = (apv_span){comma + 1, version->size - size - 1};
        version->size = size;
    }
    return true;
}

/* Whether a text is sure to be several versions: each of them is as RPM has them, a version
 * and a release. */
static bool
is_rpm_list(apv_span text)
{
    apv_span rest = text, version;

    while (next_part(&rest, &version)) {
        const char *dash = version.size == 0 ? NULL : memchr(version.data, '-', version.size);
        if (dash == NULL || dash == version.data || dash == version.data + version.size - 1)
            return false;
    }
    return true;
}

static bool
has_letter_or_dot(apv_span text)
{
    for (size_t i = 0; i < text.size; i++)
        if (text.data[i] < '0' || text.data[i] > '9')
            return true;
    return false;
}

/* Whether a text is the version that was there before, and the approved one, put beside it:
 * what is behind the comma of one version (an epoch, a build) is approved for no package. */
static bool
was_put_beside(const apv_slot *slot, apv_span text, apv_span before)
{
    apv_span wanted = slot->item->value;

    return before.size > 0 && wanted.size > 0 && memchr(before.data, ',', before.size) == NULL &&
           text.size == before.size + 1 + wanted.size && text.data[before.size] == ',' &&
           memcmp(text.data, before.data, before.size) == 0 &&
           memcmp(text.data + before.size + 1, wanted.data, wanted.size) == 0 &&
           has_letter_or_dot(wanted) && !apv_span_equal(wanted, before);
}

/* What a text with commas says: package managers that keep several versions side by side
 * join them ("5.10-1,5.10-2"), but a comma may as well belong to the one version (FreeBSD's
 * epochs, "1.2,1"; Solaris; Homebrew's casks). Where it cannot be told, the approved one
 * among the parts shows nothing. */
static void
choose_from_text(const apv_slot *slot, apv_span text, apv_span before, choice *chosen)
{
    apv_span rest = text, version;
    choice parts = {0};

    if (text.size == 0 || memchr(text.data, ',', text.size) == NULL) {
        choose(slot, text, chosen);
        if (chosen->odd && apv_slot_match(slot, text) == APV_MATCH_YES)
            *chosen = (choice){.version = text, .approved = true};
        return;
    }
    while (next_part(&rest, &version))
        choose(slot, version, &parts);
    if (is_rpm_list(text) || was_put_beside(slot, text, before))
        *chosen = parts;
    if (!chosen->approved && apv_slot_match(slot, text) == APV_MATCH_YES)
        *chosen = (choice){.version = text, .approved = true};
    else if (chosen->version.data == NULL && (parts.odd || parts.approved))
        chosen->odd = true;
    else if (chosen->version.data == NULL)
        choose(slot, text, chosen);
}

static void
observe_chosen(apv_walk *walk, apv_slot *slot, const choice *chosen, apv_source source)
{
    if (chosen->version.data == NULL || (chosen->odd && !chosen->approved))
        apv_slot_doubt(walk, slot);
    else
        apv_slot_observe(walk, slot, chosen->version, source);
}

void
apv_version_text(apv_walk *walk, apv_slot *slot, apv_span text, apv_span before, apv_source source)
{
    choice chosen = {0};

    choose_from_text(slot, text, before, &chosen);
    observe_chosen(walk, slot, &chosen, source);
}

void
apv_version_observe(apv_walk *walk, apv_slot *slot, apv_value version, apv_source source)
{
    const apv_reader *reader = walk->reader;
    choice chosen = {0};
    apv_span text;

    switch (reader->type(reader, version)) {
    case APV_TEXT:
        (void)reader->text(reader, version, &text);
        if (text.size == 0) {
            apv_slot_observe(walk, slot, APV_NO_SPAN, source);
            return;
        }
        choose_from_text(slot, text, APV_NO_SPAN, &chosen);
        break;
    case APV_LIST: {
        apv_cursor cursor;
        apv_value element;
        apv_span none;
        reader->open(reader, version, &cursor);
        if (cursor.count == 0) {
            apv_slot_observe(walk, slot, APV_NO_SPAN, source);
            return;
        }
        while (reader->next(reader, &cursor, &none, &element)) {
            if (reader->type(reader, element) == APV_MAP)
                element = apv_map_get(reader, element, "version");
            choose(slot, apv_text_or_none(reader, element), &chosen);
        }
        break;
    }
    default:
        chosen.odd = true;
    }

    observe_chosen(walk, slot, &chosen, source);
}

/* ---- one change ---- */

/* What pkg.hold and pkg.unhold say, which pkg.installed with `hold` writes behind a
 * version, or alone where no version changed. */
static bool
is_selection(apv_span line)
{
    return apv_span_is(line, "hold") || apv_span_is(line, "install") || apv_span_is(line, "unhold");
}

static void
observe_new(apv_walk *walk, apv_slot *slot, apv_value value, apv_value old)
{
    apv_span text;

    if (!walk->reader->text(walk->reader, value, &text)) {
        apv_version_observe(walk, slot, value, APV_SOURCE_CHANGES);
        return;
    }
    const char *newline = text.size == 0 ? NULL : memchr(text.data, '\n', text.size);
    if (newline != NULL) {
        apv_span behind = {newline + 1, (size_t)(text.data + text.size - newline - 1)};
        if (is_selection(behind))
            text.size = (size_t)(newline - text.data);
    }
    if (text.size == 0)
        apv_slot_observe(walk, slot, APV_NO_SPAN, APV_SOURCE_CHANGES);
    else if (is_selection(text) || apv_span_is(text, "installed"))
        apv_slot_present(walk, slot, false, APV_SOURCE_CHANGES);
    else if (apv_span_is(text, "removed") || apv_span_is(text, "purged"))
        apv_slot_mention(walk, slot); /* markers of a test run, not versions */
    else
        apv_version_text(walk, slot, text, apv_text_or_none(walk->reader, old), APV_SOURCE_CHANGES);
}

static void
note_unapproved(apv_walk *walk, apv_span name)
{
    if (walk->run.dry)
        return;
    apv_span *names =
        apv_arena_grow(walk->scratch, walk->answer.unapproved, walk->answer.unapproved_count,
                       &walk->answer.unapproved_room, sizeof *names);
    if (names == NULL) {
        walk->out_of_memory = true;
        return;
    }
    walk->answer.unapproved = names;
    walk->answer.unapproved[walk->answer.unapproved_count++] = name;
}

static void
walk_change(apv_walk *walk, apv_span name, apv_value now, apv_value old, part where,
            const apv_changes_context *context)
{
    apv_slot *slot = apv_slot_find(&walk->slots, APV_KIND_PACKAGE, name, context->fold);

    if (slot == NULL) {
        note_unapproved(walk, name);
        return;
    }
    if (where == PART_REMOVED) {
        /* Whatever its configuration did, it isn't installed, unless the other part
         * of this return says that it is. */
        if (slot->step != walk->run.step)
            apv_slot_observe(walk, slot, APV_NO_SPAN, APV_SOURCE_CHANGES);
        return;
    }
    observe_new(walk, slot, now, old);
    if (context->ok || walk->run.dry)
        return;
    /* The state failed. What changed is a fact all the same, but only where it is not
     * the very package that the state is named after. */
    bool named = context->own.data != NULL && apv_span_equal(context->own, name);
    bool reached = (slot->seen == APV_SEEN_VALUE || slot->seen == APV_SEEN_ABSENT) &&
                   apv_slot_match(slot, slot->observed) == APV_MATCH_YES;
    if (named || !reached)
        apv_slot_fail(walk, slot, APV_REASON_STATE_FAILED, context->detail);
}

/* What win_pkg says instead of {old, new}. */
static void
walk_status(apv_walk *walk, apv_span name, apv_value current, apv_value installed,
            apv_value uninstalled, const apv_changes_context *context)
{
    const apv_reader *reader = walk->reader;
    apv_slot *slot = apv_slot_find(&walk->slots, APV_KIND_PACKAGE, name, context->fold);
    apv_span text;

    if (slot == NULL)
        return;
    if (reader->text(reader, current, &text)) {
        if (apv_span_is(text, "not installed"))
            apv_slot_observe(walk, slot, APV_NO_SPAN, APV_SOURCE_CHANGES);
        else if (context->ok)
            apv_version_observe(walk, slot, current, APV_SOURCE_CHANGES);
        else
            apv_slot_mention(walk, slot);
        return;
    }
    text = apv_text_or_none(reader, installed);
    if (text.data == NULL)
        text = apv_text_or_none(reader, uninstalled);
    if (context->ok && !apv_span_starts(text, "failed"))
        apv_slot_mention(walk, slot); /* "success", "task started" */
    else
        apv_slot_fail(walk, slot, APV_REASON_STATE_FAILED, context->detail);
}

static void
walk_part(apv_walk *walk, apv_value changes, part where, const apv_changes_context *context)
{
    enum { NEW, OLD, CURRENT, INSTALLED, UNINSTALLED, COUNT };
    static const apv_span words[COUNT] = {APV_WORD("new"), APV_WORD("old"), APV_WORD("current"),
                                          APV_WORD("install status"), APV_WORD("uninstall status")};
    const apv_reader *reader = walk->reader;
    apv_value value, found[COUNT];
    apv_cursor cursor;
    apv_span name;

    reader->open(reader, changes, &cursor);
    while (reader->next(reader, &cursor, &name, &value)) {
        if (name.size == 0)
            continue;
        switch (reader->type(reader, value)) {
        case APV_TEXT: { /* win_pkg: an error instead of a change */
            apv_slot *slot = apv_slot_find(&walk->slots, APV_KIND_PACKAGE, name, context->fold);
            if (slot != NULL)
                apv_slot_fail(walk, slot, APV_REASON_STATE_FAILED, apv_text_or_none(reader, value));
            break;
        }
        case APV_MAP:
            apv_map_find(reader, value, words, COUNT, found);
            if (found[NEW].node != NULL)
                walk_change(walk, name, found[NEW], found[OLD], where, context);
            else if (found[OLD].node != NULL)
                break; /* what was, without what is */
            else if (where == PART_WHOLE && apv_span_is(name, "installed"))
                walk_part(walk, value, PART_INSTALLED, context);
            else if (where == PART_WHOLE && apv_span_is(name, "removed"))
                walk_part(walk, value, PART_REMOVED, context);
            else
                walk_status(walk, name, found[CURRENT], found[INSTALLED], found[UNINSTALLED],
                            context);
            break;
        default:
            break;
        }
    }
}

void
apv_changes_walk(apv_walk *walk, apv_value changes, const apv_changes_context *context)
{
    if (walk->reader->type(walk->reader, changes) == APV_MAP)
        walk_part(walk, changes, PART_WHOLE, context);
}
