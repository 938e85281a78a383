"""What a node says of itself: contracts, several of them, and what has none.

Needs the packages `sample` and `demo` in the folder `FLUXAR_GENERATED`.
"""

from __future__ import annotations

import hashlib
import os
import sys
import unittest
from typing import Any, cast

import cbor2

sys.path.insert(0, os.environ["FLUXAR_GENERATED"])

import demo.contract as demo
import sample.shop_v1 as shop
from sample.fluxar_rt import Context, Routes
from sample.fluxar_rt.descriptor import describe, targets_of

SERVICES = 4


async def echo(context: Context, payload: bytes | None) -> bytes:
    return payload or b""


def services(descriptor: bytes) -> dict[str, Any]:
    return {service[0]: service for service in cbor2.loads(descriptor).get(SERVICES, [])}


class Describe(unittest.IsolatedAsyncioTestCase):
    def test_one_contract_is_described_as_it_is(self) -> None:
        targets = set(targets_of(shop.DESCRIPTOR))
        self.assertIn("shop.v1.users.get", targets)
        described = describe([shop.DESCRIPTOR], targets)
        self.assertEqual(hashlib.sha256(described).hexdigest(), shop.HASH)

    def test_several_contracts_are_described_together(self) -> None:
        one = cast(Any, shop.DESCRIPTOR)
        other = {0: 1, 1: "logs", SERVICES: [{0: "Log", 1: "log", 2: "logs", 3: [{0: "say"}]}]}
        targets = {*targets_of(one), *targets_of(other)}
        described = cbor2.loads(describe([one, other], targets))
        self.assertNotIn(1, described, "no package speaks for both")
        names = [service[0] for service in described[SERVICES]]
        self.assertEqual(names, sorted(["Log", *(of[0] for of in one[SERVICES])]))

    def test_a_contract_whose_names_are_taken_is_said_by_name_alone(self) -> None:
        one = cast(Any, demo.DESCRIPTOR)
        other = {0: 1, SERVICES: [{0: "Echo", 1: "echo", 2: "b", 3: [{0: "say"}]}]}
        named = services(describe([one, other], {*targets_of(one), "b.echo.say"}))
        self.assertEqual(named["Echo"], next(of for of in one[SERVICES] if of[0] == "Echo"))
        self.assertEqual(named["echo"][2], "b")
        self.assertEqual([method[0] for method in named["echo"][3]], ["say"])

    def test_what_no_contract_says_is_there_by_name(self) -> None:
        targets = {"a.b.x", "a.b.y", "c.b.z", "b.w", "bare", "a.odd-name"}
        named = services(describe([], targets))
        self.assertEqual({(of.get(2), of.get(1, of[0])) for of in named.values()},
                         {("a", "b"), ("c", "b"), (None, "b")})
        self.assertEqual(sorted(named), ["b", "b_2", "b_3"])
        methods = next(of[3] for of in named.values() if of.get(2) == "a")
        self.assertEqual([(method[0], method[5]) for method in methods],
                         [("x", [0, 20]), ("y", [0, 20])])

    def test_a_handler_of_its_own_goes_before(self) -> None:
        routes = Routes({"fluxar.describe": echo})
        self.assertIs(routes.call("fluxar.describe"), echo)
        self.assertIsNone(Routes().call("fluxar.other"))


if __name__ == "__main__":
    unittest.main()
