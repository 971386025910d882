"""The client of a person who signed in on the web: what they see and decide there, by the token of their session.

Whose session it is, and so what they may do, the database finds out by the token: there is nothing here by which
anybody could act as somebody else. The methods are those of api.Client with the same names.
"""

from .. import db
from .api import DEFAULT_LIMIT, SHOWN_ITEMS
from .database import OF_MINIONS, OF_PLANS, masked


class SessionClient:
    """
    What the person with a session can do on the connection ``conn`` (see db.connect).

    token
        Of the session, as bytes.
    masker
        Hides the secrets in what minions said.

    Each method raises Refused, with AP021 where there is no such session or it has ended, and Unavailable.
    """

    def __init__(self, conn, token, masker):
        self._conn = conn
        self._token = token
        self._masker = masker

    def whoami(self):
        """
        Whose session it is: {session: its number, name, provider, subject, assurance, credential, ends_at,
        can_be_surer: whether a sign-in of now would have a higher assurance}. It ends the later for it.
        """
        return db.call(self._conn, "use_session", self._token)[0]

    def inbox(self, limit=DEFAULT_LIMIT, after=None):
        """See Client.inbox(); times are datetimes."""
        return db.call(self._conn, "inbox_by_session", self._token, after, limit)

    def show(self, request_id, outcomes=None, after=None, limit=SHOWN_ITEMS):
        """
        See Client.show(); besides, ``stage`` is the number of the stage that it is at, and ``may`` says of approve,
        reject and review: {yes, in_stead_of} or {yes: False, code, why_not, hint}.
        """
        shown = db.value(
            self._conn, "show_request_by_session", self._token, request_id, outcomes, after and list(after), limit
        )
        return masked(shown, OF_MINIONS, self._masker)

    def plan(self, request_id):
        """See Client.plan()."""
        return masked(db.value(self._conn, "show_plan_by_session", self._token, request_id), OF_PLANS, self._masker)

    def decide(self, request_id, decision, comment, digest, stage):
        """
        Approve or reject what was shown: the items with this digest, at the stage of this number; the same again
        changes nothing. Gives the state after.
        """
        return db.value(self._conn, "decide_by_session", self._token, request_id, decision, comment, digest, stage)

    def review(self, request_id, comment):
        """Record the review that an emergency needs afterwards."""
        db.value(self._conn, "review_by_session", self._token, request_id, comment)

    def sessions(self):
        """Their sessions, the last used first: [{session, provider, address, began_at, seen_at, ends_at, present}]."""
        return db.call(self._conn, "list_sessions", self._token)

    def end(self, session=None):
        """End a session of theirs by its number, or (None) this one; tells whether there was one."""
        return db.value(self._conn, "end_session", self._token, session)

    def end_others(self):
        """End all of their sessions but this one; gives how many."""
        return db.value(self._conn, "end_other_sessions", self._token)
