"""Calls in flight, in both directions."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .context import Context
from .keyed import KeyName
from .message import CALL, CANCEL, DEADLINE, HOPS, IDEMPOTENCY_KEY, Message
from .scope import SCOPE, Scope, deadline_status
from .status import Code, Status
from .user import UserMeta
from .work import CallHandler, Outcome, Work, failed, outcome_of

if TYPE_CHECKING:
    from .session import Session


@dataclass
class _Outbound:
    answer: asyncio.Future[bytes]
    mark: int | None
    timer: asyncio.TimerHandle | None = None
    cancelled: bool = False


class Calls:
    """The table of calls of one session."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.outbound: dict[int, _Outbound] = {}
        self.inbound: dict[int, Work] = {}
        self.running = 0
        """Handlers that have not ended, of calls and of notifications [L5.call.5]."""

    # ---- ours

    async def call(self, target: str, payload: bytes | None, deadline: float | None,
                   user_meta: UserMeta | None, key: bytes | None = None) -> bytes:
        """Calls the peer; cancelling the task cancels the call. See `call_at` for what a key does."""
        session = self.session
        await session.place(self.outbound, session.peer_limits.calls_max, payload, deadline)
        message = session.request(CALL, target, payload, deadline, user_meta)
        if key is not None:
            if len(key) != 16:
                raise Status(Code.INVALID_ARGUMENT, "an idempotency key has 16 bytes")
            message.meta[IDEMPOTENCY_KEY] = key
        id = message.id = session.mint()
        answer: asyncio.Future[bytes] = session.loop.create_future()
        call = _Outbound(answer, session.put(id, message))
        self.outbound[id] = call
        if deadline is not None:
            call.timer = session.loop.call_at(deadline, self._late, id)
        try:
            return await answer
        except asyncio.CancelledError:
            # [L5.cancel.4]: the id is kept until the answer came.
            if id in self.outbound and not call.cancelled:
                call.cancelled = True
                session.put(id, Message(CANCEL, ref=id))
            raise
        finally:
            if call.timer is not None:
                call.timer.cancel()

    async def notify(self, target: str, payload: bytes | None,
                     user_meta: UserMeta | None) -> None:
        """Tells the peer something that nobody answers."""
        await self.session.room(0, payload, None)
        message = self.session.request(CALL, target, payload, None, user_meta)
        self.session.put(0, message)

    def _late(self, id: int) -> None:
        call = self.outbound.get(id)
        if call is not None and not call.answer.done():
            # The callee keeps the same deadline: no CANCEL is needed.
            call.cancelled = True
            call.answer.set_exception(deadline_status())

    def answered(self, message: Message) -> bool:
        """Takes a response; false when no such call is open."""
        call = self.outbound.pop(message.ref or 0, None)
        if call is None:
            return False
        if not call.answer.done():
            if message.error is not None:
                call.answer.set_exception(message.error)
            else:
                call.answer.set_result(message.payload or b"")
        return True

    # ---- the peer's

    def start(self, message: Message, handler: CallHandler) -> None:
        """Runs the handler of a call or notification."""
        session = self.session
        work = Work(session, message.id, message.meta.get(DEADLINE))
        scope = Scope(work.deadline, message.number(HOPS) + 1)
        self.running += 1
        if message.id is not None:
            self.inbound[message.id] = work
        work.on_stuck = lambda error: self._respond(work, error)
        work.task = session.spawn(self._serve(message, handler, work, scope))

    async def _serve(
        self, message: Message, handler: CallHandler, work: Work, scope: Scope
    ) -> None:
        SCOPE.set(scope)
        context = Context(self.session, message, scope)
        try:
            key = message.meta.get(IDEMPOTENCY_KEY)
            if isinstance(key, bytes):
                outcome = await self._keyed(key, context, message.payload, handler, work)
            else:
                outcome = await outcome_of(handler(context, message.payload), work, message.target)
            if work.id is not None:
                payload = None if isinstance(outcome, Status) else outcome
                await self.session.room(work.id, payload, None)
                self._respond(work, b"" if outcome is None else outcome)
        finally:
            self.running -= 1
            work.finish()
            self.inbound.pop(work.id or 0, None)
            self.session.check_drained()

    async def _keyed(self, key: bytes, context: Context, payload: bytes | None,
                     handler: CallHandler, work: Work) -> Outcome:
        """An attempt at a call that may come more than once: its handler is no work of this session."""
        session, target = self.session, context.target

        async def run() -> Outcome:
            try:
                return await handler(context, payload)
            except asyncio.CancelledError:
                return cancelled_status()
            except Exception as error:
                return failed(error, target)

        instance = b"" if session.identity is not None else session.remote.instance
        name = KeyName(session.identity, instance, target, key)
        try:
            return await session.config.keyed.run(name, payload, work.deadline, run)
        except asyncio.CancelledError:
            # The caller gives up, or the session is over.
            if session.is_closed or work.reason is None:
                raise
            return work.reason
        finally:
            work.is_over = True

    def _respond(self, work: Work, outcome: bytes | Status) -> None:
        if work.id is None or self.inbound.pop(work.id, None) is None:
            return
        if work.reason is None:
            self.session.budget.earn()
        answer = Message(CALL, ref=work.id)
        if isinstance(outcome, Status):
            answer.error = outcome
        else:
            answer.payload = outcome
        self.session.put_answer(work.id, answer)

    def cancel(self, id: int, reason: Status) -> bool:
        """The peer gives up a call of its own."""
        work = self.inbound.get(id)
        if work is not None:
            work.cancel(reason)
        return work is not None

    # ---- the end

    def close(self, reason: Status) -> None:
        """The session is over: every call ends now."""
        for id, call in self.outbound.items():
            if not call.answer.done():
                call.answer.set_exception(self.session.lost(id, call.mark, reason))
        self.outbound.clear()
        self.inbound.clear()


def cancelled_status() -> Status:
    """What a handler hears when its caller gives up."""
    return Status(Code.CANCELLED, "cancelled by the caller")
