"""Frames and envelopes (docs/spec/frame.md and message.md)."""

from . import cbor
from .status import Violation

HELLO, CALL, STREAM, SUBSCRIBE, EVENT, ACK, CANCEL = range(1, 8)
GROUP, MORE, VOLATILE = 0x10, 0x20, 0x40
FRAGMENT_BYTES = 16384
END, DEADLINE, CREDIT, RETAIN, HOPS, GROUP_NAME, DROPPED = 0, 1, 2, 4, 11, 13, 22


def _varint(number):
    for bits, size, top in ((6, 1, 0), (14, 2, 1), (30, 4, 2), (62, 8, 3)):
        if number < 1 << bits:
            return (number | top << 8 * size - 2).to_bytes(size, "big")
    raise ValueError("varint")


def _read_varint(data):
    if not data:
        raise Violation("L1.group.1", "no group number")
    size = 1 << (data[0] >> 6)
    if size > len(data):
        raise Violation("L1.group.1", "the group number is cut off")
    number = int.from_bytes(data[:size], "big") & (1 << 8 * size - 2) - 1
    if len(_varint(number)) != size:
        raise Violation("L1.group.1", "the group number is not in its shortest form")
    return number, data[size:]


def envelope(kind, id=None, ref=None, target=None, meta=None, payload=None, error=None):
    """The bytes of one envelope; ids of this version are below 2^64."""
    return cbor.encode([kind, id, ref, target, meta or None, payload, error])


def is_volatile(kind, ref):
    """[L1.volatile.1]"""
    return kind in (HELLO, EVENT) or (kind == ACK and ref is None)


class Message:
    """One decoded envelope."""

    def __init__(self, body):
        fields = cbor.decode(body)
        if not isinstance(fields, list):
            raise Violation("L3.env.1", "the envelope is no array")
        if len(fields) != 7:
            raise Violation("L3.cbor.1", "the envelope has seven fields")
        self.kind, self.id, self.ref, self.target, meta, self.payload, self.error = fields
        types = (
            (self.kind, int),
            (self.target, (str, type(None))),
            (meta, (dict, type(None))),
            (self.payload, (bytes, type(None))),
            (self.error, (dict, type(None))),
        )
        if any(not isinstance(value, kinds) or isinstance(value, bool) for value, kinds in types):
            raise Violation("L3.env.1", "a field has the wrong type")
        if meta == {}:
            raise Violation("L3.meta.2", "an empty meta is null")
        if not 1 <= self.kind <= 7:
            raise Violation("L3.kind.1", "no such kind")
        if self.id == 0 or self.ref == 0:
            raise Violation("L3.id.2", "0 is no id")
        self.meta = meta or {}


class Sender:
    """Cuts envelopes into frames that the peer takes."""

    def __init__(self):
        self.frame_bytes_max = FRAGMENT_BYTES
        self.groups = 0

    def frames(self, kind, **fields):
        """The frames of one message."""
        body = envelope(kind, **fields)
        flags = VOLATILE if is_volatile(kind, fields.get("ref")) else 0
        size = min(FRAGMENT_BYTES, self.frame_bytes_max - 9)
        if len(body) <= size:
            return _frame(flags, body)
        self.groups += 1
        parts = [body[at : at + size] for at in range(0, len(body), size)]
        out = b""
        for index, part in enumerate(parts):
            more = MORE if index < len(parts) - 1 else 0
            out += _frame(flags | GROUP | more, _varint(self.groups) + part)
        return out


def _frame(flags, rest):
    return (1 + len(rest)).to_bytes(4, "big") + bytes([flags]) + rest


class Receiver:
    """Puts messages together from frames, within limits that we declared."""

    def __init__(self, limits):
        self.limits = limits
        self.groups = {}
        self.highest_group = 0

    def check_length(self, length):
        """Called as soon as the four bytes are there."""
        if length == 0:
            raise Violation("L1.len.2", "an empty frame")
        if length > self.limits["frame_bytes_max"]:
            raise Violation("L1.len.3", "a frame above the limit", "resource_exhausted")

    def take(self, frame):
        """One frame after its length; the message when it is whole."""
        flags, rest = frame[0], frame[1:]
        if flags & 0x8F:
            code = "invalid_argument" if flags & 0x80 else "unimplemented"
            raise Violation("L1.flags.1" if flags & 0x80 else "L1.flags.2", "flags", code)
        if not flags & GROUP:
            if flags & MORE:
                raise Violation("L1.flags.5", "MORE without GROUP")
            return self._message(flags, rest)
        number, part = _read_varint(rest)
        if not part:
            raise Violation("L1.body.1", "an empty fragment")
        if number not in self.groups:
            if number <= self.highest_group:
                raise Violation("L1.group.2", "group numbers rise")
            if len(self.groups) == self.limits["groups_max"]:
                raise Violation("L1.group.3", "too many groups", "resource_exhausted")
            self.highest_group = number
            self.groups[number] = bytearray()
        group = self.groups[number]
        group += part
        if len(group) > self.limits["message_bytes_max"]:
            raise Violation("L1.group.5", "a message above the limit", "resource_exhausted")
        if flags & MORE:
            return None
        del self.groups[number]
        return self._message(flags, bytes(group))

    @staticmethod
    def _message(flags, body):
        if not body:
            raise Violation("L1.body.1", "an empty frame")
        message = Message(body)
        if is_volatile(message.kind, message.ref) != bool(flags & VOLATILE):
            raise Violation("L1.volatile.1", "VOLATILE")
        return message
