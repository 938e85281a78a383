"""The user's entries of meta: what an application says beside a request or an event."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from .cbor import text
from .status import Code, Status

UserMeta = Mapping[str, str]
NO_META: UserMeta = MappingProxyType({})
ENTRIES_MAX = 48
BYTES_MAX = 7 << 10
"""Of the user's entries together: what is left is for the protocol's own keys [L5.carry.1]."""


def size_of(meta: UserMeta) -> int:
    """Bytes of the entries, as they are written."""
    return sum(len(text(key)) + len(text(value)) for key, value in meta.items())


def fits(meta: UserMeta) -> bool:
    """Whether they leave room for the protocol's own keys."""
    return len(meta) <= ENTRIES_MAX and size_of(meta) <= BYTES_MAX


def checked(meta: UserMeta | None) -> UserMeta:
    """What an application gave, if it may be sent."""
    if not meta:
        return NO_META
    if not fits(meta):
        raise Status(Code.INVALID_ARGUMENT, "meta takes at most 48 keys and 7 KiB")
    # A copy: what is kept or waits must not change, nor grow.
    return dict(meta)
