/* failing_alloc.c - malloc, calloc and realloc as the linker puts them before those of
 * libc, for code that is linked in; shared libraries keep their own. */
#include "failing_alloc.h"

#include <stdint.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);

static size_t left = SIZE_MAX;
static bool failed;

void
failing_alloc_after(size_t count)
{
    left = count;
    failed = false;
}

bool
failing_alloc_stop(void)
{
    left = SIZE_MAX;
    return failed;
}

static bool
may_allocate(void)
{
    if (left == SIZE_MAX)
        return true;
    if (left == 0) {
        failed = true;
        return false;
    }
    left--;
    return true;
}

void *
__wrap_malloc(size_t size)
{
    return may_allocate() ? __real_malloc(size) : NULL;
}

void *
__wrap_calloc(size_t count, size_t size)
{
    return may_allocate() ? __real_calloc(count, size) : NULL;
}

void *
__wrap_realloc(void *memory, size_t size)
{
    return may_allocate() ? __real_realloc(memory, size) : NULL;
}
