/* fuzz_version.c - libFuzzer target: any two texts, a line each, as an approved version and one
 * that was found. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "validate_private.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool
is_definite(apv_span text)
{
    return apv_version_exact(text).data != NULL && text.data[0] != '-';
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *newline = size > 0 ? memchr(data, '\n', size) : NULL;

    if (newline == NULL)
        return 0;
    apv_span approved = {(const char *)data, (size_t)(newline - data)};
    apv_span version = {(const char *)newline + 1, size - approved.size - 1};

    /* A version is itself, whatever rule looks at it; and what is as it is written may be it. */
    if (is_definite(approved) && !apv_version_may_be(approved, approved))
        abort();
    if (!apv_version_is_open(approved) && is_definite(version) &&
        apv_version_fits(approved, version) && !apv_version_may_be(approved, version))
        abort();
    /* What could not be approved is never taken for what was. */
    if (!is_definite(version) && apv_version_may_be(approved, version))
        abort();
    return 0;
}
