/* validate_chunk.c - one chunk: what a state of a run returned, under its key. */
#include "validate_private.h"

#include "text.h"

#define SEPARATOR "_|-"

bool
apv_tag_split(apv_span tag, apv_span *module, apv_span *fun)
{
    const size_t size = sizeof SEPARATOR - 1;
    const char *first = apv_span_find(tag, SEPARATOR), *last;

    if (first == NULL)
        return false;
    for (last = tag.data + tag.size - size; memcmp(last, SEPARATOR, size) != 0;)
        last--;
    if (last < first + size)
        return false;
    *module = (apv_span){tag.data, (size_t)(first - tag.data)};
    *fun = (apv_span){last + size, (size_t)(tag.data + tag.size - last) - size};
    return true;
}

bool
apv_is_state_return(const apv_reader *reader, apv_value map)
{
    apv_span key, module, fun;
    apv_cursor cursor;
    apv_value chunk;

    if (reader->type(reader, map) != APV_MAP)
        return false;
    reader->open(reader, map, &cursor);
    while (reader->next(reader, &cursor, &key, &chunk))
        if (apv_tag_split(key, &module, &fun))
            return true;
    return false;
}

void
apv_chunk_read(const apv_reader *reader, apv_value value, apv_chunk *chunk)
{
    enum { ID, NAME, RESULT, CHANGES, COMMENT, RUN_NUM, STATE_RAN, APPROVAL, COUNT };
    static const apv_span words[COUNT] = {APV_WORD("__id__"),        APV_WORD("name"),
                                          APV_WORD("result"),        APV_WORD("changes"),
                                          APV_WORD("comment"),       APV_WORD("__run_num__"),
                                          APV_WORD("__state_ran__"), APV_WORD("approval")};
    apv_value found[COUNT];

    apv_map_find(reader, value, words, COUNT, found);
    chunk->id = found[ID];
    chunk->raw_name = found[NAME];
    chunk->name = apv_text_or_none(reader, found[NAME]);
    chunk->changes = found[CHANGES];
    chunk->comment = apv_text_or_none(reader, found[COMMENT]);
    chunk->approval = found[APPROVAL];
    switch (reader->type(reader, found[RESULT])) {
    case APV_BOOL:
        chunk->result = reader->truth(reader, found[RESULT]) ? APV_RESULT_TRUE : APV_RESULT_FALSE;
        break;
    case APV_NULL:
        chunk->result = APV_RESULT_NONE;
        break;
    default:
        chunk->result = APV_RESULT_ODD;
    }
    chunk->not_run = reader->type(reader, found[STATE_RAN]) == APV_BOOL &&
                     !reader->truth(reader, found[STATE_RAN]);
    if (!reader->integer(reader, found[RUN_NUM], &chunk->order))
        chunk->order = -1;
}

/* ---- whether its state was run ---- */

/* Whether a whole line of text is one of those that unless, onlyif and creates write. */
static bool
has_condition(apv_span text)
{
    for (bool more = text.size > 0; more;) {
        const char *newline = memchr(text.data, '\n', text.size);
        apv_span line = {text.data, newline == NULL ? text.size : (size_t)(newline - text.data)};
        if (apv_span_is(line, "unless condition is true") ||
            apv_span_is(line, "onlyif condition is false") ||
            apv_span_is(line, "All files in creates exist"))
            return true;
        more = newline != NULL;
        if (more)
            text = (apv_span){newline + 1, text.size - line.size - 1};
    }
    return false;
}

apv_reason
apv_chunk_skipped(const apv_chunk *chunk)
{
    apv_span comment = chunk->comment;

    if (chunk->result == APV_RESULT_NONE)
        return apv_span_starts(comment, "Failed to meet global state conditions")
                   ? APV_REASON_NOT_RUN
                   : APV_REASON_TEST_RUN;
    if (chunk->result == APV_RESULT_FALSE)
        return apv_span_starts(comment, "The state function \"") &&
                       apv_span_find(comment, "\" is currently disabled by \"") != NULL
                   ? APV_REASON_REFUSED
                   : APV_REASON_NONE;
    if (apv_span_is(comment, "Not called, mocked"))
        return APV_REASON_TEST_RUN;
    /* Requisites that were not met, and the conditions of unless, onlyif and creates. */
    if (chunk->not_run || has_condition(comment) ||
        (apv_span_starts(comment, "/") && apv_span_ends(comment, " exists")))
        return APV_REASON_NOT_RUN;
    return APV_REASON_NONE;
}
