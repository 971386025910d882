"""The secrets of webhooks change: a new file is made beside the old one, which goes when its day has passed."""

import datetime
import os
import secrets

from ..errors import ConfigError, InputError

BYTES = 32
OVERLAP = datetime.timedelta(days=7)  # so long the old one counts beside the new one


def add(site, folder, today):
    """
    Make a file with a new secret for a sites.Site, which this process's account alone may read.

    folder
        The directory of the file; None: that of the site's present one.
    today
        The date in UTC, which is part of the file's name.

    Gives (its path, the lines of the setting webhook_secrets, in which the present ones count for a week more). Raises
    InputError, ConfigError.
    """
    if folder is None:
        if not site.secrets:
            raise InputError(f"{site.name} has no webhook_secrets yet: say where the file is to be, with --folder")
        folder = os.path.dirname(site.secrets[0].file)
    path = os.path.join(os.path.abspath(folder), f"{site.name}-{today:%Y%m%d}.webhook")
    try:
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise InputError(f"{path} is there already: it was made today, or remove it") from None
    except OSError as exc:
        raise ConfigError(f"{path} cannot be made: {exc.strerror}") from None
    with os.fdopen(file, "w", encoding="ascii") as stream:
        stream.write(f"{secrets.token_urlsafe(BYTES)}\n")
        stream.flush()
        os.fsync(stream.fileno())
    lines = ["webhook_secrets:", f"  - file: {path}"]
    for one in site.secrets:
        until = today + OVERLAP if one.until is None else one.until
        lines += [f"  - file: {one.file}", f"    until: {until}"]
    return path, lines


def retire(site, today):
    """
    Remove the files of those secrets of a sites.Site whose last day has passed.

    Gives (the paths that were removed, the lines of the setting webhook_secrets without them). Raises ConfigError.
    """
    over = [one for one in site.secrets if one.until is not None and one.until < today]
    removed = []
    for one in over:
        try:
            os.unlink(one.file)
        except FileNotFoundError:
            continue
        except OSError as exc:
            raise ConfigError(f"{one.file} cannot be removed: {exc.strerror}") from None
        removed.append(one.file)
    lines = ["webhook_secrets:"]
    for one in site.secrets:
        if one not in over:
            lines += [f"  - file: {one.file}", *([] if one.until is None else [f"    until: {one.until}"])]
    return removed, lines
