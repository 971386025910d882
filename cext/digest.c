/* digest.c - the digest of a document and the mac of evidence.
 *
 * Both run over a list of fields, each UTF-8 behind its size as 4 bytes, most
 * significant first; none is the size 0xFFFFFFFF alone. tests/vectors/ holds what
 * every implementation must agree on.
 */
#include "be.h"
#include "evidence.h"
#include "text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#define NONE UINT32_MAX
#define HASH_SIZE 32   /* of SHA-256, bytes */
#define NUMBER_SIZE 24 /* of a 64 bit number in decimal, with sign and NUL */

/* Fields behind one another. */
typedef struct {
    unsigned char *data; /* NULL while sizes are only being added up */
    size_t size;
    bool too_long;
} fields;

static void
put(fields *to, apv_span text)
{
    uint32_t size = text.data == NULL ? NONE : (uint32_t)text.size;

    if (text.size >= NONE)
        to->too_long = true;
    else if (to->data != NULL) {
        apv_be_write_u32(to->data + to->size, size);
        if (text.size > 0)
            memcpy(to->data + to->size + 4, text.data, text.size);
    }
    to->size += 4 + text.size;
}

static void
put_number(fields *to, int64_t number)
{
    char text[NUMBER_SIZE];
    int size = snprintf(text, sizeof text, "%" PRId64, number);
    put(to, (apv_span){text, (size_t)size});
}

/* Gets the memory for what was added up. */
static bool
reserve(fields *to, apv_err *err)
{
    if (to->too_long)
        return apv_fail(err, APV_ERR_INVALID, "a text is too long to be digested");
    to->data = malloc(to->size);
    if (to->data == NULL)
        return apv_fail_memory(err);
    to->size = 0;
    return true;
}

/* Writes a hash as hex digits, with a NUL behind them. */
static void
write_hash(const unsigned char hash[HASH_SIZE], char *hex)
{
    apv_hex_write(hash, HASH_SIZE, hex);
    hex[2 * HASH_SIZE] = '\0';
}

/* ---- digest ---- */

static int
compare_items(const void *a, const void *b)
{
    const apv_item *left = *(const apv_item *const *)a, *right = *(const apv_item *const *)b;
    int order = apv_span_compare(left->kind, right->kind);
    return order != 0 ? order : apv_span_compare(left->name, right->name);
}

/* Whether each item stands behind the one before, so that none is there twice. */
static bool
in_order(const apv_item *const *items, size_t count)
{
    for (size_t i = 1; i < count; i++)
        if (compare_items(&items[i - 1], &items[i]) >= 0)
            return false;
    return true;
}

static void
put_document(fields *to, apv_span minion_id, int64_t revision, const apv_item *const *items,
             size_t count)
{
    put(to, apv_span_of("apv1"));
    put(to, minion_id);
    put_number(to, revision);
    for (size_t i = 0; i < count; i++) {
        put(to, items[i]->kind);
        put(to, items[i]->name);
        put(to, items[i]->type);
        put(to, items[i]->value);
    }
}

bool
apv_digest(apv_span minion_id, int64_t revision, const apv_item *items, size_t count,
           char digest[APV_DIGEST_SIZE], apv_err *err)
{
    apv_arena arena = {0};
    fields document = {0};
    unsigned char hash[HASH_SIZE];
    bool ok = false;
    const apv_item **sorted = apv_arena_take(&arena, count, sizeof *sorted);

    if (sorted == NULL) {
        apv_fail_memory(err);
        goto done;
    }
    for (size_t i = 0; i < count; i++)
        sorted[i] = &items[i];
    /* The database hands documents out in this order; what others give may be in any. */
    if (!in_order(sorted, count)) {
        qsort(sorted, count, sizeof *sorted, compare_items);
        if (!in_order(sorted, count)) {
            apv_fail(err, APV_ERR_INVALID, "two items have the same kind and name");
            goto done;
        }
    }

    put_document(&document, minion_id, revision, sorted, count);
    if (!reserve(&document, err))
        goto done;
    put_document(&document, minion_id, revision, sorted, count);
    if (EVP_Digest(document.data, document.size, hash, NULL, EVP_sha256(), NULL) != 1) {
        apv_fail(err, APV_ERR_MEMORY, "SHA-256 is not available");
        goto done;
    }
    memcpy(digest, "sha256:", 7);
    write_hash(hash, digest + 7);
    ok = true;

done:
    free(document.data);
    apv_arena_free(&arena);
    return ok;
}

/* ---- mac ---- */

static void
put_observations(fields *to, const apv_observations *section)
{
    put_number(to, (int64_t)section->count);
    for (size_t i = 0; i < section->count; i++) {
        put(to, section->items[i].kind);
        put(to, section->items[i].name);
        put(to, section->items[i].value);
    }
}

static void
put_evidence(fields *to, const apv_evidence *evidence)
{
    size_t covered = evidence->format == 1 ? APV_SECTION_BEFORE + 1 : APV_SECTION_COUNT;

    put(to, apv_span_of(evidence->format == 1 ? "apv1-evidence" : "apv2-evidence"));
    put(to, evidence->minion);
    put_number(to, evidence->revision);
    put(to, evidence->digest);
    put(to, evidence->run_id);
    put(to, evidence->boot_id);
    for (size_t i = 0; i < covered; i++)
        put_observations(to, &evidence->sections[i]);
}

bool
apv_evidence_sign(const apv_evidence *evidence, const unsigned char key[APV_EVIDENCE_KEY_SIZE],
                  char mac[APV_MAC_SIZE], apv_err *err)
{
    fields signed_part = {0};
    unsigned char hash[HASH_SIZE];
    bool ok = false;

    put_evidence(&signed_part, evidence);
    if (!reserve(&signed_part, err))
        return false;
    put_evidence(&signed_part, evidence);
    if (HMAC(EVP_sha256(), key, APV_EVIDENCE_KEY_SIZE, signed_part.data, signed_part.size, hash,
             NULL) == NULL)
        apv_fail(err, APV_ERR_MEMORY, "HMAC-SHA-256 is not available");
    else {
        write_hash(hash, mac);
        ok = true;
    }
    free(signed_part.data);
    return ok;
}

/* ---- key ---- */

bool
apv_key_digest(const unsigned char key[APV_EVIDENCE_KEY_SIZE], char digest[APV_KEY_DIGEST_SIZE],
               apv_err *err)
{
    if (EVP_Digest(key, APV_EVIDENCE_KEY_SIZE, (unsigned char *)digest, NULL, EVP_sha256(), NULL) !=
        1)
        return apv_fail(err, APV_ERR_MEMORY, "SHA-256 is not available");
    return true;
}

static int
hex_value(char digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    if (digit >= 'a' && digit <= 'f')
        return digit - 'a' + 10;
    if (digit >= 'A' && digit <= 'F')
        return digit - 'A' + 10;
    return -1;
}

bool
apv_evidence_key_parse(apv_span hex, unsigned char key[APV_EVIDENCE_KEY_SIZE])
{
    unsigned char parsed[APV_EVIDENCE_KEY_SIZE];

    if (hex.size != 2 * sizeof parsed)
        return false;
    for (size_t i = 0; i < sizeof parsed; i++) {
        int high = hex_value(hex.data[2 * i]), low = hex_value(hex.data[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        parsed[i] = (unsigned char)(high << 4 | low);
    }
    memcpy(key, parsed, sizeof parsed);
    return true;
}
