"""What surrounds the work of a handler: its deadline and its place in a chain of calls.

It travels in a context variable, so that whatever a handler opens, at whichever peer, keeps to
the handler's deadline and counts one hop more [L5.deadline.3, L5.hops.1].
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TypeVar

from .status import Code, Status

T = TypeVar("T")


@dataclass(frozen=True)
class Scope:
    """`deadline` is a time of the event loop; `hops` is what the next call carries."""

    deadline: float | None = None
    hops: int = 0


NO_SCOPE = Scope()
SCOPE: ContextVar[Scope] = ContextVar("fluxar_scope", default=NO_SCOPE)


def deadline_of(timeout: float | None) -> float | None:
    """The nearer of the surrounding deadline and so many seconds from now."""
    surrounding = SCOPE.get().deadline
    if timeout is None:
        return surrounding
    own = asyncio.get_running_loop().time() + timeout
    return own if surrounding is None else min(own, surrounding)


def deadline_status() -> Status:
    """Time ran out."""
    return Status(Code.DEADLINE_EXCEEDED, "the deadline has passed")


async def until(deadline: float | None, work: Awaitable[T]) -> T:
    """Waits for the work, no longer than to the deadline."""
    if deadline is None:
        return await work
    left = deadline - asyncio.get_running_loop().time()
    try:
        return await asyncio.wait_for(work, max(left, 0))
    except asyncio.TimeoutError:
        raise deadline_status() from None
