"""Links: TCP, Unix sockets and WebSocket, each a way to move bytes (transport.md)."""

from __future__ import annotations

import asyncio
import os
import socket
import struct
from collections.abc import Iterator
from typing import Protocol
from urllib.parse import SplitResult, urlsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidURI
from websockets.typing import Subprotocol

from .status import ConnectError

SUBPROTOCOL = Subprotocol("fluxar.1")
DEFAULT_PORT, DEFAULT_PATH = 9000, "/fluxar"
READ_BYTES = 64 << 10
WRITE_BUFFER_BYTES = 64 << 10
WS_MESSAGE_BYTES_MAX = 2 << 20
"""A message with more is refused, unless a frame may be larger."""
WS_WRITE_BYTES = 256 << 10
"""Messages that we send have about so much at most: whole frames, one or more [L0.link.4]."""
WS_QUEUE = 4
CLOSE_SECONDS = 1.0


class LinkLost(Exception):
    """The link has ended."""


class Link(Protocol):
    """A live connection."""

    async def read(self) -> bytes:
        """Some bytes; raises `LinkLost` at the end."""
        ...

    async def write(self, data: bytes) -> None:
        """Hands whole frames over; returns when there is room for more."""
        ...

    async def close(self) -> None:
        """Ends the link, after what was handed over."""
        ...


class StreamLink:
    """TCP or a Unix socket."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        writer.transport.set_write_buffer_limits(high=WRITE_BUFFER_BYTES)
        sock = writer.get_extra_info("socket")
        if sock is not None and sock.family in (socket.AF_INET, socket.AF_INET6):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    async def read(self) -> bytes:
        """Some bytes."""
        try:
            data = await self.reader.read(READ_BYTES)
        except OSError as error:
            raise LinkLost(str(error)) from None
        if not data:
            raise LinkLost("the peer closed the link")
        return data

    async def write(self, data: bytes) -> None:
        """Hands bytes over."""
        try:
            self.writer.write(data)
            await self.writer.drain()
        except OSError as error:
            raise LinkLost(str(error)) from None

    async def close(self) -> None:
        """Ends the link."""
        self.writer.close()
        try:
            await asyncio.wait_for(self.writer.wait_closed(), CLOSE_SECONDS)
        except (OSError, asyncio.TimeoutError):
            self.writer.transport.abort()


class WebSocketLink:
    """A WebSocket, seen as one stream of bytes."""

    def __init__(self, socket: ClientConnection | ServerConnection) -> None:
        self.socket = socket

    async def read(self) -> bytes:
        """One message."""
        try:
            data = await self.socket.recv()
        except ConnectionClosed as error:
            raise LinkLost(str(error)) from None
        if isinstance(data, str):
            await self.socket.close(1003, "fluxar speaks binary messages")
            raise LinkLost("[L0.ws.1] a text message came: send binary ones")
        return data

    async def write(self, data: bytes) -> None:
        """Sends whole frames, in as many messages as that takes."""
        try:
            for part in whole_frames(data, WS_WRITE_BYTES):
                await self.socket.send(part)
        except ConnectionClosed as error:
            raise LinkLost(str(error)) from None

    async def close(self) -> None:
        """Ends the link."""
        try:
            await asyncio.wait_for(self.socket.close(), CLOSE_SECONDS)
        except asyncio.TimeoutError:
            self.socket.transport.abort()


def whole_frames(data: bytes, most: int) -> Iterator[bytes]:
    """Cuts between frames, so that no part but one of a single frame has more than `most`."""
    start = at = 0
    while at < len(data):
        end = at + 4 + int.from_bytes(data[at : at + 4], "big")
        if end - start > most and at > start:
            yield data[start:at]
            start = at
        at = end
    if start < len(data):
        yield data[start:]


def ws_bytes_max(frame_bytes_max: int) -> int:
    """The largest message that we take."""
    return max(WS_MESSAGE_BYTES_MAX, frame_bytes_max + WS_WRITE_BYTES)


async def dial(address: str, frame_bytes_max: int = WS_MESSAGE_BYTES_MAX // 2) -> Link:
    """A link to `ws://host:port/path`, `tcp://host:port` or `unix:///path`."""
    parts = parse(address)
    host, port = parts.hostname or "", parts.port or DEFAULT_PORT
    try:
        if parts.scheme == "tcp":
            return StreamLink(*await asyncio.open_connection(host, port))
        if parts.scheme == "unix":
            reader, writer = await asyncio.open_unix_connection(parts.path)
            check_user(writer)
            return StreamLink(reader, writer)
        name = f"[{host}]" if ":" in host else host
        uri = f"ws://{name}:{port}{parts.path or DEFAULT_PATH}"
        connection = await connect(
            uri,
            subprotocols=[SUBPROTOCOL],
            compression=None,
            max_size=ws_bytes_max(frame_bytes_max),
            max_queue=WS_QUEUE,
            ping_interval=None,
            proxy=None,
        )
    except (OSError, InvalidHandshake, InvalidURI, EOFError, asyncio.TimeoutError) as error:
        raise ConnectError(f"no link to {address}: {error}") from None
    if connection.subprotocol != SUBPROTOCOL:
        await connection.close()
        raise ConnectError(f"no link to {address}: the server does not speak {SUBPROTOCOL}")
    return WebSocketLink(connection)


def parse(address: str) -> SplitResult:
    """Reads an address; raises `ValueError` for one that cannot be dialed [L0.addr.1]."""
    parts = urlsplit(address)
    known = parts.scheme in ("ws", "tcp", "unix")
    if not known or not address.startswith(f"{parts.scheme}://"):
        raise ValueError(f"`{address}`: use ws://host:port/path, tcp://host:port or unix:///path")
    if parts.query or parts.fragment or parts.username is not None:
        raise ValueError(f"`{address}`: an address has no user, query or fragment")
    if parts.scheme == "unix":
        if parts.netloc or not parts.path:
            raise ValueError(f"`{address}`: write unix:///path")
    elif not parts.hostname or (parts.scheme == "tcp" and parts.path not in ("", "/")):
        raise ValueError(f"`{address}`: write {parts.scheme}://host:port")
    _ = parts.port
    return parts


def check_user(writer: asyncio.StreamWriter) -> None:
    """The other side of a Unix socket must be our own user [L0.unix.2]."""
    sock = writer.get_extra_info("socket")
    option = getattr(socket, "SO_PEERCRED", None)
    if sock is None or option is None or sock.family != socket.AF_UNIX:
        return
    _, user, _ = struct.unpack("3i", sock.getsockopt(socket.SOL_SOCKET, option, 12))
    if user != os.getuid():
        writer.transport.abort()
        raise ConnectError("[L0.unix.2] the socket belongs to another user")
