"""Calls that may come more than once and are done once (patterns.md, Keyed calls)."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from .limits import KeyedLimits
from .scope import deadline_status
from .status import Code, Status

if TYPE_CHECKING:
    from .work import Outcome

ENTRY_COST = 256
"""About what the bookkeeping of an outcome takes."""

FAR = 10.0**7
"""Seconds after which a deadline is none."""


class KeyName(NamedTuple):
    """What a key names: one intention of one caller, which is an identity or a nameless instance."""

    identity: str | None
    instance: bytes
    target: str
    key: bytes


@dataclass
class _Running:
    parameters: bytes
    outcome: asyncio.Future[Outcome]
    attempts: int = 1


@dataclass
class _Share:
    """What one caller has. All that have no name are one: whoever dials chooses its instance, and
    must not get room by choosing many."""

    keys: int = 0
    running: int = 0
    done: dict[KeyName, None] = field(default_factory=lambda: {})
    """The oldest first."""


@dataclass(frozen=True)
class _Done:
    parameters: bytes
    outcome: Outcome
    size: int
    at: float


class Keyed:
    """The calls with keys of one node. Their handlers are tasks of its own."""

    def __init__(self, limits: KeyedLimits, now: Callable[[], float]) -> None:
        self.limits, self.now = limits, now
        self.running: dict[KeyName, _Running] = {}
        self.done: dict[KeyName, _Done] = {}
        """The oldest first."""
        self.shares: dict[str | None, _Share] = {}
        self.tasks: set[asyncio.Task[None]] = set()
        """Handlers that have not ended."""
        self.size = 0

    async def run(self, name: KeyName, payload: bytes | None, deadline: float | None,
                  handler: Callable[[], Awaitable[Outcome]]) -> Outcome:
        """What the call comes to. The handler runs for the first attempt, whatever becomes of the
        session that made it."""
        self._expire()
        parameters = hashlib.sha256(payload or b"").digest()
        running, done = self.running.get(name), self.done.get(name)
        known = running or done
        if known is not None and known.parameters != parameters:
            text = "[L5.idempotent.3] the idempotency key was used with other parameters"
            return Status(Code.FAILED_PRECONDITION, text)
        if done is not None:
            return done.outcome
        if running is not None:
            if running.attempts >= self.limits.attempts_max:
                return _full("too many attempts wait for this key: wait for one of them")
            running.attempts += 1
        else:
            share = self.shares.get(name.identity) or _Share()
            limits = self.limits
            if share.running >= limits.running_max or len(self.tasks) >= limits.running_all_max:
                return _full("too many calls with keys run already: wait for some of them")
            running = self._start(name, parameters, share, deadline, handler)
        try:
            return await asyncio.shield(running.outcome)
        finally:
            # Who gave up, or lost its session, waits no more.
            running.attempts -= 1

    def _start(self, name: KeyName, parameters: bytes, share: _Share, deadline: float | None,
               handler: Callable[[], Awaitable[Outcome]]) -> _Running:
        loop = asyncio.get_running_loop()
        running = self.running[name] = _Running(parameters, loop.create_future())
        self.shares[name.identity] = share
        share.keys += 1
        share.running += 1

        def late() -> None:
            # What it comes to is not known: the next attempt runs it anew.
            del self.running[name]
            self._leave(name, share)
            running.outcome.set_result(deadline_status())
            task.cancel()

        async def work() -> None:
            outcome = await handler()
            if timer is not None:
                timer.cancel()
            if self.running.get(name) is running:
                self._keep(name, running, share, outcome)
                running.outcome.set_result(outcome)

        def ended(task: asyncio.Task[None]) -> None:
            self.tasks.discard(task)
            share.running -= 1
            self._release(name, share)

        # The loop refuses timers too far away on some systems.
        is_near = deadline is not None and deadline - loop.time() < FAR
        timer = loop.call_at(deadline, late) if deadline is not None and is_near else None
        task = loop.create_task(work())
        self.tasks.add(task)
        task.add_done_callback(ended)
        return running

    def _keep(self, name: KeyName, running: _Running, share: _Share, outcome: Outcome) -> None:
        """The handler came to its end: its outcome is there for later attempts."""
        del self.running[name]
        size, limits = _size(outcome) + len(name.target) + len(name.identity or ""), self.limits
        if size > limits.outcome_bytes_max:
            self._leave(name, share)
            return
        self.done[name] = _Done(running.parameters, _bare(outcome), size, self.now())
        share.done[name] = None
        self.size += size
        if share.keys > limits.keys_max:
            self._drop(next(iter(share.done)))
        while self.size > limits.bytes_max:
            self._drop(next(iter(self.done)))

    def _drop(self, name: KeyName) -> None:
        share = self.shares[name.identity]
        self.size -= self.done.pop(name).size
        del share.done[name]
        self._leave(name, share)

    def _leave(self, name: KeyName, share: _Share) -> None:
        """One key less."""
        share.keys -= 1
        self._release(name, share)

    def _release(self, name: KeyName, share: _Share) -> None:
        if share.keys == 0 and share.running == 0:
            self.shares.pop(name.identity, None)

    def _expire(self) -> None:
        oldest = self.now() - self.limits.kept_for
        while self.done:
            name, done = next(iter(self.done.items()))
            if done.at > oldest:
                return
            self._drop(name)


def _full(text: str) -> Status:
    return Status(Code.RESOURCE_EXHAUSTED, text)


def _bare(outcome: Outcome) -> Outcome:
    """What an outcome says, without what its error holds on to: frames, and whatever they know."""
    if not isinstance(outcome, Status):
        return outcome
    return Status(outcome.code, outcome.message, type_name=outcome.type_name,
                  details=outcome.details, retry_after_ms=outcome.retry_after_ms)


def _size(outcome: Outcome) -> int:
    """What an outcome holds, with about what its bookkeeping takes."""
    if isinstance(outcome, Status):
        told = len(outcome.message.encode()) + len(outcome.details or b"")
        return told + len(outcome.type_name or "") + ENTRY_COST
    return len(outcome or b"") + ENTRY_COST
