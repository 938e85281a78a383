"""The contract's descriptor: data that says what the contract is, and its hash."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Set
from typing import Any

from .cbor import encode

FORM = 1
NAME, WIRE, PACKAGE, METHODS, DOCS = 0, 1, 2, 3, 15
KIND, CONTENT, RETIRED = 2, 3, 8
RECORD, NEWTYPE = 0, 1
FIELD_TYPE = VARIANT = 3
PARAMS, INPUT, ITEMS, ANSWER, FAILURE = range(2, 7)
SEGMENTS, PAYLOAD = 2, 3
SERVER, CLIENT, OFFERED = 2, 3, 4
TYPES, SERVICES, TOPICS, CONTRACTS = 3, 4, 5, 6
KINDS = (TYPES, SERVICES, TOPICS, CONTRACTS)
ANY = 20
SAYABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)+")
Named = dict[int, dict[str, Any]]
"""Items by their kind and their name."""
Names = dict[int, dict[str, str]]
"""New names by the kind and the old name."""
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
    together: Named = {kind: {} for kind in KINDS}
    known: set[str] = set()
    for contract in served:
        items = [(kind, item) for kind in KINDS for item in contract.get(kind, ())]
        names = free_names(items, together)
        for kind, item in items:
            item = renamed(kind, item, names)
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


def free_names(items: list[tuple[int, Any]], together: Named) -> Names:
    """New names for those of a contract's items whose name something else has already."""
    names: Names = {kind: {} for kind in KINDS}
    own = {(kind, item[NAME]) for kind, item in items}
    tried: dict[tuple[int, str], int] = {}
    settled = False
    while not settled:
        # What refers to something that gets another name is something else by that, too.
        settled = True
        for kind, item in items:
            made, name = renamed(kind, item, names), item[NAME]
            if together[kind].get(made[NAME], made) == made:
                continue
            settled = False
            number = tried.get((kind, name), 1) + 1
            while (kind, f"{name}_{number}") in own:
                number += 1
            tried[kind, name] = number
            names[kind][name] = f"{name}_{number}"
    return names


def renamed(kind: int, item: Any, names: Names) -> Any:
    """An item of a contract under the names that it and its types, services and topics have here."""
    made, name = dict(item), names[kind].get(item[NAME])
    if name is not None:
        made[NAME] = name
        if kind in (TYPES, SERVICES):
            # The peer goes by this one.
            made.setdefault(WIRE, item[NAME])
    types = names[TYPES]
    if kind == TYPES:
        if CONTENT in item:
            made[CONTENT] = _content(item[KIND], item[CONTENT], types)
        if RETIRED in item:
            made[RETIRED] = _fields(item[RETIRED], types)
    elif kind == SERVICES:
        if METHODS in item:
            made[METHODS] = [_method(method, types) for method in item[METHODS]]
    elif kind == TOPICS:
        if SEGMENTS in item:
            made[SEGMENTS] = [_tail(part, types) for part in item[SEGMENTS]]
        made[PAYLOAD] = _type(item[PAYLOAD], types)
    else:
        for key, of in ((SERVER, SERVICES), (CLIENT, SERVICES), (OFFERED, TOPICS)):
            if key in item:
                made[key] = sorted(names[of].get(str(one), str(one)) for one in item[key])
    return made


def _type(of: Any, types: dict[str, str]) -> Any:
    """A reference to a type: a number, a name, or a list of its kind and what it is made of."""
    if isinstance(of, str):
        return types.get(of, of)
    return _tail(of, types) if isinstance(of, list) else of


def _tail(pair: Any, types: dict[str, str]) -> Any:
    """A list whose first part is no type."""
    if not isinstance(pair, list):
        return pair
    parts: list[Any] = pair  # pyright: ignore[reportUnknownVariableType]
    return [parts[0], *(_type(part, types) for part in parts[1:])]


def _fields(fields: Any, types: dict[str, str]) -> Any:
    """Whatever has its type under 3: fields, parameters, what is retired."""
    return _each(fields, FIELD_TYPE, _type, types)


def _content(kind: int, content: Any, types: dict[str, str]) -> Any:
    if kind == RECORD:
        return _fields(content, types)
    if kind == NEWTYPE:
        return _type(content, types)
    return _each(content, VARIANT, _variant, types)


def _each(items: Any, key: int, change: Callable[[Any, dict[str, str]], Any],
          types: dict[str, str]) -> Any:
    """Changes an entry of each map of a list that has it."""
    return [{**one, key: change(one[key], types)} if key in one else one for one in items]


def _variant(content: Any, types: dict[str, str]) -> Any:
    holds, of = content
    return [holds, _type(of, types) if holds == 0 else _fields(of, types)]


def _method(method: Any, types: dict[str, str]) -> Any:
    made = dict(method)
    for key, change in ((PARAMS, _fields), (INPUT, _tail), (ITEMS, _type), (ANSWER, _tail),
                        (FAILURE, _type)):
        if key in made:
            made[key] = change(made[key], types)
    return made


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
