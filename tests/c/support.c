/* support.c - what several tests need. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "apv_base.h"
#include "pack.h"
#include "support.h"

apv_span
support_read(const char *path)
{
    char name[4096];
    FILE *file;
    char *data;

    snprintf(name, sizeof name, "%s/%s", PROJECT_ROOT, path);
    file = fopen(name, "rb");
    if (file == NULL)
        fail_msg("%s cannot be opened", name);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    long size = ftell(file);
    assert_true(size >= 0);
    rewind(file);
    data = malloc((size_t)size + 1);
    assert_non_null(data);
    assert_int_equal(fread(data, 1, (size_t)size, file), size);
    fclose(file);
    return (apv_span){data, (size_t)size};
}

apv_span
support_pack(const char *json)
{
    apv_span packed = pack_json(json, strlen(json));

    if (packed.data == NULL)
        fail_msg("not JSON: %s", json);
    return packed;
}

char support_directory[64];

int
support_directory_make(void **state)
{
    (void)state;
    strcpy(support_directory, "/tmp/apv-test-XXXXXX");
    return mkdtemp(support_directory) == NULL;
}

int
support_directory_remove(void **state)
{
    (void)state;
    static const char *const files[] = {"data.mdb", "lock.mdb"};
    char path[96];
    for (size_t i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%s/%s", support_directory, files[i]);
        unlink(path);
    }
    return rmdir(support_directory);
}

void
support_end_child(bool ok)
{
    if (ok)
        execl("/bin/true", "true", (char *)NULL);
    _exit(1);
}
