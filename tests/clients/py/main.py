#!/usr/bin/env python3
"""Runs through everything that the spec offers against a node: `main.py PORT [TOKEN]`.

The node is that of `tests/conformance/client.rs`. Says each step that went well; the first one
that does not ends the program with an error.
"""

import asyncio
import sys

from fluxar import Session, Status

HOST = "127.0.0.1"


def said(step):
    print(step, flush=True)


async def fails(code, work):
    """The work must fail with this code."""
    try:
        await work
    except Status as status:
        assert status.code == code, status
        return status
    raise AssertionError(f"did not fail with {code}")


async def calls(session):
    assert await session.call("math.double", 21) == 42
    text = "x" * 100_000
    assert await session.call("text.length", text) == len(text)
    assert await session.call("text.repeat", 70_000) == "x" * 70_000
    said("calls, whole and in fragments")
    many = [session.call("math.double", n) for n in range(200)]
    assert await asyncio.gather(*many) == [2 * n for n in range(200)]
    said("200 calls at once")
    await fails("unimplemented", session.call("no.such", 1))
    status = await fails("invalid_argument", session.call("math.double", "one"))
    assert status.message, "the message names the path"
    await fails("invalid_argument", session.call("math..double", 1))
    await fails("internal", session.call("bad.panics", 1))
    status = await fails("not_found", session.call("bad.fails", 1))
    assert status.message == "no such thing"
    assert await session.call("math.double", 1) == 2
    said("errors have their codes")


async def both_directions(session):
    async def approve(amount):
        # A handler that calls its caller's caller: hops and all.
        return await session.call("math.double", amount, hops=2)

    async def fail(_):
        raise Status("already_exists", "twice")

    session.handle("tools.approve", approve)
    session.handle("tools.fail", fail)
    assert await session.call("ask.back", {"target": "tools.approve", "amount": 4}) == 8
    await fails("already_exists", session.call("ask.back", {"target": "tools.fail", "amount": 4}))
    await fails("unimplemented", session.call("ask.back", {"target": "tools.none", "amount": 4}))
    said("the node calls back")

    async def squares(count, stream):
        for number in range(count):
            await stream.send(number * number)
        return "done"

    session.handle_stream("tools.squares", squares)
    assert await session.call("ask.squares", 100) == sum(n * n for n in range(100))
    said("the node opens a stream here")


async def cancelling(session):
    await fails("deadline_exceeded", session.call("slow.work", None, deadline_ms=50))
    task = asyncio.ensure_future(session.call("slow.work"))
    await session.ping()
    task.cancel()
    try:
        await task
    except asyncio.CancelledError:
        pass
    # The answers to both still come, and free the ids.
    while session.calls:
        await session.ping()
    said("deadlines and cancelling")


async def streams(session):
    stream = session.open("words.count", 500, half_closed=True, credit=64)
    words = [word async for word in stream]  # in order, each once: [L5.stream.6]
    assert words == [f"word {n}" for n in range(500)], len(words)
    assert await stream.result() == 500
    said("a stream of 500 items with a window of 64 bytes, then a result")

    stream = session.open("sum.up", None)
    total = 0
    for number in range(20_000):
        await stream.send("y" * 40)
        total += 40
    stream.end()
    assert await stream.result() == total
    said("a stream of 20,000 items to the node, more than its window")

    stream = session.open("chat.echo", None)
    for text in ("one", "two", "z" * 40_000):
        await stream.send(text)
        assert await stream.__anext__() == text.upper()
    stream.end()
    assert await stream.result() is None
    said("a stream both ways, one item in fragments")

    stream = session.open("words.forever", None, half_closed=True)
    for _ in range(10):
        await stream.__anext__()
    stream.cancel()
    assert await stream.result() == "stopped"
    said("a cancelled stream still gives its result")

    stream = session.open("no.such", None)
    await fails("unimplemented", stream.result())
    assert not session.streams, session.streams
    said("a refused stream")


async def topics(session):
    seen = asyncio.Queue()

    def on_event(topic, value, meta):
        seen.put_nowait((topic, value, 4 in meta))

    session.publish("orders.last", "before", retain=True)
    await session.ping()
    orders = await session.subscribe("orders.*", on_event)
    assert await seen.get() == ("orders.last", "before", True)
    session.publish("orders.created", {"id": 7})
    assert await seen.get() == ("orders.created", {"id": 7}, False)
    session.publish("other.created", 1)
    await session.unsubscribe(orders)
    session.publish("orders.created", 8)
    exact = await session.subscribe("log.lines", on_event, credit=100)
    session.notify("log.line", "hello")
    assert await seen.get() == ("log.lines", "hello", False)
    for number in range(300):  # [L5.topic.4]
        session.publish("log.lines", f"line {number:04}")
        assert await seen.get() == ("log.lines", f"line {number:04}", False)
    await session.unsubscribe(exact)
    assert seen.empty()
    await fails("invalid_argument", session.subscribe("a.>.b", on_event))
    said("topics: wildcards, retained values, notifications, credit")


async def main():
    port = int(sys.argv[1])
    auth = ("bearer", sys.argv[2]) if len(sys.argv) > 2 else None
    session = await Session.dial(HOST, port, auth=auth)
    said(f"ready: {session.peer_name}")
    assert await session.ping() < 5
    if auth:
        await fails("permission_denied", session.call("bad.panics", 1))
        assert await session.call("math.double", 4) == 8
        await session.goodbye()
        said("rights")
        return
    await calls(session)
    await both_directions(session)
    await cancelling(session)
    await streams(session)
    await topics(session)
    last = asyncio.ensure_future(session.call("slow.answer", 5))
    await session.ping()
    assert session.calls, "the call is open when the goodbye is said"
    goodbye = asyncio.ensure_future(session.goodbye())
    assert await last == 5
    assert await asyncio.wait_for(goodbye, 5) is None
    said("goodbye, after what was open")


try:
    asyncio.run(main())
except Status as failed:
    said(f"failed: {failed.code}")
    raise
