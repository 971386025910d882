/* arena.c - memory that is freed all at once. */
#include "arena.h"

#include <stdlib.h>
#include <string.h>

struct apv_block {
    struct apv_block *next;
    size_t size, used;
    bool lent; /* not ours to free */
};

#define BLOCK_SIZE 8192
#define ALIGNMENT sizeof(void *)

void
apv_arena_start(apv_arena *arena, void *memory, size_t size)
{
    struct apv_block *block = memory;

    *block = (struct apv_block){.size = size - sizeof *block, .lent = true};
    arena->blocks = block;
}

/* Where the next size bytes, a multiple of 8, will be. NULL: out of memory. */
static void *
room_for(apv_arena *arena, size_t size)
{
    struct apv_block *block = arena->blocks;

    if (block == NULL || size > block->size - block->used) {
        size_t capacity = size > BLOCK_SIZE ? size : BLOCK_SIZE;
        if (capacity > SIZE_MAX - sizeof *block)
            return NULL;
        block = malloc(sizeof *block + capacity);
        if (block == NULL)
            return NULL;
        *block = (struct apv_block){.next = arena->blocks, .size = capacity};
        arena->blocks = block;
    }
    return (char *)(block + 1) + block->used;
}

void *
apv_arena_take(apv_arena *arena, size_t count, size_t size)
{
    if (size != 0 && count > (SIZE_MAX - ALIGNMENT) / size)
        return NULL;
    size_t taken = (count * size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    void *room = room_for(arena, taken);
    if (room != NULL)
        arena->blocks->used += taken;
    return room;
}

void *
apv_arena_grow(apv_arena *arena, void *items, size_t count, size_t *room, size_t size)
{
    if (count < *room)
        return items;
    size_t more = *room == 0 ? 16 : *room * 2;
    void *grown = apv_arena_take(arena, more, size);
    if (grown == NULL)
        return NULL;
    if (count > 0)
        memcpy(grown, items, count * size);
    *room = more;
    return grown;
}

bool
apv_arena_copy(apv_arena *arena, apv_span text, apv_span *copy)
{
    if (text.data == NULL) {
        *copy = APV_NO_SPAN;
        return true;
    }
    char *data = apv_arena_take(arena, text.size + 1, 1);
    if (data == NULL)
        return false;
    if (text.size > 0)
        memcpy(data, text.data, text.size);
    data[text.size] = '\0';
    *copy = (apv_span){data, text.size};
    return true;
}

void
apv_arena_free(apv_arena *arena)
{
    while (arena->blocks != NULL) {
        struct apv_block *block = arena->blocks;
        arena->blocks = block->next;
        if (!block->lent)
            free(block);
    }
}
