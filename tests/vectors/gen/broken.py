"""L3, what a decoder of envelopes refuses. Each case breaks one rule."""

from .case import envelope, invalid
from .cbor import Raw, enc, long_head, raw_map

GOOD = envelope(2, id=3, target="a", payload=b"\x07")


def fields(*values):
    """An envelope of these seven fields as they are."""
    return enc(list(values))


def request(**changed):
    """A request with some field replaced by raw bytes."""
    order = ("type", "id", "ref", "target", "meta", "payload", "error")
    plain = {"type": 2, "id": 3, "ref": None, "target": "a", "meta": None, "payload": None, "error": None}
    plain.update(changed)
    return fields(*(plain[name] for name in order))


def meta(value):
    """A request with this meta."""
    return request(meta=value)


def error(value):
    """A response with this error."""
    return fields(2, None, 3, None, None, None, value)


def shape():
    """Not an array of seven."""
    yield invalid("empty", "L3.cbor.9", b"", note="an empty body never reaches a decoder: L1.body.1")
    yield invalid("six_fields", "L3.cbor.1", enc([2, 3, None, "a", None, b""]))
    yield invalid("eight_fields", "L3.cbor.1", enc([2, 3, None, "a", None, b"", None, None]))
    yield invalid("a_map", "L3.env.1", enc({0: 2}))
    yield invalid("a_number", "L3.env.1", enc(7))
    yield invalid("array_head_too_long", "L3.cbor.2", bytes(long_head(4, 7, 24)) + GOOD[1:])
    yield invalid("indefinite_array", "L3.cbor.3", b"\x9f" + GOOD[1:] + b"\xff")
    yield invalid("tagged_envelope", "L3.cbor.4", b"\xd9\xd9\xf7" + GOOD)
    yield invalid("trailing_byte", "L3.cbor.8", GOOD + b"\x00")
    yield invalid("two_envelopes", "L3.cbor.8", GOOD + GOOD)
    for size in range(1, len(GOOD)):
        yield invalid(f"cut_after_{size}", "L3.cbor.9", GOOD[:size])


def encoding():
    """CBOR that is not deterministic, or not ours."""
    yield invalid("type_not_shortest", "L3.cbor.2", request(type=long_head(0, 2, 24)))
    for info, bits in ((24, 8), (25, 16), (26, 32), (27, 64)):
        yield invalid(f"id_in_{bits}_bits", "L3.cbor.2", request(id=long_head(0, 3, info)))
    yield invalid("id_255_in_16_bits", "L3.cbor.2", request(id=long_head(0, 255, 25)))
    yield invalid("id_65535_in_32_bits", "L3.cbor.2", request(id=long_head(0, 65535, 26)))
    yield invalid("id_2_32_less_1_in_64_bits", "L3.cbor.2", request(id=long_head(0, (1 << 32) - 1, 27)))
    yield invalid("target_length_not_shortest", "L3.cbor.2", request(target=Raw(long_head(3, 1, 24) + b"a")))
    yield invalid("payload_length_not_shortest", "L3.cbor.2", request(payload=Raw(long_head(2, 1, 25) + b"a")))
    yield invalid("meta_length_not_shortest", "L3.cbor.2", meta(Raw(long_head(5, 1, 24) + enc(1) + enc(5))))
    yield invalid("meta_key_not_shortest", "L3.cbor.2", meta(Raw(b"\xa1\x18\x01\x05")))
    for info in (28, 29, 30):
        yield invalid(f"additional_information_{info}", "L3.cbor.2", request(id=Raw(bytes([info]))))
    yield invalid("indefinite_target", "L3.cbor.3", request(target=Raw(b"\x7f\x61a\xff")))
    yield invalid("indefinite_payload", "L3.cbor.3", request(payload=Raw(b"\x5f\x41a\xff")))
    yield invalid("indefinite_meta", "L3.cbor.3", meta(Raw(b"\xbf\x01\x05\xff")))
    yield invalid("break_as_a_field", "L3.cbor.3", request(payload=Raw(b"\xff")))
    yield invalid("tagged_id", "L3.cbor.4", request(id=Raw(b"\xc1\x03")))
    yield invalid("bignum_id", "L3.cbor.4", request(id=Raw(b"\xc2\x41\x03")))
    yield invalid("tagged_target", "L3.cbor.4", request(target=Raw(b"\xd8\x20\x61a")))
    yield invalid("tag_in_ignored_value", "L3.cbor.4", meta({40: Raw(b"\xc1\x03")}))
    yield invalid("float_id", "L3.cbor.5", request(id=Raw(b"\xf9\x42\x00")))
    yield invalid("undefined_target", "L3.cbor.5", request(target=Raw(b"\xf7")))
    yield invalid("simple_value_payload", "L3.cbor.5", request(payload=Raw(b"\xe0")))
    yield invalid("float_in_ignored_value", "L3.cbor.5", meta({40: Raw(b"\xfb" + bytes(8))}))
    yield invalid("target_not_utf8", "L3.cbor.6", request(target=Raw(b"\x62\xc3\x28")))
    yield invalid("target_with_a_surrogate", "L3.cbor.6", request(target=Raw(b"\x63\xed\xa0\x80")))
    yield invalid("user_value_not_utf8", "L3.cbor.6", meta({"k": Raw(b"\x61\xff")}))
    yield invalid("user_key_not_utf8", "L3.cbor.6", meta(Raw(b"\xa1\x61\xff\x61v")))
    yield invalid("meta_keys_equal", "L3.cbor.7", meta(raw_map([(1, 5), (1, 6)])))
    yield invalid("meta_keys_falling", "L3.cbor.7", meta(raw_map([(11, 1), (1, 5)])))
    yield invalid("meta_text_before_uint", "L3.cbor.7", meta(raw_map([("a", "b"), (1, 5)])))
    yield invalid("meta_text_equal", "L3.cbor.7", meta(raw_map([("a", "b"), ("a", "c")])))
    yield invalid("meta_longer_text_first", "L3.cbor.7", meta(raw_map([("aa", ""), ("b", "")])))
    yield invalid("meta_text_falling", "L3.cbor.7", meta(raw_map([("b", ""), ("a", "")])))
    yield invalid("error_keys_falling", "L3.cbor.7", error(raw_map([(1, "m"), (0, 5)])))
    yield invalid("error_keys_equal", "L3.cbor.7", error(raw_map([(0, 5), (0, 5)])))
    yield invalid("ignored_map_falling", "L3.cbor.7", meta({40: raw_map([(2, 1), (1, 1)])}))
    for major, name in ((2, "bytes"), (3, "text"), (4, "array"), (5, "map")):
        huge = Raw(bytes([major << 5 | 27]) + b"\xff" * 8)
        yield invalid(f"huge_{name}_in_ignored_value", "L3.cbor.9", meta({40: huge}))
    yield invalid("huge_target", "L3.cbor.9", request(target=Raw(b"\x7b" + b"\xff" * 8)))
    yield invalid("huge_payload", "L3.cbor.9", request(payload=Raw(b"\x5a\xff\xff\xff\xff")))
    deep = Raw(b"\x81" * 15 + b"\x00")
    yield invalid("nested_17_deep", "L3.cbor.10", meta({40: deep}))
    yield invalid("nested_4000_deep", "L3.cbor.10", meta({40: Raw(b"\x81" * 4000 + b"\x80")}))


def types():
    """Fields of the wrong type or out of range."""
    for kind in (0, 8, 23, 24, 1 << 32):
        yield invalid(f"kind_{kind}", "L3.kind.1", request(type=kind))
    yield invalid("kind_is_text", "L3.env.1", request(type="CALL"))
    yield invalid("kind_is_null", "L3.env.1", request(type=None))
    yield invalid("kind_is_negative", "L3.env.1", request(type=-2))
    yield invalid("id_is_text", "L3.env.1", request(id="3"))
    yield invalid("id_is_negative", "L3.env.1", request(id=-3))
    yield invalid("id_is_true", "L3.env.1", request(id=True))
    yield invalid("ref_is_array", "L3.env.1", request(ref=[3]))
    yield invalid("target_is_bytes", "L3.env.1", request(target=b"a"))
    yield invalid("target_is_number", "L3.env.1", request(target=5))
    yield invalid("meta_is_array", "L3.env.1", request(meta=[1, 5]))
    yield invalid("meta_is_false", "L3.env.1", request(meta=False))
    yield invalid("payload_is_text", "L3.env.1", request(payload="x"))
    yield invalid("payload_is_map", "L3.env.1", request(payload={0: 1}))
    yield invalid("error_is_text", "L3.env.1", fields(2, None, 3, None, None, None, "no"))
    yield invalid("error_is_number", "L3.env.1", fields(2, None, 3, None, None, None, 5))
    yield invalid("id_zero", "L3.id.2", request(id=0))
    yield invalid("ref_zero", "L3.id.2", fields(2, None, 0, None, None, b"", None))
    yield invalid("id_zero_of_16_bytes", "L3.id.1", request(id=bytes(16)))
    yield invalid("small_id_of_16_bytes", "L3.id.1", request(id=(3).to_bytes(16, "big")))
    yield invalid("id_2_64_less_1_of_16_bytes", "L3.id.1", request(id=((1 << 64) - 1).to_bytes(16, "big")))
    yield invalid("id_of_15_bytes", "L3.id.1", request(id=b"\x01" * 15))
    yield invalid("id_of_17_bytes", "L3.id.1", request(id=b"\x01" * 17))
    yield invalid("ref_of_8_bytes", "L3.id.1", fields(2, None, b"\x01" * 8, None, None, b"", None))
    yield invalid("target_empty", "L3.target.1", request(target=""))
    yield invalid("target_of_513_bytes", "L3.target.1", request(target="t" * 513))


def meta_cases():
    """Meta that a decoder refuses."""
    yield invalid("meta_key_negative", "L3.meta.1", meta({-1: 5}))
    yield invalid("meta_key_bytes", "L3.meta.1", meta({b"k": "v"}))
    yield invalid("meta_key_null", "L3.meta.1", meta({None: "v"}))
    yield invalid("meta_empty", "L3.meta.2", meta({}))
    yield invalid("meta_65_entries", "L3.meta.3", meta({f"{n:02}": "" for n in range(65)}))
    yield invalid("meta_8193_bytes", "L3.meta.4", meta({"a": "x" * 8187}))
    for key in (23, 31, 64, 1000, 1 << 63):
        yield invalid(f"meta_key_{key}", "L3.meta.5", meta({key: 1}))
    wrong = {
        0: 1, 1: "5", 2: "5", 3: 3, 4: 1, 5: b"x", 6: bytes(24), 7: 1, 8: bytes(15), 9: b"p",
        10: 1, 11: -1, 12: [1], 13: 1, 14: True, 15: 5, 16: [bytes(15), 1, 2], 17: "1", 18: "s",
        19: 5, 20: 2, 21: b"", 22: None,
    }
    for key, value in wrong.items():
        yield invalid(f"meta_{key}_wrong_value", "L3.meta.7", meta({key: value}))
    yield invalid("meta_content_type_empty", "L3.meta.7", meta({5: ""}))
    yield invalid("meta_group_of_513_bytes", "L3.meta.7", meta({13: "g" * 513}))
    yield invalid("meta_position_of_three", "L3.meta.7", meta({12: [1, 2, 3]}))
    yield invalid("meta_deadline_negative", "L3.meta.7", meta({1: -1}))
    yield invalid("meta_end_false", "L3.meta.8", meta({0: False}))
    yield invalid("meta_retain_false", "L3.meta.8", meta({4: False}))
    yield invalid("user_value_number", "L3.meta.9", meta({"k": 5}))
    yield invalid("user_value_bytes", "L3.meta.9", meta({"k": b"v"}))
    yield invalid("user_value_null", "L3.meta.9", meta({"k": None}))


def error_cases():
    """Errors that a decoder refuses."""
    yield invalid("error_empty", "L3.error.1", error({}))
    yield invalid("error_without_code", "L3.error.1", error({1: "m"}))
    yield invalid("error_code_zero", "L3.error.1", error({0: 0}))
    yield invalid("error_code_256", "L3.error.1", error({0: 256}))
    yield invalid("error_code_text", "L3.env.1", error({0: "not_found"}))
    yield invalid("error_message_bytes", "L3.env.1", error({0: 5, 1: b"m"}))
    yield invalid("error_type_number", "L3.env.1", error({0: 5, 2: 5}))
    yield invalid("error_details_text", "L3.env.1", error({0: 5, 2: "T", 3: "d"}))
    yield invalid("error_retry_text", "L3.env.1", error({0: 5, 4: "1"}))
    yield invalid("error_key_5", "L3.error.3", error({0: 5, 5: 1}))
    yield invalid("error_key_64", "L3.error.3", error({0: 5, 64: 1}))
    yield invalid("error_key_text", "L3.env.1", error({0: 5, "k": 1}))
    yield invalid("error_message_of_4097_bytes", "L3.error.5", error({0: 5, 1: "m" * 4097}))
    yield invalid("error_type_of_513_bytes", "L3.error.5", error({0: 5, 2: "T" * 513}))
    yield invalid("error_details_without_type", "L3.error.4", error({0: 5, 3: b"\x01"}))


def forms():
    """Fields that a form must not have, or must."""
    oops = {0: 2}
    end = {0: True}
    table = [
        ("hello_without_id", "L3.hello.1", 1, {"payload": b"\xa0"}),
        ("hello_offer_without_payload", "L3.hello.1", 1, {"id": 1}),
        ("hello_offer_with_target", "L3.hello.1", 1, {"id": 1, "payload": b"\xa0", "target": "a"}),
        ("hello_offer_with_error", "L3.hello.1", 1, {"id": 1, "payload": b"\xa0", "error": oops}),
        ("hello_answer_with_nothing", "L3.hello.2", 1, {"id": 2, "ref": 1}),
        ("hello_answer_with_both", "L3.hello.2", 1, {"id": 2, "ref": 1, "payload": b"", "error": oops}),
        ("hello_answer_with_target", "L3.hello.2", 1, {"id": 2, "ref": 1, "payload": b"", "target": "a"}),
        ("hello_confirm_with_both", "L3.hello.3", 1, {"ref": 2, "payload": b"", "error": oops}),
        ("hello_confirm_with_target", "L3.hello.3", 1, {"ref": 2, "target": "a"}),
        ("call_without_target", "L3.call.1", 2, {"id": 3, "payload": b""}),
        ("call_of_nothing", "L3.call.1", 2, {}),
        ("call_with_error", "L3.call.1", 2, {"id": 3, "target": "a", "error": oops}),
        ("response_with_nothing", "L3.call.2", 2, {"ref": 3}),
        ("response_with_both", "L3.call.2", 2, {"ref": 3, "payload": b"", "error": oops}),
        ("response_with_id", "L3.call.2", 2, {"id": 5, "ref": 3, "payload": b""}),
        ("response_with_target", "L3.call.2", 2, {"ref": 3, "target": "a", "payload": b""}),
        ("open_without_id", "L3.stream.1", 3, {"target": "a"}),
        ("open_without_target", "L3.stream.1", 3, {"id": 3}),
        ("open_with_error", "L3.stream.1", 3, {"id": 3, "target": "a", "error": oops}),
        ("item_without_payload", "L3.stream.2", 3, {"ref": 3}),
        ("item_with_id", "L3.stream.2", 3, {"id": 5, "ref": 3, "payload": b""}),
        ("item_with_target", "L3.stream.2", 3, {"ref": 3, "target": "a", "payload": b""}),
        ("item_with_error", "L3.stream.2", 3, {"ref": 3, "payload": b"", "error": oops}),
        ("error_without_end", "L3.stream.2", 3, {"ref": 3, "error": oops}),
        ("end_with_both", "L3.stream.3", 3, {"ref": 3, "meta": end, "payload": b"", "error": oops}),
        ("end_with_id", "L3.stream.3", 3, {"id": 5, "ref": 3, "meta": end}),
        ("end_with_target", "L3.stream.3", 3, {"ref": 3, "target": "a", "meta": end}),
        ("ask_without_id", "L3.subscribe.1", 4, {"target": "a"}),
        ("ask_without_target", "L3.subscribe.1", 4, {"id": 3}),
        ("ask_with_payload", "L3.subscribe.1", 4, {"id": 3, "target": "a", "payload": b""}),
        ("ask_with_error", "L3.subscribe.1", 4, {"id": 3, "target": "a", "error": oops}),
        ("granted_with_id", "L3.subscribe.2", 4, {"id": 4, "ref": 3}),
        ("granted_with_target", "L3.subscribe.2", 4, {"ref": 3, "target": "a"}),
        ("granted_with_payload", "L3.subscribe.2", 4, {"ref": 3, "payload": b""}),
        ("refused_without_end", "L3.subscribe.3", 4, {"ref": 3, "error": oops}),
        ("publish_without_target", "L3.event.1", 5, {"payload": b""}),
        ("publish_without_payload", "L3.event.1", 5, {"target": "t"}),
        ("publish_with_error", "L3.event.1", 5, {"target": "t", "payload": b"", "error": oops}),
        ("deliver_without_payload", "L3.event.2", 5, {"ref": 3, "target": "t"}),
        ("deliver_with_id", "L3.event.2", 5, {"id": 4, "ref": 3, "payload": b""}),
        ("deliver_with_error", "L3.event.2", 5, {"ref": 3, "payload": b"", "error": oops}),
        ("ack_with_target", "L3.ack.1", 6, {"target": "a"}),
        ("ack_with_payload", "L3.ack.1", 6, {"ref": 3, "payload": b""}),
        ("ack_with_error", "L3.ack.1", 6, {"ref": 3, "error": oops}),
        ("ack_with_id_and_ref", "L3.ack.1", 6, {"id": 3, "ref": 2}),
        ("credit_without_ref", "L3.ack.2", 6, {"meta": {2: 5}}),
        ("credit_of_zero", "L3.ack.2", 6, {"ref": 3, "meta": {2: 0}}),
        ("cancel_with_id", "L3.cancel.1", 7, {"id": 3}),
        ("cancel_with_target", "L3.cancel.1", 7, {"ref": 3, "target": "a"}),
        ("cancel_with_payload", "L3.cancel.1", 7, {"ref": 3, "payload": b""}),
        ("cancel_with_error", "L3.cancel.1", 7, {"ref": 3, "error": oops}),
    ]
    for name, rule, kind, given in table:
        yield invalid(name, rule, envelope(kind, **given))


FILES = {
    "message/invalid_shape": shape,
    "message/invalid_encoding": encoding,
    "message/invalid_types": types,
    "message/invalid_meta": meta_cases,
    "message/invalid_error": error_cases,
    "message/invalid_forms": forms,
}
