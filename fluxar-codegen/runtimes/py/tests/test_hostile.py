"""Bytes of a peer that means harm: a session ends with a rule or goes on, and nothing breaks."""

from __future__ import annotations

import asyncio
import json
import unittest
from pathlib import Path
from random import Random

from fluxar_rt import Code, Limits
from fluxar_rt.frame import whole
from fluxar_rt.link import whole_frames
from fluxar_rt.message import ACK, CALL, CANCEL, STREAM, SUBSCRIBE, Message
from pipe import PipeLink, ready_acceptor
from test_vectors import NOTHING

VECTORS = Path(__file__).resolve().parents[4] / "tests" / "vectors"
ROUNDS = 1500


def seeds() -> list[bytes]:
    found: list[bytes] = []
    for path in sorted((VECTORS / "message").glob("*.json")):
        for case in json.loads(path.read_text()):
            if case["valid"]:
                body = bytes.fromhex(case["hex"])
                volatile = case["decoded"]["type"] in (1, 5) or (
                    case["decoded"]["type"] == 6 and case["decoded"]["ref"] is None
                )
                found.append(whole(0x40 if volatile else 0, body))
    return found


class Hostile(unittest.IsolatedAsyncioTestCase):
    async def end(self, data: bytes, limits: Limits | None = None) -> tuple[Code | None, str]:
        """How an acceptor's session ends that hears this: `None` when it does not."""
        link = PipeLink()
        session, task = await ready_acceptor(link, limits or Limits(), NOTHING)
        link.arrive(data)
        await link.idle()
        reason = session.reason
        task.cancel()
        await asyncio.wait({task})
        return (None, "") if reason is None else (reason.code, reason.message)

    async def test_mutated_messages_break_nothing(self) -> None:
        random, known = Random(5), seeds()
        self.assertGreater(len(known), 50)
        ended = 0
        for _ in range(ROUNDS):
            data = bytearray(b"".join(random.choice(known) for _ in range(3)))
            for _ in range(random.randint(0, 4)):
                data[random.randrange(len(data))] = random.randrange(256)
            if random.random() < 0.2:
                del data[random.randrange(len(data)) :]
            with self.assertNoLogs("fluxar", "ERROR"):
                code, message = await self.end(bytes(data))
            self.assertNotEqual(code, Code.INTERNAL, message)
            ended += code is not None
        self.assertTrue(0 < ended <= ROUNDS)

    async def test_floods_of_cheap_messages_end_the_session(self) -> None:
        floods = {
            "pings": lambda n: Message(ACK, 2 * n + 3),
            "cancels": lambda n: Message(CANCEL, ref=1),
            "unserved": lambda n: Message(CALL, target="a..b"),
            "subscriptions": lambda n: Message(SUBSCRIBE, 2 * n + 3, target="a"),
        }
        limits = Limits(budget_burst=100, subscriptions_max=10)
        for name, make in floods.items():
            data = b"".join(
                whole(0x40 if make(n).is_volatile else 0, make(n).encode()) for n in range(150)
            )
            code, message = await self.end(data, limits)
            self.assertEqual(code, Code.RESOURCE_EXHAUSTED, name)
            self.assertIn("[L4.calm.1]", message)

    async def test_streams_refused_again_and_again_end_the_session(self) -> None:
        data = b"".join(
            whole(0, Message(STREAM, 2 * n + 3, target="a").encode()) for n in range(10)
        )
        code, message = await self.end(data, Limits(streams_max=2))
        self.assertEqual(code, Code.RESOURCE_EXHAUSTED)
        self.assertIn("[L5.stream.3]", message)

    async def test_what_comes_after_a_violation_is_not_acted_on(self) -> None:
        link = PipeLink()
        session, task = await ready_acceptor(link, Limits(), NOTHING)
        call = whole(0, Message(CALL, 3, target="a.b").encode())
        link.arrive(whole(0, b"\x00") + call)
        await link.idle()
        self.assertEqual(session.calls.running, 0)
        self.assertEqual(session.highest_remote, 1)
        task.cancel()
        await asyncio.wait({task})

    async def test_a_peer_that_reads_nothing_is_given_up(self) -> None:
        link = PipeLink()
        limits = Limits(outbox_bytes_max=1 << 20)
        session, task = await ready_acceptor(link, limits, NOTHING)
        link.held.clear()
        text = Message(CALL, ref=1, payload=bytes(10_000))
        for _ in range(200):
            session.put(1, text)
        await link.idle()
        assert session.reason is not None
        self.assertIn("[L4.bound.1]", session.reason.message)
        task.cancel()
        await asyncio.wait({task})

    async def test_batches_are_cut_between_frames(self) -> None:
        frames = [whole(0, bytes(size)) for size in (10, 100, 1000, 5, 5, 2000, 1)]
        parts = list(whole_frames(b"".join(frames), 1020))
        self.assertEqual(b"".join(parts), b"".join(frames))
        self.assertEqual([len(part) for part in parts], [120, 1015, 10, 2005, 6])


if __name__ == "__main__":
    unittest.main()
