/* fuzz_msgpack.c - libFuzzer target: any bytes as msgpack. What the reader takes,
 * msgpack-c takes too, unless it is nested more deeply than that can. What is looked up in a map is
 * what a walk through it finds. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <msgpack.h>

#include "apv.h"
#include "text.h"
#include "value_msgpack.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Looks words up in a map, which remembers its keys for the next one, and again by a walk. */
static void
look_up(const apv_reader *reader, apv_value map)
{
    enum { COUNT = 5 };
    static const apv_span words[COUNT] = {APV_WORD("name"), APV_WORD("result"), APV_WORD("comment"),
                                          APV_WORD("__run_num__"), APV_WORD("a")};
    apv_msgpack_reader walking = *APV_CONTAINER_OF(reader, apv_msgpack_reader, reader);
    apv_value found[COUNT], walked[COUNT];

    walking.reader.find = NULL;
    apv_map_find(reader, map, words, COUNT, found);
    apv_map_find(&walking.reader, map, words, COUNT, walked);
    for (size_t i = 0; i < COUNT; i++)
        if (found[i].node != walked[i].node)
            abort();
}

/* Reads everything, to a depth that is enough for any return. */
static void
walk(const apv_reader *reader, apv_value value, unsigned depth)
{
    apv_cursor cursor;
    apv_value element;
    int64_t integer;
    apv_span text;

    if (reader->text(reader, value, &text) && !apv_utf8_valid(text.data, text.size))
        abort();
    (void)reader->integer(reader, value, &integer);
    (void)reader->truth(reader, value);
    if (reader->type(reader, value) == APV_MISSING)
        abort(); /* every byte of what was taken can be read */
    look_up(reader, value);
    reader->open(reader, value, &cursor);
    while (depth > 0 && reader->next(reader, &cursor, &text, &element))
        walk(reader, element, depth - 1);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    apv_span bytes = {(const char *)data, size};
    apv_err err = APV_ERR_NONE;
    apv_msgpack_reader bytes_reader;
    const apv_reader *reader = &bytes_reader.reader;
    apv_value root;
    apv_return head;
    msgpack_unpacked object;
    size_t end = 0;

    (void)apv_return_read(bytes, &head, &err);
    err = (apv_err)APV_ERR_NONE;
    if (!apv_reader_msgpack(bytes, &bytes_reader, &root, &err))
        return 0; /* msgpack-c would get memory for counts that are lies */
    msgpack_unpacked_init(&object);
    msgpack_unpack_return theirs = msgpack_unpack_next(&object, bytes.data, size, &end);
    msgpack_unpacked_destroy(&object);
    if (theirs != MSGPACK_UNPACK_NOMEM_ERROR && (theirs != MSGPACK_UNPACK_SUCCESS || end != size))
        abort();
    walk(reader, root, 8);
    return 0;
}
