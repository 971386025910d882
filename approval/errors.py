"""Errors that a user of this extension can meet.

The text of each is one sentence for people. The sentence names settings, files and objects, and never holds the
content of a connection string, a password or an approved value.
"""


class ApprovalError(Exception):
    """Base of all of these; raised as it is for an internal contradiction only."""


class ConfigError(ApprovalError):
    """A setting is missing, unknown or unusable; names the setting."""


class InputError(ApprovalError):
    """An operator's input cannot be understood; the text says what would be."""


class Unavailable(ApprovalError):
    """The approval database cannot be reached."""


class Refused(ApprovalError):
    """The database says no: a rule of the workflow (SQLSTATE class AP), or a missing privilege."""

    def __init__(self, message, sqlstate):
        super().__init__(message)
        self.sqlstate = sqlstate


class MigrationError(ApprovalError):
    """The database's schema cannot be brought to this version."""


class Damaged(ApprovalError):
    """A file on the master's disk is not as it was written."""
