/* evidence.c - reading what the states of the module approval returned. */
#include "apv_private.h"

#include <stdlib.h>

/* The sections of evidence and the kind that their resources are of. In the order
 * of the kinds, so that sorting each section by name sorts the whole. */
#define SECTION_COUNT 5
static const apv_span sections[SECTION_COUNT] = {APV_WORD("actions"), APV_WORD("packages"),
                                                 APV_WORD("services"), APV_WORD("starts"),
                                                 APV_WORD("values")};
static const char *const kinds[SECTION_COUNT] = {"action", "package", "service", "start", "value"};

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

/* Reads one section behind the *count observations that stand there already. */
static bool
read_section(const apv_reader *reader, apv_value map, const char *kind,
             apv_observation *observations, size_t *count)
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

static bool
read_observations(const apv_reader *reader, apv_value value, const char *field, apv_arena *arena,
                  apv_observation **observations, size_t *count, apv_err *err)
{
    apv_value maps[SECTION_COUNT];
    size_t total = 0;

    *count = 0;
    if (reader->type(reader, value) != APV_MAP)
        return malformed(err, field);
    apv_map_find(reader, value, sections, SECTION_COUNT, maps);
    for (size_t i = 0; i < SECTION_COUNT; i++) {
        apv_type type = reader->type(reader, maps[i]);
        if (type != APV_MISSING && type != APV_MAP)
            return malformed(err, field);
        total += count_entries(reader, maps[i]);
    }
    *observations = apv_arena_take(arena, total, sizeof **observations);
    if (*observations == NULL)
        return apv_fail(err, APV_ERR_MEMORY, "out of memory");
    for (size_t i = 0; i < SECTION_COUNT; i++)
        if (!read_section(reader, maps[i], kinds[i], *observations, count))
            return malformed(err, field);
    return true;
}

bool
apv_evidence_read(const apv_reader *reader, apv_value value, apv_arena *arena,
                  apv_evidence *evidence, apv_err *err)
{
    enum {
        FORMAT,
        MINION,
        REVISION,
        DIGEST,
        RUN_ID,
        BOOT_ID,
        OBSERVED,
        BEFORE,
        ERRORS,
        MAC,
        COUNT
    };
    static const apv_span words[COUNT] = {
        APV_WORD("format"), APV_WORD("minion"),  APV_WORD("revision"), APV_WORD("digest"),
        APV_WORD("run_id"), APV_WORD("boot_id"), APV_WORD("observed"), APV_WORD("before"),
        APV_WORD("errors"), APV_WORD("mac")};
    apv_value found[COUNT];
    apv_evidence read = {.revision = -1};
    int64_t format;

    if (reader->type(reader, value) != APV_MAP)
        return malformed(err, "not a map");
    apv_map_find(reader, value, words, COUNT, found);

    if (!reader->integer(reader, found[FORMAT], &format) || format != 1)
        return malformed(err, "format");
    if (!reader->integer(reader, found[REVISION], &read.revision) || read.revision < 0)
        return malformed(err, "revision");
    read.minion = apv_text_or_none(reader, found[MINION]);
    read.digest = apv_text_or_none(reader, found[DIGEST]);
    read.run_id = apv_text_or_none(reader, found[RUN_ID]);
    read.boot_id = apv_text_or_none(reader, found[BOOT_ID]);
    read.mac = apv_text_or_none(reader, found[MAC]);
    read.errors = found[ERRORS];
    if (read.minion.size == 0 || read.digest.size == 0 || read.run_id.size == 0 ||
        read.boot_id.data == NULL)
        return malformed(err, "minion, digest, run_id or boot_id");
    if (!read_observations(reader, found[OBSERVED], "observed", arena, &read.observed,
                           &read.observed_count, err))
        return false;
    if (reader->type(reader, found[BEFORE]) != APV_MISSING &&
        !read_observations(reader, found[BEFORE], "before", arena, &read.before, &read.before_count,
                           err))
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
