/* arena.h - memory that is freed all at once. */
#ifndef APV_ARENA_H
#define APV_ARENA_H

#include "apv_base.h"

/* Memory that is freed all at once. Starts as {0}, or by apv_arena_start. */
struct apv_block;
typedef struct {
    struct apv_block *blocks;
} apv_arena;

/* Starts an arena with memory that is at hand, and must outlive it: no other is taken for what
 * fits. memory: aligned for any object. size: of it in bytes, APV_ARENA_MIN or more. */
#define APV_ARENA_MIN 64
void apv_arena_start(apv_arena *arena, void *memory, size_t size);
/* Memory, not zeroed, for count objects of size bytes, or NULL. */
void *apv_arena_take(apv_arena *arena, size_t count, size_t size) APV_MUSTCHECK;
/* The array items if it has room for one more than count, else a copy with more room, or
 * NULL: out of memory. size: of one item. *room: 0 for no array yet. */
void *apv_arena_grow(apv_arena *arena, void *items, size_t count, size_t *room,
                     size_t size) APV_MUSTCHECK;
/* A copy of text, followed by a NUL. False: out of memory. */
bool apv_arena_copy(apv_arena *arena, apv_span text, apv_span *copy) APV_MUSTCHECK;
void apv_arena_free(apv_arena *arena);

#endif
