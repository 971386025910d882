/* validate_load.c - the shapes in which returns come: which minion returned what, of
 * which function.
 *
 *   {id, fun, fun_args, return, retcode, success}   a return as a returner gets it
 *   the same with lists of functions                a job with several
 *   {fun: runner.state.orchestrate, return: {data}} an orchestration, as event or stored
 *   {minion: return}                                salt --static --out=json, lookup_jid
 *   {local: return}                                 salt-call --out=json
 *   {minion: {ret | return, retcode, ...}}          LocalClient, get_jid
 *   {Function, Arguments, Minions, Result}          jobs.list_job; under a jid: print_job
 *   {cmd, exit_status, stdout, parsed, stderr}      captured output of a command
 */
#include "validate_private.h"

#include "text.h"

#include <string.h>

#define DEPTH_MAX 6 /* of wrappings around a return; more are not read */

static void collect(apv_walk *walk, apv_value load, unsigned depth, apv_subjects *subjects);

static void
add(apv_walk *walk, apv_subjects *subjects, const apv_subject *subject)
{
    apv_subject *grown = apv_arena_grow(walk->scratch, subjects->subjects, subjects->count,
                                        &subjects->room, sizeof *grown);
    if (grown == NULL) {
        walk->out_of_memory = true;
        return;
    }
    subjects->subjects = grown;
    grown[subjects->count] = *subject;
    grown[subjects->count].index = subjects->count;
    subjects->count++;
}

/* Whether retcode or success say that a function failed. */
static bool
has_failed(const apv_reader *reader, apv_value retcode, apv_value success)
{
    int64_t code;
    bool failed = reader->type(reader, success) == APV_BOOL && !reader->truth(reader, success);
    return failed || (reader->integer(reader, retcode, &code) && code != 0);
}

static apv_value
list_at(const apv_reader *reader, apv_value list, size_t index)
{
    apv_cursor cursor;
    apv_value element;
    apv_span none;

    if (reader->type(reader, list) != APV_LIST)
        return APV_NO_VALUE;
    reader->open(reader, list, &cursor);
    for (size_t i = 0; reader->next(reader, &cursor, &none, &element); i++)
        if (i == index)
            return element;
    return APV_NO_VALUE;
}

/* The element of a map by key, or of a list by index. */
static apv_value
element_of(const apv_reader *reader, apv_value of, apv_span key, size_t index)
{
    apv_value found = APV_NO_VALUE, value;
    apv_cursor cursor;
    apv_span name;

    if (reader->type(reader, of) == APV_LIST)
        return list_at(reader, of, index);
    reader->open(reader, of, &cursor);
    while (reader->next(reader, &cursor, &name, &value))
        if (name.data != NULL && apv_span_equal(name, key))
            found = value;
    return found;
}

/* ---- orchestration ---- */

/* One step, salt.state or salt.function: {"changes": {"ret": {minion: return}}}. */
static void
add_step(apv_walk *walk, apv_span fun, const apv_chunk *step, apv_subjects *subjects)
{
    const apv_reader *reader = walk->reader;
    bool state = apv_span_is(fun, "state");
    apv_cursor cursor;
    apv_subject subject = {
        .fun = state ? apv_span_of("state.apply") : step->name,
        .dry = step->result == APV_RESULT_NONE,
        .order = step->order,
    };

    if (step->not_run || (!state && !apv_span_is(fun, "function")))
        return;
    reader->open(reader, apv_map_get(reader, step->changes, "ret"), &cursor);
    while (reader->next(reader, &cursor, &subject.minion, &subject.ret)) {
        /* false stands for a minion that didn't return, or failed without a word. */
        subject.failed =
            reader->type(reader, subject.ret) == APV_BOOL && !reader->truth(reader, subject.ret);
        if (state && step->result == APV_RESULT_FALSE)
            subject.failed = true;
        if (subject.minion.data != NULL)
            add(walk, subjects, &subject);
    }
}

/* Whether chunks are steps of an orchestration; if so, adds what they returned. No minion
 * may have: then nobody was asked, or nobody answered. */
static bool
add_orchestration(apv_walk *walk, apv_value chunks, apv_subjects *subjects)
{
    const apv_reader *reader = walk->reader;
    apv_span key, module, fun;
    apv_cursor cursor;
    apv_value value;
    bool any = false;

    reader->open(reader, chunks, &cursor);
    while (reader->next(reader, &cursor, &key, &value)) {
        apv_chunk step = {0};
        if (!apv_tag_split(key, &module, &fun) || !apv_span_is(module, "salt"))
            continue;
        any = true;
        apv_chunk_read(reader, value, &step);
        add_step(walk, fun, &step, subjects);
    }
    subjects->empty = subjects->empty || any;
    return any;
}

static bool
is_orchestration(apv_span fun)
{
    return apv_span_is(fun, "runner.state.orchestrate") || apv_span_is(fun, "runner.state.orch") ||
           apv_span_is(fun, "runner.state.sls");
}

/* An orchestration that could not be rendered, or raised: no minion was asked. */
static void
add_unasked(apv_walk *walk, apv_value ret, bool failed, apv_subjects *subjects)
{
    apv_subject subject = {.fun = apv_span_of("state.apply"), .ret = ret, .failed = failed};
    add(walk, subjects, &subject);
}

/* What an orchestration returns as data: {master: steps, or why there are none}. */
static void
add_masters(apv_walk *walk, apv_value data, apv_subjects *subjects)
{
    const apv_reader *reader = walk->reader;
    apv_cursor cursor;
    apv_value ret;
    apv_span none;

    reader->open(reader, data, &cursor);
    while (reader->next(reader, &cursor, &none, &ret))
        if (!add_orchestration(walk, ret, subjects) && reader->type(reader, ret) == APV_LIST)
            add_unasked(walk, ret, true, subjects);
}

/* ---- one return ---- */

/* What stands beside a return, in whichever shape. */
typedef struct {
    apv_span minion;
    apv_value fun, args, ret, retcode, success;
} answer;

/* Whether a function stands in a list of them behind index, too. */
static bool
comes_again(const apv_reader *reader, apv_value functions, apv_span fun, size_t index)
{
    apv_cursor cursor;
    apv_value element;
    apv_span none;

    reader->open(reader, functions, &cursor);
    for (size_t i = 0; reader->next(reader, &cursor, &none, &element); i++)
        if (i > index && apv_span_equal(apv_text_or_none(reader, element), fun))
            return true;
    return false;
}

/* A job with several functions. multifunc_ordered makes lists of the maps; in a map, what
 * a function returned is lost when the job names it again. */
static void
add_functions(apv_walk *walk, const answer *given, apv_subjects *subjects)
{
    const apv_reader *reader = walk->reader;
    apv_cursor cursor;
    apv_value element;
    apv_span fun, none;

    reader->open(reader, given->fun, &cursor);
    if (cursor.count > 64)
        return; /* each is looked up in maps: not more than Salt's command line would take */
    for (size_t i = 0; reader->next(reader, &cursor, &none, &element); i++) {
        if (!reader->text(reader, element, &fun) || (reader->type(reader, given->ret) == APV_MAP &&
                                                     comes_again(reader, given->fun, fun, i)))
            continue;
        apv_subject subject = {
            .minion = given->minion,
            .fun = fun,
            .args = list_at(reader, given->args, i),
            .ret = element_of(reader, given->ret, fun, i),
            .failed = has_failed(reader, element_of(reader, given->retcode, fun, i),
                                 element_of(reader, given->success, fun, i)),
        };
        if (subject.ret.node != NULL)
            add(walk, subjects, &subject);
    }
}

static void
add_answer(apv_walk *walk, const answer *given, unsigned depth, apv_subjects *subjects)
{
    const apv_reader *reader = walk->reader;
    apv_span fun = apv_text_or_none(reader, given->fun);
    apv_subject subject = {
        .minion = given->minion,
        .fun = fun,
        .args = given->args,
        .ret = given->ret,
        .failed = has_failed(reader, given->retcode, given->success),
    };

    if (reader->type(reader, given->fun) == APV_LIST) {
        add_functions(walk, given, subjects);
        return;
    }
    if (!apv_span_starts(fun, "runner.")) {
        if (!apv_span_starts(fun, "wheel."))
            add(walk, subjects, &subject);
        return;
    }
    if (!is_orchestration(fun) && !apv_span_starts(fun, "runner.jobs."))
        return;
    apv_value data = apv_map_get(reader, given->ret, "data");
    if (is_orchestration(fun) && reader->type(reader, data) == APV_MAP)
        add_masters(walk, data, subjects);
    else if (reader->type(reader, given->ret) == APV_MAP)
        collect(walk, given->ret, depth + 1, subjects);
    else if (is_orchestration(fun))
        add_unasked(walk, given->ret, subject.failed, subjects);
}

/* ---- maps of minions ---- */

/* Whether a list is of sentences: texts with a blank, which no id, name or address has. */
static bool
is_list_of_sentences(const apv_reader *reader, apv_value list)
{
    apv_cursor cursor;
    apv_value element;
    apv_span text;
    bool any = false;

    if (reader->type(reader, list) != APV_LIST)
        return false;
    reader->open(reader, list, &cursor);
    while (reader->next(reader, &cursor, &text, &element)) {
        if (!reader->text(reader, element, &text))
            return false;
        any = any || apv_span_find(text, " ") != NULL;
    }
    return any;
}

/* One entry of {minion: return} where no function is named: only what can be nothing
 * else than the return of a state run is taken for one. */
static void
add_entry(apv_walk *walk, apv_span key, apv_value value, unsigned depth, apv_subjects *subjects)
{
    enum { RET, RETURN, FUN, FUN_ARGS, RETCODE, SUCCESS, FUNCTION, COUNT };
    static const apv_span words[COUNT] = {
        APV_WORD("ret"),     APV_WORD("return"),  APV_WORD("fun"),     APV_WORD("fun_args"),
        APV_WORD("retcode"), APV_WORD("success"), APV_WORD("Function")};
    const apv_reader *reader = walk->reader;
    apv_subject subject = {.minion = key, .ret = value};
    apv_value found[COUNT];
    apv_span text;

    if (apv_is_state_return(reader, value)) {
        if (!add_orchestration(walk, value, subjects))
            add(walk, subjects, &subject);
    } else if (reader->type(reader, value) == APV_MAP) {
        apv_map_find(reader, value, words, COUNT, found);
        if (found[FUNCTION].node != NULL)
            collect(walk, value, depth + 1, subjects); /* a job, its jid before it */
        else if (found[RET].node != NULL || found[RETURN].node != NULL) {
            answer given = {
                .minion = key,
                .fun = found[FUN],
                .args = found[FUN_ARGS],
                .ret = found[RETURN].node != NULL ? found[RETURN] : found[RET],
                .retcode = found[RETCODE],
                .success = found[SUCCESS],
            };
            add_answer(walk, &given, depth, subjects);
        }
    } else if (is_list_of_sentences(reader, value) ||
               (reader->text(reader, value, &text) &&
                apv_span_starts(text, "Minion did not return"))) {
        subject.fun = apv_span_of("state.apply");
        add(walk, subjects, &subject);
    }
}

static void
add_entries(apv_walk *walk, apv_value map, unsigned depth, apv_subjects *subjects)
{
    const apv_reader *reader = walk->reader;
    apv_cursor cursor;
    apv_value value;
    apv_span key;
    size_t entries = 0, first = subjects->count;

    reader->open(reader, map, &cursor);
    for (; reader->next(reader, &cursor, &key, &value); entries++)
        if (key.size > 0)
            add_entry(walk, key, value, depth, subjects);
    subjects->empty = subjects->empty || entries == 0;
    /* salt-call doesn't say which minion it ran on. */
    if (entries == 1 && subjects->count == first + 1 &&
        apv_span_is(subjects->subjects[first].minion, "local"))
        subjects->subjects[first].minion = APV_NO_SPAN;
}

/* ---- jobs of the job cache ---- */

/* {Function, Arguments, Minions, Result: {minion: {return, ...}}}. */
static void
add_job(apv_walk *walk, apv_value job, unsigned depth, apv_subjects *subjects)
{
    enum { FUNCTION, ARGUMENTS, MINIONS, RESULT, COUNT };
    static const apv_span words[COUNT] = {APV_WORD("Function"), APV_WORD("Arguments"),
                                          APV_WORD("Minions"), APV_WORD("Result")};
    static const apv_span result_words[] = {APV_WORD("return"), APV_WORD("retcode"),
                                            APV_WORD("success")};
    const apv_reader *reader = walk->reader;
    apv_value found[COUNT], element, value, fields[3];
    apv_cursor cursor;
    apv_span name;

    subjects->empty = true; /* so far */
    apv_map_find(reader, job, words, COUNT, found);
    reader->open(reader, found[RESULT], &cursor);
    while (reader->next(reader, &cursor, &name, &value)) {
        apv_map_find(reader, value, result_words, 3, fields);
        answer given = {
            .minion = name,
            .fun = found[FUNCTION],
            .args = found[ARGUMENTS],
            .ret = fields[0],
            .retcode = fields[1],
            .success = fields[2],
        };
        if (name.data != NULL && fields[0].node != NULL)
            add_answer(walk, &given, depth, subjects);
    }
    /* Every targeted minion is in it; those without a return have an empty walk. */
    reader->open(reader, found[MINIONS], &cursor);
    while (reader->next(reader, &cursor, &name, &element)) {
        apv_subject silent = {.silent = true};
        if (reader->text(reader, element, &silent.minion))
            add(walk, subjects, &silent);
    }
}

/* ---- any load ---- */

static void
collect_map(apv_walk *walk, apv_value load, unsigned depth, apv_subjects *subjects)
{
    enum {
        ID,
        FUN,
        FUN_ARGS,
        RETURN,
        RETCODE,
        SUCCESS,
        FUNCTION,
        DATA,
        OUTPUTTER,
        PARSED,
        EXIT_STATUS,
        COUNT
    };
    static const apv_span words[COUNT] = {
        APV_WORD("id"),        APV_WORD("fun"),     APV_WORD("fun_args"),   APV_WORD("return"),
        APV_WORD("retcode"),   APV_WORD("success"), APV_WORD("Function"),   APV_WORD("data"),
        APV_WORD("outputter"), APV_WORD("parsed"),  APV_WORD("exit_status")};
    const apv_reader *reader = walk->reader;
    apv_value found[COUNT];

    apv_map_find(reader, load, words, COUNT, found);
    apv_span minion = apv_text_or_none(reader, found[ID]);
    if (found[ID].node != NULL && minion.data == NULL)
        minion = apv_span_of(""); /* an id, but none that anybody has */
    if (found[RETURN].node != NULL && (found[FUN].node != NULL || found[ID].node != NULL)) {
        answer given = {
            .minion = minion,
            .fun = found[FUN],
            .args = found[FUN_ARGS],
            .ret = found[RETURN],
            .retcode = found[RETCODE],
            .success = found[SUCCESS],
        };
        add_answer(walk, &given, depth, subjects);
    } else if (found[FUNCTION].node != NULL)
        add_job(walk, load, depth, subjects);
    else if (found[EXIT_STATUS].node != NULL && found[PARSED].node != NULL)
        collect(walk, found[PARSED], depth + 1, subjects);
    else if (reader->type(reader, found[DATA]) == APV_MAP &&
             (found[OUTPUTTER].node != NULL || found[RETCODE].node != NULL))
        collect(walk, found[DATA], depth + 1, subjects);
    else if (apv_is_state_return(reader, load)) {
        apv_subject subject = {.ret = load};
        if (!add_orchestration(walk, load, subjects))
            add(walk, subjects, &subject);
    } else if (reader->type(reader, found[FUN]) != APV_TEXT) /* a job is no return of it */
        add_entries(walk, load, depth, subjects);
}

static void
collect(apv_walk *walk, apv_value load, unsigned depth, apv_subjects *subjects)
{
    const apv_reader *reader = walk->reader;
    apv_cursor cursor;
    apv_value element;
    apv_span none;

    if (depth > DEPTH_MAX)
        return;
    if (reader->type(reader, load) == APV_MAP)
        collect_map(walk, load, depth, subjects);
    else if (reader->type(reader, load) == APV_LIST) {
        /* Several documents, as salt writes them without --static. */
        reader->open(reader, load, &cursor);
        while (reader->next(reader, &cursor, &none, &element))
            if (reader->type(reader, element) == APV_MAP)
                collect(walk, element, depth + 1, subjects);
    }
}

void
apv_subjects_collect(apv_walk *walk, apv_value load, apv_subjects *subjects)
{
    collect(walk, load, 0, subjects);
}
