"""Subscriptions: ours at the peer, and the peer's here (patterns.md)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from .feed import DROP_OLDEST, EventReader, Feed, Queues, RawEvent
from .limits import CREDIT_MAX
from .message import (
    ACK, CANCEL, CREDIT, DROPPED, END, EVENT, GROUP, OVERFLOW, RETAIN, SUBSCRIBE, Message,
)
from .names import has_wildcard, is_well_formed
from .status import Code, Status, Violation
from .window import Window

if TYPE_CHECKING:
    from .session import Session


class RawSubscription(EventReader):
    """A subscription of ours."""

    def __init__(self, session: Session, id: int, pattern: str, window: int) -> None:
        super().__init__()
        self.session, self.id, self.pattern = session, id, pattern
        self.exact = not has_wildcard(pattern)
        self.window = Window(window)
        self.granted: asyncio.Future[None] = session.loop.create_future()

    def took(self, event: RawEvent) -> None:
        grant = self.window.consume(event.cost)
        if grant is not None:
            self.session.put_now(Message(ACK, ref=self.id, meta={CREDIT: grant}))

    @property
    def is_lost(self) -> bool:
        return self.session.is_closed

    def leave(self) -> None:
        if not self.left and not self.over:
            self.left = True
            self.events.clear()
            if not self.session.is_closed:
                self.session.put(self.id, Message(CANCEL, ref=self.id))
        self.wake()

    def delivered(self, message: Message) -> None:
        """An event came."""
        topic, payload = message.target or self.pattern, message.payload or b""
        event = RawEvent(topic, payload, RETAIN in message.meta, message.number(DROPPED),
                         message.user_meta)
        self.window.take(event.cost)
        if message.target is None and not self.exact:
            raise Violation("L5.topic.3")
        if not self.left:
            self.arrived(event)

    def ended(self, error: Status | None) -> None:
        """Nothing more comes."""
        self.over, self.error = True, error
        if not self.granted.done():
            if error is None:
                error = Status(Code.CANCELLED, "the subscription ended before it was granted")
            self.granted.set_exception(error)
            # Whoever asked may be gone: then nobody is to be told.
            self.granted.exception()
        self.wake()


class Inbound(Feed):
    """A subscription of the peer's: what the broker delivers to."""

    def __init__(self, session: Session, message: Message, credit: int) -> None:
        group = message.meta.get(GROUP)
        super().__init__(
            session.topics.queues, message.target or "", group if isinstance(group, str) else None,
            message.number(OVERFLOW), credit,
        )
        self.session, self.id = session, message.id or 0

    def has_room(self, event: RawEvent) -> bool:
        return self.session.has_room(self.id, event.payload)

    def send(self, event: RawEvent) -> bool:
        message = Message(EVENT, ref=self.id, payload=event.payload)
        if not self.exact:
            message.target = event.topic
        message.meta.update(event.meta)
        if event.retained:
            message.meta[RETAIN] = True
        if self.dropped:
            message.meta[DROPPED] = self.dropped
        try:
            self.session.put(self.id, message)
        except Status:
            # Larger than the peer takes.
            return False
        if not event.retained:
            self.session.budget.earn()
        return True

    def too_slow(self, status: Status) -> None:
        self.session.topics.end(self, status)


class Topics:
    """The subscriptions of one session, both ways."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.outbound: dict[int, RawSubscription] = {}
        self.inbound: dict[int, Inbound] = {}
        self.queues = Queues(session.limits)

    def has(self, ref: int) -> bool:
        """Whether such a subscription is open."""
        return ref in self.outbound or ref in self.inbound

    # ---- ours

    async def subscribe(self, pattern: str, *, group: str | None = None,
                        overflow: int = DROP_OLDEST, credit: int | None = None) -> RawSubscription:
        """Asks for the events of a pattern; returns when they are granted."""
        session = self.session
        if not is_well_formed(pattern, wildcards=True):
            raise Status(Code.INVALID_ARGUMENT, f"[L3.target.2] `{pattern}` is no topic pattern")
        if group is not None and not 1 <= len(group.encode()) <= 512:
            raise Status(Code.INVALID_ARGUMENT, "a group is 1 to 512 bytes")
        await session.room(0, None, None)
        if len(self.outbound) >= session.peer_limits.subscriptions_max:
            text = "the peer takes no more subscriptions: end one, or use a wildcard"
            raise Status(Code.RESOURCE_EXHAUSTED, text)
        window = max(1, session.limits.initial_credit if credit is None else credit)
        message = Message(SUBSCRIBE, session.mint(), target=pattern, meta={CREDIT: window})
        if group is not None:
            message.meta[GROUP] = group
        if overflow:
            message.meta[OVERFLOW] = overflow
        id = message.id or 0
        subscription = RawSubscription(session, id, pattern, window)
        self.outbound[id] = subscription
        session.put(id, message)
        try:
            await asyncio.shield(subscription.granted)
        except asyncio.CancelledError:
            subscription.leave()
            raise
        return subscription

    def answered(self, message: Message) -> bool:
        """Granted, refused or over; false when there is no such subscription."""
        subscription = self.outbound.get(message.ref or 0)
        if subscription is None:
            return False
        if END in message.meta:
            del self.outbound[subscription.id]
            subscription.ended(message.error)
        elif subscription.granted.done():
            self.session.budget.charge()
        else:
            subscription.granted.set_result(None)
        return True

    # ---- the peer's

    def asked(self, message: Message, refusal: Status | None) -> None:
        """The peer subscribes."""
        session, id = self.session, message.id or 0
        credit = message.number(CREDIT, session.peer_limits.initial_credit)
        if credit > CREDIT_MAX:
            raise Violation("L5.credit.3")
        session.budget.charge()
        refusal = refusal or self._refusal(message.target or "")
        if refusal is not None:
            refused = Message(SUBSCRIBE, ref=id, meta={END: True}, error=refusal)
            session.put_now(refused)
            return
        subscription = Inbound(session, message, credit)
        self.inbound[id] = subscription
        session.put(id, Message(SUBSCRIBE, ref=id))
        session.broker.add(subscription)

    def _refusal(self, pattern: str) -> Status | None:
        limits = self.session.limits
        if not is_well_formed(pattern, wildcards=True):
            return Status(Code.INVALID_ARGUMENT, f"[L3.target.2] `{pattern}` is no topic pattern")
        wildcards = sum(not open.exact for open in self.inbound.values())
        full = len(self.inbound) >= limits.subscriptions_max
        if full or (has_wildcard(pattern) and wildcards >= limits.wildcards_max):
            text = (
                f"[L5.topic.6] at most {limits.subscriptions_max} subscriptions,"
                f" {limits.wildcards_max} of them with wildcards"
            )
            return Status(Code.RESOURCE_EXHAUSTED, text)
        return None

    def granted(self, ref: int, credit: int) -> bool:
        """The peer takes more; false when there is no such subscription."""
        subscription = self.inbound.get(ref)
        if subscription is None:
            return False
        subscription.granted(credit)
        return True

    def cancelled(self, ref: int) -> bool:
        """The peer gives up a subscription; false when there is none."""
        subscription = self.inbound.get(ref)
        if subscription is not None:
            self.end(subscription, None)
        return subscription is not None

    def end(self, subscription: Inbound, error: Status | None) -> None:
        """Ends a subscription of the peer's."""
        if self.inbound.pop(subscription.id, None) is None:
            return
        self.session.broker.remove(subscription)
        over = Message(SUBSCRIBE, ref=subscription.id, meta={END: True}, error=error)
        self.session.put_answer(subscription.id, over)

    def flush(self) -> None:
        """The outbox has room again."""
        if self.queues.bytes:
            for subscription in list(self.inbound.values()):
                subscription.flush()

    def close(self, reason: Status | None) -> None:
        """The session is over."""
        error = None
        if reason is not None:
            error = Status(Code.UNAVAILABLE, f"the session has ended: {reason.message}")
        for subscription in self.outbound.values():
            subscription.ended(error)
        for inbound in self.inbound.values():
            self.session.broker.remove(inbound)
        self.outbound.clear()
        self.inbound.clear()
