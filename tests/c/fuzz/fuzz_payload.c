/* fuzz_payload.c - libFuzzer target: LZ4 frames from a damaged table or spool. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "apv_payload.h"

#define MAX_BYTES (1u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    apv_err err = APV_ERR_NONE;
    char *content = NULL;
    size_t content_size = 0;

    if (apv_payload_decompress((apv_span){(const char *)data, size}, MAX_BYTES, &content,
                               &content_size, &err) &&
        content_size > MAX_BYTES)
        abort();
    free(content);
    return 0;
}
