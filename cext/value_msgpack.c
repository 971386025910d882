/* value_msgpack.c - reading msgpack bytes in place.
 *
 * A value is the address of its first byte. No tree is built: a return is read once
 * to check it (apv_reader_msgpack) and then skipped through, which is several times
 * faster than unpacking it, and needs no memory and no recursion, however deep it is
 * nested. msgpack-c has no such reader; the tests hold this one against its packer.
 */
#include "value_msgpack.h"

#include "be.h"
#include "text.h"

#include <string.h>

/* The head of one object. */
typedef struct {
    apv_type type;
    bool whole; /* an APV_NUMBER that fits int64_t */
    int64_t integer;
    uint32_t count; /* children: of a list its elements, of a map twice its pairs */
    const char *body;
    size_t size;     /* of the body of text and bytes */
    const char *end; /* behind the head and a body, before children */
} head;

static void
set_unsigned(head *h, uint64_t value)
{
    h->type = APV_NUMBER;
    h->whole = value <= INT64_MAX;
    if (h->whole)
        h->integer = (int64_t)value;
}

static void
set_signed(head *h, uint64_t bits, size_t size)
{
    int64_t value;
    uint64_t sign = UINT64_C(1) << (size * 8 - 1);

    /* Extends the sign without relying on how a cast of a large value comes out. */
    bits = (bits ^ sign) - sign;
    memcpy(&value, &bits, sizeof value);
    h->type = APV_NUMBER;
    h->whole = true;
    h->integer = value;
}

static void
set_real(head *h, double value)
{
    h->type = APV_NUMBER;
    h->whole = apv_real_is_whole(value, &h->integer);
}

static void
set_float(head *h, uint64_t bits, size_t size)
{
    if (size == 4) {
        uint32_t low = (uint32_t)bits;
        float value;
        memcpy(&value, &low, sizeof value);
        set_real(h, (double)value);
    } else {
        double value;
        memcpy(&value, &bits, sizeof value);
        set_real(h, value);
    }
}

/* read_head for all but short texts; at < end. */
static bool
read_other_head(const char *at, const char *end, head *h)
{
    const unsigned char *bytes = (const unsigned char *)at;
    unsigned char tag = bytes[0];
    size_t left = (size_t)(end - at) - 1;
    size_t field = 0; /* bytes of number or length behind the tag */
    size_t extra = 0; /* the type byte of an extension */
    uint64_t value;

    h->count = 0;
    h->whole = false;
    h->size = 0;

    if (tag < 0x80) {
        set_unsigned(h, tag);
        h->end = at + 1;
        return true;
    }
    if (tag >= 0xE0) {
        set_signed(h, tag, 1);
        h->end = at + 1;
        return true;
    }
    if (tag < 0xC0) {
        h->type = tag < 0x90 ? APV_MAP : APV_LIST;
        h->count = tag < 0x90 ? (tag & 0x0Fu) * 2 : tag & 0x0Fu;
        h->end = at + 1;
        return true;
    }

    switch (tag) {
    case 0xC0:
        h->type = APV_NULL;
        break;
    case 0xC2:
    case 0xC3:
        h->type = APV_BOOL;
        break;
    case 0xC4: /* bin 8, 16, 32 */
    case 0xC5:
    case 0xC6:
        h->type = APV_OTHER;
        field = (size_t)1 << (tag - 0xC4);
        break;
    case 0xC7: /* ext 8, 16, 32 */
    case 0xC8:
    case 0xC9:
        h->type = APV_OTHER;
        field = (size_t)1 << (tag - 0xC7);
        extra = 1;
        break;
    case 0xCA: /* float 32, 64 */
    case 0xCB:
        field = tag == 0xCA ? 4 : 8;
        break;
    case 0xCC: /* uint 8 to 64 */
    case 0xCD:
    case 0xCE:
    case 0xCF:
        field = (size_t)1 << (tag - 0xCC);
        break;
    case 0xD0: /* int 8 to 64 */
    case 0xD1:
    case 0xD2:
    case 0xD3:
        field = (size_t)1 << (tag - 0xD0);
        break;
    case 0xD4: /* fixext 1 to 16 */
    case 0xD5:
    case 0xD6:
    case 0xD7:
    case 0xD8:
        h->type = APV_OTHER;
        h->size = (size_t)1 << (tag - 0xD4);
        extra = 1;
        break;
    case 0xD9: /* str 8, 16, 32 */
    case 0xDA:
    case 0xDB:
        h->type = APV_TEXT;
        field = (size_t)1 << (tag - 0xD9);
        break;
    case 0xDC: /* array 16, 32 */
    case 0xDD:
        h->type = APV_LIST;
        field = tag == 0xDC ? 2 : 4;
        break;
    case 0xDE: /* map 16, 32 */
    case 0xDF:
        h->type = APV_MAP;
        field = tag == 0xDE ? 2 : 4;
        break;
    default: /* 0xC1, never used */
        return false;
    }
    if (field > left)
        return false;
    value = apv_be_read(bytes + 1, field);

    if (tag == 0xCA || tag == 0xCB)
        set_float(h, value, field);
    else if (tag >= 0xCC && tag <= 0xCF)
        set_unsigned(h, value);
    else if (tag >= 0xD0 && tag <= 0xD3)
        set_signed(h, value, field);
    else if (tag >= 0xDE) {
        if (value > UINT32_MAX / 2)
            return false; /* more pairs than any message of ours has bytes */
        h->count = (uint32_t)value * 2;
    } else if (tag >= 0xDC)
        h->count = (uint32_t)value;
    else if (field > 0)
        h->size = (size_t)value;

    h->body = at + 1 + field + extra;
    left -= field;
    if (extra > left || h->size > left - extra)
        return false;
    h->end = h->body + h->size;
    return true;
}

/* Reads the head at `at`; false if it and its body don't end before `end`. */
static inline bool
read_head(const char *at, const char *end, head *h)
{
    if (at >= end)
        return false;
    unsigned char tag = (unsigned char)*at;
    if ((tag & 0xF0) == 0x80) { /* a short map */
        h->type = APV_MAP;
        h->count = (tag & 0x0Fu) * 2;
        h->size = 0;
        h->end = at + 1;
        return true;
    }
    if ((tag & 0xE0) == 0xA0) { /* a short text, as most objects are */
        h->size = tag & 0x1Fu;
        h->body = at + 1;
    } else if (tag == 0xD9 && end - at > 1) { /* one of up to 255 bytes */
        h->size = (unsigned char)at[1];
        h->body = at + 2;
    } else
        return read_other_head(at, end, h);
    h->type = APV_TEXT;
    h->count = 0;
    if (h->size > (size_t)(end - h->body))
        return false;
    h->end = h->body + h->size;
    return true;
}

#define SAME_4(n) n, n, n, n
#define SAME_16(n) SAME_4(n), SAME_4(n), SAME_4(n), SAME_4(n)
#define RISING_4(n) n, n + 1, n + 2, n + 3
#define RISING_16(n) RISING_4(n), RISING_4(n + 4), RISING_4(n + 8), RISING_4(n + 12)

/* How many bytes an object has without its children, by its tag. 0: the tag does not tell. */
static const unsigned char sizes[256] = {
    SAME_16(1),          SAME_16(1),    SAME_16(1), SAME_16(1),  SAME_16(1),
    SAME_16(1),          SAME_16(1),    SAME_16(1), SAME_16(1),  SAME_16(1),
    RISING_16(1),        RISING_16(17),                         /* short maps, lists and texts */
    [0xC0] = 1,          [0xC2] = 1,    [0xC3] = 1,             /* nil, false, true */
    [0xCA] = 5,          [0xCB] = 9,                            /* float */
    [0xCC] = 2,          [0xCD] = 3,    [0xCE] = 5, [0xCF] = 9, /* uint */
    [0xD0] = 2,          [0xD1] = 3,    [0xD2] = 5, [0xD3] = 9, /* int */
    [0xD4] = 3,          [0xD5] = 4,    [0xD6] = 6, [0xD7] = 10, [0xD8] = 18, /* fixext */
    [0xE0] = SAME_16(1), SAME_16(1),
};

/* How many children stand behind those of which sizes tells. */
static const unsigned char children[256] = {
    [0x80] = 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30, RISING_16(0),
};

/* Where the object at `at` ends with all its children, or NULL: not before end. */
static const char *
skip(const char *at, const char *end)
{
    head h;
    uint64_t open = 1; /* objects still to be read */

    while (open > 0) {
        size_t left = (size_t)(end - at);
        /* Each needs a byte, so a lying count is found here, not after 2^32 steps. */
        if (open > left)
            return NULL;
        unsigned char tag = (unsigned char)*at;
        size_t size;
        open--;
        /* Where the next object begins depends on this one: what most of them are is reckoned
         * without the table, for which the processor would have to wait. */
        if ((tag & 0xE0) == 0xA0)
            size = 1 + (tag & 0x1Fu);
        else if (tag == 0xD9 && left > 1)
            size = 2 + (size_t)(unsigned char)at[1];
        else
            size = sizes[tag];
        if (size == 0) {
            if (!read_head(at, end, &h))
                return NULL;
            at = h.end;
            open += h.count;
            continue;
        }
        if (size > left)
            return NULL;
        open += children[tag];
        at += size;
    }
    return at;
}

/* As skip, without a call for what has no children and is short; at: before end. */
static inline const char *
skip_small(const char *at, const char *end)
{
    unsigned char tag = (unsigned char)*at;
    size_t left = (size_t)(end - at), size = sizes[tag];

    if (tag == 0xD9 && left > 1)
        size = 2 + (size_t)(unsigned char)at[1];
    return size > 0 && size <= left && children[tag] == 0 ? at + size : skip(at, end);
}

static apv_msgpack_reader *
own(const apv_reader *reader)
{
    return APV_CONTAINER_OF(reader, apv_msgpack_reader, reader);
}

static const char *
end_of(const apv_reader *reader)
{
    return own(reader)->end;
}

/* As skip, for an object whose end may be known already. */
static const char *
pass(const apv_reader *reader, const char *at)
{
    const apv_msgpack_reader *msgpack = own(reader);

    if (at == msgpack->longest.from)
        return msgpack->longest.to;
    return at == msgpack->passed.from ? msgpack->passed.to : skip(at, msgpack->end);
}

static bool
head_of(const apv_reader *reader, apv_value value, head *h)
{
    return value.node != NULL && read_head(value.node, end_of(reader), h);
}

static bool
is_text(const head *h)
{
    return h->type == APV_TEXT && apv_utf8_valid(h->body, h->size);
}

static apv_type
msgpack_type(const apv_reader *reader, apv_value value)
{
    head h;
    if (!head_of(reader, value, &h))
        return APV_MISSING;
    if (h.type == APV_TEXT && !is_text(&h))
        return APV_OTHER;
    return h.type;
}

static bool
msgpack_text(const apv_reader *reader, apv_value value, apv_span *text)
{
    head h;
    if (!head_of(reader, value, &h) || !is_text(&h))
        return false;
    *text = (apv_span){h.body, h.size};
    return true;
}

static bool
msgpack_integer(const apv_reader *reader, apv_value value, int64_t *integer)
{
    head h;
    if (!head_of(reader, value, &h) || h.type != APV_NUMBER || !h.whole)
        return false;
    *integer = h.integer;
    return true;
}

static bool
msgpack_truth(const apv_reader *reader, apv_value value)
{
    const char *at = value.node;
    return at != NULL && at < end_of(reader) && (unsigned char)*at == 0xC3;
}

static void
msgpack_open(const apv_reader *reader, apv_value value, apv_cursor *cursor)
{
    head h;

    *cursor = (apv_cursor){.of = value};
    if (!head_of(reader, value, &h) || (h.type != APV_LIST && h.type != APV_MAP))
        return;
    cursor->at = h.end;
    cursor->count = h.type == APV_MAP ? h.count / 2 : h.count;
    cursor->map = h.type == APV_MAP;
}

static bool
msgpack_next(const apv_reader *reader, apv_cursor *cursor, apv_span *key, apv_value *value)
{
    const char *at = cursor->at, *end = end_of(reader);
    head h;

    if (cursor->index >= cursor->count)
        return false;
    if (cursor->index > 0)
        at = pass(reader, at); /* the value that the last call gave */
    cursor->index++;
    *key = APV_NO_SPAN;
    if (cursor->map && at != NULL) {
        bool read = read_head(at, end, &h);
        if (read && is_text(&h))
            *key = (apv_span){h.body, h.size};
        at = read && h.count == 0 ? h.end : skip(at, end);
    }
    cursor->at = at;
    value->node = at;
    return at != NULL;
}

static inline bool
is_same_8(const char *a, const char *b)
{
    uint64_t left, right;
    memcpy(&left, a, sizeof left);
    memcpy(&right, b, sizeof right);
    return left == right;
}

static inline bool
is_same_4(const char *a, const char *b)
{
    uint32_t left, right;
    memcpy(&left, a, sizeof left);
    memcpy(&right, b, sizeof right);
    return left == right;
}

/* Whether two times size bytes are the same, without a call for those of a key: its first and its
 * last ones, of which some may be both. */
static inline bool
is_same(const char *a, const char *b, size_t size)
{
    if (size >= 8 && size <= 16)
        return is_same_8(a, b) && is_same_8(a + size - 8, b + size - 8);
    if (size >= 4 && size < 8)
        return is_same_4(a, b) && is_same_4(a + size - 4, b + size - 4);
    return memcmp(a, b, size) == 0;
}

/* Where the key at `at` ends, or NULL: not before end. index: the word that it is, or count. */
static const char *
read_key(const char *at, const char *end, const apv_span *words, size_t count, size_t *index)
{
    head h;

    if (!read_head(at, end, &h))
        return NULL;
    *index = count;
    /* No word is equal to a key that isn't UTF-8, so keys are only compared. */
    if (h.type == APV_TEXT && h.size > 0)
        *index = apv_word_index(words, count, (apv_span){h.body, h.size});
    return h.count == 0 ? h.end : skip(at, end);
}

static void
msgpack_find(const apv_reader *reader, apv_value map, const apv_span *words, size_t count,
             apv_value *found)
{
    apv_msgpack_reader *msgpack = own(reader);
    apv_shape *shape = &msgpack->shape;
    size_t remembered = count > 1 ? APV_SHAPE_KEYS : 0; /* a single word need not be static */
    const char *at, *end = msgpack->end;
    head h;

    if (!head_of(reader, map, &h) || h.type != APV_MAP)
        return;
    if (remembered > 0 && shape->words != words) {
        shape->words = words;
        shape->count = 0;
    }
    at = h.end;
    for (size_t i = 0, pairs = h.count / 2; i < pairs && at != NULL; i++) {
        const char *key = at;
        size_t index;
        if (i < shape->count && remembered > 0 && shape->keys[i].size <= (size_t)(end - at) &&
            is_same(at, shape->keys[i].at, shape->keys[i].size)) {
            at += shape->keys[i].size;
            index = shape->keys[i].index;
        } else {
            at = read_key(key, end, words, count, &index);
            if (at == NULL)
                return;
            if (i < remembered) {
                shape->keys[i] = (apv_known_key){key, (size_t)(at - key), index};
                shape->count = i < shape->count ? shape->count : i + 1;
            }
        }
        if (at >= end)
            return;
        if (index < count)
            found[index].node = at;
        at = at == msgpack->longest.from ? msgpack->longest.to : skip_small(at, end);
    }
    msgpack->passed = (apv_extent){.from = map.node, .to = at};
}

/* As skip for the root; takes note of the longest of its children. */
static const char *
skip_root(apv_span msgpack, apv_extent *found)
{
    const char *at, *end = msgpack.data + msgpack.size;
    size_t longest = 0;
    head h;

    if (!read_head(msgpack.data, end, &h))
        return NULL;
    at = h.end;
    for (uint32_t left = h.count; left > 0; left--) {
        const char *behind = skip(at, end);
        if (behind == NULL)
            return NULL;
        if ((size_t)(behind - at) > longest) {
            longest = (size_t)(behind - at);
            *found = (apv_extent){.from = at, .to = behind};
        }
        at = behind;
    }
    return at;
}

bool
apv_reader_msgpack(apv_span msgpack, apv_msgpack_reader *made, apv_value *root, apv_err *err)
{
    static const apv_reader reader = {
        .type = msgpack_type,
        .text = msgpack_text,
        .integer = msgpack_integer,
        .truth = msgpack_truth,
        .open = msgpack_open,
        .next = msgpack_next,
        .find = msgpack_find,
    };
    apv_extent longest = {NULL, NULL};

    if (msgpack.size == 0 || skip_root(msgpack, &longest) != msgpack.data + msgpack.size)
        return apv_fail(err, APV_ERR_INVALID, "the bytes are not one msgpack object");
    made->reader = reader;
    made->end = msgpack.data + msgpack.size;
    made->longest = longest;
    made->passed = (apv_extent){NULL, NULL};
    made->shape.words = NULL;
    made->shape.count = 0;
    root->node = msgpack.data;
    return true;
}
