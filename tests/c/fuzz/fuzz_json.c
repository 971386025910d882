/* fuzz_json.c - libFuzzer target: any bytes as JSON. What jansson takes as it is, must
 * still be taken after the reader has mended it. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <jansson.h>

#include "value_json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    apv_span bytes = {(const char *)data, size};
    json_t *theirs = json_loadb(bytes.data, size, JSON_DECODE_ANY, NULL);
    apv_err err = APV_ERR_NONE;
    apv_json_reader json;
    const apv_reader *reader = &json.reader;
    apv_value root;

    bool taken = apv_reader_json(bytes, &json, &root, &err);
    if (theirs != NULL && !taken)
        abort();
    if (taken) {
        if (reader->type(reader, root) == APV_MISSING)
            abort();
        apv_reader_json_close(&json);
    }
    json_decref(theirs);
    return 0;
}
