"""L3, what a decoder of envelopes takes: every kind in every form."""

from .case import envelope, message, valid
from .cbor import Raw, enc, raw_map

TRACE = bytes(range(25))
PLAIN = {0: 5, 1: "no such user"}
TYPED = {0: 6, 1: "taken", 2: "UserError", 3: b"\xa0", 4: 1500}


def both(name, rules, form, kind, note=None, **fields):
    """A valid case whose bytes and decoded form come from the same fields."""
    return valid(name, rules, envelope(kind, **fields), message(form, kind, **fields), note)


def hello():
    body = enc({0: [1]})
    note = "the body has vectors of its own"
    yield both("offer", ["L3.hello.1", "L3.id.3"], "offer", 1, note, id=1, payload=body)
    yield both("answer", ["L3.hello.2"], "answer", 1, note, id=2, ref=1, payload=body)
    refusal = {0: 16, 1: "no"}
    yield both("refusal", ["L3.hello.2", "L4.hello.3"], "answer", 1, id=2, ref=1, error=refusal)
    yield both("confirm", ["L3.hello.3"], "confirm", 1, ref=2)
    yield both("confirm_with_payload", ["L3.hello.3"], "confirm", 1, ref=2, payload=b"\xa0")
    yield both("confirm_refused", ["L3.hello.3", "L4.hello.4"], "confirm", 1, ref=2, error={0: 12})


def call():
    users = "users.get"
    yield both("request", ["L3.call.1"], "request", 2, id=3, target=users, payload=b"\x07")
    yield both("request_without_payload", ["L3.call.1"], "request", 2, id=3, target="clock.now")
    yield both("request_empty_payload", ["L3.env.1"], "request", 2, id=3, target="a", payload=b"")
    yield both(
        "request_with_meta",
        ["L3.cbor.7", "L3.meta.7"],
        "request",
        2,
        id=5,
        target=users,
        payload=b"\x07",
        meta={1: 250, 5: "application/cbor", 6: TRACE, 7: "a=1", 11: 2, "k": "v", "aa": "", "z": "é"},
    )
    yield both(
        "request_reserved_keys_decode",
        ["L3.meta.7", "X.open.1"],
        "request",
        2,
        "the session answers unimplemented; the bytes are well formed",
        id=3,
        target="a",
        meta={3: 2, 8: bytes(16), 9: "p", 12: [1, 2], 15: "d", 16: [bytes(16), 1, 2], 18: b"", 20: 1},
    )
    yield both(
        "request_carried_keys",
        ["L3.meta.10", "X.carry.1"],
        "request",
        2,
        id=3,
        target="a",
        meta={10: "p", 14: 5, 17: 1, 19: 3, 21: 9, 22: 1},
    )
    yield both("notification", ["L3.call.1", "L5.call.2"], "notification", 2, target="log.line")
    yield both("response", ["L3.call.2"], "response", 2, ref=3, payload=b"\xf6")
    yield both("response_empty", ["L3.call.2"], "response", 2, ref=3, payload=b"")
    yield both("response_error", ["L3.error.1"], "response", 2, ref=3, error=PLAIN)
    yield both("response_typed_error", ["L3.error.3"], "response", 2, ref=3, error=TYPED)
    yield both("response_bare_code", ["L3.error.3"], "response", 2, ref=3, error={0: 17})
    yield both(
        "response_code_of_a_newer_peer",
        ["L3.error.2"],
        "response",
        2,
        "18 and up read as unknown; `error` shows the wire's number",
        ref=3,
        error={0: 200, 1: "new"},
    )
    yield both(
        "response_error_ignored_key", ["L3.error.3"], "response", 2, ref=3, error={0: 2, 40: [1]}
    )
    for number, name in (
        (23, "one_byte"),
        (24, "two_bytes"),
        (255, "two_bytes_top"),
        (257, "three_bytes"),
        (65537, "five_bytes"),
        ((1 << 32) + 1, "nine_bytes"),
        ((1 << 64) - 1, "largest_uint"),
    ):
        yield both(f"id_of_{name}", ["L3.id.1", "L3.cbor.2"], "request", 2, id=number, target="a")
    yield both(
        "ref_of_128_bits",
        ["L3.id.1", "L3.ref.2"],
        "response",
        2,
        "well formed; the session counts it as never minted",
        ref=1 << 64,
        payload=b"",
    )
    for size in (23, 24, 255, 256, 512):
        yield both(f"target_of_{size}_bytes", ["L3.target.1"], "request", 2, id=3, target="t" * size)
    for size in (23, 24, 255, 256, 65535, 65536):
        yield both(
            f"payload_of_{size}_bytes", ["L3.cbor.2"], "response", 2, ref=3, payload=b"\x2a" * size
        )


def meta():
    def request(name, rules, meta, note=None):
        return both(name, rules, "request", 2, note, id=3, target="a", meta=meta)

    yield request("user_keys_shorter_first", ["L3.cbor.7"], {"b": "", "aa": "", "ab": "", "": "x"})
    yield request("uint_before_text", ["L3.cbor.7"], {11: 1, 5: "c", "a": "b"})
    yield request("entries_64", ["L3.meta.3"], {f"{n:02}": "" for n in range(64)})
    largest = {"a": "x" * (8192 - 6)}
    assert len(enc(largest)) == 8192
    yield request("bytes_8192", ["L3.meta.4"], largest)
    yield request("key_32_ignored", ["L3.meta.6"], {32: "later"})
    yield request("key_63_ignored", ["L3.meta.6"], {1: 5, 63: {0: [None, True, False, -1], "a": b""}})
    nested = b"\x81" * 14 + b"\x00"
    yield request(
        "nested_16_deep",
        ["L3.cbor.10"],
        {40: Raw(nested)},
        "the envelope is 1, meta 2, the value has 14 more",
    )
    yield request("qos_0_may_be_written", ["L3.meta.7"], {3: 0})
    yield request("deadline_of_64_bits", ["L3.meta.7"], {1: (1 << 64) - 1})
    yield request("credit_of_32_bits", ["L3.meta.7"], {2: (1 << 32) - 1})
    yield request("text_of_four_byte_characters", ["L3.cbor.6"], {"k": "\U0001f600"})
    assert raw_map([("a", "b")]) == enc({"a": "b"})


def stream():
    yield both("open", ["L3.stream.1"], "open", 3, id=3, target="llm.complete", payload=b"\xa0")
    yield both("open_half_closed", ["L5.stream.1"], "open", 3, id=3, target="a.b", meta={0: True})
    yield both(
        "open_with_credit",
        ["L5.credit.5"],
        "open",
        3,
        id=3,
        target="a.b",
        meta={0: True, 1: 9000, 2: 0, 11: 1, "k": "v"},
    )
    yield both("item", ["L3.stream.2"], "item", 3, ref=3, payload=b"\x65hello")
    yield both("item_empty", ["L3.stream.2", "L5.credit.2"], "item", 3, ref=3, payload=b"")
    yield both("end", ["L3.stream.3"], "end", 3, ref=3, meta={0: True})
    yield both("end_with_result", ["L3.stream.3"], "end", 3, ref=3, meta={0: True}, payload=b"\x01")
    yield both("end_with_error", ["L3.stream.3"], "end", 3, ref=3, meta={0: True}, error=TYPED)


def subscribe():
    yield both("ask", ["L3.subscribe.1"], "ask", 4, id=3, target="orders.*.created")
    yield both(
        "ask_with_meta",
        ["L3.subscribe.1"],
        "ask",
        4,
        id=3,
        target="orders.>",
        meta={2: 65536, 3: 0, 13: "workers", 19: 2},
    )
    yield both("granted", ["L3.subscribe.2"], "granted", 4, ref=3)
    yield both("over", ["L3.subscribe.2", "L5.topic.5"], "over", 4, ref=3, meta={0: True})
    yield both("refused", ["L3.subscribe.3"], "over", 4, ref=3, meta={0: True}, error={0: 7})


def event():
    yield both("publish", ["L3.event.1"], "publish", 5, target="orders.created", payload=b"\x01")
    yield both("publish_retained", ["L5.retain.1"], "publish", 5, target="t", payload=b"", meta={4: True})
    yield both(
        "publish_with_user_meta",
        ["X.carry.1"],
        "publish",
        5,
        target="t",
        payload=b"{}",
        meta={5: "application/json", "k": "v"},
    )
    yield both("publish_qos_0_written", ["L3.meta.7"], "publish", 5, target="t", payload=b"", meta={3: 0})
    yield both(
        "publish_qos_1_decodes",
        ["L5.qos.1"],
        "publish",
        5,
        "well formed; the session refuses it",
        id=3,
        target="t",
        payload=b"",
        meta={3: 1},
    )
    yield both("deliver", ["L3.event.2"], "deliver", 5, ref=3, target="orders.created", payload=b"\x01")
    yield both("deliver_without_topic", ["L5.topic.3"], "deliver", 5, ref=3, payload=b"\x01")
    yield both(
        "deliver_retained_after_drops",
        ["L5.retain.2", "L5.overflow.1"],
        "deliver",
        5,
        ref=3,
        target="t",
        payload=b"\x01",
        meta={4: True, 22: 17},
    )


def ack():
    yield both("heartbeat", ["L3.ack.1", "L4.beat.1"], "heartbeat", 6)
    yield both("ping", ["L3.ack.1", "L4.ping.1"], "ping", 6, id=3)
    yield both("pong", ["L4.ping.1"], "pong", 6, ref=3)
    yield both("credit", ["L3.ack.2", "L5.credit.3"], "credit", 6, ref=3, meta={2: 131072})
    yield both("heartbeat_with_receipt", ["X.ack.1"], "heartbeat", 6, meta={21: 40})


def cancel():
    yield both("goodbye", ["L3.cancel.1", "L4.bye.1"], "goodbye", 7)
    yield both("abort", ["L4.bye.6"], "goodbye", 7, error={0: 8, 1: "[L4.calm.1] too many"})
    yield both("cancel", ["L3.cancel.1"], "cancel", 7, ref=3)


FILES = {
    "message/hello": hello,
    "message/call": call,
    "message/meta": meta,
    "message/stream": stream,
    "message/subscribe": subscribe,
    "message/event": event,
    "message/ack": ack,
    "message/cancel": cancel,
}
