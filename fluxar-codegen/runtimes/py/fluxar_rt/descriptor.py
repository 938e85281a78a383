"""The contract's descriptor: data that says what the contract is, and its hash."""

from __future__ import annotations

import hashlib

from .cbor import encode


def encode_descriptor(descriptor: object) -> bytes:
    """The canonical bytes (contract.md)."""
    return encode(descriptor)


def hash_descriptor(descriptor: object) -> str:
    """The SHA-256 of the canonical bytes, in hexadecimal."""
    return hashlib.sha256(encode_descriptor(descriptor)).hexdigest()
