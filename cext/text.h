/* text.h - texts: order, search, UTF-8. */
#ifndef APV_TEXT_H
#define APV_TEXT_H

#include "apv_base.h"

/* Bytewise order: below, above or equal to 0. */
int apv_span_compare(apv_span a, apv_span b);
/* Where word (not empty) first stands in text, or NULL. */
const char *apv_span_find(apv_span text, const char *word);

/* A letter of ASCII in lower case; any other character as it is. */
static inline char
apv_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* Whether two texts are the same but for the case of ASCII's letters. */
bool apv_span_equal_fold(apv_span a, apv_span b);

/* Writes size bytes as 2 * size lower-case hex digits, without a NUL. */
void apv_hex_write(const void *bytes, size_t size, char *hex);

bool apv_utf8_valid(const char *data, size_t size);
/* The size of valid UTF-8 text cut to max_size bytes at most, between characters. */
size_t apv_utf8_truncate(const char *data, size_t size, size_t max_size);
/* The size of what was valid UTF-8 before it was cut anywhere, without a last character
 * that isn't whole. */
size_t apv_utf8_whole(const char *data, size_t size);

#endif
