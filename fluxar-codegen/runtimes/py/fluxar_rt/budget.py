"""The budget for messages that cost the sender less than us [L4.calm.1]."""

from __future__ import annotations

from collections.abc import Callable

from .limits import Limits
from .status import Violation


class Budget:
    """A bucket, refilled by time and by work that was really done."""

    def __init__(self, limits: Limits, clock: Callable[[], float]) -> None:
        self.burst = self.level = float(limits.budget_burst)
        self.per_second = limits.budget_per_second
        self.clock = clock
        self.refilled_at = clock()
        self.unknown_refs_left = limits.unknown_refs_max

    def earn(self) -> None:
        """A call completed, or an item or event was sent."""
        self.level = min(self.burst, self.level + 1)

    def charge(self) -> None:
        """A cheap message came."""
        now = self.clock()
        self.level = min(self.burst, self.level + (now - self.refilled_at) * self.per_second)
        self.refilled_at = now
        if self.level < 1:
            raise Violation("L4.calm.1")
        self.level -= 1

    def charge_unknown_ref(self) -> None:
        """A ref to an id that never existed came [L3.ref.2]."""
        if self.unknown_refs_left == 0:
            raise Violation("L3.ref.2")
        self.unknown_refs_left -= 1
        self.charge()
