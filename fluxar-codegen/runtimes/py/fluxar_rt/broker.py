"""Topics at this side: who has subscribed here, over one session or many, and the last values."""

from __future__ import annotations

import asyncio
import random
from collections import deque

from .feed import DROP_OLDEST, Feed, Queues, RawEvent
from .limits import Limits
from .names import is_well_formed, matches
from .status import Code, Status
from .window import cost


class Broker:
    """Topics of one node. Retained values are bounded: the oldest give way."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.subscriptions: dict[int, tuple[list[str], Feed]] = {}
        self.retained: dict[str, bytes] = {}
        self.retained_bytes = 0
        self.queues = Queues(limits)
        self.is_closed = False

    def add(self, subscription: Feed) -> None:
        """A granted subscription: it hears the retained values first [L5.retain.2]."""
        pattern = subscription.pattern.split(".")
        self.subscriptions[id(subscription)] = (pattern, subscription)
        if subscription.group is None:
            for topic, payload in list(self.retained.items()):
                if matches(pattern, topic.split(".")):
                    subscription.deliver(RawEvent(topic, payload, retained=True))

    def remove(self, subscription: Feed) -> None:
        """It gets nothing more."""
        subscription.clear()
        self.subscriptions.pop(id(subscription), None)

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Delivers to every subscription that matches, and to one of each group [L5.topic.2]."""
        if not is_well_formed(topic, wildcards=False):
            raise Status(Code.INVALID_ARGUMENT, f"[L3.target.2] `{topic}` is no topic")
        if retain:
            self._retain(topic, payload)
        segments = topic.split(".")
        groups: dict[str, list[Feed]] = {}
        hit: list[Feed] = []
        for pattern, subscription in self.subscriptions.values():
            if not matches(pattern, segments):
                continue
            if subscription.group is None:
                hit.append(subscription)
            else:
                groups.setdefault(subscription.group, []).append(subscription)
        hit += (random.choice(members) for members in groups.values())
        event = RawEvent(topic, payload)
        for subscription in hit:
            subscription.deliver(event)

    async def subscribe(self, pattern: str, *, group: str | None = None,
                        overflow: int = DROP_OLDEST, credit: int | None = None) -> OwnSubscription:
        """A subscription of this program itself."""
        if not is_well_formed(pattern, wildcards=True):
            raise Status(Code.INVALID_ARGUMENT, f"[L3.target.2] `{pattern}` is no topic pattern")
        if self.is_closed:
            raise Status(Code.UNAVAILABLE, "the peer whose topics these are is closed")
        window = max(1, self.limits.initial_credit if credit is None else credit)
        subscription = OwnSubscription(self, pattern, group, overflow, window)
        self.add(subscription)
        return subscription

    def close(self) -> None:
        """Ends the subscriptions of this program."""
        self.is_closed = True
        for _, subscription in list(self.subscriptions.values()):
            if isinstance(subscription, OwnSubscription):
                subscription.end(None)

    def _retain(self, topic: str, payload: bytes) -> None:
        before = self.retained.pop(topic, None)
        if before is not None:
            self.retained_bytes -= len(topic) + len(before)
        if not payload:
            return
        self.retained[topic] = payload
        self.retained_bytes += len(topic) + len(payload)
        limits = self.limits
        while (
            len(self.retained) > limits.retained_max
            or self.retained_bytes > limits.retained_bytes_max
        ):
            oldest = next(iter(self.retained))
            self.retained_bytes -= len(oldest) + len(self.retained.pop(oldest))


class OwnSubscription(Feed):
    """A subscription of this program: what it takes is credit again at once."""

    def __init__(self, broker: Broker, pattern: str, group: str | None, overflow: int,
                 credit: int) -> None:
        super().__init__(broker.queues, pattern, group, overflow, credit)
        self.broker = broker
        self.events: deque[RawEvent] = deque()
        self.left = self.over = self.is_lost = False
        self.error: Status | None = None
        self._reader: asyncio.Future[None] | None = None

    async def next(self) -> RawEvent | None:
        """The next event; `None` when the subscription is over."""
        while not self.events:
            if self.over:
                return None
            self._reader = asyncio.get_running_loop().create_future()
            await self._reader
        event = self.events.popleft()
        if not self.over:
            self.granted(cost(event.payload))
        return event

    def leave(self) -> None:
        """Ends the subscription; what waits is dropped."""
        self.left = True
        self.events.clear()
        self.end(None)

    def end(self, error: Status | None) -> None:
        """Nothing more comes."""
        if not self.over:
            self.over, self.error = True, error
            self.broker.remove(self)
            self._wake()

    def has_room(self, event: RawEvent) -> bool:
        return not self.over

    def send(self, event: RawEvent) -> bool:
        if self.dropped:
            event = RawEvent(event.topic, event.payload, event.retained, self.dropped)
        self.events.append(event)
        self._wake()
        return True

    def too_slow(self, status: Status) -> None:
        self.end(status)

    def _wake(self) -> None:
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)
