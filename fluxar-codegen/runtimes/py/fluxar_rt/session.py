"""One session over one link: the handshake, what comes in, and the end (session.md).

Everything here runs on one event loop and nothing waits while the reader takes a message, so
the state needs no lock. The reader waits for nothing but the link [L4.bound.2].
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Sized
from dataclasses import dataclass, field
from typing import Any, Union

from . import message as m
from .beat import Beat
from .broker import Broker
from .budget import Budget
from .calls import Calls, cancelled_status
from .feed import RawEvent
from .frame import Arrived, Receiver
from .handshake import CLOSED, DRAINING, HANDSHAKING, READY, Handshake
from .hello import NO_AUTH, Auth, PeerInfo
from .keyed import Keyed
from .limits import OUTBOUND_MAX, KeyedLimits, Limits, PeerLimits
from .link import Link, LinkLost
from .message import Message
from .names import is_well_formed
from .outbox import PUBLISH_FLOW, Outbox
from .routes import Routes
from .scope import NO_SCOPE, SCOPE, deadline_status, until
from .status import Code, Status, Violation
from .streams import Streams
from .topics import Topics
from .user import UserMeta, checked, fits

Authenticate = Callable[[Auth, PeerInfo], Awaitable[Union[bool, str]]]
"""Decides on a credential: whether it is good, or the name of who it is."""
log = logging.getLogger("fluxar")
FLUSH_SECONDS = 1.0
"""How long the last words may take to be written."""


@dataclass
class Config:
    """What the sessions of a node have in common."""

    limits: Limits
    info: PeerInfo
    broker: Broker
    routes: Routes
    auth: Auth = NO_AUTH
    authenticate: Authenticate | None = None
    """Of an acceptor: decides on a credential. Without one everybody is let in."""
    numbers: bool = True
    """Whether payloads may have numbers for keys."""
    keyed: Keyed = field(default_factory=lambda: Keyed(KeyedLimits(), time.monotonic))
    """The calls with keys at this side."""


class Session:
    """A session. `run` lives as long as it; applications use it through `Peer` or a context."""

    def __init__(self, link: Link, config: Config, *, dialer: bool) -> None:
        self.loop = asyncio.get_running_loop()
        self.link, self.config, self.dialer = link, config, dialer
        self.limits, self.broker = config.limits, config.broker
        self.phase = HANDSHAKING
        self.remote = PeerInfo(b"")
        self.identity: str | None = None
        """Who that is, where `authenticate` has said so."""
        self.peer_limits: PeerLimits = config.limits.declared()
        self.numbers = False
        self.name = b""
        self.out, self.receiver = Outbox(config.limits), Receiver(config.limits)
        self.budget = Budget(config.limits, self.loop.time)
        self.calls, self.streams, self.topics = Calls(self), Streams(self), Topics(self)
        self.handshake, self.beat = Handshake(self), Beat(self)
        self.next_id = 1 if dialer else 2
        self.highest_remote = 0
        self.goodbye_said = self.goodbye_heard = self.goodbye_due = False
        self.reason: Status | None = None
        self.ready: asyncio.Future[None] = self.loop.create_future()
        self.closed: asyncio.Future[None] = self.loop.create_future()
        self._wake_writer = asyncio.Event()
        self._room: list[asyncio.Future[None]] = []
        self._slots: deque[asyncio.Future[None]] = deque()
        self._tasks: set[asyncio.Task[None]] = set()

    # ---- life

    @property
    def is_closed(self) -> bool:
        """Over for good."""
        return self.phase == CLOSED

    async def run(self) -> None:
        """Serves the link until the session is over. Cancelling it ends the session."""
        SCOPE.set(NO_SCOPE)
        reader = self.loop.create_task(self._read())
        writer = self.loop.create_task(self._write())
        timer = self.loop.call_later(self.limits.handshake_timeout, self.handshake.late)
        if self.dialer:
            self.handshake.offer()
        try:
            await asyncio.shield(self.closed)
            # What was handed over before the end goes out, if the link takes it.
            await asyncio.wait({writer}, timeout=FLUSH_SECONDS)
        finally:
            self.finish(Status(Code.UNAVAILABLE, "the session was given up"))
            timer.cancel()
            self.beat.stop()
            for task in (reader, writer, *self._tasks):
                task.cancel()
            await self.link.close()

    async def _read(self) -> None:
        try:
            while not self.is_closed:
                data = await self.link.read()
                self.beat.heard_at = self.loop.time()
                for arrived in self.receiver.feed(data):
                    self._take(arrived)
                    if self.is_closed:
                        return
        except Violation as violation:
            self.fail(violation)
        except LinkLost as lost:
            self.finish(Status(Code.UNAVAILABLE, f"the link was lost: {lost}"))
        except Exception:
            # A mistake of ours must not leave a session that nobody reads.
            log.exception("the session broke")
            self.abort(Status(Code.INTERNAL, "this side broke: its log says why"))

    async def _write(self) -> None:
        try:
            while True:
                batch = self.out.take()
                if batch:
                    self.beat.transmitted = True
                    await self.link.write(batch)
                    self._made_room()
                elif self.is_closed:
                    return
                else:
                    await self._wake_writer.wait()
                    self._wake_writer.clear()
        except LinkLost as lost:
            self.finish(Status(Code.UNAVAILABLE, f"the link was lost: {lost}"))

    def spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """A task that ends with the session."""
        task = self.loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    # ---- sending

    def mint(self) -> int:
        """A new id."""
        id, self.next_id = self.next_id, self.next_id + 2
        return id

    def put(self, flow: int, message: Message) -> int | None:
        """Queues a message for the link."""
        if self.is_closed:
            return 0
        mark = self.out.put(flow, message)
        self._wake_writer.set()
        if self.out.size > self.limits.outbox_bytes_max:
            self.loop.call_soon(self.fail, Violation("L4.bound.1"))
        return mark

    def put_now(self, message: Message) -> None:
        """Queues a small message that belongs to no flow."""
        if not self.is_closed:
            self.out.put_now(message)
            self._wake_writer.set()

    def put_answer(self, flow: int, message: Message) -> None:
        """Queues an answer; one that the peer does not take becomes an error."""
        try:
            self.put(flow, message)
        except Status as status:
            message.payload, message.error = None, status
            self.put(flow, message)

    def has_room(self, flow: int, payload: bytes | None) -> bool:
        """Whether a message may be added now."""
        return self.out.has_room(flow, len(payload or b"") + m.HELLO_BYTES)

    async def room(self, flow: int, payload: bytes | None, deadline: float | None) -> None:
        """Waits until a message may be added."""
        while not self.is_closed and not self.has_room(flow, payload):
            waiter: asyncio.Future[None] = self.loop.create_future()
            self._room.append(waiter)
            await until(deadline, waiter)

    async def place(self, table: Sized, most: int, payload: bytes | None,
                    deadline: float | None) -> None:
        """Waits until a call or stream may be opened."""
        if deadline is not None and deadline <= self.loop.time():
            raise deadline_status()
        most = min(most, OUTBOUND_MAX)
        while True:
            await self.room(0, payload, deadline)
            self.check_open()
            if len(table) < most:
                return
            if SCOPE.get().hops > 0:
                # The chain we are in may hold one of these places: to wait could be for ever.
                text = "the peer takes no more calls, and a handler must not wait for a place"
                raise Status(Code.RESOURCE_EXHAUSTED, text)
            waiter: asyncio.Future[None] = self.loop.create_future()
            self._slots.append(waiter)
            try:
                await until(deadline, waiter)
            finally:
                if waiter.done() and not waiter.cancelled() and len(table) >= most:
                    self.slot_freed()

    def check_open(self) -> None:
        """Raises when nothing may be opened."""
        if self.phase != READY:
            text = "the session is not open: reconnect, then send it again"
            raise Status(Code.UNAVAILABLE, text)

    def slot_freed(self) -> None:
        """A call or stream of ours ended: whoever waits for its place may try."""
        while self._slots:
            waiter = self._slots.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return

    def _made_room(self) -> None:
        self.topics.flush()
        if self.goodbye_due:
            self.goodbye()
        waiters, self._room = self._room, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)
        self.check_drained()

    def request(self, kind: int, target: str, payload: bytes | None, deadline: float | None,
                user_meta: UserMeta | None) -> Message:
        """The message that opens a call or stream, without its id."""
        self.check_open()
        if not is_well_formed(target, wildcards=False):
            text = f"[L3.target.2] `{target}` is no target: use segments joined by dots"
            raise Status(Code.INVALID_ARGUMENT, text)
        message = Message(kind, target=target, payload=payload)
        if deadline is not None:
            # Rounded down; one that has not passed must not read as passed.
            left = int((deadline - self.loop.time()) * 1000)
            message.meta[m.DEADLINE] = max(1, left)
        hops = SCOPE.get().hops
        if hops:
            message.meta[m.HOPS] = hops
        message.meta.update(checked(user_meta))
        return message

    async def publish(self, topic: str, payload: bytes, *, retain: bool,
                      user_meta: UserMeta | None = None) -> None:
        """Publishes at the peer, at most once."""
        if not is_well_formed(topic, wildcards=False):
            raise Status(Code.INVALID_ARGUMENT, f"[L3.target.2] `{topic}` is no topic")
        await self.room(PUBLISH_FLOW, payload, None)
        self.check_open()
        message = Message(m.EVENT, target=topic, payload=payload)
        message.meta.update(checked(user_meta))
        if retain:
            message.meta[m.RETAIN] = True
        self.put(PUBLISH_FLOW, message)

    # ---- what comes

    def _take(self, arrived: Arrived) -> None:
        message = read(arrived)
        form = m.form(message)
        if self.phase == HANDSHAKING:
            self.handshake.take(form, message)
            return
        if form in (m.REQUEST, m.OPEN, m.ASK, m.PING):
            self.take_id(message, grouped=arrived.grouped)
        if form in (m.REQUEST, m.NOTIFICATION):
            self._request(message)
        elif form == m.OPEN:
            self._open(message)
        elif form == m.ASK:
            self.topics.asked(message, self._refusal_of_state(message))
        elif form in (m.PUBLISH, m.DELIVER):
            self._event(message)
        elif form in (m.OFFER, m.ANSWER, m.CONFIRM):
            self.handshake.take_again(form, message, arrived.grouped)
        elif message.ref is None:
            self._plain(form, message)
        elif not self._follow(form, message):
            self._stray(message.ref)

    def _plain(self, form: str, message: Message) -> None:
        if form == m.GOODBYE:
            self._goodbye_came(message.error)
            return
        self.budget.charge()
        if form == m.PING:
            self.beat.pong_due = message.id
            self.loop.call_soon(self.beat.pong)

    def _follow(self, form: str, message: Message) -> bool:
        """What refers to something; false when that is not open, or of another kind."""
        ref = message.ref or 0
        if form == m.RESPONSE:
            found = self.calls.answered(message)
            self.slot_freed()
            self.check_drained()
            return found
        if form in (m.ITEM, m.ENDED):
            stream = self.streams.get(ref)
            if stream is not None:
                if form == m.ITEM:
                    stream.arrived(message.payload or b"")
                else:
                    stream.ended(message)
            return stream is not None
        if form in (m.GRANTED, m.OVER):
            return self.topics.answered(message)
        if form == m.GRANT:
            return self._granted(ref, message.number(m.CREDIT))
        if form == m.PONG:
            return self.beat.ponged(ref)
        reason = cancelled_status()
        found = self.calls.cancel(ref, reason) or self.streams.cancel(ref, reason)
        if found or self.topics.cancelled(ref):
            self.budget.charge()
            return True
        return False

    def _granted(self, ref: int, credit: int) -> bool:
        stream = self.streams.get(ref)
        if stream is None and ref not in self.topics.inbound:
            return False
        self.budget.charge()
        if stream is not None:
            stream.granted(credit)
            return True
        return self.topics.granted(ref, credit)

    def take_id(self, message: Message, *, grouped: bool) -> None:
        """The id of a message that opens something: of the sender's parity, and new."""
        id = message.id or 0
        if id >= 1 << 64:
            raise Violation("L3.id.5")
        if (id % 2 == 1) == self.dialer:
            raise Violation("L3.id.3")
        is_live = id in self.calls.inbound or self.streams.get(id) or self.topics.has(id)
        if is_live or (id <= self.highest_remote and not grouped):
            raise Violation("L3.id.4")
        self.highest_remote = max(self.highest_remote, id)

    def _stray(self, ref: int) -> None:
        is_open = (
            ref in self.calls.inbound
            or ref in self.calls.outbound
            or self.streams.get(ref) is not None
            or self.topics.has(ref)
        )
        ours = (ref % 2 == 1) == self.dialer
        existed = ref < self.next_id if ours else ref <= self.highest_remote
        if is_open or not existed:
            self.budget.charge_unknown_ref()
        else:
            self.budget.charge()

    def _refusal_of_state(self, message: Message) -> Status | None:
        if self.phase == DRAINING and message.id is not None:
            return Status(Code.UNAVAILABLE, "this side is closing its session: reconnect")
        key = m.unsupported(message.meta, keyed=message.kind == m.CALL and message.id is not None)
        if key is not None:
            text = f"[X.open.1] meta key {key} asks for what was not offered"
            return Status(Code.UNIMPLEMENTED, text)
        return None

    def _refusal(self, message: Message, running: int, most: int) -> Status | None:
        refusal = self._refusal_of_state(message)
        if refusal is not None:
            return refusal
        target = message.target or ""
        if not is_well_formed(target, wildcards=False):
            text = f"[L3.target.2] `{target}` is no target: use segments joined by dots"
            return Status(Code.INVALID_ARGUMENT, text)
        if message.meta.get(m.DEADLINE) == 0:
            return Status(Code.DEADLINE_EXCEEDED, "[L5.deadline.2] no time was left on arrival")
        if running >= most:
            text = f"[L5.call.5] {most} are open already: wait for one to end"
            return Status(Code.RESOURCE_EXHAUSTED, text)
        if message.number(m.HOPS) > self.limits.hops_max:
            text = f"[L5.hops.1] the chain of calls is longer than {self.limits.hops_max}"
            return Status(Code.RESOURCE_EXHAUSTED, text)
        return None

    def _request(self, message: Message) -> None:
        refusal = self._refusal(message, self.calls.running, self.limits.calls_max)
        handler = self.config.routes.call(message.target or "")
        if refusal is None and handler is not None:
            self.calls.start(message, handler)
            return
        self.budget.charge()
        if message.id is not None:
            error = refusal or unserved(message.target)
            self.put_now(Message(m.CALL, ref=message.id, error=error))

    def _open(self, message: Message) -> None:
        refusal = self._refusal(message, self.streams.inbound_len, self.limits.streams_max)
        handler = self.config.routes.streams.get(message.target or "")
        if handler is None:
            refusal = refusal or unserved(message.target)
        self.streams.start(message, handler, refusal)

    def _event(self, message: Message) -> None:
        subscription = None
        if message.ref is not None:
            subscription = self.topics.outbound.get(message.ref)
            if subscription is None:
                self._stray(message.ref)
                return
        if message.id is not None or message.meta.get(m.QOS):
            raise Violation("L5.qos.1")
        if m.unsupported(message.meta) is not None:
            raise Violation("X.event.1")
        if subscription is not None:
            subscription.delivered(message)
        elif is_well_formed(message.target or "", wildcards=False) and fits(message.user_meta):
            payload, meta = message.payload or b"", message.user_meta
            event = RawEvent(message.target or "", payload, meta=meta)
            self.broker.deliver(event, retain=m.RETAIN in message.meta)
        else:
            # With keys of ours beside too many of the user's no subscriber would take it.
            self.budget.charge()

    # ---- the end

    def goodbye(self) -> None:
        """Opens nothing more; the link is closed when nothing is open [L4.bye.4]."""
        if self.phase == HANDSHAKING:
            self.finish(Status(Code.UNAVAILABLE, "closed before the session was ready"))
        if self.phase == READY:
            self.phase = DRAINING
            self.loop.call_later(self.limits.drain_timeout, self._drained_too_long)
        if self.phase == DRAINING and not self.goodbye_said:
            # A large opening that waits goes first [L4.bye.1].
            self.goodbye_due = self.out.opens_wait()
            if not self.goodbye_due:
                self.goodbye_said = True
                self.put_now(Message(m.CANCEL))
        self.check_drained()

    def _goodbye_came(self, error: Status | None) -> None:
        if error is not None:
            # [L4.bye.6]
            self.finish(error)
        elif self.goodbye_heard:
            self.budget.charge()
        else:
            self.goodbye_heard = True
            self.goodbye()

    def _drained_too_long(self) -> None:
        self.finish(Status(Code.UNAVAILABLE, "[L4.bye.5] what was open took too long to end"))

    def check_drained(self) -> None:
        """Something has ended: perhaps it was the last."""
        is_open = (
            self.calls.outbound or self.calls.running or self.streams.open_streams
            or self.streams.running or self.out.size
        )
        if self.phase == DRAINING and self.goodbye_said and self.goodbye_heard and not is_open:
            self.finish(None)

    def fail(self, violation: Violation) -> None:
        """The peer broke a rule [L4.violation.1]."""
        self.abort(violation.status())

    def abort(self, status: Status) -> None:
        """Ends the session now, and says why."""
        if not self.is_closed:
            self.finish(status, last_words=Message(m.CANCEL, error=status))

    def finish(self, reason: Status | None, last_words: Message | None = None) -> None:
        """The session is over; whatever is open ends now, each once [L4.lost.1]."""
        if self.is_closed:
            return
        self.phase, self.reason = CLOSED, reason
        told = reason or Status(Code.UNAVAILABLE, "the session was closed")
        self.calls.close(told)
        self.streams.close(told)
        self.topics.close(reason)
        self.handshake.tell(told)
        # What was reported as never sent is never sent.
        self.out.clear()
        if last_words is not None:
            self.out.small.clear()
            self.out.put_now(last_words)
        for waiter in (*self._room, *self._slots):
            if not waiter.done():
                waiter.set_result(None)
        if not self.ready.done():
            self.ready.set_exception(told)
            self.ready.exception()
        for task in list(self._tasks):
            task.cancel()
        self.closed.set_result(None)
        self._wake_writer.set()

    def lost(self, id: int, mark: int | None, reason: Status) -> Status:
        """How something that was open ends with the session."""
        if self.out.is_unsent(id, mark):
            return Status(Code.UNAVAILABLE, f"never sent: {reason.message}")
        return Status(Code.INDETERMINATE, f"sent, and nobody knows: {reason.message}")


def read(arrived: Arrived) -> Message:
    """The envelope of a message that came."""
    message = m.decode(arrived.body)
    if message.is_volatile != arrived.volatile:
        raise Violation("L1.volatile.1")
    return message


def unserved(target: str | None) -> Status:
    """Nobody serves this."""
    return Status(Code.UNIMPLEMENTED, f"[L5.call.3] nobody serves `{target}`")

