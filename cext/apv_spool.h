/* apv_spool.h - the spool: what Salt hands over while the database is away, on the
 * master's disk, in the order in which it came. The rules at the head of apv_base.h hold here
 * too.
 *
 * Any number of processes put entries in; one at a time takes them out, which callers see
 * to. An entry stays until it is removed, so whoever records it elsewhere first and
 * removes it then loses none. What nobody can record is set aside, out of the way of
 * those behind it.
 */
#ifndef APV_SPOOL_H
#define APV_SPOOL_H

#include "apv.h"

#define APV_SPOOL_JID_MAX 255                     /* bytes of a jid */
#define APV_SPOOL_REASON_MAX 255                  /* bytes of a reason; more is cut off */
#define APV_SPOOL_WRITE_TIMEOUT_MS 5000           /* the usual one */
#define APV_SPOOL_BOUND_MIN ((size_t)1024 * 1024) /* bytes */

typedef struct apv_spool apv_spool;

typedef struct {
    const char *path;   /* directory for its owner alone; made if it isn't there, its parents not */
    size_t bound_bytes; /* its data file never grows beyond; APV_SPOOL_BOUND_MIN or more */
    int write_timeout_ms; /* how long a write waits for one of another process; 0: the usual */
} apv_spool_options;

/* What an entry is. On disk; never renumber. */
typedef enum {
    APV_SPOOL_DAMAGED = 0, /* read only: what it was cannot be told any more */
    APV_SPOOL_LOAD = 1,
    APV_SPOOL_RETURN = 2,
    APV_SPOOL_MINIONS = 3,
    APV_SPOOL_ENDTIME = 4,
    APV_SPOOL_EVENTS = 5
} apv_spool_kind;

typedef struct {
    uint64_t seq; /* given by the spool: 1 or more, ascending, never given twice */
    apv_spool_kind kind;
    int64_t accepted_us; /* when it was accepted, in microseconds since 1970 UTC */
    apv_span jid;        /* of the job; empty: of none */
    apv_span payload;    /* msgpack, which the spool does not read; of DAMAGED: what is there */
    apv_span reason;     /* of what was set aside; else data NULL */
    int64_t aside_us;    /* when it was, as accepted_us */
} apv_spool_entry;

/* Entries that were read. All that they point to belongs to it. */
typedef struct {
    const apv_spool_entry *entries;
    size_t count;
} apv_spool_batch;

typedef struct {
    uint64_t entries;        /* that wait */
    uint64_t kinds[6];       /* of these, by apv_spool_kind; the damaged count as what they were */
    uint64_t aside;          /* that were set aside */
    uint64_t oldest_seq;     /* 0: none waits */
    int64_t oldest_us;       /* when that was accepted; 0 where it is damaged */
    uint64_t dropped_events; /* since the spool was made */
    size_t used_bytes;       /* of bound_bytes */
    size_t bound_bytes;
} apv_spool_info;

/* Opens a spool.
 *
 * options: copied. spool: receives the handle.
 * Errors: INVALID (the bound is too small; the directory is none, belongs to somebody
 * else, or others may read or write it; write_timeout_ms is negative), BUSY (it has to be
 * made, and another process writes), DAMAGED, FULL, LIMIT, MEMORY.
 * Ownership: free with apv_spool_close. Blocks on the disk. A process has each spool open
 * once; one thread at a time per handle.
 */
bool apv_spool_open(const apv_spool_options *options, apv_spool **spool,
                    apv_err *err) APV_MUSTCHECK;

/* Closes it and sets *spool to NULL; *spool may be NULL. In a process other than the one
 * that opened it nothing is closed, since it is still the parent's. */
void apv_spool_close(apv_spool **spool);

/* Sets what is asked now and then while a writer of another process is waited for:
 * interrupted(arg) true gives up with BUSY. NULL: nothing is. */
void apv_spool_on_signal(apv_spool *spool, bool (*interrupted)(void *arg), void *arg);

/* Adds entries behind all others: all of them or none, on disk when this returns.
 *
 * entries: count of them, of which kind (not DAMAGED), accepted_us, jid and payload are
 * read. first: receives the seq of the first; those of the others follow.
 * Errors: FULL (a part of the bound is kept free so that entries can still be removed; for
 * events alone half of it counts, so that they go before anything else does), INVALID,
 * LIMIT (a jid is too long), BUSY (another process wrote for all of write_timeout_ms: it is
 * stopped, perhaps), DAMAGED, FORKED, MEMORY. Blocks on the disk, and up to write_timeout_ms
 * while another process writes.
 */
bool apv_spool_put(apv_spool *spool, const apv_spool_entry *entries, size_t count, uint64_t *first,
                   apv_err *err) APV_MUSTCHECK;

/* Counts events that found no room. Errors as apv_spool_put. */
bool apv_spool_count_dropped(apv_spool *spool, uint64_t events, apv_err *err) APV_MUSTCHECK;

/* Reads entries in their order. Damaged ones are among them, as such.
 *
 * aside: those that were set aside, else those that wait. from: seq of the first, if it is
 * there. count_max, size_max_bytes: not more, but always one.
 * Errors: DAMAGED (the file, not an entry), FORKED, LIMIT, MEMORY.
 * Ownership: free with apv_spool_batch_free. Waits for nobody.
 */
bool apv_spool_read(apv_spool *spool, bool aside, uint64_t from, size_t count_max,
                    size_t size_max_bytes, apv_spool_batch **batch, apv_err *err) APV_MUSTCHECK;

/* Reads the entries of a job that wait, in their order, without the damaged ones.
 *
 * jid: data NULL: of all jobs, ordered by jid. kind: DAMAGED: of all kinds.
 * Otherwise as apv_spool_read.
 */
bool apv_spool_find(apv_spool *spool, apv_span jid, apv_spool_kind kind, apv_spool_batch **batch,
                    apv_err *err) APV_MUSTCHECK;

/* The same in parts, for what may be more than there is memory for.
 *
 * after: the last entry of the part before, of which jid and seq are read; NULL: from the
 * start. count_max, size_max_bytes (of payloads): not more, but always one.
 */
bool apv_spool_find_next(apv_spool *spool, apv_span jid, apv_spool_kind kind,
                         const apv_spool_entry *after, size_t count_max, size_t size_max_bytes,
                         apv_spool_batch **batch, apv_err *err) APV_MUSTCHECK;

/* Whether any entry of a job waits. Errors as apv_spool_read. */
bool apv_spool_has(apv_spool *spool, apv_span jid, bool *has, apv_err *err) APV_MUSTCHECK;

void apv_spool_batch_free(apv_spool_batch **batch);

/* Removes entries that wait; those that aren't there are passed over.
 * Errors: FULL, BUSY, DAMAGED, FORKED, MEMORY; then none was removed. Blocks as apv_spool_put. */
bool apv_spool_remove(apv_spool *spool, const uint64_t *seqs, size_t count,
                      apv_err *err) APV_MUSTCHECK;

/* Sets an entry aside, with the reason why, in UTF-8. now_us: as accepted_us.
 * found: receives whether it was there. Errors as apv_spool_remove. */
bool apv_spool_set_aside(apv_spool *spool, uint64_t seq, apv_span reason, int64_t now_us,
                         bool *found, apv_err *err) APV_MUSTCHECK;

/* Puts what was set aside behind all others again. seq_new: receives its new number, 0:
 * there is none such. Errors: INVALID (it is damaged), otherwise as apv_spool_put. */
bool apv_spool_retry(apv_spool *spool, uint64_t seq, uint64_t *seq_new, apv_err *err) APV_MUSTCHECK;

/* Removes an entry that was set aside. found, errors: as apv_spool_set_aside. */
bool apv_spool_remove_aside(apv_spool *spool, uint64_t seq, bool *found,
                            apv_err *err) APV_MUSTCHECK;

/* What is in it. Errors: as apv_spool_read. Time: linear in the entries. */
bool apv_spool_inspect(apv_spool *spool, apv_spool_info *info, apv_err *err) APV_MUSTCHECK;

#endif
