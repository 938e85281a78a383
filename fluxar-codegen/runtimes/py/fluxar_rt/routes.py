"""What a node serves: handlers by target."""

from __future__ import annotations

from dataclasses import dataclass, field

from .work import CallHandler, StreamHandler


@dataclass
class Routes:
    """Handlers of calls and of streams, in bytes. Generated code makes typed ones."""

    calls: dict[str, CallHandler] = field(default_factory=lambda: {})
    streams: dict[str, StreamHandler] = field(default_factory=lambda: {})

    def add(self, other: Routes) -> None:
        """Adds what another has; a target that is served twice is a mistake."""
        for mine, theirs in ((self.calls, other.calls), (self.streams, other.streams)):
            twice = mine.keys() & theirs.keys()
            if twice:
                raise ValueError(f"served twice: {', '.join(sorted(twice))}")
        self.calls.update(other.calls)
        self.streams.update(other.streams)
