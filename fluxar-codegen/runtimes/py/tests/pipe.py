"""Links in memory, and sessions over them."""

from __future__ import annotations

import asyncio
import os
from collections import deque

from fluxar_rt import hello
from fluxar_rt.broker import Broker
from fluxar_rt.frame import whole
from fluxar_rt.hello import HelloBody, PeerInfo
from fluxar_rt.limits import Limits
from fluxar_rt.link import LinkLost
from fluxar_rt.message import HELLO, Message
from fluxar_rt.peer import Peer, open_session
from fluxar_rt.routes import Routes
from fluxar_rt.session import Config, Session


def config(limits: Limits | None = None, serve: Routes | None = None) -> Config:
    limits = limits or Limits()
    return Config(limits, PeerInfo(os.urandom(16), "test"), Broker(limits), serve or Routes())


class PipeLink:
    """One end; `peer` is the other, if a session is there too."""

    def __init__(self) -> None:
        self.inbox: deque[bytes] = deque()
        self.wrote = bytearray()
        self.peer: PipeLink | None = None
        self.is_open = True
        self.held = asyncio.Event()
        self.held.set()
        self._waiter: asyncio.Future[None] | None = None

    def arrive(self, data: bytes) -> None:
        self.inbox.append(data)
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def read(self) -> bytes:
        while not self.inbox:
            if not self.is_open:
                raise LinkLost("closed")
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        return self.inbox.popleft()

    async def write(self, data: bytes) -> None:
        await self.held.wait()
        if not self.is_open:
            raise LinkLost("closed")
        self.wrote += data
        if self.peer is not None:
            self.peer.arrive(data)

    async def close(self) -> None:
        self.cut()
        if self.peer is not None:
            self.peer.cut()

    def cut(self) -> None:
        self.is_open = False
        self._wake()

    async def idle(self) -> None:
        """Waits until nothing moves."""
        for _ in range(50):
            await asyncio.sleep(0)


async def ready_acceptor(
    link: PipeLink, limits: Limits, serve: Routes | None = None
) -> tuple[Session, asyncio.Task[None]]:
    """An acceptor that is Ready; whoever plays the dialer has used id 1."""
    session = Session(link, config(limits, serve), dialer=False)
    task = asyncio.create_task(session.run())
    body = HelloBody.of(Limits(), PeerInfo(bytes(16), "dialer"), [])
    link.arrive(whole(0x40, Message(HELLO, 1, payload=body.encode()).encode()))
    while not link.wrote:
        await asyncio.sleep(0)
    link.arrive(whole(0x40, Message(HELLO, ref=2).encode()))
    await session.ready
    return session, task


async def pair(serve_a: Routes | None = None, serve_b: Routes | None = None,
               limits_a: Limits | None = None, limits_b: Limits | None = None,
               ) -> tuple[Peer, Peer]:
    """A dialer and an acceptor, both Ready."""
    a, b = PipeLink(), PipeLink()
    a.peer, b.peer = b, a
    config_a, config_b = config(limits_a, serve_a), config(limits_b, serve_b)
    (one, run_one), (two, run_two) = await asyncio.gather(
        open_session(a, config_a, dialer=True), open_session(b, config_b, dialer=False)
    )
    dialer, acceptor = Peer(one, config_a), Peer(two, config_b)
    dialer.keep(run_one, None, owns_broker=True)
    acceptor.keep(run_two, None)
    return dialer, acceptor


__all__ = ["PipeLink", "config", "hello", "pair", "ready_acceptor"]
