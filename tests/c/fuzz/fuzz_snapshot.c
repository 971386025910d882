/* fuzz_snapshot.c - libFuzzer target: any bytes as what a snapshot stores for a minion, and
 * as what the database sends to fill it. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "snapshot_private.h"
#include "wire_private.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool
touch(void *arg, const apv_span *columns, size_t count, apv_err *err)
{
    size_t *sum = arg;

    (void)err;
    for (size_t i = 0; i < count; i++)
        if (columns[i].size > 0)
            *sum += (unsigned char)columns[i].data[columns[i].size - 1];
    return true;
}

/* All at once and byte by byte come to the same. */
static void
feed(apv_span bytes)
{
    apv_copy whole = {.started = false}, parts = {.started = false};
    apv_err first = APV_ERR_NONE, second = APV_ERR_NONE;
    size_t sum = 0, again = 0;
    bool ok = apv_copy_feed(&whole, bytes, touch, &sum, &first), same = true;

    for (size_t i = 0; same && i < bytes.size; i++)
        same = apv_copy_feed(&parts, (apv_span){bytes.data + i, 1}, touch, &again, &second);
    if (ok != same || (ok && sum != again))
        abort();
    apv_copy_free(&whole);
    apv_copy_free(&parts);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const apv_span bytes = {(const char *)data, size}, minion = APV_WORD("web1");
    apv_document *document = NULL;
    apv_err err = APV_ERR_NONE;
    size_t documents;

    if (apv_snapshot_value_pick(bytes, minion, 0, &document, &err)) {
        if (document->count > 0 && document->revision <= 0)
            abort();
        apv_document_free(&document);
    }
    err = (apv_err)APV_ERR_NONE;
    if (apv_snapshot_value_check(bytes, minion, &documents, &err) &&
        apv_snapshot_value_revision(bytes) < 0)
        abort();
    if (size < 4096)
        feed(bytes);
    return 0;
}
