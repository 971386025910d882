/* pack.h - JSON to msgpack. */
#ifndef PACK_H
#define PACK_H

#include "apv_base.h"

/* The msgpack of a JSON text; free .data. data NULL: it isn't JSON. */
apv_span pack_json(const char *json, size_t size);

#endif
