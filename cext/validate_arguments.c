/* validate_arguments.c - what a job was asked to do: its fun_args.
 *
 * A list of positional arguments, and at most one map with "__kwarg__": true for the
 * named ones. A minion takes a text like "test=True" for a named one as well.
 */
#include "validate_private.h"

#include "text.h"

#include <stdlib.h>
#include <string.h>

/* At which position of which function the argument `test` stands. */
static const struct {
    const char *fun;
    size_t position;
} test_positions[] = {
    {"state.highstate", 0}, {"state.high", 1}, {"state.sls", 1},    {"state.top", 1},
    {"state.single", 2},    {"state.pkg", 3},  {"state.sls_id", 2},
};

/* Functions that run states for real whatever `test` says. */
static bool
ignores_test(apv_span fun)
{
    return apv_span_is(fun, "state.low") || apv_span_is(fun, "state.run_request") ||
           apv_span_is(fun, "state.template") || apv_span_is(fun, "state.template_str");
}

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

/* Whether a named argument is there for something. */
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

/* What a value asks for where a test run may be asked for. */
typedef enum { ASKS_NOTHING, ASKS_REAL, ASKS_TEST } ask;

/* The argument `test` of a state function: false is a real run, any other value but None is a
 * test run, be it 0 or "no" (salt.modules.state._get_test_value). */
static ask
test_value(const apv_reader *reader, apv_value value)
{
    switch (reader->type(reader, value)) {
    case APV_MISSING:
    case APV_NULL:
        return ASKS_NOTHING;
    case APV_BOOL:
        return reader->truth(reader, value) ? ASKS_TEST : ASKS_REAL;
    default:
        return ASKS_TEST;
    }
}

static bool
is_in_any_case(apv_span text, const char *word)
{
    return apv_span_equal_fold(text, apv_span_of(word));
}

/* Whether a text is true for Salt (salt.utils.data.is_true): a number above 0, or "true". */
static bool
is_true_text(apv_span text)
{
    char number[64], *end;

    if (is_in_any_case(text, "true"))
        return true;
    if (text.size == 0 || text.size >= sizeof number || memchr(text.data, 'x', text.size) != NULL ||
        memchr(text.data, 'X', text.size) != NULL)
        return false;
    memcpy(number, text.data, text.size);
    number[text.size] = '\0';
    double value = strtod(number, &end);
    return end != number && end[strspn(end, " ")] == '\0' && value > 0;
}

/* The same of any value. */
static bool
is_true(const apv_reader *reader, apv_value value)
{
    apv_span text, none;
    apv_cursor cursor;
    int64_t number;

    switch (reader->type(reader, value)) {
    case APV_MISSING:
    case APV_NULL:
        return false;
    case APV_BOOL:
        return reader->truth(reader, value);
    case APV_NUMBER:
        return !reader->integer(reader, value, &number) || number > 0;
    case APV_TEXT:
        return reader->text(reader, value, &text) && is_true_text(text);
    case APV_LIST:
    case APV_MAP:
        reader->open(reader, value, &cursor);
        return reader->next(reader, &cursor, &none, &value);
    default:
        return true;
    }
}

/* `test` in other letters, at which Salt looks where `test` says nothing: any of them that is
 * true will do, and of one that is given twice the later counts. `others` has a bit for each such
 * spelling, set where it is true: its number has a bit for each capital. */
static bool
is_test_in_other_letters(apv_span key)
{
    return is_in_any_case(key, "test") && !apv_span_is(key, "test");
}

static void
note_other(apv_span key, bool wants_test, unsigned *others)
{
    unsigned spelling = 0;

    for (size_t i = 0; i < key.size; i++)
        spelling |= (key.data[i] & 0x20) == 0 ? 1u << i : 0;
    *others = wants_test ? *others | 1u << spelling : *others & ~(1u << spelling);
}

/* Named arguments with which a function changes nothing of this machine: it only tries, or
 * works on a root file system elsewhere. */
static const char *const harmless[] = {"mock",   "downloadonly", "download_only",
                                       "dryrun", "root",         "installroot"};

/* An argument that tells how a function is to run, whatever it runs on. */
static void
note_mode(apv_span key, apv_arguments *arguments)
{
    if (is_one_of(key, harmless, sizeof harmless / sizeof *harmless))
        arguments->elsewhere = true;
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

/* What a minion makes of the text behind "key=": YAML (salt.utils.args.yamlify_arg). */
typedef enum { WORD_OTHER, WORD_NULL, WORD_FALSE, WORD_TRUE } word;

/* Cuts blanks off both ends. */
static apv_span
trim(apv_span text)
{
    while (text.size > 0 && text.data[0] == ' ')
        text = (apv_span){text.data + 1, text.size - 1};
    while (text.size > 0 && text.data[text.size - 1] == ' ')
        text.size--;
    return text;
}

static word
read_word(apv_span text)
{
    static const char *const no[] = {"false", "no", "off"}, *const yes[] = {"true", "yes", "on"};
    const char *comment = apv_span_find(text, " #");
    bool commented = apv_span_find(text, "#") != NULL;

    for (size_t i = 0; i < text.size; i++)
        if (text.data[i] == '\t' || text.data[i] == '\r')
            return WORD_OTHER; /* left as it is */
    if (comment != NULL)
        text.size = (size_t)(comment - text.data);
    text = trim(text);
    /* YAML knows words in small letters, in capitals, or with a capital at the start. */
    for (size_t i = 1; i < text.size; i++)
        if (((text.data[i] ^ text.data[text.size - 1]) & 0x20) != 0)
            return WORD_OTHER;
    if (text.size > 1 && (text.data[0] & 0x20) != 0 && (text.data[1] & 0x20) == 0)
        return WORD_OTHER;
    for (size_t i = 0; i < 3; i++) {
        if (is_in_any_case(text, no[i]))
            return WORD_FALSE;
        if (is_in_any_case(text, yes[i]))
            return WORD_TRUE;
    }
    if (!commented &&
        (is_in_any_case(text, "null") || apv_span_is(text, "~") || apv_span_is(text, "None")))
        return WORD_NULL;
    return WORD_OTHER;
}

/* A text that YAML takes for a text because of its quotes, without these. */
static apv_span
unquoted(apv_span text)
{
    text = trim(text);
    if (text.size >= 2 && strchr("'\"", text.data[0]) != NULL &&
        text.data[text.size - 1] == text.data[0])
        return (apv_span){text.data + 1, text.size - 2};
    return text;
}

/* Reads a named argument that stands among the positional ones as a text. What it asks
 * for besides a mode is not looked into: then it isn't known what was asked for. */
static void
read_text_named(apv_span key, apv_span value, apv_arguments *arguments, ask *test, unsigned *others)
{
    word said = read_word(value);

    if (apv_span_is(key, "test"))
        *test = said == WORD_NULL ? ASKS_NOTHING : said == WORD_FALSE ? ASKS_REAL : ASKS_TEST;
    else if (is_test_in_other_letters(key))
        note_other(key, said == WORD_TRUE || (said == WORD_OTHER && is_true_text(unquoted(value))),
                   others);
    else if (said != WORD_NULL && said != WORD_FALSE)
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

/* Reads whether a map of named arguments asks for a test run. */
static void
read_test(const apv_reader *reader, apv_value map, ask *test, unsigned *others)
{
    apv_cursor cursor;
    apv_value value;
    apv_span key;

    reader->open(reader, map, &cursor);
    while (reader->next(reader, &cursor, &key, &value)) {
        if (apv_span_is(key, "test"))
            *test = test_value(reader, value);
        else if (is_test_in_other_letters(key))
            note_other(key, is_true(reader, value), others);
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
    ask test = ASKS_NOTHING;
    unsigned others = 0;
    bool in_place = false;

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
            read_test(reader, named, &test, &others);
            continue;
        }
        bool is_text = reader->text(reader, element, &text);
        if (is_text && split_named(text, &key, &value)) {
            read_text_named(key, value, arguments, &test, &others);
            continue;
        }
        if (position == test_at && is_given(reader, element))
            in_place = true; /* a named one beside it contradicts it: Salt would refuse the call */
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
    arguments->test = !ignores_test(fun) &&
                      (in_place || test == ASKS_TEST || (test == ASKS_NOTHING && others != 0));
    if (arguments->loose)
        for (size_t i = 0; i < arguments->target_count; i++)
            arguments->targets[i].version = APV_NO_SPAN;
}
