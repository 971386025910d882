"""
Keep jobs in the approval database and judge every return against what was approved.

.. code-block:: yaml

    master_job_cache: approval
    event_return: [approval]         # if events are to be kept as well
    approval:
      returner:
        dsn_file: /etc/salt/approval/returner.dsn

On a master or a masterless minion ``--return approval`` works too. The settings are those of the pillar
module. The words of a minion's load about returners (``ret_config``, ``ret_kwargs``) are ignored.
"""

import logging

import salt.utils.jid

log = logging.getLogger(__name__)

__virtualname__ = "approval"


def __virtual__():
    return __virtualname__


def prep_jid(nocache=False, passed_jid=None):
    """A new job id, or the one passed; a job is kept from its first load on."""
    return passed_jid or salt.utils.jid.gen_jid(__opts__)


def save_load(jid, load, minions=None):
    """Keep the load that published the job. Salt hands in each return as a load too: the first one stays."""
    _store().save_load(jid, load, minions)


def save_minions(jid, minions, syndic_id=None):
    """Add to the minions that the job was sent to."""
    _store().save_minions(jid, minions, syndic_id)


def returner(load):
    """Judge the return of a minion and keep both, the verdict and the return."""
    if load.get("jid") == "req":
        load["jid"] = prep_jid()
    _store().record(load)


def get_load(jid):
    """The load that published the job, with its ``Minions``; {} for an unknown one."""
    return _store().get_load(jid)


def get_jid(jid):
    """The returns of the minions for the job: {minion: {return, retcode, success, out}}."""
    return _store().get_jid(jid)


def get_jids():
    """All jobs kept, newest first: {jid: description}."""
    return _store().get_jids()


def get_jids_filter(count, filter_find_job=True):
    """The descriptions of the newest ``count`` jobs, oldest first."""
    return _store().get_jids_filter(count, filter_find_job)


def get_fun(fun):
    """The newest return of the function from each minion, whole."""
    return _store().get_fun(fun)


def get_minions():
    """The minions that have returned anything."""
    return _store().get_minions()


def clean_old_jobs():
    """Drop what is older than keep_jobs_seconds; Salt's maintenance calls this."""
    _store().clean_old_jobs()


def update_endtime(jid, time):
    """Note when the job ended."""
    _store().update_endtime(jid, time)


def get_endtime(jid):
    """When the job ended, as update_endtime() was told; False if it was not."""
    return _store().get_endtime(jid)


def event_return(events):
    """Keep events: [{tag, data}, ...]."""
    _store().save_events(events)


def _store():
    # Imported here, so that a core that cannot be loaded is an error of the job, not a missing returner.
    from saltext.approval.jobs.store import JobStore

    return JobStore(__opts__)
