"""What a side bounds (limits.md)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Bounds of a session. The first eight are declared to the peer, which keeps to them."""

    frame_bytes_max: int = 1 << 20
    message_bytes_max: int = 16 << 20
    calls_max: int = 1024
    streams_max: int = 1024
    subscriptions_max: int = 1000
    initial_credit: int = 256 << 10
    groups_max: int = 32
    reassembly_bytes_max: int = 32 << 20
    wildcards_max: int = 100
    session_credit_max: int = 64 << 20
    subscription_bytes_max: int = 1 << 20
    session_queue_bytes_max: int = 8 << 20
    retained_max: int = 10_000
    retained_bytes_max: int = 64 << 20
    outbox_soft_bytes: int = 256 << 10
    outbox_bytes_max: int = 24 << 20
    fragment_bytes: int = 16 << 10
    hops_max: int = 64
    budget_burst: int = 2048
    budget_per_second: int = 50
    unknown_refs_max: int = 64
    sessions_max: int = 1024
    handshake_timeout: float = 5.0
    heartbeat: float = 10.0
    drain_timeout: float = 5.0
    stall_timeout: float = 30.0
    cancel_grace: float = 5.0

    def __post_init__(self) -> None:
        works = (
            self.frame_bytes_max >= 1024
            and self.message_bytes_max >= 1024
            and self.reassembly_bytes_max >= self.message_bytes_max
            and 1 <= self.initial_credit <= INITIAL_CREDIT_MAX
            and self.groups_max >= 1
            and self.fragment_bytes >= 1
            and self.heartbeat > 0
        )
        if not works:
            raise ValueError(
                "limits: frames and messages need 1024 bytes, reassembly a whole message, initial_credit"
                " 1 to 2^31-1, groups_max and fragment_bytes 1, and the heartbeat must be above 0"
            )

    def declared(self) -> PeerLimits:
        """The part that HELLO carries."""
        return PeerLimits(
            self.frame_bytes_max,
            self.message_bytes_max,
            self.calls_max,
            self.streams_max,
            self.subscriptions_max,
            self.initial_credit,
            self.groups_max,
            self.reassembly_bytes_max,
        )


@dataclass(frozen=True)
class KeyedLimits:
    """What calls with keys may hold at a node [L5.idempotent.4]."""

    kept_for: float = 24 * 3600.0
    """How long an outcome is kept, in seconds."""
    keys_max: int = 10_000
    """Keys of one caller; the oldest that are done make room."""
    running_max: int = 1024
    """Of these, calls that run."""
    running_all_max: int = 8192
    """Calls with keys that run, of all callers: their handlers outlive the sessions that count them."""
    attempts_max: int = 64
    """Attempts that wait for one outcome."""
    outcome_bytes_max: int = 64 << 10
    """Bytes of an outcome that is kept. A larger one is not, and the call is done anew."""
    bytes_max: int = 64 << 20
    """Bytes of all outcomes; the oldest make room."""


@dataclass(frozen=True)
class PeerLimits:
    """What a side declares in HELLO, in the order of the keys."""

    frame_bytes_max: int
    message_bytes_max: int
    calls_max: int
    streams_max: int
    subscriptions_max: int
    initial_credit: int
    groups_max: int
    reassembly_bytes_max: int


CREDIT_MAX = 1 << 31
"""What credit of one stream or subscription adds up to, at most [L5.credit.3]."""
INITIAL_CREDIT_MAX = CREDIT_MAX - 1
"""What HELLO may say [L4.body.5]."""
PREAUTH_FRAME_BYTES_MAX = 16 << 10
ITEM_COST = 32
"""What an item costs beside its payload [L5.credit.2]."""
OUTBOUND_MAX = 65_536
"""Items of one pattern that we open at a peer, whatever it says that it takes."""
