"""The smallest deterministic CBOR writer (RFC 8949 section 4.2.1) that the vectors need.

Written from the RFC and docs/spec/message.md alone, so that vectors and Rust code are independent.
"""


class Raw(bytes):
    """Bytes that go into the output as they are: how the invalid vectors are made."""


def head(major, number):
    """The head of an item: major type and argument in shortest form."""
    if number < 24:
        return bytes([major << 5 | number])
    for info, size in ((24, 1), (25, 2), (26, 4), (27, 8)):
        if number < 1 << (8 * size):
            return bytes([major << 5 | info]) + number.to_bytes(size, "big")
    raise ValueError("does not fit 64 bits")


def long_head(major, number, info):
    """The same head in a longer form than it needs."""
    size = {24: 1, 25: 2, 26: 4, 27: 8}[info]
    return Raw(bytes([major << 5 | info]) + number.to_bytes(size, "big"))


def enc(value):
    """One item."""
    if isinstance(value, Raw):
        return bytes(value)
    if value is None:
        return b"\xf6"
    if value is True:
        return b"\xf5"
    if value is False:
        return b"\xf4"
    if isinstance(value, int):
        return head(0, value) if value >= 0 else head(1, -1 - value)
    if isinstance(value, bytes):
        return head(2, len(value)) + value
    if isinstance(value, str):
        data = value.encode()
        return head(3, len(data)) + data
    if isinstance(value, (list, tuple)):
        return head(4, len(value)) + b"".join(enc(item) for item in value)
    if isinstance(value, dict):
        pairs = sorted((enc(key), enc(item)) for key, item in value.items())
        return head(5, len(pairs)) + b"".join(key + item for key, item in pairs)
    raise TypeError(type(value))


def raw_map(pairs):
    """A map whose entries stay in the order given, sorted or not."""
    return Raw(head(5, len(pairs)) + b"".join(enc(key) + enc(item) for key, item in pairs))


def ident(number):
    """An id or a ref: below 2^64 a uint, above a bstr of 16 bytes."""
    if number is None or isinstance(number, Raw):
        return number
    return number if number < 1 << 64 else number.to_bytes(16, "big")


def varint(number):
    """A QUIC varint (RFC 9000 section 16)."""
    for bits, size in ((6, 1), (14, 2), (30, 4), (62, 8)):
        if number < 1 << bits:
            return (number | (size.bit_length() - 1) << (8 * size - 2)).to_bytes(size, "big")
    raise ValueError("does not fit 62 bits")
