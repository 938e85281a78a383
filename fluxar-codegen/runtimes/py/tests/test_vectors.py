"""The vectors of `tests/vectors/`: what is valid is taken, what is not is refused with its rule."""

from __future__ import annotations

import asyncio
import json
import re
import unittest
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fluxar_rt
from fluxar_rt import hello, message
from fluxar_rt.checks import FORMATS
from fluxar_rt.frame import Receiver
from fluxar_rt.limits import Limits
from fluxar_rt.message import Message
from fluxar_rt.routes import Routes
from fluxar_rt.rules import RULES
from fluxar_rt.session import Session, read
from fluxar_rt.status import Status, Violation
from fluxar_rt.window import add_credit
from pipe import PipeLink, config, ready_acceptor

VECTORS = Path(__file__).resolve().parents[4] / "tests" / "vectors"
Case = dict[str, Any]


class Everything(dict[str, Any]):
    """An application that takes every request and does nothing."""

    def get(self, key: str, default: Any = None) -> Any:
        async def wait(*_: object) -> None:
            await asyncio.get_running_loop().create_future()

        return wait


NOTHING = Routes(Everything(), Everything())


def cases(folder: str, *names: str) -> Iterator[tuple[str, Case]]:
    for path in sorted((VECTORS / folder).glob("*.json")):
        if not names or path.stem in names:
            for case in json.loads(path.read_text()):
                yield f"{folder}/{path.stem}: {case['name']}", case


def json_of(value: object) -> object:
    if isinstance(value, bytes):
        return {"bytes": value.hex()}
    return [json_of(item) for item in value] if isinstance(value, list) else value


def error_of(status: Status | None) -> object:
    if status is None:
        return None
    pairs = [[0, int(status.code)], [1, status.message], [2, status.type_name]]
    pairs += [[3, status.details], [4, status.retry_after_ms]]
    return [[key, json_of(value)] for key, value in pairs if value not in (None, "")]


def shown(read: Message) -> Case:
    meta = [[key, json_of(value)] for key, value in read.meta.items()]
    return {
        "type": read.kind,
        "id": None if read.id is None else str(read.id),
        "ref": None if read.ref is None else str(read.ref),
        "target": read.target,
        "meta": meta or None,
        "payload": None if read.payload is None else read.payload.hex(),
        "error": error_of(read.error),
    }


def wanted(decoded: Case) -> Case:
    error = decoded["error"]
    if error is not None:
        # A code from 18 up reads as unknown, and an empty message as none.
        error = [[k, min(v, 18) if k == 0 else v] for k, v in error if v != ""]
        error = [[k, 2 if k == 0 and v == 18 else v] for k, v in error]
    keys = ("type", "id", "ref", "target", "payload")
    meta = decoded["meta"] or None
    return {**{key: decoded[key] for key in keys}, "meta": meta, "error": error}


class Vectors(unittest.TestCase):
    def test_envelopes(self) -> None:
        count = 0
        for name, case in cases("message"):
            count += 1
            with self.subTest(name):
                data = bytes.fromhex(case["hex"])
                if case["valid"]:
                    read = message.decode(data)
                    form = message.form(read)
                    self.assertEqual(form, case["decoded"]["form"])
                    self.assertEqual(shown(read), wanted(case["decoded"]))
                else:
                    with self.assertRaises(Violation) as caught:
                        message.form(message.decode(data))
                    self.check(caught.exception, case)
        self.assertGreater(count, 200)

    def check(self, violation: Violation, case: Case) -> None:
        self.assertEqual(violation.rule, case["error"]["rule"])
        self.assertEqual(violation.code.name.lower(), case["error"]["code"])

    def test_what_is_valid_is_written_as_it_was(self) -> None:
        for name, case in cases("message"):
            data = bytes.fromhex(case["hex"])
            read = message.decode(data) if case["valid"] else None
            has_unknown = name.endswith(("ignored", "unknown")) or "32" in name
            if read is None or read.error is not None or has_unknown:
                continue
            if len(read.meta) == len(case["decoded"]["meta"] or []) and (read.id or 0) < 1 << 64:
                with self.subTest(name):
                    again = message.decode(read.encode()) if (read.ref or 0) < 1 << 64 else read
                    self.assertEqual(shown(again), shown(read))

    def test_hello_bodies(self) -> None:
        for name, case in cases("hello"):
            with self.subTest(name):
                data = bytes.fromhex(case["hex"])
                answer = case["form"] == "answer"
                if case["valid"]:
                    body = hello.decode(data, answer=answer)
                    self.assertEqual(body.versions, case["decoded"]["versions"])
                    if not body.reserved and "unknown" not in name and "ignored" not in name:
                        hello.decode(body.encode(), answer=answer)
                elif case["error"]["rule"] == "L4.body.6" or name.endswith("offer_resume_key_8"):
                    # What is said about resuming is ignored by who does not know it.
                    hello.decode(data, answer=answer)
                else:
                    with self.assertRaises(Violation) as caught:
                        body = hello.decode(data, answer=answer)
                        refused_by_session(body, answer)
                    self.check(caught.exception, case)

    def test_frames(self) -> None:
        for name, case in cases("frame"):
            for step in (1, 7, 1 << 20):
                with self.subTest(name, step=step):
                    data = bytes.fromhex(case["hex"])
                    if len(data) > 100_000 and step == 1:
                        continue
                    receiver = Receiver(Limits(**case.get("limits", {})))
                    receiver.ready = case.get("phase") != "handshake"
                    got: list[str] = []
                    try:
                        for at in range(0, len(data), step):
                            for arrived in receiver.feed(data[at : at + step]):
                                got.append(arrived.body.hex())
                                read(arrived)
                        broken = None
                    except Violation as violation:
                        broken = violation
                    if case["valid"]:
                        self.assertIsNone(broken)
                        self.assertEqual(got, case["decoded"]["messages"])
                    else:
                        assert broken is not None
                        self.check(broken, case)


def refused_by_session(body: hello.HelloBody, answer: bool) -> None:
    """What the body's reader leaves to the session: versions and capabilities."""
    if answer and body.versions != [1] or not answer and 1 not in body.versions:
        raise Violation("L4.version.1")
    if answer and body.reserved:
        raise Violation("L4.caps.1")


async def never(*_: object) -> bool:
    """An application that does not decide."""
    return await asyncio.get_running_loop().create_future()


class Sessions(unittest.IsolatedAsyncioTestCase):
    async def answers(self, case: Case) -> tuple[Session, list[Message]]:
        limits = Limits(**case.get("limits", {}))
        link = PipeLink()
        if case.get("phase") == "handshake":
            session = Session(link, config(limits, NOTHING), dialer=False)
            task = asyncio.create_task(session.run())
        else:
            session, task = await ready_acceptor(link, limits, NOTHING)
            # Whoever authenticates again waits.
            session.config.authenticate = never
        link.wrote.clear()
        link.arrive(bytes.fromhex(case["hex"]))
        await link.idle()
        data = bytes(link.wrote)
        receiver = Receiver(Limits())
        receiver.ready = True
        got = [message.decode(arrived.body) for arrived in receiver.feed(data)]
        task.cancel()
        await asyncio.wait({task})
        return session, got

    async def test_violations_end_the_session_with_their_rule(self) -> None:
        for name, case in cases("session", "violations"):
            with self.subTest(name):
                session, got = await self.answers(case)
                last = got[-1]
                self.assertEqual((last.kind, last.ref), (message.CANCEL, None))
                assert last.error is not None
                self.assertTrue(last.error.message.startswith(f"[{case['error']['rule']}]"),
                                last.error.message)
                self.assertEqual(last.error.code.name.lower(), case["error"]["code"])
                self.assertTrue(session.is_closed)

    async def test_what_is_tolerated_gets_its_answer(self) -> None:
        for name, case in cases("session", "tolerated"):
            with self.subTest(name):
                _, got = await self.answers(case)
                decoded = case["decoded"]
                if "answers" in decoded:
                    want = [bytes.fromhex(one) for one in decoded["answers"]]
                    receiver = Receiver(Limits())
                    receiver.ready = True
                    want_messages = [
                        shown(message.decode(arrived.body))
                        for one in want for arrived in receiver.feed(one)
                    ]
                    self.assertEqual([shown(one) for one in got], want_messages)
                else:
                    answered = decoded["answered"]
                    self.assertEqual(len(got), 1, got)
                    self.assertEqual(got[0].kind, answered["type"])
                    self.assertEqual(str(got[0].ref), answered["ref"])
                    error = got[0].error
                    code = None if error is None else int(error.code)
                    self.assertEqual(code, answered.get("code"))

    async def said(self, *frames: str, dialer: bool = False, ready: bool = False) -> tuple[str, list[Message]]:
        """The phase of a session of ours behind these frames, or the rule that it finds broken; and
        what it says."""
        link = PipeLink()
        if ready:
            session, task = await ready_acceptor(link, Limits(), NOTHING)
        else:
            session = Session(link, config(None, NOTHING), dialer=dialer)
            task = asyncio.create_task(session.run())
            await link.idle()
        link.wrote.clear()
        for frame in frames:
            link.arrive(bytes.fromhex(frame))
            await link.idle()
        receiver = Receiver(Limits())
        got = [message.decode(arrived.body) for arrived in receiver.feed(bytes(link.wrote))]
        phase = session.phase
        if phase == "closed" and got[-1].error is not None:
            phase = got[-1].error.message.split("]")[0][1:]
        task.cancel()
        await asyncio.wait({task})
        return phase, got

    async def test_sessions_that_resume_go_on_as_if_that_had_not_been_offered(self) -> None:
        """[L4.resume.1]"""
        for name, case in cases("resume"):
            with self.subTest(name):
                steps = [step["hex"] for step in case["steps"]]
                read_all = [first(step) for step in steps]
                self.assertEqual([message.form(one) for one in read_all], [
                    "offer", "answer", "confirm", "notification", "offer", "answer", "confirm",
                ])
                for at, answer in zip((0, 1, 4, 5), (False, True) * 2):
                    body = hello.decode(read_all[at].payload or b"", answer=answer)
                    self.assertTrue(body.reserved)
                offer, chosen, confirm, note, claim, _, proof = steps
                phase, got = await self.said(offer, confirm, note)
                self.assertEqual((phase, len(got)), ("ready", 1))
                self.assertFalse(hello.decode(got[0].payload or b"", answer=True).reserved)
                self.assertEqual((await self.said(claim))[0], "handshaking")
                # No proof was due, and nothing was offered that could be resumed.
                self.assertEqual((await self.said(claim, proof))[0], "L3.hello.3")
                self.assertEqual((await self.said(chosen, dialer=True))[0], "L4.caps.1")
                # What is sent again has its number, and a session of ours has none.
                again = proof[2 * (4 + int(proof[:8], 16)) :]
                self.assertEqual((await self.said(again, ready=True))[0], "L1.flags.4")

    async def test_hellos_that_seal_go_on_as_if_that_had_not_been_offered(self) -> None:
        """Sealed frames are refused [L1.flags.3]."""
        sessions = json.loads((VECTORS / "seal" / "sessions.json").read_text())["sessions"]
        self.assertEqual(len(sessions), 12)
        for case in sessions:
            with self.subTest(case["name"]):
                offer, answer, confirm = case["offer"], case["answer"], case["confirm"]
                forms = [message.form(first(step)) for step in (offer, answer, confirm)]
                self.assertEqual(forms, ["offer", "answer", "confirm"])
                for step, is_answer in ((offer, False), (answer, True)):
                    body = hello.decode(first(step).payload or b"", answer=is_answer)
                    self.assertTrue(body.reserved)
                phase, got = await self.said(offer)
                self.assertEqual((phase, len(got)), ("handshaking", 1))
                self.assertFalse(hello.decode(got[0].payload or b"", answer=True).reserved)
                self.assertEqual((await self.said(offer, confirm))[0], "L3.hello.3")
                self.assertEqual((await self.said(answer, dialer=True))[0], "L4.caps.1")
                for record in (case["welcome"], case["call"]):
                    self.assertEqual((await self.said(record, ready=True))[0], "L1.flags.3")


def first(frames: str) -> Message:
    """The first message of some frames."""
    return read(next(Receiver(Limits()).feed(bytes.fromhex(frames))))


class Contracts(unittest.TestCase):
    """What no session is needed for."""

    def test_formats_are_what_the_vectors_say(self) -> None:
        for name, case in cases("contract", "formats"):
            with self.subTest(name):
                self.assertEqual(FORMATS[case["format"]](case["text"]), case["valid"])

    def test_every_rule_that_is_cited_has_its_text(self) -> None:
        source = Path(fluxar_rt.__file__).parent
        for path in source.glob("*.py"):
            for rule in re.findall(r'Violation\("([^"]+)"\)', path.read_text()):
                self.assertIn(rule, RULES, path)

    def test_credit_adds_up_to_2_to_the_31_and_no_further(self) -> None:
        self.assertEqual(add_credit(0, 1 << 31), 1 << 31)
        with self.assertRaises(Violation):
            add_credit(1, 1 << 31)


if __name__ == "__main__":
    unittest.main()
