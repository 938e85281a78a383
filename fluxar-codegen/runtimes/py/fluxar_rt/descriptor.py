"""The contract's descriptor: data that says what the contract is, and its hash."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Set
from typing import Any

from .cbor import encode

FORM = 1
NAME, WIRE, PACKAGE, METHODS, ANSWER, DOCS = 0, 1, 2, 3, 5, 15
TYPES, SERVICES, TOPICS, CONTRACTS = 3, 4, 5, 6
KINDS = (TYPES, SERVICES, TOPICS, CONTRACTS)
ANY = 20
SAYABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)+")
RAW = " Served by a closure: what it takes and gives is not described."


def encode_descriptor(descriptor: object) -> bytes:
    """The canonical bytes (contract.md)."""
    return encode(descriptor)


def hash_descriptor(descriptor: object) -> str:
    """The SHA-256 of the canonical bytes, in hexadecimal."""
    return hashlib.sha256(encode_descriptor(descriptor)).hexdigest()


def describe(contracts: Iterable[Any], targets: Set[str]) -> bytes:
    """The descriptor of all that is served [IDL.desc.8]: what no contract says, by name alone."""
    served = list(contracts)
    together: dict[int, dict[str, Any]] = {kind: {} for kind in KINDS}
    known: set[str] = set()
    for contract in served:
        items = [(kind, item) for kind in KINDS for item in contract.get(kind, ())]
        if any(together[kind].get(item[NAME], item) != item for kind, item in items):
            # Two things of one name: the later contract is said by name alone.
            continue
        for kind, item in items:
            together[kind][item[NAME]] = item
        known.update(targets_of(contract))
    services = together[SERVICES]
    for service in unknown_services(targets - known):
        wire, number = service[NAME], 1
        while service[NAME] in services:
            number += 1
            service.update({NAME: f"{wire}_{number}", WIRE: wire})
        services[service[NAME]] = service
    whole: dict[int, Any] = dict(served[0]) if len(served) == 1 else {0: FORM}
    for kind, named in together.items():
        if named:
            whole[kind] = [named[name] for name in sorted(named)]
    return encode(whole)


def targets_of(contract: Any) -> Iterable[str]:
    """The targets of the methods of a contract."""
    for service in contract.get(SERVICES, ()):
        path = [service[PACKAGE]] if PACKAGE in service else []
        path.append(service.get(WIRE, service[NAME]))
        for method in service.get(METHODS, ()):
            yield ".".join([*path, method.get(WIRE, method[NAME])])


def unknown_services(targets: Iterable[str]) -> Iterable[dict[int, Any]]:
    """Services of which nobody knows more than the names; what is no name cannot be said."""
    services: dict[str, dict[int, Any]] = {}
    for target in sorted(targets):
        if SAYABLE.fullmatch(target) is None:
            continue
        path, _, name = target.rpartition(".")
        package, _, wire = path.rpartition(".")
        service = services.setdefault(path, {NAME: wire, METHODS: []})
        if package:
            service[PACKAGE] = package
        service[METHODS].append({NAME: name, ANSWER: [0, ANY], DOCS: [RAW]})
    return services.values()
