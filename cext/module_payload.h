/* module_payload.h - compress() and decompress(). */
#ifndef APV_MODULE_PAYLOAD_H
#define APV_MODULE_PAYLOAD_H

#include "module_state.h"

/* The functions; ends with a zeroed entry. */
extern PyMethodDef module_payload_methods[];

#endif
