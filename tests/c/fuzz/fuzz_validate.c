/* fuzz_validate.c - libFuzzer target: any bytes as a return, in msgpack and in JSON.
 *
 * Three things must hold whatever the return: both readers agree, nothing is called
 * converged whose approved version doesn't even stand in the bytes, and nothing at all is
 * found in a return whose head says that it can prove nothing.
 */
#define _GNU_SOURCE /* memmem */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "apv.h"
#include "pack.h"
#include "text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define PACKAGE(n, v)                                                                              \
    {                                                                                              \
        {"package", 7}, {n, sizeof n - 1}, {NULL, 0},                                              \
        {                                                                                          \
            v, sizeof v - 1                                                                        \
        }                                                                                          \
    }

static const apv_item items[] = {
    PACKAGE("hello", "2.10-3"),
    PACKAGE("figlet", "2.2.5-3+b1"),
    {{"package", 7}, {"sl", 2}, {NULL, 0}, {NULL, 0}},
    {{"service", 7}, {"cron", 4}, {NULL, 0}, {"running", 7}},
};
#define ITEM_COUNT (sizeof items / sizeof *items)

static void
check(const apv_verdict *verdict, apv_span bytes)
{
    size_t converged = 0;

    if (verdict->finding_count % ITEM_COUNT != 0)
        abort();
    for (size_t i = 0; i < verdict->finding_count; i++) {
        const apv_finding *finding = &verdict->findings[i];
        const apv_item *item = &items[i % ITEM_COUNT];
        if (!apv_utf8_valid(finding->text.data, finding->text.size))
            abort();
        if (finding->verdict != APV_CONVERGED)
            continue;
        converged++;
        if (memmem(bytes.data, bytes.size, item->name.data, item->name.size) == NULL &&
            item->value.data != NULL)
            abort();
        if (apv_span_is(item->kind, "package") && item->value.data != NULL &&
            memmem(bytes.data, bytes.size, item->value.data, item->value.size) == NULL)
            abort();
    }
    if (verdict->verdict == APV_CONVERGED && converged != verdict->finding_count)
        abort();
    if (verdict->authenticated)
        abort(); /* no key was given */
}

/* The database does not even ask for the documents of such returns. */
static void
check_head(const apv_verdict *verdict, apv_span bytes)
{
    apv_err err = APV_ERR_NONE;
    apv_return head;

    if (!apv_return_read(bytes, &head, &err) || head.can_prove)
        return;
    if (verdict->verdict != APV_INVALID || verdict->run_id.data != NULL ||
        verdict->boot_id.data != NULL || verdict->before_count > 0 || verdict->unapproved_count > 0)
        abort();
    for (size_t i = 0; i < verdict->finding_count; i++)
        if (verdict->findings[i].verdict != APV_NOT_APPLIED ||
            verdict->findings[i].observed.data != NULL)
            abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const apv_expected expected = {.items = items, .count = ITEM_COUNT};
    apv_span bytes = {(const char *)data, size};
    apv_verdict *parsed = NULL, *packed = NULL;
    apv_err err = APV_ERR_NONE;

    if (!apv_validate_msgpack(bytes, &expected, &packed, &err))
        abort();
    check(packed, bytes);
    check_head(packed, bytes);
    apv_verdict_free(&packed);

    if (!apv_validate_json(bytes, &expected, &parsed, &err))
        abort();
    apv_span same = pack_json(bytes.data, size);
    if (same.data != NULL) {
        check(parsed, same);
        if (!apv_validate_msgpack(same, &expected, &packed, &err) ||
            packed->verdict != parsed->verdict ||
            packed->unapproved_count != parsed->unapproved_count)
            abort();
        check_head(packed, same);
        apv_verdict_free(&packed);
    }
    free((char *)same.data);
    apv_verdict_free(&parsed);
    return 0;
}
