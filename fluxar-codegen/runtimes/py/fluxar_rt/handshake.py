"""The exchange of HELLOs that makes a link a session (session.md)."""

from __future__ import annotations

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

HANDSHAKING, READY, DRAINING, CLOSED = "handshaking", "ready", "draining", "closed"


class Handshake:
    """Awaits one HELLO after the other."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.due = m.ANSWER if session.dialer else m.OFFER
        self.last_id = 0
        self.body: HelloBody | None = None

    def _own(self, encodings: list[int]) -> HelloBody:
        config = self.session.config
        return HelloBody.of(config.limits, config.info, encodings)

    def offer(self) -> None:
        """The dialer speaks first [L4.hello.1]."""
        session = self.session
        auth = session.config.auth
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
            return
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
            self._ready(self.body)

    def _offered(self, message: Message) -> None:
        session = self.session
        body = hello.decode(message.payload or b"", answer=False)
        self.due = ""
        if VERSION not in body.versions:
            self._refuse(message.id, Violation("L4.version.1").status())
            return
        session.spawn(self._decide(message.id, body))

    async def _decide(self, offer: int | None, body: HelloBody) -> None:
        session = self.session
        auth = body.auth or NO_AUTH
        is_let_in = is_formed(auth)
        authenticate = session.config.authenticate
        if is_let_in and authenticate is not None:
            is_let_in = await authenticate(auth, body.peer)
        if session.is_closed:
            return
        if not is_let_in:
            status = Status(Code.UNAUTHENTICATED, "[L4.auth.1] the credential is not valid here")
            self._refuse(offer, status)
            return
        session.name = os.urandom(16)
        encodings = [NUMBERS] if NUMBERS in body.encodings else []
        answer = replace(self._own(encodings), session=session.name)
        self.last_id = session.mint()
        self.due, self.body = m.CONFIRM, body
        session.put_now(Message(HELLO, self.last_id, offer, payload=answer.encode()))

    def _refuse(self, offer: int | None, status: Status) -> None:
        """[L4.hello.3]"""
        refusal = Message(HELLO, self.session.mint(), offer, error=status)
        self.session.finish(status, last_words=refusal)

    def refuse_offer(self, message: Message) -> None:
        """Re-authentication is reserved: refused without harm to the session [L4.phase.2]."""
        session = self.session
        error = Violation("L4.phase.2").status()
        session.put_now(Message(HELLO, session.mint(), message.id, error=error))

    def _answered(self, message: Message) -> None:
        session = self.session
        if message.error is not None:
            session.finish(message.error)
            return
        body = hello.decode(message.payload or b"", answer=True)
        if body.versions != [VERSION]:
            raise Violation("L4.version.1")
        if body.reserved or not set(body.encodings) <= {NUMBERS}:
            raise Violation("L4.caps.1")
        session.name = body.session or b""
        session.put_now(Message(HELLO, ref=message.id))
        self._ready(body)

    def _ready(self, body: HelloBody) -> None:
        session = self.session
        self.due = ""
        session.remote, session.peer_limits = body.peer, body.limits
        session.numbers = NUMBERS in body.encodings
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

