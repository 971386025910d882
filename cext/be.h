/* be.h - numbers as bytes, most significant first. */
#ifndef APV_BE_H
#define APV_BE_H

#include <stddef.h>
#include <stdint.h>

/* The number in size bytes, at most 8. */
static inline uint64_t
apv_be_read(const void *at, size_t size)
{
    const unsigned char *bytes = at;
    uint64_t number = 0;

    for (size_t i = 0; i < size; i++)
        number = number << 8 | bytes[i];
    return number;
}

static inline uint32_t
apv_be_read_u32(const void *at)
{
    return (uint32_t)apv_be_read(at, 4);
}

static inline uint64_t
apv_be_read_u64(const void *at)
{
    return apv_be_read(at, 8);
}

/* Writes a number into size bytes, at most 8. */
static inline void
apv_be_write(void *at, uint64_t number, size_t size)
{
    unsigned char *bytes = at;

    for (size_t i = size; i > 0; number >>= 8)
        bytes[--i] = (unsigned char)number;
}

static inline void
apv_be_write_u32(void *at, uint32_t number)
{
    apv_be_write(at, number, 4);
}

static inline void
apv_be_write_u64(void *at, uint64_t number)
{
    apv_be_write(at, number, 8);
}

#endif
