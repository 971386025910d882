"""Commands about one site of tickets: whether it works, and its secrets."""

import datetime

from .command import DONE, REFUSED, answer, group, leaf
from .serve import CONFIG


def add(ours):
    """Declare the commands, among those about tickets."""
    command = leaf(
        ours, "check", _check,
        "try all that can be tried at the real site, without changing anything: is it set up right? exit code 1 if not",
    )  # fmt: skip
    _add_site(command)
    secret = group(ours, "secret", "the secrets with which a site signs what it sends")
    command = leaf(secret, "add", _add, "make a file with a new one, and say what to do with it")
    _add_site(command)
    command.add_argument("--folder", metavar="DIRECTORY", help="where the file is to be; by default beside the present")
    command = leaf(secret, "retire", _retire, "remove the files of those whose last day has passed")
    _add_site(command)


def _add_site(command):
    command.add_argument("site", metavar="SITE", help="its name, or its provider")
    command.add_argument("--config", metavar="FILE", default=CONFIG, help="where the sites are described (%(default)s)")


def _check(arguments):
    from .. import db
    from ..errors import ApprovalError
    from ..itsm import checking, sites

    settings, site = _site(arguments)
    rows = [
        {"level": level, "found": found, "remedy": remedy}
        for level, found, remedy in checking.findings(site, sites.system(site), _today())
    ]
    try:
        with db.connect(settings.connection("itsm")) as conn:
            db.value(conn, "poll_mark", site.provider)
    except ApprovalError as exc:
        rows.append({
            "level": "error",
            "found": str(exc),
            "remedy": f"Have the login of approval:itsm reach the database, and speak for {site.provider}.",
        })  # fmt: skip
    else:
        rows.append({"level": "ok", "found": f"our login speaks for {site.provider}", "remedy": None})
    answer(arguments, rows, check_text)
    return REFUSED if any(row["level"] == "error" for row in rows) else DONE


def _add(arguments):
    from ..itsm import secret_files

    path, lines = secret_files.add(_site(arguments)[1], arguments.folder, _today())
    return answer(arguments, {"file": path, "setting": lines}, added_text)


def _retire(arguments):
    from ..itsm import secret_files

    removed, lines = secret_files.retire(_site(arguments)[1], _today())
    return answer(arguments, {"removed": removed, "setting": lines}, retired_text)


def _site(arguments):
    """(Settings, Site) that the arguments name."""
    from ..itsm import sites
    from ..settings import Settings

    settings = Settings.from_service_file(arguments.config)
    return settings, sites.find(sites.load(settings.ticket_sites()), arguments.site)


def _today():
    return datetime.datetime.now(datetime.timezone.utc).date()


def check_text(rows):
    """What was found about a site."""
    lines = []
    for row in rows:
        lines.append(f"{row['level']}: {row['found']}")
        if row["remedy"]:
            lines.append(f"    {row['remedy']}")
    return "\n".join(lines)


def added_text(result):
    """The file of a new secret, and the way to put it to use."""
    return "\n".join(
        [
            f"{result['file']} holds a new secret. Have the settings say so, and start the web service anew:",
            *(f"    {line}" for line in result["setting"]),
            "Then give the secret to the other system, where its webhook is set up. Until the day that stands there,",
            "both count.",
        ]
    )


def retired_text(result):
    """The files of secrets that were removed."""
    if not result["removed"]:
        return "none has passed its last day"
    return "\n".join(
        [
            *(f"removed {path}" for path in result["removed"]),
            "Have the settings of the site say:",
            *(f"    {line}" for line in result["setting"]),
        ]
    )
