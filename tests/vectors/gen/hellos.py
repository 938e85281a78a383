"""L4: bodies of HELLO. `form` says whether it is an offer's or an answer's."""

from .case import invalid, valid
from .cbor import Raw, enc, long_head, raw_map

DIALER = bytes.fromhex("d1a1e4000000000000000000000000d1")
ACCEPTOR = bytes.fromhex("acce97000000000000000000000000ac")
SESSION = bytes.fromhex("5e5510000000000000000000000000ff")
CAPABILITIES = {0: [], 1: [], 2: False, 3: 0, 4: []}
LIMITS = {0: 1 << 20, 1: 16 << 20, 2: 1024, 3: 1024, 4: 1000, 5: 256 << 10, 6: 32, 7: 32 << 20}
LIMIT_NAMES = (
    "frame_bytes_max message_bytes_max calls_max streams_max subscriptions_max initial_credit "
    "groups_max reassembly_bytes_max"
).split()


def offer(**changed):
    """The body of an offer; `k3={...}` replaces key 3, `k3=None` leaves it out."""
    plain = {0: [1], 1: {0: DIALER, 1: "dialer", 2: []}, 2: CAPABILITIES, 3: LIMITS, 4: 10000}
    return _changed(plain, changed)


def answer(**changed):
    """The body of an answer."""
    plain = {
        0: [1],
        1: {0: ACCEPTOR, 1: "acceptor", 2: []},
        2: CAPABILITIES,
        3: LIMITS,
        4: 10000,
        6: SESSION,
    }
    return _changed(plain, changed)


def _changed(plain, changed):
    for key, value in changed.items():
        plain[int(key[1:])] = value
    return {key: value for key, value in plain.items() if value is not None}


def names(body):
    """The body with names for numbers."""
    capabilities = body[2]
    auth = body.get(5, {0: "none"})
    return {
        "versions": body[0],
        "peer": {"instance": body[1][0].hex(), "name": body[1][1], "roles": body[1][2]},
        "capabilities": {
            "codecs": capabilities[0],
            "seals": capabilities[1],
            "resume": capabilities[2],
            "qos": capabilities[3],
            "encodings": capabilities[4],
        },
        "limits": {LIMIT_NAMES[key]: value for key, value in sorted(body[3].items())},
        "heartbeat_ms": body[4],
        "auth": {"scheme": auth[0], "data": auth[1].hex() if 1 in auth else None},
        "session": body[6].hex() if 6 in body else None,
    }


def good(name, rules, body, form="offer", note=None, more=None):
    """A valid body; `more` has keys that a receiver ignores."""
    data = enc({**body, **(more or {})})
    return valid(name, rules, data, names(body), note, form=form)


def bad(name, rule, body, form="offer", note=None):
    """A body that is refused."""
    return invalid(name, rule, enc(body), note=note, form=form)


def taken():
    yield good("offer_plain", ["L4.body.1"], offer())
    yield good("answer_plain", ["L4.body.1", "L4.body.2"], answer(), "answer")
    yield good("offer_many_versions", ["L4.version.1"], offer(k0=[1, 2, 900]))
    peer = {0: DIALER, 1: "Zoë's node", 2: ["worker", "gateway"]}
    yield good("offer_with_roles", ["L4.body.1"], offer(k1=peer))
    yield good("offer_none", ["L4.auth.1"], offer(k5={0: "none"}))
    yield good("offer_bearer", ["L4.auth.1"], offer(k5={0: "bearer", 1: b"t0ken"}))
    yield good("offer_basic", ["L4.auth.1"], offer(k5={0: "basic", 1: b"ann:pass:word"}))
    yield good("offer_api_key", ["L4.auth.1"], offer(k5={0: "api_key", 1: b"k"}))
    yield good(
        "offer_scheme_of_a_newer_peer",
        ["L4.auth.1"],
        offer(k5={0: "challenge", 1: b"\x00\xff"}),
        note="well formed; the acceptor refuses it as unauthenticated unless its authenticator knows it",
    )
    richer = {0: [1, 2], 1: [1], 2: True, 3: 2, 4: [1]}
    yield good(
        "offer_of_a_richer_peer",
        ["L4.caps.1"],
        offer(k2=richer),
        note="this version answers with none of these",
    )
    smallest = {0: 1024, 1: 1024, 2: 0, 3: 0, 4: 0, 5: 1, 6: 1, 7: 1024}
    yield good("offer_smallest_limits", ["L4.body.5"], offer(k3=smallest))
    largest = {key: (1 << 32) - 1 for key in range(8)}
    largest[5] = (1 << 31) - 1
    yield good("offer_largest_limits", ["L4.body.1"], offer(k3=largest))
    yield good("offer_with_nonce", ["L4.body.1"], offer(k7=bytes(range(32))), note="asks for one back")
    yield good("offer_of_a_certificate", ["L4.mtls.1"], offer(k5={0: "mtls"}))
    yield good("offer_heartbeat_1", ["L4.beat.1"], offer(k4=1), note="the interval is still 1,000")
    yield good("offer_heartbeat_0", ["L4.beat.1"], offer(k4=0), note="the interval is still 1,000")
    yield good("offer_heartbeat_large", ["L4.body.1"], offer(k4=(1 << 32) - 1))
    ignored = {32: [1, {"a": None}], 63: "later"}
    yield good("offer_ignored_keys", ["L4.body.3"], offer(), more=ignored)
    fresh = {0: bytes(32), 1: bytes(range(32)), 2: False}
    yield good("offer_resume", ["L4.body.6", "L4.caps.1"], offer(), more={33: fresh})
    peer = {0: DIALER, 1: "d", 2: [], 40: True}
    plain = offer(k1={0: DIALER, 1: "d", 2: []})
    yield good("offer_ignored_nested_key", ["L4.body.3"], plain, more={1: peer})
    longest = {0: DIALER, 1: "n" * 256, 2: ["r" * 256] * 16}
    yield good("offer_longest_texts", ["L4.body.4"], offer(k1=longest))


def refused():
    for key, name in enumerate(("versions", "peer", "capabilities", "limits", "heartbeat")):
        yield bad(f"offer_without_{name}", "L4.body.1", offer(**{f"k{key}": None}))
    yield bad("answer_without_session", "L4.body.1", answer(k6=None), "answer")
    for key in range(2):
        peer = {0: DIALER, 1: "d", 2: []}
        del peer[key]
        yield bad(f"offer_without_peer_{key}", "L4.body.1", offer(k1=peer))
    for key in range(8):
        limits = {k: v for k, v in LIMITS.items() if k != key}
        yield bad(f"offer_without_limit_{key}", "L4.body.1", offer(k3=limits))
    wrong = [
        ("versions_number", offer(k0=1)),
        ("versions_text", offer(k0=["1"])),
        ("peer_array", offer(k1=[DIALER, "d", []])),
        ("instance_of_15_bytes", offer(k1={0: DIALER[:15], 1: "d", 2: []})),
        ("name_bytes", offer(k1={0: DIALER, 1: b"d", 2: []})),
        ("roles_text", offer(k1={0: DIALER, 1: "d", 2: "r"})),
        ("role_number", offer(k1={0: DIALER, 1: "d", 2: [1]})),
        ("codecs_text", offer(k2={**CAPABILITIES, 0: ["zstd"]})),
        ("seals_text", offer(k2={**CAPABILITIES, 1: ["xx"]})),
        ("resume_number", offer(k2={**CAPABILITIES, 2: 0})),
        ("qos_text", offer(k2={**CAPABILITIES, 3: "1"})),
        ("encodings_null", offer(k2={**CAPABILITIES, 4: None})),
        ("limit_text", offer(k3={**LIMITS, 2: "many"})),
        ("heartbeat_text", offer(k4="10s")),
        ("auth_text", offer(k5="none")),
        ("auth_without_scheme", offer(k5={1: b"t"})),
        ("auth_data_text", offer(k5={0: "bearer", 1: "t"})),
    ]
    for name, body in wrong:
        yield bad(f"offer_{name}", "L4.body.1", body)
    yield bad("answer_session_of_8_bytes", "L4.body.1", answer(k6=bytes(8)), "answer")
    yield bad("offer_with_session", "L4.body.2", offer(k6=SESSION))
    yield bad("answer_with_auth", "L4.body.2", answer(k5={0: "none"}), "answer")
    yield bad("offer_nonce_short", "L4.body.1", offer(k7=bytes(31)))
    yield bad("offer_nonce_text", "L4.body.1", offer(k7="n" * 32))
    yield bad("offer_key_without_nonce", "L4.challenge.1", offer(k5={0: "challenge", 1: bytes(32)}))
    for key in (8, 31, 64):
        yield bad(f"offer_key_{key}", "L4.body.3", {**offer(), key: 1})
    yield bad("offer_key_text", "L4.body.1", {**offer(), "a": 1})
    yield bad("offer_peer_key_3", "L4.body.3", offer(k1={0: DIALER, 1: "d", 2: [], 3: 1}))
    yield bad("offer_capability_key_5", "L4.body.3", offer(k2={**CAPABILITIES, 5: 1}))
    yield bad("offer_limit_key_8", "L4.body.3", offer(k3={**LIMITS, 8: 1}))
    yield bad("offer_auth_key_2", "L4.body.3", offer(k5={0: "none", 2: 1}))
    yield bad("offer_17_versions", "L4.body.4", offer(k0=list(range(1, 18))))
    yield bad("offer_17_roles", "L4.body.4", offer(k1={0: DIALER, 1: "d", 2: ["r"] * 17}))
    yield bad("offer_name_of_257_bytes", "L4.body.4", offer(k1={0: DIALER, 1: "n" * 257, 2: []}))
    yield bad("offer_role_of_257_bytes", "L4.body.4", offer(k1={0: DIALER, 1: "", 2: ["r" * 257]}))
    yield bad("offer_data_of_8193_bytes", "L4.body.4", offer(k5={0: "bearer", 1: bytes(8193)}))
    for key, value in ((0, 1023), (1, 1023), (5, 0), (5, 1 << 31), (6, 0), (7, (16 << 20) - 1)):
        limits = {**LIMITS, key: value}
        yield bad(f"offer_{LIMIT_NAMES[key]}_of_{value}", "L4.body.5", offer(k3=limits))
    claim = {0: bytes(32), 2: False, 3: SESSION, 4: 0, 5: 1, 6: 1}
    public = {0: bytes(32), 1: bytes(32), 2: True}
    broken = {
        "neither": {0: bytes(32), 2: False},
        "both": {**claim, 1: bytes(32)},
        "without_nonce": {1: bytes(32), 2: True},
        "without_bound": {0: bytes(32), 1: bytes(32)},
        "nonce_of_31_bytes": {**public, 0: bytes(31)},
        "key_of_33_bytes": {**public, 1: bytes(33)},
        "bound_number": {**public, 2: 1},
        "claim_without_epoch": {key: value for key, value in claim.items() if key != 4},
        "epoch_too_high": {**claim, 4: 1 << 63},
        "mac_of_16_bytes": {**claim, 7: bytes(16)},
    }
    for name, resume in broken.items():
        yield bad(f"offer_resume_{name}", "L4.body.6", {**offer(), 33: resume})
    yield bad("offer_resume_key_8", "L4.body.3", {**offer(), 33: {**public, 8: 1}})
    yield from encodings()


def encodings():
    """The L3.cbor rules hold for the body."""
    plain = enc(offer())
    yield invalid("offer_empty", "L3.cbor.9", b"", form="offer")
    yield invalid("offer_cut_off", "L3.cbor.9", plain[:-1], form="offer")
    yield invalid("offer_trailing", "L3.cbor.8", plain + b"\x00", form="offer")
    yield invalid("offer_tagged", "L3.cbor.4", b"\xd9\xd9\xf7" + plain, form="offer")
    yield invalid("offer_indefinite", "L3.cbor.3", b"\xbf" + plain[1:] + b"\xff", form="offer")
    yield bad("offer_not_shortest", "L3.cbor.2", offer(k4=Raw(long_head(0, 10000, 26))))
    yield bad("offer_float", "L3.cbor.5", offer(k4=Raw(b"\xfa\x46\x1c\x40\x00")))
    yield bad("offer_name_not_utf8", "L3.cbor.6", offer(k1={0: DIALER, 1: Raw(b"\x61\xff"), 2: []}))
    pairs = list(offer().items())
    yield bad("offer_keys_falling", "L3.cbor.7", raw_map(pairs[::-1]))
    yield bad("offer_keys_equal", "L3.cbor.7", raw_map([pairs[0], *pairs]))
    yield bad("offer_nested_keys_falling", "L3.cbor.7", offer(k3=raw_map(list(LIMITS.items())[::-1])))
    yield bad("offer_an_array", "L4.body.1", [1])
    deep = Raw(b"\x81" * 400 + b"\x80")
    yield bad("offer_nested_deep", "L3.cbor.10", {**offer(), 40: deep})
    huge = Raw(b"\x9b" + b"\xff" * 8)
    yield bad("offer_huge_list", "L4.body.4", offer(k0=huge))


FILES = {"hello/valid": taken, "hello/invalid": refused}
