/* snapshot_value.c - the documents of a minion as one msgpack value:
 *
 *     [[from_us, revision, digest, evidence key in hex, [kind, name, type, value, ...]], ...]
 *
 * in the order of from_us. A value without documents belongs to a minion with one that
 * did not match its digest when it was read from the database.
 */
#include "snapshot_private.h"

#include "be.h"
#include "document_private.h"
#include "text.h"
#include "value_msgpack.h"
#include "value_pack.h"

#include <stdlib.h>

#define DOCUMENT_FIELDS 5
#define ITEM_FIELDS 4
#define KEY_HEX_SIZE ((size_t)2 * APV_EVIDENCE_KEY_SIZE)

/* ---- writing ---- */

bool
apv_snapshot_value_start(apv_buf *value, apv_err *err)
{
    return apv_pack_list(value, 0, err); /* how many is known at the end */
}

bool
apv_snapshot_value_add(apv_buf *value, int64_t from_us, const apv_document *document, apv_err *err)
{
    char hex[KEY_HEX_SIZE];

    apv_hex_write(document->evidence_key.data, APV_EVIDENCE_KEY_SIZE, hex);
    if (document->count > UINT32_MAX / ITEM_FIELDS)
        return apv_fail(err, APV_ERR_LIMIT, "a document has too many items");
    if (!apv_pack_list(value, DOCUMENT_FIELDS, err) || !apv_pack_integer(value, from_us, err) ||
        !apv_pack_integer(value, document->revision, err) ||
        !apv_pack_text(value, apv_span_of(document->digest), err) ||
        !apv_pack_text(value, (apv_span){hex, sizeof hex}, err) ||
        !apv_pack_list(value, (uint32_t)(document->count * ITEM_FIELDS), err))
        return false;
    for (size_t i = 0; i < document->count; i++) {
        const apv_item *item = &document->items[i];
        if (!apv_pack_text(value, item->kind, err) || !apv_pack_text(value, item->name, err) ||
            !apv_pack_text(value, item->type, err) || !apv_pack_text(value, item->value, err))
            return false;
    }
    return true;
}

void
apv_snapshot_value_end(apv_buf *value, size_t documents)
{
    apv_be_write_u32(value->data + 1, (uint32_t)documents);
}

/* ---- reading ---- */

/* The head of a document in a value. */
struct entry {
    int64_t from_us, revision;
    apv_span digest, key;
    apv_value items;
};

static bool
fail(apv_err *err)
{
    return apv_fail(err, APV_ERR_DAMAGED, "the snapshot has a value that is not one of its");
}

static bool
read_entry(const apv_reader *reader, apv_value value, struct entry *entry, apv_err *err)
{
    apv_value fields[DOCUMENT_FIELDS];
    apv_cursor cursor;
    apv_span key;

    reader->open(reader, value, &cursor);
    if (cursor.map || cursor.count != DOCUMENT_FIELDS)
        return fail(err);
    for (size_t i = 0; i < DOCUMENT_FIELDS; i++)
        if (!reader->next(reader, &cursor, &key, &fields[i]))
            return fail(err);
    if (!reader->integer(reader, fields[0], &entry->from_us) ||
        !reader->integer(reader, fields[1], &entry->revision) || entry->revision <= 0 ||
        !reader->text(reader, fields[2], &entry->digest) ||
        entry->digest.size != APV_DIGEST_SIZE - 1 || !reader->text(reader, fields[3], &entry->key))
        return fail(err);
    entry->items = fields[4];
    return true;
}

int64_t
apv_snapshot_value_revision(apv_span value)
{
    apv_err ignored = APV_ERR_NONE;
    apv_msgpack_reader msgpack;
    const apv_reader *reader = &msgpack.reader;
    apv_value root, each;
    apv_cursor cursor;
    apv_span key;
    struct entry entry;
    int64_t highest = 0;

    if (!apv_reader_msgpack(value, &msgpack, &root, &ignored))
        return 0;
    reader->open(reader, root, &cursor);
    while (reader->next(reader, &cursor, &key, &each))
        if (read_entry(reader, each, &entry, &ignored) && entry.revision > highest)
            highest = entry.revision;
    return highest;
}

/* Fills document from an entry of a value that document->bytes is. */
static bool
fill(apv_owned_document *document, const apv_reader *reader, const struct entry *entry,
     apv_err *err)
{
    apv_document *content = &document->document;
    apv_cursor cursor;
    apv_span name;

    content->revision = entry->revision;
    memcpy(content->digest, entry->digest.data, entry->digest.size);
    content->digest[entry->digest.size] = '\0';
    if (!apv_evidence_key_parse(entry->key, document->key))
        return fail(err);
    content->evidence_key = (apv_span){(const char *)document->key, sizeof document->key};

    reader->open(reader, entry->items, &cursor);
    size_t count = cursor.count / ITEM_FIELDS;
    if (cursor.map || cursor.count % ITEM_FIELDS != 0 ||
        reader->type(reader, entry->items) != APV_LIST)
        return fail(err);
    if (count == 0)
        return true;
    document->items = calloc(count, sizeof *document->items);
    if (document->items == NULL)
        return apv_fail_memory(err);
    for (size_t i = 0; i < count; i++) {
        apv_item *item = &document->items[i];
        apv_span *const fields[ITEM_FIELDS] = {&item->kind, &item->name, &item->type, &item->value};
        for (size_t field = 0; field < ITEM_FIELDS; field++) {
            apv_value value;
            if (!reader->next(reader, &cursor, &name, &value))
                return fail(err);
            if (!reader->text(reader, value, fields[field]) &&
                (field < ITEM_FIELDS - 1 || reader->type(reader, value) != APV_NULL))
                return fail(err);
        }
        if (!apv_item_known(item))
            return apv_fail(err, APV_ERR_PROTOCOL,
                            "a document has an item that this version doesn't know");
    }
    content->items = document->items;
    content->count = count;
    return true;
}

bool
apv_snapshot_value_pick(apv_span value, apv_span minion_id, int64_t now_us, apv_document **document,
                        apv_err *err)
{
    apv_owned_document *made = calloc(1, sizeof *made);
    apv_document *content = NULL;
    struct entry entry, picked = {.revision = 0};
    apv_msgpack_reader msgpack;
    const apv_reader *reader = &msgpack.reader;
    apv_value root, each;
    apv_cursor cursor;
    apv_span key;
    bool ok = false;

    if (made == NULL)
        return apv_fail_memory(err);
    content = &made->document;
    /* The value is borrowed from a transaction, the document outlives that. */
    made->bytes = malloc(value.size + 1);
    if (made->bytes == NULL) {
        apv_fail_memory(err);
        goto done;
    }
    memcpy(made->bytes, value.data, value.size);
    if (!apv_reader_msgpack((apv_span){made->bytes, value.size}, &msgpack, &root, err)) {
        err->code = APV_ERR_DAMAGED;
        goto done;
    }
    reader->open(reader, root, &cursor);
    if (cursor.map || cursor.count == 0) {
        apv_fail(err, APV_ERR_DAMAGED, "the snapshot has no usable document of this minion");
        goto done;
    }
    while (reader->next(reader, &cursor, &key, &each)) {
        if (!read_entry(reader, each, &entry, err))
            goto done;
        if (entry.from_us <= now_us && (picked.revision == 0 || entry.from_us >= picked.from_us))
            picked = entry;
    }
    if (picked.revision == 0 ? !apv_digest(minion_id, 0, NULL, 0, content->digest, err)
                             : !fill(made, reader, &picked, err))
        goto done;
    *document = content;
    content = NULL;
    ok = true;

done:
    apv_document_free(&content);
    return ok;
}

bool
apv_snapshot_value_check(apv_span value, apv_span minion_id, size_t *documents, apv_err *err)
{
    apv_msgpack_reader msgpack;
    const apv_reader *reader = &msgpack.reader;
    apv_value root, each;
    apv_cursor cursor;
    apv_span key;
    struct entry entry;
    char digest[APV_DIGEST_SIZE];

    if (!apv_reader_msgpack(value, &msgpack, &root, err)) {
        err->code = APV_ERR_DAMAGED;
        return false;
    }
    if (reader->type(reader, root) != APV_LIST)
        return fail(err);
    reader->open(reader, root, &cursor);
    *documents = cursor.count;
    while (reader->next(reader, &cursor, &key, &each)) {
        apv_document *document = NULL;
        if (!read_entry(reader, each, &entry, err) ||
            !apv_snapshot_value_pick(value, minion_id, entry.from_us, &document, err))
            return false;
        bool same = apv_digest(minion_id, document->revision, document->items, document->count,
                               digest, err) &&
                    (strcmp(digest, document->digest) == 0 || fail(err));
        apv_document_free(&document);
        if (!same)
            return false;
    }
    return true;
}
