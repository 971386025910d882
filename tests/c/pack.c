/* pack.c - JSON to msgpack, by jansson and msgpack-c, which the library's own reader of
 * msgpack is held against. */
#include "pack.h"
#include "apv_base.h"

#include <stdlib.h>
#include <string.h>

#include <jansson.h>
#include <msgpack.h>

static void
pack(msgpack_packer *packer, json_t *value)
{
    const char *key;
    json_t *element;
    size_t index;

    switch (json_typeof(value)) {
    case JSON_OBJECT:
        msgpack_pack_map(packer, json_object_size(value));
        json_object_foreach (value, key, element) {
            msgpack_pack_str_with_body(packer, key, strlen(key));
            pack(packer, element);
        }
        break;
    case JSON_ARRAY:
        msgpack_pack_array(packer, json_array_size(value));
        json_array_foreach (value, index, element)
            pack(packer, element);
        break;
    case JSON_STRING:
        msgpack_pack_str_with_body(packer, json_string_value(value), json_string_length(value));
        break;
    case JSON_INTEGER:
        msgpack_pack_int64(packer, json_integer_value(value));
        break;
    case JSON_REAL:
        msgpack_pack_double(packer, json_real_value(value));
        break;
    case JSON_TRUE:
        msgpack_pack_true(packer);
        break;
    case JSON_FALSE:
        msgpack_pack_false(packer);
        break;
    case JSON_NULL:
        msgpack_pack_nil(packer);
        break;
    }
}

apv_span
pack_json(const char *json, size_t size)
{
    json_t *value = json_loadb(json, size, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    msgpack_sbuffer buffer;
    msgpack_packer packer;

    if (value == NULL)
        return (apv_span){NULL, 0};
    msgpack_sbuffer_init(&buffer);
    msgpack_packer_init(&packer, &buffer, msgpack_sbuffer_write);
    pack(&packer, value);
    json_decref(value);
    apv_span packed = {buffer.data, buffer.size};
    (void)msgpack_sbuffer_release(&buffer); /* ours now */
    return packed;
}
