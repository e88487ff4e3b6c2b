"""Errors that are meant for the person at the keyboard."""


class UserError(Exception):
    """Something the user can mend: the message says what was wrong, where, and what would be right.

    The command line prints the message without a traceback and exits with `exit_code`.
    """

    exit_code = 1


class ConfigError(UserError):
    """A config, an override or a command line that cannot be used."""

    exit_code = 2


class UnreadableError(UserError):
    """A music file that cannot be read as music; the message is the reason."""


class UnencodableError(UserError):
    """A piece that a representation cannot hold; the message is the reason."""


class ImpossibleConditionError(UserError):
    """Given notes that a model gives no probability; the message says where."""
