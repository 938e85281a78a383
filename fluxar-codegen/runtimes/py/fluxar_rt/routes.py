"""What a node serves: handlers by target."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .context import Context
from .descriptor import describe
from .work import CallHandler, StreamHandler

DESCRIBE = "fluxar.describe"
"""The reserved method that answers with the descriptor of all that is served."""


@dataclass
class Routes:
    """Handlers of calls and of streams, in bytes. Generated code makes typed ones."""

    calls: dict[str, CallHandler] = field(default_factory=lambda: {})
    streams: dict[str, StreamHandler] = field(default_factory=lambda: {})
    contracts: list[Any] = field(default_factory=lambda: [])
    """The descriptors of the contracts that they are of."""

    def call(self, target: str) -> CallHandler | None:
        """The handler of a call: every node describes itself [IDL.desc.8]."""
        return self.calls.get(target) or (self._describe if target == DESCRIBE else None)

    async def _describe(self, context: Context, payload: bytes | None) -> bytes:
        return describe(self.contracts, self.calls.keys() | self.streams.keys())

    def add(self, other: Routes) -> None:
        """Adds what another has; a target that is served twice is a mistake."""
        for mine, theirs in ((self.calls, other.calls), (self.streams, other.streams)):
            twice = mine.keys() & theirs.keys()
            if twice:
                raise ValueError(f"served twice: {', '.join(sorted(twice))}")
        self.calls.update(other.calls)
        self.streams.update(other.streams)
        self.contracts += [of for of in other.contracts if of not in self.contracts]
