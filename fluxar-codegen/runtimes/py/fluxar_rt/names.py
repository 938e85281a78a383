"""Targets, topics and patterns (message.md, L3.target.2)."""

from __future__ import annotations

from .status import Code, Status

SEGMENTS_MAX = 16
TARGET_BYTES_MAX = 512
_ESCAPED = frozenset(".*>%") | frozenset(map(chr, range(0x21))) | {"\x7f"}


def has_wildcard(pattern: str) -> bool:
    """Whether a pattern may match more than one topic."""
    return any(segment in ("*", ">") for segment in pattern.split("."))


def is_well_formed(name: str, *, wildcards: bool) -> bool:
    """Segments joined by dots; `*` and `>` as whole segments of patterns only, `>` last."""
    segments = name.split(".")
    if len(segments) > SEGMENTS_MAX or len(name.encode("utf-8", "replace")) > TARGET_BYTES_MAX:
        return False
    for number, segment in enumerate(segments, 1):
        if segment in ("*", ">"):
            if not wildcards or (segment == ">" and number != len(segments)):
                return False
        elif not segment or any(c in "*>" or c <= " " or c == "\x7f" for c in segment):
            return False
    return True


def matches(pattern: list[str], topic: list[str]) -> bool:
    """Whether a pattern matches a topic, both cut into segments."""
    for number, segment in enumerate(pattern):
        if segment == ">":
            return len(topic) > number
        if number >= len(topic) or segment not in ("*", topic[number]):
            return False
    return len(pattern) == len(topic)


def escape(text: str) -> str:
    """A path parameter as a segment: what would break the path is percent-encoded."""
    if not text:
        raise Status(Code.INVALID_ARGUMENT, "a path parameter must not be empty: give it a value")
    return "".join(
        "".join(f"%{byte:02X}" for byte in c.encode()) if c in _ESCAPED else c for c in text
    )


def unescape(segment: str) -> str:
    """A segment as a path parameter; raises `ValueError` for a malformed one."""
    out = bytearray()
    rest = segment.encode()
    while rest:
        if rest[:1] == b"%":
            digits = rest[1:3]
            if len(digits) < 2 or not all(c in b"0123456789ABCDEFabcdef" for c in digits):
                raise ValueError(f"`{segment}` has a % without two digits")
            out.append(int(digits, 16))
            rest = rest[3:]
        else:
            out += rest[:1]
            rest = rest[1:]
    return out.decode()
