/* apv_private.h - what the files of the library share beside its API. */
#ifndef APV_PRIVATE_H
#define APV_PRIVATE_H

#include "apv.h"

/* ---- text.c ---- */

/* Bytewise order: below, above or equal to 0. */
int apv_span_compare(apv_span a, apv_span b);
/* Where word (not empty) first stands in text, or NULL. */
const char *apv_span_find(apv_span text, const char *word);

bool apv_utf8_valid(const char *data, size_t size);
/* The size of valid UTF-8 text cut to max_size bytes at most, between characters. */
size_t apv_utf8_truncate(const char *data, size_t size, size_t max_size);
/* The size of what was valid UTF-8 before it was cut anywhere, without a last character
 * that isn't whole. */
size_t apv_utf8_whole(const char *data, size_t size);

/* ---- value.c ---- */

#define APV_NO_VALUE                                                                               \
    (apv_value)                                                                                    \
    {                                                                                              \
        NULL                                                                                       \
    }

/* Which of the words key is, or count: none of them. words: not empty. */
static inline size_t
apv_word_index(const apv_span *words, size_t count, apv_span key)
{
    size_t i = 0;

    /* Size and first character settle nearly every comparison. */
    while (i < count && (words[i].size != key.size || words[i].data[0] != key.data[0] ||
                         memcmp(words[i].data, key.data, key.size) != 0))
        i++;
    return i;
}

/* Looks up several keys of a map in one walk. found: count values, APV_MISSING where
 * map has no such key or is no map. words: not empty and static. */
void apv_map_find(const apv_reader *reader, apv_value map, const apv_span *words, size_t count,
                  apv_value *found);
apv_value apv_map_get(const apv_reader *reader, apv_value map, const char *word);
/* The bytes of a text, or no span for every other type. */
apv_span apv_text_or_none(const apv_reader *reader, apv_value value);

/* Whether real is a whole number of 64 bits, and which. */
bool apv_real_is_whole(double real, int64_t *integer);

/* ---- value_msgpack.c ---- */

/* Where a map ends that was looked through, so that it need not be skipped again: the
 * memo of a reader for msgpack. Starts as {0}. */
typedef struct {
    const char *from, *to;
} apv_passed;

/* ---- value_json.c ---- */

/* As apv_reader_msgpack, for one JSON value. Close the reader with
 * apv_reader_json_close. Errors: INVALID, MEMORY. */
bool apv_reader_json(apv_span json, apv_reader *reader, apv_value *root,
                     apv_err *err) APV_MUSTCHECK;
void apv_reader_json_close(apv_reader *reader);

/* ---- arena.c ---- */

/* Memory that is freed all at once. Starts as {0}. */
struct apv_block;
typedef struct {
    struct apv_block *blocks;
} apv_arena;

/* Memory, not zeroed, for count objects of size bytes, or NULL. */
void *apv_arena_take(apv_arena *arena, size_t count, size_t size) APV_MUSTCHECK;
/* Where the next apv_arena_take of at most size bytes, a multiple of 8, will be: to be
 * written before its size is known. NULL: out of memory. */
void *apv_arena_room(apv_arena *arena, size_t size) APV_MUSTCHECK;
/* The array items if it has room for one more than count, else a copy with more room, or
 * NULL: out of memory. size: of one item. *room: 0 for no array yet. */
void *apv_arena_grow(apv_arena *arena, void *items, size_t count, size_t *room,
                     size_t size) APV_MUSTCHECK;
/* A copy of text, followed by a NUL. False: out of memory. */
bool apv_arena_copy(apv_arena *arena, apv_span text, apv_span *copy) APV_MUSTCHECK;
void apv_arena_free(apv_arena *arena);

/* ---- evidence.c ---- */

/* The sections of evidence, in the order in which its mac covers them. */
typedef enum {
    APV_SECTION_OBSERVED, /* what was there at the end */
    APV_SECTION_BEFORE,   /* what was there before it was first applied */
    APV_SECTION_MEETS,  /* as approved: what the platform holds observed to be, spelled otherwise */
    APV_SECTION_ERRORS, /* why a resource is not as approved, or could not be read */
    APV_SECTION_NOTES,  /* what has to be told of a resource, and moves no verdict */
    APV_SECTION_COUNT
} apv_section;

/* Sorted bytewise by (kind, name), no two the same. */
typedef struct {
    apv_observation *items;
    size_t count;
} apv_observations;

/* What approval.converged returned, checked for its shape. Borrows from the load. */
typedef struct {
    int64_t format; /* 1 or 2 */
    apv_span minion;
    int64_t revision;
    apv_span digest, run_id, boot_id;
    apv_span mac; /* data NULL: none given */
    /* Format 1 has no meets and no notes, and its errors are outside of its mac. */
    apv_observations sections[APV_SECTION_COUNT];
} apv_evidence;

/* Errors: INVALID (not of that shape), MEMORY. Takes arrays from arena. */
bool apv_evidence_read(const apv_reader *reader, apv_value value, apv_arena *arena,
                       apv_evidence *evidence, apv_err *err) APV_MUSTCHECK;

/* ---- digest.c ---- */

/* Errors: INVALID (a text longer than 4 GiB), MEMORY. */
bool apv_evidence_sign(const apv_evidence *evidence, const unsigned char key[APV_EVIDENCE_KEY_SIZE],
                       char mac[APV_MAC_SIZE], apv_err *err) APV_MUSTCHECK;

#endif
