"""A generated contract between two peers: every shape, both ways, typed errors, typed topics.

Needs the package `sample` (from `sample.fluxar`) in the folder `FLUXAR_GENERATED`.
"""

from __future__ import annotations

import asyncio
import os
import sys
import unittest
from collections.abc import AsyncIterator
from datetime import timedelta
from decimal import Decimal
from random import Random
from typing import Any
from uuid import UUID

sys.path.insert(0, os.environ["FLUXAR_GENERATED"])

import sample.shop_v1 as shop
from sample.fluxar_rt import Code, Context, Limits, Sink, Status, Unknown
from sample.fluxar_rt import checks, codec, types
from sample.fluxar_rt.names import escape, unescape
from values import Values

ID = shop.Id(UUID(int=7))
EMAIL = shop.Email("a@b.example")


def all_types(seed: int = 1) -> shop.AllTypes:
    made: shop.AllTypes = Values(Random(seed), codec, types, checks).of(shop.CODECS["AllTypes"])
    return made


class Users:
    def __init__(self) -> None:
        self.told: asyncio.Queue[str] = asyncio.Queue()
        self.stopped = asyncio.Event()
        self.seen: list[float | None] = []

    async def get(self, ctx: Context, id: shop.Id, /) -> shop.AllTypes:
        self.seen.append(ctx.time_left)
        if id != ID:
            raise shop.ShopErrorNotFound(id=id)
        return all_types()

    async def tell(self, ctx: Context, what: str, /) -> None:
        self.told.put_nowait(what)

    async def list(
        self, ctx: Context, page: shop.Defaulted, timeout_: int, /
    ) -> list[shop.AllTypes]:  # type: ignore[valid-type]
        return [all_types(seed) for seed in range(page.x)]

    async def nothing(self, ctx: Context, /) -> None:
        return None

    async def check(self, ctx: Context, limited: shop.Limited, /) -> None:
        return None

    async def watch(
        self, ctx: Context, role: shop.Region | Unknown | None, /
    ) -> AsyncIterator[shop.AllTypes]:
        try:
            for seed in range(3):
                yield all_types(seed)
            if role is shop.Region.EU:
                raise shop.ShopErrorEmailTaken()
            if role is shop.Region.US:
                await asyncio.sleep(60)
        finally:
            self.stopped.set()

    async def import_(
        self, ctx: Context, dry: bool, rows: AsyncIterator[shop.Row], /
    ) -> int:
        return len([row async for row in rows])

    async def chat(
        self, ctx: Context, system: str, turns: AsyncIterator[shop.Part], /
    ) -> AsyncIterator[shop.Part]:
        async for turn in turns:
            yield shop.PartNested([shop.PartText(system), turn])

    async def complete(
        self, ctx: Context, prompt: str, out: Sink[shop.Part], /
    ) -> shop.Defaults:
        allowed = await shop.ShopPeer(ctx).approvals.approve(shop.PartText(prompt))
        if not allowed:
            raise shop.ShopErrorPlain("not allowed")
        for word in prompt.split():
            await out.send(shop.PartText(word))
        return shop.Defaults(c=Decimal("0.1"))

    async def both(
        self, ctx: Context, items: AsyncIterator[shop.Part], out: Sink[shop.Part], /
    ) -> shop.Odd:
        async for item in items:
            await out.send(item)
        return odd()

    async def None_(self, ctx: Context, self_: str, ctx_: Any, /) -> Any:
        return [self_, ctx_]


def odd() -> shop.Odd:
    made: shop.Odd = Values(Random(3), codec, types, checks).of(shop.CODECS["Odd"])
    return made


class Approvals:
    def __init__(self, allow: bool = True) -> None:
        self.allow = allow
        self.asked: list[shop.Part] = []

    async def approve(self, ctx: Context, call: shop.Part, /) -> bool:
        self.asked.append(call)
        return self.allow


class ContractTest(unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self) -> None:
        self.users, self.approvals = Users(), Approvals()
        self.server = await shop.listen_shop("ws://127.0.0.1:0", users=self.users)
        self.shop = await shop.Shop.connect(self.server.addresses[0], approvals=self.approvals)

    async def asyncTearDown(self) -> None:
        await self.shop.close()
        await self.server.close()

    async def test_calls_have_types(self) -> None:
        users = self.shop.users
        self.assertEqual(await users.get(ID), all_types())
        self.assertIsNone(await users.nothing())
        page = shop.Defaulted(x=2)
        self.assertEqual(await users.list(timeout_=1, page=page), [all_types(0), all_types(1)])
        self.assertEqual(len(await users.list(timeout_=1)), 1)
        self.assertEqual(await users.None_("a", {"b": [1, None]}), ["a", {"b": [1, None]}])
        await users.tell("it")
        self.assertEqual(await asyncio.wait_for(self.users.told.get(), 5), "it")

    async def test_deadlines_come_from_the_contract_and_from_the_caller(self) -> None:
        await self.shop.users.get(ID)
        await self.shop.users.get(ID, timeout=60)
        default, own = self.users.seen
        assert default is not None and own is not None
        self.assertTrue(0 < default <= 1.5 < own <= 60)

    async def test_errors_are_exceptions_with_types(self) -> None:
        with self.assertRaises(shop.ShopErrorNotFound) as caught:
            await self.shop.users.get(shop.Id(UUID(int=8)))
        self.assertEqual(caught.exception.id, UUID(int=8))
        self.assertEqual(caught.exception.code, Code.NOT_FOUND)
        self.assertEqual(caught.exception.type_name, "shop.v1.ShopError")
        self.assertEqual(caught.exception, shop.ShopErrorNotFound(id=shop.Id(UUID(int=8))))
        async with self.shop.users.watch(shop.Region.EU) as stream:
            with self.assertRaises(shop.ShopErrorEmailTaken):
                async for _ in stream:
                    pass

    async def test_constraints_are_checked_here_and_there(self) -> None:
        rows = [shop.Row(email=EMAIL), shop.Row(email=shop.Email("no"))]
        good = shop.Limited(small=64, email=EMAIL, names=["ab."], maybe=0.5, rows=rows[:1])
        await self.shop.users.check(good)
        bad = {
            "limited.small": shop.Limited(small=65, email=EMAIL, names=[], rows=[]),
            "limited.email": shop.Limited(small=1, email=shop.Email("x"), names=[], rows=[]),
            "limited.names": shop.Limited(small=1, email=EMAIL, names=["a"] * 3, rows=[]),
            "limited.names[1]": shop.Limited(small=1, email=EMAIL, names=["a", "B"], rows=[]),
            "limited.maybe": shop.Limited(small=1, email=EMAIL, names=[], maybe=0.6, rows=[]),
            "limited.rows[1].email": shop.Limited(small=1, email=EMAIL, names=[], rows=rows),
        }
        params = shop._m_UsersClient_check.params
        assert params is not None
        for path, value in bad.items():
            with self.assertRaises(Status) as here:
                await self.shop.users.check(value)
            payload = codec.encode(params, {"limited": value}, True)
            with self.assertRaises(Status) as there:
                await self.shop.peer.call("shop.v1.users.check", payload)
            for caught in (here, there):
                self.assertEqual(caught.exception.code, Code.INVALID_ARGUMENT)
                self.assertIn(f"`{path}`", caught.exception.message)

    async def test_what_does_not_decode_is_refused_with_its_path(self) -> None:
        for payload, path in ((b"\xa1\x01\x05", "id"), (b"\xa0", "id"), (b"", "id")):
            with self.assertRaises(Status) as caught:
                await self.shop.peer.call("shop.v1.users.get", payload)
            self.assertEqual(caught.exception.code, Code.INVALID_ARGUMENT)
            self.assertIn(f"`{path}`", caught.exception.message)

    async def test_streams_from_the_callee(self) -> None:
        async with self.shop.users.watch() as stream:
            self.assertEqual([item async for item in stream], [all_types(n) for n in range(3)])
        self.users.stopped.clear()
        async with self.shop.users.watch(shop.Region.US) as stream:
            async for _ in stream:
                break
        await asyncio.wait_for(self.users.stopped.wait(), 5)

    async def test_streams_from_the_caller(self) -> None:
        async with self.shop.users.import_(True) as upload:
            for _ in range(1000):
                await upload.send(shop.Row(email=EMAIL))
            self.assertEqual(await upload.result(), 1000)

    async def test_streams_both_ways(self) -> None:
        async with self.shop.users.chat("sys") as chat:
            for word in ("a", "b"):
                await chat.send(shop.PartText(word))
                answer = await chat.__anext__()
                wanted = shop.PartNested([shop.PartText("sys"), shop.PartText(word)])
                self.assertEqual(answer, wanted)
            chat.end()
            self.assertEqual([item async for item in chat], [])
        async with self.shop.users.both() as both:
            await both.send(Unknown("newer", b"\x01"))
            self.assertEqual(await both.__anext__(), Unknown("newer", b"\x01"))
            self.assertEqual(await both.result(), odd())

    async def test_the_callee_calls_back_in_the_middle(self) -> None:
        async with self.shop.users.complete("how do tides work") as stream:
            words = [part async for part in stream]
            self.assertEqual(words[-1], shop.PartText("work"))
            self.assertEqual(await stream.result(), shop.Defaults(c=Decimal("0.1")))
        self.assertEqual(self.approvals.asked, [shop.PartText("how do tides work")])
        self.approvals.allow = False
        async with self.shop.users.complete("no") as stream:
            with self.assertRaises(shop.ShopErrorPlain) as caught:
                await stream.result()
        self.assertEqual(caught.exception.value, "not allowed")

    async def test_topics_have_typed_paths(self) -> None:
        topic = self.shop.order_events
        async with topic.subscribe(region=shop.Region.EU) as events:
            for region in (shop.Region.US, shop.Region.EU):
                await topic.publish(shop.PartEmpty(), region=region, order_id=ID, n=200,
                                    live=True, name="a.b *%")
            key, event = await events.__anext__()
            self.assertEqual(event, shop.PartEmpty())
            wanted = shop.OrderEventsKey(region=shop.Region.EU, order_id=ID, n=200, live=True,
                                         name="a.b *%")
            self.assertEqual(key, wanted)
        async with topic.subscribe(n=200) as events:
            received = await events.next()
            self.assertTrue(received.retained)
        with self.assertRaises(Status) as caught:
            await topic.publish(shop.PartEmpty(), region=shop.Region.EU, order_id=ID, n=1,
                                live=True, name="")
        self.assertEqual(caught.exception.code, Code.INVALID_ARGUMENT)
        self.assertIn("name", caught.exception.message)

    async def test_a_topic_is_at_either_side(self) -> None:
        here, there = shop.PlainTopic(self.server.broker), self.shop.plain
        async with here.subscribe() as own, there.subscribe() as theirs:
            await here.publish(all_types(1))
            await there.publish(all_types(2))
            for events in (own, theirs):
                values = [(await events.__anext__())[1] for _ in range(2)]
                self.assertEqual(values, [all_types(1), all_types(2)])

    async def test_events_that_cannot_be_read_are_passed_over(self) -> None:
        async with self.shop.plain.subscribe() as events:
            self.server.publish("plain", b"\x01")
            await self.shop.plain.publish(all_types())
            with self.assertLogs("fluxar"):
                _, event = await events.__anext__()
            self.assertEqual(event, all_types())

    async def test_subscriptions_outlive_a_lost_link(self) -> None:
        async with self.shop.plain.subscribe() as events:
            lost = self.shop.peer.session
            states: list[str] = []
            self.shop.peer.on_state(lambda state, _: states.append(state))
            await lost.link.close()
            waiting = asyncio.create_task(events.next())
            while "ready" not in states:
                await asyncio.sleep(0.001)
            while not self.server.config.broker.subscriptions:
                await asyncio.sleep(0.001)
            await self.shop.plain.publish(all_types(9))
            received = await asyncio.wait_for(waiting, 5)
            self.assertEqual(received.value, all_types(9))


class Defaults(unittest.TestCase):
    def test_what_is_default_is_left_out(self) -> None:
        of = shop.CODECS["Defaults"]
        self.assertEqual(codec.encode(of, shop.Defaults(), True), b"\xa0")
        self.assertEqual(codec.decode(of, b"\xa0"), shop.Defaults())
        self.assertEqual(shop.Defaults().e, timedelta(seconds=30))
        # The digits of a decimal count, not only its value.
        data = codec.encode(of, shop.Defaults(c=Decimal("0.1")), True)
        self.assertEqual(data, b"\xa1\x03\x63" + b"0.1")

    def test_names_are_accepted_beside_numbers_and_not_twice(self) -> None:
        of = shop.CODECS["Row"]
        email = b"\x6ba@b.example"
        for key in (b"\x01", b"\x65email"):
            self.assertEqual(codec.decode(of, b"\xa1" + key + email), shop.Row(email=EMAIL))
        indefinite = b"\xbf\x18\x63\x80\x01" + email + b"\xff"
        self.assertEqual(codec.decode(of, indefinite), shop.Row(email=EMAIL))
        for twice in (b"\xa2\x01" + email + b"\x65email" + email, b"\xa1\x01" + email + b"\x00",
                      b"\xa1\x18\x63" + b"\x81" * 70 + b"\x80"):
            with self.assertRaises(Status):
                codec.decode(of, twice)

    def test_path_parameters_are_escaped(self) -> None:
        self.assertEqual(escape("a.b*>% \x7fé"), "a%2Eb%2A%3E%25%20%7Fé")
        self.assertEqual(unescape(escape("a.b*>% \x7fé")), "a.b*>% \x7fé")
        with self.assertRaises(ValueError):
            unescape("%4")


class TimeoutsOfLinks(unittest.IsolatedAsyncioTestCase):
    async def test_names_travel_to_peers_that_do_not_list_numbers(self) -> None:
        server = await shop.listen_shop("tcp://127.0.0.1:0", users=Users(),
                                        limits=Limits(heartbeat=30))
        client = await shop.Shop.connect(server.addresses[0], approvals=Approvals())
        self.assertTrue(client.peer.session.numbers)
        client.peer.session.numbers = False
        self.assertEqual(await client.users.get(ID), all_types())
        await client.close()
        await server.close()


if __name__ == "__main__":
    unittest.main()
