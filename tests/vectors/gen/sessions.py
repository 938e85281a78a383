"""L4 and L5: what a session makes of messages.

`session/…_exchange` are whole sessions, both directions in order: a dialer and an acceptor that are
told what the `do` steps say must send exactly these bytes. `session/violations` and
`session/tolerated` are bytes to a receiver in a given state.
"""

from .case import GROUP, MORE, VOLATILE, envelope, frame, invalid, message, valid
from .cbor import enc
from .hellos import answer, offer

OFFER = frame(envelope(1, id=1, payload=enc(offer())), VOLATILE)
ANSWER = frame(envelope(1, id=2, ref=1, payload=enc(answer())), VOLATILE)
CONFIRM = frame(envelope(1, ref=2), VOLATILE)


class Script:
    """The steps of one session."""

    def __init__(self, name, rules, note=None):
        self.case = {"name": name, "rule": rules, "valid": True, "steps": []}
        if note:
            self.case["note"] = note

    def do(self, side, what, **given):
        """The application at `side` acts."""
        self.case["steps"].append({"at": side, "do": what, **given})

    def send(self, side, form, kind, flags=0, **fields):
        """`side` sends one message in one frame."""
        data = frame(envelope(kind, **fields), flags)
        self.case["steps"].append(
            {"from": side, "hex": data.hex(), "message": message(form, kind, **fields)}
        )

    def fragments(self, side, form, kind, size, group, **fields):
        """`side` sends one message in fragments."""
        body = envelope(kind, **fields)
        parts = [body[at : at + size] for at in range(0, len(body), size)]
        data = b"".join(
            frame(part, GROUP | (MORE if index < len(parts) - 1 else 0), group)
            for index, part in enumerate(parts)
        )
        self.case["steps"].append(
            {"from": side, "hex": data.hex(), "message": message(form, kind, **fields)}
        )

    def event(self, side, what, **given):
        """The application at `side` learns something."""
        self.case["steps"].append({"at": side, "event": what, **given})

    def open(self):
        """The handshake."""
        self.send("dialer", "offer", 1, VOLATILE, id=1, payload=enc(offer(k5={0: "none"})))
        self.event("acceptor", "authenticate", scheme="none")
        self.do("acceptor", "accept")
        self.send("acceptor", "answer", 1, VOLATILE, id=2, ref=1, payload=enc(answer()))
        self.event("dialer", "ready")
        self.send("dialer", "confirm", 1, VOLATILE, ref=2)
        self.event("acceptor", "ready")

    def close(self, first="dialer", second="acceptor"):
        """Goodbye from both."""
        self.do(first, "close")
        self.send(first, "goodbye", 7)
        self.send(second, "goodbye", 7)
        self.event(second, "closed")
        self.event(first, "closed")


def call(script, caller, callee, id, target, payload, result):
    """One call, answered."""
    script.do(caller, "call", target=target, payload=payload.hex(), id=str(id))
    script.send(caller, "request", 2, id=id, target=target, payload=payload)
    script.event(callee, "call", id=str(id), target=target, payload=payload.hex())
    script.do(callee, "respond", id=str(id), payload=result.hex())
    script.send(callee, "response", 2, ref=id, payload=result)
    script.event(caller, "response", id=str(id), payload=result.hex())


def calls():
    script = Script("calls_both_ways", ["L3.id.3", "L5.call.1", "L4.bye.2", "L4.bye.4"])
    script.open()
    call(script, "dialer", "acceptor", 3, "users.get", b"\x07", b"\x63ann")
    call(script, "acceptor", "dialer", 4, "tools.approve", b"\xf5", b"\xf5")
    script.do("dialer", "notify", target="log.line", payload="6168")
    script.send("dialer", "notification", 2, target="log.line", payload=b"ah")
    script.event("acceptor", "notification", target="log.line", payload="6168")
    script.do("acceptor", "notification_ended")
    script.do("dialer", "call", target="no.such", id="5")
    script.send("dialer", "request", 2, id=5, target="no.such")
    script.event("acceptor", "call", id="5", target="no.such", payload=None)
    error = {0: 12, 1: "nobody serves no.such"}
    script.do("acceptor", "respond", id="5", error={"code": 12, "message": error[1]})
    script.send("acceptor", "response", 2, ref=5, error=error)
    script.event("dialer", "response", id="5", error={"code": 12, "message": error[1]})
    script.close()
    return script.case


def cancelled():
    script = Script("a_call_is_cancelled", ["L5.cancel.1", "L5.call.1", "L4.bye.4"])
    script.open()
    script.do("dialer", "call", target="slow.work", id="3")
    script.send("dialer", "request", 2, id=3, target="slow.work")
    script.event("acceptor", "call", id="3", target="slow.work", payload=None)
    script.do("dialer", "cancel", id="3")
    script.send("dialer", "cancel", 7, ref=3)
    script.event("acceptor", "cancelled", id="3")
    script.do("acceptor", "respond", id="3", payload="f6")
    script.send("acceptor", "response", 2, ref=3, payload=b"\xf6")
    script.event("dialer", "response", id="3", payload="f6")
    script.close("acceptor", "dialer")
    return script.case


def streams():
    script = Script("a_stream_then_a_result", ["L5.stream.1", "L5.stream.2", "L5.credit.4"])
    script.open()
    end = {0: True}
    script.do("dialer", "open", target="llm.complete", payload="a0", half_closed=True, credit=60, id="3")
    script.send("dialer", "open", 3, id=3, target="llm.complete", payload=b"\xa0", meta={0: True, 2: 60})
    script.event("acceptor", "stream", id="3", target="llm.complete", payload="a0", half_closed=True)
    for index, word in enumerate((b"\x65hello", b"\x65world")):
        script.do("acceptor", "item", id="3", payload=word.hex())
        script.send("acceptor", "item", 3, ref=3, payload=word)
        script.event("dialer", "item", id="3", payload=word.hex())
        script.do("dialer", "consumed", id="3", bytes=6)
        script.send("dialer", "credit", 6, ref=3, meta={2: 38})
    script.do("acceptor", "end", id="3", payload="02")
    script.send("acceptor", "end", 3, ref=3, meta=end, payload=b"\x02")
    script.event("dialer", "end", id="3", payload="02")
    script.close()
    return script.case


def both_ways():
    script = Script("a_stream_both_ways", ["L5.stream.1", "L5.stream.2", "L5.stream.7"])
    script.open()
    end = {0: True}
    script.do("acceptor", "open", target="chat.talk", half_closed=False, credit=4096, id="4")
    script.send("acceptor", "open", 3, id=4, target="chat.talk", meta={2: 4096})
    script.event("dialer", "stream", id="4", target="chat.talk", payload=None, half_closed=False)
    for side, other, text in (("acceptor", "dialer", b"\x62hi"), ("dialer", "acceptor", b"\x62yo")):
        script.do(side, "item", id="4", payload=text.hex())
        script.send(side, "item", 3, ref=4, payload=text)
        script.event(other, "item", id="4", payload=text.hex())
    script.do("dialer", "end", id="4")
    script.send("dialer", "end", 3, ref=4, meta=end)
    script.event("acceptor", "end", id="4", payload=None)
    script.send("acceptor", "end", 3, ref=4, meta=end)
    script.close()
    return script.case


def topics():
    script = Script("topics", ["L5.topic.1", "L5.topic.3", "L5.topic.5", "L5.retain.2"])
    script.open()
    script.do("dialer", "subscribe", pattern="orders.*", credit=4096, id="3")
    script.send("dialer", "ask", 4, id=3, target="orders.*", meta={2: 4096})
    script.event("acceptor", "subscribe", id="3", pattern="orders.*")
    script.do("acceptor", "grant", id="3")
    script.send("acceptor", "granted", 4, ref=3)
    script.event("dialer", "granted", id="3")
    script.do("acceptor", "deliver", id="3", topic="orders.last", payload="01", retained=True)
    script.send(
        "acceptor", "deliver", 5, VOLATILE, ref=3, target="orders.last", meta={4: True}, payload=b"\x01"
    )
    script.event("dialer", "delivery", id="3", topic="orders.last", payload="01", retained=True)
    script.do("dialer", "publish", topic="orders.created", payload="02")
    script.send("dialer", "publish", 5, VOLATILE, target="orders.created", payload=b"\x02")
    script.event("acceptor", "publish", topic="orders.created", payload="02")
    script.do("acceptor", "deliver", id="3", topic="orders.created", payload="02", retained=False)
    script.send("acceptor", "deliver", 5, VOLATILE, ref=3, target="orders.created", payload=b"\x02")
    script.event("dialer", "delivery", id="3", topic="orders.created", payload="02", retained=False)
    script.do("dialer", "unsubscribe", id="3")
    script.send("dialer", "cancel", 7, ref=3)
    script.event("acceptor", "unsubscribed", id="3")
    script.send("acceptor", "over", 4, ref=3, meta={0: True})
    script.event("dialer", "subscription_end", id="3")
    script.close()
    return script.case


def refused_login():
    script = Script("a_refused_login", ["L4.auth.1", "L4.hello.3"])
    script.send("dialer", "offer", 1, VOLATILE, id=1, payload=enc(offer(k5={0: "none"})))
    script.event("acceptor", "authenticate", scheme="none")
    script.do("acceptor", "refuse", error={"code": 16, "message": "no valid credential"})
    error = {0: 16, 1: "no valid credential"}
    script.send("acceptor", "answer", 1, VOLATILE, id=2, ref=1, error=error)
    script.event("acceptor", "closed")
    script.event("dialer", "closed")
    return script.case


def pinged():
    script = Script("a_ping", ["L4.ping.1", "L4.bye.1"])
    script.open()
    script.do("dialer", "ping", id="3")
    script.send("dialer", "ping", 6, VOLATILE, id=3)
    script.send("acceptor", "pong", 6, ref=3)
    script.event("dialer", "pong", id="3")
    script.close()
    return script.case


def aborted():
    script = Script("an_abort_is_not_answered", ["L4.bye.6"])
    script.open()
    script.do("acceptor", "abort", error={"code": 14, "message": "restarting"})
    script.send("acceptor", "goodbye", 7, error={0: 14, 1: "restarting"})
    script.event("acceptor", "closed")
    script.event("dialer", "closed")
    return script.case


def exchanges():
    for make in (calls, cancelled, streams, both_ways, topics, refused_login, pinged, aborted):
        yield make()


def one(kind, flags=0, **fields):
    """One message in one frame."""
    return frame(envelope(kind, **fields), flags)


def violations():
    """To an acceptor: Ready, or (`phase` handshake) right after the link came up."""
    early = {"phase": "handshake"}
    phase = ("L4.phase.1",)
    request = one(2, id=1, target="a")
    yield invalid("call_before_hello", *phase, request, "failed_precondition", **early)
    beat = one(6, VOLATILE)
    yield invalid("heartbeat_before_hello", *phase, beat, "failed_precondition", **early)
    note = one(2, target="a")
    yield invalid("notification_behind_offer", *phase, OFFER + note, "failed_precondition", **early)
    yield invalid("offer_twice", *phase, OFFER + one(1, VOLATILE, id=3, payload=enc(offer())),
                  "failed_precondition", **early)
    yield invalid("confirm_first", *phase, CONFIRM, "failed_precondition", **early)
    yield invalid("answer_to_an_acceptor", *phase, ANSWER, "failed_precondition", **early)
    yield invalid("offer_with_even_id", "L3.id.3",
                  one(1, VOLATILE, id=2, payload=enc(offer())), **early)
    yield invalid("confirm_when_ready", "L4.phase.2", CONFIRM, "unimplemented")
    yield invalid("even_id_from_a_dialer", "L3.id.3", one(2, id=4, target="a"))
    yield invalid("even_ping_id_from_a_dialer", "L3.id.3", one(6, VOLATILE, id=4))
    twice = one(2, id=3, target="a") + one(2, id=3, target="a")
    yield invalid("id_used_twice", "L3.id.4", twice)
    falling = one(2, id=7, target="a") + one(2, id=5, target="a")
    yield invalid("id_falls", "L3.id.4", falling)
    yield invalid("id_of_the_offer_again", "L3.id.4", one(2, id=1, target="a"))
    kinds = one(2, id=3, target="a") + one(4, id=3, target="b")
    yield invalid("id_shared_by_two_kinds", "L3.id.4", kinds)
    fragments = frame(envelope(2, id=3, target="a"), GROUP, 1)
    open_twice = one(2, id=3, target="a") + fragments
    yield invalid("id_still_open_in_fragments", "L3.id.4", open_twice)
    yield invalid("id_of_128_bits", "L3.id.5", one(2, id=(1 << 64) + 1, target="a"), "unimplemented")
    yield invalid("event_with_id", "L5.qos.1", one(5, VOLATILE, id=3, target="a", payload=b""),
                  "unimplemented")
    for qos in (1, 2):
        data = one(5, 0, id=3, target="a", payload=b"", meta={3: qos})
        yield invalid(f"event_of_qos_{qos}", "L5.qos.1", data, "unimplemented")
    keys = {9: "p", 12: [1, 2], 16: [bytes(16), 1, 1], 18: b"", 20: 1}
    for key, value in keys.items():
        data = one(5, VOLATILE, target="a", payload=b"", meta={key: value})
        yield invalid(f"event_with_key_{key}", "X.event.1", data, "unimplemented")
    small = one(3, id=3, target="a") + one(3, ref=3, payload=b"x" * 8) + one(3, ref=3, payload=b"")
    yield invalid("item_without_credit", "L5.credit.1", small, "resource_exhausted",
                  limits={"initial_credit": 8})
    ghosts = b"".join(one(2, ref=100 + 2 * n, payload=b"") for n in range(65))
    yield invalid("refs_never_minted", "L3.ref.2", ghosts)
    cheap = b"".join(one(6, VOLATILE) for _ in range(220))
    few = {"limits": {"budget_burst": 200}}
    yield invalid("flood_of_heartbeats", "L4.calm.1", cheap, "resource_exhausted", **few)
    floods = b"".join(one(2, id=n, target="a") + one(7, ref=n) for n in range(3, 503, 2))
    yield invalid("open_and_cancel_flood", "L4.calm.1", floods, "resource_exhausted", **few)
    shut = one(3, id=3, target="a", meta={0: True}) + one(3, ref=3, payload=b"x")
    yield invalid("item_after_own_end", "L5.stream.4", shut)
    twice = one(3, id=3, target="a", meta={0: True}) + one(3, ref=3, meta={0: True})
    yield invalid("end_twice", "L5.stream.4", twice)
    result = one(3, id=3, target="a") + one(3, ref=3, meta={0: True}, payload=b"x")
    yield invalid("result_of_an_opener", "L5.stream.5", result)
    opens = b"".join(one(3, id=n, target="a") for n in (3, 5, 7))
    yield invalid("refused_streams_are_left_open", "L5.stream.3", opens, "resource_exhausted",
                  limits={"streams_max": 1})
    rich = one(3, id=3, target="a") + one(6, ref=3, meta={2: 1 << 31})
    yield invalid("credit_above_2_31", "L5.credit.3", rich)
    yield invalid("cbor_is_not_repaired", "L3.cbor.8", frame(envelope(2, target="a") + b"\x00"))


def tolerated():
    """To a Ready acceptor; it answers with `answers` at most, and the session goes on."""
    def case(name, rules, data, *answers, **more):
        return valid(name, rules, data, {"answers": [answer.hex() for answer in answers]}, **more)

    def refused(name, rules, data, code, kind=2, **more):
        decoded = {"answered": {"type": kind, "ref": "3", "code": code}}
        return valid(name, rules, data, decoded, **more)

    yield case("unknown_ref_is_ignored", ["L3.ref.2"], one(2, ref=98, payload=b""))
    yield case("ref_of_128_bits_is_ignored", ["L3.ref.2"], one(2, ref=1 << 64, payload=b""))
    yield case("response_to_own_call", ["L3.ref.3"], one(2, id=3, target="a") + one(2, ref=3, payload=b""))
    yield case("item_for_a_call", ["L3.ref.3"], one(2, id=3, target="a") + one(3, ref=3, payload=b""))
    yield case("cancel_of_an_ended_id", ["L3.ref.1"], one(7, ref=1))
    yield case("fragmented_lower_id", ["L3.id.4"],
               one(2, id=9, target="a") + frame(envelope(2, id=3, target="a"), GROUP, 1))
    yield case("ids_leave_gaps", ["L3.id.3"], one(2, id=3, target="a") + one(2, id=901, target="a"))
    yield case("heartbeats", ["L4.beat.1"], one(6, VOLATILE) * 3)
    yield case("ping", ["L4.ping.1"], one(6, VOLATILE, id=3), one(6, ref=3))
    yield case("only_the_newest_ping_is_answered", ["L4.ping.1"],
               one(6, VOLATILE, id=3) + one(6, VOLATILE, id=5), one(6, ref=5))
    yield case("receipt_is_ignored", ["X.ack.1"], one(6, VOLATILE, meta={21: 7}))
    yield case("bad_topic_is_dropped", ["L3.target.2"], one(5, VOLATILE, target="a..b", payload=b""))
    yield case("wildcard_topic_is_dropped", ["L3.target.2"], one(5, VOLATILE, target="a.*", payload=b""))
    many = {f"k{n:02}": "v" for n in range(49)}
    yield case("event_of_49_user_keys_is_dropped", ["L5.carry.1"],
               one(5, VOLATILE, target="a", payload=b"", meta=many))
    long = {"key": "v" * 7_162}
    yield case("event_of_7169_user_bytes_is_dropped", ["L5.carry.1"],
               one(5, VOLATILE, target="a", payload=b"", meta=long))
    yield case("goodbye_is_answered", ["L4.bye.2"], one(7), one(7))
    for target in ("a..b", ".a", "a.", "a b", "a.*", ">", "a\x00", "\x7f", ".".join("s" * 17)):
        shown = target.encode().hex()
        yield refused(f"call_of_bad_target_{shown}", ["L3.target.2"], one(2, id=3, target=target), 3)
    for target in ("a.>.b", "a.b*", "a..", ".".join("s" * 17)):
        shown = target.encode().hex()
        data = one(4, id=3, target=target)
        yield refused(f"ask_of_bad_pattern_{shown}", ["L3.target.2"], data, 3, 4)
    keys = {3: 1, 8: bytes(16), 9: "p", 12: [1, 2], 15: "d", 16: [bytes(16), 1, 1], 18: b"", 20: 1}
    for key, value in keys.items():
        meta = {key: value}
        if key != 8:
            data = one(2, id=3, target="a", meta=meta)
            yield refused(f"call_with_key_{key}", ["X.open.1"], data, 12)
        yield refused(f"open_with_key_{key}", ["X.open.1"], one(3, id=3, target="a", meta=meta), 12, 3)
        yield refused(f"ask_with_key_{key}", ["X.open.1"], one(4, id=3, target="a", meta=meta), 12, 4)
        yield refused(f"ask_of_overflow_4_and_{key}", ["X.open.1"],
                      one(4, id=3, target="a", meta={key: value, 19: 4}), 12, 4)
    again = one(1, VOLATILE, id=3, payload=enc(offer()))
    another = one(1, VOLATILE, id=5, payload=enc(offer()))
    yield valid("second_offer_before_the_decision", ["L4.phase.2"], again + another,
                {"answered": {"type": 1, "ref": "5", "code": 12}})
    hops = one(2, id=3, target="a", meta={11: 65})
    yield refused("hops_65", ["L5.hops.1"], hops, 8)
    late = one(2, id=3, target="a", meta={1: 0})
    yield refused("deadline_of_0", ["L5.deadline.2"], late, 4)
    yield refused("deadline_of_0_on_a_stream", ["L5.stream.8"], one(3, id=3, target="a", meta={1: 0}), 4, 3)
    two = one(2, id=3, target="a")
    yield refused("call_above_calls_max", ["L5.call.5"], two, 8, limits={"calls_max": 0})
    shut = one(3, id=5, target="a", meta={0: True})
    yield valid("stream_above_streams_max", ["L5.stream.3"], one(3, id=3, target="a") + shut,
                {"answered": {"type": 3, "ref": "5", "code": 8}}, limits={"streams_max": 1})
    yield refused("ask_above_subscriptions_max", ["L5.topic.6"], one(4, id=3, target="a"), 8, 4,
                  limits={"subscriptions_max": 0})


FILES = {
    "session/exchanges": exchanges,
    "session/violations": violations,
    "session/tolerated": tolerated,
}
