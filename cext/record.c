/* record.c - storing what a minion returned: validated, with findings, whole. */
#include "db_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <msgpack/unpack.h>
#include <openssl/evp.h>

/* Of what a minion sends, so much of a text is stored beside the payload, which has it all. */
#define ID_MAX 255    /* bytes of a minion id or a resource's name */
#define TEXT_MAX 2000 /* bytes of a text that people read */

/* The columns of findings, as record_return takes them. */
enum { KIND, NAME, VERDICT, REASON, EXPECTED, OBSERVED, SOURCE, TEXT, FINDING_COLUMNS };
/* The columns of what was there before. */
enum { BEFORE_KIND, BEFORE_NAME, BEFORE_VALUE, BEFORE_COLUMNS };

/* Rows turned into columns: `columns` arrays of up to `rows` spans in one piece. */
struct columns {
    apv_span *spans;
    size_t rows;
    size_t capacity;
};

static bool
columns_init(struct columns *columns, size_t count, size_t capacity, apv_err *err)
{
    columns->rows = 0;
    columns->capacity = capacity;
    columns->spans = capacity == 0 ? NULL : calloc(capacity, count * sizeof *columns->spans);
    return capacity == 0 || columns->spans != NULL ||
           apv_fail(err, APV_ERR_MEMORY, "out of memory");
}

static apv_span *
cell(const struct columns *columns, size_t column)
{
    return &columns->spans[column * columns->capacity + columns->rows];
}

static apv_arg
column_arg(const struct columns *columns, size_t column)
{
    apv_arg arg = {.kind = APV_ARG_TEXT_ARRAY, .as.array = {NULL, columns->rows}};
    if (columns->rows > 0)
        arg.as.array.items = &columns->spans[column * columns->capacity];
    return arg;
}

/* The text up to a NUL, which PostgreSQL cannot store, and up to size_max bytes of whole
 * characters. */
static apv_span
cut(apv_span text, size_t size_max)
{
    if (text.data == NULL)
        return text;
    const char *nul = memchr(text.data, '\0', text.size);
    if (nul != NULL)
        text.size = (size_t)(nul - text.data);
    text.size = apv_utf8_truncate(text.data, text.size, size_max);
    return text;
}

/* The text, or the empty one where the return has none. */
static apv_span
given(apv_span text, size_t size_max)
{
    return text.data == NULL ? apv_span_of("") : cut(text, size_max);
}

static bool
is_minion_id(apv_span id)
{
    if (id.data == NULL || id.size == 0 || id.size > ID_MAX)
        return false;
    return memchr(id.data, '\0', id.size) == NULL && memchr(id.data, '/', id.size) == NULL &&
           memchr(id.data, '\n', id.size) == NULL;
}

static bool
storable(apv_span text, size_t size_max)
{
    return text.data == NULL || cut(text, size_max).size == text.size;
}

static bool
fill_findings(const apv_verdict *verdict, struct columns *columns, apv_err *err)
{
    if (!columns_init(columns, FINDING_COLUMNS, verdict->finding_count, err))
        return false;
    for (size_t i = 0; i < verdict->finding_count; i++) {
        const apv_finding *finding = &verdict->findings[i];
        *cell(columns, KIND) = finding->kind;
        *cell(columns, NAME) = cut(finding->name, ID_MAX);
        *cell(columns, VERDICT) = apv_span_of(apv_outcome_name(finding->verdict));
        *cell(columns, REASON) = apv_span_of(finding->reason);
        *cell(columns, EXPECTED) = cut(finding->expected, TEXT_MAX);
        *cell(columns, OBSERVED) = cut(finding->observed, TEXT_MAX);
        *cell(columns, SOURCE) = apv_span_of(finding->source);
        *cell(columns, TEXT) = cut(finding->text, TEXT_MAX);
        columns->rows++;
    }
    return true;
}

/* What was there before matters for going back to it, so that it is taken whole or not
 * at all, and only from the minion itself. */
static bool
fill_before(const apv_verdict *verdict, struct columns *columns, apv_err *err)
{
    size_t count = verdict->authenticated ? verdict->before_count : 0;

    if (!columns_init(columns, BEFORE_COLUMNS, count, err))
        return false;
    for (size_t i = 0; i < count; i++) {
        const apv_observation *before = &verdict->before[i];
        if (!storable(before->kind, ID_MAX) || !storable(before->name, ID_MAX) ||
            !storable(before->value, before->value.size))
            continue;
        *cell(columns, BEFORE_KIND) = before->kind;
        *cell(columns, BEFORE_NAME) = before->name;
        *cell(columns, BEFORE_VALUE) = before->value;
        columns->rows++;
    }
    return true;
}

/* Whether a key of a return tells of its delivery, which differs each time that a
 * minion sends the same return again. */
static bool
is_delivery(apv_span key)
{
    return apv_span_is(key, "_stamp") || apv_span_is(key, "nonce") || apv_span_is(key, "sig") ||
           apv_span_is(key, "tok") || apv_span_is(key, "ts");
}

/* Bytes of the msgpack object at `at`; 0 when it is nested too deep for msgpack-c. */
static size_t
object_size(const char *at, const char *end)
{
    msgpack_unpacked object;
    size_t size = 0;

    msgpack_unpacked_init(&object);
    if (msgpack_unpack_next(&object, at, (size_t)(end - at), &size) <= 0)
        size = 0;
    msgpack_unpacked_destroy(&object);
    return size;
}

#define SHA256_SIZE 32

/* sha256 of what makes two returns the same: the load without the values that tell of
 * its delivery. */
static bool
return_digest(apv_span load, unsigned char digest[SHA256_SIZE], apv_err *err)
{
    const char *at = load.data, *end = load.data + load.size;
    EVP_MD_CTX *context = NULL;
    apv_reader reader;
    apv_value root, value;
    apv_cursor cursor;
    apv_span key;
    bool ok = false;

    if (!apv_reader_msgpack(load, &reader, &root, err))
        goto done;
    context = EVP_MD_CTX_new();
    if (context == NULL || EVP_DigestInit_ex(context, EVP_sha256(), NULL) != 1)
        goto fail;
    reader.open(&reader, root, &cursor);
    while (reader.next(&reader, &cursor, &key, &value)) {
        const char *start = value.node; /* its first byte, with this reader */
        if (key.data == NULL || !is_delivery(key))
            continue;
        if (EVP_DigestUpdate(context, at, (size_t)(start - at)) != 1)
            goto fail;
        at = start + object_size(start, end);
    }
    if (EVP_DigestUpdate(context, at, (size_t)(end - at)) != 1 ||
        EVP_DigestFinal_ex(context, digest, NULL) != 1)
        goto fail;
    ok = true;
    goto done;

fail:
    apv_fail(err, APV_ERR_MEMORY, "out of memory");
done:
    EVP_MD_CTX_free(context);
    return ok;
}

/* What record_return is called with, beside the return itself. */
struct row {
    const apv_return *head;
    const apv_verdict *verdict;
    struct columns findings;
    struct columns before;
    unsigned char digest[SHA256_SIZE];
    char *payload;
    size_t payload_size;
};

static bool
send_row(apv_db *db, const struct row *row, apv_result **result, apv_err *err)
{
    const apv_return *head = row->head;
    const apv_verdict *verdict = row->verdict;
    const struct columns *findings = &row->findings, *before = &row->before;
    bool retcode_fits = head->retcode >= INT32_MIN && head->retcode <= INT32_MAX;
    const apv_arg args[] = {
        {.kind = APV_ARG_TEXT, .as.span = given(head->jid, ID_MAX)},
        {.kind = APV_ARG_TEXT, .as.span = head->minion},
        {.kind = APV_ARG_TEXT, .as.span = given(head->fun, ID_MAX)},
        {.kind = APV_ARG_INT4, .is_null = !retcode_fits, .as.integer = head->retcode},
        {.kind = APV_ARG_BOOL, .as.boolean = head->success},
        {.kind = APV_ARG_TEXT, .as.span = apv_span_of(apv_outcome_name(verdict->verdict))},
        {.kind = APV_ARG_BOOL, .as.boolean = verdict->authenticated},
        {.kind = APV_ARG_INT8, .is_null = !verdict->has_revision, .as.integer = verdict->revision},
        {.kind = APV_ARG_TEXT,
         .is_null = verdict->run_id.data == NULL,
         .as.span = cut(verdict->run_id, ID_MAX)},
        {.kind = APV_ARG_TEXT,
         .is_null = verdict->boot_id.data == NULL,
         .as.span = cut(verdict->boot_id, ID_MAX)},
        column_arg(findings, KIND),
        column_arg(findings, NAME),
        column_arg(findings, VERDICT),
        column_arg(findings, REASON),
        column_arg(findings, EXPECTED),
        column_arg(findings, OBSERVED),
        column_arg(findings, SOURCE),
        column_arg(findings, TEXT),
        column_arg(before, BEFORE_KIND),
        column_arg(before, BEFORE_NAME),
        column_arg(before, BEFORE_VALUE),
        {.kind = APV_ARG_BYTES, .as.span = {row->payload, row->payload_size}},
        {.kind = APV_ARG_BYTES, .as.span = {(const char *)row->digest, sizeof row->digest}},
    };
    return apv_call(db, "record_return", args, sizeof args / sizeof args[0], true, result, err);
}

static bool
read_outcome(const apv_result *result, apv_record *record, apv_err *err)
{
    apv_span outcome;

    if (apv_result_rows(result) != 1 || apv_result_columns(result) != 2)
        return apv_fail(err, APV_ERR_PROTOCOL,
                        "record_return has not the columns that this version knows: "
                        "run salt-approval db upgrade");
    if (!apv_wire_text(apv_result_peek(result, 0, 0), &outcome, err) ||
        !apv_wire_int4(apv_result_peek(result, 0, 1), &record->attempt, err))
        return false;
    snprintf(record->outcome, sizeof record->outcome, "%.*s", (int)cut(outcome, 15).size,
             outcome.data);
    return true;
}

bool
apv_record_return(apv_db *db, apv_span load, apv_record **record, apv_err *err)
{
    apv_return head;
    apv_document *document = NULL;
    apv_record *made = NULL;
    apv_result *result = NULL;
    struct row row = {.head = &head};
    bool ok = false;

    if (!apv_return_read(load, &head, err))
        goto done;
    if (!is_minion_id(head.minion)) {
        apv_fail(err, APV_ERR_INVALID, "the return names no minion");
        goto done;
    }
    if (!apv_document_expected(db, head.minion, head.has_revision ? &head.revision : NULL,
                               given(head.jid, ID_MAX), &document, err))
        goto done;
    made = calloc(1, sizeof *made);
    if (made == NULL) {
        apv_fail(err, APV_ERR_MEMORY, "out of memory");
        goto done;
    }
    const apv_expected expected = {
        .minion = head.minion,
        .has_revision = true,
        .revision = document->revision,
        .digest = apv_span_of(document->digest),
        .evidence_key = (const unsigned char *)document->evidence_key.data,
        .items = document->items,
        .count = document->count,
    };
    if (!apv_validate_msgpack(load, &expected, &made->verdict, err))
        goto done;
    row.verdict = made->verdict;
    if (!fill_findings(made->verdict, &row.findings, err) ||
        !fill_before(made->verdict, &row.before, err) || !return_digest(load, row.digest, err) ||
        !apv_payload_compress(load, &row.payload, &row.payload_size, err))
        goto done;
    if (!send_row(db, &row, &result, err) || !read_outcome(result, made, err))
        goto done;
    *record = made;
    made = NULL;
    ok = true;

done:
    apv_result_free(&result);
    free(row.payload);
    free(row.before.spans);
    free(row.findings.spans);
    apv_record_free(&made);
    apv_document_free(&document);
    return ok;
}

void
apv_record_free(apv_record **record)
{
    if (*record == NULL)
        return;
    apv_verdict_free(&(*record)->verdict);
    free(*record);
    *record = NULL;
}
