/* validate_state.c - the return of a state run: its chunks, in the order they ran. */
#include "validate_private.h"

#include <stdlib.h>
#include <string.h>

/* ---- functions ---- */

static const struct {
    apv_span name;
    bool test; /* it never changes anything */
} functions[] = {
    {APV_WORD("state.apply"), false},        {APV_WORD("state.highstate"), false},
    {APV_WORD("state.sls"), false},          {APV_WORD("state.single"), false},
    {APV_WORD("state.sls_id"), false},       {APV_WORD("state.top"), false},
    {APV_WORD("state.low"), false},          {APV_WORD("state.high"), false},
    {APV_WORD("state.template"), false},     {APV_WORD("state.run_request"), false},
    {APV_WORD("state.template_str"), false}, {APV_WORD("state.pkg"), false},
    {APV_WORD("state.test"), true},          {APV_WORD("state.request"), true},
};
#define FUNCTION_COUNT (sizeof functions / sizeof *functions)

bool
apv_is_state_function(apv_span fun)
{
    for (size_t i = 0; i < FUNCTION_COUNT; i++)
        if (apv_span_equal(fun, functions[i].name))
            return true;
    return false;
}

static bool
only_tests(apv_span fun)
{
    for (size_t i = 0; i < FUNCTION_COUNT; i++)
        if (functions[i].test && apv_span_equal(fun, functions[i].name))
            return true;
    return false;
}

/* ---- chunks ---- */

static int
compare_chunks(const void *a, const void *b)
{
    const apv_chunk *left = a, *right = b;
    if (left->order != right->order)
        return left->order < right->order ? -1 : 1;
    return (left->index > right->index) - (left->index < right->index);
}

static bool
is_relevant(apv_span module)
{
    static const apv_span modules[] = {APV_WORD("pkg"),     APV_WORD("chocolatey"),
                                       APV_WORD("service"), APV_WORD("approval"),
                                       APV_WORD("module"),  APV_WORD("no")};
    for (size_t i = 0; i < sizeof modules / sizeof *modules; i++)
        if (apv_span_equal(module, modules[i]))
            return true;
    return false;
}

typedef struct {
    apv_chunk *chunks;
    size_t count, room;
} chunk_list;

/* The chunks that say something of resources, in the order they ran. */
static void
read_chunks(apv_walk *walk, apv_value ret, chunk_list *list)
{
    const apv_reader *reader = walk->reader;
    apv_cursor cursor;
    apv_value value;
    apv_span key, module, fun;
    bool sorted = true;

    reader->open(reader, ret, &cursor);
    while (reader->next(reader, &cursor, &key, &value)) {
        if (!apv_tag_split(key, &module, &fun) || !is_relevant(module) ||
            reader->type(reader, value) != APV_MAP)
            continue;
        apv_chunk *chunks =
            apv_arena_grow(walk->scratch, list->chunks, list->count, &list->room, sizeof *chunks);
        if (chunks == NULL) {
            walk->out_of_memory = true;
            return;
        }
        list->chunks = chunks;
        apv_chunk *chunk = &chunks[list->count];
        *chunk = (apv_chunk){.module = module, .fun = fun, .index = list->count};
        apv_chunk_read(reader, value, chunk);
        sorted = sorted && (list->count == 0 || chunk[-1].order <= chunk->order);
        list->count++;
    }
    if (!sorted)
        qsort(list->chunks, list->count, sizeof *list->chunks, compare_chunks);
}

static void
judge_chunks(apv_walk *walk, apv_value ret, const apv_arguments *arguments)
{
    chunk_list list = {0};
    size_t evidence = SIZE_MAX;

    read_chunks(walk, ret, &list);
    for (size_t i = 0; i < list.count; i++)
        if (apv_span_is(list.chunks[i].module, "approval") &&
            apv_evidence_is_whole(list.chunks[i].fun) && list.chunks[i].approval.node != NULL)
            evidence = i; /* the last one; evidence before it is out of date */

    for (size_t i = 0; i < list.count; i++) {
        const apv_chunk *chunk = &list.chunks[i];
        walk->run.step++;
        if (apv_span_is(chunk->module, "service"))
            apv_service_judge(walk, chunk);
        else if (apv_span_is(chunk->module, "module"))
            apv_module_judge(walk, chunk);
        else if (apv_span_is(chunk->module, "no")) /* no_|-states_|-states_|-None */
            apv_slots_fail(walk, APV_REASON_JOB_FAILED, chunk->comment);
        else if (!apv_span_is(chunk->module, "approval"))
            /* state.single returns one chunk, to which its arguments belong. */
            apv_package_judge(walk, chunk, list.count == 1 ? arguments : NULL);
        else if (chunk->approval.node == NULL || i == evidence ||
                 !apv_evidence_is_whole(chunk->fun))
            apv_evidence_judge(walk, chunk);
    }
}

/* ---- other returns of state functions ---- */

/* The texts of a list with blanks between, or no span: it isn't a list of texts. */
static apv_span
join_texts(apv_walk *walk, apv_value list)
{
    const apv_reader *reader = walk->reader;
    apv_span text, none;
    apv_cursor cursor;
    apv_value element;
    size_t size = 0;

    reader->open(reader, list, &cursor);
    while (reader->next(reader, &cursor, &none, &element)) {
        if (!reader->text(reader, element, &text))
            return APV_NO_SPAN;
        size += text.size + 1;
    }
    if (size == 0)
        return APV_NO_SPAN;
    char *joined = apv_arena_take(walk->scratch, size, 1), *at = joined;
    if (joined == NULL) {
        walk->out_of_memory = true;
        return APV_NO_SPAN;
    }
    reader->open(reader, list, &cursor);
    while (reader->next(reader, &cursor, &none, &element)) {
        text = apv_text_or_none(reader, element);
        memcpy(at, text.data, text.size);
        at += text.size;
        *at++ = ' ';
    }
    return (apv_span){joined, size - 1};
}

/* A list of texts: why the states could not be compiled, or why they may not run. */
static bool
judge_list(apv_walk *walk, apv_value ret)
{
    apv_span text = join_texts(walk, ret);
    apv_reason refusal;

    if (text.data == NULL)
        return false;
    if (apv_is_refusal(text, &refusal))
        apv_slots_skip(walk, refusal);
    else
        apv_slots_fail(walk, APV_REASON_COMPILE_ERROR, text);
    return true;
}

static bool
judge_text(apv_walk *walk, apv_span text, bool failed)
{
    apv_reason refusal;

    if (apv_is_refusal(text, &refusal)) {
        apv_slots_skip(walk, refusal);
        return true;
    }
    if (text.size == 0 || apv_span_is(text, "VALUE_TRIMMED") || !failed)
        return false;
    apv_slots_fail(walk, APV_REASON_JOB_FAILED, text);
    return true;
}

/* A map without chunks: nothing ran, or the run was put into the minion's queue. */
static bool
judge_map(apv_walk *walk, apv_value ret)
{
    enum { RESULT, QUEUED, COMMENT, COUNT };
    static const apv_span words[COUNT] = {APV_WORD("result"), APV_WORD("queued"),
                                          APV_WORD("comment")};
    const apv_reader *reader = walk->reader;
    apv_value found[COUNT];
    apv_cursor cursor;

    reader->open(reader, ret, &cursor);
    apv_map_find(reader, ret, words, COUNT, found);
    if (reader->truth(reader, found[QUEUED]))
        apv_slots_skip(walk, APV_REASON_QUEUED);
    else if (apv_span_starts(apv_text_or_none(reader, found[COMMENT]), "Failed to queue job"))
        apv_slots_skip(walk, APV_REASON_REFUSED);
    else
        return !reader->next(reader, &cursor, &(apv_span){0}, &(apv_value){0});
    return true;
}

void
apv_state_judge(apv_walk *walk, const apv_subject *subject)
{
    const apv_reader *reader = walk->reader;
    apv_arguments arguments;
    apv_span text;

    apv_arguments_read(walk, subject->fun, subject->args, &arguments);
    walk->run.dry =
        subject->dry || arguments.test || arguments.elsewhere || only_tests(subject->fun);
    walk->run.overridden = arguments.pillar;
    walk->run.terse = walk->run.terse || arguments.terse;
    walk->run.step++;
    switch (reader->type(reader, subject->ret)) {
    case APV_MAP:
        if (apv_is_state_return(reader, subject->ret)) {
            walk->run.recognized = true;
            judge_chunks(walk, subject->ret, &arguments);
        } else if (judge_map(walk, subject->ret))
            walk->run.recognized = true;
        break;
    case APV_LIST:
        if (judge_list(walk, subject->ret))
            walk->run.recognized = true;
        break;
    case APV_TEXT:
        text = apv_text_or_none(reader, subject->ret);
        if (judge_text(walk, text, subject->failed))
            walk->run.recognized = true;
        break;
    case APV_BOOL:
    case APV_NULL:
        if (subject->failed) {
            apv_slots_fail(walk, APV_REASON_JOB_FAILED, APV_NO_SPAN);
            walk->run.recognized = true;
        }
        break;
    default:
        break;
    }
    walk->run.dry = false;
    walk->run.overridden = false;
}
