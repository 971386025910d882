/* record.c - storing what minions returned: validated, with findings, whole. */
#include "db_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The arguments of record_returns, each an array. */
enum {
    JID,
    MINION,
    FUN,
    RETCODE,
    SUCCESS,
    VERDICT,
    AUTHENTICATED,
    REVISION,
    DOCUMENT,
    RUN_ID,
    BOOT_ID,
    FINDINGS,
    BEFORE,
    PAYLOAD,
    PAYLOAD_DIGEST,
    COLUMNS
};
static const apv_arg_kind column_kinds[COLUMNS] = {
    [JID] = APV_ARG_TEXT_ARRAY,
    [MINION] = APV_ARG_TEXT_ARRAY,
    [FUN] = APV_ARG_TEXT_ARRAY,
    [RETCODE] = APV_ARG_INT8_ARRAY,
    [SUCCESS] = APV_ARG_BOOL_ARRAY,
    [VERDICT] = APV_ARG_TEXT_ARRAY,
    [AUTHENTICATED] = APV_ARG_BOOL_ARRAY,
    [REVISION] = APV_ARG_INT8_ARRAY,
    [DOCUMENT] = APV_ARG_TEXT_ARRAY,
    [RUN_ID] = APV_ARG_TEXT_ARRAY,
    [BOOT_ID] = APV_ARG_TEXT_ARRAY,
    [FINDINGS] = APV_ARG_TEXT_ARRAY,
    [BEFORE] = APV_ARG_TEXT_ARRAY,
    [PAYLOAD] = APV_ARG_BYTES_ARRAY,
    [PAYLOAD_DIGEST] = APV_ARG_BYTES_ARRAY,
};

/* Returns on their way; each array has `count` elements. */
struct batch {
    size_t count;
    const apv_span *loads;
    apv_return *heads;
    apv_document **documents;
    apv_row *rows;
    apv_record **records;
    apv_span *cells; /* COLUMNS columns of `count` */
    apv_result *asked;
};

static bool
batch_init(struct batch *batch, const apv_span *loads, size_t count, apv_err *err)
{
    *batch = (struct batch){.count = count, .loads = loads};
    if (count == 0 || count > APV_RECORDS_MAX)
        return apv_fail(err, APV_ERR_INVALID, "a batch has 1 to %d returns", APV_RECORDS_MAX);
    batch->heads = calloc(count, sizeof *batch->heads);
    batch->documents = calloc(count, sizeof(apv_document *));
    batch->rows = calloc(count, sizeof *batch->rows);
    batch->records = calloc(count, sizeof(apv_record *));
    batch->cells = calloc(count, COLUMNS * sizeof *batch->cells);
    if (batch->heads == NULL || batch->documents == NULL || batch->rows == NULL ||
        batch->records == NULL || batch->cells == NULL)
        return apv_fail(err, APV_ERR_MEMORY, "out of memory");
    return true;
}

static void
batch_clear(struct batch *batch)
{
    for (size_t i = 0; i < batch->count; i++) {
        if (batch->records != NULL)
            apv_record_free(&batch->records[i]);
        if (batch->rows != NULL)
            apv_row_free(&batch->rows[i]);
        if (batch->documents != NULL)
            apv_document_free(&batch->documents[i]);
    }
    apv_result_free(&batch->asked);
    free(batch->cells);
    free(batch->records);
    free(batch->rows);
    free(batch->documents);
    free(batch->heads);
}

static bool
is_minion_id(apv_span id)
{
    if (id.data == NULL || id.size == 0 || id.size > APV_ID_MAX)
        return false;
    return memchr(id.data, '\0', id.size) == NULL && memchr(id.data, '/', id.size) == NULL &&
           memchr(id.data, '\n', id.size) == NULL;
}

/* The text, or the empty one where the return has none. */
static apv_span
given(apv_span text)
{
    return text.data == NULL ? apv_span_of("") : apv_cut(text, APV_ID_MAX);
}

static void
put_int8(char bytes[8], int64_t value)
{
    uint64_t bits = (uint64_t)value;
    for (int i = 7; i >= 0; i--, bits >>= 8)
        bytes[i] = (char)(bits & 255);
}

static apv_span *
cell(const struct batch *batch, size_t column, size_t place)
{
    return &batch->cells[column * batch->count + place];
}

static apv_arg
column_arg(const struct batch *batch, size_t column)
{
    return (apv_arg){.kind = column_kinds[column],
                     .as.array = {cell(batch, column, 0), batch->count}};
}

static bool
read_heads(struct batch *batch, apv_err *err)
{
    for (size_t i = 0; i < batch->count; i++) {
        apv_return *head = &batch->heads[i];
        apv_row *row = &batch->rows[i];
        if (!apv_return_read(batch->loads[i], head, err))
            return false;
        if (!is_minion_id(head->minion))
            return apv_fail(err, APV_ERR_INVALID, "the return names no minion");
        *cell(batch, JID, i) = given(head->jid);
        *cell(batch, MINION, i) = head->minion;
        *cell(batch, FUN, i) = given(head->fun);
        *cell(batch, SUCCESS, i) = (apv_span){head->success ? "\1" : "\0", 1};
        if (head->retcode >= INT32_MIN && head->retcode <= INT32_MAX) {
            put_int8(row->retcode, head->retcode);
            *cell(batch, RETCODE, i) = (apv_span){row->retcode, sizeof row->retcode};
        }
        if (head->has_revision) {
            put_int8(row->revision, head->revision);
            *cell(batch, REVISION, i) = (apv_span){row->revision, sizeof row->revision};
        }
    }
    return true;
}

/* Asks for what the returns are held against. */
static bool
read_documents(apv_db *db, struct batch *batch, apv_err *err)
{
    const apv_arg args[] = {column_arg(batch, MINION), column_arg(batch, REVISION),
                            column_arg(batch, JID)};

    return apv_call(db, "expected_documents", args, 3, true, &batch->asked, err) &&
           apv_documents_read_expected(batch->heads, batch->count, batch->asked, batch->documents,
                                       err);
}

static apv_span
content(const apv_buf *buf)
{
    return (apv_span){buf->data, buf->size};
}

/* Validates a return and prepares what is stored of it. */
static bool
judge(struct batch *batch, size_t place, apv_err *err)
{
    const apv_document *document = batch->documents[place];
    apv_record *record = calloc(1, sizeof *record);
    apv_row *row = &batch->rows[place];

    if (record == NULL)
        return apv_fail(err, APV_ERR_MEMORY, "out of memory");
    batch->records[place] = record;
    const apv_expected expected = {
        .minion = batch->heads[place].minion,
        .has_revision = true,
        .revision = document->revision,
        .digest = apv_span_of(document->digest),
        .evidence_key = (const unsigned char *)document->evidence_key.data,
        .items = document->items,
        .count = document->count,
    };
    if (!apv_validate_msgpack(batch->loads[place], &expected, &record->verdict, err) ||
        !apv_row_fill(batch->loads[place], record->verdict, row, err))
        return false;

    const apv_verdict *verdict = record->verdict;
    *cell(batch, VERDICT, place) = apv_span_of(apv_outcome_name(verdict->verdict));
    *cell(batch, AUTHENTICATED, place) = (apv_span){verdict->authenticated ? "\1" : "\0", 1};
    *cell(batch, DOCUMENT, place) = expected.digest;
    *cell(batch, RUN_ID, place) = apv_cut(verdict->run_id, APV_ID_MAX);
    *cell(batch, BOOT_ID, place) = apv_cut(verdict->boot_id, APV_ID_MAX);
    *cell(batch, FINDINGS, place) = content(&row->findings);
    *cell(batch, BEFORE, place) = content(&row->before);
    *cell(batch, PAYLOAD, place) = (apv_span){row->payload, row->payload_size};
    *cell(batch, PAYLOAD_DIGEST, place) = (apv_span){(const char *)row->digest, sizeof row->digest};
    return true;
}

static bool
read_outcomes(const apv_result *result, struct batch *batch, apv_err *err)
{
    if (apv_result_rows(result) != batch->count || apv_result_columns(result) != 2)
        return apv_fail(err, APV_ERR_PROTOCOL,
                        "record_returns has not the columns that this version knows: "
                        "run salt-approval db upgrade");
    for (size_t i = 0; i < batch->count; i++) {
        apv_record *record = batch->records[i];
        apv_span outcome;
        if (!apv_wire_text(apv_result_peek(result, i, 0), &outcome, err) ||
            !apv_wire_int4(apv_result_peek(result, i, 1), &record->attempt, err))
            return false;
        snprintf(record->outcome, sizeof record->outcome, "%.*s", (int)apv_cut(outcome, 15).size,
                 outcome.data);
    }
    return true;
}

static bool
store(apv_db *db, struct batch *batch, apv_err *err)
{
    apv_arg args[COLUMNS];
    apv_result *result = NULL;
    bool ok = false;

    for (size_t i = 0; i < COLUMNS; i++)
        args[i] = column_arg(batch, i);
    ok = apv_call(db, "record_returns", args, COLUMNS, true, &result, err) &&
         read_outcomes(result, batch, err);
    apv_result_free(&result);
    return ok;
}

bool
apv_record_returns(apv_db *db, const apv_span *loads, size_t count, apv_record **records,
                   apv_err *err)
{
    struct batch batch;
    bool ok = batch_init(&batch, loads, count, err) && read_heads(&batch, err) &&
              read_documents(db, &batch, err);

    for (size_t i = 0; ok && i < count; i++)
        ok = judge(&batch, i, err);
    ok = ok && store(db, &batch, err);
    for (size_t i = 0; ok && i < count; i++) {
        records[i] = batch.records[i];
        batch.records[i] = NULL;
    }
    batch_clear(&batch);
    return ok;
}

bool
apv_record_return(apv_db *db, apv_span load, apv_record **record, apv_err *err)
{
    return apv_record_returns(db, &load, 1, record, err);
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
