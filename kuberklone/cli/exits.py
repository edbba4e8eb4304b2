"""The exit codes of every command, and the one exception that ends a command with a sentence instead of a traceback."""

from enum import IntEnum


class Exit(IntEnum):
    """What a script can tell from a command's end."""

    OK = 0
    FAILED = 1
    """Refused, failed, or not found."""
    USAGE = 2
    """The command line or a setting cannot be used, or the port is taken."""
    ALREADY_RUNNING = 3
    """Another `up` runs on the same data."""
    NO_SERVER = 4
    """Nothing answers at the server's address."""


class Stop(Exception):
    """End the command: the sentence goes to standard error, the code to the shell."""

    def __init__(self, sentence: str, code: Exit = Exit.FAILED) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.code = code
