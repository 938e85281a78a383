"""A fluxar peer for Python: calls, streams and topics, both ways, over one link.

`connect` dials and `listen` accepts; generated clients are made from what they give. Handlers get
a `Context`. Everything that can go wrong between peers is a `Status`.
"""

from .broker import Broker
from .codec import Codec
from .context import Context
from .descriptor import encode_descriptor, hash_descriptor
from .feed import DISCONNECT, DROP_NEWEST, DROP_OLDEST, LATEST
from .hello import Auth, PeerInfo
from .limits import KeyedLimits, Limits
from .payload import Invalid
from .peer import Backoff, HasSession, Peer, connect, connect_on
from .routes import Routes
from .server import Server, listen
from .session import Session
from .status import Code, ConnectError, Status, Violation
from .topic import Received, Subscription, TopicHost
from .typed import AppError, Client, Duplex, Items, Sink, Streaming, Upload
from .types import Unknown

__all__ = [
    "DISCONNECT",
    "DROP_NEWEST",
    "DROP_OLDEST",
    "LATEST",
    "AppError",
    "Auth",
    "Backoff",
    "Broker",
    "Client",
    "Code",
    "Codec",
    "ConnectError",
    "Context",
    "Duplex",
    "HasSession",
    "Invalid",
    "Items",
    "KeyedLimits",
    "Limits",
    "Peer",
    "PeerInfo",
    "Received",
    "Routes",
    "Server",
    "Session",
    "Sink",
    "Status",
    "Streaming",
    "Subscription",
    "TopicHost",
    "Unknown",
    "Upload",
    "Violation",
    "connect",
    "connect_on",
    "encode_descriptor",
    "hash_descriptor",
    "listen",
]
