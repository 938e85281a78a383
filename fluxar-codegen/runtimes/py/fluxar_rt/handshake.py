"""The exchange of HELLOs that makes a link a session (session.md)."""

from __future__ import annotations

import asyncio
import logging
import os
from dataclasses import replace
from typing import TYPE_CHECKING

from . import hello
from . import message as m
from .hello import NO_AUTH, NUMBERS, VERSION, Auth, HelloBody
from .message import HELLO, Message
from .status import Code, Status, Violation

if TYPE_CHECKING:
    from .session import Session

log = logging.getLogger("fluxar")
HANDSHAKING, READY, DRAINING, CLOSED = "handshaking", "ready", "draining", "closed"
DECISION = "decision"
"""What is due from the application: whether a credential is valid."""


class Handshake:
    """Awaits one HELLO after the other, and again when the dialer authenticates anew."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.due = m.ANSWER if session.dialer else m.OFFER
        self.last_id = 0
        self.body: HelloBody | None = None
        self.identity: str | None = None
        """Of an offer that was taken: who made it."""
        self.waiter: asyncio.Future[None] | None = None
        """Who authenticates again."""

    def _own(self, wanted: list[int]) -> HelloBody:
        config = self.session.config
        encodings = [NUMBERS] if config.numbers and NUMBERS in wanted else []
        return HelloBody.of(config.limits, config.info, encodings)

    def offer(self) -> None:
        """The dialer speaks first [L4.hello.1]."""
        session = self.session
        auth = session.config.auth
        self.due = m.ANSWER
        body = replace(self._own([NUMBERS]), auth=None if auth is NO_AUTH else auth)
        self.last_id = session.mint()
        session.put_now(Message(HELLO, self.last_id, payload=body.encode()))

    def take(self, form: str, message: Message) -> None:
        """Whatever comes before the session is ready."""
        session = self.session
        if form == m.GOODBYE:
            ended = Status(Code.UNAVAILABLE, "the peer said goodbye before the session was ready")
            session.finish(message.error or ended)
            return
        if form != self.due:
            raise Violation("L4.phase.1")
        if form == m.OFFER:
            session.take_id(message, grouped=False)
            self._offered(message)
        else:
            self._follow(form, message)

    def take_again(self, form: str, message: Message, grouped: bool) -> None:
        """A HELLO on a session that is ready: the dialer authenticates again [L4.reauth.1]."""
        session = self.session
        if form == m.OFFER:
            session.take_id(message, grouped=grouped)
            if not session.dialer and not self.due:
                self._offered(message)
                return
            session.budget.charge()
            self._refuse(message.id, Violation("L4.phase.2").status())
        elif form == self.due:
            self._follow(form, message)
        else:
            raise Violation("L4.phase.2")

    async def again(self, auth: Auth) -> None:
        """Presents another credential; raises the refusal, which changes nothing [L4.reauth.2]."""
        session = self.session
        if not session.dialer or self.due or self.waiter is not None:
            text = "the side that dialed authenticates again, once at a time"
            raise Status(Code.FAILED_PRECONDITION, text)
        session.check_open()
        session.config.auth = auth
        self.waiter = session.loop.create_future()
        self.offer()
        await asyncio.shield(self.waiter)

    def tell(self, outcome: Status | None) -> None:
        """Whoever authenticates again learns what came of it."""
        waiter, self.waiter = self.waiter, None
        if waiter is None:
            return
        if outcome is None:
            waiter.set_result(None)
        else:
            waiter.set_exception(outcome)
            # Whoever asked may be gone.
            waiter.exception()

    def _follow(self, form: str, message: Message) -> None:
        """An answer or a confirmation that is due."""
        session = self.session
        if message.ref != self.last_id:
            raise Violation("L4.hello.2")
        if form == m.ANSWER:
            session.take_id(message, grouped=False)
            self._answered(message)
        elif message.error is not None:
            session.finish(message.error)
        elif message.payload is not None:
            raise Violation("L3.hello.3")
        elif self.body is not None:
            session.identity = self.identity
            self._ready(self.body)

    def _offered(self, message: Message) -> None:
        session = self.session
        body = hello.decode(message.payload or b"", answer=False)
        self.due = DECISION
        if VERSION not in body.versions:
            self.due = ""
            self._refuse(message.id, Violation("L4.version.1").status())
            return
        session.spawn(self._decide(message.id, body))

    async def _decide(self, offer: int | None, body: HelloBody) -> None:
        session = self.session
        verdict = await self._verdict(body)
        if session.is_closed:
            return
        if isinstance(verdict, Status):
            self.due = ""
            self._refuse(offer, verdict)
            return
        self.identity = verdict
        if session.phase == HANDSHAKING:
            session.name = os.urandom(16)
        answer = replace(self._own(body.encodings), session=session.name)
        self.last_id = session.mint()
        self.due, self.body = m.CONFIRM, body
        session.put_now(Message(HELLO, self.last_id, offer, payload=answer.encode()))

    async def _verdict(self, body: HelloBody) -> Status | str | None:
        """Why a credential is refused, or who it is of if that has a name."""
        session, auth = self.session, body.auth or NO_AUTH
        authenticate = session.config.authenticate
        is_let_in: bool | str = is_formed(auth)
        try:
            if is_let_in and authenticate is not None:
                # During the first handshake another timer runs [L4.phase.3].
                limit = None if session.phase == HANDSHAKING else session.limits.handshake_timeout
                is_let_in = await asyncio.wait_for(authenticate(auth, body.peer), limit)
        except asyncio.TimeoutError:
            return Status(Code.DEADLINE_EXCEEDED, "[L4.reauth.3] nobody decided in time")
        except Exception:
            log.exception("the decision on a credential failed")
            is_let_in = False
        if is_let_in:
            return is_let_in if isinstance(is_let_in, str) else None
        return Status(Code.UNAUTHENTICATED, "[L4.auth.1] the credential is not valid here")

    def _refuse(self, offer: int | None, status: Status) -> None:
        """The link is closed behind the first refusal [L4.hello.3], a later one changes nothing."""
        session = self.session
        refusal = Message(HELLO, session.mint(), offer, error=status)
        if session.phase == HANDSHAKING:
            session.finish(status, last_words=refusal)
        else:
            session.put_now(refusal)

    def _answered(self, message: Message) -> None:
        session = self.session
        if message.error is not None and session.phase == HANDSHAKING:
            session.finish(message.error)
            return
        if message.error is not None:
            self.due = ""
            self.tell(message.error)
            return
        body = hello.decode(message.payload or b"", answer=True)
        if body.versions != [VERSION]:
            raise Violation("L4.version.1")
        offered = {NUMBERS} if session.config.numbers else set[int]()
        if body.reserved or not set(body.encodings) <= offered:
            raise Violation("L4.caps.1")
        session.name = body.session or b""
        session.put_now(Message(HELLO, ref=message.id))
        self._ready(body)
        self.tell(None)

    def _ready(self, body: HelloBody) -> None:
        session = self.session
        self.due = ""
        if session.phase != HANDSHAKING:
            # Limits and capabilities stay as they are.
            return
        session.remote, session.peer_limits = body.peer, body.limits
        session.numbers = session.config.numbers and NUMBERS in body.encodings
        session.receiver.ready = True
        session.out.keep_to(body.limits)
        session.phase = READY
        session.beat.start(body.heartbeat_ms)
        session.ready.set_result(None)

    def late(self) -> None:
        """[L4.phase.3]"""
        if self.session.phase == HANDSHAKING:
            self.session.fail(Violation("L4.phase.3"))


def is_formed(auth: Auth) -> bool:
    """Whether a credential has the form of its scheme."""
    if auth.scheme == "none":
        return auth.data is None
    text = auth.text
    if text is None or auth.scheme not in ("bearer", "basic", "api_key"):
        return False
    return auth.scheme != "basic" or ":" in text

