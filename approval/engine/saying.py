"""A failure that repeats is logged when it begins, when it changes, and when it is over."""

import logging

import psycopg

from .. import _core
from ..errors import ApprovalError

log = logging.getLogger(__name__)

# The world around causes these (a server stops, for example), and one line says all. Any other is a fault of ours.
EXPECTED = (ApprovalError, _core.Error, psycopg.OperationalError)


class Saying:
    """
    Logs that something fails when it begins to, or fails otherwise, and when it works again.

    error
        The present failure, for people; None while there is none. Of an error that is not ours only the kind, since
        its text may hold anything.
    """

    def __init__(self, subject):
        self._subject = subject
        self._last = None
        self.error = None

    def failed(self, exc):
        """The work failed of this exception."""
        text = f"{type(exc).__name__}: {exc}"
        is_expected = isinstance(exc, EXPECTED)
        self.error = str(exc) if is_expected else type(exc).__name__
        if text == self._last:
            return
        self._last = text
        if is_expected:
            log.error("%s: %s", self._subject, " ".join(str(exc).split()))
        else:
            log.error("%s: %s", self._subject, text, exc_info=exc)

    def succeeded(self):
        """The work succeeds now."""
        if self._last is not None:
            log.warning("%s: over, it works again", self._subject)
            self._last = self.error = None
