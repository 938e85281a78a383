"""Who gets what is published here: subscriptions of peers, and the last value of topics."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from .limits import Limits
from .names import matches

if TYPE_CHECKING:
    from .topics import Inbound


class Broker:
    """Topics of one node. Retained values are bounded: the oldest give way."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.subscriptions: dict[int, tuple[list[str], Inbound]] = {}
        self.retained: dict[str, bytes] = {}
        self.retained_bytes = 0

    def add(self, subscription: Inbound) -> None:
        """A granted subscription: it hears the retained values first [L5.retain.2]."""
        pattern = subscription.pattern.split(".")
        if subscription.group is None:
            for topic, payload in list(self.retained.items()):
                if matches(pattern, topic.split(".")):
                    subscription.deliver(topic, payload, retained=True)
        self.subscriptions[id(subscription)] = (pattern, subscription)

    def remove(self, subscription: Inbound) -> None:
        """It gets nothing more."""
        self.subscriptions.pop(id(subscription), None)

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Delivers to every subscription that matches, and to one of each group [L5.topic.2]."""
        if retain:
            self._retain(topic, payload)
        segments = topic.split(".")
        groups: dict[str, list[Inbound]] = {}
        hit: list[Inbound] = []
        for pattern, subscription in self.subscriptions.values():
            if not matches(pattern, segments):
                continue
            if subscription.group is None:
                hit.append(subscription)
            else:
                groups.setdefault(subscription.group, []).append(subscription)
        hit += (random.choice(members) for members in groups.values())
        for subscription in hit:
            subscription.deliver(topic, payload)

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
