/* validate_finding.c - what follows from what was seen, and the sentence for people. */
#include "validate_private.h"

#include "text.h"

#include <string.h>

#define NAME_SIZE_MAX 255
#define VALUE_SIZE_MAX 4096
#define DETAIL_SIZE_MAX 300
#define TEXT_SIZE 2048

/* A part of a sentence: words as they are, or what takes their place. */
typedef struct {
    enum { END, WORDS, NAME, OBSERVED, WANTED, DETAIL } is;
    apv_span words;
} part;

#define SAY(literal)                                                                               \
    {                                                                                              \
        WORDS, APV_WORD(literal)                                                                   \
    }
#define PUT(what)                                                                                  \
    {                                                                                              \
        .is = what                                                                                 \
    }

/* Each reason with its verdict and its sentence. */
static const struct {
    const char *name;
    apv_outcome verdict;
    part text[7]; /* END behind the last */
} reasons[APV_REASON_COUNT] = {
    [APV_REASON_NONE] = {"none", APV_UNPROVEN, {SAY("Nothing is known of "), PUT(NAME), SAY(".")}},
    [APV_REASON_OBSERVED] = {"observed",
                             APV_CONVERGED,
                             {PUT(NAME), SAY(" is installed in version "), PUT(OBSERVED),
                              SAY(", as approved.")}},
    [APV_REASON_AS_APPROVED] = {"observed",
                                APV_CONVERGED,
                                {PUT(NAME), SAY(" is "), PUT(OBSERVED), SAY(", as approved.")}},
    [APV_REASON_LATEST] = {"observed",
                           APV_CONVERGED,
                           {PUT(NAME), SAY(" is installed in the latest version, as approved.")}},
    [APV_REASON_ABSENT] = {"absent",
                           APV_CONVERGED,
                           {PUT(NAME), SAY(" is not installed, as approved.")}},
    [APV_REASON_PERFORMED] = {"performed",
                              APV_CONVERGED,
                              {SAY("Action "), PUT(NAME), SAY(" ran, and succeeded.")}},
    [APV_REASON_WRONG_VERSION] = {"wrong-version",
                                  APV_DRIFT,
                                  {PUT(NAME), SAY(" is installed in version "), PUT(OBSERVED),
                                   SAY("; approved is "), PUT(WANTED), SAY(".")}},
    [APV_REASON_WRONG_VALUE] = {"wrong-value",
                                APV_DRIFT,
                                {PUT(NAME), SAY(" is "), PUT(OBSERVED), SAY("; approved is "),
                                 PUT(WANTED), SAY(".")}},
    [APV_REASON_MISSING] = {"missing",
                            APV_DRIFT,
                            {PUT(NAME), SAY(" is not installed; approved is "), PUT(WANTED),
                             SAY(".")}},
    [APV_REASON_STILL_INSTALLED] = {"still-installed",
                                    APV_DRIFT,
                                    {PUT(NAME), SAY(" is installed; approved is its removal.")}},
    [APV_REASON_STATE_FAILED] = {"state-failed",
                                 APV_FAILED,
                                 {SAY("Salt reports that the state for "), PUT(NAME),
                                  SAY(" failed: "), PUT(DETAIL)}},
    [APV_REASON_REQUISITE_FAILED] = {"requisite-failed",
                                     APV_FAILED,
                                     {SAY("The state for "), PUT(NAME),
                                      SAY(" was not run, because one that it requires failed: "),
                                      PUT(DETAIL)}},
    [APV_REASON_COMPILE_ERROR] = {"compile-error",
                                  APV_FAILED,
                                  {SAY("No state was run, because they could not be compiled: "),
                                   PUT(DETAIL)}},
    [APV_REASON_JOB_FAILED] = {"job-failed", APV_FAILED, {SAY("The job failed: "), PUT(DETAIL)}},
    [APV_REASON_APPLY_FAILED] = {"apply-failed",
                                 APV_FAILED,
                                 {PUT(NAME), SAY(" could not be brought to "), PUT(WANTED),
                                  SAY(": "), PUT(DETAIL)}},
    [APV_REASON_CHECK_FAILED] = {"check-failed",
                                 APV_FAILED,
                                 {SAY("The check of "), PUT(NAME), SAY(" failed: "), PUT(DETAIL)}},
    [APV_REASON_ACTION_FAILED] = {"action-failed",
                                  APV_FAILED,
                                  {SAY("Action "), PUT(NAME), SAY(" ran, and failed: "),
                                   PUT(DETAIL)}},
    [APV_REASON_NOT_MENTIONED] = {"not-mentioned",
                                  APV_NOT_APPLIED,
                                  {SAY("The return says nothing of "), PUT(NAME), SAY(".")}},
    [APV_REASON_TEST_RUN] = {"test-run",
                             APV_NOT_APPLIED,
                             {SAY("It was a test run: nothing was changed for "), PUT(NAME),
                              SAY(".")}},
    [APV_REASON_NOT_RUN] = {"not-run",
                            APV_NOT_APPLIED,
                            {SAY("The state for "), PUT(NAME),
                             SAY(" was skipped: its conditions were not met.")}},
    [APV_REASON_REFUSED_RUNNING] = {"refused-running",
                                    APV_NOT_APPLIED,
                                    {SAY("The minion refused: another state run was under way.")}},
    [APV_REASON_REFUSED] = {"refused", APV_NOT_APPLIED, {SAY("The minion refused to run it.")}},
    [APV_REASON_QUEUED] = {"queued",
                           APV_NOT_APPLIED,
                           {SAY("The minion has put the job into its queue.")}},
    [APV_REASON_NOT_SYNCED] = {"not-synced",
                               APV_NOT_APPLIED,
                               {SAY("The minion does not have the module that looks: "
                                    "saltutil.sync_all, or a highstate, brings it.")}},
    [APV_REASON_NO_RETURN] = {"no-return", APV_NOT_APPLIED, {SAY("The minion has not returned.")}},
    [APV_REASON_NEVER_APPLIED] = {"never-applied",
                                  APV_NOT_APPLIED,
                                  {PUT(NAME), SAY(" is not as approved ("), PUT(WANTED),
                                   SAY("), and has not been applied here yet.")}},
    [APV_REASON_NO_VERSION] =
        {"no-version",
         APV_UNPROVEN,
         {PUT(NAME),
          SAY(" is installed, but the return doesn't say in which version; approved is "),
          PUT(WANTED), SAY(".")}},
    [APV_REASON_NOT_SHOWN] = {"not-shown",
                              APV_UNPROVEN,
                              {SAY("The return doesn't show what became of "), PUT(NAME),
                               SAY("; approved is "), PUT(WANTED), SAY(".")}},
    [APV_REASON_NO_EVIDENCE] = {"no-evidence",
                                APV_UNPROVEN,
                                {SAY("Only evidence can prove "), PUT(NAME),
                                 SAY(", and the return has none.")}},
    [APV_REASON_FORGED] = {"forged",
                           APV_UNPROVEN,
                           {SAY("The evidence for "), PUT(NAME),
                            SAY(" doesn't carry this minion's mac for this revision.")}},
    [APV_REASON_STALE_REVISION] = {"stale-revision",
                                   APV_UNPROVEN,
                                   {SAY("The evidence for "), PUT(NAME),
                                    SAY(" is of another revision of the approved state.")}},
    [APV_REASON_MALFORMED_EVIDENCE] = {"malformed-evidence",
                                       APV_UNPROVEN,
                                       {SAY("The evidence for "), PUT(NAME),
                                        SAY(" cannot be read.")}},
    [APV_REASON_PILLAR_OVERRIDE] =
        {"pillar-override",
         APV_UNPROVEN,
         {SAY("The run had pillar= or force= on its command line, so that it proves nothing of "),
          PUT(NAME), SAY(".")}},
};

static const char *
source_name(apv_source source)
{
    static const char *const names[] = {
        [APV_SOURCE_NONE] = "none",
        [APV_SOURCE_EVIDENCE] = "evidence",
        [APV_SOURCE_OBSERVATION] = "observation",
        [APV_SOURCE_CHANGES] = "changes",
        [APV_SOURCE_RETURN] = "return",
        [APV_SOURCE_FUN_ARGS] = "fun_args",
    };
    return names[source];
}

/* ---- what follows ---- */

static apv_reason
conclude_value(const apv_slot *slot)
{
    bool package = slot->kind == APV_KIND_PACKAGE, absent = slot->seen == APV_SEEN_ABSENT;

    switch (apv_slot_match(slot, slot->observed)) {
    case APV_MATCH_YES:
        if (slot->kind == APV_KIND_ACTION)
            return APV_REASON_PERFORMED;
        if (absent)
            return APV_REASON_ABSENT;
        return package ? APV_REASON_OBSERVED : APV_REASON_AS_APPROVED;
    case APV_MATCH_UNKNOWN:
        return APV_REASON_NOT_SHOWN;
    case APV_MATCH_NO:
        break;
    }
    if (slot->unapplied)
        return APV_REASON_NEVER_APPLIED;
    if (absent)
        return APV_REASON_MISSING;
    if (slot->item->value.data == NULL)
        return APV_REASON_STILL_INSTALLED;
    return package ? APV_REASON_WRONG_VERSION : APV_REASON_WRONG_VALUE;
}

static apv_reason
conclude(const apv_walk *walk, const apv_slot *slot, apv_reason nothing)
{
    apv_span wanted = slot->item->value;

    switch (slot->seen) {
    case APV_SEEN_FAILED:
    case APV_SEEN_SKIPPED:
        return slot->reason;
    case APV_SEEN_VALUE:
    case APV_SEEN_ABSENT:
        return conclude_value(slot);
    case APV_SEEN_PRESENT:
    case APV_SEEN_LATEST:
        if (wanted.data == NULL)
            return APV_REASON_STILL_INSTALLED;
        if (slot->seen == APV_SEEN_LATEST && apv_span_is(wanted, "latest"))
            return APV_REASON_LATEST;
        return APV_REASON_NO_VERSION;
    case APV_SEEN_MENTIONED:
        return slot->kind == APV_KIND_ACTION ? APV_REASON_NO_EVIDENCE : APV_REASON_NOT_SHOWN;
    case APV_SEEN_NOTHING:
        break;
    }
    if (nothing != APV_REASON_NOT_MENTIONED)
        return nothing;
    if (walk->run.taint != APV_REASON_NONE)
        return walk->run.taint;
    if (slot->kind == APV_KIND_PACKAGE && walk->run.unattributed)
        return APV_REASON_STATE_FAILED;
    if (slot->kind == APV_KIND_VALUE || slot->kind == APV_KIND_ACTION)
        return APV_REASON_NO_EVIDENCE;
    if (slot->kind == APV_KIND_PACKAGE && walk->run.undisclosed)
        return APV_REASON_NOT_SHOWN;
    return walk->run.terse ? APV_REASON_NOT_SHOWN : APV_REASON_NOT_MENTIONED;
}

/* ---- texts ---- */

/* Whether any of eight bytes is below ' ' or 0x7F. */
static bool
has_control(uint64_t eight)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), high = ones * 0x80;
    uint64_t deleted = eight ^ ones * 0x7F;

    /* A byte that is below n, or 0, borrows from its highest bit. */
    return (((eight - ones * ' ') & ~eight) | ((deleted - ones) & ~deleted)) & high;
}

/* Where the first control character stands, or the size. */
static size_t
clean_size(apv_span text)
{
    size_t i = 0;

    if (text.size >= sizeof(uint64_t)) {
        uint64_t eight;
        for (; text.size - i > sizeof eight; i += sizeof eight) {
            memcpy(&eight, text.data + i, sizeof eight);
            if (has_control(eight))
                break;
        }
        /* The last eight, some of them again. */
        memcpy(&eight, text.data + text.size - sizeof eight, sizeof eight);
        if (text.size - i <= sizeof eight && !has_control(eight))
            return text.size;
    }
    while (i < text.size && (unsigned char)text.data[i] >= ' ' && text.data[i] != 0x7F)
        i++;
    return i;
}

apv_span
apv_clean_copy(apv_walk *walk, apv_span text, size_t max_size)
{
    apv_span copy;

    text.size = apv_utf8_truncate(text.data, text.size, max_size);
    if (!apv_arena_copy(walk->answer.kept, text, &copy)) {
        walk->out_of_memory = true;
        return APV_NO_SPAN;
    }
    char *data = (char *)copy.data;
    for (size_t i = clean_size(copy); i < copy.size; i++)
        if ((unsigned char)data[i] < ' ' || data[i] == 0x7F)
            data[i] = ' ';
    return copy;
}

/* As apv_clean_copy, but the text itself where it is clean. */
static apv_span
clean(apv_walk *walk, apv_span text, size_t max_size)
{
    if (text.size <= max_size && clean_size(text) == text.size)
        return text;
    return apv_clean_copy(walk, text, max_size);
}

typedef struct {
    char data[TEXT_SIZE];
    size_t size;
} sentence;

static void
append(sentence *to, apv_span text, size_t max_size)
{
    size_t room = TEXT_SIZE - to->size;

    if (max_size > room)
        max_size = room;
    if (text.size > max_size)
        text.size = apv_utf8_truncate(text.data, text.size, max_size);
    if (text.size > 0)
        memcpy(to->data + to->size, text.data, text.size);
    to->size += text.size;
}

/* Salt's words in one line. */
static void
append_detail(sentence *to, apv_span detail)
{
    size_t start = to->size;
    char *at = to->data + start, *end = at + DETAIL_SIZE_MAX;
    bool blank = true; /* none at the start */

    detail.size = apv_utf8_truncate(detail.data, detail.size, 4 * DETAIL_SIZE_MAX);
    for (size_t i = 0; i < detail.size && at < end; i++) {
        unsigned char c = (unsigned char)detail.data[i];
        bool more = c <= ' ' || c == 0x7F;
        if (!more)
            *at++ = (char)c;
        else if (!blank)
            *at++ = ' ';
        blank = more;
    }
    to->size = (size_t)(at - to->data);
    /* Not through the middle of a character, nor with a blank at the end. */
    to->size = start + apv_utf8_whole(to->data + start, to->size - start);
    while (to->size > start && to->data[to->size - 1] == ' ')
        to->size--;
    if (to->size == start)
        append(to, apv_span_of("no reason given."), DETAIL_SIZE_MAX);
}

/* Writes the sentence of a finding, whose other texts are clean already, and its note. */
static void
write_sentence(sentence *made, const apv_finding *finding, apv_reason reason, apv_span detail,
               apv_span note)
{
    static const apv_span removal = APV_WORD("its removal");

    made->size = 0;
    for (const part *at = reasons[reason].text; at->is != END; at++)
        switch (at->is) {
        case NAME:
            append(made, finding->name, NAME_SIZE_MAX);
            break;
        case OBSERVED:
            append(made, finding->observed, NAME_SIZE_MAX);
            break;
        case WANTED:
            append(made, finding->expected.data == NULL ? removal : finding->expected,
                   NAME_SIZE_MAX);
            break;
        case DETAIL:
            append_detail(made, detail);
            break;
        default:
            append(made, at->words, TEXT_SIZE);
        }
    if (note.data != NULL) {
        append(made, apv_span_of(" But note: "), TEXT_SIZE);
        append_detail(made, note);
    }
}

/* ---- findings ---- */

/* Of a converged finding: what is wrong with its proof, or the reason as it was. */
static apv_reason
doubt(const apv_walk *walk, const apv_slot *slot, apv_reason reason)
{
    if (reasons[reason].verdict != APV_CONVERGED)
        return reason;
    if (walk->run.taint != APV_REASON_NONE)
        return walk->run.taint;
    return slot->overridden ? APV_REASON_PILLAR_OVERRIDE : reason;
}

static apv_span
kind_text(apv_walk *walk, const apv_slot *slot)
{
    switch (slot->kind) {
    case APV_KIND_PACKAGE:
        return apv_span_of("package");
    case APV_KIND_SERVICE:
        return apv_span_of("service");
    case APV_KIND_VALUE:
        return apv_span_of("value");
    case APV_KIND_ACTION:
        break;
    }
    return clean(walk, slot->item->kind, NAME_SIZE_MAX);
}

void
apv_findings_write(apv_walk *walk, apv_reason nothing)
{
    const apv_finding_sink *sink = walk->answer.sink;
    apv_span minion = apv_clean_copy(walk, walk->run.minion, NAME_SIZE_MAX);
    sentence text;

    for (size_t i = 0; i < walk->slots.count && !walk->out_of_memory; i++) {
        const apv_slot *slot = &walk->slots.items[i];
        const apv_item *item = slot->item;
        apv_reason reason = doubt(walk, slot, conclude(walk, slot, nothing));
        apv_finding finding = {
            .item = item,
            .minion = minion,
            .kind = kind_text(walk, slot),
            .name = clean(walk, item->name, NAME_SIZE_MAX),
            .verdict = reasons[reason].verdict,
            .reason = reasons[reason].name,
            .source = source_name(slot->source),
            .expected = clean(walk, item->value, VALUE_SIZE_MAX),
        };
        /* Mostly it is what was expected. */
        if (item->value.data != NULL && slot->observed.data != NULL &&
            apv_span_equal(slot->observed, item->value))
            finding.observed = finding.expected;
        else
            finding.observed = clean(walk, slot->observed, VALUE_SIZE_MAX);
        write_sentence(&text, &finding, reason,
                       slot->seen == APV_SEEN_FAILED ? slot->detail : walk->run.unattributed_detail,
                       slot->note);
        finding.text = (apv_span){text.data, text.size};
        walk->answer.outcomes[finding.verdict]++;
        if (!sink->take(sink->arg, &finding))
            walk->out_of_memory = true;
    }
}
