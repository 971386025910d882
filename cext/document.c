/* document.c - a minion's approved state, as the database hands it out. */
#include "apv_document.h"

#include "apv_wire.h"
#include "db_private.h"
#include "document_private.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

bool
apv_item_known(const apv_item *item)
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

/* Reads four parallel arrays. */
static bool
read_items(apv_owned_document *document, const apv_span *arrays, apv_err *err)
{
    apv_array kinds, names, types, values;

    if (!apv_array_open(arrays[0], APV_OID_TEXT, &kinds, err) ||
        !apv_array_open(arrays[1], APV_OID_TEXT, &names, err) ||
        !apv_array_open(arrays[2], APV_OID_TEXT, &types, err) ||
        !apv_array_open(arrays[3], APV_OID_TEXT, &values, err))
        return false;
    size_t count = kinds.count;
    if (names.count != count || types.count != count || values.count != count)
        return apv_fail(err, APV_ERR_PROTOCOL, "the arrays of a document differ in length");
    if (count == 0)
        return true;
    document->items = calloc(count, sizeof *document->items);
    if (document->items == NULL)
        return apv_fail_memory(err);
    for (size_t i = 0; i < count; i++) {
        apv_item *item = &document->items[i];
        if (!apv_array_next(&kinds, &item->kind) || !apv_array_next(&names, &item->name) ||
            !apv_array_next(&types, &item->type) || !apv_array_next(&values, &item->value) ||
            item->name.data == NULL || !apv_item_known(item))
            return apv_fail(err, APV_ERR_PROTOCOL,
                            "a document has an item that this version doesn't know");
    }
    document->document.items = document->items;
    document->document.count = count;
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

bool
apv_document_fill(apv_owned_document *document, apv_span minion_id,
                  const apv_span columns[APV_DOCUMENT_COLUMNS], apv_err *err)
{
    apv_document *content = &document->document;
    char digest[APV_DIGEST_SIZE];

    if (!apv_wire_int8(columns[0], &content->revision, err) ||
        !read_items(document, columns + 3, err))
        return false;
    content->evidence_key = columns[2];
    if (content->evidence_key.size != APV_EVIDENCE_KEY_SIZE)
        return apv_fail(err, APV_ERR_PROTOCOL, "the evidence key of a document is malformed");
    if (!apv_digest(minion_id, content->revision, content->items, content->count, digest, err))
        return false;
    if (!apv_span_is(columns[1], digest))
        return apv_fail(err, APV_ERR_PROTOCOL, "a document does not match its digest");
    memcpy(content->digest, digest, sizeof digest);
    return true;
}

/* Reads a row whose first columns are those of a document. */
static bool
read_row(apv_owned_document *document, apv_span minion_id, const apv_result *result, size_t row,
         apv_err *err)
{
    apv_span columns[APV_DOCUMENT_COLUMNS];

    for (size_t i = 0; i < APV_DOCUMENT_COLUMNS; i++)
        columns[i] = apv_result_peek(result, row, i);
    return apv_document_fill(document, minion_id, columns, err);
}

static apv_owned_document *
document_new(apv_err *err)
{
    apv_owned_document *document = calloc(1, sizeof *document);
    if (document == NULL)
        apv_fail_memory(err);
    return document;
}

bool
apv_document_unknown(apv_span minion_id, apv_document **document, apv_err *err)
{
    apv_owned_document *made = document_new(err);

    if (made == NULL)
        return false;
    if (!apv_digest(minion_id, 0, NULL, 0, made->document.digest, err)) {
        free(made);
        return false;
    }
    *document = &made->document;
    return true;
}

/* Makes it the document of a minion for which nothing was ever approved. */
static bool
fill_unknown(apv_owned_document *document, apv_span minion_id, apv_err *err)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    document->document.as_of = (double)now.tv_sec;
    return apv_digest(minion_id, 0, NULL, 0, document->document.digest, err);
}

static const char read_sql[] =
    "SELECT revision, digest, evidence_key, kinds, names, types, contents, now()"
    " FROM approval.exported_document WHERE minion_id = $1 AND valid_from <= now()"
    " ORDER BY valid_from DESC LIMIT 1";

/* Reads a document from what read_sql answered for the minion, which is in made->result. */
static bool
read_answer(apv_owned_document *made, apv_span minion_id, apv_err *err)
{
    if (apv_result_rows(made->result) == 0)
        return fill_unknown(made, minion_id, err);
    return check_columns(made->result, 1, APV_DOCUMENT_COLUMNS + 1, err) &&
           read_row(made, minion_id, made->result, 0, err) &&
           apv_wire_timestamptz(apv_result_peek(made->result, 0, APV_DOCUMENT_COLUMNS),
                                &made->document.as_of, err);
}

bool
apv_document_read(apv_db *db, apv_span minion_id, apv_document **document, apv_err *err)
{
    const apv_param param = {APV_OID_TEXT, minion_id.data, minion_id.size, true};
    apv_owned_document *made = document_new(err);
    apv_document *content = NULL;
    bool ok = false;

    if (made == NULL)
        return false;
    content = &made->document;
    if (!apv_text_check(minion_id, err) ||
        !apv_db_query(db, read_sql, &param, 1, true, &made->result, err) ||
        !read_answer(made, minion_id, err))
        goto done;
    *document = content;
    content = NULL;
    ok = true;

done:
    apv_document_free(&content);
    return ok;
}

struct asked {
    const apv_span *minion_ids;
    apv_document **documents;
    apv_err *refusals;
};

/* Takes the answer for one of many minions. What is wrong with it is that minion's. */
static bool
take_document(void *arg, size_t index, apv_result *result, const apv_err *refused, apv_err *err)
{
    struct asked *asked = arg;
    apv_err found = APV_ERR_NONE;
    apv_owned_document *made;

    if (result == NULL) {
        asked->refusals[index] = *refused;
        return true;
    }
    made = document_new(err);
    if (made == NULL) {
        apv_result_free(&result);
        return false;
    }
    made->result = result;
    apv_document *content = &made->document;
    if (read_answer(made, asked->minion_ids[index], &found)) {
        asked->documents[index] = content;
        return true;
    }
    apv_document_free(&content);
    if (found.code == APV_ERR_MEMORY) {
        *err = found;
        return false;
    }
    asked->refusals[index] = found;
    return true;
}

bool
apv_documents_read(apv_db *db, const apv_span *minion_ids, size_t count, apv_document **documents,
                   apv_err *refusals, apv_err *err)
{
    struct asked asked = {minion_ids, documents, refusals};
    apv_param *params = NULL;
    bool ok = false;

    if (count == 0 || count > APV_DOCUMENTS_MAX)
        return apv_fail(err, APV_ERR_INVALID, "one call reads the documents of 1 to %d minions",
                        APV_DOCUMENTS_MAX);
    params = calloc(count, sizeof *params);
    if (params == NULL)
        return apv_fail_memory(err);
    for (size_t i = 0; i < count; i++) {
        if (!apv_text_check(minion_ids[i], err))
            goto done;
        params[i] = (apv_param){APV_OID_TEXT, minion_ids[i].data, minion_ids[i].size, true};
    }
    ok = apv_db_query_many(db, read_sql, params, count, take_document, &asked, err);

done:
    free(params);
    return ok;
}

bool
apv_documents_read_expected(const apv_return *heads, size_t count, const apv_result *result,
                            apv_document **documents, apv_err *err)
{
    size_t row = 0, asked = 0;

    for (size_t i = 0; i < count; i++)
        asked += heads[i].can_prove;
    if (asked > 0 && !check_columns(result, asked, APV_DOCUMENT_COLUMNS, err))
        return false;
    for (size_t i = 0; i < count; i++) {
        bool is_asked = heads[i].can_prove;
        apv_owned_document *made = document_new(err);
        if (made == NULL)
            return false;
        documents[i] = &made->document;
        if (is_asked && apv_result_peek(result, row, 0).data != NULL
                ? !read_row(made, heads[i].minion, result, row, err)
                : !fill_unknown(made, heads[i].minion, err))
            return false;
        row += is_asked;
    }
    return true;
}

apv_document *
apv_document_share(apv_document *document)
{
    atomic_fetch_add(&APV_CONTAINER_OF(document, apv_owned_document, document)->others, 1);
    return document;
}

void
apv_document_take_result(apv_document *document, apv_result **result)
{
    APV_CONTAINER_OF(document, apv_owned_document, document)->result = *result;
    *result = NULL;
}

size_t
apv_document_size(const apv_document *document)
{
    const apv_owned_document *made = APV_CONTAINER_OF(document, const apv_owned_document, document);

    return sizeof *made + document->count * sizeof *document->items +
           (made->result == NULL ? 0 : apv_result_size(made->result));
}

void
apv_document_free(apv_document **document)
{
    if (*document == NULL)
        return;
    apv_owned_document *made = APV_CONTAINER_OF(*document, apv_owned_document, document);
    *document = NULL;
    if (atomic_fetch_sub(&made->others, 1) > 0)
        return;
    free(made->items);
    free(made->bytes);
    apv_result_free(&made->result);
    free(made);
}
