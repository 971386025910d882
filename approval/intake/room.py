"""How much work the search for secrets in one job may be."""


class Room:
    """
    The work that is left: about the characters that are looked at closely, with each time that they are.

    A minion that returns a million arguments, or texts that are slow to search, takes no longer than this allows: who
    finds no room hides what is not looked at.
    """

    __slots__ = ("left",)

    def __init__(self, work):
        self.left = work

    def take(self, work):
        """Whether there is room for this much more, which is taken. Once there is not, nothing finds any."""
        self.left -= work
        return self.left >= 0
