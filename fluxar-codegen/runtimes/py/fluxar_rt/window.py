"""Credit: what the peer may still send us, and what we may still send it (patterns.md)."""

from __future__ import annotations

from .limits import CREDIT_MAX, ITEM_COST
from .status import Violation
from .user import NO_META, UserMeta, size_of


def cost(payload: bytes, meta: UserMeta = NO_META) -> int:
    """What an item takes, or an event with what is said beside it [L5.credit.2]."""
    return len(payload) + ITEM_COST + (size_of(meta) if meta else 0)


def add_credit(credit: int, grant: int) -> int:
    """Adds a grant to what is left."""
    if credit + grant > CREDIT_MAX:
        raise Violation("L5.credit.3")
    return credit + grant


class Window:
    """The receiver's side of credit."""

    def __init__(self, size: int) -> None:
        self.size = self.credit = size
        self.consumed = 0

    def take(self, size: int) -> None:
        """Something of this cost came."""
        if self.credit <= 0:
            raise Violation("L5.credit.1")
        self.credit -= size

    def consume(self, size: int) -> int | None:
        """The application took it: what is to be granted again, in halves of the window."""
        self.consumed += size
        if self.consumed * 2 < self.size:
            return None
        grant, self.consumed = self.consumed, 0
        self.credit += grant
        return grant
