/* text.h - texts: order, search, UTF-8. */
#ifndef APV_TEXT_H
#define APV_TEXT_H

#include "apv_base.h"

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

#endif
