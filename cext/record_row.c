/* record_row.c - a validated return as the database takes it. */
#include "apv_payload.h"
#include "record_private.h"
#include "text.h"
#include "value_msgpack.h"

#include <stdlib.h>
#include <string.h>

#include <msgpack/unpack.h>
#include <openssl/evp.h>

#define TEXT_MAX 2000 /* bytes of a text that people read */

apv_span
apv_cut(apv_span text, size_t size_max)
{
    if (text.data == NULL)
        return text;
    const char *nul = memchr(text.data, '\0', text.size);
    if (nul != NULL)
        text.size = (size_t)(nul - text.data);
    text.size = apv_utf8_truncate(text.data, text.size, size_max);
    return text;
}

static bool
storable(apv_span text, size_t size_max)
{
    return text.data == NULL || apv_cut(text, size_max).size == text.size;
}

/* ---- JSON ---- */

#define ESCAPED_MAX 6 /* bytes of a character as \u0000 */

/* Appends a text without NUL as a JSON string, or null. */
static bool
append_string(apv_buf *buf, apv_span text, apv_err *err)
{
    if (text.data == NULL)
        return apv_buf_append(buf, "null", 4, err);
    if (text.size > INT32_MAX / ESCAPED_MAX - 2)
        return apv_fail(err, APV_ERR_LIMIT, "a value is larger than the database can take");
    if (!apv_buf_reserve(buf, text.size * ESCAPED_MAX + 2, err))
        return false;
    char *at = buf->data + buf->size;
    *at++ = '"';
    for (size_t i = 0; i < text.size; i++) {
        char c = text.data[i];
        if ((unsigned char)c < ' ') {
            memcpy(at, "\\u00", 4);
            apv_hex_write(&c, 1, at + 4);
            at += ESCAPED_MAX;
            continue;
        }
        if (c == '"' || c == '\\')
            *at++ = '\\';
        *at++ = c;
    }
    *at++ = '"';
    buf->size = (size_t)(at - buf->data);
    return true;
}

/* Appends an array of texts as one more element of the array in buf. */
static bool
append_entry(apv_buf *buf, const apv_span *texts, size_t count, apv_err *err)
{
    if (buf->size > 1 && !apv_buf_append(buf, ",", 1, err))
        return false;
    for (size_t i = 0; i < count; i++)
        if (!apv_buf_append(buf, i == 0 ? "[" : ",", 1, err) || !append_string(buf, texts[i], err))
            return false;
    return apv_buf_append(buf, "]", 1, err);
}

static bool
fill_findings(const apv_verdict *verdict, apv_buf *buf, apv_err *err)
{
    if (!apv_buf_append(buf, "[", 1, err))
        return false;
    for (size_t i = 0; i < verdict->finding_count; i++) {
        const apv_finding *finding = &verdict->findings[i];
        const apv_span texts[] = {
            finding->kind,
            apv_cut(finding->name, APV_ID_MAX),
            apv_span_of(apv_outcome_name(finding->verdict)),
            apv_span_of(finding->reason),
            apv_cut(finding->expected, TEXT_MAX),
            apv_cut(finding->observed, TEXT_MAX),
            apv_span_of(finding->source),
            apv_cut(finding->text, TEXT_MAX),
        };
        if (!append_entry(buf, texts, sizeof texts / sizeof texts[0], err))
            return false;
    }
    return apv_buf_append(buf, "]", 1, err);
}

/* What was there before matters for going back to it, so that it is taken whole or not
 * at all, and only from the minion itself. */
static bool
fill_before(const apv_verdict *verdict, apv_buf *buf, apv_err *err)
{
    if (!verdict->authenticated || verdict->before_count == 0)
        return true;
    if (!apv_buf_append(buf, "[", 1, err))
        return false;
    for (size_t i = 0; i < verdict->before_count; i++) {
        const apv_observation *before = &verdict->before[i];
        const apv_span texts[] = {before->kind, before->name, before->value};
        if (!storable(before->kind, APV_ID_MAX) || !storable(before->name, APV_ID_MAX) ||
            !storable(before->value, before->value.size))
            continue;
        if (!append_entry(buf, texts, sizeof texts / sizeof texts[0], err))
            return false;
    }
    return apv_buf_append(buf, "]", 1, err);
}

/* ---- digest ---- */

/* Whether a key of a return tells of its delivery, which differs each time that a
 * minion sends the same return again. */
static bool
is_delivery(apv_span key)
{
    return apv_span_is(key, "_stamp") || apv_span_is(key, "nonce") || apv_span_is(key, "sig") ||
           apv_span_is(key, "tok") || apv_span_is(key, "ts");
}

/* Bytes of the msgpack object at `at`; 0 when it is nested too deep for msgpack-c. */
static size_t
object_size(const char *at, const char *end)
{
    msgpack_unpacked object;
    size_t size = 0;

    msgpack_unpacked_init(&object);
    if (msgpack_unpack_next(&object, at, (size_t)(end - at), &size) <= 0)
        size = 0;
    msgpack_unpacked_destroy(&object);
    return size;
}

/* sha256 of what makes two returns the same: the load without the values that tell of
 * its delivery. */
static bool
return_digest(apv_span load, unsigned char digest[APV_RETURN_DIGEST_SIZE], apv_err *err)
{
    const char *at = load.data, *end = load.data + load.size;
    EVP_MD_CTX *context = NULL;
    apv_msgpack_reader msgpack;
    const apv_reader *reader = &msgpack.reader;
    apv_value root, value;
    apv_cursor cursor;
    apv_span key;
    bool ok = false;

    if (!apv_reader_msgpack(load, &msgpack, &root, err))
        goto done;
    context = EVP_MD_CTX_new();
    if (context == NULL || EVP_DigestInit_ex(context, EVP_sha256(), NULL) != 1)
        goto fail;
    reader->open(reader, root, &cursor);
    while (reader->next(reader, &cursor, &key, &value)) {
        const char *start = value.node; /* its first byte, with this reader */
        if (key.data == NULL || !is_delivery(key))
            continue;
        if (EVP_DigestUpdate(context, at, (size_t)(start - at)) != 1)
            goto fail;
        at = start + object_size(start, end);
    }
    if (EVP_DigestUpdate(context, at, (size_t)(end - at)) != 1 ||
        EVP_DigestFinal_ex(context, digest, NULL) != 1)
        goto fail;
    ok = true;
    goto done;

fail:
    apv_fail_memory(err);
done:
    EVP_MD_CTX_free(context);
    return ok;
}

/* ---- row ---- */

bool
apv_row_fill(apv_span load, const apv_verdict *verdict, apv_row *row, apv_err *err)
{
    return fill_findings(verdict, &row->findings, err) && fill_before(verdict, &row->before, err) &&
           return_digest(load, row->digest, err) &&
           apv_payload_compress(load, &row->payload, &row->payload_size, err);
}

void
apv_row_free(apv_row *row)
{
    free(row->payload);
    apv_buf_free(&row->before);
    apv_buf_free(&row->findings);
}
