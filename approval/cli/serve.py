"""The command `serve`: the engine's workers that need no Salt, on a machine without a master."""

import logging
import os
import socket

from .command import DONE, leaf

CONFIG = "/etc/salt-approval/service.yaml"


def add(commands):
    """Declare the command."""
    command = leaf(commands, "serve", _serve, "do all the time what is due, where no Salt master is")
    command.add_argument(
        "--workers", metavar="NAMES", help="which ones, with commas in between; by default all that need no Salt"
    )
    command.add_argument("--config", metavar="FILE", default=CONFIG, help="its settings (%(default)s)")


def _serve(arguments):
    from ..engine import supervisor
    from ..settings import Settings

    settings = Settings.from_service_file(arguments.config)
    names = _chosen(arguments.workers, settings)
    # A wrong setting is told now, to the person who starts the command; the engine of a master would wait for its
    # configuration to be mended.
    settings.listen_connection()
    settings.connection(settings.main_part)
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")
    service = supervisor.Supervisor(settings, names, ends_with_parent=False, ready=_tell_ready)
    with supervisor.signals(service.stop):
        service.run()
    return DONE


def _chosen(given, settings):
    """The names of the workers to run. Raises InputError, ConfigError."""
    from ..engine import worker
    from ..errors import ConfigError, InputError

    here = [name for name in worker.WORKERS if name not in worker.OF_A_MASTER]
    if settings.main_part != "engine":
        parts = [part for part in worker.OF_PARTS if settings.section(part) is not None]
        here = [name for part in parts for name in worker.OF_PARTS[part]]
    if given is None:
        return here
    names = [name.strip() for name in given.split(",")]
    for name in names:
        if name in worker.OF_A_MASTER:
            raise InputError(
                f"the worker {name} needs Salt: the engine of a master runs it; this command runs {', '.join(here)}"
            )
        if name not in worker.WORKERS:
            raise InputError(f"--workers: {worker.unknown(name)}")
        if name not in here:
            raise ConfigError(f"the worker {name} needs approval:engine, which is not configured: set dsn_file there")
    return names


def _tell_ready():
    """Tell systemd, if it started this (Type=notify). Raises OSError."""
    address = os.environ.get("NOTIFY_SOCKET")
    if address:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as stream:
            stream.sendto(b"READY=1", f"\0{address[1:]}" if address.startswith("@") else address)
