/* module_db.h - document*(), record_return*(), check_return() and call(). */
#ifndef APV_MODULE_DB_H
#define APV_MODULE_DB_H

#include "module_state.h"

/* The functions; ends with a zeroed entry. */
extern PyMethodDef module_db_methods[];

#endif
