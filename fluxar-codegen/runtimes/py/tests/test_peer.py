"""Calls, streams and topics between two peers of this runtime, over a link in memory."""

from __future__ import annotations

import asyncio
import unittest

from fluxar_rt import DROP_NEWEST, LATEST, Code, Context, Limits, Peer, Routes, Status
from fluxar_rt.feed import DISCONNECT, RawEvent
from fluxar_rt.message import EVENT, Message
from fluxar_rt.streams import RawStream
from fluxar_rt.window import cost
from pipe import PipeLink, pair


def calls(**handlers: object) -> Routes:
    return Routes({f"t.{name}": handler for name, handler in handlers.items()})  # type: ignore


def streams(**handlers: object) -> Routes:
    return Routes(streams={f"t.{name}": handler for name, handler in handlers.items()})  # type: ignore


async def echo(_: Context, payload: bytes | None) -> bytes:
    return payload or b""


def link_of(peer: Peer) -> PipeLink:
    link = peer.session.link
    assert isinstance(link, PipeLink)
    return link


class PeerTest(unittest.IsolatedAsyncioTestCase):
    async def fails(self, code: Code, work: object) -> Status:
        with self.assertRaises(Status) as caught:
            await asyncio.wait_for(work, 5)  # type: ignore
        self.assertEqual(caught.exception.code, code, caught.exception)
        return caught.exception


class Calls(PeerTest):
    async def test_large_messages_travel_in_fragments_and_delay_nobody(self) -> None:
        a, b = await pair(serve_b=calls(echo=echo))
        large = bytes(range(256)) * 4096
        slow = asyncio.create_task(a.call("t.echo", large))
        await asyncio.sleep(0)
        self.assertEqual(await a.call("t.echo", b"\x01"), b"\x01")
        self.assertFalse(slow.done())
        self.assertEqual(await slow, large)
        await asyncio.gather(a.close(), b.close())

    async def test_what_the_peer_does_not_take_is_refused_here(self) -> None:
        a, b = await pair(limits_b=Limits(message_bytes_max=2000), serve_b=calls(echo=echo))
        await self.fails(Code.RESOURCE_EXHAUSTED, a.call("t.echo", bytes(3000)))
        self.assertEqual(await a.call("t.echo", b"x"), b"x")
        await b.close()

    async def test_an_answer_that_is_too_large_becomes_an_error(self) -> None:
        async def large(*_: object) -> bytes:
            return bytes(3000)

        a, _ = await pair(limits_a=Limits(message_bytes_max=2000), serve_b=calls(large=large))
        await self.fails(Code.RESOURCE_EXHAUSTED, a.call("t.large"))
        await a.close()

    async def test_handlers_that_break_harm_nobody(self) -> None:
        async def breaks(*_: object) -> bytes:
            raise ValueError("secret")

        async def refuses(*_: object) -> bytes:
            raise Status(Code.NOT_FOUND, "no such thing")

        a, _ = await pair(serve_b=calls(breaks=breaks, refuses=refuses, echo=echo))
        with self.assertLogs("fluxar"):
            status = await self.fails(Code.INTERNAL, a.call("t.breaks"))
        self.assertNotIn("secret", status.message)
        self.assertEqual((await self.fails(Code.NOT_FOUND, a.call("t.refuses"))).message,
                         "no such thing")
        await self.fails(Code.UNIMPLEMENTED, a.call("t.none"))
        await self.fails(Code.INVALID_ARGUMENT, a.call("t..none"))
        self.assertEqual(await a.call("t.echo", b"1"), b"1")
        await a.close()

    async def test_cancelling_a_task_cancels_the_handler(self) -> None:
        seen: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        started = asyncio.Event()

        async def slow(*_: object) -> bytes:
            started.set()
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                seen.set_result("cancelled")
                raise
            return b""

        a, b = await pair(serve_b=calls(slow=slow))
        task = asyncio.create_task(a.call("t.slow"))
        await started.wait()
        task.cancel()
        with self.assertRaises(asyncio.CancelledError):
            await task
        self.assertEqual(await asyncio.wait_for(seen, 5), "cancelled")
        while a.session.calls.outbound:
            await asyncio.sleep(0)
        self.assertEqual(b.session.calls.running, 0)
        await a.close()

    async def test_a_handler_that_will_not_stop_is_answered_for(self) -> None:
        started, release = asyncio.Event(), asyncio.Event()

        async def stubborn(*_: object) -> bytes:
            started.set()
            while not release.is_set():
                try:
                    await release.wait()
                except asyncio.CancelledError:
                    continue
            return b"late"

        a, b = await pair(limits_b=Limits(cancel_grace=0.01), serve_b=calls(s=stubborn))
        with self.assertLogs("fluxar"):
            await self.fails(Code.DEADLINE_EXCEEDED, a.call("t.s", timeout=0.01))
            while a.session.calls.outbound:
                await asyncio.sleep(0)
        self.assertEqual(b.session.calls.running, 1)
        release.set()
        while b.session.calls.running:
            await asyncio.sleep(0)
        await a.close()

    async def test_deadlines_shrink_and_hops_grow_over_nested_calls(self) -> None:
        seen: list[tuple[float, int]] = []

        async def outer(context: Context, _: bytes | None) -> bytes:
            return await context.session.calls.call("t.inner", None, context.deadline, None)

        async def inner(context: Context, _: bytes | None) -> bytes:
            assert context.time_left is not None
            seen.append((context.time_left, context.hops))
            return b"ok"

        a, b = await pair(serve_a=calls(inner=inner), serve_b=calls(outer=outer))
        self.assertEqual(await a.call("t.outer", timeout=5), b"ok")
        self.assertEqual(seen[0][1], 2)
        self.assertLess(seen[0][0], 5)
        await b.close()

    async def test_chains_of_calls_end(self) -> None:
        async def bounce(context: Context, _: bytes | None) -> bytes:
            return await context.session.calls.call("t.bounce", None, None, None)

        a, _ = await pair(serve_a=calls(bounce=bounce), serve_b=calls(bounce=bounce))
        await self.fails(Code.RESOURCE_EXHAUSTED, a.call("t.bounce"))
        await a.close()

    async def test_calls_above_the_limit_wait_for_a_place(self) -> None:
        running = most = 0

        async def slow(*_: object) -> bytes:
            nonlocal running, most
            running += 1
            most = max(most, running)
            await asyncio.sleep(0.001)
            running -= 1
            return b""

        a, _ = await pair(limits_b=Limits(calls_max=3), serve_b=calls(slow=slow))
        await asyncio.gather(*(a.call("t.slow") for _ in range(20)))
        self.assertEqual(most, 3)
        await a.close()

    async def test_notifications_have_no_answer(self) -> None:
        heard: asyncio.Future[bytes | None] = asyncio.get_running_loop().create_future()

        async def note(_: Context, payload: bytes | None) -> bytes:
            heard.set_result(payload)
            return b""

        a, _ = await pair(serve_b=calls(note=note))
        await a.notify("t.note", b"x")
        self.assertEqual(await asyncio.wait_for(heard, 5), b"x")
        await a.close()

    async def test_a_lost_link_ends_calls_once_and_honestly(self) -> None:
        async def never(*_: object) -> bytes:
            await asyncio.sleep(60)
            return b""

        a, _ = await pair(serve_b=calls(never=never))
        sent = asyncio.create_task(a.call("t.never"))
        await link_of(a).idle()
        link_of(a).held.clear()
        first = asyncio.create_task(a.call("t.never"))
        await link_of(a).idle()
        unsent = asyncio.create_task(a.call("t.never"))
        await link_of(a).idle()
        link_of(a).cut()
        await self.fails(Code.INDETERMINATE, sent)
        await self.fails(Code.INDETERMINATE, first)
        await self.fails(Code.UNAVAILABLE, unsent)
        await self.fails(Code.UNAVAILABLE, a.call("t.never"))

    async def test_goodbye_lets_what_is_open_end(self) -> None:
        release = asyncio.Event()

        async def slow(*_: object) -> bytes:
            await release.wait()
            return b"done"

        a, b = await pair(serve_b=calls(slow=slow))
        call = asyncio.create_task(a.call("t.slow"))
        await link_of(a).idle()
        closing = asyncio.create_task(b.close())
        await link_of(a).idle()
        await self.fails(Code.UNAVAILABLE, a.call("t.slow"))
        release.set()
        self.assertEqual(await call, b"done")
        await closing
        self.assertEqual(b.state, "closed")


class Streams(PeerTest):
    async def test_items_wait_for_credit_and_come_in_order(self) -> None:
        sent = 0

        async def count(_: Context, __: bytes | None, stream: RawStream) -> bytes:
            nonlocal sent
            for number in range(100):
                await stream.send(bytes([number]))
                sent += 1
            return b"end"

        a, _ = await pair(serve_b=streams(count=count))
        window = 10 * cost(b"x")
        stream = await a.open_stream("t.count", half_closed=True, credit=window)
        await link_of(a).idle()
        self.assertEqual(sent, 10)
        got = [await stream.next() for _ in range(100)]
        self.assertEqual(got, [bytes([number]) for number in range(100)])
        self.assertIsNone(await stream.next())
        self.assertEqual(stream.result, b"end")
        self.assertFalse(a.session.streams.open_streams)
        await a.close()

    async def test_uploads_wait_for_the_handler(self) -> None:
        go = asyncio.Event()

        async def collect(_: Context, __: bytes | None, stream: RawStream) -> bytes:
            await go.wait()
            total = 0
            while (item := await stream.next()) is not None:
                total += len(item)
            return str(total).encode()

        a, _ = await pair(limits_b=Limits(initial_credit=1000), serve_b=streams(collect=collect))
        stream = await a.open_stream("t.collect")

        async def upload() -> None:
            for _ in range(100):
                await stream.send(bytes(100))
            stream.end()

        task = asyncio.create_task(upload())
        await link_of(a).idle()
        self.assertFalse(task.done())
        go.set()
        await task
        self.assertIsNone(await stream.next())
        self.assertEqual(stream.result, b"10000")
        await a.close()

    async def test_leaving_a_stream_cancels_its_handler(self) -> None:
        ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        async def forever(_: Context, __: bytes | None, stream: RawStream) -> bytes:
            try:
                while True:
                    await stream.send(b"x")
            finally:
                ended.set_result(None)

        a, b = await pair(serve_b=streams(forever=forever))
        stream = await a.open_stream("t.forever", half_closed=True)
        await stream.next()
        stream.abandon()
        await asyncio.wait_for(ended, 5)
        while a.session.streams.open_streams or b.session.streams.open_streams:
            await asyncio.sleep(0)
        await a.close()

    async def test_a_cancelled_stream_may_still_give_a_result(self) -> None:
        async def patient(_: Context, __: bytes | None, stream: RawStream) -> bytes:
            try:
                while True:
                    await stream.send(b"x")
            except (Status, asyncio.CancelledError):
                return b"stopped"

        a, _ = await pair(serve_b=streams(patient=patient))
        stream = await a.open_stream("t.patient", half_closed=True)
        await stream.next()
        stream.cancel()
        while await stream.next() is not None:
            pass
        self.assertEqual(stream.result, b"stopped")
        await a.close()

    async def test_deadlines_end_streams_on_both_sides(self) -> None:
        async def slow(*_: object) -> bytes:
            await asyncio.sleep(60)
            return b""

        a, b = await pair(serve_b=streams(slow=slow))
        stream = await a.open_stream("t.slow", half_closed=True, timeout=0.02)
        await self.fails(Code.DEADLINE_EXCEEDED, stream.next())
        while a.session.streams.open_streams or b.session.streams.running:
            await asyncio.sleep(0.001)
        await a.close()

    async def test_refused_streams_leave_nothing(self) -> None:
        a, b = await pair()
        stream = await a.open_stream("t.none")
        self.assertIsNone(await stream.next())
        assert stream.error is not None
        self.assertEqual(stream.error.code, Code.UNIMPLEMENTED)
        await self.fails(Code.UNIMPLEMENTED, stream.send(b"x"))
        await link_of(a).idle()
        self.assertFalse(a.session.streams.open_streams or b.session.streams.open_streams)
        await a.close()

    async def test_an_item_without_credit_ends_the_session(self) -> None:
        async def hold(*_: object) -> bytes:
            await asyncio.sleep(60)
            return b""

        a, b = await pair(limits_b=Limits(initial_credit=64), serve_b=streams(hold=hold))
        acceptor = b.session
        stream = await a.open_stream("t.hold")
        stream.credit = 1 << 20
        for _ in range(4):
            await stream.send(b"x")
        with self.assertRaises(Status):
            while True:
                await stream.send(b"x")
                await asyncio.sleep(0)
        assert acceptor.reason is not None
        self.assertIn("L5.credit.1", acceptor.reason.message)
        self.assertIn("L5.credit.1", stream.error.message if stream.error else "")


class Topics(PeerTest):
    async def test_events_reach_whoever_matches(self) -> None:
        a, b = await pair()
        sub = await a.subscribe("orders.*.created")
        b.publish_local("orders.eu.created", b"1")
        b.publish_local("orders.eu.shipped", b"2")
        await a.publish("orders.us.created", b"3")
        first, second = await sub.next(), await sub.next()
        assert first is not None and second is not None
        self.assertEqual((first.topic, first.payload), ("orders.eu.created", b"1"))
        self.assertEqual((second.topic, second.payload), ("orders.us.created", b"3"))
        sub.leave()
        self.assertIsNone(await sub.next())
        await a.close()

    async def test_retained_values_come_first(self) -> None:
        a, b = await pair()
        b.publish_local("state.x", b"old", retain=True)
        b.publish_local("state.x", b"new", retain=True)
        b.publish_local("state.y", b"gone", retain=True)
        b.publish_local("state.y", b"", retain=True)
        sub = await a.subscribe("state.>")
        event = await sub.next()
        assert event is not None
        self.assertEqual((event.payload, event.retained), (b"new", True))
        self.assertFalse(sub.events)
        await a.close()

    async def test_what_is_kept_stays_when_there_is_no_room_for_more(self) -> None:
        """[L5.retain.3]"""
        a, b = await pair(limits_b=Limits(retained_max=1, retained_bytes_max=200))
        b.publish_local("a", b"1", retain=True)
        live = await a.subscribe("*")
        await live.next()
        with self.assertLogs("fluxar", "WARNING") as logged:
            with self.assertRaises(Status) as caught:
                b.publish_local("b", b"2", retain=True)
            self.assertEqual(caught.exception.code, Code.RESOURCE_EXHAUSTED)
            await a.publish("b", b"3", retain=True)
            await a.ping()
            with self.assertRaises(Status):
                b.publish_local("a", bytes(200), retain=True)
            got = [await live.next() for _ in range(3)]
        self.assertEqual([event.payload for event in got if event], [b"2", b"3", bytes(200)])
        self.assertEqual(len(logged.records), 1, "once, however often")
        late = await a.subscribe(">")
        event = await late.next()
        assert event is not None
        self.assertEqual((event.topic, event.payload, event.retained), ("a", b"1", True))
        self.assertFalse(late.events)
        b.publish_local("a", b"", retain=True)
        b.publish_local("b", b"4", retain=True)
        await a.close()

    async def test_who_is_too_slow_for_the_kept_values_gets_nothing_behind_the_end(self) -> None:
        a, b = await pair(limits_b=Limits(subscription_bytes_max=2000))
        for number in range(8):
            b.publish_local(f"t.{number}", bytes(900), retain=True)
        slow = await a.subscribe("t.*", credit=1, overflow=DISCONNECT)
        await a.ping()
        self.assertTrue(slow.over)
        assert slow.error is not None
        self.assertEqual(slow.error.code, Code.RESOURCE_EXHAUSTED)
        self.assertEqual(b.session.topics.queues.bytes, 0, "nothing waits for it")

    async def test_what_a_publisher_says_beside_an_event_comes_with_it(self) -> None:
        """Kept or not, and it costs credit [L5.carry.1, L5.credit.2]."""
        a, b = await pair()
        meta = {"by": "ann", "trace": "v" * 1900}
        size = 32 + 1 + (1 + 5) + (3 + 1900) + (1 + 2) + (1 + 3)
        own = await b.broker.subscribe("a.b")
        slow = await a.subscribe("a.b", credit=2 * size + 1, overflow=DROP_NEWEST)
        for number in range(3):
            b.publish_local("a.b", bytes([number]), meta=meta, retain=True)
        await a.ping()
        got = [await own.next() for _ in range(3)]
        self.assertEqual([event.meta for event in got if event], [meta] * 3)
        self.assertEqual(len(slow.events), 3, "one more byte of credit is one more event")
        await a.publish("a.b", b"late")
        await a.ping()
        self.assertEqual(len(slow.events), 3, "and then there is none")
        got = [await slow.next() for _ in range(4)]
        self.assertEqual([dict(event.meta) for event in got if event], [meta, meta, meta, {}])
        late = await a.subscribe("a.*")
        kept = await late.next()
        assert kept is not None
        self.assertEqual((kept.retained, kept.meta), (True, meta))
        mutable, here = {"by": "bob"}, await b.broker.subscribe("m")
        b.publish_local("m", b"", meta=mutable)
        mutable["by"] = "eve"
        mine, held = await here.next(), RawEvent("a", b"", meta={"k": "v"}).held
        assert mine is not None
        self.assertEqual(mine.meta, {"by": "bob"}, "what waits or is kept does not change")
        self.assertGreaterEqual(held, RawEvent("a", b"").held + 32, "an entry takes more than its bytes")
        large = {"key": "v" * 7200}
        await self.fails(Code.INVALID_ARGUMENT, a.publish("a.b", b"x", meta=large))
        with self.assertRaises(Status):
            b.publish_local("a.b", b"x", meta=large)
        # A peer that sends more than a delivery has room for is charged.
        many = {f"k{n}": "v" for n in range(49)}
        for entries in (many, dict(list(many.items())[:48])):
            message = Message(EVENT, target="a.b", payload=bytes([len(entries)]))
            message.meta.update(entries)
            a.session.put(0, message)
        event = await own.next()
        self.assertEqual(event and event.payload, b"late")
        event = await own.next()
        self.assertEqual(event and event.payload, bytes([48]))
        await a.close()

    async def test_a_program_subscribes_at_its_own_side(self) -> None:
        a, b = await pair()
        own = await a.broker.subscribe("orders.>")
        slow = await a.broker.subscribe("orders.new", credit=1, overflow=LATEST)
        theirs = await b.subscribe("orders.*")
        for number in range(5):
            a.publish_local("orders.new", bytes([number]))
        await b.publish("orders.old", b"o")
        got = [await own.next() for _ in range(6)]
        self.assertEqual([event.payload for event in got if event],
                         [*map(bytes, ([0], [1], [2], [3], [4])), b"o"])
        missed = [await slow.next() for _ in range(2)]
        self.assertEqual([(event.payload, event.dropped) for event in missed if event],
                         [(b"\0", 0), (b"\4", 3)])
        self.assertEqual([await theirs.next() for _ in range(6)], got)
        slow.leave()
        self.assertIsNone(await slow.next())
        await asyncio.gather(a.close(), b.close())
        self.assertIsNone(await own.next())
        await self.fails(Code.UNAVAILABLE, a.broker.subscribe("a"))

    async def test_slow_subscribers_are_told_what_they_missed(self) -> None:
        a, b = await pair(limits_b=Limits(subscription_bytes_max=300))
        sub = await a.subscribe("log", credit=40)
        for number in range(10):
            b.publish_local("log", bytes([number]) * 10)
        await link_of(a).idle()
        got: list[tuple[int, int]] = []
        while not got or got[-1][0] != 9:
            event = await asyncio.wait_for(sub.next(), 5)
            assert event is not None
            got.append((event.payload[0], event.dropped))
        self.assertEqual(got[0], (0, 0))
        self.assertEqual(len(got) + sum(dropped for _, dropped in got), 10)
        self.assertGreater(sum(dropped for _, dropped in got), 0)
        await a.close()

    async def test_the_policy_disconnect_ends_a_slow_subscription(self) -> None:
        a, b = await pair(limits_b=Limits(subscription_bytes_max=300))
        sub = await a.subscribe("log", credit=1, overflow=3)
        for _ in range(20):
            b.publish_local("log", bytes(50))
        while await sub.next() is not None:
            pass
        assert sub.error is not None
        self.assertEqual(sub.error.code, Code.RESOURCE_EXHAUSTED)
        await a.close()

    async def test_one_of_a_group_gets_an_event(self) -> None:
        a, b = await pair()
        subs = [await a.subscribe("jobs.*", group="workers") for _ in range(3)]
        for _ in range(30):
            b.publish_local("jobs.x", b"j")
        await link_of(a).idle()
        self.assertEqual(sum(len(sub.events) for sub in subs), 30)
        await a.close()

    async def test_bad_patterns_are_refused(self) -> None:
        a, _ = await pair(limits_b=Limits(subscriptions_max=1))
        await self.fails(Code.INVALID_ARGUMENT, a.subscribe("a.>.b"))
        await self.fails(Code.INVALID_ARGUMENT, a.publish("a.*", b""))
        await a.subscribe("a")
        await self.fails(Code.RESOURCE_EXHAUSTED, a.subscribe("b"))
        await a.close()


if __name__ == "__main__":
    unittest.main()
