"""How long jobs are kept, as the master's configuration has it."""

import salt.utils.job

FOR_EVER_SECONDS = 100 * 365 * 86_400


def keep_hours(opts):
    """``keep_jobs_seconds`` (or the older keep_jobs) in whole hours, rounded up; 0 there means for ever."""
    seconds = salt.utils.job.get_keep_jobs_seconds(opts) or FOR_EVER_SECONDS
    return -(-seconds // 3600)
