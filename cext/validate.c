/* validate.c - judging a return: entry, grouping by minion, the verdict of it all. */
#include "validate_private.h"

#include "text.h"
#include "value_json.h"
#include "value_msgpack.h"

#include <stdlib.h>
#include <string.h>

/* Findings of one validation; a return with more minions than that is no return. */
#define FINDINGS_MAX 1000000

const char *
apv_outcome_name(apv_outcome outcome)
{
    static const char *const names[] = {
        [APV_CONVERGED] = "converged",     [APV_PARTIAL] = "partial", [APV_FAILED] = "failed",
        [APV_NOT_APPLIED] = "not-applied", [APV_DRIFT] = "drift",     [APV_INVALID] = "invalid",
        [APV_UNPROVEN] = "unproven",
    };
    return names[outcome];
}

/* ---- the verdict over findings ---- */

/* of: how many findings have each outcome; count: how many there are. */
static apv_outcome
sum_up(const size_t of[APV_UNPROVEN + 1], size_t count)
{
    if (of[APV_DRIFT] > 0)
        return APV_DRIFT;
    if (of[APV_CONVERGED] == count)
        return APV_CONVERGED;
    if (of[APV_CONVERGED] > 0 && of[APV_FAILED] + of[APV_NOT_APPLIED] > 0)
        return APV_PARTIAL;
    if (of[APV_FAILED] > 0)
        return APV_FAILED;
    return of[APV_UNPROVEN] > 0 ? APV_UNPROVEN : APV_NOT_APPLIED;
}

/* ---- one minion ---- */

static void
judge_subject(apv_walk *walk, const apv_subject *subject)
{
    apv_arguments arguments;

    if (subject->fun.data == NULL || apv_is_state_function(subject->fun)) {
        apv_state_judge(walk, subject);
        return;
    }
    if (apv_is_check(subject->fun)) {
        apv_check_judge(walk, subject);
        return;
    }
    apv_arguments_read(walk, subject->fun, subject->args, &arguments);
    walk->run.dry = subject->dry;
    if (apv_function_judge(walk, subject->fun, subject->ret, subject->failed, &arguments))
        walk->run.recognized = true;
    walk->run.dry = false;
}

/* Judges the returns of one minion, all of them or none. Returns whether any is a
 * package or state result, or there is none. */
static bool
judge_minion(apv_walk *walk, apv_span minion, const apv_subject *subjects, size_t count,
             bool is_invalid)
{
    bool silent = true;

    apv_slots_reset(&walk->slots);
    walk->run = (apv_run){.minion = minion};
    for (size_t i = 0; i < count; i++) {
        if (subjects[i].silent)
            continue;
        silent = false;
        judge_subject(walk, &subjects[i]);
    }
    apv_findings_write(walk,
                       silent && !is_invalid ? APV_REASON_NO_RETURN : APV_REASON_NOT_MENTIONED);
    return silent ? !is_invalid : walk->run.recognized;
}

/* ---- all minions ---- */

static int
compare_subjects(const void *a, const void *b)
{
    const apv_subject *left = a, *right = b;
    int order = apv_span_compare(left->minion, right->minion);

    if (order != 0)
        return order;
    if (left->order != right->order)
        return left->order < right->order ? -1 : 1;
    return (left->index > right->index) - (left->index < right->index);
}

/* Drops what other minions than the expected one returned. */
static void
keep_expected(const apv_expected *expected, apv_subjects *subjects)
{
    size_t kept = 0;

    if (expected->minion.data == NULL)
        return;
    for (size_t i = 0; i < subjects->count; i++) {
        apv_subject *subject = &subjects->subjects[i];
        if (subject->minion.data != NULL && !apv_span_equal(subject->minion, expected->minion))
            continue;
        subject->minion = expected->minion;
        subjects->subjects[kept++] = *subject;
    }
    if (subjects->count > 0 && kept == 0)
        subjects->empty = true; /* an answer, but not of that minion */
    subjects->count = kept;
}

/* How many subjects from `first` on are of one minion. */
static size_t
group_size(const apv_subjects *subjects, size_t first)
{
    size_t end = first + 1;
    while (end < subjects->count &&
           apv_span_equal(subjects->subjects[first].minion, subjects->subjects[end].minion))
        end++;
    return end - first;
}

static size_t
count_groups(const apv_subjects *subjects)
{
    size_t groups = 0;
    for (size_t i = 0; i < subjects->count; i += group_size(subjects, i))
        groups++;
    return groups == 0 ? 1 : groups;
}

static void
judge_all(apv_walk *walk, apv_value load)
{
    const apv_expected *expected = walk->expected;
    apv_verdict *verdict = walk->answer.verdict;
    apv_subjects subjects = {0};
    bool recognized = false;

    apv_subjects_collect(walk, load, &subjects);
    keep_expected(expected, &subjects);
    if (subjects.count > 1)
        qsort(subjects.subjects, subjects.count, sizeof *subjects.subjects, compare_subjects);
    size_t groups = count_groups(&subjects);
    if (groups > 1 && groups > FINDINGS_MAX / (expected->count + 1))
        return;

    if (subjects.count == 0)
        recognized = judge_minion(walk, expected->minion, NULL, 0, !subjects.empty);
    verdict->authenticated = subjects.count > 0;
    for (size_t i = 0, size; i < subjects.count && !walk->out_of_memory; i += size) {
        size = group_size(&subjects, i);
        if (judge_minion(walk, subjects.subjects[i].minion, &subjects.subjects[i], size, false))
            recognized = true;
        verdict->authenticated =
            verdict->authenticated && walk->run.authenticated && walk->run.taint == APV_REASON_NONE;
    }
    if (recognized && expected->count > 0)
        verdict->verdict = sum_up(walk->answer.outcomes, groups * expected->count);
}

/* ---- entry ---- */

/* A verdict and the memory of all that it points to. */
typedef struct {
    apv_verdict verdict;
    apv_arena arena;
    apv_finding *findings; /* of the verdict */
    size_t room;
    max_align_t first[32]; /* of the arena: enough where a sink takes the findings */
} owner;

/* The sink of a verdict that keeps its findings. */
static bool
keep_finding(void *arg, const apv_finding *finding)
{
    owner *made = arg;
    apv_finding *findings = apv_arena_grow(
        &made->arena, made->findings, made->verdict.finding_count, &made->room, sizeof *findings);

    if (findings == NULL)
        return false;
    apv_finding *copy = &findings[made->verdict.finding_count];
    *copy = *finding;
    /* An item's own text outlives the verdict. */
    if (!apv_arena_copy(&made->arena, finding->text, &copy->text) ||
        (copy->observed.data != copy->expected.data &&
         !apv_arena_copy(&made->arena, finding->observed, &copy->observed)))
        return false;
    made->verdict.findings = made->findings = findings;
    made->verdict.finding_count++;
    return true;
}

static int
compare_spans(const void *a, const void *b)
{
    return apv_span_compare(*(const apv_span *)a, *(const apv_span *)b);
}

/* The unapproved packages, each once, sorted. */
static void
keep_unapproved(apv_walk *walk)
{
    apv_span *names =
        apv_arena_take(walk->answer.kept, walk->answer.unapproved_count, sizeof *names);
    size_t count = 0;

    if (names == NULL) {
        walk->out_of_memory = true;
        return;
    }
    if (walk->answer.unapproved_count > 0)
        qsort(walk->answer.unapproved, walk->answer.unapproved_count, sizeof *names, compare_spans);
    for (size_t i = 0; i < walk->answer.unapproved_count; i++)
        if (i == 0 || !apv_span_equal(walk->answer.unapproved[i - 1], walk->answer.unapproved[i]))
            names[count++] = apv_clean_copy(walk, walk->answer.unapproved[i], 255);
    walk->answer.verdict->unapproved = names;
    walk->answer.verdict->unapproved_count = count;
}

bool
apv_validate(const apv_reader *reader, apv_value load, const apv_expected *expected,
             const apv_finding_sink *sink, apv_verdict **verdict, apv_err *err)
{
    owner *made = malloc(sizeof *made);
    const apv_finding_sink keep = {keep_finding, made};
    max_align_t first[1024]; /* enough for a return of twenty chunks and as many items */
    apv_arena scratch;
    apv_walk walk = {.reader = reader, .expected = expected, .scratch = &scratch};
    bool ok = false;

    if (made == NULL)
        return apv_fail_memory(err);
    apv_arena_start(&scratch, first, sizeof first);
    apv_arena_start(&made->arena, made->first, sizeof made->first);
    made->verdict = (apv_verdict){.verdict = APV_INVALID};
    made->findings = NULL;
    made->room = 0;
    walk.answer.kept = &made->arena;
    walk.answer.verdict = &made->verdict;
    walk.answer.sink = sink == NULL ? &keep : sink;
    if (!apv_slots_open(&walk.slots, expected, &scratch, err))
        goto done;
    if (sink == NULL) { /* room for those of one minion, as nearly all returns are of one */
        made->findings = apv_arena_take(&made->arena, expected->count, sizeof *made->findings);
        made->room = made->findings == NULL ? 0 : expected->count;
    }
    judge_all(&walk, load);
    keep_unapproved(&walk);
    if (walk.out_of_memory) {
        apv_fail_memory(err);
        goto done;
    }
    *verdict = &made->verdict;
    made = NULL;
    ok = true;

done:
    apv_arena_free(&scratch);
    if (made != NULL) {
        apv_arena_free(&made->arena);
        free(made);
    }
    return ok;
}

void
apv_verdict_free(apv_verdict **verdict)
{
    if (*verdict == NULL)
        return;
    owner *made = APV_CONTAINER_OF(*verdict, owner, verdict);
    apv_arena_free(&made->arena);
    free(made);
    *verdict = NULL;
}

/* A reader for bytes that nobody can read: everything is missing. */
static bool
judge_nothing(const apv_expected *expected, const apv_finding_sink *sink, apv_verdict **verdict,
              apv_err *err)
{
    const apv_span nil = {"\xC0", 1};
    apv_msgpack_reader msgpack;
    apv_value root;

    return apv_reader_msgpack(nil, &msgpack, &root, err) &&
           apv_validate(&msgpack.reader, root, expected, sink, verdict, err);
}

bool
apv_judge_msgpack(apv_span load, const apv_expected *expected, const apv_finding_sink *sink,
                  apv_verdict **verdict, apv_err *err)
{
    apv_err unreadable = APV_ERR_NONE;
    apv_msgpack_reader msgpack;
    apv_value root;

    if (!apv_reader_msgpack(load, &msgpack, &root, &unreadable))
        return judge_nothing(expected, sink, verdict, err);
    return apv_validate(&msgpack.reader, root, expected, sink, verdict, err);
}

bool
apv_judge_json(apv_span load, const apv_expected *expected, const apv_finding_sink *sink,
               apv_verdict **verdict, apv_err *err)
{
    apv_err unreadable = APV_ERR_NONE;
    apv_json_reader json;
    apv_value root;

    if (!apv_reader_json(load, &json, &root, &unreadable)) {
        if (unreadable.code == APV_ERR_MEMORY)
            return apv_fail_memory(err);
        return judge_nothing(expected, sink, verdict, err);
    }
    bool ok = apv_validate(&json.reader, root, expected, sink, verdict, err);
    apv_reader_json_close(&json);
    return ok;
}

bool
apv_validate_msgpack(apv_span load, const apv_expected *expected, apv_verdict **verdict,
                     apv_err *err)
{
    return apv_judge_msgpack(load, expected, NULL, verdict, err);
}

bool
apv_validate_json(apv_span load, const apv_expected *expected, apv_verdict **verdict, apv_err *err)
{
    return apv_judge_json(load, expected, NULL, verdict, err);
}
