"""Typed topics: paths with parameters, publishers and subscribers."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, Union
from uuid import UUID

from .broker import Broker
from .checks import Checked
from .codec import Bool, Codec, Int, Text, Uuid, decode, encode
from .feed import EventReader, RawEvent
from .names import escape, unescape
from .payload import Invalid
from .peer import HasSession, Peer
from .status import Code, Status
from .types import Enum, Lazy
from .user import UserMeta

log = logging.getLogger("fluxar")
TopicHost = Union[HasSession, Broker]
"""Where topics are: the other side of a session, or the broker of this one."""
K = TypeVar("K")
V = TypeVar("V")


def to_segment(codec: Codec[Any], value: Any) -> str:
    """A path parameter as it stands in a topic."""
    codec = bare(codec)
    if isinstance(codec, Enum):
        return escape(as_enum(codec).segment(value))
    encode(codec, value, False)
    if isinstance(value, bool):
        return "true" if value else "false"
    return escape(str(value))


def of_segment(codec: Codec[Any], segment: str) -> Any:
    """A path parameter from its segment; raises `Invalid`."""
    codec = bare(codec)
    try:
        text = unescape(segment)
        if isinstance(codec, Enum):
            return as_enum(codec).of_segment(text)
        if isinstance(codec, Bool):
            return {"true": True, "false": False}[text]
        if isinstance(codec, Int):
            if str(int(text)) != text or not codec.least <= int(text) <= codec.most:
                raise ValueError(text)
            return int(text)
        if isinstance(codec, Uuid):
            if str(UUID(text)) != text:
                raise ValueError(text)
            return UUID(text)
    except (KeyError, ValueError):
        raise Invalid(f"`{segment}` is no such path parameter") from None
    assert isinstance(codec, Text), "the contract allows no other path parameters"
    return text


def as_enum(codec: Any) -> Enum[Any]:
    """The codec, which is one of an enum."""
    found: Enum[Any] = codec
    return found


def bare(codec: Codec[Any]) -> Codec[Any]:
    """The codec inside of constraints and newtypes."""
    while isinstance(codec, (Checked, Lazy)):
        codec = codec.of if isinstance(codec, Checked) else codec.find()
    return codec


@dataclass(frozen=True)
class TopicDef(Generic[K, V]):
    """A topic of a contract. `segments` are literals, or parameter names with their codecs."""

    segments: tuple[str | tuple[str, Codec[Any]], ...]
    key: Callable[..., K]
    payload: Codec[V]
    retain: bool = False

    def path(self, values: dict[str, Any], *, pattern: bool) -> str:
        """The topic of these parameters; in a pattern `None` stands for any."""
        parts: list[str] = []
        for segment in self.segments:
            if isinstance(segment, str):
                parts.append(segment)
            elif values[segment[0]] is None and pattern:
                parts.append("*")
            else:
                parts.append(self._segment(*segment, values[segment[0]]))
        return ".".join(parts)

    def _segment(self, name: str, codec: Codec[Any], value: Any) -> str:
        try:
            codec.check(value)
            return to_segment(codec, value)
        except Invalid as invalid:
            raise invalid.under(name).status() from None
        except Status as status:
            text = f"path parameter `{name}`: {status.message}"
            raise Status(Code.INVALID_ARGUMENT, text) from None

    def read(self, event: RawEvent) -> Received[K, V]:
        """Reads an event; raises `Status` or `Invalid` for one that is none of this topic."""
        parts = event.topic.split(".")
        if len(parts) != len(self.segments):
            raise Invalid(f"`{event.topic}` is no topic of this contract")
        values: dict[str, Any] = {}
        for segment, part in zip(self.segments, parts):
            if not isinstance(segment, str):
                values[segment[0]] = of_segment(segment[1], part)
        value = decode(self.payload, event.payload)
        key = self.key(**values)
        return Received(key, value, event.topic, event.retained, event.dropped, event.meta)


@dataclass(frozen=True)
class Received(Generic[K, V]):
    """An event: path parameters, value, and how it came."""

    key: K
    value: V
    topic: str
    retained: bool
    dropped: int
    meta: UserMeta
    """What the publisher said beside it."""


class Subscription(Generic[K, V]):
    """Events of a topic; `async with` subscribes. It outlives lost links of a `Peer`."""

    def __init__(self, host: TopicHost, topic: TopicDef[K, V], values: dict[str, Any],
                 group: str | None, overflow: int, credit: int | None) -> None:
        self._host, self._topic, self._values = host, topic, values
        self._group, self._overflow, self._credit = group, overflow, credit
        self._raw: EventReader | None = None
        self.dropped = 0
        """Events that this subscription missed, as far as the publisher's side says."""

    async def __aenter__(self) -> Subscription[K, V]:
        await self._ask()
        return self

    async def _ask(self) -> None:
        pattern = self._topic.path(self._values, pattern=True)
        topics = self._host if isinstance(self._host, Broker) else self._host.session.topics
        self._raw = await topics.subscribe(
            pattern, group=self._group, overflow=self._overflow, credit=self._credit
        )

    async def __aexit__(self, *_: object) -> None:
        if self._raw is not None:
            self._raw.leave()

    def __aiter__(self) -> Subscription[K, V]:
        return self

    async def __anext__(self) -> tuple[K, V]:
        """The next event: its path parameters and its value."""
        received = await self.next()
        return received.key, received.value

    async def next(self) -> Received[K, V]:
        """The next event with how it came. What cannot be read is logged and passed over."""
        while True:
            if self._raw is None:
                raise RuntimeError("write `async with` around the subscription")
            event = await self._raw.next()
            if event is None:
                await self._over(self._raw)
                continue
            self.dropped += event.dropped
            if not event.payload:
                # A retained value was removed: there is nothing to read.
                continue
            try:
                return self._topic.read(event)
            except (Invalid, Status) as error:
                log.warning("an event on %s is passed over: %s", event.topic, error)

    async def _over(self, raw: EventReader) -> None:
        error = raw.error
        if raw.left or error is None:
            raise StopAsyncIteration
        if not (raw.is_lost and isinstance(self._host, Peer)):
            raise error
        while True:
            await self._host.wait_ready()
            try:
                await self._ask()
                return
            except Status as status:
                # The new link may be lost again while we ask.
                if status.code != Code.UNAVAILABLE:
                    raise


class TopicClient(Generic[K, V]):
    """A topic at the other side, or at a broker of this one."""

    def __init__(self, host: TopicHost, topic: TopicDef[K, V]) -> None:
        self._host, self._topic = host, topic

    async def _publish(self, value: V, values: dict[str, Any], retain: bool | None,
                       meta: UserMeta | None = None) -> None:
        path = self._topic.path(values, pattern=False)
        # Names always: a publisher does not know its subscribers.
        payload = encode(self._topic.payload, value, False)
        keep = self._topic.retain if retain is None else retain
        await self._put(path, payload, keep, meta)

    async def _clear(self, values: dict[str, Any]) -> None:
        path = self._topic.path(values, pattern=False)
        await self._put(path, b"", True, None)

    async def _put(self, path: str, payload: bytes, retain: bool, meta: UserMeta | None) -> None:
        if isinstance(self._host, Broker):
            self._host.publish(path, payload, retain=retain, meta=meta)
        else:
            await self._host.session.publish(path, payload, retain=retain, user_meta=meta)

    def _subscribe(self, values: dict[str, Any], group: str | None, overflow: int,
                   credit: int | None) -> Subscription[K, V]:
        return Subscription(self._host, self._topic, values, group, overflow, credit)
