"""The HELLO body and the credentials in it (session.md)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from . import cbor
from .cbor import Reader
from .limits import INITIAL_CREDIT_MAX, Limits, PeerLimits
from .status import Violation

VERSION = 1
NUMBERS = 1
"""The encoding that writes numbers for keys."""
LIST_MAX, NAME_BYTES_MAX, CREDENTIAL_BYTES_MAX = 16, 256, 8192
LIMITS = 8


@dataclass(frozen=True)
class Auth:
    """What a dialer presents. Never shown."""

    scheme: str
    data: bytes | None = field(default=None, repr=False)

    @classmethod
    def bearer(cls, token: str) -> Auth:
        """A token."""
        return cls("bearer", token.encode())

    @classmethod
    def basic(cls, user: str, password: str) -> Auth:
        """A user, whose name has no colon, and a password."""
        if ":" in user:
            raise ValueError("the user of basic auth must not contain a colon")
        return cls("basic", f"{user}:{password}".encode())

    @classmethod
    def api_key(cls, key: str) -> Auth:
        """A key."""
        return cls("api_key", key.encode())

    @property
    def text(self) -> str | None:
        """The data as text, when it is."""
        try:
            return None if self.data is None else self.data.decode()
        except UnicodeDecodeError:
            return None


NO_AUTH = Auth("none")


@dataclass(frozen=True)
class PeerInfo:
    """Who a peer says that it is."""

    instance: bytes
    name: str = ""
    roles: tuple[str, ...] = ()


@dataclass
class HelloBody:
    """The body of an offer (with `auth`) or of an answer (with `session`)."""

    versions: list[int]
    peer: PeerInfo
    limits: PeerLimits
    heartbeat_ms: int
    encodings: list[int]
    auth: Auth | None = None
    session: bytes | None = None
    reserved: bool = False
    """It lists codecs, seals, resume or qos: fine in an offer, never in an answer to ours."""

    @classmethod
    def of(cls, limits: Limits, peer: PeerInfo, encodings: list[int]) -> HelloBody:
        """What this side says."""
        beat = int(limits.heartbeat * 1000)
        return cls([VERSION], peer, limits.declared(), beat, encodings)

    def encode(self) -> bytes:
        """The body's bytes."""
        peer = {0: self.peer.instance, 1: self.peer.name, 2: list(self.peer.roles)}
        limits = self.limits
        numbers = (
            limits.frame_bytes_max,
            limits.message_bytes_max,
            limits.calls_max,
            limits.streams_max,
            limits.subscriptions_max,
            limits.initial_credit,
            limits.groups_max,
            limits.reassembly_bytes_max,
        )
        body: dict[int, object] = {
            0: self.versions,
            1: peer,
            2: {0: [], 1: [], 2: False, 3: 0, 4: self.encodings},
            3: dict(enumerate(numbers)),
            4: self.heartbeat_ms,
        }
        if self.auth is not None:
            auth: dict[int, object] = {0: self.auth.scheme}
            if self.auth.data is not None:
                auth[1] = self.auth.data
            body[5] = auth
        if self.session is not None:
            body[6] = self.session
        return cbor.encode(body)


def decode(data: bytes, *, answer: bool) -> HelloBody:
    """Reads the body of an answer or an offer."""
    try:
        body = _read(Reader(data))
    except Violation as violation:
        if violation.rule == "L3.env.1":
            raise Violation("L4.body.1") from None
        raise
    if answer and body.session is None:
        raise Violation("L4.body.1")
    if (body.auth if answer else body.session) is not None:
        raise Violation("L4.body.2")
    return body


def _read(reader: Reader) -> HelloBody:
    seen: dict[int, object] = {}
    versions: list[int] = []
    encodings: list[int] = []
    numbers: list[int] = []
    peer: PeerInfo | None = None
    auth: Auth | None = None
    session: bytes | None = None
    heartbeat_ms, reserved = 0, False

    def take(key: int) -> bool:
        nonlocal versions, encodings, numbers, peer, auth, session, heartbeat_ms, reserved
        if key == 0:
            versions = _numbers(reader)
        elif key == 1:
            peer = _peer(reader)
        elif key == 2:
            encodings, reserved = _capabilities(reader)
        elif key == 3:
            numbers = _limits(reader)
        elif key == 4:
            heartbeat_ms = reader.uint()
        elif key == 5:
            auth = _auth(reader)
        elif key == 6:
            session = _sixteen(reader)
        elif key == 7:
            # For challenges, which this runtime neither makes nor takes.
            if len(reader.octets()) != 32:
                raise Violation("L4.body.1")
        else:
            return False
        seen[key] = True
        return True

    _each_key(reader, take)
    reader.finish()
    if peer is None or not all(key in seen for key in range(5)):
        raise Violation("L4.body.1")
    shows_key = auth is not None and auth.scheme == "challenge" and len(auth.data or b"") == 32
    if shows_key and 7 not in seen:
        raise Violation("L4.challenge.1")
    limits = PeerLimits(*numbers)
    return HelloBody(versions, peer, limits, heartbeat_ms, encodings, auth, session, reserved)


def _each_key(reader: Reader, take: Callable[[int], bool]) -> None:
    last = -1
    for _ in range(reader.expect(cbor.MAP)):
        key = reader.uint()
        if key <= last:
            raise Violation("L3.cbor.7")
        last = key
        if 32 <= key < 64:
            reader.skip(2)
        elif not take(key):
            raise Violation("L4.body.3")


def _list(reader: Reader) -> range:
    count = reader.expect(cbor.ARRAY)
    if count > LIST_MAX:
        raise Violation("L4.body.4")
    return range(count)


def _numbers(reader: Reader) -> list[int]:
    return [reader.uint() for _ in _list(reader)]


def _text(reader: Reader) -> str:
    text = reader.text()
    if len(text.encode()) > NAME_BYTES_MAX:
        raise Violation("L4.body.4")
    return text


def _sixteen(reader: Reader) -> bytes:
    data = reader.octets()
    if len(data) != 16:
        raise Violation("L4.body.1")
    return data


def _peer(reader: Reader) -> PeerInfo:
    instance: bytes | None = None
    name: str | None = None
    roles: list[str] = []

    def take(key: int) -> bool:
        nonlocal instance, name
        if key == 0:
            instance = _sixteen(reader)
        elif key == 1:
            name = _text(reader)
        elif key == 2:
            roles.extend(_text(reader) for _ in _list(reader))
        else:
            return False
        return True

    _each_key(reader, take)
    if instance is None or name is None:
        raise Violation("L4.body.1")
    return PeerInfo(instance, name, tuple(roles))


def _capabilities(reader: Reader) -> tuple[list[int], bool]:
    encodings: list[int] = []
    reserved = False

    def take(key: int) -> bool:
        nonlocal encodings, reserved
        if key in (0, 1):
            reserved |= bool(_numbers(reader))
        elif key == 2:
            reserved |= reader.boolean()
        elif key == 3:
            reserved |= reader.uint() > 0
        elif key == 4:
            encodings = _numbers(reader)
        else:
            return False
        return True

    _each_key(reader, take)
    return encodings, reserved


def _limits(reader: Reader) -> list[int]:
    numbers: list[int] = []

    def take(key: int) -> bool:
        if key >= LIMITS:
            return False
        numbers.append(min(reader.uint(), 0xFFFF_FFFF))
        return True

    _each_key(reader, take)
    if len(numbers) != LIMITS:
        raise Violation("L4.body.1")
    frame, message, _, _, _, credit, groups, reassembly = numbers
    works = frame >= 1024 and message >= 1024 and groups >= 1 and reassembly >= message
    if not works or not 1 <= credit <= INITIAL_CREDIT_MAX:
        raise Violation("L4.body.5")
    return numbers


def _auth(reader: Reader) -> Auth:
    scheme: str | None = None
    data: bytes | None = None

    def take(key: int) -> bool:
        nonlocal scheme, data
        if key == 0:
            scheme = _text(reader)
        elif key == 1:
            data = reader.octets()
        else:
            return False
        return True

    _each_key(reader, take)
    if scheme is None:
        raise Violation("L4.body.1")
    if data is not None and len(data) > CREDENTIAL_BYTES_MAX:
        raise Violation("L4.body.4")
    return Auth(scheme, data)
