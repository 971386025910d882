/* support.h - what several tests need: files, and values written as JSON. */
#ifndef SUPPORT_H
#define SUPPORT_H

#include <stdbool.h>

#include "apv_base.h"

/* The root of the project; tests are run from anywhere. */
#ifndef PROJECT_ROOT
#error "PROJECT_ROOT is set by the Makefile"
#endif

/* The content of a file under the root; free .data. Fails the test if there is none. */
apv_span support_read(const char *path);

/* The msgpack of a JSON text, by msgpack-c's packer; free .data. Fails the test if the
 * text is not JSON. */
apv_span support_pack(const char *json);

/* A new directory for an LMDB environment, and its removal with what LMDB makes in it: setup
 * and teardown of a test. support_directory is its path in between. */
extern char support_directory[64];
int support_directory_make(void **state);
int support_directory_remove(void **state);

/* Ends a child that a test forked: status 0 if ok. No leak checker sees it, as a child leaves
 * what is its parent's alone on purpose. */
_Noreturn void support_end_child(bool ok);

#endif
