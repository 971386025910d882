/* validate_comment.c - what the comments of package states say.
 *
 * A comment is free text, but these sentences are written by Salt's own states
 * (salt/states/pkg.py, salt/states/chocolatey.py) about packages that they looked up,
 * and for a package that needed no change they are all there is. Only whole sentences
 * at the start of a line are taken, and only from chunks of those states.
 */
#include "validate_private.h"

#include "text.h"

#include <limits.h>
#include <string.h>

/* ---- spans ---- */

/* Takes the text before the next newline off *rest. False: there is none left. */
static bool
next_line(apv_span *rest, apv_span *line)
{
    if (rest->data == NULL)
        return false;
    const char *newline = rest->size == 0 ? NULL : memchr(rest->data, '\n', rest->size);
    if (newline == NULL) {
        *line = *rest;
        *rest = APV_NO_SPAN;
        return true;
    }
    *line = (apv_span){rest->data, (size_t)(newline - rest->data)};
    *rest = (apv_span){newline + 1, rest->size - line->size - 1};
    /* pkg.installed with `hold` puts a full stop before the newline. */
    if (apv_span_ends(*line, "."))
        line->size--;
    return true;
}

/* Takes prefix off the start of *text; false, and nothing taken, if it isn't there. */
static bool
take_prefix(apv_span *text, const char *prefix)
{
    if (!apv_span_starts(*text, prefix))
        return false;
    size_t size = strlen(prefix);
    *text = (apv_span){text->data + size, text->size - size};
    return true;
}

static bool
take_suffix(apv_span *text, const char *suffix)
{
    if (!apv_span_ends(*text, suffix))
        return false;
    text->size -= strlen(suffix);
    return true;
}

/* Cuts text off before word, if it is there. */
static void
cut_before(apv_span *text, const char *word)
{
    const char *at = apv_span_find(*text, word);
    if (at != NULL)
        text->size = (size_t)(at - text->data);
}

/* Takes the element before the next ", " off *rest. */
static bool
next_element(apv_span *rest, apv_span *element)
{
    if (rest->data == NULL || rest->size == 0)
        return false;
    const char *comma = apv_span_find(*rest, ", ");
    if (comma == NULL) {
        *element = *rest;
        *rest = APV_NO_SPAN;
        return true;
    }
    *element = (apv_span){rest->data, (size_t)(comma - rest->data)};
    *rest = (apv_span){comma + 2, rest->size - element->size - 2};
    return true;
}

/* `retry` puts each failed attempt's comment, in double quotes, before the last one's. */
static apv_span
last_attempt(apv_span comment)
{
    apv_span rest = comment;

    if (!apv_span_starts(comment, "Attempt "))
        return comment;
    for (const char *at; (at = apv_span_find(rest, "\"\n")) != NULL;)
        rest = (apv_span){at + 2, rest.size - (size_t)(at + 2 - rest.data)};
    return rest;
}

/* ---- claims ---- */

/* What a list of packages is said to be. */
typedef enum { IS_PRESENT, IS_LATEST, IS_ABSENT } claim;

static void
claim_name(apv_walk *walk, apv_span name, claim said)
{
    apv_slot *slot = apv_slot_find(&walk->slots, APV_KIND_PACKAGE, name, false);

    if (slot == NULL)
        return;
    if (said == IS_ABSENT)
        apv_slot_observe(walk, slot, APV_NO_SPAN, APV_SOURCE_RETURN);
    else
        apv_slot_present(walk, slot, said == IS_LATEST, APV_SOURCE_RETURN);
}

static void
claim_version(apv_walk *walk, apv_span name, apv_span version, bool fold)
{
    apv_slot *slot = apv_slot_find(&walk->slots, APV_KIND_PACKAGE, name, fold);

    version = apv_version_exact(version);
    if (slot == NULL)
        return;
    if (version.data == NULL)
        apv_slot_present(walk, slot, false, APV_SOURCE_RETURN);
    else
        apv_version_text(walk, slot, version, APV_NO_SPAN, APV_SOURCE_RETURN);
}

/* "name=version" as pkg.installed lists what was already there; without a version, or
 * with a comparison, all that is said is that the package is there. */
static void
claim_pair(apv_walk *walk, apv_span pair)
{
    size_t size = 0;

    while (size < pair.size && strchr("=<>", pair.data[size]) == NULL)
        size++;
    apv_span name = {pair.data, size}, version = {pair.data + size, pair.size - size};
    if (take_prefix(&version, "=") && version.size > 0)
        claim_version(walk, name, version, false);
    else
        claim_name(walk, name, IS_PRESENT);
}

static void
claim_own(apv_walk *walk, const apv_own *own, claim said)
{
    for (size_t i = 0; i < own->count; i++)
        claim_name(walk, own->targets[i].name, said);
}

/* own: NULL behind the first line, which alone speaks of all that was asked for. */
static void
read_installed(apv_walk *walk, const apv_own *own, apv_span line)
{
    apv_span rest = line, element;

    if (own != NULL && apv_span_is(line, "All specified packages are already installed"))
        claim_own(walk, own, IS_PRESENT);
    else if (own != NULL &&
             apv_span_is(line, "All specified packages are already installed and are at the "
                               "desired version")) {
        /* Which version that is, only the arguments of state.single can say. */
        for (size_t i = 0; i < own->count; i++) {
            const apv_target *target = &own->targets[i];
            apv_slot *slot = apv_slot_find(&walk->slots, APV_KIND_PACKAGE, target->name, false);
            if (slot != NULL && target->version.data != NULL)
                apv_version_text(walk, slot, target->version, APV_NO_SPAN, APV_SOURCE_FUN_ARGS);
            else
                claim_name(walk, target->name, IS_PRESENT);
        }
    } else if (take_prefix(&rest, "The following packages were already installed: ")) {
        while (next_element(&rest, &element))
            claim_pair(walk, element);
    } else if (take_prefix(&rest, "Version ") && take_suffix(&rest, "' is already installed")) {
        const char *between = apv_span_find(rest, " of package '");
        if (between != NULL) {
            apv_span version = {rest.data, (size_t)(between - rest.data)};
            apv_span name = {between, rest.size - version.size};
            (void)take_prefix(&name, " of package '");
            claim_version(walk, name, version, false);
        }
    } else if (take_prefix(&rest, "Package ") && take_suffix(&rest, " is already installed"))
        claim_name(walk, rest, IS_PRESENT);
}

static void
read_latest(apv_walk *walk, apv_span line)
{
    apv_span rest = line, element;
    const char *list;

    if (take_prefix(&rest, "Package ") && take_suffix(&rest, " is already up-to-date"))
        claim_name(walk, rest, IS_LATEST);
    else if (take_prefix(&rest, "All packages are up-to-date (") &&
             (take_suffix(&rest, ").") || take_suffix(&rest, ")"))) {
        while (next_element(&rest, &element))
            claim_name(walk, element, IS_LATEST);
    } else if ((list = apv_span_find(line, "The following packages were already up-to-date: ")) !=
               NULL) {
        rest = (apv_span){list, line.size - (size_t)(list - line.data)};
        (void)take_prefix(&rest, "The following packages were already up-to-date: ");
        while (next_element(&rest, &element))
            claim_name(walk, element, IS_LATEST);
    }
}

static void
read_removed(apv_walk *walk, const apv_own *own, apv_span line)
{
    apv_span rest = line, element;

    if (own != NULL &&
        (apv_span_is(line, "All specified packages are already absent") ||
         apv_span_is(line, "None of the targeted packages are installed") ||
         apv_span_is(line, "None of the targeted packages are installed or partially installed")))
        claim_own(walk, own, IS_ABSENT);
    else if (take_prefix(&rest, "The following packages were not installed: ")) {
        cut_before(&rest, " The following packages were ");
        while (next_element(&rest, &element))
            claim_name(walk, element, IS_ABSENT);
    }
}

/* chocolatey.installed and upgraded: "NAME VERSION is already installed", also with
 * "(newer)"; the version is the one found. uninstalled: "The package NAME is not
 * installed". */
static void
read_chocolatey(apv_walk *walk, const apv_own *own, apv_package_action action, apv_span line)
{
    for (size_t i = 0; i < own->count; i++) {
        apv_span rest = line, name = own->targets[i].name;
        apv_slot *slot = apv_slot_find(&walk->slots, APV_KIND_PACKAGE, name, true);
        if (slot == NULL)
            continue;
        if (action == APV_ACTION_REMOVE) {
            if (take_prefix(&rest, "The package ") && take_suffix(&rest, " is not installed") &&
                apv_span_equal(rest, name))
                apv_slot_observe(walk, slot, APV_NO_SPAN, APV_SOURCE_RETURN);
            continue;
        }
        if (rest.size <= name.size || memcmp(rest.data, name.data, name.size) != 0 ||
            rest.data[name.size] != ' ')
            continue;
        rest = (apv_span){rest.data + name.size + 1, rest.size - name.size - 1};
        if (!take_suffix(&rest, " is already installed"))
            continue;
        (void)take_suffix(&rest, " (newer)");
        claim_version(walk, name, rest, true);
    }
}

void
apv_comment_read(apv_walk *walk, const apv_own *own, apv_package_action action, apv_span comment)
{
    apv_span rest = last_attempt(comment), line;

    for (const apv_own *first = own; next_line(&rest, &line); first = NULL) {
        if (own->fold) {
            if (first != NULL)
                read_chocolatey(walk, own, action, line);
        } else if (action == APV_ACTION_INSTALL)
            read_installed(walk, first, line);
        else if (action == APV_ACTION_UPGRADE)
            read_latest(walk, line);
        else if (action == APV_ACTION_REMOVE)
            read_removed(walk, first, line);
    }
}

/* Whether a line is a number, then middle, with anything behind. */
static bool
counts(apv_span line, const char *middle)
{
    size_t digits = 0;
    while (digits < line.size && line.data[digits] >= '0' && line.data[digits] <= '9')
        digits++;
    line = (apv_span){line.data + digits, line.size - digits};
    return digits > 0 && apv_span_starts(line, middle);
}

static bool
hides(apv_span line, apv_package_action action)
{
    switch (action) {
    case APV_ACTION_INSTALL:
        return apv_span_starts(line, "All specified packages are already installed") ||
               counts(line, " targeted packages were already installed");
    case APV_ACTION_UPGRADE:
        return (take_prefix(&line, "All ") && counts(line, " packages are up-to-date")) ||
               counts(line, " packages were already up-to-date");
    case APV_ACTION_REMOVE:
        return apv_span_is(line, "All specified packages are already absent") ||
               apv_span_starts(line, "None of the targeted packages are installed");
    default:
        return false;
    }
}

bool
apv_comment_hides(apv_span comment, apv_package_action action)
{
    apv_span rest = last_attempt(comment), line;

    while (next_line(&rest, &line))
        if (hides(line, action))
            return true;
    return false;
}

/* ---- names in the comments of failed states ---- */

/* The characters that a package's name may have. */
static const bool name_chars[UCHAR_MAX + 1] = {
    ['A'] = true, ['B'] = true, ['C'] = true, ['D'] = true, ['E'] = true, ['F'] = true,
    ['G'] = true, ['H'] = true, ['I'] = true, ['J'] = true, ['K'] = true, ['L'] = true,
    ['M'] = true, ['N'] = true, ['O'] = true, ['P'] = true, ['Q'] = true, ['R'] = true,
    ['S'] = true, ['T'] = true, ['U'] = true, ['V'] = true, ['W'] = true, ['X'] = true,
    ['Y'] = true, ['Z'] = true, ['a'] = true, ['b'] = true, ['c'] = true, ['d'] = true,
    ['e'] = true, ['f'] = true, ['g'] = true, ['h'] = true, ['i'] = true, ['j'] = true,
    ['k'] = true, ['l'] = true, ['m'] = true, ['n'] = true, ['o'] = true, ['p'] = true,
    ['q'] = true, ['r'] = true, ['s'] = true, ['t'] = true, ['u'] = true, ['v'] = true,
    ['w'] = true, ['x'] = true, ['y'] = true, ['z'] = true, ['0'] = true, ['1'] = true,
    ['2'] = true, ['3'] = true, ['4'] = true, ['5'] = true, ['6'] = true, ['7'] = true,
    ['8'] = true, ['9'] = true, ['+'] = true, ['-'] = true, ['.'] = true, [':'] = true,
    ['@'] = true, ['_'] = true, ['~'] = true,
};

static bool
is_name_char(char c)
{
    return name_chars[(unsigned char)c];
}

/* Whether a character that a name may have ends a sentence, or a part of one, rather than it. */
static bool
is_punctuation(char c)
{
    return c == '.' || c == ':' || c == '-';
}

/* Takes the next word that could be a package's name off *rest. */
static bool
next_word(apv_span *rest, apv_span *word)
{
    size_t start = 0, end;

    while (start < rest->size && !is_name_char(rest->data[start]))
        start++;
    for (end = start; end < rest->size && is_name_char(rest->data[end]);)
        end++;
    *word = (apv_span){rest->data + start, end - start};
    *rest = (apv_span){rest->data + end, rest->size - end};
    while (word->size > 0 && is_punctuation(word->data[word->size - 1]))
        word->size--;
    return end > start;
}

bool
apv_comment_names(apv_span comment, apv_span name)
{
    apv_span word;

    while (comment.size > 0 && next_word(&comment, &word))
        if (apv_span_equal(word, name))
            return true;
    return false;
}

void
apv_comment_fail_named(apv_walk *walk, apv_span comment, bool fold)
{
    apv_span rest = comment, line, word;

    /* Packages that Salt itself lists as failed are, also where something changed. */
    for (apv_span lines = comment; next_line(&lines, &line);) {
        if (!apv_span_starts(line, "The following packages failed to "))
            continue;
        cut_before(&line, " The following packages were ");
        while (line.size > 0 && next_word(&line, &word)) {
            apv_slot *slot = apv_slot_find(&walk->slots, APV_KIND_PACKAGE, word, fold);
            if (slot != NULL)
                apv_slot_fail(walk, slot, APV_REASON_STATE_FAILED, comment);
        }
    }
    while (rest.size > 0 && next_word(&rest, &word)) {
        apv_slot *slot = apv_slot_find(&walk->slots, APV_KIND_PACKAGE, word, fold);
        if (slot != NULL && apv_slot_is_open(slot))
            apv_slot_fail(walk, slot, APV_REASON_STATE_FAILED, comment);
    }
}
