"""Random values of any type of a contract, made by looking at its codec."""

from __future__ import annotations

import struct
from datetime import timedelta
from decimal import Decimal
from random import Random
from types import ModuleType
from typing import Any
from uuid import UUID

TEXTS = ("", "a", "quote \" and \\", "é", "\U0001f600", "\0\n", "x" * 300)
NUMBERS = (0, 1, 23, 24, 255, 256, 65535, 65536, (1 << 32) - 1, 1 << 32, (1 << 53) - 1)


class Values:
    """Makes values; `rt` is the generated code's own copy of the runtime."""

    def __init__(self, random: Random, codec: ModuleType, types: ModuleType,
                 checks: ModuleType) -> None:
        self.random, self.c, self.t, self.k = random, codec, types, checks

    def integer(self, least: int, most: int) -> int:
        edge = self.random.choice((least, most, *NUMBERS, *(-1 - n for n in NUMBERS)))
        if least <= edge <= most and self.random.random() < 0.7:
            return edge
        return self.random.randint(least, most)

    def floating(self, form: str) -> float:
        value = self.random.choice((0.0, 0.5, -1.5, 1e30, float("inf"), self.random.random()))
        return float(struct.unpack(form, struct.pack(form, value))[0])

    def any(self, depth: int) -> Any:
        choices: list[Any] = [None, True, False, "text", b"bytes", 1, -1, 1 << 40, 0.5, 1 << 70]
        if depth > 0:
            choices += [[self.any(depth - 1)], {"k": self.any(depth - 1), 2: None}]
        return self.random.choice(choices)

    def scalar(self, codec: Any) -> Any:
        c, random = self.c, self.random
        if isinstance(codec, c.Bool):
            return random.random() < 0.5
        if isinstance(codec, c.Int):
            return self.integer(codec.least, codec.most)
        if isinstance(codec, c.Float):
            return self.floating(codec.form)
        if isinstance(codec, c.Text):
            return random.choice(TEXTS)
        if isinstance(codec, c.Octets):
            return random.randbytes(random.choice((0, 1, 16, 30)))
        if isinstance(codec, c.Uuid):
            return UUID(bytes=random.randbytes(16))
        if isinstance(codec, c.Timestamp):
            return c.EPOCH + timedelta(microseconds=random.randint(-(10**16), 10**17))
        if isinstance(codec, c.Duration):
            return timedelta(microseconds=random.choice((0, 1, random.randint(0, 10**15))))
        if isinstance(codec, c.DecimalText):
            return Decimal(random.choice(("0", "0.10", "-12.50", "123456789012345678901.5")))
        if isinstance(codec, c.Anything):
            return self.any(2)
        assert isinstance(codec, c.Unit), codec
        return None

    def fields(self, codec: Any, depth: int) -> dict[str, Any]:
        made: dict[str, Any] = {}
        for field in codec.fields.fields:
            if field.default is not None and self.random.random() < 0.3:
                made[field.name] = field.default()
            elif field.optional and (depth <= 0 or self.random.random() < 0.4):
                made[field.name] = None
            else:
                made[field.name] = self.of(field.codec, depth - 1)
        return made

    def count(self, depth: int) -> int:
        return 0 if depth <= 0 else self.random.choice((0, 1, 2, 3))

    def of(self, codec: Any, depth: int = 5) -> Any:
        """A value of this type."""
        t = self.t
        if isinstance(codec, self.k.Checked):
            return self.of(codec.of, depth)
        if isinstance(codec, t.Wrapped):
            return codec.of(self.of(codec.inner, depth - 1))
        if isinstance(codec, t.Lazy):
            return self.of(codec.find(), depth)
        if isinstance(codec, t.Optional):
            skip = depth <= 0 or self.random.random() < 0.4
            return None if skip else self.of(codec.of, depth - 1)
        if isinstance(codec, t.List):
            return [self.of(codec.of, depth - 1) for _ in range(self.count(depth))]
        if isinstance(codec, t.Array):
            return tuple(self.of(codec.of, depth - 1) for _ in range(codec.size))
        if isinstance(codec, t.Map):
            count = self.count(depth)
            return {self.of(codec.key, 0): self.of(codec.of, depth - 1) for _ in range(count)}
        if isinstance(codec, t.Record):
            return codec.of(**self.fields(codec, depth))
        if isinstance(codec, t.Params):
            return self.fields(codec, depth)
        if isinstance(codec, t.Enum):
            if not codec.closed and self.random.random() < 0.2:
                return t.Unknown(self.random.choice(("newer", 4000)))
            return self.random.choice(codec.members)
        if isinstance(codec, t.Union_):
            return self.union(codec, depth)
        return self.scalar(codec)

    def union(self, codec: Any, depth: int) -> Any:
        if not codec.closed and self.random.random() < 0.2:
            content = self.random.choice((None, b"\xa1\x01\x82\xf6\x61a"))
            unknown = self.t.Unknown(self.random.choice(("newer", 4000)), content)
            return unknown if codec.unknown is None else codec.unknown(unknown)
        variants = [v for v in codec._all() if depth > 0 or v.value is None]
        variant = self.random.choice(variants or list(codec._all()))
        if variant.fields is not None:
            return self.of(variant.fields, depth - 1)
        if variant.value is not None:
            return variant.of(self.of(variant.value, depth - 1))
        return variant.of()
