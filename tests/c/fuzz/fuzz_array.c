/* fuzz_array.c - libFuzzer target: arrays and single values as a server might send them. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "apv_wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint32_t elements[] = {APV_OID_TEXT, APV_OID_BYTEA, APV_OID_INT8};
    apv_span bytes = {(const char *)data, size}, item, text;

    for (size_t i = 0; i < sizeof elements / sizeof elements[0]; i++) {
        apv_err err = APV_ERR_NONE;
        apv_array array;
        size_t count = 0;

        if (!apv_array_open(bytes, elements[i], &array, &err))
            continue;
        while (apv_array_next(&array, &item)) {
            count++;
            if (item.data != NULL && item.data + item.size > bytes.data + bytes.size)
                abort();
        }
        if (count != array.count)
            abort();
    }
    apv_err err = APV_ERR_NONE;
    if (apv_wire_jsonb(bytes, &text, &err) && text.size + 1 != size)
        abort();
    return 0;
}
