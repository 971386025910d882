/* validate_slot.c - what is known of each expected resource so far. */
#include "validate_private.h"

#include "text.h"

#include <string.h>

#define SWEEPS_MAX 100

/* ---- the table of slots ---- */

#define MULTIPLIER UINT64_C(0x9E3779B97F4A7C15)

static uint64_t
mix(uint64_t hash, uint64_t eight)
{
    const uint64_t blank = UINT64_C(0x2020202020202020); /* the bit in which case differs */
    hash = (hash ^ (eight | blank)) * MULTIPLIER;
    return hash ^ hash >> 32;
}

/* What differs in the last characters only has to differ in the lowest bits too. */
static uint64_t
finish(uint64_t hash)
{
    hash *= MULTIPLIER;
    return hash ^ hash >> 32;
}

/* The bit of apv_slots.name_sizes for a name. */
static uint64_t
size_bit(apv_span name)
{
    return UINT64_C(1) << (name.size < 63 ? name.size : 63);
}

/* Takes the name by eight bytes; names that differ in case meet. */
static uint64_t
hash_name(apv_kind kind, apv_span name)
{
    uint64_t hash = (uint64_t)kind << 32 ^ name.size, eight;
    size_t i = 0;

    for (; name.size - i >= sizeof eight; i += sizeof eight) {
        memcpy(&eight, name.data + i, sizeof eight);
        hash = mix(hash, eight);
    }
    if (i > 0 && i < name.size) { /* the last eight, some of them again */
        memcpy(&eight, name.data + name.size - sizeof eight, sizeof eight);
        return finish(mix(hash, eight));
    }
    for (eight = 0; i < name.size; i++)
        eight = eight << 8 | (unsigned char)name.data[i];
    return finish(mix(hash, eight));
}

static apv_kind
kind_of(apv_span kind)
{
    if (apv_span_is(kind, "package"))
        return APV_KIND_PACKAGE;
    if (apv_span_is(kind, "service"))
        return APV_KIND_SERVICE;
    if (apv_span_is(kind, "value"))
        return APV_KIND_VALUE;
    return APV_KIND_ACTION;
}

static bool
same_resource(const apv_slot *slot, const apv_item *item)
{
    return apv_span_equal(slot->item->kind, item->kind) &&
           apv_span_equal(slot->item->name, item->name);
}

bool
apv_slots_open(apv_slots *slots, const apv_expected *expected, apv_arena *arena, apv_err *err)
{
    size_t count = expected->count, table_size = 8;

    /* At most half full. */
    while (table_size / 2 < count)
        table_size *= 2;
    slots->items = apv_arena_take(arena, count, sizeof *slots->items);
    slots->table = apv_arena_take(arena, table_size, sizeof *slots->table);
    if (slots->items == NULL || slots->table == NULL)
        return apv_fail_memory(err);
    slots->count = count;
    memset(slots->table, 0, table_size * sizeof *slots->table);
    slots->mask = table_size - 1;

    for (size_t i = 0; i < count; i++) {
        const apv_item *item = &expected->items[i];
        if (item->name.size == 0)
            return apv_fail(err, APV_ERR_INVALID, "an expected resource has no name");
        slots->items[i].item = item;
        slots->items[i].kind = kind_of(item->kind);
        slots->name_sizes |= size_bit(item->name);
        size_t at = hash_name(slots->items[i].kind, item->name) & slots->mask;
        for (; slots->table[at] != 0; at = (at + 1) & slots->mask)
            if (same_resource(&slots->items[slots->table[at] - 1], item))
                return apv_fail(err, APV_ERR_INVALID, "a resource is expected twice");
        slots->table[at] = i + 1;
    }
    return true;
}

void
apv_slots_reset(apv_slots *slots)
{
    slots->sweeps = 0;
    for (size_t i = 0; i < slots->count; i++) {
        const apv_slot *slot = &slots->items[i];
        slots->items[i] = (apv_slot){.item = slot->item, .kind = slot->kind};
    }
}

apv_slot *
apv_slot_find(const apv_slots *slots, apv_kind kind, apv_span name, bool fold)
{
    apv_slot *folded = NULL;

    /* Most words of a sentence are as long as no name. */
    if (name.size == 0 || (slots->name_sizes & size_bit(name)) == 0)
        return NULL;
    size_t at = hash_name(kind, name) & slots->mask;
    for (; slots->table[at] != 0; at = (at + 1) & slots->mask) {
        apv_slot *slot = &slots->items[slots->table[at] - 1];
        if (slot->kind != kind)
            continue;
        if (apv_span_equal(slot->item->name, name))
            return slot;
        if (fold && folded == NULL && apv_span_equal_fold(slot->item->name, name))
            folded = slot;
    }
    return folded;
}

/* ---- comparison ---- */

apv_match
apv_slot_match(const apv_slot *slot, apv_span value)
{
    apv_span wanted = slot->item->value;
    bool same;

    if (slot->kind == APV_KIND_ACTION)
        return APV_MATCH_YES; /* one that failed is not observed, but failed */
    if (wanted.data == NULL || value.data == NULL)
        return wanted.data == NULL && value.data == NULL ? APV_MATCH_YES : APV_MATCH_NO;
    same = apv_span_equal(wanted, value);
    if (slot->kind != APV_KIND_PACKAGE)
        return same ? APV_MATCH_YES : APV_MATCH_NO;
    if (wanted.size > 0 && strchr("<>=!~", wanted.data[0]) != NULL)
        return APV_MATCH_UNKNOWN; /* a comparison; not ours to decide */
    /* What latest and a pattern stand for is never their own text. */
    same = (same && !apv_version_is_open(wanted)) || apv_version_fits(wanted, value) ||
           (slot->meets.data != NULL && apv_span_equal(slot->meets, wanted) &&
            apv_span_equal(slot->observed, value) && apv_version_may_be(wanted, value));
    return same ? APV_MATCH_YES : APV_MATCH_NO;
}

/* ---- what chunks say ---- */

static void
set(apv_walk *walk, apv_slot *slot, apv_seen seen, apv_source source)
{
    slot->seen = seen;
    slot->source = source;
    slot->reason = APV_REASON_NONE;
    slot->observed = APV_NO_SPAN;
    slot->detail = APV_NO_SPAN;
    slot->note = APV_NO_SPAN;
    slot->meets = APV_NO_SPAN;
    slot->overridden = walk->run.overridden;
    slot->unapplied = false;
    slot->step = walk->run.step;
}

static bool
is_signed(apv_source source)
{
    return source == APV_SOURCE_EVIDENCE || source == APV_SOURCE_OBSERVATION;
}

/* Whether it is as approved, and evidence already says so: that it is said again without takes
 * nothing from that. */
static bool
is_repeated(const apv_slot *slot, apv_span value, apv_source source)
{
    if (is_signed(source) || !is_signed(slot->source) ||
        apv_slot_match(slot, value) == APV_MATCH_NO)
        return false;
    if (value.data == NULL)
        return slot->seen == APV_SEEN_ABSENT;
    return slot->seen == APV_SEEN_VALUE && apv_span_equal(slot->observed, value);
}

void
apv_slot_observe(apv_walk *walk, apv_slot *slot, apv_span value, apv_source source)
{
    if (walk->run.dry) {
        apv_slot_skip(walk, slot, APV_REASON_TEST_RUN);
        return;
    }
    if (is_repeated(slot, value, source) && !walk->run.overridden) {
        slot->step = walk->run.step;
        return;
    }
    set(walk, slot, value.data == NULL ? APV_SEEN_ABSENT : APV_SEEN_VALUE, source);
    slot->observed = value;
}

void
apv_slot_present(apv_walk *walk, apv_slot *slot, bool latest, apv_source source)
{
    if (walk->run.dry)
        apv_slot_skip(walk, slot, APV_REASON_TEST_RUN);
    else if (slot->seen == APV_SEEN_VALUE)
        slot->step = walk->run.step; /* still there: what was seen in this run still holds */
    else
        set(walk, slot, latest ? APV_SEEN_LATEST : APV_SEEN_PRESENT, source);
}

bool
apv_slot_is_open(const apv_slot *slot)
{
    return slot->seen <= APV_SEEN_MENTIONED;
}

void
apv_slot_mention(apv_walk *walk, apv_slot *slot)
{
    if (walk->run.dry)
        apv_slot_skip(walk, slot, APV_REASON_TEST_RUN);
    else if (apv_slot_is_open(slot))
        set(walk, slot, APV_SEEN_MENTIONED, APV_SOURCE_NONE);
}

void
apv_slot_doubt(apv_walk *walk, apv_slot *slot)
{
    bool as_approved = slot->seen == APV_SEEN_PRESENT || slot->seen == APV_SEEN_LATEST ||
                       ((slot->seen == APV_SEEN_VALUE || slot->seen == APV_SEEN_ABSENT) &&
                        apv_slot_match(slot, slot->observed) != APV_MATCH_NO);

    if (walk->run.dry)
        apv_slot_skip(walk, slot, APV_REASON_TEST_RUN);
    else if (apv_slot_is_open(slot) || as_approved)
        set(walk, slot, APV_SEEN_MENTIONED, APV_SOURCE_NONE);
}

void
apv_slot_skip(apv_walk *walk, apv_slot *slot, apv_reason reason)
{
    slot->step = walk->run.step;
    if (slot->seen > APV_SEEN_SKIPPED)
        return;
    set(walk, slot, APV_SEEN_SKIPPED, APV_SOURCE_NONE);
    slot->reason = reason;
}

void
apv_slot_fail(apv_walk *walk, apv_slot *slot, apv_reason reason, apv_span detail)
{
    apv_span observed = slot->step == walk->run.step ? slot->observed : APV_NO_SPAN;

    set(walk, slot, APV_SEEN_FAILED, APV_SOURCE_RETURN);
    slot->reason = reason;
    slot->detail = detail;
    slot->observed = observed;
}

bool
apv_slots_sweep(apv_slots *slots)
{
    return slots->sweeps++ < SWEEPS_MAX;
}

void
apv_slots_fail(apv_walk *walk, apv_reason reason, apv_span detail)
{
    if (!apv_slots_sweep(&walk->slots))
        return;
    for (size_t i = 0; i < walk->slots.count; i++)
        if (apv_slot_is_open(&walk->slots.items[i]))
            apv_slot_fail(walk, &walk->slots.items[i], reason, detail);
}

void
apv_slots_skip(apv_walk *walk, apv_reason reason)
{
    if (!apv_slots_sweep(&walk->slots))
        return;
    for (size_t i = 0; i < walk->slots.count; i++)
        apv_slot_skip(walk, &walk->slots.items[i], reason);
}
