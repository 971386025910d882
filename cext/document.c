/* document.c - a minion's approved state, as the database hands it out. */
#include "db_private.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

/* What apv_document_free frees beside the document. */
struct document {
    apv_document public; /* first, so that the address of the one is that of the other */
    apv_result *result;  /* what all spans borrow from; NULL: somebody else frees it */
    apv_item *items;
};

/* Whether this version knows what the item means; of one that it doesn't, nothing is
 * handed out, since a part of what was approved is not what was approved. */
static bool
known(const apv_item *item)
{
    if (apv_span_is(item->kind, "package"))
        return apv_span_is(item->type, "absent")
                   ? item->value.data == NULL
                   : item->value.data != NULL &&
                         (apv_span_is(item->type, "version") || apv_span_is(item->type, "latest"));
    if (apv_span_is(item->kind, "service"))
        return apv_span_is(item->type, "state") &&
               (apv_span_is(item->value, "running") || apv_span_is(item->value, "dead"));
    return apv_span_is(item->kind, "value") && apv_span_is(item->type, "json") &&
           item->value.data != NULL;
}

/* Reads the four parallel arrays that start at this column. */
static bool
read_items(struct document *document, const apv_result *result, size_t row, size_t column,
           apv_err *err)
{
    apv_array kinds, names, types, values;

    if (!apv_array_open(apv_result_peek(result, row, column), APV_OID_TEXT, &kinds, err) ||
        !apv_array_open(apv_result_peek(result, row, column + 1), APV_OID_TEXT, &names, err) ||
        !apv_array_open(apv_result_peek(result, row, column + 2), APV_OID_TEXT, &types, err) ||
        !apv_array_open(apv_result_peek(result, row, column + 3), APV_OID_TEXT, &values, err))
        return false;
    size_t count = kinds.count;
    if (names.count != count || types.count != count || values.count != count)
        return apv_fail(err, APV_ERR_PROTOCOL, "the arrays of a document differ in length");
    if (count == 0)
        return true;
    document->items = calloc(count, sizeof *document->items);
    if (document->items == NULL)
        return apv_fail(err, APV_ERR_MEMORY, "out of memory");
    for (size_t i = 0; i < count; i++) {
        apv_item *item = &document->items[i];
        if (!apv_array_next(&kinds, &item->kind) || !apv_array_next(&names, &item->name) ||
            !apv_array_next(&types, &item->type) || !apv_array_next(&values, &item->value) ||
            item->name.data == NULL || !known(item))
            return apv_fail(err, APV_ERR_PROTOCOL,
                            "a document has an item that this version doesn't know");
    }
    document->public.items = document->items;
    document->public.count = count;
    return true;
}

static bool
check_columns(const apv_result *result, size_t rows, size_t columns, apv_err *err)
{
    if (apv_result_rows(result) != rows || apv_result_columns(result) != columns)
        return apv_fail(err, APV_ERR_PROTOCOL,
                        "a document has not the columns that this version knows: "
                        "run salt-approval db upgrade");
    return true;
}

/* Reads revision, digest and key from the first columns, the items from `arrays` on. */
static bool
read_row(struct document *document, apv_span minion_id, const apv_result *result, size_t row,
         size_t arrays, apv_err *err)
{
    apv_document *public = &document->public;
    char digest[APV_DIGEST_SIZE];

    if (!apv_wire_int8(apv_result_peek(result, row, 0), &public->revision, err) ||
        !read_items(document, result, row, arrays, err))
        return false;
    public->evidence_key = apv_result_peek(result, row, 2);
    if (public->evidence_key.size != APV_EVIDENCE_KEY_SIZE)
        return apv_fail(err, APV_ERR_PROTOCOL, "the evidence key of a document is malformed");
    if (!apv_digest(minion_id, public->revision, public->items, public->count, digest, err))
        return false;
    if (!apv_span_is(apv_result_peek(result, row, 1), digest))
        return apv_fail(err, APV_ERR_PROTOCOL, "a document does not match its digest");
    memcpy(public->digest, digest, sizeof digest);
    return true;
}

static struct document *
document_new(apv_err *err)
{
    struct document *document = calloc(1, sizeof *document);
    if (document == NULL)
        apv_fail(err, APV_ERR_MEMORY, "out of memory");
    return document;
}

/* Makes it the document of a minion for which nothing was ever approved. */
static bool
fill_unknown(struct document *document, apv_span minion_id, apv_err *err)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    document->public.as_of = (double)now.tv_sec;
    return apv_digest(minion_id, 0, NULL, 0, document->public.digest, err);
}

bool
apv_document_read(apv_db *db, apv_span minion_id, apv_document **document, apv_err *err)
{
    static const char sql[] =
        "SELECT revision, digest, evidence_key, now(), kinds, names, types, contents"
        " FROM approval.exported_document WHERE minion_id = $1 AND valid_from <= now()"
        " ORDER BY valid_from DESC LIMIT 1";
    const apv_param param = {APV_OID_TEXT, minion_id.data, minion_id.size, true};
    struct document *made = document_new(err);
    apv_document *public = NULL;
    bool ok = false;

    if (made == NULL)
        return false;
    public = &made->public;
    if (!apv_text_check(minion_id, err) ||
        !apv_db_query(db, sql, &param, 1, true, &made->result, err))
        goto done;
    if (apv_result_rows(made->result) == 0) {
        if (!fill_unknown(made, minion_id, err))
            goto done;
    } else if (!check_columns(made->result, 1, 8, err) ||
               !read_row(made, minion_id, made->result, 0, 4, err) ||
               !apv_wire_timestamptz(apv_result_peek(made->result, 0, 3), &public->as_of, err)) {
        goto done;
    }
    *document = public;
    public = NULL;
    ok = true;

done:
    apv_document_free(&public);
    return ok;
}

bool
apv_documents_read_expected(const apv_return *heads, size_t count, const apv_result *result,
                            apv_document **documents, apv_err *err)
{
    if (!check_columns(result, count, 7, err))
        return false;
    for (size_t i = 0; i < count; i++) {
        struct document *made = document_new(err);
        if (made == NULL)
            return false;
        documents[i] = &made->public;
        if (apv_result_peek(result, i, 0).data == NULL
                ? !fill_unknown(made, heads[i].minion, err)
                : !read_row(made, heads[i].minion, result, i, 3, err))
            return false;
    }
    return true;
}

void
apv_document_free(apv_document **document)
{
    struct document *made = (struct document *)*document;

    if (made == NULL)
        return;
    free(made->items);
    apv_result_free(&made->result);
    free(made);
    *document = NULL;
}
