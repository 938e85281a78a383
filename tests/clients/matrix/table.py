#!/usr/bin/env python3
"""Lets every peer call every other, and prints who could do what: see README.md.

Usage: table.py RUST_PEER PYTHON TS_PEER; `run` makes them.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from threading import Timer

HERE = Path(__file__).parent
CASES = (HERE / "cases.txt").read_text().split()
PATIENCE = 120
"""Seconds that a pair may take."""


class Program:
    """A peer that runs."""

    def __init__(self, peer: list[str], *arguments: str) -> None:
        pipe = subprocess.PIPE
        self.name = " ".join([*peer, *arguments])
        self.child = subprocess.Popen([*peer, *arguments], stdin=pipe, stdout=pipe, text=True)
        self.timer = Timer(PATIENCE, self.child.kill)
        self.timer.start()

    def address(self) -> str:
        """Where it listens."""
        assert self.child.stdout is not None
        line = self.child.stdout.readline()
        if not line:
            raise SystemExit(f"{self.name} did not start to listen")
        return str(json.loads(line)["listening"])

    def end(self) -> tuple[dict[str, str], int]:
        """Closes its standard input; the cases, each with why it failed, and the exit code."""
        said, _ = self.child.communicate()
        self.timer.cancel()
        lines = [json.loads(line) for line in said.splitlines()]
        return {line["case"]: line["why"] for line in lines}, self.child.returncode


def pair(callee: list[str], caller: list[str], *, callee_listens: bool) -> dict[str, str]:
    """What the cases of this caller at this callee came to."""
    listener = Program(*((callee, "serve") if callee_listens else (caller, "take")), URL)
    url = listener.address()
    dialer = Program(*((caller, "call") if callee_listens else (callee, "offer")), url)
    # The caller ends first: who is called ends with the session, or its standard input.
    calling, called = (dialer, listener) if callee_listens else (listener, dialer)
    cases, code = calling.end()
    _, other = called.end()
    if code or other:
        cases[f"exit codes {code} and {other}"] = "both are 0 when all went well"
    return cases


URL = "ws://127.0.0.1:0"


def main(rust: str, python: str, ts: str) -> int:
    peers = {"rust": [rust], "ts": ["node", ts], "python": [python, str(HERE / "py_peer.py")]}
    rows: list[tuple[str, str, str, dict[str, str]]] = []
    for caller, calling in peers.items():
        for callee, called in peers.items():
            for callee_listens in (True, False):
                listener = callee if callee_listens else caller
                link = "the callee listens" if callee_listens else "the caller listens"
                if caller == callee == "ts":
                    # It does not listen: both sides run in one program, either as the dialer.
                    how = "straight" if callee_listens else "mirrored"
                    cases, code = Program(called, "alone", how).end()
                    if code:
                        cases.setdefault(f"exit code {code}", "0 is wanted")
                    rows.append((caller, callee, "in memory", cases))
                elif listener != "ts":
                    cases = pair(called, calling, callee_listens=callee_listens)
                    rows.append((caller, callee, link, cases))
    return report(rows)


def report(rows: list[tuple[str, str, str, dict[str, str]]]) -> int:
    short = [case.replace("_", " ") for case in CASES]
    print(f"| caller → callee | link | {' | '.join(short)} |")
    print("|---" * (len(CASES) + 2) + "|")
    holes: list[str] = []
    for caller, callee, link, cases in rows:
        marks: list[str] = []
        for case in CASES:
            why = cases.pop(case, "it was not tried")
            marks.append("✗" if why else "✓")
            if why:
                holes.append(f"{caller} → {callee} ({link}), {case}: {why}")
        print(f"| {caller} → {callee} | {link} | {' | '.join(marks)} |")
        holes += [f"{caller} → {callee} ({link}), {case}: {why}" for case, why in cases.items()]
    print(f"\n{len(rows)} pairs, {len(CASES)} cases each, {len(holes)} holes", flush=True)
    for hole in holes:
        print(hole, file=sys.stderr)
    return 1 if holes else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:4]))
