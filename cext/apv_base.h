/* apv_base.h - what every part of saltext-approval's C library stands on: errors and spans.
 *
 * Plain C11 without Python. Rules that hold in the whole library:
 * - Texts are UTF-8 spans: bytes and a size, no terminator. data NULL means none
 *   (SQL NULL, a package that must be absent), which differs from the empty text.
 * - A function that can fail returns bool and fills the caller's apv_err; its other
 *   out-parameters keep their values then. The first error stays.
 * - _new and _open give something to _free or _close, which take its address, accept
 *   NULL and set it to NULL. _peek borrows. In-parameters are never changed.
 * - A handle belongs to one thread at a time. Functions without a handle may run in
 *   any number of threads.
 */
#ifndef APV_BASE_H
#define APV_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__GNUC__)
#define APV_MUSTCHECK __attribute__((warn_unused_result))
#define APV_PRINTF(f, a) __attribute__((format(printf, f, a)))
#else
#define APV_MUSTCHECK
#define APV_PRINTF(f, a)
#endif

/* ---- errors ------------------------------------------------------------- */

typedef enum {
    APV_OK = 0,
    APV_ERR_MEMORY,
    APV_ERR_INVALID,     /* an argument or data that cannot be used */
    APV_ERR_UNAVAILABLE, /* the database cannot be reached */
    APV_ERR_TIMEOUT,     /* the deadline passed */
    APV_ERR_DATABASE,    /* the server refused: see sqlstate */
    APV_ERR_PROTOCOL,    /* the server sent what we don't understand */
    APV_ERR_FORKED,      /* the handle belongs to another process */
    APV_ERR_LIMIT,       /* larger than a bound that the caller or we set */
    APV_ERR_FULL,        /* no room on disk, or a store has its bound */
    APV_ERR_DAMAGED,     /* what was read from disk is not what was written */
    APV_ERR_BUSY         /* another call or process has what this one needs, for too long */
} apv_code;

typedef struct {
    apv_code code;
    char sqlstate[6];  /* of the server, else "" */
    char message[256]; /* one sentence; never holds a password or a value of a pillar */
} apv_err;

/* The value that an apv_err starts with. */
#define APV_ERR_NONE                                                                               \
    {                                                                                              \
        APV_OK, "", ""                                                                             \
    }

/* Sets an error, unless one is set already: the first one stays. The message is cut to the size
 * of apv_err.message, between characters.
 *
 * format and what follows: as of printf(3). Returns false, so that a caller can return it.
 * Does not block and takes no memory. */
bool apv_fail(apv_err *err, apv_code code, const char *format, ...) APV_PRINTF(3, 4);

/* The same for a lack of memory. */
bool apv_fail_memory(apv_err *err);

/* ---- spans -------------------------------------------------------------- */

typedef struct {
    const char *data;
    size_t size; /* bytes */
} apv_span;

#define APV_NO_SPAN                                                                                \
    (apv_span)                                                                                     \
    {                                                                                              \
        NULL, 0                                                                                    \
    }

/* The initializer of a span over a string literal. */
#define APV_WORD(literal)                                                                          \
    {                                                                                              \
        literal, sizeof(literal) - 1                                                               \
    }

/* Those that compare with literals are inline, so that the compiler knows their size. */

/* A span over a NUL-terminated text that outlives it. */
static inline apv_span
apv_span_of(const char *text)
{
    return (apv_span){text, strlen(text)};
}

/* Whether the first and the last `part` of size bytes are the same, of which some may be both;
 * part: 4 or 8. */
static inline bool
apv_ends_equal(const char *a, const char *b, size_t size, size_t part)
{
    uint64_t first[2] = {0, 0}, last[2] = {0, 0};

    memcpy(&first[0], a, part);
    memcpy(&first[1], b, part);
    memcpy(&last[0], a + size - part, part);
    memcpy(&last[1], b + size - part, part);
    return ((first[0] ^ first[1]) | (last[0] ^ last[1])) == 0;
}

/* Names and versions are mostly so short that they are compared without a call. */
static inline bool
apv_span_equal(apv_span a, apv_span b)
{
    if (a.size != b.size)
        return false;
    if (a.size >= 8 && a.size <= 16)
        return apv_ends_equal(a.data, b.data, a.size, 8);
    if (a.size >= 4 && a.size < 8)
        return apv_ends_equal(a.data, b.data, a.size, 4);
    return a.size == 0 || memcmp(a.data, b.data, a.size) == 0;
}

static inline bool
apv_span_is(apv_span text, const char *word)
{
    return apv_span_equal(text, apv_span_of(word));
}

/* prefix, suffix: not empty. */
static inline bool
apv_span_starts(apv_span text, const char *prefix)
{
    size_t size = strlen(prefix);
    return text.size >= size && memcmp(text.data, prefix, size) == 0;
}

static inline bool
apv_span_ends(apv_span text, const char *suffix)
{
    size_t size = strlen(suffix);
    return text.size >= size && memcmp(text.data + text.size - size, suffix, size) == 0;
}

/* ---- structs ------------------------------------------------------------ */

/* The struct of a type of which pointer is the address of a member; pointer: not NULL. */
#define APV_CONTAINER_OF(pointer, type, member)                                                    \
    ((type *)(void *)((char *)(pointer)-offsetof(type, member)))

#endif
