/* evidence.c - reading what the states of the module approval returned. */
#include "evidence.h"

#include "text.h"

#include <stdlib.h>

/* The keys within a section, and the kind that the resources under each are of. They stand
 * in the order of the kinds, so that sorting each by name sorts the whole. */
#define KIND_COUNT 5
static const apv_span plurals[KIND_COUNT] = {APV_WORD("actions"), APV_WORD("packages"),
                                             APV_WORD("services"), APV_WORD("starts"),
                                             APV_WORD("values")};
static const char *const kinds[KIND_COUNT] = {"action", "package", "service", "start", "value"};

static bool
malformed(apv_err *err, const char *field)
{
    return apv_fail(err, APV_ERR_INVALID, "the evidence is malformed: %s", field);
}

static int
compare_names(const void *a, const void *b)
{
    return apv_span_compare(((const apv_observation *)a)->name, ((const apv_observation *)b)->name);
}

/* Reads the resources of one kind behind the *count observations that stand there already. */
static bool
read_kind(const apv_reader *reader, apv_value map, const char *kind, apv_observation *observations,
          size_t *count)
{
    apv_observation *first = observations + *count;
    apv_cursor cursor;
    apv_value value;
    size_t read = 0;

    reader->open(reader, map, &cursor);
    for (apv_span name; reader->next(reader, &cursor, &name, &value); read++) {
        apv_span text = APV_NO_SPAN;
        if (name.size == 0 ||
            (!reader->text(reader, value, &text) && reader->type(reader, value) != APV_NULL))
            return false;
        first[read] = (apv_observation){apv_span_of(kind), name, text};
    }
    qsort(first, read, sizeof *first, compare_names);
    for (size_t i = 1; i < read; i++)
        if (apv_span_equal(first[i - 1].name, first[i].name))
            return false;
    *count += read;
    return true;
}

static size_t
count_entries(const apv_reader *reader, apv_value map)
{
    apv_cursor cursor;
    apv_value value;
    apv_span name;
    size_t count = 0;

    reader->open(reader, map, &cursor);
    while (reader->next(reader, &cursor, &name, &value))
        count++;
    return count;
}

/* Whether a map has no other keys than words. */
static bool
knows_all(const apv_reader *reader, apv_value map, const apv_span *words, size_t count)
{
    apv_cursor cursor;
    apv_value value;
    apv_span key;

    reader->open(reader, map, &cursor);
    while (reader->next(reader, &cursor, &key, &value))
        if (apv_word_index(words, count, key) == count)
            return false;
    return true;
}

/* strict: nothing unknown may stand there. */
static bool
read_observations(const apv_reader *reader, apv_value value, bool strict, apv_arena *arena,
                  apv_observations *observations, apv_err *err)
{
    apv_value maps[KIND_COUNT];
    apv_observations read = {NULL, 0};
    size_t total = 0;

    if (reader->type(reader, value) != APV_MAP ||
        (strict && !knows_all(reader, value, plurals, KIND_COUNT)))
        return malformed(err, "a section");
    apv_map_find(reader, value, plurals, KIND_COUNT, maps);
    for (size_t i = 0; i < KIND_COUNT; i++) {
        apv_type type = reader->type(reader, maps[i]);
        if (type != APV_MISSING && type != APV_MAP)
            return malformed(err, "a section");
        total += count_entries(reader, maps[i]);
    }
    read.items = apv_arena_take(arena, total, sizeof *read.items);
    if (read.items == NULL)
        return apv_fail_memory(err);
    for (size_t i = 0; i < KIND_COUNT; i++)
        if (!read_kind(reader, maps[i], kinds[i], read.items, &read.count))
            return malformed(err, "a section");
    *observations = read;
    return true;
}

/* Whether evidence of a format has a section, which otherwise is not read. */
static bool
has_section(int64_t format, size_t section)
{
    return format != 1 || (section != APV_SECTION_MEETS && section != APV_SECTION_NOTES);
}

bool
apv_evidence_read(const apv_reader *reader, apv_value value, apv_arena *arena,
                  apv_evidence *evidence, apv_err *err)
{
    enum { FORMAT = APV_SECTION_COUNT, MINION, REVISION, DIGEST, RUN_ID, BOOT_ID, MAC, COUNT };
    static const apv_span words[COUNT] = {
        [APV_SECTION_OBSERVED] = APV_WORD("observed"),
        [APV_SECTION_BEFORE] = APV_WORD("before"),
        [APV_SECTION_MEETS] = APV_WORD("meets"),
        [APV_SECTION_ERRORS] = APV_WORD("errors"),
        [APV_SECTION_NOTES] = APV_WORD("notes"),
        [FORMAT] = APV_WORD("format"),
        [MINION] = APV_WORD("minion"),
        [REVISION] = APV_WORD("revision"),
        [DIGEST] = APV_WORD("digest"),
        [RUN_ID] = APV_WORD("run_id"),
        [BOOT_ID] = APV_WORD("boot_id"),
        [MAC] = APV_WORD("mac"),
    };
    apv_value found[COUNT];
    apv_evidence read = {.revision = -1};

    if (reader->type(reader, value) != APV_MAP)
        return malformed(err, "not a map");
    apv_map_find(reader, value, words, COUNT, found);

    if (!reader->integer(reader, found[FORMAT], &read.format) || read.format < 1 || read.format > 2)
        return malformed(err, "format");
    if (read.format > 1 && !knows_all(reader, value, words, COUNT))
        return malformed(err, "an unknown key");
    if (!reader->integer(reader, found[REVISION], &read.revision) || read.revision < 0)
        return malformed(err, "revision");
    read.minion = apv_text_or_none(reader, found[MINION]);
    read.digest = apv_text_or_none(reader, found[DIGEST]);
    read.run_id = apv_text_or_none(reader, found[RUN_ID]);
    read.boot_id = apv_text_or_none(reader, found[BOOT_ID]);
    read.mac = apv_text_or_none(reader, found[MAC]);
    if (read.minion.size == 0 || read.digest.size == 0 || read.run_id.size == 0 ||
        read.boot_id.data == NULL)
        return malformed(err, "minion, digest, run_id or boot_id");
    if (read.format == 1 && found[APV_SECTION_OBSERVED].node == NULL)
        return malformed(err, "observed");
    for (size_t i = 0; i < APV_SECTION_COUNT; i++)
        if (has_section(read.format, i) && found[i].node != NULL &&
            !read_observations(reader, found[i], read.format > 1, arena, &read.sections[i], err))
            return false;
    *evidence = read;
    return true;
}

bool
apv_evidence_mac(const apv_reader *reader, apv_value evidence,
                 const unsigned char key[APV_EVIDENCE_KEY_SIZE], char mac[APV_MAC_SIZE],
                 apv_err *err)
{
    apv_arena arena = {0};
    apv_evidence read;
    bool ok = apv_evidence_read(reader, evidence, &arena, &read, err) &&
              apv_evidence_sign(&read, key, mac, err);

    apv_arena_free(&arena);
    return ok;
}
