#!/usr/bin/env python3
"""Makes the seed corpus of the fuzz targets from the vectors: seed.py VECTORS CORPUS."""
import gzip
import json
import pathlib
import sys

vectors, corpus = map(pathlib.Path, sys.argv[1:])


def put(target, name, data):
    folder = corpus / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data)


def cases(folder):
    for path in sorted((vectors / folder).glob("*.json")):
        for case in json.loads(path.read_text()):
            yield f"{path.stem}-{case['name']}", case


for name, case in cases("message"):
    put("envelope", name, bytes.fromhex(case["hex"]))
for name, case in cases("hello"):
    put("hello", name, bytes.fromhex(case["hex"]))
for folder in ("frame", "session"):
    for name, case in cases(folder):
        texts = [case["hex"]] if "hex" in case else [s["hex"] for s in case["steps"] if "hex" in s]
        # Two bytes behind the input say how it is cut into reads.
        put("frame", f"{folder}-{name}", b"".join(map(bytes.fromhex, texts)) + b"\x07\x00")
# One member of gzip, and one frame of zstd: the first byte says which codec.
member = gzip.compress(b"the same again and again, " * 100, mtime=0)
put("decompress", "gzip", b"\x01" + member)
put("decompress", "zstd", bytes.fromhex("00 28b52ffd 04 00 21 00 00 61 62 63 64"))
for target in ("frame", "envelope", "hello", "engine_ops", "seal", "record", "decompress"):
    put(target, "empty", b"")
