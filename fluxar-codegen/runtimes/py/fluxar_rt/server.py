"""The accepting side: many sessions that share routes and topics."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path

from websockets.asyncio.server import Server as WebSocketServer
from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response
from websockets.typing import Origin

from .broker import Broker
from .hello import PeerInfo
from .limits import Limits
from .link import (
    DEFAULT_PATH, DEFAULT_PORT, SUBPROTOCOL, WS_QUEUE, Link, StreamLink, WebSocketLink, check_user,
    parse, ws_bytes_max,
)
from .peer import Peer, open_session
from .routes import Routes
from .session import Authenticate, Config
from .status import ConnectError
from .user import UserMeta

LOOPBACK = ("localhost", "127.0.0.1", "::1")


class Server:
    """Accepts sessions at any number of addresses. Made by `listen`."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.addresses: list[str] = []
        self.peers: set[Peer] = set()
        self.on_peer: Callable[[Peer], None] | None = None
        self._listeners: list[asyncio.Server | WebSocketServer] = []
        self._sessions: set[asyncio.Task[None]] = set()

    async def listen(self, address: str, *, hosts: tuple[str, ...] = (),
                     origins: tuple[str, ...] = ()) -> str:
        """Listens at an address too; gives it back with the port that it got."""
        parts = parse(address)
        host, port = parts.hostname or "", DEFAULT_PORT if parts.port is None else parts.port
        if parts.scheme == "unix":
            make_private(Path(parts.path).parent)
            unix = await asyncio.start_unix_server(self._accept, parts.path)
            self._listeners.append(unix)
            bound = address
        elif parts.scheme == "tcp":
            tcp = await asyncio.start_server(self._accept, host, port)
            self._listeners.append(tcp)
            bound = f"tcp://{_name(host)}:{tcp.sockets[0].getsockname()[1]}"
        else:
            path = parts.path or DEFAULT_PATH
            check = _upgrade_check(path, (*LOOPBACK, host, *hosts))
            allowed: list[Origin | None] = [None, *map(Origin, origins)]
            ws = await serve(
                self._accept_ws, host, port, subprotocols=[SUBPROTOCOL], compression=None,
                max_size=ws_bytes_max(self.config.limits.frame_bytes_max), max_queue=WS_QUEUE,
                ping_interval=None, process_request=check,
                origins=allowed, server_header=None,
            )
            self._listeners.append(ws)
            bound = f"ws://{_name(host)}:{next(iter(ws.sockets)).getsockname()[1]}{path}"
        self.addresses.append(bound)
        return bound

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            check_user(writer)
        except ConnectError:
            return
        await self._serve(StreamLink(reader, writer))

    async def _accept_ws(self, socket: ServerConnection) -> None:
        await self._serve(WebSocketLink(socket))

    async def _serve(self, link: Link) -> None:
        if len(self._sessions) >= self.config.limits.sessions_max:
            await link.close()
            return
        task = asyncio.create_task(self._session(link))
        self._sessions.add(task)
        task.add_done_callback(self._sessions.discard)
        await asyncio.wait({task})

    async def _session(self, link: Link) -> None:
        try:
            session, running = await open_session(link, self.config, dialer=False)
        except ConnectError:
            return
        peer = Peer(session, self.config)
        peer.keep(running, None)
        self.peers.add(peer)
        if self.on_peer is not None:
            self.on_peer(peer)
        try:
            await asyncio.wait({running})
        finally:
            running.cancel()
            self.peers.discard(peer)

    @property
    def broker(self) -> Broker:
        """The topics of this side: what is published here reaches whoever subscribed here."""
        return self.config.broker

    def publish(self, topic: str, payload: bytes, *, retain: bool = False,
                meta: UserMeta | None = None) -> None:
        """Publishes to whoever has subscribed here; see `Broker.publish`."""
        self.config.broker.publish(topic, payload, retain=retain, meta=meta)

    async def close(self) -> None:
        """Says goodbye to all, waits for what is open, and ends. Handlers of calls with keys, which
        need no session, go on to their end or deadline."""
        for listener in self._listeners:
            if isinstance(listener, WebSocketServer):
                listener.close(close_connections=False)
            else:
                listener.close()
        await asyncio.gather(*(peer.close() for peer in list(self.peers)))
        for task in list(self._sessions):
            task.cancel()
        self.broker.close()

    async def __aenter__(self) -> Server:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


async def listen(
    *addresses: str,
    serve: Routes | None = None,
    authenticate: Authenticate | None = None,
    name: str = "",
    roles: tuple[str, ...] = (),
    limits: Limits | None = None,
    on_peer: Callable[[Peer], None] | None = None,
    numbers: bool = True,
) -> Server:
    """Listens at `ws://…`, `tcp://…` or `unix:///…` (port 0: a free one, see `addresses`)."""
    limits = limits or Limits()
    info = PeerInfo(os.urandom(16), name, roles)
    config = Config(
        limits, info, Broker(limits), serve or Routes(), authenticate=authenticate, numbers=numbers
    )
    server = Server(config)
    server.on_peer = on_peer
    try:
        for address in addresses:
            await server.listen(address)
    except BaseException:
        await server.close()
        raise
    return server


def make_private(folder: Path) -> None:
    """The folder of a socket: ours alone, before the socket is bound [L0.unix.1]."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    state = folder.stat()
    if state.st_uid != os.getuid() or state.st_mode & 0o077:
        raise ConnectError(f"[L0.unix.1] {folder} must be yours and of mode 0700: use another one")


def _name(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _upgrade_check(
    path: str, hosts: tuple[str, ...]
) -> Callable[[ServerConnection, Request], Response | None]:
    """Refuses an upgrade for another path, host or protocol [L0.ws.2, L0.ws.3]."""

    def check(socket: ServerConnection, request: Request) -> Response | None:
        host = request.headers.get("Host", "")
        name = host.rsplit(":", 1)[0] if not host.endswith("]") else host
        if request.path != path:
            return socket.respond(HTTPStatus.NOT_FOUND, f"the path is {path}\n")
        if name.strip("[]").lower() not in hosts:
            return socket.respond(HTTPStatus.FORBIDDEN, "[L0.ws.3] this Host is not allowed\n")
        offered = request.headers.get("Sec-WebSocket-Protocol", "").split(",")
        if SUBPROTOCOL not in (part.strip() for part in offered):
            return socket.respond(HTTPStatus.BAD_REQUEST, f"ask for {SUBPROTOCOL}\n")
        return None

    return check
