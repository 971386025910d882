/* module_handles.c - handles that a process keeps and its threads share. */
#include "module_handles.h"

#include "apv_base.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The handles of one key. */
struct shared {
    struct shared *next; /* less recently used */
    char *text;
    module_handle_key key; /* its text is the one above */
    size_t users;          /* calls that have a handle or wait for one; under the GIL, as next is */
    module_turn turn;
    void *handles[MODULE_PLACES_MAX]; /* each of the call that has its place; NULL: not made yet */
};

struct module_handles {
    const module_handle_kind *kind;
    struct shared *first; /* most recently used */
    pid_t pid;            /* process that made them */
};

module_handles *
module_handles_new(const module_handle_kind *kind)
{
    module_handles *made = calloc(1, sizeof *made);

    if (made != NULL)
        *made = (module_handles){.kind = kind, .pid = getpid()};
    return made;
}

static void
shared_free(const module_handle_kind *kind, struct shared *shared)
{
    for (size_t i = 0; i < kind->places; i++)
        if (shared->handles[i] != NULL)
            kind->close(shared->handles[i]);
    module_turn_destroy(&shared->turn);
    free(shared->text);
    free(shared);
}

/* Closes the handles that no call uses, and lets go of the rest. */
static void
close_all(module_handles *handles)
{
    while (handles->first != NULL) {
        struct shared *shared = handles->first;
        handles->first = shared->next;
        if (shared->users == 0)
            shared_free(handles->kind, shared);
    }
}

void
module_handles_free(module_handles **handles)
{
    if (*handles == NULL)
        return;
    close_all(*handles);
    free(*handles);
    *handles = NULL;
}

static bool
serves(const struct shared *shared, const module_handle_key *key)
{
    return memcmp(shared->key.numbers, key->numbers, sizeof key->numbers) == 0 &&
           strcmp(shared->key.text, key->text) == 0;
}

static struct shared *
shared_new(const module_handle_kind *kind, const module_handle_key *key, apv_err *err)
{
    struct shared *made = calloc(1, sizeof *made);

    if (made == NULL || (made->text = strdup(key->text)) == NULL) {
        free(made);
        apv_fail(err, APV_ERR_MEMORY, "out of memory");
        return NULL;
    }
    made->key = *key;
    made->key.text = made->text;
    module_turn_init(&made->turn, kind->places, kind->what, kind->busy);
    return made;
}

/* The handles of this key, made if need be, as the most recently used. */
static struct shared *
find(module_handles *handles, const module_handle_key *key, apv_err *err)
{
    struct shared **link = &handles->first, *found;

    if (handles->pid != getpid()) {
        close_all(handles);
        handles->pid = getpid();
    }
    while (*link != NULL && !serves(*link, key))
        link = &(*link)->next;
    found = *link;
    if (found != NULL) {
        *link = found->next;
    } else {
        found = shared_new(handles->kind, key, err);
        if (found == NULL)
            return NULL;
    }
    found->next = handles->first;
    handles->first = found;
    return found;
}

static size_t
count_handles(const struct shared *shared, size_t places)
{
    size_t count = 0;

    for (size_t i = 0; i < places; i++)
        count += shared->handles[i] != NULL;
    return count;
}

/* Closes the least recently used handles beyond the bound, those in use excepted, and forgets
 * keys for which no handle could be made. */
static void
trim(module_handles *handles)
{
    struct shared **link = &handles->first;
    size_t kept = 0;

    while (*link != NULL) {
        struct shared *shared = *link;
        size_t count = shared->users > 0 ? 1 : count_handles(shared, handles->kind->places);
        kept += count;
        if (shared->users > 0 || (count > 0 && kept <= handles->kind->kept)) {
            link = &shared->next;
            continue;
        }
        *link = shared->next;
        shared_free(handles->kind, shared);
    }
}

bool
module_handles_use(module_handles *handles, const module_handle_key *key, int64_t limit_ms,
                   bool (*work)(module_use *use, void *arg, apv_err *err), void *arg, apv_err *err)
{
    struct shared *shared = find(handles, key, err);
    module_gil gil = {0};
    size_t place;
    bool ok = false;

    if (shared == NULL)
        return false;
    shared->users++;
    module_gil_release(&gil);
    if (module_turn_take(&shared->turn, limit_ms, &gil, &place, err)) {
        module_use use = {.gil = &gil};
        if (shared->handles[place] != NULL ||
            handles->kind->open(&shared->key, &shared->handles[place], err)) {
            use.handle = shared->handles[place];
            ok = work(&use, arg, err);
        }
        module_turn_give(&shared->turn, place, use.lesson, err);
    }
    module_gil_acquire(&gil);
    shared->users--;
    trim(handles);
    return ok;
}
