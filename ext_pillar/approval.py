"""
Give each minion what was approved for it.

.. code-block:: yaml

    ext_pillar:
      - approval:
          dsn_file: /etc/salt/approval/exporter.dsn

Settings: one of ``dsn_file``, ``dsn`` and ``service`` (a libpq service); ``key``, the pillar key
(``approval``); ``connect_timeout_ms`` (2000), ``timeout_ms`` (5000); ``prepare: false`` behind a PgBouncer
in transaction mode.

``mode: database`` (the default) reads the database, and while that is away the snapshot that the engine keeps
on the master's disk. ``mode: snapshot`` reads the snapshot, and the database when the snapshot was not
refreshed for ``max_age`` seconds (60). ``snapshot`` is its directory (``<cachedir>/approval/snapshot``). One
older than ``max_age``, if that is set, is never used.

A minion that is not known there gets revision 0 and nothing else. When neither can be read this raises, upon
which Salt reports the pillar as broken and refuses state runs.
"""


def __virtual__():
    # Never anything else: a pillar module that is missing counts as no pillar, not as an error.
    return True


def ext_pillar(minion_id, pillar, *unnamed, **settings):
    """The approved state of ``minion_id`` under the key ``approval``; raises when it cannot be read."""
    from saltext.approval import _core, errors, tally
    from saltext.approval.settings import PILLAR, source

    if unnamed:
        raise errors.ConfigError("it takes named settings, such as dsn_file")
    try:
        wanted = source(settings, __opts__["cachedir"])
    except errors.ConfigError as exc:
        # Salt puts the name of the source in front itself.
        raise errors.ConfigError(str(exc).removeprefix(f"{PILLAR}: ")) from None
    conninfo, options = wanted.connection.conninfo, wanted.connection.options
    counts = tally.path(__opts__["cachedir"])
    try:
        document = _core.document(conninfo, minion_id, **wanted.reading, **options)
    except Exception:
        tally.count(counts, "failed")
        raise
    tally.count(counts, document["source"])
    return {wanted.key: document}
