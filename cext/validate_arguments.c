/* validate_arguments.c - what a job was asked to do: its fun_args.
 *
 * A list of positional arguments, and at most one map with "__kwarg__": true for the
 * named ones. A minion takes a text like "test=True" for a named one as well.
 */
#include "validate_private.h"

#include <string.h>

/* At which position of which function the argument `test` stands. */
static const struct {
    const char *fun;
    size_t position;
} test_positions[] = {
    {"state.highstate", 0}, {"state.high", 1}, {"state.sls", 1},    {"state.top", 1},
    {"state.single", 2},    {"state.pkg", 3},  {"state.sls_id", 2},
};

/* Named arguments of queries that don't change what is asked. */
static const char *const neutral[] = {"versions_as_list", "use_context", "saltenv", "refresh"};

static bool
is_one_of(apv_span text, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (apv_span_is(text, words[i]))
            return true;
    return false;
}

/* Salt takes any value but None and False for a yes where a test run is asked for. */
static bool
is_given(const apv_reader *reader, apv_value value)
{
    switch (reader->type(reader, value)) {
    case APV_MISSING:
    case APV_NULL:
        return false;
    case APV_BOOL:
        return reader->truth(reader, value);
    default:
        return true;
    }
}

/* `test`, which Salt takes in any case. */
static bool
is_test(apv_span key)
{
    static const char word[] = "test";
    if (key.size != sizeof word - 1)
        return false;
    for (size_t i = 0; i < key.size; i++)
        if ((key.data[i] | 0x20) != word[i])
            return false;
    return true;
}

/* Named arguments with which a function changes nothing of this machine: it only tries, or
 * works on a root file system elsewhere. */
static const char *const harmless[] = {"mock",   "downloadonly", "download_only",
                                       "dryrun", "root",         "installroot"};

/* An argument that tells how a function is to run, whatever it runs on. */
static void
note_mode(apv_span key, apv_arguments *arguments)
{
    if (is_test(key) || is_one_of(key, harmless, sizeof harmless / sizeof *harmless))
        arguments->test = true;
    else if (apv_span_is(key, "pillar") || apv_span_is(key, "force"))
        arguments->pillar = true;
    else if (apv_span_is(key, "terse"))
        arguments->terse = true;
    else if (apv_span_is(key, "allow_updates") || apv_span_is(key, "ignore_epoch") ||
             apv_span_is(key, "resolve_capabilities"))
        arguments->loose = true;
}

/* Splits "key=value". False: it is no such text, as Salt's parse_kwarg sees it. */
static bool
split_named(apv_span text, apv_span *key, apv_span *value)
{
    size_t size = 0;

    if (text.size == 0 || memchr(text.data, '\n', text.size) != NULL)
        return false;
    for (; size < text.size && text.data[size] != '='; size++) {
        unsigned char c = (unsigned char)text.data[size];
        bool letter = (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
        if (!letter && c != '_' && c < 0x80 &&
            (size == 0 || ((c < '0' || c > '9') && c != '.' && c != '-')))
            return false;
    }
    if (size == 0 || size == text.size || (size + 1 < text.size && text.data[size + 1] == '='))
        return false;
    *key = (apv_span){text.data, size};
    *value = (apv_span){text.data + size + 1, text.size - size - 1};
    return true;
}

/* Reads a named argument that stands among the positional ones as a text. What it asks
 * for besides a mode is not looked into: then it isn't known what was asked for. */
static void
read_text_named(apv_span key, apv_span value, apv_arguments *arguments)
{
    static const char *const no[] = {"False", "false", "None", "null"};

    if (!is_one_of(value, no, sizeof no / sizeof *no))
        note_mode(key, arguments);
    if (!is_one_of(key, neutral, sizeof neutral / sizeof *neutral)) {
        arguments->selecting = true;
        arguments->known = false;
    }
}

static void
add_target(apv_walk *walk, apv_arguments *arguments, apv_span name, apv_span version)
{
    apv_target *targets = apv_arena_grow(walk->scratch, arguments->targets, arguments->target_count,
                                         &arguments->target_room, sizeof *targets);
    if (targets == NULL) {
        walk->out_of_memory = true;
        return;
    }
    arguments->targets = targets;
    arguments->targets[arguments->target_count++] = (apv_target){name, apv_version_exact(version)};
}

/* A name as pkg.install takes it: possibly several with commas between. */
static void
add_names(apv_walk *walk, apv_arguments *arguments, apv_span names, apv_span version)
{
    const char *end = names.data + names.size;

    for (const char *at = names.data; at <= end;) {
        const char *comma = memchr(at, ',', (size_t)(end - at));
        const char *stop = comma == NULL ? end : comma;
        add_target(walk, arguments, (apv_span){at, (size_t)(stop - at)}, version);
        at = stop + 1;
    }
}

/* pkgs: [name, {name: version}], sources: [{name: path}]. */
static void
add_list(apv_walk *walk, apv_arguments *arguments, apv_value list, bool versions)
{
    const apv_reader *reader = walk->reader;
    apv_cursor cursor, pairs;
    apv_value element, value;
    apv_span name;

    if (reader->type(reader, list) != APV_LIST) {
        arguments->known = false;
        return;
    }
    reader->open(reader, list, &cursor);
    while (reader->next(reader, &cursor, &name, &element)) {
        if (reader->text(reader, element, &name)) {
            add_target(walk, arguments, name, APV_NO_SPAN);
            continue;
        }
        if (reader->type(reader, element) != APV_MAP)
            arguments->known = false;
        reader->open(reader, element, &pairs);
        while (reader->next(reader, &pairs, &name, &value))
            add_target(walk, arguments, name,
                       versions ? apv_text_or_none(reader, value) : APV_NO_SPAN);
    }
}

/* Reads the map of named arguments. name: the positional one, if any. */
static void
read_named(apv_walk *walk, apv_value map, apv_span name, apv_arguments *arguments)
{
    const apv_reader *reader = walk->reader;
    apv_value version = APV_NO_VALUE, pkgs = APV_NO_VALUE, sources = APV_NO_VALUE, value;
    apv_cursor cursor;
    apv_span key;

    reader->open(reader, map, &cursor);
    while (reader->next(reader, &cursor, &key, &value)) {
        if (apv_span_starts(key, "__"))
            continue;
        if (apv_span_is(key, "name")) {
            if (!reader->text(reader, value, &name))
                arguments->known = false;
        } else if (apv_span_is(key, "version"))
            version = value;
        else if (apv_span_is(key, "pkgs"))
            pkgs = value;
        else if (apv_span_is(key, "sources"))
            sources = value;
        else if (apv_span_is(key, "names"))
            arguments->known = false;
        else if (!is_one_of(key, neutral, sizeof neutral / sizeof *neutral))
            arguments->selecting = true;

        if (is_given(reader, value))
            note_mode(key, arguments);
    }

    if (is_given(reader, pkgs))
        add_list(walk, arguments, pkgs, true);
    else if (is_given(reader, sources))
        add_list(walk, arguments, sources, false);
    else if (name.data != NULL)
        add_names(walk, arguments, name, apv_text_or_none(reader, version));
}

void
apv_arguments_read(apv_walk *walk, apv_span fun, apv_value fun_args, apv_arguments *arguments)
{
    const apv_reader *reader = walk->reader;
    bool single = apv_span_is(fun, "state.single");
    bool queries = apv_span_is(fun, "pkg.version") || apv_span_is(fun, "pkg_resource.version");
    size_t name_at = single ? 1 : 0, test_at = SIZE_MAX, position = 0;
    apv_value element, named = APV_NO_VALUE;
    apv_span name = APV_NO_SPAN, text, key, value, none;
    apv_cursor cursor;

    *arguments = (apv_arguments){.known = reader->type(reader, fun_args) == APV_LIST};
    for (size_t i = 0; i < sizeof test_positions / sizeof *test_positions; i++)
        if (apv_span_is(fun, test_positions[i].fun))
            test_at = test_positions[i].position;

    if (!arguments->known)
        return;
    reader->open(reader, fun_args, &cursor);
    while (reader->next(reader, &cursor, &none, &element)) {
        if (reader->type(reader, element) == APV_MAP &&
            reader->truth(reader, apv_map_get(reader, element, "__kwarg__"))) {
            named = element;
            continue;
        }
        bool is_text = reader->text(reader, element, &text);
        if (is_text && split_named(text, &key, &value)) {
            read_text_named(key, value, arguments);
            continue;
        }
        if (position == test_at && is_given(reader, element))
            arguments->test = true;
        else if (single && position == 0 && is_text)
            arguments->state = text;
        else if (queries && is_text)
            add_target(walk, arguments, text, APV_NO_SPAN);
        else if (position == name_at && is_text)
            name = text;
        else if (is_given(reader, element))
            arguments->selecting = true;
        position++;
    }
    if (named.node != NULL)
        read_named(walk, named, name, arguments);
    else if (name.data != NULL)
        add_names(walk, arguments, name, APV_NO_SPAN);
    if (arguments->loose)
        for (size_t i = 0; i < arguments->target_count; i++)
            arguments->targets[i].version = APV_NO_SPAN;
}
