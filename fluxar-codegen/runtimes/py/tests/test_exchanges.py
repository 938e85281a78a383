"""Whole sessions of `tests/vectors/session/exchanges`, this runtime as the dialer: its exact bytes."""

from __future__ import annotations

import asyncio
import json
import unittest
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fluxar_rt import hello, message
from fluxar_rt.broker import Broker
from fluxar_rt.context import Context
from fluxar_rt.hello import NO_AUTH
from fluxar_rt.limits import Limits
from fluxar_rt.routes import Routes
from fluxar_rt.session import Config, Session
from fluxar_rt.streams import RawStream
from fluxar_rt.topics import RawSubscription
from pipe import PipeLink

FILE = Path(__file__).resolve().parents[4] / "tests" / "vectors" / "session" / "exchanges.json"
HEAD = 5
"""Bytes of a frame before its body: length and flags."""


class Dialer:
    """The application at the dialer: it does what the steps say."""

    def __init__(self, offer: bytes) -> None:
        body = hello.decode(message.decode(offer[HEAD:]).payload or b"", answer=False)
        declared = vars(body.limits)
        limits = Limits(**declared, heartbeat=body.heartbeat_ms / 1000)
        routes = Routes(Any_(self.call), Any_(self.stream))
        config = Config(limits, body.peer, Broker(limits), routes, body.auth or NO_AUTH, numbers=False)
        self.link = PipeLink()
        self.session = Session(self.link, config, dialer=True)
        self.opened: dict[str, Any] = {}
        self.answer: asyncio.Future[bytes | None] | None = None
        self.inbound: RawStream | None = None

    async def call(self, _: Context, __: bytes | None) -> bytes | None:
        self.answer = asyncio.get_running_loop().create_future()
        return await self.answer

    async def stream(self, _: Context, __: bytes | None, stream: RawStream) -> bytes | None:
        self.inbound = stream
        return await self.call(_, __)

    def start(self, id: str | None, work: Any) -> None:
        task = asyncio.ensure_future(work)
        # Whatever becomes of it is in the bytes.
        task.add_done_callback(lambda done: done.cancelled() or done.exception())
        if id is not None:
            self.opened[id] = task

    async def act(self, step: dict[str, Any]) -> None:
        id, session = step.get("id"), self.session
        payload = None if step.get("payload") is None else bytes.fromhex(step["payload"])
        acts: dict[str, Callable[[], Any]] = {
            "call": lambda: self.start(id, session.calls.call(step["target"], payload, None, None)),
            "notify": lambda: self.start(id, session.calls.notify(step["target"], payload, None)),
            "cancel": lambda: self.opened[id].cancel(),
            "respond": lambda: self.answer.set_result(payload),
            "open": lambda: self.start(id, session.streams.open(
                step["target"], payload, None, None, half_closed=step["half_closed"],
                credit=step["credit"])),
            "consumed": lambda: self.start(None, self.result(id, RawStream).next()),
            "item": lambda: self.start(None, self.inbound.send(payload)),
            "end": lambda: self.answer.set_result(payload),
            "subscribe": lambda: self.start(
                id, session.topics.subscribe(step["pattern"], credit=step["credit"])),
            "unsubscribe": lambda: self.result(id, RawSubscription).leave(),
            "publish": lambda: self.start(id, session.publish(step["topic"], payload, retain=False)),
            "ping": lambda: self.start(id, session.beat.ping(5)),
            "close": session.goodbye,
        }
        acts[step["do"]]()

    def result(self, id: str, wanted: type) -> Any:
        found = self.opened[id].result()
        assert isinstance(found, wanted)
        return found


class Any_(dict[str, Any]):
    """Serves every target."""

    def __init__(self, handler: Any) -> None:
        super().__init__()
        self.handler = handler

    def get(self, key: str, default: Any = None) -> Any:
        return self.handler


class Exchanges(unittest.IsolatedAsyncioTestCase):
    async def test_the_dialer_sends_the_bytes_of_the_vectors(self) -> None:
        for case in json.loads(FILE.read_text()):
            with self.subTest(case["name"]):
                await self.play(case["steps"])

    async def play(self, steps: list[dict[str, Any]]) -> None:
        dialer = Dialer(bytes.fromhex(steps[0]["hex"]))
        running = asyncio.create_task(dialer.session.run())
        link = dialer.link
        await link.idle()
        for step in steps:
            if step.get("from") == "dialer":
                wanted = step["hex"]
                self.assertEqual(bytes(link.wrote)[: len(wanted) // 2].hex(), wanted)
                del link.wrote[: len(wanted) // 2]
            elif step.get("from") == "acceptor":
                link.arrive(bytes.fromhex(step["hex"]))
            elif step["at"] == "dialer" and "do" in step:
                await dialer.act(step)
            elif step["at"] == "dialer" and step["event"] == "closed":
                self.assertTrue(dialer.session.is_closed)
            await link.idle()
        self.assertEqual(bytes(link.wrote).hex(), "", "nothing else was sent")
        running.cancel()
        await asyncio.wait({running})


if __name__ == "__main__":
    unittest.main()
