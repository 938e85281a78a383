"""Deterministic CBOR for envelopes: a writer, and a reader that refuses and never repairs.

Rules: `L3.cbor` of message.md. Payloads have a reader of their own (`payload.py`).
"""

from __future__ import annotations

import struct

from .status import Violation

UINT, NINT, BYTES, TEXT, ARRAY, MAP, TAG, SIMPLE = range(8)
NULL = 0xF6
DEPTH_MAX = 16


def head(major: int, number: int) -> bytes:
    """The head of an item, in its shortest form."""
    top = major << 5
    if number < 24:
        return bytes((top | number,))
    if number < 0x100:
        return bytes((top | 24, number))
    if number < 0x10000:
        return bytes((top | 25,)) + number.to_bytes(2, "big")
    if number < 0x1_0000_0000:
        return bytes((top | 26,)) + number.to_bytes(4, "big")
    return bytes((top | 27,)) + number.to_bytes(8, "big")


def text(value: str) -> bytes:
    """A text."""
    data = value.encode()
    return head(TEXT, len(data)) + data


def octets(value: bytes) -> bytes:
    """A byte string."""
    return head(BYTES, len(value)) + value


def encode(value: object) -> bytes:
    """One item, deterministic (RFC 8949 §4.2.1): of the types that envelopes and descriptors have."""
    if value is None:
        return b"\xf6"
    if value is True or value is False:
        return b"\xf5" if value else b"\xf4"
    if isinstance(value, int):
        return head(UINT, value) if value >= 0 else head(NINT, -1 - value)
    if isinstance(value, str):
        return text(value)
    if isinstance(value, bytes):
        return octets(value)
    if isinstance(value, (list, tuple)):
        items: list[object] = list(value)  # pyright: ignore[reportUnknownArgumentType]
        return head(ARRAY, len(items)) + b"".join(map(encode, items))
    if isinstance(value, dict):
        table: dict[object, object] = dict(value)  # pyright: ignore[reportUnknownArgumentType]
        entries = sorted((encode(key), encode(item)) for key, item in table.items())
        return head(MAP, len(entries)) + b"".join(key + item for key, item in entries)
    if isinstance(value, float):
        # Of descriptors only: one width, and finite.
        return b"\xfb" + struct.pack(">d", value)
    raise TypeError(f"no deterministic CBOR for {type(value).__name__}")


class Reader:
    """Reads items from the front of some bytes; a wrong type is `L3.env.1`."""

    __slots__ = ("data", "at")

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def finish(self) -> None:
        """Nothing may follow."""
        if self.at != len(self.data):
            raise Violation("L3.cbor.8")

    def take(self, size: int) -> bytes:
        """So many bytes."""
        if size > len(self.data) - self.at:
            raise Violation("L3.cbor.9")
        start = self.at
        self.at = start + size
        return self.data[start : self.at]

    def peek(self) -> int:
        """The major type of the next item."""
        if self.at >= len(self.data):
            raise Violation("L3.cbor.9")
        return self.data[self.at] >> 5

    def head(self) -> tuple[int, int]:
        """Major type and argument. Simple values that are allowed have their number below 24."""
        first = self.take(1)[0]
        major, info = first >> 5, first & 31
        if info < 24:
            return major, info
        if info == 31:
            raise Violation("L3.cbor.3")
        if info > 27:
            raise Violation("L3.cbor.2")
        size = 1 << (info - 24)
        value = int.from_bytes(self.take(size), "big")
        if major == SIMPLE:
            raise Violation("L3.cbor.5")
        if value < (24 if size == 1 else 1 << (4 * size)):
            raise Violation("L3.cbor.2")
        return major, value

    def null(self) -> bool:
        """Passes over a null, if one is next."""
        if self.at < len(self.data) and self.data[self.at] == NULL:
            self.at += 1
            return True
        return False

    def expect(self, wanted: int) -> int:
        """The argument of a head of this major type."""
        major, value = self.head()
        if major == wanted and (major != SIMPLE or value in (20, 21)):
            return value
        if major == TAG:
            raise Violation("L3.cbor.4")
        if major == SIMPLE and value not in (20, 21, 22):
            raise Violation("L3.cbor.5")
        raise Violation("L3.env.1")

    def uint(self) -> int:
        """An unsigned integer."""
        return self.expect(UINT)

    def boolean(self) -> bool:
        """`true` or `false`."""
        return self.expect(SIMPLE) == 21

    def octets(self) -> bytes:
        """A byte string."""
        return self.take(self.expect(BYTES))

    def text(self) -> str:
        """A text."""
        data = self.take(self.expect(TEXT))
        try:
            return data.decode()
        except UnicodeDecodeError:
            raise Violation("L3.cbor.6") from None

    def skip(self, outer: int) -> None:
        """Passes over one item inside `outer` containers, checking all rules."""
        major, value = self.head()
        if major == TAG:
            raise Violation("L3.cbor.4")
        if major == SIMPLE:
            if value not in (20, 21, 22):
                raise Violation("L3.cbor.5")
        elif major == BYTES:
            self.take(value)
        elif major == TEXT:
            try:
                self.take(value).decode()
            except UnicodeDecodeError:
                raise Violation("L3.cbor.6") from None
        elif major in (ARRAY, MAP) and value:
            if value * (2 if major == MAP else 1) > len(self.data) - self.at:
                raise Violation("L3.cbor.9")
            if outer >= DEPTH_MAX:
                raise Violation("L3.cbor.10")
            self._skip_inside(major, value, outer + 1)

    def _skip_inside(self, major: int, count: int, depth: int) -> None:
        last = b""
        for _ in range(count):
            if major == MAP:
                start = self.at
                if self.peek() in (ARRAY, MAP) and self.data[start] & 31:
                    # No key of ours is a container with content: it cannot be in order.
                    self.skip(depth)
                    raise Violation("L3.cbor.7")
                self.skip(depth)
                key = self.data[start : self.at]
                if key <= last:
                    raise Violation("L3.cbor.7")
                last = key
            self.skip(depth)
