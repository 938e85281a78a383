"""Generated modules: what they write they read, with names and with numbers.

`FLUXAR_GENERATED` is a folder with the packages that were generated, one a contract.
"""

from __future__ import annotations

import importlib
import os
import sys
import unittest
from pathlib import Path
from random import Random
from types import ModuleType
from typing import Any

from values import Values

ROUNDS = 60
ROOT = Path(os.environ["FLUXAR_GENERATED"])
sys.path.insert(0, str(ROOT))


def modules() -> list[tuple[ModuleType, str]]:
    found: list[tuple[ModuleType, str]] = []
    for package in sorted(ROOT.iterdir()):
        if not (package / "__init__.py").exists():
            continue
        for file in sorted(package.glob("*.py")):
            if file.stem != "__init__":
                module = importlib.import_module(f"{package.name}.{file.stem}")
                found.append((module, f"{package.name}.fluxar_rt"))
    return found


def all_codecs(module: ModuleType) -> dict[str, Any]:
    """The codecs of types, and those of the parameters of methods."""
    codecs: dict[str, Any] = dict(module.CODECS)
    for name, value in vars(module).items():
        if name.startswith("_m_") and value.params is not None:
            codecs[name] = value.params
    return codecs


class Generated(unittest.TestCase):
    def test_random_values_come_back_in_both_modes(self) -> None:
        count = 0
        for module, runtime in modules():
            codec = importlib.import_module(f"{runtime}.codec")
            types = importlib.import_module(f"{runtime}.types")
            checks = importlib.import_module(f"{runtime}.checks")
            values = Values(Random(7), codec, types, checks)
            for name, of in all_codecs(module).items():
                for _ in range(ROUNDS):
                    value = values.of(of)
                    for numbers in (False, True):
                        with self.subTest(module=module.__name__, type=name, numbers=numbers):
                            data = codec.encode(of, value, numbers)
                            back = codec.decode(of, data)
                            self.assertEqual(back, value)
                            self.assertEqual(codec.encode(of, back, numbers), data)
                            count += 1
        self.assertGreater(count, 0, f"nothing was generated in {ROOT}")

    def test_broken_bytes_are_refused_and_break_nothing(self) -> None:
        random = Random(8)
        for module, runtime in modules():
            codec = importlib.import_module(f"{runtime}.codec")
            types = importlib.import_module(f"{runtime}.types")
            checks = importlib.import_module(f"{runtime}.checks")
            status = importlib.import_module(f"{runtime}.status")
            values = Values(random, codec, types, checks)
            for of in all_codecs(module).values():
                for _ in range(ROUNDS):
                    data = bytearray(codec.encode(of, values.of(of), random.random() < 0.5))
                    for _ in range(random.randint(1, 3)):
                        data[random.randrange(len(data))] = random.randrange(256)
                    try:
                        value = codec.decode(of, bytes(data), checked=True)
                        codec.encode(of, value, False)
                    except status.Status as refused:
                        self.assertEqual(refused.code, status.Code.INVALID_ARGUMENT)

    def test_descriptors_have_their_hash(self) -> None:
        for module, runtime in modules():
            with self.subTest(module.__name__):
                descriptor = importlib.import_module(f"{runtime}.descriptor")
                self.assertEqual(descriptor.hash_descriptor(module.DESCRIPTOR), module.HASH)


if __name__ == "__main__":
    unittest.main()
