#!/usr/bin/env python3
"""The Python peer of the matrix: see README.md."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import cbor2

sys.path.insert(0, os.environ["FLUXAR_GENERATED"])

import matrix.matrix_v1 as m
from matrix.fluxar_rt import (
    Broker, Code, Context, HasSession, Peer, Sink, Status, Unknown, hash_descriptor,
)

PATIENCE = 30
"""Seconds that a case may take."""


class Shapes:
    """The callee."""

    def __init__(self) -> None:
        self.stopped = self.sum = self.runs = 0
        self.broker: Broker | None = None

    def fail(self, text: str) -> None:
        if text == "refuse":
            raise m.MatrixErrorRefused(reason="as asked")
        if text == "empty":
            raise m.MatrixErrorEmpty()

    async def unary(self, ctx: Context, item: m.Item, /) -> m.Item:
        self.fail(item.text)
        return m.Item(n=item.n + 1, text=item.text)

    async def nothing(self, ctx: Context, /) -> None:
        return None

    async def note(self, ctx: Context, item: m.Item, /) -> None:
        self.sum += item.n

    async def notes(self, ctx: Context, /) -> int:
        return self.sum

    async def items(self, ctx: Context, count: int, text: str, /) -> AsyncIterator[m.Item]:
        for n in range(count):
            yield m.Item(n=n, text=text)
        self.fail(text)

    async def collect(
        self, ctx: Context, prefix: str, items: AsyncIterator[m.Item], /
    ) -> m.Total:
        texts = [item.text async for item in items]
        return m.Total(count=len(texts), text=prefix + "".join(texts))

    async def chat(
        self, ctx: Context, prefix: str, items: AsyncIterator[m.Item], /
    ) -> AsyncIterator[m.Item]:
        async for item in items:
            yield m.Item(n=item.n, text=prefix + item.text)

    async def then(self, ctx: Context, count: int, text: str, out: Sink[m.Item], /) -> m.Total:
        for n in range(count):
            await out.send(m.Item(n=n, text=text))
        self.fail(text)
        return m.Total(count=count, text=text)

    async def both(
        self, ctx: Context, items: AsyncIterator[m.Item], out: Sink[m.Item], /
    ) -> m.Total:
        count = 0
        async for item in items:
            count += 1
            await out.send(item)
        return m.Total(count=count, text="")

    async def slow(self, ctx: Context, ms: int, /) -> int:
        try:
            await asyncio.sleep(ms / 1000)
        except asyncio.CancelledError:
            self.stopped += 1
            raise
        return ms

    async def forever(self, ctx: Context, /) -> AsyncIterator[m.Item]:
        n = 0
        try:
            while True:
                yield m.Item(n=n)
                n += 1
                await asyncio.sleep(0.001)
        finally:
            self.stopped += 1

    async def cancelled(self, ctx: Context, /) -> int:
        return self.stopped

    async def once(self, ctx: Context, ms: int, /) -> int:
        self.runs += 1
        run = self.runs
        await asyncio.sleep(ms / 1000)
        return run

    async def back(self, ctx: Context, text: str, /) -> str:
        return await m.MatrixPeer(ctx).back.answer(text)

    async def announce(self, ctx: Context, colour: m.Colour | Unknown, tick: m.Tick, /) -> None:
        assert self.broker is not None, "it is set before anybody calls"
        await m.TicksTopic(self.broker).publish(tick.item, colour=colour, name=tick.name)

    async def watch(
        self, ctx: Context, colour: m.Colour | Unknown, count: int, /
    ) -> AsyncIterator[m.Tick]:
        async with m.TicksTopic(ctx).subscribe(colour=colour) as events:
            yield m.Tick(name="", item=m.Item(n=0))
            for _ in range(count):
                key, item = await events.__anext__()
                yield m.Tick(name=key.name, item=item)

    async def await_(self, ctx: Context, self_: m.Odd, /) -> m.Odd:
        return self_

    async def constructor(self, ctx: Context, x__proto__: m.Say, /) -> m.Say:
        return x__proto__

    async def None_(self, ctx: Context, type: m.Word | Unknown, /) -> m.Word | Unknown:
        return type


class Back:
    """What the caller offers."""

    def __init__(self) -> None:
        self.ready = asyncio.Event()

    async def answer(self, ctx: Context, text: str, /) -> str:
        if text == "ready":
            self.ready.set()
        if text == "refuse":
            raise m.MatrixErrorRefused(reason="not me")
        return text[::-1]


def same(got: object, wanted: object) -> None:
    if got != wanted:
        raise AssertionError(f"got {got!r}, not {wanted!r}"[:500])


def bare(descriptor: Any) -> Any:
    """A descriptor without the documentation, which is under 15 in every map."""
    if isinstance(descriptor, list):
        return [bare(part) for part in descriptor]
    if isinstance(descriptor, dict):
        return {key: bare(part) for key, part in descriptor.items() if key != 15}
    return descriptor


class Calls:
    """The cases of a caller: each public method is one."""

    def __init__(self, peer: HasSession, broker: Broker) -> None:
        self.peer = peer
        self.shapes, self.there = m.ShapesClient(peer), m.TicksTopic(peer)
        self.here, self.last = m.TicksTopic(broker), m.LastTopic(peer)

    async def unary(self) -> None:
        same(await self.shapes.unary(m.Item(n=1, text="é")), m.Item(n=2, text="é"))

    async def typed_error(self) -> None:
        for text, wanted in (
            ("refuse", m.MatrixErrorRefused(reason="as asked")), ("empty", m.MatrixErrorEmpty()),
        ):
            try:
                await self.shapes.unary(m.Item(n=1, text=text))
            except m.MatrixError as error:
                same(error, wanted)
                same(error.code, wanted.code)
            else:
                raise AssertionError("did not fail")

    async def nothing(self) -> None:
        await self.shapes.nothing()

    async def notification(self) -> None:
        before = await self.shapes.notes()
        await self.shapes.note(m.Item(n=5))
        await self.shapes.note(m.Item(n=7))
        while await self.shapes.notes() < before + 12:
            pass
        same(await self.shapes.notes(), before + 12)

    async def names(self) -> None:
        said: list[m.Say] = [
            m.SayType("t"), m.SayAwait(7), m.SayConstructor(), m.SayXProto(self_="s", None_=1),
            m.SayNone(),
        ]
        say = m.SaySelf(said)
        odd = m.Odd(type="t", await_=200, constructor=[*m.Word], x__proto__="p", None_=True,
                    self_=say)
        bare = m.Odd(type="", await_=0, constructor=[], None_=False, self_=m.SayNone())
        for one in (odd, bare):
            same(await self.shapes.await_(one), one)
        same(await self.shapes.constructor(say), say)
        for word in m.Word:
            same(await self.shapes.None_(word), word)

    async def server_stream(self) -> None:
        async with self.shapes.items(5, "x") as stream:
            same([item.n async for item in stream], [0, 1, 2, 3, 4])

    async def stream_error(self) -> None:
        got = 0
        try:
            async with self.shapes.items(2, "refuse") as stream:
                async for _ in stream:
                    got += 1
        except m.MatrixErrorRefused:
            same(got, 2)
        else:
            raise AssertionError("did not fail")

    async def client_stream(self) -> None:
        async with self.shapes.collect("p:") as upload:
            for text in ("a", "b", "c"):
                await upload.send(m.Item(n=1, text=text))
            same(await upload.result(), m.Total(count=3, text="p:abc"))

    async def both_ways(self) -> None:
        async with self.shapes.chat("p:") as chat:
            for n in range(3):
                await chat.send(m.Item(n=n, text="x"))
                same(await chat.__anext__(), m.Item(n=n, text="p:x"))
            chat.end()
            same([item async for item in chat], [])

    async def stream_then(self) -> None:
        async with self.shapes.then(3, "x") as stream:
            same([item.n async for item in stream], [0, 1, 2])
            same(await stream.result(), m.Total(count=3, text="x"))

    async def both_then(self) -> None:
        async with self.shapes.both() as both:
            for n in range(3):
                await both.send(m.Item(n=n))
                same(await both.__anext__(), m.Item(n=n))
            same(await both.result(), m.Total(count=3, text=""))

    async def large(self) -> None:
        item = m.Item(n=1, text="x" * 200_000)
        same(await self.shapes.unary(item), m.Item(n=2, text=item.text))

    async def many_items(self) -> None:
        async with self.shapes.items(20_000, "y" * 40) as stream:
            same([item.n async for item in stream], list(range(20_000)))
        async with self.shapes.collect("") as upload:
            for n in range(20_000):
                await upload.send(m.Item(n=n, text="y" * 10))
            same((await upload.result()).count, 20_000)

    async def cancel_call(self) -> None:
        before = await self.shapes.cancelled()
        task = asyncio.ensure_future(self.shapes.slow(60_000))
        await self.shapes.nothing()
        task.cancel()
        await asyncio.wait({task})
        await self.counts(before + 1)

    async def cancel_stream(self) -> None:
        before = await self.shapes.cancelled()
        async with self.shapes.forever() as stream:
            await stream.__anext__()
        await self.counts(before + 1)

    async def deadline(self) -> None:
        before = await self.shapes.cancelled()
        try:
            await self.shapes.slow(60_000, timeout=0.05)
        except Status as status:
            same(status.code, Code.DEADLINE_EXCEEDED)
        await self.counts(before + 1)

    async def idempotent(self) -> None:
        before, key = await self.shapes.once(0), os.urandom(16)
        attempts = (self.shapes.once(20, idempotency_key=key) for _ in range(2))
        same(await asyncio.gather(*attempts), [before + 1, before + 1])
        same(await self.shapes.once(20, idempotency_key=key), before + 1)
        try:
            await self.shapes.once(21, idempotency_key=key)
        except Status as status:
            same(status.code, Code.FAILED_PRECONDITION)
        else:
            raise AssertionError("did not fail")
        same(await self.shapes.once(0), before + 2)

    async def counts(self, wanted: int) -> None:
        while await self.shapes.cancelled() < wanted:
            pass
        same(await self.shapes.cancelled(), wanted)

    async def reverse_call(self) -> None:
        same(await self.shapes.back("abc"), "cba")

    async def reverse_error(self) -> None:
        try:
            await self.shapes.back("refuse")
        except m.MatrixErrorRefused as error:
            same(error.reason, "not me")
        else:
            raise AssertionError("did not fail")

    async def topic_there(self) -> None:
        async with self.there.subscribe(colour=m.Colour.GREEN) as events:
            await self.there.publish(m.Item(n=1), colour=m.Colour.RED, name="py")
            await self.there.publish(m.Item(n=2), colour=m.Colour.GREEN, name="py. *>%é")
            key, item = await events.__anext__()
            same((key.colour, key.name, item), (m.Colour.GREEN, "py. *>%é", m.Item(n=2)))
            tick = m.Tick(name="a.b", item=m.Item(n=3, text="announced"))
            await self.shapes.announce(m.Colour.GREEN, tick)
            key, item = await events.__anext__()
            same((key.name, item), (tick.name, tick.item))

    async def topic_here(self) -> None:
        async with self.shapes.watch(m.Colour.GREEN, 2) as ticks:
            same((await ticks.__anext__()).name, "")
            await self.here.publish(m.Item(n=1), colour=m.Colour.RED, name="no")
            await self.here.publish(m.Item(n=2), colour=m.Colour.GREEN, name="a. b")
            await self.here.publish(m.Item(n=3), colour=m.Colour.GREEN, name="ü>")
            same([(tick.name, tick.item.n) async for tick in ticks], [("a. b", 2), ("ü>", 3)])

    async def topic_kept(self) -> None:
        for n in (1, 2):
            await self.last.publish(m.Item(n=n), name="py")
        async with self.last.subscribe(name="py") as events:
            await self.last.publish(m.Item(n=3), name="py")
            for n, is_kept in ((2, True), (3, False)):
                received = await events.next()
                same((received.value, received.retained), (m.Item(n=n), is_kept))

    async def topic_meta(self) -> None:
        meta = {"by": "py", "ü": "é"}
        async with self.last.subscribe(name="meta py") as live:
            await self.last.publish(m.Item(n=1), name="meta py", meta=meta)
            same((await live.next()).meta, meta)
        async with self.last.subscribe(name="meta py") as late:
            received = await late.next()
            same((received.retained, received.meta), (True, meta))

    async def describe(self) -> None:
        said = cbor2.loads(await self.peer.session.calls.call("fluxar.describe", None, None, None))
        same(hash_descriptor(bare(said)), m.HASH)

    async def all(self) -> int:
        """Goes through all cases, and says what came of each; the exit code."""
        cases: list[Callable[[], Awaitable[None]]] = [
            self.unary, self.typed_error, self.nothing, self.notification, self.names,
            self.server_stream, self.stream_error, self.client_stream, self.both_ways,
            self.stream_then, self.both_then, self.large, self.many_items, self.cancel_call,
            self.cancel_stream, self.deadline, self.idempotent, self.reverse_call,
            self.reverse_error, self.topic_there, self.topic_here, self.topic_kept, self.topic_meta,
            self.describe,
        ]
        failed = 0
        for case in cases:
            why = ""
            try:
                await asyncio.wait_for(case(), PATIENCE)
            except Exception as error:
                why = f"{type(error).__name__}: {error}"
                failed = 1
            say(case=case.__name__, ok=not why, why=why)
        return failed


def say(**said: object) -> None:
    print(json.dumps(said), flush=True)


async def serve(url: str) -> int:
    """Listens and is called."""
    shapes = Shapes()
    async with await m.listen_matrix(url, shapes=shapes) as server:
        shapes.broker = server.broker
        say(listening=server.addresses[0])
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    return 0


async def call(url: str) -> int:
    """Dials and calls."""
    async with await m.Matrix.connect(url, back=Back(), reconnect=None) as matrix:
        return await Calls(matrix.peer, matrix.peer.broker).all()


async def take(url: str) -> int:
    """Listens, and calls who dials."""
    back = Back()
    async with await m.listen_mirror(url, back=back) as server:
        say(listening=server.addresses[0])
        await back.ready.wait()
        return await Calls(next(iter(server.peers)), server.broker).all()


async def offer(url: str) -> int:
    """Dials and is called."""
    shapes = Shapes()
    async with await m.Mirror.connect(url, shapes=shapes, reconnect=None) as mirror:
        shapes.broker = mirror.peer.broker
        await mirror.back.answer("ready")
        await closed(mirror.peer)
    return 0


async def closed(peer: Peer) -> None:
    over = asyncio.Event()
    peer.on_state(lambda state, _: over.set() if state == "closed" else None)
    await over.wait()


def main() -> int:
    commands = {"serve": serve, "call": call, "take": take, "offer": offer}
    if len(sys.argv) != 3 or sys.argv[1] not in commands:
        print(f"usage: {sys.argv[0]} serve|call|take|offer URL", file=sys.stderr)
        return 2
    return asyncio.run(commands[sys.argv[1]](sys.argv[2]))


if __name__ == "__main__":
    sys.exit(main())
