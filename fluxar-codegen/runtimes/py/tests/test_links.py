"""Real links: WebSocket, TCP and Unix sockets; auth, reconnecting, heartbeats."""

from __future__ import annotations

import asyncio
import tempfile
import unittest
from pathlib import Path

from fluxar_rt import (
    Auth, Backoff, Code, ConnectError, Context, Limits, PeerInfo, Routes, Status, connect, listen,
)
from websockets.asyncio.client import connect as ws_connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Subprotocol


async def echo(_: Context, payload: bytes | None) -> bytes:
    return payload or b""


ECHO = Routes({"t.echo": echo})


class Links(unittest.IsolatedAsyncioTestCase):
    async def test_calls_go_both_ways_over_every_transport(self) -> None:
        async def back(context: Context, payload: bytes | None) -> bytes:
            return await context.session.calls.call("t.echo", payload, None, None)

        with tempfile.TemporaryDirectory() as folder:
            unix = f"unix://{Path(folder) / 'own' / 'fluxar.sock'}"
            addresses = ("ws://127.0.0.1:0", "tcp://127.0.0.1:0", unix)
            async with await listen(*addresses, serve=Routes({"t.back": back})) as server:
                for address in server.addresses:
                    async with await connect(address, serve=ECHO, name="links") as peer:
                        large = bytes(200_000)
                        self.assertEqual(await peer.call("t.back", large), large, address)
                        self.assertTrue(peer.session.numbers)
                        self.assertLess(await peer.ping(), 5)
                        self.assertEqual({p.info.name for p in server.peers}, {"links"})

    async def test_credentials_decide_who_gets_in(self) -> None:
        async def check(auth: Auth, _: PeerInfo) -> bool:
            return auth.scheme == "bearer" and auth.text == "sesame"

        async with await listen("tcp://127.0.0.1:0", serve=ECHO, authenticate=check) as server:
            async with await connect(server.addresses[0], auth=Auth.bearer("sesame")) as peer:
                self.assertEqual(await peer.call("t.echo", b"x"), b"x")
            for wrong in (Auth.bearer("no"), Auth.basic("a", "b"), Auth("none")):
                with self.assertRaises(ConnectError) as caught:
                    await connect(server.addresses[0], auth=wrong)
                assert caught.exception.status is not None
                self.assertEqual(caught.exception.status.code, Code.UNAUTHENTICATED)
            self.assertNotIn("sesame", repr(Auth.bearer("sesame")))

    async def test_a_live_session_takes_a_fresh_credential(self) -> None:
        asked: list[str | None] = []
        waiting: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

        async def check(auth: Auth, _: PeerInfo) -> bool:
            asked.append(auth.text)
            return await waiting if auth.text == "slow" else auth.text in ("old", "new")

        limits = Limits(handshake_timeout=0.3)
        async with await listen(
            "tcp://127.0.0.1:0", serve=ECHO, authenticate=check, limits=limits
        ) as server:
            async with await connect(server.addresses[0], auth=Auth.bearer("old")) as peer:
                events = await peer.subscribe("t")
                await peer.reauthenticate(Auth.bearer("new"))
                for wrong, code in (("no", Code.UNAUTHENTICATED), ("slow", Code.DEADLINE_EXCEEDED)):
                    again = asyncio.ensure_future(peer.reauthenticate(Auth.bearer(wrong)))
                    await asyncio.sleep(0)
                    with self.assertRaises(Status) as twice:
                        await peer.reauthenticate(Auth.bearer("new"))
                    self.assertEqual(twice.exception.code, Code.FAILED_PRECONDITION)
                    with self.assertRaises(Status) as caught:
                        await again
                    self.assertEqual(caught.exception.code, code)
                self.assertEqual(asked, ["old", "new", "no", "slow"])
                # Nothing was dropped, whatever the answer.
                server.publish("t", b"e")
                event = await events.next()
                assert event is not None
                self.assertEqual(event.payload, b"e")
                self.assertEqual(await peer.call("t.echo", b"x"), b"x")
                with self.assertRaises(Status) as refused:
                    await next(iter(server.peers)).reauthenticate(Auth.bearer("new"))
                self.assertEqual(refused.exception.code, Code.FAILED_PRECONDITION)
                gone = asyncio.ensure_future(peer.reauthenticate(Auth.bearer("slow")))
                await asyncio.sleep(0)
                await peer.session.link.close()
                with self.assertRaises(Status) as lost:
                    await gone
                self.assertEqual(lost.exception.code, Code.UNAVAILABLE)

    async def test_a_lost_link_is_made_anew(self) -> None:
        server = await listen("tcp://127.0.0.1:0", serve=ECHO)
        states: list[str] = []
        peer = await connect(server.addresses[0], reconnect=Backoff(first=0.001))
        peer.on_state(lambda state, _: states.append(state))
        lost = peer.session
        await lost.link.close()
        while "ready" not in states:
            await asyncio.sleep(0.001)
        self.assertEqual(states[0], "disconnected")
        self.assertIsNot(peer.session, lost)
        self.assertEqual(await peer.call("t.echo", b"x"), b"x")
        await peer.close()
        await server.close()

    async def test_giving_up_ends_the_peer(self) -> None:
        server = await listen("tcp://127.0.0.1:0")
        backoff = Backoff(first=0.001, attempts_max=2)
        peer = await connect(server.addresses[0], reconnect=backoff)
        await server.close()
        with self.assertRaises(Status):
            while True:
                await peer.wait_ready()
                await asyncio.sleep(0.001)
        self.assertEqual(peer.state, "closed")

    async def test_upgrades_that_are_not_ours_are_refused(self) -> None:
        async with await listen("ws://127.0.0.1:0") as server:
            address = server.addresses[0]
            ours = [Subprotocol("fluxar.1")]
            for uri, asked, headers in (
                (address, None, {}),
                (address.replace("/fluxar", "/other"), ours, {}),
                (address, ours, {"Origin": "http://evil.example"}),
            ):
                with self.assertRaises(InvalidStatus):
                    await ws_connect(uri, subprotocols=asked, additional_headers=headers,
                                     proxy=None)

    async def test_a_text_message_ends_the_link(self) -> None:
        async with await listen("ws://127.0.0.1:0") as server:
            ours = [Subprotocol("fluxar.1")]
            socket = await ws_connect(server.addresses[0], subprotocols=ours, proxy=None)
            await socket.send("hello")
            with self.assertRaises(ConnectionClosed):
                await asyncio.wait_for(socket.recv(), 5)

    async def test_silence_ends_a_session(self) -> None:
        async with await listen("tcp://127.0.0.1:0") as server:
            peer = await connect(server.addresses[0], limits=Limits(heartbeat=1), reconnect=None)
            session = peer.session
            session.beat.heard_at -= 3
            await asyncio.wait_for(asyncio.shield(session.closed), 5)
            assert session.reason is not None
            self.assertIn("L4.beat.2", session.reason.message)

    async def test_who_says_nothing_is_given_up(self) -> None:
        limits = Limits(handshake_timeout=0.05)
        async with await listen("tcp://127.0.0.1:0", limits=limits) as server:
            port = int(server.addresses[0].rsplit(":", 1)[1])
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            said = await asyncio.wait_for(reader.read(), 5)
            self.assertIn(b"[L4.phase.3]", said)
            writer.close()

    async def test_addresses_are_checked_before_they_are_dialed(self) -> None:
        for wrong in ("http://x", "tls://x:1", "tcp://", "unix:relative", "ws://a@b", "nonsense"):
            with self.assertRaises(ValueError, msg=wrong):
                await connect(wrong)
        with self.assertRaises(ConnectError):
            await connect("tcp://127.0.0.1:1")


if __name__ == "__main__":
    unittest.main()
