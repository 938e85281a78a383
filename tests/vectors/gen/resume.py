"""L4: the HELLOs of a session that is made and then resumed, with the secret and the proofs.

X25519 (RFC 7748), HKDF (RFC 5869) and HMAC are written or taken from the standard library here, so
that they are not the Rust crates'.
"""

import hashlib
import hmac

from .case import SEQ, VOLATILE, envelope, frame, varint
from .cbor import enc
from .hellos import CAPABILITIES, SESSION, answer, offer

PRIME = 2**255 - 19


def x25519(scalar, point):
    """The Montgomery ladder of RFC 7748, section 5."""
    k = bytearray(scalar)
    k[0] &= 248
    k[31] = (k[31] & 127) | 64
    k = int.from_bytes(k, "little")
    x1 = int.from_bytes(point, "little") & (2**255 - 1)
    x2, z2, x3, z3, swap = 1, 0, x1, 1, 0
    for bit in range(254, -1, -1):
        now = (k >> bit) & 1
        if swap ^ now:
            x2, z2, x3, z3 = x3, z3, x2, z2
        swap = now
        a, b, c, d = x2 + z2, x2 - z2, x3 + z3, x3 - z3
        da, cb = d * a % PRIME, c * b % PRIME
        x3, z3 = (da + cb) ** 2 % PRIME, x1 * (da - cb) ** 2 % PRIME
        aa, bb = a * a % PRIME, b * b % PRIME
        e = aa - bb
        x2, z2 = aa * bb % PRIME, e * (aa + 121665 * e) % PRIME
    if swap:
        x2, z2 = x3, z3
    return (x2 * pow(z2, PRIME - 2, PRIME) % PRIME).to_bytes(32, "little")


def mac_of(key, text):
    return hmac.new(key, text, hashlib.sha256).digest()


def hkdf(salt, secret, info):
    """32 bytes: one block."""
    return mac_of(mac_of(salt or bytes(32), secret), info + b"\x01")


class Drawn:
    """What one side makes of 32 random bytes; only the engine of this project does it like this."""

    def __init__(self, random):
        self.random = bytes([random]) * 32
        self.nonce = hkdf(None, self.random, b"fluxar/1 nonce")
        self.private = hkdf(None, self.random, b"fluxar/1 x25519")
        self.public = x25519(self.private, (9).to_bytes(32, "little"))


def claim(epoch, rx_next, tx_oldest):
    return {3: SESSION, 4: epoch, 5: rx_next, 6: tx_oldest}


def hello(body, resume):
    body = {**body, 2: {**CAPABILITIES, 2: True}, 33: resume}
    return enc(body)


def proof(secret, who, offered, answered, binding):
    plain = {key: value for key, value in answered.items() if key != 7}
    return mac_of(secret, enc(["fluxar/1 proof", who, offered, plain, binding or b""]))


def story(name, rules, bound):
    """A session, one notification that is lost with its link, and another link."""
    binding = bytes(range(32)) if bound else None
    one, two, three, four = (Drawn(random) for random in (1, 2, 3, 4))
    dialer = offer(k5={0: "none"})
    made = [{0: side.nonce, 1: side.public, 2: bound} for side in (one, two)]
    shared = x25519(one.private, two.public)
    assert shared == x25519(two.private, one.public)
    info = b"fluxar/1 resume" + SESSION + one.nonce + one.public + two.nonce + two.public
    secret = hkdf(binding, shared, info)
    wants = {0: three.nonce, 2: bound, **claim(0, 1, 1)}
    gives = {0: four.nonce, 2: bound, **claim(1, 1, 1)}
    gives[7] = proof(secret, b"acceptor", wants, gives, binding)
    confirms = {0: proof(secret, b"dialer", wants, gives, binding)}
    lost = envelope(2, target="a.b", payload=b"x")
    steps = [
        ("dialer", frame(envelope(1, id=1, payload=hello(dialer, made[0])), VOLATILE)),
        ("acceptor", frame(envelope(1, id=2, ref=1, payload=hello(answer(), made[1])), VOLATILE)),
        ("dialer", frame(envelope(1, ref=2), VOLATILE)),
        ("dialer", frame(lost)),
        ("dialer", frame(envelope(1, id=1, payload=hello(dialer, wants)), VOLATILE)),
        ("acceptor", frame(envelope(1, id=2, ref=1, payload=hello(answer(), gives)), VOLATILE)),
        (
            "dialer",
            frame(envelope(1, ref=2, payload=enc(confirms)), VOLATILE)
            + frame(lost, SEQ, extra=varint(1)),
        ),
    ]
    return {
        "name": name,
        "rule": rules,
        "hex": steps[-1][1].hex(),
        "valid": True,
        "randoms": [drawn.random.hex() for drawn in (one, two, three, four)],
        "privates": [drawn.private.hex() for drawn in (one, two)],
        "binding": binding.hex() if bound else None,
        "secret": secret.hex(),
        "steps": [{"from": side, "hex": data.hex()} for side, data in steps],
        "note": "the fourth step is lost with its link, which the fifth replaces",
    }


def stories():
    rules = ["L4.resume.1", "L4.resume.2", "L4.resume.3", "L4.resume.4", "L4.resume.7", "L4.seq.1"]
    yield story("plain_link", rules, False)
    yield story("bound_link", rules, True)


FILES = {"resume/stories": stories}
