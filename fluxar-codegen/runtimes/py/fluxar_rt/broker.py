"""Topics at this side: who has subscribed here, over one session or many, and the last values."""

from __future__ import annotations

import logging
import random
from dataclasses import replace

from .feed import DROP_OLDEST, EventReader, Feed, Queues, RawEvent
from .limits import Limits
from .names import is_well_formed, matches
from .status import Code, Status
from .user import UserMeta, checked

log = logging.getLogger("fluxar")


class Broker:
    """Topics of one node. Retained values are bounded: those that are kept stay."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.subscriptions: dict[int, tuple[list[str], Feed]] = {}
        self.retained: dict[str, RawEvent] = {}
        self.retained_bytes = 0
        self._told_full = False
        self.queues = Queues(limits)
        self.is_closed = False

    def add(self, subscription: Feed) -> None:
        """A granted subscription: it hears the retained values first [L5.retain.2]."""
        pattern = subscription.pattern.split(".")
        self.subscriptions[id(subscription)] = (pattern, subscription)
        if subscription.group is None:
            for topic, event in list(self.retained.items()):
                if matches(pattern, topic.split(".")):
                    subscription.deliver(event)

    def remove(self, subscription: Feed) -> None:
        """It gets nothing more."""
        subscription.clear()
        self.subscriptions.pop(id(subscription), None)

    def publish(self, topic: str, payload: bytes, *, retain: bool = False,
                meta: UserMeta | None = None) -> None:
        """Publishes to whoever has subscribed here; raises `Status` (resource_exhausted) for a value
        that was delivered and not kept [L5.retain.3]."""
        if not is_well_formed(topic, wildcards=False):
            raise Status(Code.INVALID_ARGUMENT, f"[L3.target.2] `{topic}` is no topic")
        if not self.deliver(RawEvent(topic, payload, meta=checked(meta)), retain=retain):
            text = "the value was delivered and not kept: too many topics or bytes are retained"
            raise Status(Code.RESOURCE_EXHAUSTED, text)

    def deliver(self, event: RawEvent, *, retain: bool) -> bool:
        """Delivers to every subscription that matches, and to one of each group [L5.topic.2]. False
        when it was to be kept, and is not."""
        is_kept = not retain or self._keep(replace(event, retained=True))
        segments = event.topic.split(".")
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
        for subscription in hit:
            subscription.deliver(event)
        return is_kept

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

    def _keep(self, event: RawEvent) -> bool:
        """Keeps a value in place of the one before, if there is room [L5.retain.3]; an empty one
        removes it."""
        topic, limits = event.topic, self.limits
        before = self.retained.get(topic)
        size = self.retained_bytes - (0 if before is None else before.held)
        if not event.payload:
            self.retained.pop(topic, None)
            self.retained_bytes = size
            return True
        is_full = before is None and len(self.retained) >= limits.retained_max
        if is_full or size + event.held > limits.retained_bytes_max:
            if not self._told_full:
                # Nobody answers a peer's publication, so this is how it is known.
                log.warning("no more values are kept, not that of %s either", topic)
            self._told_full = True
            return False
        self._told_full = False
        self.retained[topic] = event
        self.retained_bytes = size + event.held
        return True


class OwnSubscription(Feed, EventReader):
    """A subscription of this program: what it takes is credit again at once."""

    def __init__(self, broker: Broker, pattern: str, group: str | None, overflow: int,
                 credit: int) -> None:
        Feed.__init__(self, broker.queues, pattern, group, overflow, credit)
        EventReader.__init__(self)
        self.broker = broker

    def took(self, event: RawEvent) -> None:
        self.granted(event.cost)

    def leave(self) -> None:
        self.left = True
        self.events.clear()
        self.end(None)

    def end(self, error: Status | None) -> None:
        """Nothing more comes."""
        if not self.over:
            self.over, self.error = True, error
            self.broker.remove(self)
            self.wake()

    def has_room(self, event: RawEvent) -> bool:
        return not self.over

    def send(self, event: RawEvent) -> bool:
        self.arrived(replace(event, dropped=self.dropped) if self.dropped else event)
        return True

    def too_slow(self, status: Status) -> None:
        self.end(status)
