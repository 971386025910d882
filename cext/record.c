/* record.c - storing what minions returned: validated, with findings, whole. */
#include "apv_record.h"

#include "apv_wire.h"
#include "be.h"
#include "db_private.h"
#include "document_private.h"
#include "evidence.h"
#include "kept.h"
#include "record_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The arguments of record_returns, each an array, and of record_return, in their order: the kind
 * of one element, and what it is for one return, of which head, row, document and verdict are at
 * hand. */
#define RETURN_COLUMNS(X)                                                                          \
    X(JID, TEXT, given(head->jid))                                                                 \
    X(MINION, TEXT, head->minion)                                                                  \
    X(FUN, TEXT, given(head->fun))                                                                 \
    X(RETCODE, INT8, number(is_int4(head->retcode), row->retcode))                                 \
    X(SUCCESS, BOOL, flag(head->success))                                                          \
    X(VERDICT, TEXT, apv_span_of(apv_outcome_name(verdict->verdict)))                              \
    X(AUTHENTICATED, BOOL, flag(verdict->authenticated))                                           \
    X(REVISION, INT8, number(head->has_revision, row->revision))                                   \
    X(DOCUMENT, TEXT, digest(head, document))                                                      \
    X(RUN_ID, TEXT, apv_cut(verdict->run_id, APV_ID_MAX))                                          \
    X(BOOT_ID, TEXT, apv_cut(verdict->boot_id, APV_ID_MAX))                                        \
    X(FINDINGS, TEXT, content(&row->findings))                                                     \
    X(BEFORE, TEXT, content(&row->before))                                                         \
    X(PAYLOAD, BYTES, ((apv_span){row->payload, row->payload_size}))                               \
    X(PAYLOAD_DIGEST, BYTES, ((apv_span){(const char *)row->digest, sizeof row->digest}))

#define COLUMN_NAME(name, kind, value) name,
#define COLUMN_KIND(name, kind, value) [name] = APV_ARG_##kind,
#define COLUMN_ARRAY_KIND(name, kind, value) [name] = APV_ARG_##kind##_ARRAY,
#define COLUMN_CASE(name, kind, value)                                                             \
    case name:                                                                                     \
        return value;

#define ONE_TRIES 2 /* for one return: with a kept document, with the database's */

enum column { RETURN_COLUMNS(COLUMN_NAME) COLUMNS };
static const apv_arg_kind column_kinds[COLUMNS] = {RETURN_COLUMNS(COLUMN_KIND)};
static const apv_arg_kind column_array_kinds[COLUMNS] = {RETURN_COLUMNS(COLUMN_ARRAY_KIND)};

/* Each array has `count` elements. */
struct apv_returns {
    size_t count;
    apv_span *loads;
    apv_return *heads;
    apv_document **documents;
    apv_row *rows;
    apv_record **records;
    apv_span *cells; /* COLUMNS columns of `count`; filled when they are sent */
    apv_result *asked;
    bool prepared; /* all of them are validated */
};

bool
apv_returns_new(const apv_span *loads, size_t count, apv_returns **returns, apv_err *err)
{
    apv_returns *made = NULL;
    bool ok = false;

    if (count == 0 || count > APV_RECORDS_MAX) {
        apv_fail(err, APV_ERR_INVALID, "a batch has 1 to %d returns", APV_RECORDS_MAX);
        goto done;
    }
    made = calloc(1, sizeof *made);
    if (made == NULL) {
        apv_fail_memory(err);
        goto done;
    }
    made->count = count;
    made->loads = calloc(count, sizeof *made->loads);
    made->heads = calloc(count, sizeof *made->heads);
    made->documents = calloc(count, sizeof(apv_document *));
    made->rows = calloc(count, sizeof *made->rows);
    made->records = calloc(count, sizeof(apv_record *));
    made->cells = calloc(count, COLUMNS * sizeof *made->cells);
    if (made->loads == NULL || made->heads == NULL || made->documents == NULL ||
        made->rows == NULL || made->records == NULL || made->cells == NULL) {
        apv_fail_memory(err);
        goto done;
    }
    memcpy(made->loads, loads, count * sizeof *loads);
    *returns = made;
    made = NULL;
    ok = true;

done:
    apv_returns_free(&made);
    return ok;
}

/* Forgets what was prepared, wholly or in part. */
static void
returns_reset(apv_returns *returns)
{
    for (size_t i = 0; i < returns->count; i++) {
        if (returns->records != NULL)
            apv_record_free(&returns->records[i]);
        if (returns->rows != NULL) {
            apv_row_free(&returns->rows[i]);
            returns->rows[i] = (apv_row){.payload = NULL};
        }
        if (returns->documents != NULL)
            apv_document_free(&returns->documents[i]);
    }
    apv_result_free(&returns->asked);
    returns->prepared = false;
}

void
apv_returns_free(apv_returns **returns)
{
    if (*returns == NULL)
        return;
    returns_reset(*returns);
    free((*returns)->cells);
    free((*returns)->records);
    free((*returns)->rows);
    free((*returns)->documents);
    free((*returns)->heads);
    free((*returns)->loads);
    free(*returns);
    *returns = NULL;
}

static bool
is_minion_id(apv_span id)
{
    if (id.data == NULL || id.size == 0 || id.size > APV_ID_MAX)
        return false;
    return memchr(id.data, '\0', id.size) == NULL && memchr(id.data, '/', id.size) == NULL &&
           memchr(id.data, '\n', id.size) == NULL;
}

/* ---- columns ---- */

/* The text, or the empty one where the return has none. */
static apv_span
given(apv_span text)
{
    return text.data == NULL ? apv_span_of("") : apv_cut(text, APV_ID_MAX);
}

static apv_span
flag(bool truth)
{
    return (apv_span){truth ? "\1" : "\0", 1};
}

/* A number in PostgreSQL's binary format, or none. */
static apv_span
number(bool is_given, const char bytes[8])
{
    return is_given ? (apv_span){bytes, 8} : APV_NO_SPAN;
}

/* The digest of the document that the return is held against; none if it can prove nothing. */
static apv_span
digest(const apv_return *head, const apv_document *document)
{
    return head->can_prove ? apv_span_of(document->digest) : APV_NO_SPAN;
}

static bool
is_int4(int64_t value)
{
    return value >= INT32_MIN && value <= INT32_MAX;
}

static apv_span
content(const apv_buf *buf)
{
    return (apv_span){buf->data, buf->size};
}

/* What stands in a column for one of the returns. Those of head alone are there before it was
 * validated. */
static apv_span
element(const apv_returns *returns, enum column column, size_t place)
{
    const apv_return *head = &returns->heads[place];
    const apv_row *row = &returns->rows[place];
    const apv_record *record = returns->records[place];
    const apv_document *document = record == NULL ? NULL : record->document;
    const apv_verdict *verdict = record == NULL ? NULL : record->verdict;

    switch (column) {
        RETURN_COLUMNS(COLUMN_CASE)
    case COLUMNS:
        break;
    }
    return APV_NO_SPAN;
}

/* A column as an argument, borrowed from returns until it is reset: of all of them, or of those
 * that can prove something. */
static apv_arg
column_arg(const apv_returns *returns, enum column column, bool of_all)
{
    apv_span *cells = &returns->cells[column * returns->count];
    size_t count = 0;

    for (size_t i = 0; i < returns->count; i++)
        if (of_all || returns->heads[i].can_prove)
            cells[count++] = element(returns, column, i);
    return (apv_arg){.kind = column_array_kinds[column], .as.array = {cells, count}};
}

/* The content of a column for the only return, as an argument. */
static apv_arg
single_arg(const apv_returns *returns, enum column column)
{
    const apv_span cell = element(returns, column, 0);
    apv_arg arg = {.kind = column_kinds[column], .is_null = cell.data == NULL};

    if (arg.is_null)
        return arg;
    if (arg.kind == APV_ARG_BOOL)
        arg.as.boolean = *cell.data != '\0';
    else if (arg.kind == APV_ARG_INT8)
        arg.as.integer = (int64_t)apv_be_read_u64(cell.data);
    else
        arg.as.span = cell;
    return arg;
}

/* ---- validating ---- */

static bool
read_head(apv_span load, apv_return *head, apv_err *err)
{
    if (!apv_return_read(load, head, err))
        return false;
    return is_minion_id(head->minion) ||
           apv_fail(err, APV_ERR_INVALID, "the return names no minion");
}

bool
apv_return_check(apv_span load, apv_err *err)
{
    apv_verdict *verdict = NULL;
    apv_row row = {.payload = NULL};
    apv_return head;
    bool ok = false;

    if (!read_head(load, &head, err))
        goto done;
    const apv_expected nothing = {.minion = head.minion};
    ok = apv_validate_msgpack(load, &nothing, &verdict, err) &&
         apv_row_fill(load, verdict, &row, err);

done:
    apv_row_free(&row);
    apv_verdict_free(&verdict);
    return ok;
}

static bool
read_heads(apv_returns *returns, apv_err *err)
{
    for (size_t i = 0; i < returns->count; i++) {
        apv_return *head = &returns->heads[i];
        apv_row *row = &returns->rows[i];
        if (!read_head(returns->loads[i], head, err))
            return false;
        apv_be_write_u64(row->retcode, (uint64_t)head->retcode);
        apv_be_write_u64(row->revision, (uint64_t)head->revision);
    }
    return true;
}

/* Most returns of a master can prove nothing: the database is not asked for these. */
static bool
read_documents(apv_db *db, apv_returns *returns, apv_err *err)
{
    const apv_arg args[] = {column_arg(returns, MINION, false),
                            column_arg(returns, REVISION, false), column_arg(returns, JID, false)};
    bool is_any = args[0].as.array.count > 0;

    return (!is_any || apv_call(db, "expected_documents", args, 3, true, &returns->asked, err)) &&
           apv_documents_read_expected(returns->heads, returns->count, returns->asked,
                                       returns->documents, err);
}

/* Validates a return and prepares what is stored of it. */
static bool
judge(apv_returns *returns, size_t place, apv_err *err)
{
    apv_document *document = returns->documents[place];
    apv_record *record = calloc(1, sizeof *record);
    apv_row *row = &returns->rows[place];

    if (record == NULL)
        return apv_fail_memory(err);
    returns->records[place] = record;
    record->document = document;
    returns->documents[place] = NULL;
    const apv_expected expected = {
        .minion = returns->heads[place].minion,
        .has_revision = true,
        .revision = document->revision,
        .digest = apv_span_of(document->digest),
        .evidence_key = (const unsigned char *)document->evidence_key.data,
        .items = document->items,
        .count = document->count,
    };
    return apv_validate_msgpack(returns->loads[place], &expected, &record->verdict, err) &&
           apv_row_fill(returns->loads[place], record->verdict, row, err);
}

static bool
read_outcomes(const apv_result *result, apv_returns *returns, apv_err *err)
{
    if (apv_result_rows(result) != returns->count || apv_result_columns(result) != 2)
        return apv_fail(err, APV_ERR_PROTOCOL,
                        "what records returns has not the columns that this version knows: "
                        "run salt-approval db upgrade");
    for (size_t i = 0; i < returns->count; i++) {
        apv_record *record = returns->records[i];
        apv_span outcome;
        if (!apv_wire_text(apv_result_peek(result, i, 0), &outcome, err) ||
            !apv_wire_int4(apv_result_peek(result, i, 1), &record->attempt, err))
            return false;
        snprintf(record->outcome, sizeof record->outcome, "%.*s", (int)apv_cut(outcome, 15).size,
                 outcome.data);
    }
    return true;
}

/* ---- storing ---- */

/* Asks for what the returns are held against. */
static bool
ask(apv_db *db, apv_returns *returns, apv_err *err)
{
    return read_heads(returns, err) && read_documents(db, returns, err);
}

/* Validates the returns. */
static bool
judge_all(apv_returns *returns, apv_err *err)
{
    for (size_t i = 0; i < returns->count; i++)
        if (!judge(returns, i, err))
            return false;
    returns->prepared = true;
    return true;
}

/* A failure is not told yet: the same one comes again when these returns are recorded. */
static void
judge_upcoming(void *arg)
{
    apv_returns *upcoming = arg;
    apv_err err = APV_ERR_NONE;

    if (!judge_all(upcoming, &err))
        returns_reset(upcoming);
}

static bool
store(apv_db *db, apv_returns *returns, apv_returns *upcoming, apv_err *err)
{
    apv_arg args[COLUMNS];
    apv_result *result = NULL;
    bool ok = false;

    for (size_t i = 0; i < COLUMNS; i++)
        args[i] = column_arg(returns, (enum column)i, true);
    if (upcoming != NULL)
        apv_db_meanwhile(db, judge_upcoming, upcoming);
    ok = apv_call(db, "record_returns", args, COLUMNS, true, &result, err) &&
         read_outcomes(result, returns, err);
    apv_db_meanwhile(db, NULL, NULL);
    apv_result_free(&result);
    return ok;
}

/* ---- storing one ---- */

/* Finds the document for the only return: one that is kept, or else the database's. */
static bool
find_document(apv_db *db, apv_returns *returns, apv_err *err)
{
    const apv_return *head = &returns->heads[0];
    apv_document **document = &returns->documents[0];

    if (head->can_prove)
        *document = apv_kept_find(db, head);
    if (*document != NULL)
        return true;
    if (!read_documents(db, returns, err))
        return false;
    if (!head->can_prove)
        return true;
    apv_document_take_result(*document, &returns->asked);
    /* The answer to a claim of some other revision is no reason to forget the document. */
    return (head->has_revision && head->revision != (*document)->revision) ||
           apv_kept_put(db, head->minion, *document, err);
}

static bool
store_one(apv_db *db, apv_returns *returns, apv_err *err)
{
    const apv_span key = returns->records[0]->document->evidence_key;
    char key_digest[APV_KEY_DIGEST_SIZE];
    apv_arg args[COLUMNS + 1] = {
        [COLUMNS] = {.kind = APV_ARG_BYTES,
                     .is_null = key.data == NULL,
                     .as.span = {key_digest, sizeof key_digest}},
    };
    apv_result *result = NULL;

    if (key.data != NULL && !apv_key_digest((const unsigned char *)key.data, key_digest, err))
        return false;
    for (size_t i = 0; i < COLUMNS; i++)
        args[i] = single_arg(returns, (enum column)i);
    bool ok = apv_call(db, "record_return", args, COLUMNS + 1, true, &result, err) &&
              read_outcomes(result, returns, err);
    apv_result_free(&result);
    return ok;
}

/* Records the only return. The document that it is held against may be a kept one: the database
 * refuses what was held against another one than it has to be, and then it is asked. */
static bool
record_one(apv_db *db, apv_returns *returns, apv_err *err)
{
    for (int tries = 0; tries < ONE_TRIES; tries++) {
        returns_reset(returns);
        if (!read_heads(returns, err) || !find_document(db, returns, err) ||
            !judge(returns, 0, err) || !store_one(db, returns, err))
            return false;
        if (strcmp(returns->records[0]->outcome, "outdated") != 0)
            return true;
        apv_kept_drop(db, returns->heads[0].minion);
    }
    return apv_fail(err, APV_ERR_TIMEOUT,
                    "the document of the minion changed each time that its return was recorded");
}

bool
apv_returns_record(apv_db *db, apv_returns *returns, apv_returns *upcoming, apv_err *err)
{
    apv_err later = APV_ERR_NONE;

    if (returns->count == 1 && upcoming == NULL)
        return record_one(db, returns, err);
    if (!returns->prepared) {
        returns_reset(returns);
        if (!ask(db, returns, err) || !judge_all(returns, err))
            return false;
    }
    if (upcoming != NULL && upcoming->prepared)
        upcoming = NULL;
    if (upcoming != NULL) {
        returns_reset(upcoming);
        if (!ask(db, upcoming, &later)) {
            returns_reset(upcoming);
            upcoming = NULL;
        }
    }
    return store(db, returns, upcoming, err);
}

const apv_record *
apv_returns_peek(const apv_returns *returns, size_t place)
{
    return returns->records[place];
}

bool
apv_record_returns(apv_db *db, const apv_span *loads, size_t count, apv_record **records,
                   apv_err *err)
{
    apv_returns *returns = NULL;
    bool ok =
        apv_returns_new(loads, count, &returns, err) && apv_returns_record(db, returns, NULL, err);

    for (size_t i = 0; ok && i < count; i++) {
        records[i] = returns->records[i];
        returns->records[i] = NULL;
    }
    apv_returns_free(&returns);
    return ok;
}

void
apv_record_free(apv_record **record)
{
    if (*record == NULL)
        return;
    apv_verdict_free(&(*record)->verdict);
    apv_document_free(&(*record)->document);
    free(*record);
    *record = NULL;
}
