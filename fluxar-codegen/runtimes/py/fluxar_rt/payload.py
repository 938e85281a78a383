"""Payloads: one CBOR item. A reader that takes what any sender may write, and refuses the rest.

Unlike envelopes, payloads need not be deterministic: any width, any order, indefinite lengths.
Refused are duplicate keys, nesting above 64, what is cut off, and what follows the item.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from .cbor import ARRAY, BYTES, MAP, NINT, SIMPLE, TAG, TEXT, UINT, head
from .status import Code, Status

DEPTH_MAX = 64
NULL = b"\xf6"
BREAK = 0xFF
_KINDS = ("an integer", "an integer", "bytes", "a text", "a list", "a map", "a tagged item")


class Invalid(Exception):
    """A value that does not fit its type or breaks a constraint; `path` says where."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text
        self.path = ""

    def under(self, name: str) -> Invalid:
        """The same, inside a field of this name."""
        follows = self.path and not self.path.startswith("[")
        self.path = f"{name}.{self.path}" if follows else name + self.path
        return self

    def at(self, index: int) -> Invalid:
        """The same, inside an item of a list."""
        return self.under(f"[{index}]")

    def __str__(self) -> str:
        return f"at `{self.path}`: {self.text}" if self.path else self.text

    def status(self) -> Status:
        """What the peer is told, or the caller."""
        return Status(Code.INVALID_ARGUMENT, f"payload: {self}")


class Reader:
    """Reads items from the front of a payload."""

    __slots__ = ("at", "data", "depth")

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0
        self.depth = 0

    def finish(self) -> None:
        """Nothing may follow."""
        if self.at != len(self.data):
            raise Invalid("bytes follow the CBOR item")

    def first(self) -> int:
        """The first byte of the next item."""
        if self.at >= len(self.data):
            raise Invalid("the CBOR item is cut off")
        return self.data[self.at]

    def major(self) -> int:
        """The major type of the next item."""
        return self.first() >> 5

    def take(self, size: int) -> bytes:
        """So many bytes."""
        start, end = self.at, self.at + size
        if end > len(self.data):
            raise Invalid("the CBOR item is cut off")
        self.at = end
        return self.data[start:end]

    def head(self) -> tuple[int, int | None]:
        """Major type and argument; `None` is an indefinite length."""
        first = self.first()
        self.at += 1
        major, info = first >> 5, first & 31
        if info < 24:
            return major, info
        if info == 31 and major in (BYTES, TEXT, ARRAY, MAP):
            return major, None
        if info > 27:
            raise Invalid("not CBOR: a reserved head")
        return major, int.from_bytes(self.take(1 << (info - 24)), "big")

    def expected(self, what: str) -> Invalid:
        """The error that something else is here."""
        first = self.first()
        major = first >> 5
        found = _KINDS[major] if major < SIMPLE else _simple_name(first)
        return Invalid(f"expected {what}, found {found}")

    def null(self) -> bool:
        """Passes over a null (or undefined), if one is next."""
        if self.at < len(self.data) and self.data[self.at] in (0xF6, 0xF7):
            self.at += 1
            return True
        return False

    def boolean(self) -> bool:
        """`true` or `false`."""
        if self.first() not in (0xF4, 0xF5):
            raise self.expected("true or false")
        self.at += 1
        return self.data[self.at - 1] == 0xF5

    def integer(self) -> int:
        """An integer; an integral float is one."""
        if self.major() in (UINT, NINT):
            major, value = self.head()
            assert value is not None, "integers have no indefinite length"
            return value if major == UINT else -1 - value
        if self.first() in (0xF9, 0xFA, 0xFB):
            number = self.floating()
            if not number.is_integer():
                raise Invalid(f"expected an integer, found {number}")
            return int(number)
        raise self.expected("an integer")

    def floating(self) -> float:
        """A float of any width, or an integer."""
        first = self.first()
        if first >> 5 in (UINT, NINT):
            return float(self.integer())
        form = {0xF9: ">e", 0xFA: ">f", 0xFB: ">d"}.get(first)
        if form is None:
            raise self.expected("a number")
        self.at += 1
        value: float = struct.unpack(form, self.take(struct.calcsize(form)))[0]
        return value

    def octets(self) -> bytes:
        """A byte string."""
        if self.major() != BYTES:
            raise self.expected("bytes")
        return self._string(BYTES)

    def text(self) -> str:
        """A text."""
        if self.major() != TEXT:
            raise self.expected("a text")
        return self._utf8()

    def _utf8(self) -> str:
        first = self.first()
        if first & 31 != 31:
            return _decoded(self._string(TEXT))
        # Each chunk of a text is whole UTF-8.
        self.at += 1
        return "".join(map(_decoded, self._chunks(TEXT)))

    def _string(self, major: int) -> bytes:
        _, size = self.head()
        if size is not None:
            return self.take(size)
        return b"".join(self._chunks(major))

    def _chunks(self, major: int) -> Iterator[bytes]:
        while self.first() != BREAK:
            kind, size = self.head()
            if kind != major or size is None:
                raise Invalid("a chunk of another type in a string")
            yield self.take(size)
        self.at += 1

    def entries(self, major: int, what: str) -> Iterator[int]:
        """Enters a list or map and counts its items or entries, each to be read by the caller."""
        if self.major() != major:
            raise self.expected(what)
        _, count = self.head()
        if count is not None and count > len(self.data) - self.at:
            raise Invalid("the CBOR item is cut off")
        if self.depth >= DEPTH_MAX:
            raise Invalid(f"nested deeper than {DEPTH_MAX}")
        self.depth += 1
        index = 0
        while self.first() != BREAK if count is None else index < count:
            yield index
            index += 1
        if count is None:
            self.at += 1
        self.depth -= 1

    def skip(self) -> bytes:
        """Passes over one item, and gives its bytes."""
        start = self.at
        major = self.major()
        if major == TEXT:
            self._utf8()
        elif major == BYTES:
            self._string(BYTES)
        elif major in (ARRAY, MAP):
            for _ in self.entries(major, ""):
                self.skip()
                if major == MAP:
                    self.skip()
        elif major == TAG:
            self.head()
            if self.depth >= DEPTH_MAX:
                raise Invalid(f"nested deeper than {DEPTH_MAX}")
            self.depth += 1
            self.skip()
            self.depth -= 1
        elif self.first() == BREAK:
            raise Invalid("a CBOR break that ends nothing")
        else:
            self.head()
        return self.data[start : self.at]

    def tag(self) -> int | None:
        """Takes a tag, if one is next."""
        return self.head()[1] if self.major() == TAG else None


def _decoded(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise Invalid("a text is not UTF-8") from None


def _simple_name(first: int) -> str:
    known = {0xF4: "false", 0xF5: "true", 0xF6: "null", 0xF7: "undefined"}
    return known.get(first, "a float" if first in (0xF9, 0xFA, 0xFB) else "a simple value")


def integer(value: int) -> bytes:
    """An integer in its shortest form."""
    return head(UINT, value) if value >= 0 else head(NINT, -1 - value)
