/* value_private.h - one way to read what Salt returns.
 *
 * The validator walks a return through an apv_reader and doesn't know whether it
 * stands in msgpack bytes, in a jansson tree or in Python objects. Readers never
 * copy and never fail: what cannot be read has type APV_OTHER.
 */
#ifndef APV_VALUE_PRIVATE_H
#define APV_VALUE_PRIVATE_H

#include "apv_base.h"

typedef enum {
    APV_MISSING, /* no value: a key that isn't there */
    APV_NULL,
    APV_BOOL,
    APV_NUMBER,
    APV_TEXT,
    APV_LIST,
    APV_MAP,
    APV_OTHER /* bytes, extension types, text that isn't UTF-8, any foreign object */
} apv_type;

/* A value, borrowed from what is read and valid as long as that. */
typedef struct {
    const void *node;
} apv_value;

/* A walk through one list or map. */
typedef struct {
    apv_value of;
    const void *at;
    size_t index, count;
    bool map;
} apv_cursor;

/* The functions of a front end. A front end is a struct with an apv_reader among its members, from
 * whose address its functions find the struct (APV_CONTAINER_OF). One thread at a time reads
 * through it, since it may take notes there, although the pointers to it are const. */
typedef struct apv_reader apv_reader;
struct apv_reader {
    apv_type (*type)(const apv_reader *reader, apv_value value);
    /* The bytes of an APV_TEXT. False for every other type. */
    bool (*text)(const apv_reader *reader, apv_value value, apv_span *text);
    /* An APV_NUMBER that is a whole number of 64 bits. False for every other value. */
    bool (*integer)(const apv_reader *reader, apv_value value, int64_t *integer);
    /* True only for an APV_BOOL that is true. */
    bool (*truth)(const apv_reader *reader, apv_value value);
    /* Starts a walk. Of anything but a list or map: an empty one. */
    void (*open)(const apv_reader *reader, apv_value value, apv_cursor *cursor);
    /* The next element. key: data NULL in a list, and for a key that is no text.
     * False at the end. */
    bool (*next)(const apv_reader *reader, apv_cursor *cursor, apv_span *key, apv_value *value);
    /* NULL, or a faster way to look up several keys of a map than open and next. words:
     * count texts, not empty and static. found: count values, APV_MISSING on entry; of
     * equal keys the last. */
    void (*find)(const apv_reader *reader, apv_value map, const apv_span *words, size_t count,
                 apv_value *found);
};

#define APV_NO_VALUE                                                                               \
    (apv_value)                                                                                    \
    {                                                                                              \
        NULL                                                                                       \
    }

/* The index of key among the words, or count: it is none of them. words: not empty. */
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

#endif
