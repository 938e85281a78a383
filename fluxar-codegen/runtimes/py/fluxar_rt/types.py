"""Codecs of composed types: lists, maps, records, enums and unions."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, Union, cast

from .cbor import ARRAY, MAP, TEXT, UINT, head, text
from .codec import Codec, nothing
from .payload import NULL, Invalid, Reader

T = TypeVar("T")
K = TypeVar("K")
E = TypeVar("E", bound=enum.Enum)


@dataclass(frozen=True)
class Unknown:
    """A member or variant of a newer peer: its key, and its content as it came."""

    key: Union[int, str]
    content: Union[bytes, None] = None


class Optional(Codec[Union[T, None]]):
    """`T?`"""

    def __init__(self, of: Codec[T]) -> None:
        self.of = of

    def write(self, out: bytearray, value: T | None, numbers: bool) -> None:
        if value is None:
            out += NULL
        else:
            self.of.write(out, value, numbers)

    def read(self, reader: Reader) -> T | None:
        return None if reader.null() else self.of.read(reader)

    def check(self, value: T | None) -> None:
        if value is not None:
            self.of.check(value)

    def absent(self) -> T | None:
        return None


class List(Codec["list[T]"]):
    """`[T]`"""

    def __init__(self, of: Codec[T]) -> None:
        self.of = of

    def write(self, out: bytearray, value: Sequence[T], numbers: bool) -> None:
        _write_items(out, self.of, value, numbers)

    def read(self, reader: Reader) -> list[T]:
        return list(_read_items(reader, self.of))

    def check(self, value: Sequence[T]) -> None:
        _check_items(self.of, value)


class Array(Codec["tuple[T, ...]"]):
    """`[T*3]`"""

    def __init__(self, of: Codec[T], size: int) -> None:
        self.of, self.size = of, size

    def write(self, out: bytearray, value: Sequence[T], numbers: bool) -> None:
        self._sized(len(value))
        _write_items(out, self.of, value, numbers)

    def read(self, reader: Reader) -> tuple[T, ...]:
        items = tuple(_read_items(reader, self.of))
        self._sized(len(items))
        return items

    def check(self, value: Sequence[T]) -> None:
        _check_items(self.of, value)

    def _sized(self, size: int) -> None:
        if size != self.size:
            raise Invalid(f"expected a list of {self.size} items, found {size}")


def _write_items(out: bytearray, of: Codec[Any], value: Any, numbers: bool) -> None:
    if not isinstance(value, (list, tuple)):
        raise Invalid(f"expected a list, found {type(value).__name__}")
    items = cast("Sequence[Any]", value)
    out += head(ARRAY, len(items))
    for index, item in enumerate(items):
        try:
            of.write(out, item, numbers)
        except Invalid as invalid:
            raise invalid.at(index) from None


def _read_items(reader: Reader, of: Codec[T]) -> Iterator[T]:
    for index in reader.entries(ARRAY, "a list"):
        try:
            yield of.read(reader)
        except Invalid as invalid:
            raise invalid.at(index) from None


def _check_items(of: Codec[T], value: Sequence[T]) -> None:
    for index, item in enumerate(value):
        try:
            of.check(item)
        except Invalid as invalid:
            raise invalid.at(index) from None


class Map(Codec["dict[K, T]"], Generic[K, T]):
    """`map<K, V>`"""

    def __init__(self, key: Codec[K], of: Codec[T]) -> None:
        self.key, self.of = key, of

    def write(self, out: bytearray, value: Mapping[K, T], numbers: bool) -> None:
        if not isinstance(value, dict):
            raise Invalid(f"expected a dict, found {type(value).__name__}")
        out += head(MAP, len(value))
        for index, (key, item) in enumerate(value.items()):
            try:
                self.key.write(out, key, numbers)
                self.of.write(out, item, numbers)
            except Invalid as invalid:
                raise invalid.at(index) from None

    def read(self, reader: Reader) -> dict[K, T]:
        entries: dict[K, T] = {}
        for index in reader.entries(MAP, "a map"):
            try:
                key = self.key.read(reader)
                if key in entries:
                    raise Invalid("a key comes twice")
                entries[key] = self.of.read(reader)
            except Invalid as invalid:
                raise invalid.at(index) from None
        return entries

    def check(self, value: Mapping[K, T]) -> None:
        for index, (key, item) in enumerate(value.items()):
            try:
                self.key.check(key)
                self.of.check(item)
            except Invalid as invalid:
                raise invalid.at(index) from None


class Lazy(Codec[T]):
    """A type that is defined further down, or in itself."""

    def __init__(self, find: Callable[[], Codec[T]]) -> None:
        self.find = find

    def write(self, out: bytearray, value: T, numbers: bool) -> None:
        self.find().write(out, value, numbers)

    def read(self, reader: Reader) -> T:
        return self.find().read(reader)

    def check(self, value: T) -> None:
        self.find().check(value)


class Field:
    """A field of a record, or a parameter: number, name on the wire, name in Python."""

    def __init__(
        self,
        id: int | None,
        wire: str,
        name: str,
        codec: Codec[Any],
        *,
        optional: bool = False,
        default: Callable[[], Any] | None = None,
        was: tuple[str, ...] = (),
    ) -> None:
        self.wire, self.name, self.codec = wire, name, codec
        self.optional, self.default, self.was, self.id = optional, default, was, id
        self.key_name = text(wire)
        self.key_number = self.key_name if id is None else head(UINT, id)
        self._default_bytes: bytes | None = None

    def write(self, out: bytearray, value: Any, numbers: bool) -> bool:
        """Appends key and value, unless the value goes without saying."""
        if value is None and self.optional and self.default is None:
            return False
        start = len(out)
        try:
            if self.default is not None and self._is_default(value):
                return False
            out += self.key_number if numbers else self.key_name
            self.codec.write(out, value, numbers)
        except Invalid as invalid:
            del out[start:]
            raise invalid.under(self.wire) from None
        return True

    def _is_default(self, value: Any) -> bool:
        if self._default_bytes is None:
            assert self.default is not None, "asked for only where there is one"
            default = bytearray()
            self.codec.write(default, self.default(), False)
            self._default_bytes = bytes(default)
        written = bytearray()
        self.codec.write(written, value, False)
        return bytes(written) == self._default_bytes

    def absent(self) -> Any:
        """What it reads as when it is not there."""
        if self.default is not None:
            return self.default()
        if self.optional:
            return None
        raise Invalid("is missing").under(self.wire)


class Fields:
    """The fields of a record or the parameters of a method."""

    def __init__(self, fields: tuple[Field, ...]) -> None:
        self.fields = fields
        self.by_key: dict[int | str, Field] = {}
        for field in fields:
            for old in field.was:
                self.by_key[old] = field
        for field in fields:
            self.by_key[field.wire] = field
            if field.id is not None:
                self.by_key[field.id] = field

    def write(self, out: bytearray, value: Callable[[str], Any], numbers: bool) -> None:
        """A map of the fields, in the order of the contract."""
        body = bytearray()
        count = 0
        for field in self.fields:
            count += field.write(body, value(field.name), numbers)
        out += head(MAP, count) + body

    def read(self, reader: Reader) -> dict[str, Any]:
        """Reads the map; keys of either kind in any order, unknown ones are skipped."""
        values: dict[str, Any] = {}
        for _ in reader.entries(MAP, "a map of fields"):
            key = read_key(reader)
            field = self.by_key.get(key)
            if field is None:
                reader.skip()
                continue
            try:
                if field.name in values:
                    raise Invalid("comes twice")
                values[field.name] = field.codec.read(reader)
            except Invalid as invalid:
                raise invalid.under(field.wire) from None
        for field in self.fields:
            if field.name not in values:
                values[field.name] = field.absent()
        return values

    def check(self, value: Callable[[str], Any]) -> None:
        """Constraints of all fields."""
        for field in self.fields:
            try:
                field.codec.check(value(field.name))
            except Invalid as invalid:
                raise invalid.under(field.wire) from None


def read_key(reader: Reader) -> int | str:
    """A name or a number."""
    if reader.major() == TEXT:
        return reader.text()
    if reader.major() > 1:
        raise reader.expected("a name or a number as key")
    return reader.integer()


class Record(Codec[T]):
    """A record: a dataclass with these fields."""

    def __init__(self, of: Callable[..., T], fields: Callable[[], tuple[Field, ...]]) -> None:
        self.of, self._make = of, fields
        self._fields: Fields | None = None

    @property
    def fields(self) -> Fields:
        """Made when first needed: types refer to each other."""
        if self._fields is None:
            self._fields = Fields(self._make())
        return self._fields

    def write(self, out: bytearray, value: T, numbers: bool) -> None:
        if isinstance(self.of, type) and not isinstance(value, self.of):
            raise Invalid(f"expected a {self.of.__name__}, found {type(value).__name__}")
        self.fields.write(out, lambda name: getattr(value, name), numbers)

    def read(self, reader: Reader) -> T:
        return self.of(**self.fields.read(reader))

    def check(self, value: T) -> None:
        self.fields.check(lambda name: getattr(value, name))


class Wrapped(Codec[T]):
    """A value in a class of its own: an error that is a newtype."""

    def __init__(self, of: Callable[[Any], T], inner: Codec[Any]) -> None:
        self.of, self.inner = of, inner

    def write(self, out: bytearray, value: T, numbers: bool) -> None:
        if isinstance(self.of, type) and not isinstance(value, self.of):
            raise Invalid(f"expected a {self.of.__name__}, found {type(value).__name__}")
        self.inner.write(out, cast(Any, value).value, numbers)

    def read(self, reader: Reader) -> T:
        return self.of(self.inner.read(reader))

    def check(self, value: T) -> None:
        self.inner.check(cast(Any, value).value)


class Params(Codec["dict[str, Any]"]):
    """The parameters of a method. With none of them there is no payload."""

    def __init__(self, fields: Callable[[], tuple[Field, ...]]) -> None:
        self._make = fields
        self._fields: Fields | None = None

    @property
    def fields(self) -> Fields:
        """Made when first needed."""
        if self._fields is None:
            self._fields = Fields(self._make())
        return self._fields

    def write(self, out: bytearray, value: dict[str, Any], numbers: bool) -> None:
        self.fields.write(out, value.__getitem__, numbers)

    def read(self, reader: Reader) -> dict[str, Any]:
        if reader.null():
            return {field.name: field.absent() for field in self.fields.fields}
        return self.fields.read(reader)

    def check(self, value: dict[str, Any]) -> None:
        self.fields.check(value.__getitem__)


class Members:
    """Numbers and names of the members of an enum, or the variants of a union."""

    def __init__(self, rows: Sequence[tuple[int, str, tuple[str, ...]]]) -> None:
        self.keys = [(head(UINT, id), text(wire)) for id, wire, _ in rows]
        self.index: dict[int | str, int] = {}
        for place, (_, _, was) in enumerate(rows):
            for old in was:
                self.index[old] = place
        for place, (id, wire, _) in enumerate(rows):
            self.index[id] = self.index[wire] = place


def write_key(out: bytearray, key: int | str) -> None:
    """A key that this side does not know, as it came."""
    out += text(key) if isinstance(key, str) else head(UINT, key)


class Enum(Codec[Union[E, Unknown]], Generic[E]):
    """An enum: `rows` has number, wire name and former names of each member, in order."""

    def __init__(self, of: type[E], rows: Sequence[tuple[int, str, tuple[str, ...]]],
                 *, closed: bool = False) -> None:
        self.of, self.closed = of, closed
        self.members = list(of)
        self.places = {member: place for place, member in enumerate(self.members)}
        self.table = Members(rows)
        self.names = [wire for _, wire, _ in rows]

    def write(self, out: bytearray, value: E | Unknown, numbers: bool) -> None:
        if isinstance(value, Unknown) and not self.closed:
            write_key(out, value.key)
            return
        place = self.places.get(value) if isinstance(value, self.of) else None
        if place is None:
            raise Invalid(f"expected a {self.of.__name__}, found {value!r}")
        number, name = self.table.keys[place]
        out += number if numbers else name

    def read(self, reader: Reader) -> E | Unknown:
        key = read_key(reader)
        place = self.table.index.get(key)
        if place is not None:
            return self.members[place]
        if self.closed or (isinstance(key, int) and key < 0):
            raise Invalid(f"unknown member `{key}`: expected one of {', '.join(self.names)}")
        return Unknown(key)

    def segment(self, value: E | Unknown) -> str:
        """In the path of a topic."""
        if isinstance(value, Unknown):
            return str(value.key)
        return self.names[self.places[value]]

    def of_segment(self, name: str) -> E | Unknown:
        """From the path of a topic."""
        place = self.table.index.get(name)
        if place is not None:
            return self.members[place]
        if self.closed:
            raise Invalid(f"unknown member `{name}`")
        return Unknown(name)


@dataclass(frozen=True)
class Variant:
    """A variant of a union: its class, and what it carries (a `value`, fields, or nothing)."""

    id: int
    wire: str
    of: type
    value: Codec[Any] | None = None
    fields: Codec[Any] | None = None
    was: tuple[str, ...] = ()


class Union_(Codec[T]):
    """A union, or an error: `unknown` makes what an open one keeps of a newer peer."""

    def __init__(self, name: str, variants: Callable[[], tuple[Variant, ...]], *,
                 closed: bool = False, unknown: Callable[[Unknown], Any] | None = None) -> None:
        self.name, self._make, self.closed = name, variants, closed
        self.unknown = unknown
        self._variants: tuple[Variant, ...] | None = None
        self._table = Members(())
        self._places: dict[type, int] = {}

    def _all(self) -> tuple[Variant, ...]:
        if self._variants is None:
            self._variants = self._make()
            self._table = Members([(v.id, v.wire, v.was) for v in self._variants])
            self._places = {v.of: place for place, v in enumerate(self._variants)}
        return self._variants

    def write(self, out: bytearray, value: T, numbers: bool) -> None:
        variants = self._all()
        kept: Any = getattr(value, "unknown", value) if self.unknown is not None else value
        if isinstance(kept, Unknown) and not self.closed:
            if kept.content is not None:
                out += head(MAP, 1)
            write_key(out, kept.key)
            out += kept.content or b""
            return
        place = self._places.get(type(value))
        if place is None:
            raise Invalid(f"expected a variant of {self.name}, found {type(value).__name__}")
        variant = variants[place]
        key = self._table.keys[place][0 if numbers else 1]
        if variant.value is None and variant.fields is None:
            out += key
            return
        out += head(MAP, 1) + key
        try:
            if variant.fields is not None:
                variant.fields.write(out, value, numbers)
            elif variant.value is not None:
                variant.value.write(out, value.value, numbers)  # type: ignore[attr-defined]
        except Invalid as invalid:
            raise invalid.under(variant.wire) from None

    def read(self, reader: Reader) -> T:
        if reader.major() != MAP:
            key = read_key(reader)
            return self._picked(key, None)
        found: list[T] = []
        for index in reader.entries(MAP, "a map"):
            if index:
                break
            key = read_key(reader)
            found.append(self._picked(key, reader))
        else:
            if found:
                return found[0]
        raise Invalid(f"a variant of {self.name} is its key, or a map of one entry")

    def _picked(self, key: int | str, reader: Reader | None) -> T:
        variants = self._all()
        place = self._table.index.get(key)
        if place is None:
            return self._kept(key, reader)
        variant = variants[place]
        made: Any
        try:
            if variant.value is None and variant.fields is None:
                if reader is not None:
                    nothing(reader)
                made = variant.of()
            elif reader is None:
                raise Invalid("has content: expected a map of one entry")
            elif variant.fields is not None:
                made = variant.fields.read(reader)
            elif variant.value is not None:
                made = variant.of(variant.value.read(reader))
        except Invalid as invalid:
            raise invalid.under(variant.wire) from None
        return made  # type: ignore[no-any-return]

    def _kept(self, key: int | str, reader: Reader | None) -> T:
        if self.closed or (isinstance(key, int) and key < 0):
            names = ", ".join(variant.wire for variant in self._all())
            raise Invalid(f"unknown variant `{key}`: expected one of {names}")
        unknown: Any = Unknown(key, None if reader is None else reader.skip())
        made: Any = unknown if self.unknown is None else self.unknown(unknown)
        return made  # type: ignore[no-any-return]

    def check(self, value: T) -> None:
        variants = self._all()
        place = self._places.get(type(value))
        if place is None:
            return
        variant = variants[place]
        try:
            if variant.fields is not None:
                variant.fields.check(value)
            elif variant.value is not None:
                variant.value.check(value.value)  # type: ignore[attr-defined]
        except Invalid as invalid:
            raise invalid.under(variant.wire) from None
