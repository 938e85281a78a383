"""Streams: items in order, both ways, with credit (patterns.md)."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING

from .context import Context
from .limits import CREDIT_MAX
from .message import ACK, CANCEL, CREDIT, DEADLINE, END, HOPS, STREAM, Message
from .scope import SCOPE, Scope, deadline_status
from .status import Code, Status, Violation
from .user import UserMeta
from .window import Window, add_credit, cost
from .work import StreamHandler, Work, outcome_of

if TYPE_CHECKING:
    from .session import Session


class RawStream:
    """One side of a stream, in bytes. The opener's is `ours`."""

    def __init__(self, session: Session, id: int, *, ours: bool, opener_ended: bool,
                 credit: int, window: int) -> None:
        self.session, self.id, self.ours = session, id, ours
        self.mark: int | None = 0
        self.local_ended = ours and opener_ended
        self.remote_ended = not ours and opener_ended
        self.credit = credit
        # A direction that is closed from the start needs no credit.
        self.committed = 0 if self.remote_ended else window
        self.window = Window(self.committed)
        self.reason: Status | None = None
        self.abandoned = False
        self.items: deque[bytes] = deque()
        self.result: bytes | None = None
        self.error: Status | None = None
        self.timer: asyncio.TimerHandle | None = None
        self._readers: list[asyncio.Future[None]] = []
        self._senders: list[asyncio.Future[None]] = []

    # ---- for the application

    async def send(self, payload: bytes) -> None:
        """Sends an item, when there is credit for it."""
        session = self.session
        while True:
            self._check_sendable()
            if self.credit > 0 and session.has_room(self.id, payload):
                break
            if self.credit > 0:
                await session.room(self.id, payload, None)
            else:
                await self._wait(self._senders)
        session.put(self.id, Message(STREAM, ref=self.id, payload=payload))
        self.credit -= cost(payload)
        session.budget.earn()

    def _check_sendable(self) -> None:
        if self.reason is not None and not self.ours:
            raise self.reason
        if self.local_ended:
            if self.error is not None:
                raise self.error
            raise Status(Code.CANCELLED, "the stream has ended: nobody takes this item")

    async def next(self) -> bytes | None:
        """The next item; `None` at the end of the peer's direction."""
        while not self.items:
            if self.remote_ended:
                return None
            await self._wait(self._readers)
        payload = self.items.popleft()
        grant = None if self.remote_ended else self.window.consume(cost(payload))
        if grant is not None:
            self.session.put_now(Message(ACK, ref=self.id, meta={CREDIT: grant}))
        return payload

    def end(self, payload: bytes | None = None, error: Status | None = None) -> None:
        """Ends our direction, once [L5.stream.1]."""
        if self.local_ended or self.session.is_closed:
            return
        self.local_ended = True
        if not self.ours and self.reason is None:
            self.session.budget.earn()
        message = Message(STREAM, ref=self.id, meta={END: True}, payload=payload, error=error)
        self.session.put_answer(self.id, message)
        self._wake()
        if self.remote_ended:
            self.session.streams.remove(self)

    def cancel(self) -> None:
        """Asks the callee to stop; items and a result may still come."""
        if self.ours and self.reason is None and not self.remote_ended:
            self.reason = Status(Code.CANCELLED, "cancelled by the opener")
            if not self.session.is_closed:
                self.session.put(self.id, Message(CANCEL, ref=self.id))

    def abandon(self) -> None:
        """Nobody reads any more: the callee is asked to stop, and our direction ends."""
        self.abandoned = True
        self.items.clear()
        self.cancel()
        self.end()

    # ---- for the session

    def arrived(self, payload: bytes) -> None:
        """An item came."""
        if self.remote_ended:
            raise Violation("L5.stream.4")
        self.window.take(cost(payload))
        callee_is_done = not self.ours and self.local_ended
        # What nobody reads is not granted again: the sender runs dry until it hears the end.
        if not self.abandoned and not callee_is_done:
            self.items.append(payload)
            self._wake()

    def ended(self, message: Message) -> None:
        """The peer's direction ended."""
        if self.remote_ended:
            raise Violation("L5.stream.4")
        if not self.ours and message.payload is not None:
            raise Violation("L5.stream.5")
        self.remote_ended = True
        if not self.abandoned:
            self.result, self.error = message.payload, message.error
        self._wake()
        if self.ours and not self.local_ended:
            # [L5.stream.2]: the callee's end is final.
            self.end()
        elif self.local_ended:
            self.session.streams.remove(self)

    def granted(self, credit: int) -> None:
        """The peer takes more."""
        self.credit = add_credit(self.credit, credit)
        _wake(self._senders)

    def stop(self, reason: Status) -> None:
        """The opener gave up: what waits to be sent is in the way."""
        self.reason = self.reason or reason
        _wake(self._senders)

    def late(self) -> None:
        """The opener's clock says that it is over."""
        if self.remote_ended:
            return
        # The callee keeps the same deadline: no CANCEL is needed.
        self.reason = self.reason or deadline_status()
        self.abandoned = True
        self.items.clear()
        self.error = deadline_status()
        self.end(error=self.error)
        self._wake()

    def lost(self, reason: Status) -> None:
        """The session is over."""
        if not self.remote_ended and self.error is None:
            self.error = self.session.lost(self.id, self.mark if self.ours else 0, reason)
        self.local_ended = self.remote_ended = True
        self._wake()

    @property
    def is_over(self) -> bool:
        """Nothing more comes, and the outcome is known."""
        return self.remote_ended or (self.ours and self.error is not None)

    async def _wait(self, waiters: list[asyncio.Future[None]]) -> None:
        if self.ours and self.error is not None and not self.remote_ended:
            raise self.error
        waiter: asyncio.Future[None] = self.session.loop.create_future()
        waiters.append(waiter)
        await waiter

    def _wake(self) -> None:
        _wake(self._readers)
        _wake(self._senders)


def _wake(waiters: list[asyncio.Future[None]]) -> None:
    for waiter in waiters:
        if not waiter.done():
            waiter.set_result(None)
    waiters.clear()


class Streams:
    """The table of streams of one session."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.open_streams: dict[int, RawStream] = {}
        self.outbound: dict[int, RawStream] = {}
        self.works: dict[int, Work] = {}
        self.running = 0
        self.committed = {True: 0, False: 0}

    def get(self, ref: int | None) -> RawStream | None:
        """The open stream of that id."""
        return self.open_streams.get(ref or 0)

    @property
    def inbound_len(self) -> int:
        """Streams of the peer's that are open, and handlers that outlive theirs."""
        return max(len(self.open_streams) - len(self.outbound), self.running)

    def add(self, stream: RawStream) -> None:
        """A stream is open."""
        self.open_streams[stream.id] = stream
        self.committed[stream.ours] += stream.committed
        if stream.ours:
            self.outbound[stream.id] = stream

    def remove(self, stream: RawStream) -> None:
        """Both directions have ended."""
        if self.open_streams.pop(stream.id, None) is not None:
            self.committed[stream.ours] -= stream.committed
            self.outbound.pop(stream.id, None)
            if stream.timer is not None:
                stream.timer.cancel()
            self.session.slot_freed()
            self.session.check_drained()

    # ---- ours

    async def open(self, target: str, payload: bytes | None, deadline: float | None,
                   user_meta: UserMeta | None, *, half_closed: bool,
                   credit: int | None) -> RawStream:
        """Opens a stream; with `half_closed` we send no items."""
        session = self.session
        await session.place(self.outbound, session.peer_limits.streams_max, payload, deadline)
        window = max(1, session.limits.initial_credit if credit is None else credit)
        if self.committed[True] + window > session.limits.session_credit_max:
            raise credit_status()
        message = session.request(STREAM, target, payload, deadline, user_meta)
        message.meta[CREDIT] = window
        if half_closed:
            message.meta[END] = True
        id = message.id = session.mint()
        stream = RawStream(session, id, ours=True, opener_ended=half_closed,
                           credit=session.peer_limits.initial_credit, window=window)
        stream.mark = session.put(id, message)
        if deadline is not None:
            stream.timer = session.loop.call_at(deadline, stream.late)
        self.add(stream)
        return stream

    # ---- the peer's

    def start(self, message: Message, handler: StreamHandler | None,
              refusal: Status | None) -> None:
        """Runs the handler of a stream, or refuses it."""
        session, id = self.session, message.id or 0
        opener_ended = END in message.meta
        credit = message.number(CREDIT, session.peer_limits.initial_credit)
        if credit > CREDIT_MAX:
            raise Violation("L5.credit.3")
        window = session.limits.initial_credit
        owed = self.committed[False] + (0 if opener_ended else window)
        if refusal is None and owed > session.limits.session_credit_max:
            refusal = credit_status()
        if refusal is not None or handler is None:
            session.budget.charge()
            if self.inbound_len >= 2 * session.limits.streams_max:
                raise Violation("L5.stream.3")
        stream = RawStream(session, id, ours=False, opener_ended=opener_ended,
                           credit=credit, window=window)
        self.add(stream)
        if refusal is not None or handler is None:
            stream.reason = refusal
            self.committed[False] -= stream.committed
            stream.committed = 0
            stream.end(error=refusal)
            return
        work = Work(session, id, message.meta.get(DEADLINE))
        work.on_stuck = lambda error: stream.end(error=error)
        self.works[id] = work
        self.running += 1
        scope = Scope(work.deadline, message.number(HOPS) + 1)
        work.task = session.spawn(self._serve(message, handler, work, scope, stream))

    async def _serve(self, message: Message, handler: StreamHandler, work: Work, scope: Scope,
                     stream: RawStream) -> None:
        SCOPE.set(scope)
        context = Context(self.session, message, scope)
        try:
            running = handler(context, message.payload, stream)
            outcome = await outcome_of(running, work, message.target)
            if isinstance(outcome, Status):
                stream.end(error=outcome)
            else:
                await self.session.room(stream.id, outcome, None)
                stream.end(payload=outcome)
        finally:
            self.running -= 1
            work.finish()
            self.works.pop(stream.id, None)
            self.session.check_drained()

    def cancel(self, id: int, reason: Status) -> bool:
        """The opener gives up."""
        stream = self.open_streams.get(id)
        if stream is None or stream.ours:
            return False
        stream.stop(reason)
        work = self.works.get(id)
        if work is not None:
            work.cancel(reason)
        return True

    def close(self, reason: Status) -> None:
        """The session is over: every stream ends now."""
        for stream in list(self.open_streams.values()):
            stream.lost(reason)
            if stream.timer is not None:
                stream.timer.cancel()
        self.open_streams.clear()
        self.outbound.clear()
        self.works.clear()


def credit_status() -> Status:
    """The session's credit is used up."""
    text = "[L4.bound.1] open streams hold all credit of the session: end some"
    return Status(Code.RESOURCE_EXHAUSTED, text)
