"""Envelopes: seven fields, seven kinds, and the forms of each (message.md)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Union

from . import cbor
from .cbor import Reader
from .status import Code, Status, Violation, cut
from .user import NO_META, UserMeta

HELLO, CALL, STREAM, SUBSCRIBE, EVENT, ACK, CANCEL = range(1, 8)

END, DEADLINE, CREDIT, QOS, RETAIN, CONTENT_TYPE, TRACEPARENT, TRACESTATE = range(8)
IDEMPOTENCY_KEY, TO, FROM, HOPS, POSITION, GROUP, EXPIRY, DURABLE = range(8, 16)
PRODUCER, DELIVERY, SEALED, OVERFLOW, ENCODING, RECEIPT, DROPPED = range(16, 23)

TEXT_BYTES_MAX = 512
META_ENTRIES_MAX = 64
META_BYTES_MAX = 8192
ENVELOPE_HEAD = b"\x87"
HELLO_BYTES = 256
"""About what an envelope takes beside its payload and target."""

MetaValue = Union[bool, int, str, bytes, "list[int]", "list[Union[int, bytes]]"]
Meta = dict[Union[int, str], MetaValue]


@dataclass
class Message:
    """One envelope. `meta` has the entries that this version knows, in the order of the wire."""

    kind: int
    id: int | None = None
    ref: int | None = None
    target: str | None = None
    meta: Meta = field(default_factory=lambda: {})
    payload: bytes | None = None
    error: Status | None = None

    @property
    def is_volatile(self) -> bool:
        """Outside the sequence of a session that can be resumed [L1.volatile.1]."""
        return (
            self.kind == HELLO
            or (self.kind == ACK and self.ref is None)
            or (self.kind == EVENT and not self.meta.get(QOS))
        )

    def number(self, key: int, default: int = 0) -> int:
        """An entry of meta that is a number."""
        value = self.meta.get(key, default)
        return value if isinstance(value, int) else default

    @property
    def user_meta(self) -> UserMeta:
        """The user's entries of meta."""
        own = {k: v for k, v in self.meta.items() if isinstance(k, str) and isinstance(v, str)}
        return own or NO_META

    def encode(self) -> bytes:
        """The envelope's bytes."""
        parts = [ENVELOPE_HEAD, bytes((self.kind,)), _id(self.id), _id(self.ref)]
        parts.append(b"\xf6" if self.target is None else cbor.text(self.target))
        parts.append(cbor.encode(self.meta) if self.meta else b"\xf6")
        if self.payload is None:
            parts.append(b"\xf6")
        else:
            parts += (cbor.head(cbor.BYTES, len(self.payload)), self.payload)
        parts.append(b"\xf6" if self.error is None else _error(self.error))
        return b"".join(parts)


def _id(number: int | None) -> bytes:
    return b"\xf6" if number is None else cbor.head(cbor.UINT, number)


def _error(status: Status) -> bytes:
    error: dict[int, object] = {0: int(status.code), 1: cut(status.message)}
    if status.type_name is not None:
        error[2] = status.type_name
        if status.details is not None:
            error[3] = status.details
    if status.retry_after_ms is not None:
        error[4] = status.retry_after_ms
    return cbor.encode(error)


def decode(data: bytes) -> Message:
    """Reads one envelope; which fields a kind may have is checked by `form`."""
    reader = Reader(data)
    if reader.expect(cbor.ARRAY) != 7:
        raise Violation("L3.cbor.1")
    kind = reader.uint()
    if not 1 <= kind <= 7:
        raise Violation("L3.kind.1")
    id, ref = _read_id(reader), _read_id(reader)
    target = None if reader.null() else reader.text()
    if target is not None and not 1 <= len(target.encode()) <= TEXT_BYTES_MAX:
        raise Violation("L3.target.1")
    meta = _read_meta(reader)
    payload = None if reader.null() else reader.octets()
    error = None if reader.null() else _read_error(reader)
    reader.finish()
    return Message(kind, id, ref, target, meta, payload, error)


def _read_id(reader: Reader) -> int | None:
    if reader.null():
        return None
    if reader.peek() == cbor.BYTES:
        data = reader.octets()
        number = int.from_bytes(data, "big")
        if len(data) != 16 or number < 1 << 64:
            raise Violation("L3.id.1")
        return number
    number = reader.uint()
    if number == 0:
        raise Violation("L3.id.2")
    return number


def _read_error(reader: Reader) -> Status:
    code: int | None = None
    message, type_name, details, retry = "", None, None, None
    last = -1
    for _ in range(reader.expect(cbor.MAP)):
        key = reader.uint()
        if key <= last:
            raise Violation("L3.cbor.7")
        last = key
        if key == 0:
            code = reader.uint()
            if not 1 <= code <= 255:
                raise Violation("L3.error.1")
        elif key == 1:
            message = reader.text()
        elif key == 2:
            type_name = reader.text()
        elif key == 3:
            details = reader.octets()
        elif key == 4:
            retry = reader.uint()
        elif 32 <= key < 64:
            reader.skip(2)
        else:
            raise Violation("L3.error.3")
    if code is None:
        raise Violation("L3.error.1")
    if details is not None and type_name is None:
        raise Violation("L3.error.4")
    if len(message.encode()) > 4096 or len((type_name or "").encode()) > TEXT_BYTES_MAX:
        raise Violation("L3.error.5")
    return Status(
        Code.of(code), message, type_name=type_name, details=details, retry_after_ms=retry
    )


# ---- meta


def _read_meta(reader: Reader) -> Meta:
    meta: Meta = {}
    if reader.null():
        return meta
    start = reader.at
    entries = reader.expect(cbor.MAP)
    if entries == 0:
        raise Violation("L3.meta.2")
    if entries > META_ENTRIES_MAX:
        raise Violation("L3.meta.3")
    last_number = -1
    last_name: tuple[int, bytes] | None = None
    for _ in range(entries):
        major = reader.peek()
        if major == cbor.TEXT:
            name = reader.text()
            order = (len(name.encode()), name.encode())
            if last_name is not None and order <= last_name:
                raise Violation("L3.cbor.7")
            last_name = order
            if reader.peek() != cbor.TEXT:
                raise Violation("L3.meta.9")
            meta[name] = reader.text()
        elif major == cbor.UINT:
            key = reader.uint()
            if last_name is not None or key <= last_number:
                raise Violation("L3.cbor.7")
            last_number = key
            _read_value(key, reader, meta)
        else:
            raise Violation("L3.meta.1")
    if reader.at - start > META_BYTES_MAX:
        raise Violation("L3.meta.4")
    return meta


def _read_value(key: int, reader: Reader, meta: Meta) -> None:
    if 32 <= key < 64:
        reader.skip(2)
        return
    if key > DROPPED:
        raise Violation("L3.meta.5")
    try:
        meta[key] = _value(key, reader)
    except Violation as violation:
        # In meta the rule about values says more than the one about fields.
        raise Violation("L3.meta.7") if violation.rule == "L3.env.1" else violation from None


def _value(key: int, reader: Reader) -> MetaValue:
    if key in (END, RETAIN):
        if not reader.boolean():
            raise Violation("L3.meta.8")
        return True
    if key in (CONTENT_TYPE, TRACESTATE, TO, FROM, GROUP, DURABLE):
        text = reader.text()
        return _checked(text, 1 <= len(text.encode()) <= TEXT_BYTES_MAX)
    if key in (TRACEPARENT, IDEMPOTENCY_KEY):
        data = reader.octets()
        return _checked(data, len(data) == (25 if key == TRACEPARENT else 16))
    if key == SEALED:
        return reader.octets()
    if key == POSITION:
        _checked(0, reader.expect(cbor.ARRAY) == 2)
        return [reader.uint(), reader.uint()]
    if key == PRODUCER:
        _checked(0, reader.expect(cbor.ARRAY) == 3)
        data = reader.octets()
        _checked(0, len(data) == 16)
        producer: list[int | bytes] = [data, reader.uint(), reader.uint()]
        return producer
    most = {QOS: 2, OVERFLOW: 4, ENCODING: 1}.get(key)
    number = reader.uint()
    return _checked(number, most is None or number <= most)


def _checked(value: MetaValue, holds: bool) -> MetaValue:
    if not holds:
        raise Violation("L3.meta.7")
    return value


def unsupported(meta: Meta, *, keyed: bool = False) -> int | None:
    """A key that asks for something this version does not do (exceptions.md). Only a call that is
    answered may be `keyed`."""
    if IDEMPOTENCY_KEY in meta and not keyed:
        return IDEMPOTENCY_KEY
    for key in (TO, POSITION, DURABLE, PRODUCER, SEALED):
        if key in meta:
            return key
    if meta.get(QOS):
        return QOS
    if meta.get(OVERFLOW) == 4:
        return OVERFLOW
    return ENCODING if meta.get(ENCODING) == 1 else None


# ---- forms

OFFER, ANSWER, CONFIRM = "offer", "answer", "confirm"
REQUEST, NOTIFICATION, RESPONSE = "request", "notification", "response"
OPEN, ITEM, ENDED = "open", "item", "end"
ASK, GRANTED, OVER = "ask", "granted", "over"
PUBLISH, DELIVER = "publish", "deliver"
HEARTBEAT, PING, PONG, GRANT = "heartbeat", "ping", "pong", "credit"
GOODBYE, STOP = "goodbye", "cancel"


def form(message: Message) -> str:
    """The form of an envelope, after the check that it has the fields of its form and no others."""
    if message.kind == HELLO:
        return _hello(message)
    if message.kind == ACK:
        return _ack(message)
    id, ref = message.id is not None, message.ref is not None
    target, payload = message.target is not None, message.payload is not None
    error, end = message.error is not None, END in message.meta
    named = id or target
    if message.kind == CALL:
        if ref:
            return _is(RESPONSE, not named and payload != error, "L3.call.2")
        return _is(REQUEST if id else NOTIFICATION, target and not error, "L3.call.1")
    if message.kind == STREAM:
        if not ref:
            return _is(OPEN, id and target and not error, "L3.stream.1")
        if not end:
            return _is(ITEM, not named and payload and not error, "L3.stream.2")
        return _is(ENDED, not named and not (payload and error), "L3.stream.3")
    if message.kind == SUBSCRIBE:
        if not ref:
            return _is(ASK, id and target and not payload and not error, "L3.subscribe.1")
        _is(ASK, not named and not payload, "L3.subscribe.2")
        return OVER if end else _is(GRANTED, not error, "L3.subscribe.3")
    if message.kind == EVENT:
        if not ref:
            return _is(PUBLISH, target and payload and not error, "L3.event.1")
        return _is(DELIVER, payload and not id and not error, "L3.event.2")
    return _is(STOP if ref else GOODBYE, not (named or payload or ref and error), "L3.cancel.1")


def _is(form: str, holds: bool, rule: str) -> str:
    if not holds:
        raise Violation(rule)
    return form


def _hello(message: Message) -> str:
    id, ref = message.id is not None, message.ref is not None
    bare, payload = message.target is None, message.payload is not None
    error = message.error is not None
    if not ref:
        return _is(OFFER, id and bare and payload and not error, "L3.hello.1")
    if id:
        return _is(ANSWER, bare and payload != error, "L3.hello.2")
    return _is(CONFIRM, bare and not (payload and error), "L3.hello.3")


def _ack(message: Message) -> str:
    id, ref = message.id is not None, message.ref is not None
    odd = message.target is not None or message.payload is not None or message.error is not None
    _is(PING, not odd and not (id and ref), "L3.ack.1")
    if CREDIT in message.meta:
        return _is(GRANT, ref and message.number(CREDIT) >= 1, "L3.ack.2")
    return PING if id else PONG if ref else HEARTBEAT
