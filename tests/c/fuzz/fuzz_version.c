/* fuzz_version.c - libFuzzer target: any two texts, a line each, as an approved version and one
 * that was found. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "validate_private.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *newline = size > 0 ? memchr(data, '\n', size) : NULL;

    if (newline == NULL)
        return 0;
    apv_span approved = {(const char *)data, (size_t)(newline - data)};
    apv_span version = {(const char *)newline + 1, size - approved.size - 1};

    /* Of what is the same in both, and of what is as it is written, both have to be sure. */
    if (approved.size <= 255 && !apv_version_may_be(approved, approved))
        abort();
    if (memchr(approved.data, '*', approved.size) == NULL && apv_version_fits(approved, version) &&
        !apv_span_is(approved, "latest") && !apv_version_may_be(approved, version))
        abort();
    return 0;
}
