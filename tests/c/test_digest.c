/* test_digest.c - digests and macs, against vectors that an independent Python wrote. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "evidence.h"
#include "failing_alloc.h"
#include "support.h"
#include "value_msgpack.h"

static json_t *
read_vectors(const char *path)
{
    apv_span text = support_read(path);
    json_t *vectors = json_loadb(text.data, text.size, 0, NULL);

    free((char *)text.data);
    assert_true(json_array_size(vectors) > 5);
    return vectors;
}

static apv_span
span_of(json_t *text)
{
    if (!json_is_string(text))
        return APV_NO_SPAN;
    return (apv_span){json_string_value(text), json_string_length(text)};
}

static size_t
read_items(json_t *array, apv_item *items, size_t room)
{
    size_t count = json_array_size(array);

    assert_true(count <= room);
    for (size_t i = 0; i < count; i++) {
        json_t *row = json_array_get(array, i);
        items[i] = (apv_item){
            span_of(json_array_get(row, 0)),
            span_of(json_array_get(row, 1)),
            span_of(json_array_get(row, 2)),
            span_of(json_array_get(row, 3)),
        };
    }
    return count;
}

static void
test_digest_vectors(void **state)
{
    json_t *vectors = read_vectors("tests/vectors/digest.json"), *vector;
    apv_item items[300];
    size_t index;

    (void)state;
    json_array_foreach (vectors, index, vector) {
        size_t count = read_items(json_object_get(vector, "items"), items, 300);
        apv_err err = APV_ERR_NONE;
        char digest[APV_DIGEST_SIZE];
        assert_true(apv_digest(span_of(json_object_get(vector, "minion")),
                               json_integer_value(json_object_get(vector, "revision")), items,
                               count, digest, &err));
        assert_string_equal(digest, json_string_value(json_object_get(vector, "digest")));
    }
    json_decref(vectors);
}

static void
test_digest_does_not_depend_on_order(void **state)
{
    const apv_item forward[] = {
        {apv_span_of("package"), apv_span_of("a"), apv_span_of("version"), apv_span_of("1")},
        {apv_span_of("package"), apv_span_of("b"), apv_span_of("absent"), APV_NO_SPAN},
        {apv_span_of("service"), apv_span_of("a"), apv_span_of("state"), apv_span_of("dead")},
    };
    const apv_item backward[] = {forward[2], forward[1], forward[0]};
    char first[APV_DIGEST_SIZE], second[APV_DIGEST_SIZE];
    apv_err err = APV_ERR_NONE;

    (void)state;
    assert_true(apv_digest(apv_span_of("m"), 1, forward, 3, first, &err));
    assert_true(apv_digest(apv_span_of("m"), 1, backward, 3, second, &err));
    assert_string_equal(first, second);
}

static void
test_digest_refuses_a_resource_twice(void **state)
{
    const apv_item item = {apv_span_of("package"), apv_span_of("a"), apv_span_of("version"),
                           apv_span_of("1")};
    const apv_item items[] = {item, item};
    char digest[APV_DIGEST_SIZE] = "as it was";
    apv_err err = APV_ERR_NONE;

    (void)state;
    assert_false(apv_digest(apv_span_of("m"), 1, items, 2, digest, &err));
    assert_int_equal(err.code, APV_ERR_INVALID);
    assert_string_equal(digest, "as it was");
}

static void
test_digest_without_memory(void **state)
{
    const apv_item item = {apv_span_of("package"), apv_span_of("a"), apv_span_of("version"),
                           apv_span_of("1")};
    bool failed = true;

    (void)state;
    for (size_t n = 0; failed; n++) {
        apv_err err = APV_ERR_NONE;
        char digest[APV_DIGEST_SIZE];
        failing_alloc_after(n);
        bool ok = apv_digest(apv_span_of("m"), 1, &item, 1, digest, &err);
        failed = failing_alloc_stop();
        assert_int_equal(ok, !failed);
        assert_int_equal(err.code, failed ? APV_ERR_MEMORY : APV_OK);
    }
}

/* The mac of evidence in msgpack, computed by the library. */
static bool
mac_of(const char *evidence, const unsigned char *key, char *mac, apv_err *err)
{
    apv_span packed = support_pack(evidence);
    apv_msgpack_reader bytes_reader;
    const apv_reader *reader = &bytes_reader.reader;
    apv_value root;

    assert_true(apv_reader_msgpack(packed, &bytes_reader, &root, err));
    bool ok = apv_evidence_mac(reader, root, key, mac, err);
    free((char *)packed.data);
    return ok;
}

static void
test_mac_vectors(void **state)
{
    json_t *vectors = read_vectors("tests/vectors/evidence.json"), *vector;
    size_t index;

    (void)state;
    json_array_foreach (vectors, index, vector) {
        char *text = json_dumps(json_object_get(vector, "evidence"), 0);
        unsigned char key[APV_EVIDENCE_KEY_SIZE];
        char mac[APV_MAC_SIZE];
        apv_err err = APV_ERR_NONE;
        assert_true(apv_evidence_key_parse(span_of(json_object_get(vector, "key")), key));
        assert_true(mac_of(text, key, mac, &err));
        assert_string_equal(mac, json_string_value(json_object_get(vector, "mac")));
        free(text);
    }
    json_decref(vectors);
}

static void
test_mac_refuses_what_is_no_evidence(void **state)
{
    static const char *const texts[] = {
        "null",
        "[]",
        "{}",
        "{\"format\":3,\"minion\":\"m\",\"revision\":1,\"digest\":\"d\",\"run_id\":\"r\","
        "\"boot_id\":\"\",\"observed\":{}}",
        "{\"format\":1,\"minion\":\"m\",\"revision\":1,\"digest\":\"d\",\"run_id\":\"r\","
        "\"boot_id\":\"\"}",
        "{\"format\":2,\"minion\":\"m\",\"revision\":1,\"digest\":\"d\",\"run_id\":\"r\","
        "\"boot_id\":\"\",\"more\":{}}",
        "{\"format\":2,\"minion\":\"m\",\"revision\":1,\"digest\":\"d\",\"run_id\":\"r\","
        "\"boot_id\":\"\",\"notes\":{\"package\":{}}}",
        "{\"format\":2,\"minion\":\"m\",\"revision\":1,\"digest\":\"d\",\"run_id\":\"r\","
        "\"boot_id\":\"\",\"errors\":{\"packages\":{\"a\":1}}}",
        "{\"format\":2,\"minion\":\"m\",\"revision\":1,\"digest\":\"d\",\"run_id\":\"r\","
        "\"boot_id\":\"\",\"meets\":null}",
        "{\"format\":1,\"minion\":\"\",\"revision\":1,\"digest\":\"d\",\"run_id\":\"r\","
        "\"boot_id\":\"\",\"observed\":{}}",
        "{\"format\":1,\"minion\":\"m\",\"revision\":-1,\"digest\":\"d\",\"run_id\":\"r\","
        "\"boot_id\":\"\",\"observed\":{}}",
        "{\"format\":1,\"minion\":\"m\",\"revision\":1.5,\"digest\":\"d\",\"run_id\":\"r\","
        "\"boot_id\":\"\",\"observed\":{}}",
        "{\"format\":1,\"minion\":\"m\",\"revision\":1,\"digest\":\"d\",\"run_id\":\"r\","
        "\"boot_id\":\"\",\"observed\":[]}",
        "{\"format\":1,\"minion\":\"m\",\"revision\":1,\"digest\":\"d\",\"run_id\":\"r\","
        "\"boot_id\":\"\",\"observed\":{\"packages\":{\"a\":1}}}",
        "{\"format\":1,\"minion\":\"m\",\"revision\":1,\"digest\":\"d\",\"run_id\":\"r\","
        "\"boot_id\":\"\",\"observed\":{\"packages\":{\"\":\"1\"}}}",
        "{\"format\":1,\"minion\":\"m\",\"revision\":1,\"digest\":\"d\",\"run_id\":\"r\","
        "\"boot_id\":\"\",\"observed\":{},\"before\":1}",
    };
    const unsigned char key[APV_EVIDENCE_KEY_SIZE] = {0};

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        apv_err err = APV_ERR_NONE;
        char mac[APV_MAC_SIZE];
        assert_false(mac_of(texts[i], key, mac, &err));
        assert_int_equal(err.code, APV_ERR_INVALID);
    }
}

static void
test_mac_refuses_a_name_twice(void **state)
{
    /* msgpack can say what JSON and Python cannot: {"packages": {"a": nil, "a": nil}}. */
    static const char observed[] = "\xA8observed\x81\xA8packages\x82\xA1"
                                   "a\xC0\xA1"
                                   "a\xC0";
    static const char rest[] = "\x87\xA6"
                               "format\x01\xA6minion\xA1m\xA8revision\x01\xA6"
                               "digest\xA1"
                               "d\xA6run_id\xA1r\xA7"
                               "boot_id\xA0";
    const unsigned char key[APV_EVIDENCE_KEY_SIZE] = {0};
    char bytes[sizeof rest + sizeof observed], mac[APV_MAC_SIZE];
    apv_err err = APV_ERR_NONE;
    apv_msgpack_reader bytes_reader;
    const apv_reader *reader = &bytes_reader.reader;
    apv_value root;

    (void)state;
    memcpy(bytes, rest, sizeof rest - 1);
    memcpy(bytes + sizeof rest - 1, observed, sizeof observed - 1);
    apv_span evidence = {bytes, sizeof rest + sizeof observed - 2};
    assert_true(apv_reader_msgpack(evidence, &bytes_reader, &root, &err));
    assert_false(apv_evidence_mac(reader, root, key, mac, &err));
    assert_int_equal(err.code, APV_ERR_INVALID);
}

static void
test_key_parse(void **state)
{
    unsigned char key[APV_EVIDENCE_KEY_SIZE] = {7};

    (void)state;
    assert_false(apv_evidence_key_parse(apv_span_of(""), key));
    assert_false(apv_evidence_key_parse(
        apv_span_of("00112233445566778899aabbccddeeff00112233445566778899aabbccddeef"), key));
    assert_false(apv_evidence_key_parse(
        apv_span_of("00112233445566778899aabbccddeeff00112233445566778899aabbccddeefg"), key));
    assert_int_equal(key[0], 7);
    assert_true(apv_evidence_key_parse(
        apv_span_of("00112233445566778899aAbBcCdDeEfF00112233445566778899aabbccddeeff"), key));
    assert_int_equal(key[0], 0);
    assert_int_equal(key[15], 0xFF);
    assert_int_equal(key[31], 0xFF);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_digest_vectors),
        cmocka_unit_test(test_digest_does_not_depend_on_order),
        cmocka_unit_test(test_digest_refuses_a_resource_twice),
        cmocka_unit_test(test_digest_without_memory),
        cmocka_unit_test(test_mac_vectors),
        cmocka_unit_test(test_mac_refuses_what_is_no_evidence),
        cmocka_unit_test(test_mac_refuses_a_name_twice),
        cmocka_unit_test(test_key_parse),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
