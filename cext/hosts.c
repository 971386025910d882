/* hosts.c - the comma-separated lists in which libpq takes several hosts. */
#include "hosts.h"

#include <stdlib.h>
#include <string.h>

size_t
apv_list_count(const char *list)
{
    size_t count = 1;
    for (; *list != '\0'; list++)
        count += *list == ',';
    return count;
}

apv_span
apv_list_peek(const char *list, size_t index)
{
    for (; index > 0; index--) {
        list = strchr(list, ',');
        if (list == NULL)
            return (apv_span){NULL, 0};
        list++;
    }
    return (apv_span){list, strcspn(list, ",")};
}

char *
apv_list_without(const char *list, size_t index)
{
    size_t size = strlen(list);
    apv_span item = apv_list_peek(list, index);
    char *copy = malloc(size + 1);

    if (copy == NULL)
        return NULL;
    /* With the element goes the comma behind it, or else the one before it. */
    size_t start = (size_t)(item.data - list), end = start + item.size;
    if (list[end] == ',')
        end++;
    else if (start > 0)
        start--;
    memcpy(copy, list, start);
    memcpy(copy + start, list + end, size - end + 1);
    return copy;
}
