"""
Keep the approval database in good order, and send minions what is due.

.. code-block:: yaml

    engines:
      - approval: {}
    approval:
      engine:
        dsn_file: /etc/salt/approval/engine.dsn

Salt runs it in a process of its own beside the master, and starts it again should it die. Its settings stand
under ``approval:engine``; ``docs/running.md`` has them all.
"""

__virtualname__ = "approval"


def __virtual__():
    return __virtualname__


def start(**settings):
    """Do the work of the engine until the master stops."""
    from saltext.approval.engine.supervisor import run

    run(__opts__, settings)
