"""Deterministic CBOR: a writer, and a reader that refuses what is not (docs/spec/message.md).

Payloads may hold floats; the envelope may not, and asks for `strict`.
"""

import struct

from .status import Violation

DEPTH_MAX = 16


def _head(major, number):
    if number < 24:
        return bytes([major << 5 | number])
    for info, size in ((24, 1), (25, 2), (26, 4), (27, 8)):
        if number < 1 << 8 * size:
            return bytes([major << 5 | info]) + number.to_bytes(size, "big")
    raise ValueError("integer above 64 bits")


def encode(value):
    """One item."""
    if value is None:
        return b"\xf6"
    if value is True or value is False:
        return b"\xf5" if value else b"\xf4"
    if isinstance(value, int):
        return _head(0, value) if value >= 0 else _head(1, -1 - value)
    if isinstance(value, bytes):
        return _head(2, len(value)) + value
    if isinstance(value, str):
        data = value.encode()
        return _head(3, len(data)) + data
    if isinstance(value, (list, tuple)):
        return _head(4, len(value)) + b"".join(map(encode, value))
    if isinstance(value, dict):
        entries = sorted((encode(key), encode(item)) for key, item in value.items())
        return _head(5, len(entries)) + b"".join(key + item for key, item in entries)
    if isinstance(value, float):
        return b"\xfb" + struct.pack(">d", value)
    raise TypeError(f"no CBOR for {type(value)}")


class Reader:
    """Reads items from the front of some bytes."""

    def __init__(self, data, strict=True):
        self.data, self.at, self.strict = data, 0, strict

    def _take(self, size):
        if size > len(self.data) - self.at:
            raise Violation("L3.cbor.9", "an item reaches past the end")
        self.at += size
        return self.data[self.at - size : self.at]

    def _argument(self, major, info):
        if info < 24:
            return info
        if info == 31:
            raise Violation("L3.cbor.3", "indefinite length")
        if info > 27:
            raise Violation("L3.cbor.2", "reserved additional information")
        size = 1 << info - 24
        number = int.from_bytes(self._take(size), "big")
        least = 24 if size == 1 else 1 << 4 * size
        if number < least and major != 7:
            raise Violation("L3.cbor.2", "not the shortest form")
        return number

    def item(self, depth=0):
        """The next item."""
        first = self._take(1)[0]
        major, info = first >> 5, first & 31
        if major == 7:
            return self._simple(info)
        number = self._argument(major, info)
        if major == 0:
            return number
        if major == 1:
            return -1 - number
        if major == 2:
            return bytes(self._take(number))
        if major == 3:
            try:
                return self._take(number).decode()
            except UnicodeDecodeError:
                raise Violation("L3.cbor.6", "text is not UTF-8") from None
        if major == 6:
            raise Violation("L3.cbor.4", "a tag")
        if number and depth == DEPTH_MAX and self.strict:
            raise Violation("L3.cbor.10", "nested too deep")
        if major == 4:
            return [self.item(depth + 1) for _ in self._count(number)]
        return self._map(number, depth)

    def _count(self, number):
        if number > len(self.data) - self.at:
            raise Violation("L3.cbor.9", "more items than bytes")
        return range(number)

    def _map(self, number, depth):
        entries, last = {}, None
        for _ in self._count(number):
            start = self.at
            key = self.item(depth + 1)
            encoded = bytes(self.data[start : self.at])
            if self.strict and last is not None and encoded <= last:
                raise Violation("L3.cbor.7", "keys do not rise")
            last = encoded
            if isinstance(key, (list, dict)):
                raise Violation("L3.cbor.7", "a key that is a container")
            entries[key] = self.item(depth + 1)
        return entries

    def _simple(self, info):
        if info in (20, 21, 22):
            return {20: False, 21: True, 22: None}[info]
        if not self.strict and info in (25, 26, 27):
            size = 1 << info - 24
            return struct.unpack({2: ">e", 4: ">f", 8: ">d"}[size], self._take(size))[0]
        if info == 31:
            raise Violation("L3.cbor.3", "a break")
        if info in (28, 29, 30):
            raise Violation("L3.cbor.2", "reserved additional information")
        raise Violation("L3.cbor.5", "only false, true and null")


def decode(data, strict=True):
    """The one item that `data` is."""
    reader = Reader(data, strict)
    value = reader.item()
    if reader.at != len(data):
        raise Violation("L3.cbor.8", "bytes follow")
    return value
