"""A session (docs/spec/session.md): the dialer's side over TCP, equal to the other once it is ready."""

import asyncio
import os

from . import cbor
from .status import Status, Violation
from .stream import Stream, Subscription
from .wire import (
    ACK, CALL, CANCEL, CREDIT, DEADLINE, END, EVENT, HELLO, HOPS, RETAIN, STREAM, SUBSCRIBE,
    Receiver, Sender,
)

LIMITS = {
    "frame_bytes_max": 1 << 20, "message_bytes_max": 16 << 20, "calls_max": 64, "streams_max": 64,
    "subscriptions_max": 0, "initial_credit": 64 << 10, "groups_max": 8,
    "reassembly_bytes_max": 32 << 20,
}
HEARTBEAT_MS = 10000
HANDSHAKE_S = 5
HOPS_MAX = 64


class Session:
    """Dial with `Session.dial`; everything else may be used when that returns."""

    def __init__(self, reader, writer):
        self.reader, self.writer = reader, writer
        self.sender, self.receiver = Sender(), Receiver(LIMITS)
        self.next_id, self.highest_theirs = 1, 0
        self.peer_limits = {}
        self.handlers, self.stream_handlers = {}, {}
        self.calls, self.streams, self.subscriptions, self.serving = {}, {}, {}, {}
        self.pongs = {}
        self.said_goodbye = self.heard_goodbye = False
        self.closed = asyncio.get_running_loop().create_future()
        self.tasks = set()

    # ---- the handshake

    @classmethod
    async def dial(cls, host, port, name="python", auth=None):
        """Connects and is Ready. `auth` is (scheme, data)."""
        reader, writer = await asyncio.open_connection(host, port)
        session = cls(reader, writer)
        try:
            await asyncio.wait_for(session._shake_hands(name, auth), HANDSHAKE_S)
        except BaseException:
            writer.close()
            raise
        session._spawn(session._read())
        session._spawn(session._beat())
        return session

    async def _shake_hands(self, name, auth):
        body = {
            0: [1],
            1: {0: os.urandom(16), 1: name, 2: []},
            2: {0: [], 1: [], 2: False, 3: 0, 4: []},
            3: dict(enumerate(LIMITS.values())),
            4: HEARTBEAT_MS,
            5: {0: "none"} if auth is None else {0: auth[0], 1: auth[1].encode()},
        }
        offer = self._mint()
        self.send(HELLO, id=offer, payload=cbor.encode(body))
        answer = await self._next()
        if answer.kind == CANCEL and answer.ref is None:
            raise Status.from_map(answer.error) if answer.error else Status("unavailable", "goodbye")
        if answer.kind != HELLO or answer.ref != offer:
            raise Violation("L4.hello.2", "not the answer", "failed_precondition")
        self._theirs(answer.id)
        if answer.error:
            raise Status.from_map(answer.error)
        chosen = cbor.decode(answer.payload)
        if chosen[0] != [1]:
            raise Violation("L4.version.1", "a version that was not offered", "unimplemented")
        self.peer_name, self.id = chosen[1][1], chosen[6]
        self.peer_limits = dict(zip(LIMITS, (chosen[3][key] for key in range(8))))
        self.sender.frame_bytes_max = self.peer_limits["frame_bytes_max"]
        self.interval = max(1.0, min(HEARTBEAT_MS, chosen[4]) / 1000)
        self.send(HELLO, ref=answer.id)

    def _mint(self):
        id, self.next_id = self.next_id, self.next_id + 2
        return id

    def _theirs(self, id):
        if id % 2:
            raise Violation("L3.id.3", "the acceptor mints even ids")
        self.highest_theirs = max(self.highest_theirs, id)

    # ---- bytes

    def send(self, kind, **fields):
        """Queues one message for the link."""
        if not self.closed.done() and not self.writer.is_closing():
            self.writer.write(self.sender.frames(kind, **fields))
            self.sent = True

    async def _next(self):
        while True:
            length = int.from_bytes(await self.reader.readexactly(4), "big")
            self.receiver.check_length(length)
            message = self.receiver.take(await self.reader.readexactly(length))
            if message:
                return message

    async def _read(self):
        reason = Status("unavailable", "the link was lost")
        try:
            while not self.closed.done():
                # [L4.beat.2]
                self._dispatch(await asyncio.wait_for(self._next(), 2.5 * self.interval))
                await self.writer.drain()
        except (Violation, Status) as broken:
            # [L4.violation.1]
            reason = Status(broken.code, str(broken))
            self.send(CANCEL, error=reason.to_map())
        except (asyncio.IncompleteReadError, asyncio.TimeoutError, OSError):
            pass
        self._finish(reason)

    async def _beat(self):
        while not self.closed.done():
            self.sent = False
            await asyncio.wait({self.closed}, timeout=self.interval / 2)
            if not self.sent:
                self.send(ACK)

    def _spawn(self, work):
        task = asyncio.ensure_future(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        return task

    # ---- what we open

    async def call(self, target, value=None, deadline_ms=None, payload=None, hops=0):
        """Calls the peer. Cancelling the task cancels the call."""
        id, answer = self._mint(), asyncio.get_running_loop().create_future()
        self.calls[id] = answer
        self.send(CALL, id=id, target=target, meta=_meta(deadline_ms, hops),
                  payload=_payload(value, payload))
        try:
            # [L5.deadline.2]: our clock ends it, without waiting for the callee.
            seconds = None if deadline_ms is None else deadline_ms / 1000
            message = await asyncio.wait_for(asyncio.shield(answer), seconds)
        except (asyncio.TimeoutError, asyncio.CancelledError) as why:
            # [L5.cancel.4]: the id is kept until the answer came.
            self.send(CANCEL, ref=id)
            if isinstance(why, asyncio.TimeoutError):
                raise Status("deadline_exceeded", "no answer in time") from None
            raise
        if message.error:
            raise Status.from_map(message.error)
        return cbor.decode(message.payload, strict=False) if message.payload else None

    def notify(self, target, value=None):
        """Tells the peer something that nobody answers."""
        self.send(CALL, target=target, payload=_payload(value, None))

    def open(self, target, value=None, half_closed=False, credit=None):
        """Opens a stream."""
        id = self._mint()
        window = LIMITS["initial_credit"] if credit is None else credit
        stream = Stream(self, id, True, self.peer_limits["initial_credit"], window, half_closed)
        self.streams[id] = stream
        meta = {END: True} if half_closed else {}
        if credit is not None:
            meta[CREDIT] = credit
        self.send(STREAM, id=id, target=target, meta=meta, payload=_payload(value, None))
        return stream

    async def subscribe(self, pattern, on_event, credit=None):
        """Asks for events; `on_event(topic, value, meta)`."""
        id = self._mint()
        window = LIMITS["initial_credit"] if credit is None else credit
        subscription = Subscription(self, id, pattern, window, on_event)
        self.subscriptions[id] = subscription
        self.send(SUBSCRIBE, id=id, target=pattern, meta={CREDIT: window})
        await subscription.granted
        return subscription

    async def unsubscribe(self, subscription):
        """Nothing is delivered after this."""
        self.send(CANCEL, ref=subscription.id)
        await subscription.over

    def publish(self, topic, value, retain=False):
        """Publishes, at most once."""
        self.send(EVENT, target=topic, meta={RETAIN: True} if retain else None,
                  payload=cbor.encode(value))

    async def ping(self):
        """The time to the peer and back, in seconds."""
        loop, id = asyncio.get_running_loop(), self._mint()
        self.pongs[id] = loop.create_future()
        start = loop.time()
        self.send(ACK, id=id)
        await self.pongs[id]
        return loop.time() - start

    async def goodbye(self):
        """Opens nothing more, waits for what is open, closes the link [L4.bye.4]."""
        self._say_goodbye()
        await self.closed

    # ---- what we serve

    def handle(self, target, handler):
        """Serves calls: `async handler(value) -> value`."""
        self.handlers[target] = handler

    def handle_stream(self, target, handler):
        """Serves streams: `async handler(value, stream) -> value`."""
        self.stream_handlers[target] = handler

    def _dispatch(self, message):
        kind = message.kind
        if kind == CALL and message.ref is None:
            self._take_request(message)
        elif kind == STREAM and message.ref is None:
            self._take_open(message)
        elif kind == CALL and message.ref in self.calls:
            answer = self.calls.pop(message.ref)
            if not answer.done():
                answer.set_result(message)
            self.settled()
        elif kind == STREAM and message.ref in self.streams:
            self.streams[message.ref].take(message)
        elif kind == SUBSCRIBE:
            self._take_subscription(message)
        elif kind == EVENT and message.ref in self.subscriptions:
            self.subscriptions[message.ref].delivered(message)
        elif kind == ACK:
            self._take_ack(message)
        elif kind == CANCEL:
            self._take_cancel(message)
        elif kind == HELLO:
            raise Violation("L4.phase.2", "no re-authentication here", "unimplemented")
        # The rest names what has ended, or an event that nobody here asked for: ignored [L3.ref.1].

    def _take_request(self, message):
        if message.id is not None:
            self._theirs(message.id)
        refusal = self._refusal(message, self.handlers)
        if refusal and message.id is not None:
            self.send(CALL, ref=message.id, error=refusal.to_map())
        elif not refusal:
            task = self._spawn(self._serve(message))
            if message.id is not None:
                self.serving[message.id] = task

    def _refusal(self, message, handlers):
        if self.said_goodbye and message.id is not None:
            return Status("unavailable", "[L4.bye.3] this side is closing")
        if message.meta.get(DEADLINE) == 0:
            return Status("deadline_exceeded", "[L5.deadline.2] no time was left")
        if message.meta.get(HOPS, 0) > HOPS_MAX:
            return Status("resource_exhausted", "[L5.hops.1] too many nested calls")
        if message.target not in handlers:
            return Status("unimplemented", f"[L5.call.3] nobody serves {message.target}")
        if len(self.serving) >= LIMITS["calls_max"]:
            return Status("resource_exhausted", "[L5.call.5] too many calls")
        return None

    async def _serve(self, message):
        outcome = {}
        try:
            value = _value(message.payload)
            left = message.meta.get(DEADLINE)
            work = self.handlers[message.target](value)
            value = await asyncio.wait_for(work, None if left is None else left / 1000)
            outcome["payload"] = cbor.encode(value)
        except BaseException as why:  # a task's cancellation is an answer too
            outcome["error"] = _status(why).to_map()
        if message.id is not None:
            self.serving.pop(message.id, None)
            self.send(CALL, ref=message.id, **outcome)
            self.settled()

    def _take_open(self, message):
        self._theirs(message.id)
        ended = END in message.meta
        credit = message.meta.get(CREDIT, self.peer_limits["initial_credit"])
        stream = Stream(self, message.id, False, credit, LIMITS["initial_credit"], ended)
        self.streams[message.id] = stream
        refusal = self._refusal(message, self.stream_handlers)
        if refusal:
            stream.end(error=refusal.to_map())
            return
        self.serving[message.id] = self._spawn(self._serve_stream(message, stream))

    async def _serve_stream(self, message, stream):
        try:
            value = await self.stream_handlers[message.target](_value(message.payload), stream)
            stream.end(payload=cbor.encode(value))
        except BaseException as why:
            stream.end(error=_status(why).to_map())
        self.serving.pop(message.id, None)
        self.settled()

    def _take_subscription(self, message):
        subscription = self.subscriptions.get(message.ref)
        if message.ref is None:
            self._theirs(message.id)
            refusal = Status("resource_exhausted", "[L5.topic.6] no topics here")
            self.send(SUBSCRIBE, ref=message.id, meta={END: True}, error=refusal.to_map())
        elif subscription and END in message.meta:
            del self.subscriptions[message.ref]
            error = Status.from_map(message.error) if message.error else None
            for future in (subscription.granted, subscription.over):
                if not future.done():
                    future.set_exception(error) if error else future.set_result(None)
        elif subscription:
            subscription.granted.set_result(None)

    def _take_ack(self, message):
        if message.id is not None:
            self._theirs(message.id)
            self.send(ACK, ref=message.id)
        elif message.ref in self.pongs:
            self.pongs.pop(message.ref).set_result(None)
        elif CREDIT in message.meta and message.ref in self.streams:
            self.streams[message.ref].granted(message.meta[CREDIT])

    def _take_cancel(self, message):
        if message.ref in self.serving:
            self.serving[message.ref].cancel()
        elif message.ref is None and message.error:
            # [L4.bye.6]
            self._finish(Status.from_map(message.error))
        elif message.ref is None:
            # [L4.bye.2]
            self.heard_goodbye = True
            self._say_goodbye()

    # ---- the end

    def _say_goodbye(self):
        if not self.said_goodbye:
            self.said_goodbye = True
            self.send(CANCEL)
        self.settled()

    def settled(self):
        """Something has ended: perhaps it was the last."""
        is_open = self.calls or self.streams or self.serving
        if self.said_goodbye and self.heard_goodbye and not is_open:
            self._finish(None)

    def _finish(self, reason):
        if self.closed.done():
            return
        self.closed.set_result(reason)
        lost = Status("indeterminate", f"the session ended: {reason}")
        for answer in self.calls.values():
            if not answer.done():
                answer.set_exception(lost)
        for stream in list(self.streams.values()):
            stream.lost(lost)
        for task in list(self.serving.values()):
            task.cancel()
        self.writer.close()


def _meta(deadline_ms, hops):
    meta = {} if deadline_ms is None else {DEADLINE: deadline_ms}
    if hops:
        meta[HOPS] = hops
    return meta


def _payload(value, payload):
    if payload is not None:
        return payload
    return None if value is None else cbor.encode(value)


def _value(payload):
    return None if payload is None else cbor.decode(payload, strict=False)


def _status(why):
    if isinstance(why, Status):
        return why
    if isinstance(why, Violation):
        return Status("invalid_argument", f"[L5.call.4] {why}")
    if isinstance(why, asyncio.CancelledError):
        return Status("cancelled", "[L5.cancel.2] the handler was stopped")
    if isinstance(why, asyncio.TimeoutError):
        return Status("deadline_exceeded", "[L5.deadline.2] the handler took too long")
    return Status("internal", f"[L5.call.6] {type(why).__name__}")
