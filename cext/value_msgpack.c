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

#define NO_TAG 0xC1 /* no object has it */

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

/* Where the object at `at` ends with all its children, or NULL: not before end. at: not behind
 * end. */
static const char *
skip(const char *at, const char *end)
{
    /* Places are numbers, as one behind the end may be reckoned, but must not be pointed at. */
    size_t place = 0, size = (size_t)(end - at);
    uint64_t open = 1; /* objects still to be read */
    head h;

    /* Each needs a byte, so a lying count is found at the end, not after 2^32 steps. */
    for (; open > 0 && place < size; open--) {
        unsigned char tag = (unsigned char)at[place];
        /* Where the next object begins depends on this one: what most of them are is reckoned
         * without the table, for which the processor would have to wait. */
        if ((tag & 0xE0) == 0xA0)
            place += 1 + (tag & 0x1Fu);
        else if (tag == 0xD9 && size - place > 1)
            place += 2 + (size_t)(unsigned char)at[place + 1];
        else if (sizes[tag] > 0) {
            place += sizes[tag];
            open += children[tag];
        } else {
            if (!read_head(at + place, end, &h))
                return NULL;
            place = (size_t)(h.end - at);
            open += h.count;
        }
    }
    return open == 0 && place <= size ? at + place : NULL;
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

/* Whether a key, with its head, stands at `at`, behind which are APV_KEY_SIZE bytes or more. */
static inline bool
is_key(const char *at, const apv_known_key *key)
{
    uint64_t low, high;

    memcpy(&low, at, sizeof low);
    memcpy(&high, at + sizeof low, sizeof high);
    return (((low ^ key->low) & key->low_mask) | ((high ^ key->high) & key->high_mask)) == 0;
}

/* Takes note of the i-th key of a map, which is that word. key: with its head; before end. */
static void
remember(apv_shape *shape, size_t i, apv_span key, const char *end, size_t index)
{
    static const unsigned char masks[2 * APV_KEY_SIZE] = {SAME_16(0xFF)};
    apv_known_key known = {.size = key.size, .index = index, .tag = NO_TAG};

    if (i > shape->count)
        return;
    if (key.size > APV_KEY_SIZE || end - key.data < APV_KEY_SIZE) {
        shape->count = i;
        return;
    }
    const unsigned char *mask = masks + APV_KEY_SIZE - key.size; /* so many bytes, then 0 */
    memcpy(&known.low, key.data, sizeof known.low);
    memcpy(&known.high, key.data + sizeof known.low, sizeof known.high);
    memcpy(&known.low_mask, mask, sizeof known.low_mask);
    memcpy(&known.high_mask, mask + sizeof known.low_mask, sizeof known.high_mask);
    shape->keys[i] = known;
    shape->count = i < shape->count ? shape->count : i + 1;
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

/* Where the value at `at` ends, or NULL: not before end. at: before end. For what has no children
 * and is short skip is not called. */
static inline const char *
skip_value(const apv_msgpack_reader *msgpack, const char *at)
{
    unsigned char tag = (unsigned char)*at;
    size_t left = (size_t)(msgpack->end - at), size = (tag & 0xE0) == 0x80 ? 0 : sizes[tag];

    if (tag == 0xD9 && left > 1)
        size = 2 + (size_t)(unsigned char)at[1];
    if (size > 0 && size <= left)
        return at + size;
    return at == msgpack->longest.from ? msgpack->longest.to : skip(at, msgpack->end);
}

/* The same for the value of a key that is known. Where the next pair begins depends on this value:
 * with the tag that it had in the map before, its size is at hand without it. */
static inline const char *
skip_known(const apv_msgpack_reader *msgpack, apv_known_key *key, const char *at)
{
    unsigned char tag = (unsigned char)*at;

    if (tag == key->tag && key->value_size <= (size_t)(msgpack->end - at))
        return at + key->value_size;
    key->tag = sizes[tag] > 0 && children[tag] == 0 ? tag : NO_TAG;
    key->value_size = sizes[tag];
    return skip_value(msgpack, at);
}

/* Where the last of the pairs of a map ends, or NULL: not before end. at: where the first begins.
 * words, found: as apv_reader.find has them. */
static inline const char *
skip_pairs(apv_msgpack_reader *msgpack, const char *at, size_t pairs, const apv_span *words,
           size_t count, apv_value *found)
{
    apv_shape *shape = &msgpack->shape;
    size_t remembered = count == 1 ? 0 : APV_SHAPE_KEYS; /* a single word need not be static */
    const char *key, *end = msgpack->end;
    size_t index;

    if (remembered > 0 && shape->words != words) {
        shape->words = words;
        shape->count = 0;
    }
    for (size_t i = 0; at != NULL && i < pairs; i++) {
        size_t known = remembered == 0 ? 0 : shape->count < pairs ? shape->count : pairs;
        for (; i < known && end - at > APV_KEY_SIZE && is_key(at, &shape->keys[i]); i++) {
            at += shape->keys[i].size;
            if (shape->keys[i].index < count)
                found[shape->keys[i].index].node = at;
            at = skip_known(msgpack, &shape->keys[i], at);
            if (at == NULL)
                return NULL;
        }
        if (i == pairs)
            break;
        key = at;
        at = read_key(key, end, words, count, &index);
        if (at == NULL || at >= end)
            return NULL;
        if (i < remembered)
            remember(shape, i, (apv_span){key, (size_t)(at - key)}, end, index);
        if (index < count)
            found[index].node = at;
        at = skip_value(msgpack, at);
    }
    return at;
}

static void
msgpack_find(const apv_reader *reader, apv_value map, const apv_span *words, size_t count,
             apv_value *found)
{
    apv_msgpack_reader *msgpack = own(reader);
    head h;

    if (head_of(reader, map, &h) && h.type == APV_MAP)
        msgpack->passed = (apv_extent){
            .from = map.node, .to = skip_pairs(msgpack, h.end, h.count / 2, words, count, found)};
}

/* As skip, for an object whose children are likely to be maps with the same keys, as those of a
 * state run are. */
static const char *
skip_alike(apv_msgpack_reader *msgpack, const char *at)
{
    const char *end = msgpack->end;
    head h;

    if (!read_head(at, end, &h))
        return NULL;
    at = h.end;
    for (uint32_t left = h.count; at != NULL && left > 0; left--) {
        if (!read_head(at, end, &h))
            return NULL;
        at = h.type == APV_MAP ? skip_pairs(msgpack, h.end, h.count / 2, NULL, 0, NULL)
             : h.count == 0    ? h.end
                               : skip(at, end);
    }
    return at;
}

/* As skip, for the root; takes note of the longest of its children. */
static const char *
skip_root(apv_msgpack_reader *msgpack, const char *at)
{
    apv_extent longest = {at, at};
    head h;

    if (!read_head(at, msgpack->end, &h))
        return NULL;
    at = h.end;
    for (uint32_t left = h.count; left > 0; left--) {
        const char *behind = skip_alike(msgpack, at);
        if (behind == NULL)
            return NULL;
        if (behind - at > longest.to - longest.from)
            longest = (apv_extent){.from = at, .to = behind};
        at = behind;
    }
    msgpack->longest = longest;
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

    made->reader = reader;
    made->end = msgpack.data + msgpack.size;
    made->longest = made->passed = (apv_extent){NULL, NULL};
    made->shape.words = NULL;
    made->shape.count = 0;
    if (msgpack.size == 0 || skip_root(made, msgpack.data) != made->end)
        return apv_fail(err, APV_ERR_INVALID, "the bytes are not one msgpack object");
    root->node = msgpack.data;
    return true;
}
