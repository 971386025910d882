"""A site looked at in earnest, before the first ticket comes: what is wrong with it, and how to mend that."""

import datetime
import email.utils

from ..errors import ConfigError
from .ticket import Away, Denied

SKEW_S = 60.0  # times of a site are compared with its own; more is a sign that a clock is wrong
EXPIRES_WITHIN = datetime.timedelta(days=14)


def findings(site, system, today):
    """
    What is found about a sites.Site, first on this machine and then at the site: yields (level, what was found, what to
    do), where the level is ``ok``, ``warning`` or ``error``, and there is nothing to do (None) for ``ok``.

    today
        The date in UTC.
    """
    yield from _secrets(site, today)
    if not site.url:
        yield "warning", "nothing is asked there: the site has no url", "Set url, unless deliveries are all there is."
        return
    if not site.auth:
        yield (
            "warning",
            "nothing is asked there, so what its tickets say is asserted at most: the site has no auth",
            "Set auth, unless deliveries are all there is.",
        )
        return
    yield from _expiry(site, today)
    try:
        yield from system.check()
    except ConfigError as exc:
        yield "error", str(exc), "Correct the setting."
    except Denied as exc:
        remedy = "Make a new token, and put it into the file." if exc.status == 401 else "Correct the setting."
        yield "error", str(exc), remedy
    except Away as exc:
        yield "error", str(exc), "See whether the url is right, and whether this machine may connect there."


def clock(name, answer, now):
    """The finding about the clock of a site, by an http.Answer of it; the same form."""
    try:
        theirs = email.utils.parsedate_to_datetime(answer.headers.get("Date"))
    except (TypeError, ValueError):
        return "warning", f"{name} does not say what time it is there", "Look at its clock."
    apart_s = abs((now - theirs).total_seconds())
    if apart_s > SKEW_S:
        return (
            "warning",
            f"the clocks of {name} and of this machine are {apart_s:.0f} s apart",
            "Have both keep the time by NTP: signed deliveries count for five minutes.",
        )
    return "ok", "the clocks agree", None


def _secrets(site, today):
    if not site.secrets:
        yield (
            "error" if site.kind != "servicenow" else "warning",
            "the site has no webhook_secrets: nothing that it sends is taken",
            f"Run salt-approval itsm secret add {site.name}.",
        )
    for secret in site.secrets:
        try:
            secret.key()
        except ConfigError as exc:
            yield "error", str(exc), "Correct the file, or the setting that names it."
            continue
        if secret.until is not None and secret.until < today:
            yield (
                "warning",
                f"{secret.file} does not count any more since {secret.until}",
                f"Run salt-approval itsm secret retire {site.name}.",
            )
        else:
            yield "ok", f"{secret.file} holds a secret of webhooks", None
    try:
        if site.route_token() is not None:
            yield "ok", f"{site.route_token_file} holds the token of rules", None
    except ConfigError as exc:
        yield "error", str(exc), "Correct the file, or the setting that names it."


def _expiry(site, today):
    expires = site.auth.get("expires")
    if expires is None:
        yield (
            "warning",
            "nobody is warned before our token expires: auth has no expires",
            "Set expires to the day on which it ends.",
        )
    elif expires <= today:
        yield "error", f"our token expired on {expires}", "Make a new one, put it into the file, and set expires."
    elif expires - today <= EXPIRES_WITHIN:
        yield "warning", f"our token expires on {expires}", "Make a new one, put it into the file, and set expires."
    else:
        yield "ok", f"our token is valid until {expires}", None
