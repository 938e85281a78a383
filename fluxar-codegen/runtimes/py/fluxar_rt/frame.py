"""Frames: cutting bytes into messages, and putting fragments together (frame.md)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from .limits import PREAUTH_FRAME_BYTES_MAX, Limits
from .status import Violation

GROUP, MORE, VOLATILE = 1 << 4, 1 << 5, 1 << 6
LEN_BYTES = 4
FRAGMENT_HEAD_BYTES = LEN_BYTES + 1 + 8


def varint(number: int) -> bytes:
    """QUIC's variable-length integer (RFC 9000 §16)."""
    for size, bits in ((1, 0), (2, 1), (4, 2)):
        if number < 1 << (8 * size - 2):
            return (number | bits << (8 * size - 2)).to_bytes(size, "big")
    return (number | 3 << 62).to_bytes(8, "big")


def whole(flags: int, body: bytes) -> bytes:
    """A frame with a whole message."""
    return (len(body) + 1).to_bytes(4, "big") + bytes((flags,)) + body


def fragment(flags: int, group: int, body: bytes) -> bytes:
    """A frame with a part of one."""
    number = varint(group)
    length = (1 + len(number) + len(body)).to_bytes(4, "big")
    return length + bytes((flags | GROUP,)) + number + body


@dataclass
class _Group:
    volatile: bool
    message: bytearray = field(default_factory=bytearray)


@dataclass
class Arrived:
    """An envelope's bytes as they came."""

    body: bytes
    volatile: bool
    grouped: bool


class Receiver:
    """What came from a link and is not whole yet. It holds no more than the limits say."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.ready = False
        self.buffer = bytearray()
        self.groups: dict[int, _Group] = {}
        self.group_bytes = 0
        self.last_group = 0
        self.partial_bytes = 0
        """Bytes that ever came in pieces: what came slowly shows here."""

    @property
    def is_incomplete(self) -> bool:
        """A frame or message is not all there."""
        return bool(self.buffer) or bool(self.groups)

    def feed(self, data: bytes) -> Iterator[Arrived]:
        """Takes bytes; gives the whole messages. Whoever calls may change `ready` between them."""
        continued = bool(self.buffer)
        self.buffer += data
        at = 0
        try:
            while len(self.buffer) - at >= LEN_BYTES:
                length = int.from_bytes(self.buffer[at : at + LEN_BYTES], "big")
                self._check_length(length)
                start = at + LEN_BYTES
                if len(self.buffer) - start < length:
                    break
                at = start + length
                arrived = self._frame(bytes(self.buffer[start:at]))
                if arrived is not None:
                    yield arrived
        finally:
            del self.buffer[:at]
        if continued or self.buffer:
            self.partial_bytes += len(data)

    def _check_length(self, length: int) -> None:
        if length == 0:
            raise Violation("L1.len.2")
        if not self.ready and length > PREAUTH_FRAME_BYTES_MAX:
            raise Violation("L1.len.4")
        if length > self.limits.frame_bytes_max:
            raise Violation("L1.len.3")

    def _frame(self, frame: bytes) -> Arrived | None:
        flags = frame[0]
        for bits, rule in ((0x80, 1), (3, 2), (4, 3), (8, 4)):
            if flags & bits:
                raise Violation(f"L1.flags.{rule}")
        volatile = bool(flags & VOLATILE)
        if not flags & GROUP:
            if flags & MORE:
                raise Violation("L1.flags.5")
            if len(frame) == 1:
                raise Violation("L1.body.1")
            return Arrived(frame[1:], volatile, grouped=False)
        number, start = _read_varint(frame)
        if start == len(frame):
            raise Violation("L1.body.1")
        if not self.ready:
            raise Violation("L1.group.7")
        return self._fragment(number, frame[start:], volatile, bool(flags & MORE))

    def _fragment(self, number: int, body: bytes, volatile: bool, more: bool) -> Arrived | None:
        group = self.groups.get(number)
        if group is None:
            if number <= self.last_group:
                raise Violation("L1.group.2")
            if len(self.groups) >= self.limits.groups_max:
                raise Violation("L1.group.3")
            self.last_group = number
            group = self.groups[number] = _Group(volatile)
        if group.volatile != volatile:
            raise Violation("L1.volatile.2")
        if len(group.message) + len(body) > self.limits.message_bytes_max:
            raise Violation("L1.group.5")
        self.group_bytes += len(body)
        if self.group_bytes > self.limits.reassembly_bytes_max:
            raise Violation("L1.group.4")
        self.partial_bytes += len(body)
        group.message += body
        if more:
            return None
        del self.groups[number]
        self.group_bytes -= len(group.message)
        return Arrived(bytes(group.message), volatile, grouped=True)


def _read_varint(frame: bytes) -> tuple[int, int]:
    if len(frame) < 2:
        raise Violation("L1.group.1")
    size = 1 << (frame[1] >> 6)
    if len(frame) < 1 + size:
        raise Violation("L1.group.1")
    number = int.from_bytes(frame[1 : 1 + size], "big") & ((1 << (8 * size - 2)) - 1)
    if len(varint(number)) != size:
        raise Violation("L1.group.1")
    return number, 1 + size
