"""Codecs of built-in types: how values of a contract are written and read."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any, Generic, TypeVar
from uuid import UUID

import cbor2

from .cbor import text
from .payload import DEPTH_MAX, NULL, Invalid, Reader, integer

T = TypeVar("T")
INT_MAX = (1 << 53) - 1
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
MICROSECOND = timedelta(microseconds=1)
_DECIMAL = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_TIME = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(?:\.(\d+))?(?:[Zz]|([+-])(\d\d):(\d\d))", re.ASCII
)


class Codec(Generic[T]):
    """Writes, reads and checks values of one type."""

    def write(self, out: bytearray, value: T, numbers: bool) -> None:
        """Appends the value; `numbers` says whether keys are numbers or names."""
        raise NotImplementedError

    def read(self, reader: Reader) -> T:
        """Reads a value, without a look at constraints."""
        raise NotImplementedError

    def check(self, value: T) -> None:
        """Raises `Invalid` for a value that breaks a constraint of the contract."""

    def absent(self) -> T:
        """What a missing field reads as; raises `Invalid` where one is needed."""
        raise Invalid("is missing")


def encode(codec: Codec[T], value: T, numbers: bool) -> bytes:
    """One value; raises `Status` (invalid_argument) for one that is none of its type."""
    out = bytearray()
    try:
        codec.write(out, value, numbers)
    except Invalid as invalid:
        raise invalid.status() from None
    return bytes(out)


def encode_checked(codec: Codec[T], value: T, numbers: bool) -> bytes:
    """One value that goes to a callee: constraints are checked before it is sent."""
    try:
        codec.check(value)
    except Invalid as invalid:
        raise invalid.status() from None
    return encode(codec, value, numbers)


def decode(codec: Codec[T], data: bytes | None, *, checked: bool = False) -> T:
    """Reads one item and nothing after it; an absent or empty payload reads as null."""
    reader = Reader(data or NULL)
    try:
        value = codec.read(reader)
        reader.finish()
        if checked:
            codec.check(value)
    except Invalid as invalid:
        raise invalid.status() from None
    return value


class Unit(Codec[None]):
    """Nothing: what a method without a result answers."""

    def write(self, out: bytearray, value: None, numbers: bool) -> None:
        out += NULL

    def read(self, reader: Reader) -> None:
        nothing(reader)


def nothing(reader: Reader) -> None:
    """Null, or an empty map or list."""
    if not reader.null():
        for _ in reader.entries(4 if reader.major() == 4 else 5, "nothing"):
            raise Invalid("expected nothing")


class Bool(Codec[bool]):
    """`bool`"""

    def write(self, out: bytearray, value: bool, numbers: bool) -> None:
        out += b"\xf5" if _is(value, bool, "a bool") else b"\xf4"

    def read(self, reader: Reader) -> bool:
        return reader.boolean()


class Int(Codec[int]):
    """An integer within bounds."""

    def __init__(self, name: str, least: int, most: int) -> None:
        self.name, self.least, self.most = name, least, most

    def write(self, out: bytearray, value: int, numbers: bool) -> None:
        out += integer(self._fitting(_is(value, int, "an int")))

    def read(self, reader: Reader) -> int:
        return self._fitting(reader.integer())

    def _fitting(self, value: int) -> int:
        if not self.least <= value <= self.most:
            raise Invalid(f"{value} does not fit into {self.name}")
        return value


class Float(Codec[float]):
    """`f32` or `f64`"""

    def __init__(self, form: str) -> None:
        self.form = form

    def write(self, out: bytearray, value: float, numbers: bool) -> None:
        number = float(value) if type(value) is int else _is(value, float, "a float")
        out.append(0xFA if self.form == ">f" else 0xFB)
        try:
            out += struct.pack(self.form, number)
        except OverflowError:
            raise Invalid(f"{value} does not fit into f32") from None

    def read(self, reader: Reader) -> float:
        value = reader.floating()
        if self.form == ">f":
            try:
                value = struct.unpack(">f", struct.pack(">f", value))[0]
            except OverflowError:
                return float("inf") if value > 0 else float("-inf")
        return value


class Text(Codec[str]):
    """`string` or `url`"""

    def write(self, out: bytearray, value: str, numbers: bool) -> None:
        try:
            out += text(_is(value, str, "a str"))
        except UnicodeEncodeError:
            raise Invalid("a text that UTF-8 cannot say") from None

    def read(self, reader: Reader) -> str:
        return reader.text()


class Octets(Codec[bytes]):
    """`bytes`"""

    def write(self, out: bytearray, value: bytes, numbers: bool) -> None:
        data = _is(value, bytes, "bytes")
        size = integer(len(data))
        out.append(size[0] | 0x40)
        out += size[1:] + data

    def read(self, reader: Reader) -> bytes:
        return reader.octets()


class Uuid(Codec[UUID]):
    """`uuid`"""

    def write(self, out: bytearray, value: UUID, numbers: bool) -> None:
        out += b"\x50" + _is(value, UUID, "a UUID").bytes

    def read(self, reader: Reader) -> UUID:
        if reader.major() == 3:
            digits = reader.text()
            if not _UUID.fullmatch(digits):
                raise Invalid("a uuid is 8-4-4-4-12 hexadecimal digits")
            return UUID(digits)
        if reader.tag() not in (None, 37):
            raise Invalid("a uuid has no tag, or the tag 37")
        data = reader.octets()
        if len(data) != 16:
            raise Invalid(f"a uuid has 16 bytes, not {len(data)}")
        return UUID(bytes=data)


class Timestamp(Codec[datetime]):
    """`timestamp`: an aware datetime; microseconds since the epoch on the wire."""

    def write(self, out: bytearray, value: datetime, numbers: bool) -> None:
        if _is(value, datetime, "a datetime").utcoffset() is None:
            raise Invalid("a timestamp needs a datetime with a time zone, such as UTC")
        out += integer((value - EPOCH) // MICROSECOND)

    def read(self, reader: Reader) -> datetime:
        tag = reader.tag()
        if tag is None:
            return _instant(reader.integer())
        if tag == 0:
            return _instant(_rfc3339(reader.text()))
        if tag != 1:
            raise Invalid("this is no point in time")
        if reader.major() == 7:
            seconds = reader.floating()
            if not abs(seconds) < 1e12:
                raise Invalid("this is no point in time that Python can say")
            return _instant(round(seconds * 1e6))
        return _instant(reader.integer() * 1_000_000)


def _instant(micros: int) -> datetime:
    try:
        return EPOCH + micros * MICROSECOND
    except OverflowError:
        raise Invalid("a time outside the years 1 to 9999, which Python cannot say") from None


def _rfc3339(said: str) -> int:
    match = _TIME.fullmatch(said)
    if match is None:
        raise Invalid("this is no point in time")
    day, clock, fraction, sign, hours, minutes = match.groups()
    # A leap second counts as the first of the next minute.
    leap = clock.endswith(":60")
    try:
        time = datetime.fromisoformat(f"{day}T{clock[:-2]}59" if leap else f"{day}T{clock}")
    except ValueError:
        raise Invalid("this is no point in time") from None
    micros = (time.replace(tzinfo=timezone.utc) - EPOCH) // MICROSECOND
    micros += int((fraction or "").ljust(6, "0")[:6]) + (1_000_000 if leap else 0)
    if sign:
        offset = (int(hours) * 60 + int(minutes)) * 60_000_000
        micros -= offset if sign == "+" else -offset
    return micros


class Duration(Codec[timedelta]):
    """`duration`: microseconds on the wire, never negative."""

    def write(self, out: bytearray, value: timedelta, numbers: bool) -> None:
        micros = _is(value, timedelta, "a timedelta") // MICROSECOND
        if micros < 0:
            raise Invalid("a duration is not negative")
        out += integer(micros)

    def read(self, reader: Reader) -> timedelta:
        micros = reader.integer()
        if micros < 0:
            raise Invalid("a duration is not negative")
        try:
            return micros * MICROSECOND
        except OverflowError:
            raise Invalid("a duration longer than Python can say") from None


class DecimalText(Codec[Decimal]):
    """`decimal`: text on the wire, which keeps its digits."""

    def write(self, out: bytearray, value: Decimal, numbers: bool) -> None:
        if not _is(value, Decimal, "a Decimal").is_finite():
            raise Invalid("a decimal is finite")
        if abs(value.adjusted()) > 10_000:
            raise Invalid("a decimal of more than 10,000 digits")
        out += text(format(value, "f"))

    def read(self, reader: Reader) -> Decimal:
        digits = reader.text()
        if not _DECIMAL.fullmatch(digits):
            raise Invalid("a decimal is digits, perhaps with a sign and a point")
        try:
            return Decimal(digits)
        except ArithmeticError:
            raise Invalid("a decimal larger than Python can say") from None


_KEPT_TAGS = (0, 1, 4, 5, 25, 28, 29, 30, 35, 36, 37, 100, 256, 258, 260, 261, 1004, 43000, 55799)


def _keep(tag: int) -> Callable[[Any], Any]:
    return lambda decoder: cbor2.CBORTag(tag, decoder.decode())


_SEMANTICS: dict[int, Any] = {tag: _keep(tag) for tag in _KEPT_TAGS}


class Anything(Codec[Any]):
    """`any`: what CBOR can say. Tags beside big integers stay `cbor2.CBORTag`."""

    def write(self, out: bytearray, value: Any, numbers: bool) -> None:
        try:
            data = cbor2.dumps(value)
            Reader(data).skip()
        except (cbor2.CBOREncodeError, ValueError, RecursionError) as error:
            raise Invalid(f"CBOR cannot say this: {error}") from None
        out += data

    def read(self, reader: Reader) -> Any:
        data = reader.skip()
        try:
            return cbor2.loads(
                data,
                semantic_decoders=_SEMANTICS,
                max_depth=DEPTH_MAX + 1,
                allow_duplicate_keys=False,
            )
        except (cbor2.CBORDecodeError, TypeError, ValueError, ArithmeticError) as error:
            raise Invalid(f"cannot be read: {error}") from None

    def absent(self) -> Any:
        raise Invalid("is missing")


V = TypeVar("V")


def _is(value: V, kind: type, what: str) -> V:
    # A bool is an int to Python, and neither is the other to a contract.
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise Invalid(f"expected {what}, found {type(value).__name__}")
    return value


UNIT = Unit()
BOOL = Bool()
U8, U16 = Int("u8", 0, 0xFF), Int("u16", 0, 0xFFFF)
U32, U64 = Int("u32", 0, 0xFFFF_FFFF), Int("u64", 0, (1 << 64) - 1)
I8, I16 = Int("i8", -(1 << 7), (1 << 7) - 1), Int("i16", -(1 << 15), (1 << 15) - 1)
I32, I64 = Int("i32", -(1 << 31), (1 << 31) - 1), Int("i64", -(1 << 63), (1 << 63) - 1)
INT = Int("int", -INT_MAX, INT_MAX)
F32, F64 = Float(">f"), Float(">d")
STRING = URL = Text()
BYTES = Octets()
UUID_ = Uuid()
TIMESTAMP, DURATION, DECIMAL = Timestamp(), Duration(), DecimalText()
ANY = Anything()
