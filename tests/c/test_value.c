/* test_value.c - the msgpack and JSON readers, texts, arenas. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <msgpack.h>

#include "arena.h"
#include "failing_alloc.h"
#include "support.h"
#include "text.h"
#include "value_json.h"
#include "value_msgpack.h"

/* A reader over one packed object. */
typedef struct {
    msgpack_sbuffer buffer;
    msgpack_packer packer;
    apv_msgpack_reader msgpack;
    apv_value root;
} packed;

static void
packed_start(packed *p)
{
    msgpack_sbuffer_init(&p->buffer);
    msgpack_packer_init(&p->packer, &p->buffer, msgpack_sbuffer_write);
}

static void
packed_read(packed *p)
{
    apv_err err = APV_ERR_NONE;
    apv_span bytes = {p->buffer.data, p->buffer.size};
    assert_true(apv_reader_msgpack(bytes, &p->msgpack, &p->root, &err));
}

static void
packed_end(packed *p)
{
    msgpack_sbuffer_destroy(&p->buffer);
}

/* ---- msgpack, against msgpack-c's packer ---- */

static void
test_msgpack_integers(void **state)
{
    static const int64_t values[] = {
        0,         1,         127,       128,        255,        256,           65535,  65536,
        -1,        -32,       -33,       -128,       -129,       -32768,        -32769, INT32_MAX,
        INT32_MIN, INT64_MAX, INT64_MIN, 4294967295, 4294967296, -2147483649LL,
    };

    (void)state;
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        packed p;
        int64_t read = 42;
        packed_start(&p);
        msgpack_pack_int64(&p.packer, values[i]);
        packed_read(&p);
        assert_int_equal(p.msgpack.reader.type(&p.msgpack.reader, p.root), APV_NUMBER);
        assert_true(p.msgpack.reader.integer(&p.msgpack.reader, p.root, &read));
        assert_true(read == values[i]);
        packed_end(&p);
    }
}

static void
test_msgpack_numbers_that_are_no_int64(void **state)
{
    const double reals[] = {1.5, NAN, INFINITY, -INFINITY, 0x1p63, -0x1p64, 1e300};
    packed p;
    int64_t read = 42;

    (void)state;
    for (size_t i = 0; i < sizeof reals / sizeof *reals; i++) {
        packed_start(&p);
        msgpack_pack_double(&p.packer, reals[i]);
        packed_read(&p);
        assert_int_equal(p.msgpack.reader.type(&p.msgpack.reader, p.root), APV_NUMBER);
        assert_false(p.msgpack.reader.integer(&p.msgpack.reader, p.root, &read));
        packed_end(&p);
    }
    packed_start(&p);
    msgpack_pack_uint64(&p.packer, UINT64_MAX);
    packed_read(&p);
    assert_int_equal(p.msgpack.reader.type(&p.msgpack.reader, p.root), APV_NUMBER);
    assert_false(p.msgpack.reader.integer(&p.msgpack.reader, p.root, &read));
    packed_end(&p);
    assert_int_equal(read, 42);

    packed_start(&p);
    msgpack_pack_float(&p.packer, -3.0f);
    packed_read(&p);
    assert_true(p.msgpack.reader.integer(&p.msgpack.reader, p.root, &read));
    assert_int_equal(read, -3);
    packed_end(&p);
}

static void
test_msgpack_texts_of_every_size(void **state)
{
    static const size_t sizes[] = {0, 1, 31, 32, 255, 256, 65535, 65536};
    char *text = malloc(65536);

    (void)state;
    assert_non_null(text);
    memset(text, 'x', 65536);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        packed p;
        apv_span read;
        packed_start(&p);
        msgpack_pack_str_with_body(&p.packer, text, sizes[i]);
        packed_read(&p);
        assert_true(p.msgpack.reader.text(&p.msgpack.reader, p.root, &read));
        assert_int_equal(read.size, sizes[i]);
        assert_memory_equal(read.data, text, sizes[i]);
        packed_end(&p);
    }
    free(text);
}

static void
test_msgpack_other_types(void **state)
{
    packed p;
    apv_span text;

    (void)state;
    packed_start(&p);
    msgpack_pack_array(&p.packer, 9);
    msgpack_pack_nil(&p.packer);
    msgpack_pack_true(&p.packer);
    msgpack_pack_false(&p.packer);
    msgpack_pack_bin_with_body(&p.packer, "\0x", 2);
    msgpack_pack_ext_with_body(&p.packer, "0123456789abcdef", 16, 78);
    msgpack_pack_ext_with_body(&p.packer, "012", 3, -1);
    msgpack_pack_str_with_body(&p.packer, "\xC3(", 2); /* not UTF-8 */
    msgpack_pack_map(&p.packer, 0);
    msgpack_pack_array(&p.packer, 0);
    packed_read(&p);

    static const apv_type types[] = {APV_NULL,  APV_BOOL,  APV_BOOL, APV_OTHER, APV_OTHER,
                                     APV_OTHER, APV_OTHER, APV_MAP,  APV_LIST};
    apv_cursor cursor;
    apv_value value;
    apv_span key;
    p.msgpack.reader.open(&p.msgpack.reader, p.root, &cursor);
    for (size_t i = 0; i < 9; i++) {
        assert_true(p.msgpack.reader.next(&p.msgpack.reader, &cursor, &key, &value));
        assert_null(key.data);
        assert_int_equal(p.msgpack.reader.type(&p.msgpack.reader, value), types[i]);
        assert_false(p.msgpack.reader.text(&p.msgpack.reader, value, &text));
        assert_int_equal(p.msgpack.reader.truth(&p.msgpack.reader, value), i == 1);
    }
    assert_false(p.msgpack.reader.next(&p.msgpack.reader, &cursor, &key, &value));
    packed_end(&p);
}

static void
test_msgpack_maps_of_every_size(void **state)
{
    static const size_t sizes[] = {0, 15, 16, 65535, 65536};

    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        packed p;
        apv_cursor cursor;
        apv_value value;
        apv_span key;
        size_t count = 0;
        packed_start(&p);
        msgpack_pack_map(&p.packer, sizes[i]);
        for (size_t n = 0; n < sizes[i]; n++) {
            msgpack_pack_str_with_body(&p.packer, "key", 3);
            msgpack_pack_array(&p.packer, 1);
            msgpack_pack_uint64(&p.packer, n);
        }
        packed_read(&p);
        p.msgpack.reader.open(&p.msgpack.reader, p.root, &cursor);
        for (; p.msgpack.reader.next(&p.msgpack.reader, &cursor, &key, &value); count++) {
            assert_true(apv_span_is(key, "key"));
            assert_int_equal(p.msgpack.reader.type(&p.msgpack.reader, value), APV_LIST);
        }
        assert_int_equal(count, sizes[i]);
        packed_end(&p);
    }
}

static void
test_msgpack_refuses_every_prefix(void **state)
{
    apv_span whole =
        support_pack("{\"a\":[1,2.5,\"text\",null,true],\"b\":{\"c\":{}},\"d\":-70000}");

    (void)state;
    for (size_t size = 0; size < whole.size; size++) {
        /* In memory of just that size, so that ASan and valgrind see what reads beyond. */
        char *prefix = malloc(size + 1);
        apv_err err = APV_ERR_NONE;
        apv_msgpack_reader msgpack;
        apv_value root;
        assert_non_null(prefix);
        memcpy(prefix, whole.data, size);
        prefix = realloc(prefix, size == 0 ? 1 : size);
        assert_false(apv_reader_msgpack((apv_span){prefix, size}, &msgpack, &root, &err));
        assert_int_equal(err.code, APV_ERR_INVALID);
        free(prefix);
    }
    free((char *)whole.data);
}

static void
test_msgpack_refuses(void **state)
{
    static const struct {
        const char *bytes;
        size_t size;
    } bad[] = {
        {"\xC0\xC0", 2},             /* something behind it */
        {"\xC1", 1},                 /* no type at all */
        {"\xDF\xFF\xFF\xFF\xFF", 5}, /* 2^32 - 1 pairs */
        {"\xDD\xFF\xFF\xFF\xFF", 5}, /* as many elements */
        {"\xDB\xFF\xFF\xFF\xFF", 5}, /* as many bytes */
        {"\xC9\xFF\xFF\xFF\xFF\x01", 6},
        {"\x92\xDD\xFF\xFF\xFF\xFF\xDD\xFF\xFF\xFF\xFF", 11},
    };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        apv_err err = APV_ERR_NONE;
        apv_msgpack_reader msgpack;
        apv_value root;
        assert_false(
            apv_reader_msgpack((apv_span){bad[i].bytes, bad[i].size}, &msgpack, &root, &err));
        assert_int_equal(err.code, APV_ERR_INVALID);
    }
}

static void
test_msgpack_nested_deeply(void **state)
{
    const size_t depth = 1000000;
    char *bytes = malloc(depth + 1);
    apv_err err = APV_ERR_NONE;
    apv_msgpack_reader msgpack;
    const apv_reader *reader = &msgpack.reader;
    apv_value root;

    (void)state;
    assert_non_null(bytes);
    memset(bytes, '\x91', depth);
    bytes[depth] = '\xC0';
    assert_true(apv_reader_msgpack((apv_span){bytes, depth + 1}, &msgpack, &root, &err));
    assert_int_equal(reader->type(reader, root), APV_LIST);
    free(bytes);
}

static void
test_lookup(void **state)
{
    static const apv_span words[] = {APV_WORD("a"), APV_WORD("b"), APV_WORD("no"), APV_WORD("ab")};
    /* {"a": 1, "ab": 2, 3: 4, "a": 5}: keys of other types and equal ones. */
    static const char bytes[] = "\x84\xA1"
                                "a\x01\xA2"
                                "ab\x02\x03\x04\xA1"
                                "a\x05";
    apv_err err = APV_ERR_NONE;
    apv_value root, found[4];
    apv_msgpack_reader msgpack;
    const apv_reader *reader = &msgpack.reader;
    int64_t number;

    (void)state;
    assert_true(apv_reader_msgpack((apv_span){bytes, sizeof bytes - 1}, &msgpack, &root, &err));
    apv_map_find(reader, root, words, 4, found);
    assert_true(reader->integer(reader, found[0], &number));
    assert_int_equal(number, 5); /* the last of equal keys, as in Python */
    assert_int_equal(reader->type(reader, found[1]), APV_MISSING);
    assert_int_equal(reader->type(reader, found[2]), APV_MISSING);
    assert_true(reader->integer(reader, found[3], &number));
    assert_int_equal(number, 2);
    apv_map_find(reader, found[3], words, 4, found);
    assert_int_equal(reader->type(reader, found[0]), APV_MISSING);
}

/* Keys of one map are remembered for the next: maps that differ in order, number and length of
 * theirs, where each value tells its key. */
static void
test_lookup_in_maps_unlike_the_one_before(void **state)
{
    static const apv_span words[] = {APV_WORD("a"), APV_WORD("name"), APV_WORD("__run_num__"),
                                     APV_WORD("a key that is longer than sixteen bytes")};
    static const char *const keys[] = {
        "name",
        "nams",
        "a",
        "b",
        "__run_num__",
        "__run_mum__",
        "__rum_num__",
        "changes",
        "comment",
        "a key that is longer than sixteen bytes",
        "a key that is longer than sixteen bites",
        "",
        "k12",
        "k13",
        "k14",
        "k15",
        "k16",
        "k17",
        "k18",
        "k19",
    };
    enum { WORDS = sizeof words / sizeof *words, KEYS = sizeof keys / sizeof *keys, MAPS = 200 };
    packed p;
    const apv_reader *reader = &p.msgpack.reader;
    apv_cursor cursor;
    apv_span none;
    apv_value map;

    (void)state;
    packed_start(&p);
    msgpack_pack_array(&p.packer, MAPS);
    for (size_t n = 0; n < MAPS; n++) {
        size_t count = n % 3 == 0 ? KEYS : n % (KEYS + 1);
        msgpack_pack_map(&p.packer, count);
        for (size_t i = 0; i < count; i++) {
            size_t key = (i + n / 2) % KEYS;
            msgpack_pack_str_with_body(&p.packer, keys[key], strlen(keys[key]));
            msgpack_pack_uint64(&p.packer, key);
        }
    }
    packed_read(&p);
    reader->open(reader, p.root, &cursor);
    for (size_t n = 0; reader->next(reader, &cursor, &none, &map); n++) {
        apv_value found[WORDS];
        size_t count = n % 3 == 0 ? KEYS : n % (KEYS + 1), all = 0;
        apv_map_find(reader, map, words, WORDS, found);
        for (size_t w = 0; w < WORDS; w++) {
            int64_t key;
            if (!reader->integer(reader, found[w], &key))
                continue;
            assert_true(apv_span_is(words[w], keys[key]));
            all++;
        }
        for (size_t i = 0; i < count; i++)
            all -= apv_word_index(words, WORDS, apv_span_of(keys[(i + n / 2) % KEYS])) < WORDS;
        assert_int_equal(all, 0);
    }
    msgpack_sbuffer_destroy(&p.buffer);
}

/* Maps with the same keys, of which the sizes of values are remembered by their tags: values of
 * other kinds and sizes stand in each place, and bytes that end before the last of them are
 * refused. */
static void
test_maps_alike_with_unlike_values(void **state)
{
    enum { KEYS = 3, MAPS = 40, KINDS = 9 };
    static const apv_span words[KEYS] = {APV_WORD("name"), APV_WORD("result"), APV_WORD("n")};
    static const char text[] =
        "forty characters and more, so that the size stands in a byte behind the tag";
    packed p;
    const apv_reader *reader = &p.msgpack.reader;
    apv_err err = APV_ERR_NONE;
    apv_msgpack_reader cut;
    apv_cursor cursor;
    apv_value map, root;
    apv_span key;

    (void)state;
    packed_start(&p);
    msgpack_pack_map(&p.packer, 1);
    msgpack_pack_str_with_body(&p.packer, "return", 6);
    msgpack_pack_map(&p.packer, MAPS);
    for (size_t n = 0; n < MAPS; n++) {
        msgpack_pack_uint64(&p.packer, n);
        msgpack_pack_map(&p.packer, KEYS);
        for (size_t i = 0; i < KEYS; i++) {
            msgpack_pack_str_with_body(&p.packer, words[i].data, words[i].size);
            switch (i == KEYS - 1 ? KINDS : n / (i + 1) % KINDS) {
            case 0:
                msgpack_pack_nil(&p.packer);
                break;
            case 1:
                msgpack_pack_str_with_body(&p.packer, text, n % 32);
                break;
            case 2:
                msgpack_pack_str_with_body(&p.packer, text, sizeof text - 1 - n % 8);
                break;
            case 3:
                msgpack_pack_map(&p.packer, 0);
                break;
            case 4:
                msgpack_pack_array(&p.packer, 2);
                msgpack_pack_nil(&p.packer);
                msgpack_pack_str_with_body(&p.packer, text, n % 32);
                break;
            case 5:
                msgpack_pack_double(&p.packer, 0.5);
                break;
            case 6:
                msgpack_pack_uint64(&p.packer, 1000);
                break;
            case 7:
                msgpack_pack_bin_with_body(&p.packer, text, n);
                break;
            case 8:
                msgpack_pack_map(&p.packer, 1);
                msgpack_pack_nil(&p.packer);
                msgpack_pack_array(&p.packer, 0);
                break;
            default:
                msgpack_pack_uint64(&p.packer, n);
            }
        }
    }
    packed_read(&p);
    reader->open(reader, apv_map_get(reader, p.root, "return"), &cursor);
    for (size_t n = 0; n < MAPS; n++) {
        apv_value found[KEYS];
        int64_t number;
        assert_true(reader->next(reader, &cursor, &key, &map));
        apv_map_find(reader, map, words, KEYS, found);
        assert_true(reader->integer(reader, found[KEYS - 1], &number));
        assert_int_equal(number, n);
    }
    assert_false(reader->next(reader, &cursor, &key, &map));
    for (size_t size = 0; size < p.buffer.size; size++)
        assert_false(apv_reader_msgpack((apv_span){p.buffer.data, size}, &cut, &root, &err));
    packed_end(&p);
}

/* ---- JSON ---- */

static void
test_json_reads_what_python_writes(void **state)
{
    static const char text[] =
        "{\"nan\": NaN, \"inf\": [Infinity, -Infinity], \"big\": 9223372036854775808,"
        " \"small\": -9223372036854775809, \"huge\": 1e999, \"max\": 9223372036854775807,"
        " \"whole\": 3.0, \"lone\": \"\\ud800x\", \"low\": \"\\uDC00\", \"pair\": "
        "\"\\ud83d\\ude00\","
        " \"a\\u0000b\": \"NaN\", \"esc\": \"\\\\\\\"NaN\", \"long\": "
        "123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890"
        "}";
    apv_err err = APV_ERR_NONE;
    apv_json_reader json;
    const apv_reader *reader = &json.reader;
    apv_value root;
    apv_span read;
    int64_t number = 0;

    (void)state;
    assert_true(apv_reader_json((apv_span){text, sizeof text - 1}, &json, &root, &err));
    static const char *const fractions[] = {"nan", "big", "small", "huge", "long"};
    for (size_t i = 0; i < sizeof fractions / sizeof *fractions; i++) {
        apv_value value = apv_map_get(reader, root, fractions[i]);
        assert_int_equal(reader->type(reader, value), APV_NUMBER);
        assert_false(reader->integer(reader, value, &number));
    }
    assert_int_equal(reader->type(reader, apv_map_get(reader, root, "inf")), APV_LIST);
    assert_true(reader->integer(reader, apv_map_get(reader, root, "max"), &number));
    assert_true(number == INT64_MAX);
    assert_true(reader->integer(reader, apv_map_get(reader, root, "whole"), &number));
    assert_int_equal(number, 3);
    assert_true(reader->text(reader, apv_map_get(reader, root, "lone"), &read));
    assert_true(apv_span_is(read, "\xEF\xBF\xBDx"));
    assert_true(reader->text(reader, apv_map_get(reader, root, "low"), &read));
    assert_true(apv_span_is(read, "\xEF\xBF\xBD"));
    assert_true(reader->text(reader, apv_map_get(reader, root, "pair"), &read));
    assert_true(apv_span_is(read, "\xF0\x9F\x98\x80"));
    assert_true(reader->text(reader,
                             apv_map_get(reader, root,
                                         "a\xEF\xBF\xBD"
                                         "b"),
                             &read));
    assert_true(apv_span_is(read, "NaN"));
    assert_true(reader->text(reader, apv_map_get(reader, root, "esc"), &read));
    assert_true(apv_span_is(read, "\\\"NaN"));
    apv_reader_json_close(&json);
}

static void
test_json_refuses(void **state)
{
    static const char *const bad[] = {"",          "{",         "nan", "Na",   "{\"a\":1}x",
                                      "01",        "\"\xC3(\"", "'a'", "[1,]", "\"\\u12\"",
                                      "\"\\ud8\"", "-",         "\"\\"};

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        apv_err err = APV_ERR_NONE;
        apv_json_reader json;
        apv_value root;
        assert_false(apv_reader_json(apv_span_of(bad[i]), &json, &root, &err));
        assert_int_equal(err.code, APV_ERR_INVALID);
    }
}

static void
test_json_nested_deeply(void **state)
{
    char text[200000];
    apv_err err = APV_ERR_NONE;
    apv_json_reader json;
    apv_value root;

    (void)state;
    memset(text, '[', sizeof text / 2);
    memset(text + sizeof text / 2, ']', sizeof text / 2);
    assert_false(apv_reader_json((apv_span){text, sizeof text}, &json, &root, &err));
    err = (apv_err)APV_ERR_NONE;
    apv_span thousand = {text + sizeof text / 2 - 1000, 2000};
    assert_true(apv_reader_json(thousand, &json, &root, &err));
    apv_reader_json_close(&json);
}

static void
test_json_without_memory(void **state)
{
    apv_err err = APV_ERR_NONE;
    apv_json_reader json;
    apv_value root;

    (void)state;
    failing_alloc_after(0);
    bool ok = apv_reader_json(apv_span_of("{}"), &json, &root, &err);
    assert_true(failing_alloc_stop());
    assert_false(ok);
    assert_int_equal(err.code, APV_ERR_MEMORY);
}

/* ---- texts ---- */

static void
test_utf8(void **state)
{
    static const char *const good[] = {"",
                                       "ascii that is longer than a word",
                                       "\xC3\xA4",
                                       "\xE2\x82\xAC",
                                       "\xED\x9F\xBF",
                                       "\xEE\x80\x80",
                                       "\xF0\x9F\x98\x80",
                                       "\xF4\x8F\xBF\xBF"};
    static const char *const bad[] = {"\x80",
                                      "\xC3",
                                      "\xC0\xAF",
                                      "\xC1\xBF",
                                      "\xE0\x80\xAF",
                                      "\xED\xA0\x80",
                                      "\xF0\x80\x80\xAF",
                                      "\xF4\x90\x80\x80",
                                      "\xF5\x80\x80\x80",
                                      "\xFF",
                                      "seven.\xC3(then more of it"};

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_true(apv_utf8_valid(good[i], strlen(good[i])));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(apv_utf8_valid(bad[i], strlen(bad[i])));
}

static void
test_utf8_cuts(void **state)
{
    static const char text[] = "a\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80";
    static const size_t cuts[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10};

    (void)state;
    for (size_t size = 0; size <= 10; size++) {
        assert_int_equal(apv_utf8_truncate(text, 10, size), cuts[size]);
        assert_int_equal(apv_utf8_whole(text, size), cuts[size]);
    }
}

static void
test_find(void **state)
{
    apv_span text = apv_span_of("aab_|-c");

    (void)state;
    assert_ptr_equal(apv_span_find(text, "ab"), text.data + 1);
    assert_ptr_equal(apv_span_find(text, "_|-"), text.data + 3);
    assert_ptr_equal(apv_span_find(text, "c"), text.data + 6);
    assert_null(apv_span_find(text, "cc"));
    assert_null(apv_span_find(text, "aab_|-cd"));
    assert_null(apv_span_find(APV_NO_SPAN, "a"));
    assert_null(apv_span_find(apv_span_of(""), "a"));
}

/* ---- arenas ---- */

static void
test_arena(void **state)
{
    apv_arena arena = {0};
    size_t room = 0;
    int *numbers = NULL;

    (void)state;
    for (int i = 0; i < 10000; i++) {
        numbers = apv_arena_grow(&arena, numbers, (size_t)i, &room, sizeof *numbers);
        assert_non_null(numbers);
        numbers[i] = i;
    }
    for (int i = 0; i < 10000; i++)
        assert_int_equal(numbers[i], i);
    assert_null(apv_arena_take(&arena, SIZE_MAX / 2, 4));
    apv_arena_free(&arena);
    assert_null(arena.blocks);

    /* What fits stands in the memory that it starts with, and nothing else does. */
    max_align_t lent[8];
    char *start = (char *)lent, *end = start + sizeof lent;
    apv_arena_start(&arena, lent, sizeof lent);
    char *inside = apv_arena_take(&arena, 16, 1), *outside = apv_arena_take(&arena, sizeof lent, 1);
    assert_true(inside > start && inside + 16 <= end);
    assert_non_null(outside);
    assert_false(outside >= start && outside < end);
    memset(outside, 0, sizeof lent);
    apv_arena_free(&arena);
    assert_null(arena.blocks);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_msgpack_integers),
        cmocka_unit_test(test_msgpack_numbers_that_are_no_int64),
        cmocka_unit_test(test_msgpack_texts_of_every_size),
        cmocka_unit_test(test_msgpack_other_types),
        cmocka_unit_test(test_msgpack_maps_of_every_size),
        cmocka_unit_test(test_msgpack_refuses_every_prefix),
        cmocka_unit_test(test_msgpack_refuses),
        cmocka_unit_test(test_msgpack_nested_deeply),
        cmocka_unit_test(test_lookup),
        cmocka_unit_test(test_lookup_in_maps_unlike_the_one_before),
        cmocka_unit_test(test_maps_alike_with_unlike_values),
        cmocka_unit_test(test_json_reads_what_python_writes),
        cmocka_unit_test(test_json_refuses),
        cmocka_unit_test(test_json_nested_deeply),
        cmocka_unit_test(test_json_without_memory),
        cmocka_unit_test(test_utf8),
        cmocka_unit_test(test_utf8_cuts),
        cmocka_unit_test(test_find),
        cmocka_unit_test(test_arena),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
