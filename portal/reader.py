"""How whoever reads a page wants it: in which time zone, and in which language.

Both are chosen on the page of reading.py and kept in a cookie each. Before that the language is the one of ours that
the browser prefers, and the zone is that of the browser, which static/zone.js notes in the same cookie; without scripts
it is UTC.
"""

import dataclasses
import functools
import importlib.resources
import io
import re
import zoneinfo
from gettext import GNUTranslations, NullTranslations

from babel import Locale
from babel.messages import mofile, pofile
from flask import g, has_request_context, request

ZONE, LANGUAGE = "zone", "language"  # the names of the cookies
SCRIPT = "zone.js"
UTC = "UTC"
# Languages, as those who speak them call them.
LANGUAGES = {"en": "English", "de": "Deutsch"}
SOURCE = "en"  # that of the sources: its texts are the ids of the others in locale/
LOCALES = {language: Locale(language) for language in LANGUAGES}
# Other names are files beside the zones, or zones without summer time under the names of countries of long ago.
NAME = re.compile(r"UTC|[A-Z][A-Za-z_]+(/[A-Za-z0-9_+-]+)+")


@dataclasses.dataclass(frozen=True)
class Reader:
    """
    How somebody reads.

    zone
        The zone of the times that are shown, and of those that are typed without one.
    language
        A key of LANGUAGES.
    has_zone
        Whether the zone was chosen or noted; else it is UTC for want of another.
    """

    zone: zoneinfo.ZoneInfo
    language: str
    has_zone: bool = True

    @property
    def name(self):
        """What the language is called in itself."""
        return LANGUAGES[self.language]

    @property
    def locale(self):
        """The babel.Locale of the language: how numbers and dates are written."""
        return LOCALES[self.language]


@functools.cache
def zones():
    """The names of all zones that can be chosen, in order."""
    return sorted(filter(NAME.fullmatch, zoneinfo.available_timezones()))


def named(name):
    """The zone of this name, None where there is none."""
    return zoneinfo.ZoneInfo(name) if name in zones() else None


def current():
    """The Reader of the present request; outside of one it is somebody who reads English and UTC."""
    if not has_request_context():
        return Reader(zoneinfo.ZoneInfo(UTC), SOURCE)
    if "reader" not in g:
        zone, language = named(request.cookies.get(ZONE, "")), request.cookies.get(LANGUAGE)
        if language not in LANGUAGES:
            language = _preferred()
        g.reader = Reader(zone or zoneinfo.ZoneInfo(UTC), language, zone is not None)
    return g.reader


def _preferred():
    """The one of our languages that the browser prefers, whatever the country: de for de-CH."""
    wanted = (tag.partition("-")[0].lower() for tag, quality in request.accept_languages if quality)
    return next((language for language in wanted if language in LANGUAGES), SOURCE)


@functools.cache
def _translations(language):
    """The texts of a language."""
    if language == SOURCE:
        return NullTranslations()
    with importlib.resources.files(__package__).joinpath("locale", f"{language}.po").open("rb") as file:
        catalog = pofile.read_po(file, locale=language)
    compiled = io.BytesIO()
    mofile.write_mo(compiled, catalog)
    compiled.seek(0)
    return GNUTranslations(compiled)


def gettext(message):
    """The message in the reader's language."""
    return _translations(current().language).gettext(message)


def ngettext(one, many, number):
    """The message for so many in the reader's language."""
    return _translations(current().language).ngettext(one, many, number)


def gettext_noop(message):
    """The message itself, where it stands in a list: the catalog has it, and gettext() is called where it is shown."""
    return message


def ngettext_noop(one, many):
    """The arguments of ngettext() beside the number, where they stand in a list."""
    return one, many
