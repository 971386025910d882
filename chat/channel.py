"""What each channel does: it delivers one message at a time to a system that people read."""

from ..errors import ApprovalError


class Later(Exception):
    """Raised by a channel: nothing more can be delivered there before ``due_at``, a datetime with a zone."""

    def __init__(self, due_at):
        super().__init__(due_at)
        self.due_at = due_at


class Failed(ApprovalError):
    """Raised by a channel: the message was not delivered, or nobody knows; says why, for people, without any secret."""


class EditsLater(Later):
    """No message can be written anew before ``due_at``; new ones can be delivered."""


class Resting(Failed):
    """The message was not delivered, and the channel is left alone for ``rest_s`` seconds."""

    def __init__(self, text, rest_s):
        super().__init__(text)
        self.rest_s = rest_s


class Away(Resting):
    """The system could not be reached, or gave no answer that says whether anything was done."""


class Channel:
    """
    A channel of the setting ``approval:chat:channels``. Objects belong to one thread.

    kind
        As the setting has it.
    edits
        Whether the parent of a thread can be written anew.
    has_buttons
        Whether people may decide here.
    sums_up
        Whether many messages that say the same of other minions may be one line here.
    name
        As the setting has it; the destination is ``chat-`` and the name.
    """

    kind = ""
    edits = False
    has_buttons = False
    sums_up = True

    def __init__(self, name):
        self.name = name

    def wants(self, topic, body):
        """Whether a message of the queue is told here at all; one of topic ``update`` only writes the parent anew."""
        return self.edits or topic != "update"

    def digest_since(self, now):
        """
        Since when a digest of what waits for them is due to those who are told here, at ``now``, a datetime with a
        zone; None: there is none, or not yet.
        """
        return

    def deliver(self, message, key, ts=None, address=None):
        """
        Deliver a message.Message; it may have been delivered before, and is known by its key then.

        key
            The thread, such as ``request/7``. The message is its parent where ``message.key`` is the same, else an
            entry of it.
        ts
            The id of the parent there; None: nothing of the thread was delivered yet. A parent that has one is written
            anew by a channel that edits, and told anew by others.
        address
            That of a contact, or where the parent stands; None: where the channel leads.

        Gives the id of the parent for those that follow, or None: there is none. Raises Later, Failed, ConfigError.
        """
        raise NotImplementedError

    def close(self):
        """Close what is open."""
