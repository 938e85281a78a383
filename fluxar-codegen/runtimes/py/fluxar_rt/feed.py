"""A granted subscription: its events leave as far as its credit goes, and wait within a bound."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from .limits import Limits
from .names import has_wildcard
from .status import Code, Status
from .user import NO_META, UserMeta
from .window import add_credit, cost

DROP_OLDEST, DROP_NEWEST, LATEST, DISCONNECT = range(4)
ENTRY_COST = 32
"""About what the bookkeeping of a waiting event takes, beside what an item costs, and of each entry of
its meta."""


@dataclass(frozen=True)
class RawEvent:
    """An event as it came. `dropped` is how many this subscription missed before it."""

    topic: str
    payload: bytes
    retained: bool = False
    dropped: int = 0
    meta: UserMeta = field(default_factory=lambda: NO_META)
    """What its publisher says beside it."""

    @property
    def cost(self) -> int:
        """What it takes of a subscriber's credit."""
        return cost(self.payload, self.meta)

    @property
    def held(self) -> int:
        """What it takes to hold it."""
        return self.cost + len(self.topic) + ENTRY_COST * (1 + len(self.meta))


class EventReader:
    """The reading half of a subscription: events that wait for the application."""

    def __init__(self) -> None:
        self.events: deque[RawEvent] = deque()
        self.left = self.over = False
        self.error: Status | None = None
        self._reader: asyncio.Future[None] | None = None

    async def next(self) -> RawEvent | None:
        """The next event; `None` when the subscription is over."""
        while not self.events:
            if self.over or self.left:
                return None
            self._reader = asyncio.get_running_loop().create_future()
            await self._reader
        event = self.events.popleft()
        if not self.over and not self.left:
            self.took(event)
        return event

    def took(self, event: RawEvent) -> None:
        """The application has it: there is credit again."""
        raise NotImplementedError

    def leave(self) -> None:
        """Ends the subscription; what waits is dropped."""
        raise NotImplementedError

    @property
    def is_lost(self) -> bool:
        """Whether it ended with its session."""
        return False

    def arrived(self, event: RawEvent) -> None:
        """An event for the application."""
        self.events.append(event)
        self.wake()

    def wake(self) -> None:
        """Whoever reads has something to see."""
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)


@dataclass
class Queues:
    """What all the feeds of one session hold together."""

    limits: Limits
    bytes: int = 0


class Feed:
    """What the broker delivers to. Subclasses say where events go."""

    def __init__(self, queues: Queues, pattern: str, group: str | None, overflow: int,
                 credit: int) -> None:
        self.queues, self.pattern, self.group, self.overflow = queues, pattern, group, overflow
        self.exact = not has_wildcard(pattern)
        self.credit = credit
        self.queue: deque[RawEvent] = deque()
        self.queue_bytes = 0
        self.dropped = 0
        self.is_cleared = False

    def has_room(self, event: RawEvent) -> bool:
        """Whether an event may leave now."""
        raise NotImplementedError

    def send(self, event: RawEvent) -> bool:
        """Sends an event behind `dropped` others; false when it is too large for its subscriber."""
        raise NotImplementedError

    def too_slow(self, status: Status) -> None:
        """Ends the subscription."""
        raise NotImplementedError

    def deliver(self, event: RawEvent) -> None:
        """An event for this subscription: sent, queued or dropped [L5.overflow.1]."""
        if self.is_cleared:
            return
        if self.credit > 0 and not self.queue and self.has_room(event):
            self._send(event)
            return
        if self.overflow == LATEST:
            self._make_room(lambda: False)
        elif self.overflow == DROP_OLDEST:
            self._make_room(lambda: self._fits(event))
        if self._fits(event):
            self.queue.append(event)
            self._hold(event.held)
        elif self.overflow == DISCONNECT:
            text = "the subscriber is too slow for its overflow policy `disconnect`"
            self.too_slow(Status(Code.RESOURCE_EXHAUSTED, text))
        else:
            self.dropped += 1

    def granted(self, credit: int) -> None:
        """The subscriber takes more."""
        self.credit = add_credit(self.credit, credit)
        self.flush()

    def flush(self) -> None:
        """Sends what waits, while there is credit and room."""
        while self.queue and self.credit > 0 and self.has_room(self.queue[0]):
            self._send(self._pop())

    def clear(self) -> None:
        """Nothing is delivered any more."""
        self.is_cleared = True
        self._hold(-self.queue_bytes)
        self.queue.clear()

    def _fits(self, event: RawEvent) -> bool:
        limits, size = self.queues.limits, event.held
        own = self.queue_bytes + size <= limits.subscription_bytes_max
        return own and self.queues.bytes + size <= limits.session_queue_bytes_max

    def _hold(self, size: int) -> None:
        self.queue_bytes += size
        self.queues.bytes += size

    def _make_room(self, enough: Callable[[], bool]) -> None:
        while self.queue and not enough():
            self._pop()
            self.dropped += 1

    def _pop(self) -> RawEvent:
        event = self.queue.popleft()
        self._hold(-event.held)
        return event

    def _send(self, event: RawEvent) -> None:
        if not self.send(event):
            self.dropped += 1
            return
        self.credit -= event.cost
        self.dropped = 0
