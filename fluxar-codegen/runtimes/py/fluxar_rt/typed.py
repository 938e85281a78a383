"""What generated clients and servers stand on: methods with types, and their streams."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar

from .codec import UNIT, Codec, decode, encode, encode_checked
from .context import Context
from .peer import HasSession, Peer, call_at
from .routes import Routes
from .scope import deadline_of, until
from .status import Code, Status
from .streams import RawStream
from .types import Params
from .user import UserMeta
from .work import CallHandler, StreamHandler

I = TypeVar("I")
O = TypeVar("O")
R = TypeVar("R")
NO_ITEMS: Codec[None] = UNIT


class AppError(Status):
    """An error of a contract. Generated classes have its fields as attributes."""

    fields: ClassVar[tuple[str, ...]] = ()

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and all(
            getattr(self, name) == getattr(other, name) for name in self.fields
        )

    __hash__ = Status.__hash__

    def __repr__(self) -> str:
        inside = ", ".join(f"{name}={getattr(self, name)!r}" for name in self.fields)
        return f"{type(self).__name__}({inside})"


@dataclass(frozen=True)
class Failure:
    """The error type of a method: its name on the wire, its class and its codec."""

    name: str
    of: type[AppError]
    codec: Codec[Any]

    def typed(self, status: Status) -> Status:
        """The typed error that a status carries; the status itself when it carries none."""
        if status.type_name != self.name or isinstance(status, AppError):
            return status
        try:
            error = decode(self.codec, status.details)
        except Status:
            return status
        error.code, error.message = status.code, status.message
        error.type_name, error.details = status.type_name, status.details
        error.retry_after_ms = status.retry_after_ms
        typed: Status = error
        return typed

    def plain(self, error: AppError, numbers: bool) -> Status:
        """The status that says a typed error to the peer."""
        if not isinstance(error, self.of):
            return Status(error.code, error.message)
        details = encode(self.codec, error, numbers)
        return Status(
            error.code,
            error.message,
            type_name=self.name,
            details=details,
            retry_after_ms=error.retry_after_ms,
        )


@dataclass(frozen=True)
class Method(Generic[I, O, R]):
    """A method of a contract: items in, items out, result; `timeout` in seconds."""

    target: str
    params: Params | None
    items_in: Codec[I]
    items_out: Codec[O]
    result: Codec[R]
    failure: Failure | None = None
    timeout: float | None = None
    idempotent: bool = False
    """Each call gets a key: it may be sent twice, and is done once."""

    def encode_params(self, values: dict[str, Any], numbers: bool) -> bytes | None:
        """The payload of a request."""
        return None if self.params is None else encode_checked(self.params, values, numbers)

    def decode_params(self, payload: bytes | None) -> dict[str, Any]:
        """What a request says; constraints are checked."""
        return {} if self.params is None else decode(self.params, payload, checked=True)

    def encode_result(self, value: R, numbers: bool) -> bytes:
        """The payload of a response or an end: empty for nothing."""
        data = encode(self.result, value, numbers)
        return b"" if data == b"\xf6" else data

    def raised(self, status: Status) -> Status:
        """The error that a caller sees."""
        return status if self.failure is None else self.failure.typed(status)

    def told(self, error: AppError, numbers: bool) -> Status:
        """The error that the peer sees."""
        if self.failure is None:
            return Status(error.code, error.message)
        return self.failure.plain(error, numbers)


class Client:
    """A service of the other side. `peer` is a `Peer`, or a handler's context to call back."""

    def __init__(self, peer: HasSession) -> None:
        self._peer = peer

    async def _call(self, method: Method[Any, Any, R], values: dict[str, Any],
                    timeout: float | None, meta: UserMeta | None,
                    key: bytes | None = None) -> R:
        deadline = deadline_of(method.timeout if timeout is None else timeout)
        if key is None and method.idempotent:
            key = os.urandom(16)
        try:
            if key is not None and isinstance(self._peer, Peer):
                await until(deadline, self._peer.wait_ready())
            # Once: another attempt must not have other parameters.
            payload = method.encode_params(values, self._peer.session.numbers)
            answer = await call_at(self._peer, method.target, payload, deadline, meta, key)
        except Status as status:
            raise method.raised(status) from None
        return decode(method.result, answer)

    async def _notify(self, method: Method[Any, Any, Any], values: dict[str, Any],
                      meta: UserMeta | None) -> None:
        session = self._peer.session
        payload = method.encode_params(values, session.numbers)
        await session.calls.notify(method.target, payload, meta)


class _Opened(Generic[I, O, R]):
    """A call with streams; `async with` opens it, and leaving cancels what has not ended."""

    _half_closed = False

    def __init__(self, peer: HasSession, method: Method[I, O, R], values: dict[str, Any],
                 timeout: float | None, meta: UserMeta | None,
                 credit: int | None = None) -> None:
        self._peer, self._method, self._values = peer, method, values
        self._timeout, self._meta, self._credit = timeout, meta, credit
        self._stream: RawStream | None = None
        self._numbers = False

    async def _open(self) -> None:
        if self._stream is not None:
            raise RuntimeError("this call was made already: make another")
        session, method = self._peer.session, self._method
        self._numbers = session.numbers
        payload = method.encode_params(self._values, session.numbers)
        timeout = method.timeout if self._timeout is None else self._timeout
        self._stream = await session.streams.open(
            method.target, payload, deadline_of(timeout), self._meta,
            half_closed=self._half_closed, credit=self._credit,
        )

    @property
    def _raw(self) -> RawStream:
        if self._stream is None:
            raise RuntimeError("write `async with` around the call: that opens the stream")
        return self._stream

    async def __aexit__(self, *_: object) -> None:
        if self._stream is not None and not self._stream.is_over:
            self._stream.abandon()

    def cancel(self) -> None:
        """Asks the callee to stop; items and a result may still come."""
        self._raw.cancel()

    async def _send(self, item: I) -> None:
        payload = encode_checked(self._method.items_in, item, self._numbers)
        try:
            await self._raw.send(payload)
        except Status as status:
            raise self._method.raised(status) from None

    async def _next(self) -> O:
        try:
            payload = await self._raw.next()
        except Status as status:
            raise self._method.raised(status) from None
        if payload is None:
            if self._raw.error is not None:
                raise self._method.raised(self._raw.error) from None
            raise StopAsyncIteration
        return decode(self._method.items_out, payload)

    async def _result(self) -> R:
        raw = self._raw
        raw.end()
        try:
            while await raw.next() is not None:
                pass
        except Status as status:
            raise self._method.raised(status) from None
        if raw.error is not None:
            raise self._method.raised(raw.error) from None
        return decode(self._method.result, raw.result)


class Streaming(_Opened[None, O, R]):
    """Items of the callee, then perhaps a result."""

    _half_closed = True

    async def __aenter__(self) -> Streaming[O, R]:
        await self._open()
        return self

    def __aiter__(self) -> Streaming[O, R]:
        return self

    async def __anext__(self) -> O:
        """The next item."""
        return await self._next()

    async def result(self) -> R:
        """Skips the items that are left, and gives the result."""
        return await self._result()


class Upload(_Opened[I, None, R]):
    """Items of the caller, then a result."""

    async def __aenter__(self) -> Upload[I, R]:
        await self._open()
        return self

    async def send(self, item: I) -> None:
        """Sends an item, when the callee has room for it."""
        await self._send(item)

    async def result(self) -> R:
        """Says that no more items come, and waits for the result."""
        return await self._result()


class Duplex(_Opened[I, O, R]):
    """Items both ways, then perhaps a result."""

    async def __aenter__(self) -> Duplex[I, O, R]:
        await self._open()
        return self

    async def send(self, item: I) -> None:
        """Sends an item, when the callee has room for it."""
        await self._send(item)

    def end(self) -> None:
        """Says that no more items come."""
        self._raw.end()

    def __aiter__(self) -> Duplex[I, O, R]:
        return self

    async def __anext__(self) -> O:
        """The next item."""
        return await self._next()

    async def result(self) -> R:
        """Ends our items, skips the callee's that are left, and gives the result."""
        return await self._result()


class Sink(Generic[O]):
    """Where a handler sends items to before its result."""

    def __init__(self, stream: RawStream, codec: Codec[O], numbers: bool) -> None:
        self._stream, self._codec, self._numbers = stream, codec, numbers

    async def send(self, item: O) -> None:
        """Sends an item, when the caller has room for it."""
        await self._stream.send(encode(self._codec, item, self._numbers))


class Items(Generic[I]):
    """Items of the caller, for a handler."""

    def __init__(self, stream: RawStream, codec: Codec[I]) -> None:
        self._stream, self._codec = stream, codec

    def __aiter__(self) -> Items[I]:
        return self

    async def __anext__(self) -> I:
        payload = await self._stream.next()
        if payload is None:
            if self._stream.error is not None:
                raise self._stream.error
            raise StopAsyncIteration
        return decode(self._codec, payload, checked=True)


Args = dict[str, Any]


def routes(contract: object, *parts: Routes) -> Routes:
    """All of these together, which are of the contract that this descriptor says."""
    together = Routes(contracts=[contract] if parts else [])
    for part in parts:
        together.add(part)
    return together


def serve_call(
    method: Method[Any, Any, R], run: Callable[[Context, Args], Awaitable[R]]
) -> Routes:
    """Serves a unary method or a notification."""

    async def handler(context: Context, payload: bytes | None) -> bytes:
        values = method.decode_params(payload)
        try:
            value = await run(context, values)
        except AppError as error:
            raise method.told(error, context.numbers) from None
        return answered(context, method, value)

    calls: dict[str, CallHandler] = {method.target: handler}
    return Routes(calls)


def answered(context: Context, method: Method[Any, Any, R], value: R) -> bytes:
    """The payload of an answer; one that is none of its type is the callee's fault."""
    try:
        return method.encode_result(value, context.numbers)
    except Status as status:
        raise Status(Code.INTERNAL, f"the handler's answer: {status.message}") from None


def serve_items(
    method: Method[I, O, Any], run: Callable[[Context, Args, Items[I]], AsyncIterator[O]]
) -> Routes:
    """Serves a method that gives items and no result, with or without items of the caller."""

    async def handler(context: Context, payload: bytes | None, stream: RawStream) -> None:
        values = method.decode_params(payload)
        sink = Sink(stream, method.items_out, context.numbers)
        made: Any = run(context, values, Items(stream, method.items_in))
        try:
            if hasattr(made, "aclose"):
                async with aclosing(made) as items:
                    async for item in items:
                        await sink.send(item)
            else:
                async for item in made:
                    await sink.send(item)
        except AppError as error:
            raise method.told(error, context.numbers) from None

    streams: dict[str, StreamHandler] = {method.target: handler}
    return Routes(streams=streams)


def serve_stream(
    method: Method[I, O, R],
    run: Callable[[Context, Args, Items[I], Sink[O]], Awaitable[R]],
) -> Routes:
    """Serves a method with streams and a result."""

    async def handler(context: Context, payload: bytes | None, stream: RawStream) -> bytes:
        values = method.decode_params(payload)
        sink = Sink(stream, method.items_out, context.numbers)
        try:
            value = await run(context, values, Items(stream, method.items_in), sink)
        except AppError as error:
            raise method.told(error, context.numbers) from None
        return answered(context, method, value)

    streams: dict[str, StreamHandler] = {method.target: handler}
    return Routes(streams=streams)


