#!/usr/bin/env python3
"""Makes the seed corpus of the fuzz targets from the vectors: seed.py VECTORS CORPUS."""
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
for target in ("frame", "envelope", "hello", "engine_ops"):
    put(target, "empty", b"")
