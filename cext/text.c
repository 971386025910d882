/* text.c - spans of text. */
#include "text.h"

int
apv_span_compare(apv_span a, apv_span b)
{
    size_t shorter = a.size < b.size ? a.size : b.size;
    int order = shorter == 0 ? 0 : memcmp(a.data, b.data, shorter);
    if (order != 0)
        return order;
    return (a.size > b.size) - (a.size < b.size);
}

const char *
apv_span_find(apv_span text, const char *word)
{
    size_t size = strlen(word);

    if (text.size < size)
        return NULL; /* also for no span, from which no end can be reckoned */
    const char *at = text.data, *end = text.data + text.size;
    while ((size_t)(end - at) >= size) {
        at = memchr(at, word[0], (size_t)(end - at) - size + 1);
        if (at == NULL)
            return NULL;
        if (memcmp(at, word, size) == 0)
            return at;
        at++;
    }
    return NULL;
}

bool
apv_span_equal_fold(apv_span a, apv_span b)
{
    if (a.size != b.size)
        return false;
    for (size_t i = 0; i < a.size; i++)
        if (apv_lower(a.data[i]) != apv_lower(b.data[i]))
            return false;
    return true;
}

void
apv_hex_write(const void *bytes, size_t size, char *hex)
{
    static const char digits[] = "0123456789abcdef";
    const unsigned char *at = bytes;

    for (size_t i = 0; i < size; i++) {
        hex[2 * i] = digits[at[i] >> 4];
        hex[2 * i + 1] = digits[at[i] & 15];
    }
}

/* Size of the UTF-8 sequence at data, or 0 if there is none. */
static size_t
sequence_size(const unsigned char *data, size_t size)
{
    /* Lead byte, and the range of the byte behind it that excludes overlong forms,
     * surrogates and what lies beyond U+10FFFF. */
    unsigned char lead = data[0], low = 0x80, high = 0xBF;
    size_t length;

    if (lead < 0x80)
        return 1;
    if (lead >= 0xC2 && lead <= 0xDF)
        length = 2;
    else if (lead >= 0xE0 && lead <= 0xEF) {
        length = 3;
        if (lead == 0xE0)
            low = 0xA0;
        else if (lead == 0xED)
            high = 0x9F;
    } else if (lead >= 0xF0 && lead <= 0xF4) {
        length = 4;
        if (lead == 0xF0)
            low = 0x90;
        else if (lead == 0xF4)
            high = 0x8F;
    } else
        return 0;

    if (size < length || data[1] < low || data[1] > high)
        return 0;
    for (size_t i = 2; i < length; i++)
        if (data[i] < 0x80 || data[i] > 0xBF)
            return 0;
    return length;
}

/* Whether none of eight bytes is beyond ASCII. */
static bool
is_ascii(const unsigned char *at)
{
    uint64_t eight;
    memcpy(&eight, at, sizeof eight);
    return (eight & UINT64_C(0x8080808080808080)) == 0;
}

bool
apv_utf8_valid(const char *data, size_t size)
{
    const unsigned char *at = (const unsigned char *)data, *end = at + size;

    /* ASCII in large steps, of which the last may overlap the one before. */
    if (size >= 8) {
        while (end - at > 8 && is_ascii(at))
            at += 8;
        if (end - at <= 8 && is_ascii(end - 8))
            return true;
    }
    while (at < end) {
        size_t length = *at < 0x80 ? 1 : sequence_size(at, (size_t)(end - at));
        if (length == 0)
            return false;
        at += length;
        while (end - at >= 8 && is_ascii(at))
            at += 8;
    }
    return true;
}

size_t
apv_utf8_truncate(const char *data, size_t size, size_t max_size)
{
    if (size <= max_size)
        return size;
    size_t cut = max_size;
    while (cut > 0 && ((unsigned char)data[cut] & 0xC0) == 0x80)
        cut--;
    return cut;
}

size_t
apv_utf8_whole(const char *data, size_t size)
{
    size_t start = size;

    while (start > 0 && size - start < 3 && ((unsigned char)data[start - 1] & 0xC0) == 0x80)
        start--;
    if (start == 0 || (unsigned char)data[start - 1] < 0x80)
        return start;
    start--; /* the lead byte of the last character */
    return sequence_size((const unsigned char *)data + start, size - start) == size - start ? size
                                                                                            : start;
}
