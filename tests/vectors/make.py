#!/usr/bin/env python3
"""Writes the vectors: `make.py`; or says whether the files are what it would write: `make.py --check`.

Needs Python 3.9 and nothing else. See README.md for the format.
"""

import json
import pathlib
import sys

from gen import broken, frames, hellos, messages, resume, sessions

HERE = pathlib.Path(__file__).parent


def text(cases):
    """One case a line: diffs stay readable."""
    lines = (json.dumps(case, ensure_ascii=True) for case in cases)
    return "[\n" + ",\n".join(lines) + "\n]\n"


def main():
    check = "--check" in sys.argv
    count, stale, names = 0, [], set()
    for module in (frames, messages, broken, hellos, sessions, resume):
        for name, make in module.FILES.items():
            cases = list(make())
            for case in cases:
                key = (name, case["name"])
                assert key not in names, f"two cases {key}"
                names.add(key)
            count += len(cases)
            path = HERE / f"{name}.json"
            new = text(cases)
            if check:
                if not path.exists() or path.read_text() != new:
                    stale.append(str(path))
            else:
                path.parent.mkdir(exist_ok=True)
                path.write_text(new)
    print(f"{count} cases")
    if stale:
        sys.exit("not up to date: " + ", ".join(stale))


if __name__ == "__main__":
    main()
