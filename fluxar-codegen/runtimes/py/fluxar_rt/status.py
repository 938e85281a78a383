"""Codes, the errors that a peer tells, and the rules that a peer can break (codes.md)."""

from __future__ import annotations

import enum

from .rules import RULES

MESSAGE_BYTES_MAX = 4096


class Code(enum.IntEnum):
    """Why something did not succeed."""

    CANCELLED = 1
    UNKNOWN = 2
    INVALID_ARGUMENT = 3
    DEADLINE_EXCEEDED = 4
    NOT_FOUND = 5
    ALREADY_EXISTS = 6
    PERMISSION_DENIED = 7
    RESOURCE_EXHAUSTED = 8
    FAILED_PRECONDITION = 9
    ABORTED = 10
    OUT_OF_RANGE = 11
    UNIMPLEMENTED = 12
    INTERNAL = 13
    UNAVAILABLE = 14
    DATA_LOSS = 15
    UNAUTHENTICATED = 16
    INDETERMINATE = 17

    @classmethod
    def of(cls, number: int) -> Code:
        """The code of that number; one of a newer peer is unknown [L3.error.2]."""
        return cls(number) if 1 <= number <= 17 else cls.UNKNOWN


class Status(Exception):
    """Why something did not succeed: the one error of remote operations.

    `type_name` and `details` carry an application's error, encoded; generated clients raise typed
    subclasses instead. `retry_after_ms` says when a retry makes sense.
    """

    def __init__(
        self,
        code: Code,
        message: str = "",
        *,
        type_name: str | None = None,
        details: bytes | None = None,
        retry_after_ms: int | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.type_name = type_name
        self.details = details
        self.retry_after_ms = retry_after_ms

    def __str__(self) -> str:
        return f"{self.code.name.lower()}: {self.message}"


class Violation(Exception):
    """A rule of the protocol that the peer broke. It ends the session of the one who broke it."""

    def __init__(self, rule: str) -> None:
        code, text = RULES[rule]
        super().__init__(f"[{rule}] {text}")
        self.rule = rule
        self.code = Code[code]

    def status(self) -> Status:
        """What the peer is told."""
        return Status(self.code, str(self))


class ConnectError(Exception):
    """There is no session: no link, or the peer refused (then `status` says why)."""

    def __init__(self, message: str, status: Status | None = None) -> None:
        super().__init__(message)
        self.status = status


def cut(text: str, most: int = MESSAGE_BYTES_MAX) -> str:
    """The text, cut to so many bytes of UTF-8; what UTF-8 cannot say is replaced."""
    return text.encode("utf-8", "replace")[:most].decode("utf-8", "ignore")
