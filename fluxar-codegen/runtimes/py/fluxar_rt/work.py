"""The work of a handler: its deadline, its cancelling, and what comes of it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Optional, Union

from .context import Context
from .scope import deadline_status
from .status import Code, Status

if TYPE_CHECKING:
    from .session import Session
    from .streams import RawStream

log = logging.getLogger("fluxar")

CallHandler = Callable[[Context, Optional[bytes]], Awaitable[Optional[bytes]]]
"""Serves a call: parameters to result, both encoded."""
StreamHandler = Callable[[Context, Optional[bytes], "RawStream"], Awaitable[Optional[bytes]]]
"""Serves a stream: reads and sends items; what it returns is the result at the end."""
Outcome = Union[bytes, Status, None]


class Work:
    """A running handler."""

    def __init__(self, session: Session, id: int | None, deadline_ms: object) -> None:
        self.session = session
        self.id = id
        self.deadline: float | None = None
        self.task: asyncio.Task[None] | None = None
        self.reason: Status | None = None
        self.is_over = False
        self.on_stuck: Callable[[Status], None] | None = None
        self._timers: list[asyncio.TimerHandle] = []
        if isinstance(deadline_ms, int):
            # A deadline of centuries is none: the loop's clock is a float.
            self.deadline = session.loop.time() + min(deadline_ms, 10**15) / 1000
            # The loop refuses timers too far away on some systems.
            if deadline_ms < 10**10:
                timer = session.loop.call_at(self.deadline, self.cancel, deadline_status())
                self._timers.append(timer)

    def cancel(self, reason: Status) -> None:
        """Asks the handler to stop; if it does not, it is answered for [L5.cancel.2]."""
        if self.is_over or self.reason is not None:
            return
        self.reason = reason
        if self.task is not None:
            self.task.cancel()
        grace = self.session.limits.cancel_grace
        self._timers.append(self.session.loop.call_later(grace, self._stuck, reason))

    def _stuck(self, reason: Status) -> None:
        if not self.is_over and self.on_stuck is not None:
            log.warning("a handler goes on %s after it was cancelled", "long")
            self.on_stuck(reason)
            if self.task is not None:
                self.task.cancel()

    def finish(self) -> None:
        """The handler has ended."""
        self.is_over = True
        for timer in self._timers:
            timer.cancel()


async def outcome_of(
    running: Awaitable[bytes | None], work: Work, target: str | None
) -> Outcome:
    """What a handler makes of a request; it may fail as it likes [L5.call.6]."""
    try:
        return await running
    except asyncio.CancelledError:
        if work.session.is_closed:
            raise
        return work.reason or Status(Code.CANCELLED, "the handler was cancelled")
    except Exception as error:
        return work.reason or failed(error, target)
    finally:
        work.is_over = True


def failed(error: Exception, target: str | None) -> Status:
    """What the peer is told of an error that a handler raised."""
    if isinstance(error, Status):
        return error
    log.exception("the handler of %s failed", target)
    return Status(Code.INTERNAL, "[L5.call.6] the handler failed: its log says why")
