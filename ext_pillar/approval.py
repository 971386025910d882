"""
Give each minion what was approved for it.

.. code-block:: yaml

    ext_pillar:
      - approval:
          dsn_file: /etc/salt/approval/exporter.dsn

Settings: one of ``dsn_file``, ``dsn`` and ``service`` (a libpq service); ``key``, the pillar key
(``approval``); ``connect_timeout_ms`` (2000), ``timeout_ms`` (5000); ``prepare: false`` behind a PgBouncer
in transaction mode.

A minion that the database does not know gets revision 0 and nothing else. When the database cannot be read
this raises, upon which Salt reports the pillar as broken and refuses state runs.
"""


def __virtual__():
    # Never anything else: a pillar module that is missing counts as no pillar, not as an error.
    return True


def ext_pillar(minion_id, pillar, *unnamed, **settings):
    """The approved state of ``minion_id`` under the key ``approval``; raises when it cannot be read."""
    from saltext.approval import _core, config

    if unnamed:
        raise config.ConfigError("ext_pillar approval takes named settings, such as dsn_file")
    connection = config.connection(settings, "ext_pillar approval", also=("key",))
    key = settings.get("key", "approval")
    if not isinstance(key, str) or not key:
        raise config.ConfigError("ext_pillar approval: key must be a non-empty text")
    return {key: _core.document(connection.conninfo, minion_id, **connection.options)}
