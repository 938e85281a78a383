"""Signs of life: heartbeats into silence, pings, and links that do not move (session.md)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from .message import ACK, Message
from .scope import until
from .status import Code, Status, Violation

if TYPE_CHECKING:
    from .session import Session

INTERVAL_MIN = 1.0
SILENCE = 2.5
BYTES_PER_SECOND_MIN = 1024


class Beat:
    """Watches both directions, twice per interval."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.interval = session.limits.heartbeat
        self.heard_at = session.loop.time()
        self.transmitted = False
        self.pong_due: int | None = None
        self._pings: dict[int, asyncio.Future[None]] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._moved = self._received = 0
        self._moved_at = self._received_at = self.heard_at

    def start(self, peer_ms: int) -> None:
        """With the interval that both sides can live with [L4.beat.1]."""
        self.interval = max(INTERVAL_MIN, min(self.interval, peer_ms / 1000))
        self._moved_at = self._received_at = self.heard_at = self.session.loop.time()
        self._timer = self.session.loop.call_later(self.interval / 2, self._tick)

    def stop(self) -> None:
        """The session is over."""
        if self._timer is not None:
            self._timer.cancel()
        for waiter in self._pings.values():
            if not waiter.done():
                waiter.set_exception(Status(Code.UNAVAILABLE, "the session has ended"))

    def _tick(self) -> None:
        session, now = self.session, self.session.loop.time()
        if session.is_closed:
            return
        self._timer = session.loop.call_later(self.interval / 2, self._tick)
        if now - self.heard_at >= SILENCE * self.interval:
            rule = Violation("L4.beat.2")
            session.finish(Status(Code.UNAVAILABLE, str(rule)))
            return
        try:
            self._check_moving(now)
        except Violation as violation:
            session.fail(violation)
            return
        if not self.transmitted and not session.out.size:
            session.put_now(Message(ACK))
        self.transmitted = False

    def _check_moving(self, now: float) -> None:
        out, receiver = self.session.out, self.session.receiver
        stall = self.session.limits.stall_timeout
        if not out.size or out.moved != self._moved:
            self._moved, self._moved_at = out.moved, now
        elif now - self._moved_at >= stall:
            raise Violation("L4.bound.4")
        waited = now - self._received_at
        if not receiver.is_incomplete or waited >= stall:
            due = int(waited) * BYTES_PER_SECOND_MIN
            if receiver.is_incomplete and receiver.partial_bytes - self._received < due:
                raise Violation("L4.bound.5")
            self._received, self._received_at = receiver.partial_bytes, now

    def pong(self) -> None:
        """Answers the newest ping [L4.ping.1]."""
        if self.pong_due is not None:
            self.session.put_now(Message(ACK, ref=self.pong_due))
            self.pong_due = None

    async def ping(self, timeout: float) -> float:
        """Seconds to the peer and back. Not more often than once a second [L4.calm.2]."""
        session = self.session
        session.check_open()
        id, start = session.mint(), session.loop.time()
        waiter: asyncio.Future[None] = session.loop.create_future()
        self._pings[id] = waiter
        session.put_now(Message(ACK, id))
        try:
            await until(start + timeout, waiter)
        finally:
            self._pings.pop(id, None)
        return session.loop.time() - start

    def ponged(self, ref: int) -> bool:
        """The answer to a ping; it answers the older ones too. False when there was no such ping."""
        if ref not in self._pings:
            return False
        for id, waiter in list(self._pings.items()):
            if id <= ref and not waiter.done():
                waiter.set_result(None)
                del self._pings[id]
        return True
