"""Calls with keys: sent again when their session is lost, done once."""

from __future__ import annotations

import asyncio
import unittest
from collections.abc import Awaitable, Callable

from fluxar_rt import (
    Auth, Backoff, Client, Code, Context, KeyedLimits, Peer, PeerInfo, Routes, Server, Status,
    connect, listen,
)
from fluxar_rt.codec import UNIT
from fluxar_rt.keyed import Keyed, KeyName
from fluxar_rt.typed import Method
from fluxar_rt.work import Outcome

SOON = 10


class Bank:
    """Its handlers wait for `go`."""

    def __init__(self) -> None:
        self.runs = 0
        self.started, self.go = asyncio.Event(), asyncio.Event()
        self.callers: list[str | None] = []

    async def pay(self, context: Context, payload: bytes | None) -> bytes:
        self.runs += 1
        run = self.runs
        self.callers.append(context.identity)
        self.started.set()
        await self.go.wait()
        return (payload or b"") + bytes((run,))

    async def unit(self, context: Context, payload: bytes | None) -> None:
        await self.pay(context, payload)

    async def listen(self, names: tuple[str, ...] = ()) -> Server:
        async def check(auth: Auth, _: PeerInfo) -> bool | str:
            return auth.text if auth.text in names else auth.text is None

        routes = Routes({"t.pay": self.pay, "t.look": self.pay, "t.unit": self.unit})
        return await listen("tcp://127.0.0.1:0", serve=routes, authenticate=check)


async def dial(server: Server, auth: Auth = Auth("none")) -> Peer:
    return await connect(server.addresses[0], auth=auth, reconnect=Backoff(first=0.001, longest=0.01))


class Once(unittest.IsolatedAsyncioTestCase):
    async def fails(self, code: Code, work: Awaitable[object]) -> None:
        with self.assertRaises(Status) as caught:
            await asyncio.wait_for(work, SOON)
        self.assertEqual(caught.exception.code, code, caught.exception)

    async def lose(self, peer: Peer) -> None:
        """Cuts the link, and waits for the next session."""
        lost = peer.session
        await lost.link.close()
        await asyncio.wait({lost.closed})
        await asyncio.wait_for(peer.wait_ready(), SOON)

    async def test_a_marked_method_outlives_its_session_and_runs_once(self) -> None:
        """[L5.idempotent.1, L5.idempotent.2]"""
        bank = Bank()
        pay = Method("t.unit", None, UNIT, UNIT, UNIT, idempotent=True)
        async with await bank.listen() as server, await dial(server) as peer:
            client = Client(peer)
            keys: list[bytes] = []
            begin = server.config.keyed.run

            async def seen(name: KeyName, *rest: object) -> Outcome:
                keys.append(name.key)
                return await begin(name, *rest)  # type: ignore[arg-type]

            server.config.keyed.run = seen  # type: ignore[method-assign]
            paid = asyncio.ensure_future(peer.call("t.pay", b"7", idempotency_key=bytes(16)))
            typed = [asyncio.ensure_future(client._call(pay, {}, None, None)) for _ in range(2)]
            looked = asyncio.ensure_future(peer.call("t.look", b"8"))
            while bank.runs < 4:
                await asyncio.sleep(0.001)
            for _ in range(3):
                await self.lose(peer)
            # What is not marked has one attempt, and nobody knows what became of it.
            await self.fails(Code.INDETERMINATE, looked)
            while len(keys) < 4 * 3:
                await asyncio.sleep(0.001)
            bank.go.set()
            self.assertEqual((await asyncio.wait_for(paid, SOON))[:1], b"7")
            await asyncio.wait_for(asyncio.gather(*typed), SOON)
            self.assertEqual(bank.runs, 4, "once each")
            # Two calls are two intentions, though their parameters are the same.
            self.assertEqual(len(set(keys)), 3)
            self.assertEqual(len(keys), 12)

    async def test_a_key_names_one_intention_of_one_caller(self) -> None:
        """[L5.idempotent.3]"""
        bank, key = Bank(), bytes(15) + b"\x01"
        bank.go.set()
        async with await bank.listen(("ann", "bob")) as server:
            ann, bob = await dial(server, Auth.bearer("ann")), await dial(server, Auth.bearer("bob"))
            again, nameless = await dial(server, Auth.bearer("ann")), await dial(server)
            for peer, run in ((ann, 1), (ann, 1), (again, 1), (bob, 2), (nameless, 3)):
                got = await peer.call("t.pay", b"x", idempotency_key=key)
                self.assertEqual(got, bytes((ord("x"), run)))
            await self.fails(Code.FAILED_PRECONDITION, ann.call("t.pay", b"y", idempotency_key=key))
            self.assertEqual(await ann.call("t.look", b"x", idempotency_key=key), b"x\x04")
            self.assertEqual(bank.callers, ["ann", "bob", None, "ann"])
            for peer in (ann, bob, again, nameless):
                await peer.close()

    async def test_who_gives_up_leaves_the_handler_at_work(self) -> None:
        bank, key = Bank(), bytes(16)
        async with await bank.listen() as server, await dial(server) as peer:
            first = asyncio.ensure_future(peer.call("t.pay", b"x", idempotency_key=key))
            await bank.started.wait()
            first.cancel()
            await asyncio.wait({first})
            second = asyncio.ensure_future(peer.call("t.pay", b"x", idempotency_key=key))
            await peer.ping()
            bank.go.set()
            self.assertEqual(await asyncio.wait_for(second, SOON), b"x\x01")

    async def test_an_attempt_keeps_to_the_deadline_of_the_first(self) -> None:
        bank = Bank()
        server = await bank.listen()
        peer = await dial(server)
        late = asyncio.ensure_future(peer.call("t.pay", idempotency_key=bytes(16), timeout=0.1))
        await bank.started.wait()
        await server.close()
        await self.fails(Code.DEADLINE_EXCEEDED, late)
        await peer.close()

    async def test_what_was_sent_once_stays_unknown_when_there_is_no_other_session(self) -> None:
        bank = Bank()
        server = await bank.listen()
        peer = await connect(server.addresses[0], reconnect=Backoff(first=0.001, attempts_max=2))
        paid = asyncio.ensure_future(peer.call("t.pay", idempotency_key=bytes(16)))
        await bank.started.wait()
        for listener in server._listeners:
            listener.close()
        await peer.session.link.close()
        await self.fails(Code.INDETERMINATE, paid)
        self.assertEqual(peer.state, "closed")
        await self.fails(Code.UNAVAILABLE, peer.call("t.pay", idempotency_key=bytes(16)))
        await server.close()

    async def test_a_refusal_does_not_say_what_became_of_an_earlier_attempt(self) -> None:
        """[L5.idempotent.2]"""
        bank = Bank()
        async with await bank.listen() as server, await dial(server) as peer:
            paid = asyncio.ensure_future(peer.call("t.pay", idempotency_key=bytes(16)))
            await bank.started.wait()

            async def refuse(*_: object) -> Outcome:
                return Status(Code.UNAVAILABLE, "the server is going: try another")

            server.config.keyed.run = refuse  # type: ignore[method-assign]
            await self.lose(peer)
            await self.fails(Code.INDETERMINATE, paid)
            await self.fails(Code.UNAVAILABLE, peer.call("t.pay", idempotency_key=bytes(16)))

    async def test_a_key_has_sixteen_bytes(self) -> None:
        async with await Bank().listen() as server, await dial(server) as peer:
            await self.fails(Code.INVALID_ARGUMENT, peer.call("t.pay", idempotency_key=bytes(15)))


async def never() -> Outcome:
    return await asyncio.get_running_loop().create_future()


def gives(outcome: Outcome) -> Callable[[], Awaitable[Outcome]]:
    async def handler() -> Outcome:
        return outcome

    return handler


class Bounds(unittest.IsolatedAsyncioTestCase):
    """[L5.idempotent.4]"""

    def name(self, n: int, identity: str | None = None, instance: bytes = b"i") -> KeyName:
        return KeyName(identity, instance, "a.b", bytes((n,)) * 16)

    async def full(self, work: Awaitable[Outcome]) -> None:
        outcome = await work
        assert isinstance(outcome, Status)
        self.assertEqual(outcome.code, Code.RESOURCE_EXHAUSTED)

    async def test_what_runs_is_bounded(self) -> None:
        limits = KeyedLimits(running_max=2, running_all_max=3, attempts_max=2)
        keyed = Keyed(limits, lambda: 0.0)
        loop = asyncio.get_running_loop()

        async def begin(name: KeyName) -> None:
            loop.create_task(keyed.run(name, None, None, never))
            await asyncio.sleep(0)

        await begin(self.name(1))
        await begin(self.name(1))
        await self.full(keyed.run(self.name(1), None, None, never))
        # Whoever dials chooses its instance: the nameless share one bound.
        await begin(self.name(2, instance=b"j"))
        await self.full(keyed.run(self.name(3), None, None, never))
        await begin(self.name(1, "ann"))
        await self.full(keyed.run(self.name(2, "ann"), None, None, never))

    async def test_outcomes_are_bounded_in_number_bytes_and_time(self) -> None:
        now = 0.0
        limits = KeyedLimits(keys_max=3, outcome_bytes_max=1000, bytes_max=3000, kept_for=100)
        keyed = Keyed(limits, lambda: now)
        runs = 0

        async def runs_for(n: int, size: int = 1) -> int:
            async def handler() -> Outcome:
                nonlocal runs
                runs += 1
                return bytes(size)

            before = runs
            await keyed.run(self.name(n), None, None, handler)
            return runs - before

        self.assertEqual([await runs_for(n) for n in (1, 2, 3, 1, 2, 3)], [1, 1, 1, 0, 0, 0])
        self.assertEqual(await runs_for(4), 1)
        self.assertEqual([await runs_for(2), await runs_for(1)], [0, 1], "the oldest made room")
        self.assertEqual([await runs_for(5, 2000), await runs_for(5, 2000)], [1, 1], "too large")
        now = 101.0
        self.assertEqual([await runs_for(1), await runs_for(1)], [1, 0], "its time was over")
        keyed = Keyed(KeyedLimits(bytes_max=1000), lambda: now)
        self.assertEqual([await runs_for(n, 500) for n in (1, 2, 1)], [1, 1, 1], "bytes of all")
        self.assertLessEqual(keyed.size, 1000)
        self.assertEqual((len(keyed.shares), len(keyed.tasks)), (1, 0))

    async def test_an_outcome_that_the_deadline_cut_off_is_not_kept_one_that_failed_is(self) -> None:
        keyed = Keyed(KeyedLimits(), lambda: 0.0)
        loop, name = asyncio.get_running_loop(), self.name(1)
        first = loop.create_task(keyed.run(name, None, loop.time() + 0.01, never))
        await asyncio.sleep(0)
        for outcome in await asyncio.gather(first, keyed.run(name, None, None, never)):
            assert isinstance(outcome, Status)
            self.assertEqual(outcome.code, Code.DEADLINE_EXCEEDED)
        while keyed.tasks:
            await asyncio.sleep(0)
        failure = Status(Code.NOT_FOUND, "no such account", type_name="N", details=b"d", retry_after_ms=5)

        async def fails() -> Outcome:
            try:
                raise failure from ValueError()
            except Status as status:
                return status

        self.assertIs(await keyed.run(name, None, None, fails), failure)
        kept = await keyed.run(name, None, None, gives(b"x"))
        assert isinstance(kept, Status)
        self.assertEqual(vars(kept), vars(failure))
        # Frames of the handler hold what it worked on, for which there is no bound.
        self.assertEqual((kept.__traceback__, kept.__cause__), (None, None))

    async def test_attempts_that_gave_up_take_no_place(self) -> None:
        keyed = Keyed(KeyedLimits(attempts_max=1), lambda: 0.0)
        loop, name = asyncio.get_running_loop(), self.name(1)
        for _ in range(3):
            attempt = loop.create_task(keyed.run(name, None, None, never))
            await asyncio.sleep(0)
            self.assertFalse(attempt.done(), "it waits")
            await self.full(keyed.run(name, None, None, never))
            attempt.cancel()
            await asyncio.wait({attempt})
        self.assertEqual(len(keyed.tasks), 1)


if __name__ == "__main__":
    unittest.main()
