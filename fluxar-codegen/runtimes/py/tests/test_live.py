"""Against the Rust node: the command `fluxar`, named in `FLUXAR_BIN`.

`fluxar up` serves what the package `demo` describes; `fluxar call`, `pub` and `sub` are the other
side of what Python serves.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, os.environ["FLUXAR_GENERATED"])

import demo.contract as demo
from demo.fluxar_rt import Auth, Code, ConnectError, Context, Sink, Status
from test_contract import Approvals as ShopApprovals
from test_contract import Users
import sample.shop_v1 as shop

BINARY = os.environ["FLUXAR_BIN"]
PATIENCE = 60
READ = ("FLUXAR_URL", "FLUXAR_AUTH", "FLUXAR_TOKEN", "OPENAI_BASE_URL", "OPENAI_API_KEY")
ENVIRONMENT = {name: value for name, value in os.environ.items() if name not in READ}


class Node:
    """A `fluxar` that listens, and its addresses."""

    def __init__(self, process: asyncio.subprocess.Process, addresses: list[str]) -> None:
        self.process, self.addresses = process, addresses

    @classmethod
    async def start(cls, *arguments: str, listens: int) -> Node:
        process = await asyncio.create_subprocess_exec(
            BINARY, *arguments, stderr=asyncio.subprocess.PIPE, env=ENVIRONMENT
        )
        addresses: list[str] = []
        while len(addresses) < listens:
            assert process.stderr is not None
            line = await asyncio.wait_for(process.stderr.readline(), PATIENCE)
            assert line, f"fluxar {arguments} ended before it listened"
            found = re.search(r"listening on (\S+)", line.decode())
            if found:
                addresses.append(found[1])
        return cls(process, addresses)

    async def stop(self) -> None:
        if self.process.returncode is None:
            self.process.kill()
        await self.process.communicate()


async def run(*arguments: str) -> tuple[int | None, str, str]:
    process = await asyncio.create_subprocess_exec(
        BINARY, *arguments, env=ENVIRONMENT, stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(process.communicate(), PATIENCE)
    return process.returncode, out.decode(), err.decode()


class Approvals:
    def __init__(self, answer: bool) -> None:
        self.answer = answer
        self.asked: list[str] = []

    async def approve(self, ctx: Context, action: str, /) -> demo.Approval:
        self.asked.append(action)
        return demo.Approval(approved=self.answer)


class Up(unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        unix = f"unix://{Path(self.folder.name) / 'own' / 'node.sock'}"
        self.node = await Node.start(
            "up", "--listen", "ws://127.0.0.1:0", "--listen", "tcp://127.0.0.1:0",
            "--listen", unix, "--tokens-per-second", "2000/s", listens=3,
        )
        self.approvals = Approvals(True)

    async def asyncTearDown(self) -> None:
        await self.node.stop()
        self.folder.cleanup()

    async def connect(self, place: int = 0) -> demo.Demo:
        return await demo.Demo.connect(self.node.addresses[place], approvals=self.approvals)

    async def test_tokens_stream_over_every_transport(self) -> None:
        for place in range(3):
            async with await self.connect(place) as node:
                async with node.llm.complete("How do tides work?", max_tokens=8, seed=7) as answer:
                    tokens = [token.text async for token in answer]
                    summary = await answer.result()
                self.assertEqual(len(tokens), 8)
                self.assertEqual(summary.completion_tokens, 8)
                self.assertEqual(summary.finish_reason, "length")

    async def test_the_node_asks_back_in_the_middle_of_an_answer(self) -> None:
        async with await self.connect() as node:
            for answer, grows in ((True, True), (False, False)):
                self.approvals.answer = answer
                self.approvals.asked.clear()
                async with node.llm.complete("Sail?", approvals=True, seed=7) as stream:
                    before = after = 0
                    async for _ in stream:
                        before += not self.approvals.asked
                        after += bool(self.approvals.asked)
                    await stream.result()
                self.assertEqual(len(self.approvals.asked), 1)
                self.assertGreater(before, 0)
                self.assertTrue(after > 2 or not grows)

    async def test_a_cancelled_answer_still_has_its_summary(self) -> None:
        async with await self.connect() as node:
            async with node.llm.complete("How?", max_tokens=100_000) as stream:
                await stream.__anext__()
                stream.cancel()
                summary = await stream.result()
            self.assertEqual(summary.finish_reason, "cancelled")

    async def test_leaving_a_stream_and_deadlines_free_it(self) -> None:
        async with await self.connect() as node:
            async with node.llm.complete("How?", max_tokens=100_000) as stream:
                await stream.__anext__()
            # The node's clock may be the first: its handler then ends with a summary.
            try:
                async with node.llm.complete("How?", max_tokens=10**6, timeout=0.05) as stream:
                    ended = (await stream.result()).finish_reason
            except Status as status:
                ended = status.code.name
            self.assertIn(ended, ("DEADLINE_EXCEEDED", "cancelled"))
            while node.peer.session.streams.open_streams:
                await asyncio.sleep(0.001)

    async def test_topics_cross_between_python_and_the_command(self) -> None:
        async with await self.connect() as one, await self.connect(1) as two:
            async with one.temperature.subscribe() as all_of_them:
                async with two.temperature.subscribe(id=7) as seventh:
                    await two.temperature.publish(demo.Reading(t=1.5), id=1)
                    code, _, err = await run("pub", self.node.addresses[0], "sensors.7.temp",
                                             '{"t":20}')
                    self.assertEqual(code, 0, err)
                    key, reading = await all_of_them.__anext__()
                    self.assertEqual((key.id, reading), (1, demo.Reading(t=1.5)))
                    key, reading = await seventh.__anext__()
                    self.assertEqual((key.id, reading), (7, demo.Reading(t=20.0)))
            await one.temperature.publish(demo.Reading(t=3.0, unit="C"), id=9)
            await one.peer.ping()
            code, out, err = await run("sub", self.node.addresses[0], "sensors.9.temp", "-C", "1")
            self.assertEqual(code, 0, err)
            self.assertIn('"unit":"C"', out.replace(" ", ""))

    async def test_what_nobody_serves_is_unimplemented(self) -> None:
        async with await self.connect() as node:
            with self.assertRaises(Status) as caught:
                await node.peer.call("no.such")
            self.assertEqual(caught.exception.code, Code.UNIMPLEMENTED)
            with self.assertRaises(Status) as caught:
                await node.peer.call("bench.echo", bytes(20 << 20))
            self.assertEqual(caught.exception.code, Code.RESOURCE_EXHAUSTED)
            large = b"\x5a" + (1 << 20).to_bytes(4, "big") + bytes(1 << 20)
            self.assertEqual(await node.peer.call("bench.echo", large), large)


class Serve(unittest.IsolatedAsyncioTestCase):
    async def test_commands_answer_typed_calls(self) -> None:
        node = await Node.start("serve", "ws://127.0.0.1:0", "echo.say", "--exec", "cat",
                                "--token", "sesame", listens=1)
        try:
            approvals = Approvals(True)
            with self.assertRaises(ConnectError) as caught:
                await demo.Demo.connect(node.addresses[0], approvals=approvals)
            assert caught.exception.status is not None
            self.assertEqual(caught.exception.status.code, Code.UNAUTHENTICATED)
            async with await demo.Demo.connect(
                node.addresses[0], approvals=approvals, auth=Auth.bearer("sesame")
            ) as client:
                said = await client.echo.say("hello", 3)
                self.assertIn(said, ({"text": "hello", "n": 3}, {"1": "hello", "2": 3}))
        finally:
            await node.stop()


class Llm:
    async def complete(
        self, ctx: Context, prompt: str, model: str | None, max_tokens: int | None,
        seed: int | None, approvals: bool | None, out: Sink[demo.Token], /,
    ) -> demo.Summary:
        for word in prompt.split():
            await out.send(demo.Token(text=word))
        return demo.Summary(model="py", completion_tokens=2, finish_reason="stop")


class Echo:
    async def say(self, ctx: Context, text: str, n: int, /) -> object:
        return [text] * n


class Called(unittest.IsolatedAsyncioTestCase):
    """The command calls what Python serves."""

    async def test_the_command_calls_streams_and_hears_errors(self) -> None:
        async with await demo.listen_demo("ws://127.0.0.1:0", llm=Llm(), echo=Echo()) as server:
            url = server.addresses[0]
            code, out, err = await run("call", url, "echo.say", '{"text":"a","n":2}')
            self.assertEqual((code, json.loads(out)), (0, ["a", "a"]), err)
            code, out, err = await run("call", url, "llm.complete", '{"prompt":"one two"}')
            lines = [json.loads(line) for line in out.splitlines()]
            self.assertEqual(lines[:2], [{"text": "one"}, {"text": "two"}], err)
            self.assertEqual(lines[2]["$result"]["model"], "py")
            code, _, err = await run("call", url, "echo.say", '{"text":"a","n":256}')
            self.assertEqual(code, 1)
            self.assertIn("invalid_argument", err)
            self.assertIn("`n`", err)
            code, _, err = await run("doctor", url)
            self.assertEqual(code, 0, err)

    async def test_the_command_lists_and_describes_what_python_serves(self) -> None:
        async with await demo.listen_demo("ws://127.0.0.1:0", llm=Llm(), echo=Echo()) as server:
            url = server.addresses[0]
            code, out, err = await run("ls", url, "-o", "json")
            listed = [json.loads(line) for line in out.splitlines()]
            say = next((line for line in listed if line.get("target") == "echo.say"), None)
            assert say is not None, f"{code}: {out}{err}"
            self.assertEqual([param["name"] for param in say["params"]], ["text", "n"])
            code, out, err = await run("describe", url, "llm.complete")
            self.assertEqual(code, 0, err)
            self.assertIn("prompt", out)

    async def test_the_command_sees_typed_errors(self) -> None:
        async with await shop.listen_shop("tcp://127.0.0.1:0", users=Users()) as server:
            code, _, err = await run(
                "call", server.addresses[0], "shop.v1.users.get",
                '{"id":"00000000-0000-0000-0000-000000000008"}',
            )
            self.assertEqual(code, 3, err)
            self.assertIn("not_found", err)
            async with await shop.Shop.connect(
                server.addresses[0], approvals=ShopApprovals()
            ) as client:
                self.assertIsNone(await client.users.nothing())


if __name__ == "__main__":
    unittest.main()
