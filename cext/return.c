/* return.c - what a return says of itself. */
#include "validate_private.h"
#include "value_msgpack.h"

/* The first of several, or the one. */
static apv_span
first_text(const apv_reader *reader, apv_value value)
{
    apv_cursor cursor;
    apv_span none;

    if (reader->type(reader, value) == APV_LIST) {
        reader->open(reader, value, &cursor);
        if (!reader->next(reader, &cursor, &none, &value))
            return APV_NO_SPAN;
    }
    return apv_text_or_none(reader, value);
}

/* The retcode, or of several the first that isn't 0. */
static int64_t
first_failure(const apv_reader *reader, apv_value value)
{
    int64_t code = 0;
    apv_cursor cursor;
    apv_span none;

    if (reader->integer(reader, value, &code))
        return code;
    reader->open(reader, value, &cursor);
    while (code == 0 && reader->next(reader, &cursor, &none, &value))
        if (!reader->integer(reader, value, &code))
            code = 0;
    return code;
}

/* Whether success, or every one of several, is not false. */
static bool
all_succeeded(const apv_reader *reader, apv_value value)
{
    apv_cursor cursor;
    apv_span none;

    if (reader->type(reader, value) == APV_BOOL)
        return reader->truth(reader, value);
    reader->open(reader, value, &cursor);
    while (reader->next(reader, &cursor, &none, &value))
        if (!reader->truth(reader, value))
            return false;
    return true;
}

/* The revision that a check's evidence claims. */
static void
find_checked_revision(const apv_reader *reader, apv_value ret, apv_return *head)
{
    int64_t revision;

    if (!reader->integer(reader, apv_map_get(reader, ret, "revision"), &revision))
        return;
    head->has_revision = true;
    head->revision = revision;
}

/* The revision that the last evidence among the chunks claims. */
static void
find_revision(const apv_reader *reader, apv_value ret, apv_return *head)
{
    int64_t last = INT64_MIN, revision;
    apv_span key, module, fun;
    apv_cursor cursor;
    apv_value value;
    apv_chunk chunk;

    reader->open(reader, ret, &cursor);
    while (reader->next(reader, &cursor, &key, &value)) {
        if (!apv_tag_split(key, &module, &fun) || !apv_span_is(module, "approval") ||
            !apv_evidence_is_given(fun))
            continue;
        apv_chunk_read(reader, value, &chunk);
        if (chunk.order < last ||
            !reader->integer(reader, apv_map_get(reader, chunk.approval, "revision"), &revision))
            continue;
        last = chunk.order;
        head->has_revision = true;
        head->revision = revision;
    }
}

/* Whether the validator reads what this function returns. A job with several functions, or a load
 * in a shape that names none, may hold any. */
static bool
can_prove(const apv_reader *reader, apv_value fun, apv_value ret)
{
    apv_span name;

    if (ret.node == NULL || !reader->text(reader, fun, &name))
        return true;
    return apv_is_state_function(name) || apv_is_check(name) || apv_is_judged_function(name) ||
           apv_span_starts(name, "runner.");
}

bool
apv_return_read(apv_span load, apv_return *head, apv_err *err)
{
    enum { ID, JID, FUN, RETCODE, SUCCESS, RETURN, COUNT };
    static const apv_span words[COUNT] = {APV_WORD("id"),      APV_WORD("jid"),
                                          APV_WORD("fun"),     APV_WORD("retcode"),
                                          APV_WORD("success"), APV_WORD("return")};
    apv_value root, found[COUNT];
    apv_msgpack_reader msgpack;
    const apv_reader *reader = &msgpack.reader;

    if (!apv_reader_msgpack(load, &msgpack, &root, err))
        return false;
    if (reader->type(reader, root) != APV_MAP)
        return apv_fail(err, APV_ERR_INVALID, "a return must be a map");
    apv_map_find(reader, root, words, COUNT, found);

    apv_return read = {
        .minion = apv_text_or_none(reader, found[ID]),
        .jid = apv_text_or_none(reader, found[JID]),
        .fun = first_text(reader, found[FUN]),
        .retcode = first_failure(reader, found[RETCODE]),
        .can_prove = can_prove(reader, found[FUN], found[RETURN]),
    };
    read.success =
        found[SUCCESS].node == NULL ? read.retcode == 0 : all_succeeded(reader, found[SUCCESS]);
    if (apv_is_check(apv_text_or_none(reader, found[FUN])))
        find_checked_revision(reader, found[RETURN], &read);
    else
        find_revision(reader, found[RETURN], &read);
    *head = read;
    return true;
}
