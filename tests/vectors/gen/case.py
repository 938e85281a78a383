"""One vector, and what the kinds, flags and bodies look like when decoded."""

from .cbor import Raw, enc, ident, varint

KINDS = {1: "HELLO", 2: "CALL", 3: "STREAM", 4: "SUBSCRIBE", 5: "EVENT", 6: "ACK", 7: "CANCEL"}
SEQ, GROUP, MORE, VOLATILE = 0x08, 0x10, 0x20, 0x40


def valid(name, rules, data, decoded, note=None, **more):
    """Bytes that a receiver takes."""
    case = {"name": name, "rule": rules, "hex": data.hex(), "valid": True, "decoded": decoded}
    return _finish(case, note, more)


def invalid(name, rule, data, code="invalid_argument", note=None, **more):
    """Bytes that a receiver refuses, with the rule and the code that it says."""
    error = {"code": code, "rule": rule}
    case = {"name": name, "rule": [rule], "hex": data.hex(), "valid": False, "error": error}
    return _finish(case, note, more)


def _finish(case, note, more):
    case.update(more)
    if note:
        case["note"] = note
    return case


def envelope(kind, id=None, ref=None, target=None, meta=None, payload=None, error=None):
    """The bytes of an envelope."""
    return enc([kind, ident(id), ident(ref), target, meta, payload, error])


def show(value):
    """A CBOR value as JSON: bytes as {"bytes": hex}."""
    if isinstance(value, bytes):
        return {"bytes": value.hex()}
    if isinstance(value, (list, tuple)):
        return [show(item) for item in value]
    if isinstance(value, dict):
        return [[key, show(item)] for key, item in ordered(value)]
    return value


def ordered(mapping):
    """The entries in the order of their encodings."""
    return sorted(mapping.items(), key=lambda entry: enc(entry[0]))


def message(form, kind, id=None, ref=None, target=None, meta=None, payload=None, error=None):
    """The decoded form: ids as decimal text (they may have 128 bits), bytes as hex."""
    return {
        "type": kind,
        "kind": KINDS[kind],
        "form": form,
        "id": None if id is None else str(id),
        "ref": None if ref is None else str(ref),
        "target": target,
        "meta": None if meta is None else show({k: v for k, v in meta.items() if not skipped(k)}),
        "payload": None if payload is None else payload.hex(),
        "error": None if error is None else show({k: v for k, v in error.items() if not skipped(k)}),
    }


def skipped(key):
    """Keys that a receiver of this version ignores."""
    return isinstance(key, int) and 32 <= key < 64


def frame(body, flags=0, group=None, extra=b""):
    """One frame. `group` may be a number, or Raw for a varint as it stands."""
    after = bytes([flags])
    if group is not None:
        after += bytes(group) if isinstance(group, Raw) else varint(group)
    after += extra + body
    return len(after).to_bytes(4, "big") + after
