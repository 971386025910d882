/* value.c - what is common to all readers. */
#include "value_private.h"

#include <math.h>

void
apv_map_find(const apv_reader *reader, apv_value map, const apv_span *words, size_t count,
             apv_value *found)
{
    apv_cursor cursor;
    apv_value value;
    apv_span key;

    for (size_t i = 0; i < count; i++)
        found[i] = APV_NO_VALUE;
    if (reader->find != NULL) {
        reader->find(reader, map, words, count, found);
        return;
    }
    reader->open(reader, map, &cursor);
    while (reader->next(reader, &cursor, &key, &value)) {
        size_t at = apv_word_index(words, count, key);
        if (at < count)
            found[at] = value; /* of equal keys the last, as Python has it */
    }
}

apv_value
apv_map_get(const apv_reader *reader, apv_value map, const char *word)
{
    apv_span words = apv_span_of(word);
    apv_value found;
    apv_map_find(reader, map, &words, 1, &found);
    return found;
}

apv_span
apv_text_or_none(const apv_reader *reader, apv_value value)
{
    apv_span text;
    return reader->text(reader, value, &text) ? text : APV_NO_SPAN;
}

bool
apv_real_is_whole(double real, int64_t *integer)
{
    /* The bounds are exact as doubles, and NaN fails both comparisons. */
    if (!(real >= -9223372036854775808.0 && real < 9223372036854775808.0) || real != floor(real))
        return false;
    *integer = (int64_t)real;
    return true;
}
