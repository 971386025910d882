"""How long jobs are kept, as the master's configuration has it."""

FOR_EVER_SECONDS = 100 * 365 * 86_400


def keep_hours(opts):
    """
    ``keep_jobs_seconds`` (with Salt also the older keep_jobs) in whole hours, rounded up; 0 there means for ever.
    """
    try:
        from salt.utils.job import get_keep_jobs_seconds
    except ImportError:
        seconds = opts["keep_jobs_seconds"]
    else:
        seconds = get_keep_jobs_seconds(opts)
    seconds = seconds or FOR_EVER_SECONDS
    return -(-seconds // 3600)
