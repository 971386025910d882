/* failing_alloc.h - lets the n-th allocation of the library fail. */
#ifndef FAILING_ALLOC_H
#define FAILING_ALLOC_H

#include <stdbool.h>
#include <stddef.h>

/* From now on `count` allocations succeed and all later ones fail. */
void failing_alloc_after(size_t count);
/* From now on allocations succeed. Returns whether one was made to fail. */
bool failing_alloc_stop(void);

#endif
