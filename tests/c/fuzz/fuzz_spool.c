/* fuzz_spool.c - libFuzzer target: entries of the spool as a damaged disk might have them. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "spool_private.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    apv_span bytes = {(const char *)data, size};
    apv_spool_entry entry = {0};

    if (!apv_spool_entry_parse(bytes, &entry))
        return 0;
    if (entry.kind < APV_SPOOL_LOAD || entry.kind > APV_SPOOL_EVENTS ||
        APV_SPOOL_HEAD_SIZE + entry.jid.size + entry.payload.size != size ||
        entry.jid.data + entry.jid.size != entry.payload.data)
        abort();
    return 0;
}
