"""What a handler knows beside its parameters."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .hello import PeerInfo
    from .message import Message
    from .scope import Scope
    from .session import Session


class Context:
    """The surroundings of one call.

    When the caller gives up or the deadline passes, the handler's task is cancelled: it sees
    `asyncio.CancelledError`, may clean up, and may still return a result. A call with a key runs on
    when its caller gives up or the session ends: the next attempt finds it.
    """

    def __init__(self, session: Session, message: Message, scope: Scope) -> None:
        self.session = session
        """The caller's session: generated clients take it, to call back."""
        self.target = message.target or ""
        self.meta = message.user_meta
        """What the caller added for the application."""
        self.deadline = scope.deadline
        """The time of the event loop when the caller stops waiting."""
        self.hops = scope.hops

    @property
    def caller(self) -> PeerInfo:
        """Who the caller says that it is."""
        return self.session.remote

    @property
    def identity(self) -> str | None:
        """Who the caller is, where `authenticate` has said so."""
        return self.session.identity

    @property
    def numbers(self) -> bool:
        """Whether answers are written with numbers for keys."""
        return self.session.numbers

    @property
    def time_left(self) -> float | None:
        """Seconds until the deadline."""
        if self.deadline is None:
            return None
        return max(0.0, self.deadline - asyncio.get_running_loop().time())
