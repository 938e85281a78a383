"""What waits for the link: whole small frames, and large messages that are cut on the way out.

Small messages go first; large ones take turns, a fragment each. Messages of one flow (an id, or
all publications) keep their order [L1.order.1].
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from . import frame
from .limits import Limits, PeerLimits
from .message import Message
from .status import Code, Status

BATCH_BYTES = 64 << 10
"""Bytes handed to the link at once when fragments wait."""
PUBLISH_FLOW = 0


@dataclass
class _Waiting:
    bytes: bytes
    flags: int
    opens: bool


@dataclass
class _Flow:
    messages: deque[_Waiting] = field(default_factory=lambda: deque[_Waiting]())
    group: int | None = None
    sent: int = 0


class Outbox:
    """Bytes on their way to the link."""

    def __init__(self, limits: Limits) -> None:
        self.soft_bytes = limits.outbox_soft_bytes
        self.fragment_bytes = limits.fragment_bytes
        self.groups_max = 1
        self.group_bytes_max = self.message_bytes_max = 1 << 62
        self.small = bytearray()
        self.appended = self.taken = self.moved = 0
        self.flows: dict[int, _Flow] = {}
        self.turns: deque[int] = deque()
        self.parked: deque[int] = deque()
        self.waiting_bytes = 0
        self.next_group = 1
        self.open_groups = self.open_bytes = 0

    def keep_to(self, limits: PeerLimits) -> None:
        """Keeps to what the peer declared."""
        room = limits.frame_bytes_max - frame.FRAGMENT_HEAD_BYTES
        self.fragment_bytes = min(self.fragment_bytes, room)
        self.groups_max = limits.groups_max
        self.group_bytes_max = limits.reassembly_bytes_max
        self.message_bytes_max = limits.message_bytes_max

    @property
    def size(self) -> int:
        """Bytes that wait."""
        return len(self.small) + self.waiting_bytes

    def has_room(self, flow: int, size: int) -> bool:
        """Whether a producer may add a message: a large one holds back only what is behind it."""
        if self.size < self.soft_bytes:
            return True
        small = size <= self.fragment_bytes and flow not in self.flows
        return small and len(self.small) < self.soft_bytes

    def put(self, flow: int, message: Message) -> int | None:
        """Puts a message behind all others of its flow. What it gives tells `is_unsent` later."""
        body = message.encode()
        if len(body) > self.message_bytes_max:
            raise Status(
                Code.RESOURCE_EXHAUSTED,
                f"a message above {self.message_bytes_max} bytes, the peer's limit:"
                " send it as a stream of items",
            )
        flags = frame.VOLATILE if message.is_volatile else 0
        if flow not in self.flows and len(body) <= self.fragment_bytes:
            return self._put_whole(flags, body)
        if flow not in self.flows:
            self.flows[flow] = _Flow()
            self.turns.append(flow)
        self.waiting_bytes += len(body)
        opens = message.id is not None
        self.flows[flow].messages.append(_Waiting(body, flags, opens))
        return None

    def put_now(self, message: Message) -> int:
        """Puts a small message that belongs to no flow."""
        return self._put_whole(frame.VOLATILE if message.is_volatile else 0, message.encode())

    def _put_whole(self, flags: int, body: bytes) -> int:
        data = frame.whole(flags, body)
        self.small += data
        self.appended += len(data)
        return self.appended

    def is_unsent(self, flow: int, mark: int | None) -> bool:
        """Whether nothing of the opening message of `flow` can have been acted on by the peer."""
        if mark is not None:
            return mark > self.taken
        waiting = self.flows.get(flow)
        return waiting is not None and any(message.opens for message in waiting.messages)

    def opens_wait(self) -> bool:
        """Whether a large message that waits opens something."""
        return any(waiting.opens for flow in self.flows.values() for waiting in flow.messages)

    def take(self) -> bytes:
        """What may be written now; empty when nothing waits."""
        out = self.small
        self.small = bytearray()
        self.taken = self.appended
        while len(out) < BATCH_BYTES and self.turns:
            flow = self.turns.popleft()
            self._send_fragment(flow, out)
        self.moved += len(out)
        return bytes(out)

    def _send_fragment(self, key: int, out: bytearray) -> None:
        flow = self.flows[key]
        front = flow.messages[0]
        size = len(front.bytes)
        if flow.group is None and size <= self.fragment_bytes:
            out += frame.whole(front.flags, front.bytes)
        else:
            if flow.group is None:
                full = self.open_groups >= self.groups_max
                if self.open_groups and (full or self.open_bytes + size > self.group_bytes_max):
                    self.parked.append(key)
                    return
                self.open_groups += 1
                self.open_bytes += size
                flow.group, self.next_group = self.next_group, self.next_group + 1
            end = min(size, flow.sent + self.fragment_bytes)
            more = frame.MORE if end < size else 0
            out += frame.fragment(front.flags | more, flow.group, front.bytes[flow.sent : end])
            flow.sent = end
            if end < size:
                self.turns.append(key)
                return
            self.open_groups -= 1
            self.open_bytes -= size
            self.turns += self.parked
            self.parked.clear()
            flow.group, flow.sent = None, 0
        self.waiting_bytes -= size
        flow.messages.popleft()
        if flow.messages:
            self.turns.append(key)
        else:
            del self.flows[key]

    def clear(self) -> None:
        """Drops what waits in flows, when the session is over."""
        self.flows.clear()
        self.turns.clear()
        self.parked.clear()
        self.waiting_bytes = 0
