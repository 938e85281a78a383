"""What is open: calls, streams, subscriptions (docs/spec/patterns.md)."""

import asyncio

from . import cbor
from .status import Status
from .wire import ACK, CANCEL, CREDIT, END, STREAM


def cost(payload):
    """[L5.credit.2]"""
    return len(payload) + 32


class Window:
    """What the peer may still send us, and what we owe it [L5.credit.4]."""

    def __init__(self, session, id, size):
        self.session, self.id, self.size, self.taken = session, id, size, 0
        self.left = size

    def arrived(self, payload):
        """The peer sent this."""
        if self.left <= 0:
            raise Status("resource_exhausted", "[L5.credit.1] an item without credit")
        self.left -= cost(payload)

    def consumed(self, payload):
        """The application took this."""
        self.taken += cost(payload)
        if 2 * self.taken >= self.size:
            self.session.send(ACK, ref=self.id, meta={CREDIT: self.taken})
            self.left += self.taken
            self.taken = 0


class Stream:
    """One side of a stream; `ours` when we opened it."""

    def __init__(self, session, id, ours, send_credit, window, opener_ended):
        self.session, self.id, self.ours = session, id, ours
        self.credit = send_credit
        self.window = Window(session, id, window)
        self.we_ended = ours and opener_ended
        self.they_ended = not ours and opener_ended
        self.items = asyncio.Queue()
        self.room = asyncio.Event()
        self.final = None
        if self.they_ended:
            self.items.put_nowait(None)

    # ---- from the application

    async def send(self, value):
        """Sends an item when there is credit for it."""
        while self.credit <= 0:
            self.room.clear()
            await self.room.wait()
        if self.we_ended:
            raise Status("failed_precondition", "this direction has ended")
        payload = cbor.encode(value)
        self.credit -= cost(payload)
        self.session.send(STREAM, ref=self.id, payload=payload)

    def end(self, payload=None, error=None):
        """Ends our direction, once [L5.stream.1]."""
        if not self.we_ended:
            self.we_ended = True
            self.session.send(STREAM, ref=self.id, meta={END: True}, payload=payload, error=error)
            self._close()

    def cancel(self):
        """Asks the callee to stop; keep reading until the result [L5.cancel.1]."""
        self.session.send(CANCEL, ref=self.id)

    def __aiter__(self):
        return self

    async def __anext__(self):
        payload = await self.items.get()
        if payload is None:
            self.items.put_nowait(None)
            raise StopAsyncIteration
        if not self.they_ended:
            self.window.consumed(payload)
        return cbor.decode(payload, strict=False)

    async def result(self):
        """The callee's result, after its items."""
        async for _ in self:
            pass
        payload, error = self.final
        if error:
            raise Status.from_map(error)
        return None if payload is None else cbor.decode(payload, strict=False)

    # ---- from the peer

    def take(self, message):
        """An item or the end."""
        if END in message.meta:
            self.they_ended = True
            self.final = (message.payload, message.error)
            self.items.put_nowait(None)
            if self.ours:
                # [L5.stream.2]: the callee's end is final.
                self.end()
            self.room.set()
            self._close()
        else:
            self.window.arrived(message.payload)
            self.items.put_nowait(message.payload)

    def granted(self, credit):
        """The peer takes more."""
        self.credit += credit
        self.room.set()

    def lost(self, status):
        """The session is over."""
        if not self.they_ended:
            self.they_ended, self.we_ended = True, True
            self.final = (None, status.to_map())
            self.items.put_nowait(None)
            self.room.set()

    def _close(self):
        if self.we_ended and self.they_ended:
            self.session.streams.pop(self.id, None)
            self.session.settled()


class Subscription:
    """Events of a pattern."""

    def __init__(self, session, id, pattern, window, on_event):
        self.id, self.pattern, self.on_event = id, pattern, on_event
        self.window = Window(session, id, window)
        loop = asyncio.get_running_loop()
        self.granted, self.over = loop.create_future(), loop.create_future()

    def delivered(self, message):
        """One event."""
        self.window.arrived(message.payload)
        topic = message.target or self.pattern
        self.on_event(topic, cbor.decode(message.payload, strict=False), message.meta)
        self.window.consumed(message.payload)
