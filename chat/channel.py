"""What each channel does: it delivers one message at a time to a system that people read."""

from ..errors import ApprovalError


class Later(Exception):
    """Raised by a channel: nothing more can be delivered there before ``due_at``, a datetime with a zone."""

    def __init__(self, due_at):
        super().__init__(due_at)
        self.due_at = due_at


class Failed(ApprovalError):
    """Raised by a channel: the message was not delivered, or nobody knows; says why, for people, without any secret."""


class Channel:
    """
    A channel of the setting ``approval:chat:channels``. Objects belong to one thread.

    kind
        As the setting has it.
    edits
        Whether a message can be written anew. Where it cannot, what would only do that (topic ``update``) is not delivered.
    name
        As the setting has it; the destination is ``chat-`` and the name.
    """

    kind = ""
    edits = False

    def __init__(self, name):
        self.name = name

    def deliver(self, message, key, ts=None, address=None):
        """
        Deliver a message.Message; it may have been delivered before, and is known by its key then.

        key
            The thread, such as ``request/7``. The message is its parent where ``message.key`` is the same, else an
            entry of it.
        ts
            The id of the parent there; None: nothing of the thread was delivered yet. A parent with one is written anew.
        address
            That of a contact, or where the parent stands; None: where the channel leads.

        Gives the id of the parent for those that follow, or None: there is none. Raises Later, Failed, ConfigError.
        """
        raise NotImplementedError

    def close(self):
        """Close what is open."""
