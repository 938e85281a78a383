"""Constraints of a contract: what a value must be beyond its type."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from typing import Any, TypeVar, cast

from .codec import EPOCH, MICROSECOND, Codec
from .payload import Invalid, Reader

T = TypeVar("T")
_LABEL = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
_LOCAL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}")
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


def _is_hostname(text: str) -> bool:
    return len(text) <= 253 and all(_LABEL.fullmatch(label) for label in text.split("."))


def _is_email(text: str) -> bool:
    local, at, domain = text.partition("@")
    return bool(at and _LOCAL.fullmatch(local)) and _is_hostname(domain)


def _is_ip(kind: Callable[[str], object]) -> Callable[[str], bool]:
    def check(text: str) -> bool:
        try:
            kind(text)
        except ValueError:
            return False
        return "%" not in text

    return check


def _is_date(text: str) -> bool:
    if not _DATE.fullmatch(text):
        return False
    # The contract's calendar has a year 0, which is a leap year as 2000 is.
    year = "2000" if text.startswith("0000") else text[:4]
    try:
        date.fromisoformat(year + text[4:])
    except ValueError:
        return False
    return True


FORMATS: dict[str, Callable[[str], bool]] = {
    "email": _is_email,
    "hostname": _is_hostname,
    "ipv4": _is_ip(ipaddress.IPv4Address),
    "ipv6": _is_ip(ipaddress.IPv6Address),
    "date": _is_date,
}


class Checked(Codec[T]):
    """A type with constraints. On a list `length` counts items, and the rest binds each item."""

    def __init__(
        self,
        of: Codec[T],
        *,
        least: float | None = None,
        most: float | None = None,
        length: tuple[int | None, int | None] = (None, None),
        format: str | None = None,
        pattern: str | None = None,
    ) -> None:
        self.of, self.least, self.most, self.length = of, least, most, length
        self.format = format
        self.said = pattern
        self.pattern = None if pattern is None else re.compile(f"(?:{pattern})", re.ASCII)

    def write(self, out: bytearray, value: T, numbers: bool) -> None:
        self.of.write(out, value, numbers)

    def read(self, reader: Reader) -> T:
        return self.of.read(reader)

    def absent(self) -> T:
        return self.of.absent()

    def check(self, value: T) -> None:
        self.of.check(value)
        if value is not None:
            self._value(value, in_list=False)

    def _value(self, value: Any, *, in_list: bool) -> None:
        size: int = len(value) if hasattr(value, "__len__") else 0
        if isinstance(value, (list, tuple)):
            if not in_list:
                self._items(cast("Sequence[Any]", value))
        elif isinstance(value, str):
            if not in_list:
                self._length(len(value), "characters")
            self._text(value)
        elif isinstance(value, bytes):
            if not in_list:
                self._length(len(value), "bytes")
        elif isinstance(value, dict):
            if not in_list:
                self._length(size, "entries")
        else:
            self._number(value)

    def _items(self, items: Sequence[Any]) -> None:
        for index, item in enumerate(items):
            try:
                self._value(item, in_list=True)
            except Invalid as invalid:
                raise invalid.at(index) from None
        self._length(len(items), "items")

    def _number(self, value: Any) -> None:
        if isinstance(value, timedelta):
            value = value // MICROSECOND
        elif isinstance(value, datetime):
            value = (value - EPOCH) // MICROSECOND
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return
        # Written so that NaN is neither above nor below.
        if self.least is not None and not value >= self.least:
            raise Invalid(f"{value} is below {self.least}")
        if self.most is not None and not value <= self.most:
            raise Invalid(f"{value} is above {self.most}")

    def _length(self, length: int, what: str) -> None:
        least, most = self.length
        if least is not None and length < least:
            raise Invalid(f"{length} {what} are less than {least}")
        if most is not None and length > most:
            raise Invalid(f"{length} {what} are more than {most}")

    def _text(self, value: str) -> None:
        fits = FORMATS.get(self.format or "")
        if self.format is not None and (fits is None or not fits(value)):
            raise Invalid(f"not of the form `{self.format}`")
        if self.pattern is not None and not self.pattern.fullmatch(value):
            raise Invalid(f"does not match `{self.said}`")
