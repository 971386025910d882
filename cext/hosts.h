/* hosts.h - libpq's comma-separated lists. */
#ifndef APV_HOSTS_H
#define APV_HOSTS_H

#include "apv_base.h"

size_t apv_list_count(const char *list);
/* Element `index` of the list; data is NULL beyond its end. Borrows from list. */
apv_span apv_list_peek(const char *list, size_t index);
/* A copy of the list without element `index`, which it has, or NULL: no memory. */
char *apv_list_without(const char *list, size_t index);

#endif
