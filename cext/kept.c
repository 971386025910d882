/* kept.c - documents that a handle of the database keeps. */
#include "kept.h"

#include "db_private.h"
#include "document_private.h"

#include <stdlib.h>
#include <string.h>

#define BUCKETS 1024 /* a power of two */

struct entry {
    struct entry *next;          /* in its bucket */
    struct entry *newer, *older; /* by their last use */
    apv_document *document;
    size_t size_bytes;
    size_t minion_size;
    char minion[];
};

struct kept {
    struct entry *buckets[BUCKETS];
    struct entry *newest, *oldest;
    size_t count;
    size_t size_bytes;
};

/* FNV-1a: ids come from minions that the master accepted, and the bounds hold for any. */
static size_t
bucket_of(apv_span minion)
{
    uint32_t hash = UINT32_C(2166136261);

    for (size_t i = 0; i < minion.size; i++)
        hash = (hash ^ (unsigned char)minion.data[i]) * UINT32_C(16777619);
    return hash % BUCKETS;
}

/* Where the bucket leads to the entry of a minion, or ends. */
static struct entry **
link_of(struct kept *kept, apv_span minion)
{
    struct entry **link = &kept->buckets[bucket_of(minion)];

    while (*link != NULL && ((*link)->minion_size != minion.size ||
                             memcmp((*link)->minion, minion.data, minion.size) != 0))
        link = &(*link)->next;
    return link;
}

static void
unlink_use(struct kept *kept, struct entry *entry)
{
    *(entry->newer == NULL ? &kept->newest : &entry->newer->older) = entry->older;
    *(entry->older == NULL ? &kept->oldest : &entry->older->newer) = entry->newer;
}

static void
link_newest(struct kept *kept, struct entry *entry)
{
    entry->newer = NULL;
    entry->older = kept->newest;
    *(kept->newest == NULL ? &kept->oldest : &kept->newest->newer) = entry;
    kept->newest = entry;
}

static void
drop(struct kept *kept, struct entry **link)
{
    struct entry *entry = *link;

    *link = entry->next;
    unlink_use(kept, entry);
    kept->count--;
    kept->size_bytes -= entry->size_bytes;
    apv_document_free(&entry->document);
    free(entry);
}

static void
drop_oldest(struct kept *kept)
{
    const struct entry *oldest = kept->oldest;

    drop(kept, link_of(kept, (apv_span){oldest->minion, oldest->minion_size}));
}

static void
close_kept(void *thing)
{
    struct kept *kept = thing;

    while (kept->oldest != NULL)
        drop_oldest(kept);
    free(kept);
}

apv_document *
apv_kept_find(const apv_db *db, const apv_return *head)
{
    struct kept *kept = apv_db_attached(db);
    struct entry *entry = kept == NULL ? NULL : *link_of(kept, head->minion);

    if (entry == NULL || (head->has_revision && head->revision != entry->document->revision))
        return NULL;
    unlink_use(kept, entry);
    link_newest(kept, entry);
    return apv_document_share(entry->document);
}

bool
apv_kept_put(apv_db *db, apv_span minion, apv_document *document, apv_err *err)
{
    struct kept *kept = apv_db_attached(db);
    struct entry *made = NULL;

    apv_kept_drop(db, minion);
    size_t size_bytes = sizeof *made + minion.size + apv_document_size(document);
    if (size_bytes > APV_KEPT_BYTES_MAX)
        return true;
    if (kept == NULL) {
        kept = calloc(1, sizeof *kept);
        if (kept == NULL)
            return apv_fail_memory(err);
        apv_db_attach(db, kept, close_kept);
    }
    made = malloc(sizeof *made + minion.size);
    if (made == NULL)
        return apv_fail_memory(err);
    while (kept->count >= APV_KEPT_MAX || kept->size_bytes + size_bytes > APV_KEPT_BYTES_MAX)
        drop_oldest(kept);
    memcpy(made->minion, minion.data, minion.size);
    made->minion_size = minion.size;
    made->size_bytes = size_bytes;
    made->document = apv_document_share(document);
    made->next = kept->buckets[bucket_of(minion)];
    kept->buckets[bucket_of(minion)] = made;
    link_newest(kept, made);
    kept->count++;
    kept->size_bytes += size_bytes;
    return true;
}

void
apv_kept_drop(apv_db *db, apv_span minion)
{
    struct kept *kept = apv_db_attached(db);
    struct entry **link = kept == NULL ? NULL : link_of(kept, minion);

    if (link != NULL && *link != NULL)
        drop(kept, link);
}
