"""The command `web`: the web service, which takes what other systems send."""

from .command import DONE, leaf

CONFIG = "/etc/salt-approval/service.yaml"


def add(commands):
    """Declare the command."""
    command = leaf(commands, "web", _web, "serve what comes in over HTTP: deliveries of systems of tickets, and pages")
    command.add_argument("--config", metavar="FILE", default=CONFIG, help="its settings (%(default)s)")


def _web(arguments):
    from ..errors import ConfigError
    from ..settings import Settings

    settings = Settings.from_service_file(arguments.config)
    try:
        from ..portal import service
    except ModuleNotFoundError as exc:
        raise ConfigError(
            f"the web service needs the package {exc.name}: install saltext-approval[web,itsm] here"
        ) from None
    from ..admin import migrate

    service.run(settings, migrate.Schema())
    return DONE
