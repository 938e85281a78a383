"""Peers: dialing, reconnecting, and what applications do with a session."""

from __future__ import annotations

import asyncio
import logging
import os
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from .broker import Broker
from .handshake import DRAINING, READY
from .hello import NO_AUTH, Auth, PeerInfo
from .limits import Limits
from .link import Link, dial, parse
from .routes import Routes
from .scope import NO_SCOPE, SCOPE, deadline_of, until
from .session import Config, Session
from .status import Code, ConnectError, Status
from .streams import RawStream
from .topics import RawSubscription
from .user import UserMeta

log = logging.getLogger("fluxar")

StateListener = Callable[[str, "Status | None"], None]
CONNECTING, DISCONNECTED, CLOSED = "connecting", "disconnected", "closed"


@dataclass(frozen=True)
class Backoff:
    """Pauses between attempts, in seconds: they grow, and are jittered down to a half."""

    first: float = 0.1
    longest: float = 30.0
    attempts_max: int | None = None

    def pause(self, attempt: int) -> float | None:
        """The pause before an attempt, counted from 0; `None` to give up."""
        if self.attempts_max is not None and attempt >= self.attempts_max:
            return None
        full = min(self.longest, self.first * float(1 << min(attempt, 30)))
        return full * random.uniform(0.5, 1.0)


class HasSession(Protocol):
    """What generated clients are made from: a `Peer`, or a handler's context to call back."""

    @property
    def session(self) -> Session:
        """The session to use now; raises `Status` (unavailable) when there is none."""
        ...


class Peer:
    """A handle to the other side. A dialed peer outlives its links: it reconnects.

    What was in flight when a link was lost ends with `unavailable` (never sent, safe to retry)
    or `indeterminate`; subscriptions are asked for again.
    """

    def __init__(self, session: Session, config: Config) -> None:
        self.config = config
        self.state = READY
        self._session: Session | None = session
        self._listeners: list[StateListener] = []
        self._changed = asyncio.Event()
        self._is_wanted = True
        self._owns_broker = False
        self._task: asyncio.Task[None] | None = None

    # ---- state

    @property
    def session(self) -> Session:
        """The session to use now."""
        session = self._session
        if session is None or session.is_closed:
            raise Status(Code.UNAVAILABLE, f"there is no session: {self.state}")
        return session

    @property
    def info(self) -> PeerInfo:
        """Who the other side says that it is."""
        return self.session.remote

    @property
    def broker(self) -> Broker:
        """The topics of this side: what is published here reaches whoever subscribed here."""
        return self.config.broker

    def on_state(self, listener: StateListener) -> None:
        """Calls the listener with every change of `state`, and why."""
        self._listeners.append(listener)

    async def wait_ready(self) -> None:
        """Waits for a session; raises `Status` when there will be none."""
        while not (self._session is not None and self._session.phase == READY):
            if self.state == CLOSED:
                raise Status(Code.UNAVAILABLE, "the peer is closed")
            await self._changed.wait()

    def advance(self, state: str, reason: Status | None, session: Session | None) -> None:
        """The state has changed."""
        self.state, self._session = state, session
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()
        if state == CLOSED and self._owns_broker:
            self.broker.close()
        for listener in self._listeners:
            try:
                listener(state, reason)
            except Exception:
                log.exception("a listener to states failed")

    async def close(self) -> None:
        """Says goodbye, waits for what is open, and ends."""
        self._is_wanted = False
        session, task = self._session, self._task
        if session is not None:
            session.goodbye()
        elif task is not None:
            task.cancel()
        if task is not None:
            await asyncio.wait({task})
        if self.state != CLOSED:
            self.advance(CLOSED, None, None)

    async def __aenter__(self) -> Peer:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def keep(self, running: asyncio.Task[None], link_again: Relink | None, *,
             owns_broker: bool = False) -> None:
        """Keeps the session linked; `link_again` makes the next one."""
        self._owns_broker = owns_broker
        self._task = asyncio.create_task(self._keep(running, link_again))

    async def _keep(self, running: asyncio.Task[None], link_again: Relink | None) -> None:
        SCOPE.set(NO_SCOPE)
        session = self._session
        reason: Status | None = None
        try:
            while session is not None:
                await asyncio.wait({session.closed})
                reason = session.reason
                if not self._is_wanted or link_again is None:
                    break
                self.advance(DISCONNECTED, reason, None)
                made = await link_again(self)
                if made is None:
                    break
                session, running = made
                self.advance(READY, None, session)
            await asyncio.wait({running})
        finally:
            running.cancel()
            self.advance(CLOSED, reason, None)

    # ---- bytes

    async def call(self, target: str, payload: bytes | None = None, *,
                   timeout: float | None = None, meta: UserMeta | None = None,
                   idempotency_key: bytes | None = None) -> bytes:
        """Calls a target with encoded parameters. Cancelling the task cancels the call.

        A key of 16 bytes names one intention: the callee does it once, however often the call
        comes. Should the session be lost, a peer that dials again sends the call again.
        """
        return await call_at(self, target, payload, deadline_of(timeout), meta, idempotency_key)

    async def notify(self, target: str, payload: bytes | None = None, *,
                     meta: UserMeta | None = None) -> None:
        """Tells the peer something that nobody answers."""
        await self.session.calls.notify(target, payload, meta)

    async def open_stream(self, target: str, payload: bytes | None = None, *,
                          timeout: float | None = None, half_closed: bool = False,
                          credit: int | None = None,
                          meta: UserMeta | None = None) -> RawStream:
        """Opens a stream of encoded items."""
        deadline = deadline_of(timeout)
        return await self.session.streams.open(
            target, payload, deadline, meta, half_closed=half_closed, credit=credit
        )

    async def subscribe(self, pattern: str, *, group: str | None = None, overflow: int = 0,
                        credit: int | None = None) -> RawSubscription:
        """Subscribes on this session; it ends with it. See `Subscription` for one that stays."""
        return await self.session.topics.subscribe(
            pattern, group=group, overflow=overflow, credit=credit
        )

    async def publish(self, topic: str, payload: bytes, *, retain: bool = False,
                      meta: UserMeta | None = None) -> None:
        """Publishes at the other side, at most once. `meta` reaches its subscribers."""
        await self.session.publish(topic, payload, retain=retain, user_meta=meta)

    def publish_local(self, topic: str, payload: bytes, *, retain: bool = False,
                      meta: UserMeta | None = None) -> None:
        """Publishes to what the other side has subscribed to here; see `Broker.publish`."""
        self.config.broker.publish(topic, payload, retain=retain, meta=meta)

    async def reauthenticate(self, auth: Auth) -> None:
        """Presents another credential: a token that was refreshed, say. Nothing is dropped.

        Only the side that dialed may. A refusal is raised as `Status`, and changes nothing here;
        links made anew present the new credential.
        """
        await self.session.handshake.again(auth)

    async def ping(self, timeout: float = 5.0) -> float:
        """Seconds to the peer and back."""
        return await self.session.beat.ping(timeout)


async def call_at(peer: HasSession, target: str, payload: bytes | None, deadline: float | None,
                  meta: UserMeta | None, key: bytes | None) -> bytes:
    """Calls. A call with a key is sent again while its session is lost and there may be another
    [L5.idempotent.2]."""
    if key is None or not isinstance(peer, Peer):
        return await peer.session.calls.call(target, payload, deadline, meta, key)
    sent: Status | None = None
    while True:
        session: Session | None = None
        try:
            await until(deadline, peer.wait_ready())
            session = peer.session
            return await session.calls.call(target, payload, deadline, meta, key)
        except Status as status:
            is_lost = session is None or session.phase != READY
            if not is_lost or status.code not in (Code.UNAVAILABLE, Code.INDETERMINATE):
                is_undone = status.code == Code.UNAVAILABLE and status.type_name is None
                # It says nothing of what an earlier attempt came to.
                raise sent if sent is not None and is_undone else status
            if status.code == Code.INDETERMINATE:
                sent = status
            if peer.state == CLOSED:
                # What an earlier attempt came to stays unknown when the last one never left.
                raise sent or status from None


class Relink(Protocol):
    """Makes a session again, or gives up."""

    async def __call__(self, peer: Peer) -> tuple[Session, asyncio.Task[None]] | None: ...


async def connect(
    address: str,
    *,
    auth: Auth = NO_AUTH,
    serve: Routes | None = None,
    name: str = "",
    roles: tuple[str, ...] = (),
    limits: Limits | None = None,
    reconnect: Backoff | None = Backoff(),
    numbers: bool = True,
) -> Peer:
    """Dials `ws://…`, `tcp://…` or `unix:///…`, and waits until the session is ready.

    With `numbers` payloads may have numbers for keys. The first link is tried once; only a session
    that was ready is kept up by reconnecting.
    Raises `ConnectError`, or `ValueError` for an address that cannot be.
    """
    parse(address)
    limits = limits or Limits()
    info = PeerInfo(os.urandom(16), name, roles)
    config = Config(limits, info, Broker(limits), serve or Routes(), auth, numbers=numbers)

    async def again(peer: Peer) -> tuple[Session, asyncio.Task[None]] | None:
        attempt = 0
        while reconnect is not None:
            pause = reconnect.pause(attempt)
            if pause is None:
                return None
            await asyncio.sleep(pause)
            attempt += 1
            peer.advance(CONNECTING, None, None)
            try:
                return await open_session(await dial(address, limits.frame_bytes_max), config, dialer=True)
            except ConnectError as error:
                refused = error.status
                peer.advance(DISCONNECTED, refused, None)
                if refused is not None and refused.code == Code.UNAUTHENTICATED:
                    return None
        return None

    session, running = await open_session(await dial(address, limits.frame_bytes_max), config, dialer=True)
    peer = Peer(session, config)
    peer.keep(running, again if reconnect is not None else None, owns_broker=True)
    return peer


async def connect_on(link: Link, *, auth: Auth = NO_AUTH, serve: Routes | None = None,
                     name: str = "", limits: Limits | None = None) -> Peer:
    """The dialer's side of a session over a link that is there already."""
    limits = limits or Limits()
    info = PeerInfo(os.urandom(16), name)
    config = Config(limits, info, Broker(limits), serve or Routes(), auth)
    session, running = await open_session(link, config, dialer=True)
    peer = Peer(session, config)
    peer.keep(running, None, owns_broker=True)
    return peer


async def open_session(
    link: Link, config: Config, *, dialer: bool
) -> tuple[Session, asyncio.Task[None]]:
    """A session that is ready; its task runs until it is over."""
    session = Session(link, config, dialer=dialer)
    running = asyncio.create_task(session.run())
    try:
        await asyncio.shield(session.ready)
    except Status as status:
        await asyncio.wait({running})
        raise ConnectError(f"no session: {status}", status) from None
    except BaseException:
        running.cancel()
        raise
    return session, running


__all__ = ["DRAINING", "Backoff", "HasSession", "Peer", "connect", "connect_on"]
