/* test_validate.c - the validator on real returns (tests/cases), on shapes written by
 * hand (tests/vectors/returns.json), and on evidence. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "evidence.h"
#include "failing_alloc.h"
#include "support.h"
#include "text.h"
#include "validate.h"
#include "value_msgpack.h"

#define ITEMS_MAX 64

static json_t *
read_json(const char *path)
{
    apv_span text = support_read(path);
    json_t *value = json_loadb(text.data, text.size, 0, NULL);

    free((char *)text.data);
    assert_non_null(value);
    return value;
}

static apv_span
span_of(json_t *text)
{
    if (!json_is_string(text))
        return APV_NO_SPAN;
    return (apv_span){json_string_value(text), json_string_length(text)};
}

/* What is expected, borrowed from JSON of the shape that Python takes. */
typedef struct {
    apv_expected expected;
    apv_item items[ITEMS_MAX];
    unsigned char key[APV_EVIDENCE_KEY_SIZE];
} expectation;

static void
expectation_read(json_t *json, expectation *made)
{
    static const struct {
        const char *section, *kind;
    } sections[] = {
        {"packages", "package"},
        {"services", "service"},
        {"values", "value"},
        {"actions", "action"},
    };

    *made = (expectation){.expected = {.items = made->items}};
    for (size_t i = 0; i < sizeof sections / sizeof *sections; i++) {
        const char *name;
        json_t *value;
        json_object_foreach (json_object_get(json, sections[i].section), name, value) {
            assert_true(made->expected.count < ITEMS_MAX);
            made->items[made->expected.count++] = (apv_item){
                .kind = apv_span_of(sections[i].kind),
                .name = apv_span_of(name),
                .value = json_is_object(value) ? apv_span_of("") : span_of(value),
            };
        }
    }
    made->expected.minion = span_of(json_object_get(json, "minion"));
    made->expected.digest = span_of(json_object_get(json, "digest"));
    made->expected.has_revision = json_object_get(json, "revision") != NULL;
    made->expected.revision = json_integer_value(json_object_get(json, "revision"));
    json_t *key = json_object_get(json, "evidence_key");
    if (key != NULL) {
        assert_true(apv_evidence_key_parse(span_of(key), made->key));
        made->expected.evidence_key = made->key;
    }
}

static const apv_finding *
finding_of(const apv_verdict *verdict, const char *name)
{
    for (size_t i = 0; i < verdict->finding_count; i++)
        if (apv_span_is(verdict->findings[i].name, name))
            return &verdict->findings[i];
    fail_msg("no finding for %s", name);
    return NULL;
}

static void
assert_same_span(apv_span a, apv_span b)
{
    assert_int_equal(a.data == NULL, b.data == NULL);
    assert_true(apv_span_equal(a, b));
}

static void
assert_same(const apv_verdict *a, const apv_verdict *b)
{
    assert_int_equal(a->verdict, b->verdict);
    assert_int_equal(a->authenticated, b->authenticated);
    assert_int_equal(a->has_revision, b->has_revision);
    assert_int_equal(a->revision, b->revision);
    assert_int_equal(a->finding_count, b->finding_count);
    for (size_t i = 0; i < a->finding_count; i++) {
        const apv_finding *left = &a->findings[i], *right = &b->findings[i];
        assert_int_equal(left->verdict, right->verdict);
        assert_string_equal(left->reason, right->reason);
        assert_string_equal(left->source, right->source);
        assert_same_span(left->minion, right->minion);
        assert_same_span(left->name, right->name);
        assert_same_span(left->observed, right->observed);
        assert_same_span(left->text, right->text);
        assert_true(apv_utf8_valid(left->text.data, left->text.size));
    }
    assert_int_equal(a->unapproved_count, b->unapproved_count);
    for (size_t i = 0; i < a->unapproved_count; i++)
        assert_same_span(a->unapproved[i], b->unapproved[i]);
}

/* ---- real returns ---- */

static bool
holds(json_t *list, const char *word)
{
    json_t *element;
    size_t index;

    json_array_foreach (list, index, element)
        if (strcmp(json_string_value(element), word) == 0)
            return true;
    return false;
}

static apv_verdict *
judge_file(const char *file, bool msgpack, const apv_expected *expected)
{
    char path[300];
    apv_err err = APV_ERR_NONE;
    apv_verdict *verdict = NULL;

    snprintf(path, sizeof path, "tests/cases/%s", file);
    apv_span load = support_read(path);
    assert_true(msgpack ? apv_validate_msgpack(load, expected, &verdict, &err)
                        : apv_validate_json(load, expected, &verdict, &err));
    free((char *)load.data);
    return verdict;
}

static void
test_cases(void **state)
{
    json_t *index = read_json("tests/cases/index.json"), *given;
    size_t i;

    (void)state;
    json_array_foreach (json_object_get(index, "cases"), i, given) {
        const char *id = json_string_value(json_object_get(given, "id"));
        json_t *wanted = json_pack("{s:O}", "packages", json_object_get(given, "approved"));
        expectation made;
        expectation_read(wanted, &made);
        apv_verdict *packed =
            judge_file(json_string_value(json_object_get(given, "msgpack")), true, &made.expected);
        apv_verdict *text =
            judge_file(json_string_value(json_object_get(given, "file")), false, &made.expected);
        const char *got = apv_outcome_name(packed->verdict);

        if (holds(json_object_get(given, "must_not"), got))
            fail_msg("%s: %s, which it must not be", id, got);
        if (strcmp(got, json_string_value(json_object_get(given, "verdict"))) != 0 &&
            !holds(json_object_get(given, "also_acceptable"), got) &&
            (packed->verdict != APV_UNPROVEN ||
             json_is_true(json_object_get(given, "decidable_from_return"))))
            fail_msg("%s: %s", id, got);
        /* Captured output stands in msgpack without what was captured around it. */
        if (strcmp(json_string_value(json_object_get(given, "source")), "CLI output") != 0)
            assert_same(packed, text);
        apv_verdict_free(&packed);
        apv_verdict_free(&text);
        assert_null(text);
        json_decref(wanted);
    }
    json_decref(index);
}

/* ---- shapes by hand ---- */

static void
check_shape(json_t *shape)
{
    const char *name = json_string_value(json_object_get(shape, "name")), *resource;
    char *text = json_dumps(json_object_get(shape, "load"), JSON_ENCODE_ANY);
    apv_span load = support_pack(text);
    apv_verdict *packed = NULL, *parsed = NULL;
    apv_err err = APV_ERR_NONE;
    expectation made;
    json_t *reason;

    expectation_read(json_object_get(shape, "expected"), &made);
    assert_true(apv_validate_msgpack(load, &made.expected, &packed, &err));
    assert_true(apv_validate_json(apv_span_of(text), &made.expected, &parsed, &err));
    const char *got = apv_outcome_name(packed->verdict);
    if (strcmp(got, json_string_value(json_object_get(shape, "verdict"))) != 0)
        fail_msg("%s: %s", name, got);
    json_object_foreach (json_object_get(shape, "reasons"), resource, reason) {
        const apv_finding *finding = finding_of(packed, resource);
        if (strcmp(finding->reason, json_string_value(reason)) != 0)
            fail_msg("%s: %s: %s", name, resource, finding->reason);
    }
    assert_same(packed, parsed);
    apv_verdict_free(&packed);
    apv_verdict_free(&parsed);
    free((char *)load.data);
    free(text);
}

static void
test_shapes(void **state)
{
    json_t *shapes = read_json("tests/vectors/returns.json"), *shape;
    size_t index;

    (void)state;
    json_array_foreach (shapes, index, shape)
        check_shape(shape);
    json_decref(shapes);
}

/* ---- evidence ---- */

#define KEY "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

/* A return with evidence of a state in msgpack. mac: NULL to sign it with KEY. chunk: more
 * fields of the chunk, observed and errors: JSON objects. */
static apv_span
evidence_of(const char *fun, const char *chunk, const char *args, const char *minion, int revision,
            const char *observed, const char *errors, const char *mac)
{
    char evidence[2000], load[4000], made[APV_MAC_SIZE];
    static const char format[] =
        "{\"format\":2,\"minion\":\"%s\",\"revision\":%d,\"digest\":\"sha256:d\","
        "\"run_id\":\"r1\",\"boot_id\":\"b1\",\"observed\":%s,"
        "\"before\":{\"packages\":{\"a\":\"0\"}},\"errors\":%s,"
        "\"notes\":{\"packages\":{\"b\":\"noted\"}},\"mac\":\"%s\"}";

    if (mac == NULL) {
        unsigned char key[APV_EVIDENCE_KEY_SIZE];
        apv_err err = APV_ERR_NONE;
        apv_msgpack_reader bytes_reader;
        const apv_reader *reader = &bytes_reader.reader;
        apv_value root;
        snprintf(evidence, sizeof evidence, format, minion, revision, observed, errors, "");
        apv_span packed = support_pack(evidence);
        assert_true(apv_evidence_key_parse(apv_span_of(KEY), key));
        assert_true(apv_reader_msgpack(packed, &bytes_reader, &root, &err));
        assert_true(apv_evidence_mac(reader, root, key, made, &err));
        free((char *)packed.data);
        mac = made;
    }
    snprintf(evidence, sizeof evidence, format, minion, revision, observed, errors, mac);
    if (strcmp(fun, "observe") == 0) {
        snprintf(load, sizeof load,
                 "{\"id\":\"m1\",\"jid\":\"20261122154734375006\",\"fun\":\"approval.observe\","
                 "\"fun_args\":%s,\"retcode\":0,\"success\":true,\"return\":%s}",
                 args, evidence);
        return support_pack(load);
    }
    snprintf(load, sizeof load,
             "{\"id\":\"m1\",\"jid\":\"20261122154734375006\",\"fun\":\"state.apply\","
             "\"fun_args\":%s,\"retcode\":0,\"success\":true,\"return\":{"
             "\"approval_|-approval_|-approval_|-%s\":{\"name\":\"approval\","
             "\"changes\":{},\"comment\":\"words\",%s,\"__run_num__\":3,\"approval\":%s}}}",
             args, fun, chunk, evidence);
    return support_pack(load);
}

static apv_span
evidence_load(const char *chunk, const char *args, const char *minion, int revision,
              const char *observed, const char *errors, const char *mac)
{
    return evidence_of("converged", chunk, args, minion, revision, observed, errors, mac);
}

/* What the last verdict of judge_evidence borrows from. */
static json_t *judged;

static int
forget_judged(void **state)
{
    (void)state;
    json_decref(judged);
    judged = NULL;
    return 0;
}

/* Judges such a return: expected are revision 7, package a in version 1, b absent. The
 * verdict is good until the next call. */
static apv_verdict *
judge_evidence(apv_span load, const char *more)
{
    char text[1000];
    apv_err err = APV_ERR_NONE;
    apv_verdict *verdict = NULL;
    expectation made;

    snprintf(text, sizeof text, "{\"packages\":{\"a\":\"1\",\"b\":null}%s}", more);
    json_decref(judged);
    judged = json_loads(text, 0, NULL);
    assert_non_null(judged);
    expectation_read(judged, &made);
    assert_true(apv_validate_msgpack(load, &made.expected, &verdict, &err));
    free((char *)load.data);
    return verdict;
}

#define EXPECTED                                                                                   \
    ",\"minion\":\"m1\",\"revision\":7,\"digest\":\"sha256:d\",\"evidence_key\":\"" KEY "\""
#define REACHED "{\"packages\":{\"a\":\"1\",\"b\":null}}"
#define TRUE_CHUNK "\"result\":true"

static void
test_evidence_authenticates(void **state)
{
    apv_verdict *verdict =
        judge_evidence(evidence_load(TRUE_CHUNK, "[]", "m1", 7, REACHED, "{}", NULL), EXPECTED);

    (void)state;
    assert_int_equal(verdict->verdict, APV_CONVERGED);
    assert_true(verdict->authenticated);
    assert_true(verdict->has_revision);
    assert_int_equal(verdict->revision, 7);
    assert_true(apv_span_is(verdict->run_id, "r1"));
    assert_true(apv_span_is(verdict->boot_id, "b1"));
    assert_int_equal(verdict->before_count, 1);
    assert_true(apv_span_is(verdict->before[0].name, "a"));
    assert_true(apv_span_is(verdict->before[0].value, "0"));
    assert_string_equal(finding_of(verdict, "a")->source, "evidence");
    assert_true(apv_span_is(finding_of(verdict, "b")->text,
                            "b is not installed, as approved. But note: noted"));
    apv_verdict_free(&verdict);
}

static void
test_evidence_that_proves_nothing(void **state)
{
    static const struct {
        const char *chunk, *args, *minion;
        int revision;
        const char *mac, *expected, *reason;
        apv_outcome verdict;
    } cases[] = {
        {TRUE_CHUNK, "[]", "m1", 7, "", EXPECTED, "forged", APV_UNPROVEN},
        {TRUE_CHUNK, "[]", "m1", 7,
         "0000000000000000000000000000000000000000000000000000000000000000", EXPECTED, "forged",
         APV_UNPROVEN},
        {TRUE_CHUNK, "[]", "m2", 7, NULL, EXPECTED, "forged", APV_UNPROVEN},
        {TRUE_CHUNK, "[]", "m1", 6, NULL, EXPECTED, "stale-revision", APV_UNPROVEN},
        {TRUE_CHUNK, "[]", "m1", 7, NULL,
         ",\"revision\":7,\"digest\":\"sha256:e\",\"evidence_key\":\"" KEY "\"", "forged",
         APV_UNPROVEN},
        {TRUE_CHUNK, "[{\"__kwarg__\":true,\"pillar\":{}}]", "m1", 7, NULL, EXPECTED,
         "pillar-override", APV_UNPROVEN},
        {TRUE_CHUNK, "[{\"__kwarg__\":true,\"test\":true}]", "m1", 7, NULL, EXPECTED, "test-run",
         APV_NOT_APPLIED},
        {"\"result\":null", "[]", "m1", 7, NULL, EXPECTED, "test-run", APV_NOT_APPLIED},
        {TRUE_CHUNK, "[]", "m1", -7, "", EXPECTED, "malformed-evidence", APV_UNPROVEN},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        apv_verdict *verdict =
            judge_evidence(evidence_load(cases[i].chunk, cases[i].args, cases[i].minion,
                                         cases[i].revision, REACHED, "{}", cases[i].mac),
                           cases[i].expected);
        assert_int_equal(verdict->verdict, cases[i].verdict);
        assert_false(verdict->authenticated);
        assert_string_equal(finding_of(verdict, "a")->reason, cases[i].reason);
        apv_verdict_free(&verdict);
    }
}

static void
test_evidence_without_a_key_is_a_claim(void **state)
{
    apv_verdict *verdict = judge_evidence(
        evidence_load(TRUE_CHUNK, "[]", "m1", 7, REACHED, "{}", ""), ",\"revision\":7");

    (void)state;
    assert_int_equal(verdict->verdict, APV_CONVERGED);
    assert_false(verdict->authenticated);
    apv_verdict_free(&verdict);
}

static void
test_evidence_beats_result(void **state)
{
    static const struct {
        const char *chunk, *observed, *errors;
        apv_outcome verdict;
        const char *reason;
    } cases[] = {
        {TRUE_CHUNK, "{\"packages\":{\"a\":\"2\",\"b\":null}}", "{}", APV_DRIFT, "wrong-version"},
        {TRUE_CHUNK, "{\"packages\":{\"a\":null,\"b\":null}}", "{}", APV_DRIFT, "missing"},
        {"\"result\":false", REACHED, "{}", APV_CONVERGED, "observed"},
        {"\"result\":false", "{\"packages\":{\"a\":\"2\",\"b\":null}}", "{}", APV_PARTIAL,
         "state-failed"},
        {"\"result\":false", "{\"packages\":{\"a\":null,\"b\":null}}",
         "{\"packages\":{\"a\":\"E: not found\"}}", APV_PARTIAL, "apply-failed"},
        {TRUE_CHUNK, REACHED, "{\"packages\":{\"a\":\"it died\"}}", APV_PARTIAL, "apply-failed"},
        {TRUE_CHUNK, "{\"packages\":{\"b\":null}}", "{}", APV_UNPROVEN, "not-shown"},
        {"\"result\":false", "{\"packages\":{\"b\":null}}", "{}", APV_PARTIAL, "state-failed"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        apv_verdict *verdict = judge_evidence(
            evidence_load(cases[i].chunk, "[]", "m1", 7, cases[i].observed, cases[i].errors, NULL),
            EXPECTED);
        assert_int_equal(verdict->verdict, cases[i].verdict);
        assert_true(verdict->authenticated);
        assert_string_equal(finding_of(verdict, "a")->reason, cases[i].reason);
        apv_verdict_free(&verdict);
    }
}

static void
test_forged_evidence_taints_the_return(void **state)
{
    static const char load[] =
        "{\"id\":\"m1\",\"fun\":\"state.apply\",\"return\":{"
        "\"pkg_|-a_|-a_|-installed\":{\"name\":\"a\",\"result\":true,\"comment\":\"\","
        "\"changes\":{\"a\":{\"old\":\"\",\"new\":\"1\"}},\"__run_num__\":0},"
        "\"pkg_|-b_|-b_|-removed\":{\"name\":\"b\",\"result\":true,\"comment\":\"\","
        "\"changes\":{\"b\":{\"old\":\"1\",\"new\":\"\"}},\"__run_num__\":1},"
        "\"approval_|-approval_|-approval_|-converged\":{\"name\":\"approval\",\"result\":true,"
        "\"changes\":{},\"comment\":\"\",\"__run_num__\":2,\"approval\":{\"format\":1,"
        "\"minion\":\"m1\",\"revision\":7,\"digest\":\"sha256:d\",\"run_id\":\"r\","
        "\"boot_id\":\"b\",\"observed\":{},\"mac\":\"no\"}}}}";
    apv_verdict *verdict = judge_evidence(support_pack(load), EXPECTED);

    (void)state;
    assert_int_equal(verdict->verdict, APV_UNPROVEN);
    assert_string_equal(finding_of(verdict, "a")->reason, "forged");
    apv_verdict_free(&verdict);
}

static void
test_evidence_of_a_check(void **state)
{
    static const struct {
        const char *fun, *chunk, *observed, *verdict, *source;
    } cases[] = {
        {"observed", TRUE_CHUNK, REACHED, "observed", "observation"},
        /* before names package a, so that it was applied once, and not b */
        {"observed", "\"result\":false", "{\"packages\":{\"a\":\"2\",\"b\":null}}", "wrong-version",
         "observation"},
        {"observed", "\"result\":false", "{\"packages\":{\"a\":\"1\",\"b\":\"1\"}}", "observed",
         "observation"},
        {"observed", "\"result\":false", "{\"packages\":{\"b\":null}}", "not-shown", "none"},
        {"observed", "\"result\":false", "{\"packages\":{},\"starts\":{\"a\":\"1\"}}", "not-shown",
         "none"},
        {"performed", TRUE_CHUNK, REACHED, "not-mentioned", "none"},
        {"other", TRUE_CHUNK, REACHED, "not-mentioned", "none"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        apv_verdict *verdict = judge_evidence(
            evidence_of(cases[i].fun, cases[i].chunk, "[]", "m1", 7, cases[i].observed, "{}", NULL),
            EXPECTED);
        assert_string_equal(finding_of(verdict, "a")->reason, cases[i].verdict);
        assert_string_equal(finding_of(verdict, "a")->source, cases[i].source);
        if (i == 2) {
            assert_string_equal(finding_of(verdict, "b")->reason, "never-applied");
            assert_int_equal(finding_of(verdict, "b")->verdict, APV_NOT_APPLIED);
        }
        apv_verdict_free(&verdict);
    }
}

/* Evidence of performed for the actions 17 and 18. */
#define ACTIONS(outcome)                                                                           \
    "{\"actions\":{\"17\":" outcome ",\"18\":\"{\\\"retcode\\\":0,\\\"success\\\":true}\"}}"

/* approval.observe returns what approval.observed has in its chunk. */
static void
test_evidence_as_a_return(void **state)
{
#define OTHERWISE "{\"packages\":{\"a\":\"2\"}}"
    static const struct {
        const char *args, *minion, *observed, *mac;
        int revision;
        apv_outcome verdict;
        bool authenticated;
        const char *reason;
    } cases[] = {
        {"[]", "m1", REACHED, NULL, 7, APV_CONVERGED, true, "observed"},
        {"[]", "m1", OTHERWISE, NULL, 7, APV_DRIFT, true, "wrong-version"},
        {"[]", "m1", "{\"packages\":{\"b\":null}}", NULL, 7, APV_UNPROVEN, true, "not-shown"},
        {"[{\"__kwarg__\":true,\"pillar_key\":\"k\"}]", "m1", REACHED, NULL, 7, APV_CONVERGED, true,
         "observed"},
        {"[]", "m2", OTHERWISE, NULL, 7, APV_UNPROVEN, false, "forged"},
        {"[]", "m1", OTHERWISE, "0", 7, APV_UNPROVEN, false, "forged"},
        {"[]", "m1", OTHERWISE, NULL, 6, APV_UNPROVEN, false, "stale-revision"},
        {"[]", "m1", "[]", "0", 7, APV_UNPROVEN, false, "malformed-evidence"},
        {"[{\"__kwarg__\":true,\"test\":true}]", "m1", OTHERWISE, NULL, 7, APV_NOT_APPLIED, false,
         "test-run"},
        {"[\"test=True\"]", "m1", REACHED, NULL, 7, APV_NOT_APPLIED, false, "test-run"},
        {"[{\"__kwarg__\":true,\"pillar\":{\"a\":1}}]", "m1", REACHED, NULL, 7, APV_UNPROVEN, false,
         "pillar-override"},
        {"[\"force=True\"]", "m1", OTHERWISE, NULL, 7, APV_UNPROVEN, false, "pillar-override"},
    };
#undef OTHERWISE

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        apv_verdict *verdict =
            judge_evidence(evidence_of("observe", "", cases[i].args, cases[i].minion,
                                       cases[i].revision, cases[i].observed, "{}", cases[i].mac),
                           EXPECTED);
        const apv_finding *finding = finding_of(verdict, "a");
        assert_int_equal(verdict->verdict, cases[i].verdict);
        assert_int_equal(verdict->authenticated, cases[i].authenticated);
        assert_string_equal(finding->reason, cases[i].reason);
        if (cases[i].authenticated && cases[i].verdict != APV_UNPROVEN)
            assert_string_equal(finding->source, "observation");
        apv_verdict_free(&verdict);
    }
}

static void
test_a_check_without_evidence(void **state)
{
    static const struct {
        const char *ret;
        apv_outcome verdict;
        const char *reason;
    } cases[] = {
        {"\"'approval.observe' is not available.\"", APV_NOT_APPLIED, "not-synced"},
        {"\"ERROR: 'approval.observed' is not available.\"", APV_NOT_APPLIED, "not-synced"},
        {"\"ERROR: Nothing was read: the approved state is refused\"", APV_NOT_APPLIED, "refused"},
        {"\"Minion in blackout mode.\"", APV_NOT_APPLIED, "refused"},
        {"\"Minion did not return. [No response]\"", APV_NOT_APPLIED, "no-return"},
        {"false", APV_NOT_APPLIED, "refused"},
        {"{}", APV_UNPROVEN, "malformed-evidence"},
        {"{\"approval_|-a_|-a_|-observed\":{\"result\":true}}", APV_UNPROVEN, "malformed-evidence"},
        {"\"VALUE_TRIMMED\"", APV_INVALID, "not-mentioned"},
    };
    char load[500];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        snprintf(load, sizeof load,
                 "{\"id\":\"m1\",\"fun\":\"approval.observe\",\"fun_args\":[],\"retcode\":1,"
                 "\"success\":false,\"return\":%s}",
                 cases[i].ret);
        apv_verdict *verdict = judge_evidence(support_pack(load), EXPECTED);
        assert_int_equal(verdict->verdict, cases[i].verdict);
        assert_false(verdict->authenticated);
        assert_string_equal(finding_of(verdict, "a")->reason, cases[i].reason);
        apv_verdict_free(&verdict);
    }
}

static void
test_evidence_of_an_action(void **state)
{
    static const struct {
        const char *actions, *reason, *text;
    } cases[] = {
        {ACTIONS("\"{\\\"retcode\\\":0,\\\"return\\\":null,\\\"success\\\":true}\""), "performed",
         "Action 17 ran, and succeeded."},
        {ACTIONS("\"{\\\"retcode\\\":0,\\\"return\\\":\\\"no\\\",\\\"success\\\":false}\""),
         "action-failed", "Action 17 ran, and failed: no"},
        {ACTIONS("\"{\\\"retcode\\\":2,\\\"success\\\":true}\""), "action-failed",
         "Action 17 ran, and failed: {\"retcode\":2,\"success\":true}"},
        {ACTIONS("\"{\\\"retcode\\\":0,\\\"success\\\":1}\""), "no-evidence", NULL},
        {ACTIONS("\"{\\\"success\\\":true}\""), "no-evidence", NULL},
        {ACTIONS("\"[]\""), "no-evidence", NULL},
        {ACTIONS("\"{\""), "no-evidence", NULL},
        {ACTIONS("null"), "no-evidence", NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        apv_verdict *verdict = judge_evidence(evidence_of("performed", "\"result\":false", "[]",
                                                          "m1", 7, cases[i].actions, "{}", NULL),
                                              EXPECTED ",\"actions\":{\"17\":{},\"18\":{}}");
        const apv_finding *finding = finding_of(verdict, "17");
        assert_string_equal(finding->reason, cases[i].reason);
        if (cases[i].text != NULL)
            assert_true(apv_span_is(finding->text, cases[i].text));
        assert_string_equal(finding_of(verdict, "18")->reason, "performed");
        assert_string_equal(finding_of(verdict, "a")->reason, "not-mentioned");
        apv_verdict_free(&verdict);
    }
}

/* ---- expectations, memory, size ---- */

static void
test_refuses_unusable_expectations(void **state)
{
    const apv_item package = {.kind = apv_span_of("package"), .name = apv_span_of("a")};
    const apv_item twice[] = {package, package};
    const apv_item nameless = {.kind = apv_span_of("package"), .name = apv_span_of("")};
    const apv_expected bad[] = {{.items = twice, .count = 2}, {.items = &nameless, .count = 1}};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        apv_err err = APV_ERR_NONE;
        apv_verdict *verdict = NULL;
        assert_false(apv_validate_json(apv_span_of("{}"), &bad[i], &verdict, &err));
        assert_int_equal(err.code, APV_ERR_INVALID);
        assert_null(verdict);
    }
}

static void
test_unreadable_bytes_are_invalid(void **state)
{
    const apv_item item = {
        .kind = apv_span_of("package"), .name = apv_span_of("a"), .value = apv_span_of("1")};
    const apv_expected expected = {.items = &item, .count = 1};
    apv_err err = APV_ERR_NONE;
    apv_verdict *verdict = NULL;

    (void)state;
    assert_true(apv_validate_msgpack(apv_span_of("\x92"), &expected, &verdict, &err));
    assert_int_equal(verdict->verdict, APV_INVALID);
    apv_verdict_free(&verdict);
    assert_true(apv_validate_json(apv_span_of("{"), &expected, &verdict, &err));
    assert_int_equal(verdict->verdict, APV_INVALID);
    apv_verdict_free(&verdict);
    apv_verdict_free(&verdict); /* nothing left to free */
}

/* Validates a load with each allocation failing in turn, and frees it. */
static void
check_without_memory(apv_span load, const apv_expected *expected)
{
    bool failed = true;

    for (size_t n = 0; failed; n++) {
        apv_err err = APV_ERR_NONE;
        apv_verdict *verdict = NULL;
        failing_alloc_after(n);
        bool ok = apv_validate_msgpack(load, expected, &verdict, &err);
        failed = failing_alloc_stop();
        assert_int_equal(ok, !failed);
        assert_int_equal(err.code, failed ? APV_ERR_MEMORY : APV_OK);
        assert_int_equal(verdict == NULL, failed);
        apv_verdict_free(&verdict);
    }
    free((char *)load.data);
}

static void
test_without_memory(void **state)
{
    apv_item items[ITEMS_MAX];
    unsigned char key[APV_EVIDENCE_KEY_SIZE];
    char names[ITEMS_MAX][8];

    (void)state;
    assert_true(apv_evidence_key_parse(apv_span_of(KEY), key));
    for (size_t i = 0; i < ITEMS_MAX; i++) {
        snprintf(names[i], sizeof names[i], "p%zu", i);
        items[i] = (apv_item){.kind = apv_span_of("package"), .name = apv_span_of(names[i])};
    }
    items[0] = (apv_item){
        .kind = apv_span_of("action"), .name = apv_span_of("17"), .value = apv_span_of("")};
    const apv_expected expected = {
        .minion = apv_span_of("m1"), .evidence_key = key, .items = items, .count = ITEMS_MAX};
    check_without_memory(evidence_load(TRUE_CHUNK, "[\"s\",{\"__kwarg__\":true,\"queue\":true}]",
                                       "m1", 7, REACHED, "{\"packages\":{\"b\":\"x\"}}", NULL),
                         &expected);
    check_without_memory(evidence_of("performed", TRUE_CHUNK, "[]", "m1", 7,
                                     ACTIONS("\"{\\\"retcode\\\":1,\\\"success\\\":false}\""), "{}",
                                     NULL),
                         &expected);
    check_without_memory(evidence_of("observe", "", "[{\"__kwarg__\":true,\"pillar_key\":\"k\"}]",
                                     "m1", 7, REACHED, "{}", NULL),
                         &expected);
}

/* ---- a sink of findings ---- */

struct taken {
    const apv_item *items;
    size_t count, refuse_at;
    const char *minions[2];
};

static bool
take(void *arg, const apv_finding *finding)
{
    struct taken *taken = arg;
    size_t at = taken->count++;

    if (at == taken->refuse_at)
        return false;
    assert_ptr_equal(finding->item, &taken->items[at % 2]);
    assert_ptr_equal(finding->name.data, finding->item->name.data);
    assert_string_equal(finding->reason, at % 2 == 0 ? "observed" : "not-mentioned");
    assert_true(finding->text.size > 0);
    /* The texts of one minion's findings may be compared by address. */
    if (at % 2 == 0)
        taken->minions[at / 2] = finding->minion.data;
    assert_ptr_equal(finding->minion.data, taken->minions[at / 2]);
    return true;
}

static void
test_sink(void **state)
{
    (void)state;
#define CHUNK                                                                                      \
    "{\"pkg_|-a_|-a_|-installed\":{\"name\":\"a\",\"result\":true,"                                \
    "\"changes\":{\"a\":{\"old\":\"\",\"new\":\"1\"}}}}"
    apv_span packed = support_pack("{\"m1\":" CHUNK ",\"m2\":" CHUNK "}");
    const apv_item items[] = {
        {.kind = APV_WORD("package"), .name = APV_WORD("a"), .value = APV_WORD("1")},
        {.kind = APV_WORD("package"), .name = APV_WORD("b"), .value = APV_WORD("1")},
    };
    const apv_expected expected = {.items = items, .count = 2};
    apv_verdict *verdict = NULL, *kept = NULL;
    apv_msgpack_reader msgpack;
    apv_err err = APV_ERR_NONE;
    apv_value root;

    assert_true(apv_reader_msgpack(packed, &msgpack, &root, &err));
    struct taken taken = {.items = items, .refuse_at = SIZE_MAX};
    const apv_finding_sink sink = {take, &taken};
    assert_true(apv_validate(&msgpack.reader, root, &expected, &sink, &verdict, &err));
    assert_true(apv_validate(&msgpack.reader, root, &expected, NULL, &kept, &err));
    assert_int_equal(taken.count, 4);
    assert_ptr_not_equal(taken.minions[0], taken.minions[1]);
    assert_int_equal(verdict->finding_count, 0);
    assert_int_equal(kept->finding_count, 4);
    assert_int_equal(verdict->verdict, kept->verdict);
    assert_int_equal(verdict->verdict, APV_PARTIAL);
    apv_verdict_free(&verdict);
    apv_verdict_free(&kept);

    for (taken.refuse_at = 0; taken.refuse_at < 4; taken.refuse_at++) {
        err = (apv_err)APV_ERR_NONE;
        taken.count = 0;
        assert_false(apv_validate(&msgpack.reader, root, &expected, &sink, &verdict, &err));
        assert_int_equal(err.code, APV_ERR_MEMORY);
        assert_int_equal(taken.count, taken.refuse_at + 1); /* nothing after it */
        assert_null(verdict);
    }
    free((char *)packed.data);
}

/* ---- the head of a return ---- */

static void
test_return_head(void **state)
{
    apv_span load = evidence_load(TRUE_CHUNK, "[]", "m1", 7, REACHED, "{}", NULL);
    apv_err err = APV_ERR_NONE;
    apv_return head;

    (void)state;
    assert_true(apv_return_read(load, &head, &err));
    assert_true(apv_span_is(head.minion, "m1"));
    assert_true(apv_span_is(head.jid, "20261122154734375006"));
    assert_true(apv_span_is(head.fun, "state.apply"));
    assert_int_equal(head.retcode, 0);
    assert_true(head.success);
    assert_true(head.has_revision);
    assert_int_equal(head.revision, 7);
    free((char *)load.data);

    static const char *const functions[] = {"observed", "performed", "observe", "other"};
    for (size_t i = 0; i < 4; i++) {
        load = evidence_of(functions[i], TRUE_CHUNK, "[]", "m1", 8, "{}", "{}", NULL);
        assert_true(apv_return_read(load, &head, &err));
        assert_int_equal(head.has_revision, i < 3);
        assert_int_equal(head.revision, i < 3 ? 8 : 0);
        free((char *)load.data);
    }

    load = support_pack("{\"fun\":[\"a.b\",\"c.d\"],\"retcode\":{\"a.b\":0,\"c.d\":3},"
                        "\"success\":{\"a.b\":true,\"c.d\":false},\"return\":{}}");
    assert_true(apv_return_read(load, &head, &err));
    assert_null(head.minion.data);
    assert_true(apv_span_is(head.fun, "a.b"));
    assert_int_equal(head.retcode, 3);
    assert_false(head.success);
    assert_false(head.has_revision);
    free((char *)load.data);

    load = support_pack("[]");
    assert_false(apv_return_read(load, &head, &err));
    assert_int_equal(err.code, APV_ERR_INVALID);
    free((char *)load.data);
}

static void
test_what_can_prove(void **state)
{
    static const struct {
        const char *load;
        bool can_prove;
    } cases[] = {
        {"{\"fun\":\"test.ping\",\"return\":true}", false},
        {"{\"fun\":\"cmd.run\",\"return\":\"hello\"}", false},
        {"{\"fun\":\"state.apply\",\"return\":{}}", true},
        {"{\"fun\":\"state.test\",\"return\":{}}", true},
        {"{\"fun\":\"approval.observe\",\"return\":{}}", true},
        {"{\"fun\":\"pkg.version\",\"return\":\"1\"}", true},
        {"{\"fun\":\"pkg.that_fails\",\"return\":\"no\"}", true},
        {"{\"fun\":\"service.status\",\"return\":true}", true},
        {"{\"fun\":\"service.restart\",\"return\":true}", false},
        {"{\"fun\":\"runner.state.orch\",\"return\":{}}", true},
        /* Several functions, or none that is named: any may be among them. */
        {"{\"fun\":[\"test.ping\"],\"return\":[true]}", true},
        {"{\"fun\":null,\"return\":true}", true},
        {"{\"fun\":\"test.ping\"}", true},
        {"{\"web1\":{\"return\":true}}", true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        apv_span load = support_pack(cases[i].load);
        apv_err err = APV_ERR_NONE;
        apv_return head;
        assert_true(apv_return_read(load, &head, &err));
        if (head.can_prove != cases[i].can_prove)
            fail_msg("%s", cases[i].load);
        free((char *)load.data);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),
        cmocka_unit_test(test_shapes),
        cmocka_unit_test(test_evidence_authenticates),
        cmocka_unit_test(test_evidence_that_proves_nothing),
        cmocka_unit_test(test_evidence_without_a_key_is_a_claim),
        cmocka_unit_test(test_evidence_beats_result),
        cmocka_unit_test(test_forged_evidence_taints_the_return),
        cmocka_unit_test(test_evidence_of_a_check),
        cmocka_unit_test(test_evidence_as_a_return),
        cmocka_unit_test(test_a_check_without_evidence),
        cmocka_unit_test(test_evidence_of_an_action),
        cmocka_unit_test(test_refuses_unusable_expectations),
        cmocka_unit_test(test_unreadable_bytes_are_invalid),
        cmocka_unit_test(test_without_memory),
        cmocka_unit_test(test_sink),
        cmocka_unit_test(test_return_head),
        cmocka_unit_test(test_what_can_prove),
    };
    return cmocka_run_group_tests(tests, NULL, forget_judged);
}
