"""Errors that people cause: each carries one sentence that says what to do."""


class SegdemoError(Exception):
    """Something a person can put right; ``str(error)`` is the sentence to show them."""


class MissingExtraError(SegdemoError):
    """An optional dependency is not installed; the sentence names the exact install command."""

    def __init__(self, feature: str, extra: str) -> None:
        super().__init__(f'{feature} needs an extra that is not installed: run `pip install -e ".[{extra}]"`.')


class NotOfferedError(SegdemoError, LookupError):
    """A prediction lacks a part, such as attention; the sentence says why, as the network's family tells it."""


class HostError(SegdemoError):
    """Something about the machine or its settings that keeps a command from starting at all: exit code 2."""


def first_line(error: BaseException) -> str:
    """What an error says, without the lines after the first, which are for developers."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]
