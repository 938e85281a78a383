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

    def test_of_two_things_of_one_name_the_later_gets_another_one(self) -> None:
        """And whoever refers to it follows [IDL.desc.8]."""

        def contract(package: str, zip_type: int) -> Any:
            address = {0: "Address", 2: 0, 3: [{0: "zip", 2: 1, 3: zip_type}]}
            user = {0: "User", 2: 4, 3: [
                {0: "at", 2: 1, 3: [0, [1, "Address"]]},
                {0: "in", 2: 2, 3: [1, [{0: "home", 2: 1, 3: "Address"}]]},
            ]}
            home, other = {0: "Home", 2: 1, 3: [2, "Address", 2]}, {0: "Other", 2: 2}
            get = {0: "get", 2: [{0: "at", 2: 1, 3: [3, 13, "Address"]}], 3: ["rows", "User"],
                   4: "User", 5: [1, "User"], 6: "User"}
            return {
                0: 1, 1: package, 3: [address, home, other, user],
                4: [{0: "Users", 1: "users", 2: package, 3: [get]}],
                5: [{0: "Moved", 2: ["moved", ["id", "Home"]], 3: "User"}],
                6: [{0: "Shop", 2: ["Users"], 4: ["Moved"]}],
            }

        one, other = contract("a", 4), contract("b", 13)
        targets = {*targets_of(one), *targets_of(other)}
        said = cbor2.loads(describe([one, other, contract("b", 13)], targets))
        self.assertEqual([*said], [0, 3, 4, 5, 6])
        of = {kind: {item[0]: item for item in said[kind]} for kind in (3, 4, 5, 6)}
        names = ["Address", "Address_2", "Home", "Home_2", "Other", "User", "User_2"]
        self.assertEqual([*of[3]], names)
        self.assertEqual(of[3]["User"], one[3][3])
        at, inside = of[3]["User_2"][3]
        self.assertEqual((of[3]["User_2"][1], at[3], inside[3][1][0][3]),
                         ("User", [0, [1, "Address_2"]], "Address_2"))
        self.assertEqual(of[3]["Home_2"][3], [2, "Address_2", 2])
        service = of[4]["Users_2"]
        self.assertEqual((service[1], service[2]), ("users", "b"))
        self.assertEqual(service[3], [{
            0: "get", 2: [{0: "at", 2: 1, 3: [3, 13, "Address_2"]}], 3: ["rows", "User_2"],
            4: "User_2", 5: [1, "User_2"], 6: "User_2",
        }])
        self.assertEqual(of[5]["Moved_2"][2], ["moved", ["id", "Home_2"]])
        self.assertEqual(of[6]["Shop_2"], {0: "Shop_2", 2: ["Users_2"], 4: ["Moved_2"]})

    def test_what_only_its_name_tells_gets_another_one_too(self) -> None:
        one = cast(Any, demo.DESCRIPTOR)
        named = services(describe([one], {*targets_of(one), "b.Echo.say"}))
        self.assertEqual((named["Echo_2"][1], named["Echo_2"][2]), ("Echo", "b"))

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
