#!/usr/bin/env python3
"""The client's own decoder against the vectors: two readers of one spec must agree.

It checks what a client needs and no more: all of CBOR, the frames, and the envelope's fields. What
it does not look at (forms, meta values) it may take.
"""

import json
import pathlib

from fluxar.session import LIMITS
from fluxar.status import Violation
from fluxar.wire import Message, Receiver

VECTORS = pathlib.Path(__file__).parents[2] / "vectors"
OWN_RULES = ("L3.cbor.", "L3.kind.", "L3.id.2", "L3.meta.2")
MAKERS = ("L1.len.2", "L1.len.3", "L1.flags.", "L1.body.", "L1.group.1", "L1.group.5")


def cases(layer, *files):
    for path in sorted((VECTORS / layer).glob("*.json")):
        if not files or path.stem in files:
            for case in json.loads(path.read_text()):
                yield f"{layer}/{path.stem}: {case['name']}", case, bytes.fromhex(case["hex"])


def rule_of(work):
    """The rule that the work breaks, or None."""
    try:
        work()
    except Violation as violation:
        return violation.rule
    return None


def frames(data, limits):
    """Feeds whole frames, as the session does."""
    receiver = Receiver({**LIMITS, **limits})
    while len(data) >= 4:
        length = int.from_bytes(data[:4], "big")
        receiver.check_length(length)
        if len(data) < 4 + length:
            return
        receiver.take(data[4 : 4 + length])
        data = data[4 + length :]


def main():
    count = 0
    for name, case, data in cases("message"):
        broken = rule_of(lambda: Message(data))
        want = None if case["valid"] else case["error"]["rule"]
        if case["valid"] or want.startswith(OWN_RULES):
            assert broken == want, f"{name}: {broken}, not {want}"
            count += 1
    for name, case, data in cases("frame"):
        broken = rule_of(lambda: frames(data, case.get("limits", {})))
        want = None if case["valid"] else case["error"]["rule"]
        early = case.get("phase") == "handshake"
        if case["valid"] or (want.startswith(MAKERS) and not early):
            # One number for the three reserved flags is enough for a client.
            same = broken == want or (broken or "").rsplit(".", 1)[0] == want.rsplit(".", 1)[0]
            assert same, f"{name}: {broken}, not {want}"
            count += 1
    print(f"{count} vectors agree")


main()
