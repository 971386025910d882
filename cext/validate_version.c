/* validate_version.c - whether a version that was found is the one that was approved. */
#include "validate_private.h"

#include "text.h"

#include <string.h>

#define NUMBERS_MAX 4 /* of which NuGet makes a version */

static bool
is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool
has(apv_span text, char c)
{
    return text.size > 0 && memchr(text.data, c, text.size) != NULL;
}

static bool
are_digits(apv_span text)
{
    for (size_t i = 0; i < text.size; i++)
        if (!is_digit(text.data[i]))
            return false;
    return text.size > 0;
}

/* The text before the first c, which is left out of rest; all of it if there is none. */
static apv_span
cut(apv_span *rest, char c)
{
    const char *found = rest->size > 0 ? memchr(rest->data, c, rest->size) : NULL;
    apv_span first = {rest->data, found == NULL ? rest->size : (size_t)(found - rest->data)};
    size_t used = found == NULL ? rest->size : first.size + 1;

    rest->data += used;
    rest->size -= used;
    return first;
}

/* ---- as the text says ---- */

/* Whether text matches pattern, in which * stands for any characters. */
static bool
glob(apv_span pattern, apv_span text)
{
    size_t p = 0, t = 0, star = SIZE_MAX, resume = 0;

    while (t < text.size) {
        if (p < pattern.size && pattern.data[p] == '*') {
            star = p++;
            resume = t;
        } else if (p < pattern.size && pattern.data[p] == text.data[t]) {
            p++;
            t++;
        } else if (star != SIZE_MAX) {
            p = star + 1;
            t = ++resume;
        } else
            return false;
    }
    while (p < pattern.size && pattern.data[p] == '*')
        p++;
    return p == pattern.size;
}

/* A version without an epoch of 0, which Debian and RPM take for the same as none. A
 * further colon would make what follows an epoch. */
static apv_span
without_zero_epoch(apv_span version)
{
    if (apv_span_starts(version, "0:") && memchr(version.data + 2, ':', version.size - 2) == NULL)
        return (apv_span){version.data + 2, version.size - 2};
    return version;
}

/* Whether text is one version, so that it can be pinned: from then on minions are given it in place
 * of what was approved, and package managers would take some other texts for an option or a
 * pattern. */
static bool
is_definite(apv_span text)
{
    return apv_version_exact(text).data != NULL && text.data[0] != '-';
}

bool
apv_version_is_open(apv_span approved)
{
    return apv_span_is(approved, "latest") || has(approved, '*');
}

bool
apv_version_fits(apv_span approved, apv_span version)
{
    if (apv_version_is_open(approved))
        return is_definite(version) && (!has(approved, '*') || glob(approved, version));
    return apv_span_equal(without_zero_epoch(approved), without_zero_epoch(version));
}

/* ---- as RPM has it ---- */

static apv_span
without_epoch(apv_span version)
{
    apv_span rest = version, epoch = cut(&rest, ':');

    return has(version, ':') && are_digits(epoch) ? rest : version;
}

static apv_span
without_release(apv_span version)
{
    for (size_t size = version.size; size > 0; size--)
        if (version.data[size - 1] == '-')
            return (apv_span){version.data, size - 1};
    return version;
}

/* What was approved without an epoch or a release stands for each. */
static bool
is_same_rpm(apv_span approved, apv_span version)
{
    bool pattern = has(approved, '*');

    version = has(approved, ':') ? without_zero_epoch(version) : without_epoch(version);
    approved = without_zero_epoch(approved);
    if (pattern)
        return glob(approved, version);
    if (!has(approved, '-'))
        version = without_release(version);
    return apv_span_equal(approved, version);
}

/* ---- as NuGet has it, on which Chocolatey is built ---- */

typedef struct {
    apv_span numbers[NUMBERS_MAX]; /* without leading zeros; no text is 0 */
    apv_span prerelease;
} nuget_version;

static apv_span
without_zeros(apv_span number)
{
    while (number.size > 0 && number.data[0] == '0') {
        number.data++;
        number.size--;
    }
    return number;
}

/* What stands behind a + is not compared. */
static bool
read_nuget(apv_span text, nuget_version *version)
{
    apv_span rest = cut(&text, '+');
    apv_span numbers = cut(&rest, '-');

    *version = (nuget_version){.prerelease = rest};
    for (size_t i = 0; i < NUMBERS_MAX; i++) {
        bool more = has(numbers, '.');
        apv_span number = cut(&numbers, '.');
        if (!are_digits(number))
            return false;
        version->numbers[i] = without_zeros(number);
        if (!more)
            return true;
    }
    return false;
}

static bool
is_same_label(apv_span a, apv_span b)
{
    if (are_digits(a) && are_digits(b))
        return apv_span_equal(without_zeros(a), without_zeros(b));
    return apv_span_equal_fold(a, b);
}

static bool
is_same_nuget(apv_span approved, apv_span version)
{
    nuget_version a, b;

    if (!read_nuget(approved, &a) || !read_nuget(version, &b))
        return false;
    for (size_t i = 0; i < NUMBERS_MAX; i++)
        if (!apv_span_equal(a.numbers[i], b.numbers[i]))
            return false;
    while (a.prerelease.size > 0 && b.prerelease.size > 0)
        if (!is_same_label(cut(&a.prerelease, '.'), cut(&b.prerelease, '.')))
            return false;
    return a.prerelease.size == b.prerelease.size;
}

bool
apv_version_may_be(apv_span approved, apv_span version)
{
    return is_definite(version) &&
           (is_same_rpm(approved, version) || is_same_nuget(approved, version));
}
