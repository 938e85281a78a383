"""Answers requests, a line each: a value of one level is written by that level's code, read and written by the other's, and
read again."""

import importlib
import json
import sys


class Level:
    """The code of one level."""

    def __init__(self, package, module):
        self.codecs = importlib.import_module(f"{package}.{module}").CODECS
        self.codec = importlib.import_module(f"{package}.fluxar_rt.codec")

    def read(self, name, data, checked):
        return self.codec.decode(self.codecs[name], data, checked=checked)

    def write(self, name, value, numbers):
        return self.codec.encode(self.codecs[name], value, numbers)


def line(word, data, why):
    return f"{word} {data.hex()} {why}".replace("\r", " ").replace("\n", " ")


def chain(one, other, name, data, checked):
    try:
        value = one.read(name, data, True)
        first = one.write(name, value, False)
    except Exception as why:
        return line("skip", data, why)
    changed = None
    for numbers in (False, True):
        sent = one.write(name, value, numbers)
        try:
            back = other.write(name, other.read(name, sent, checked), numbers)
        except Exception as why:
            return line("break", first, why)
        try:
            again = one.write(name, one.read(name, back, checked), numbers)
        except Exception as why:
            return line("back", first, why)
        if again != sent and changed is None:
            changed = back
    return line("ok", first, "") if changed is None else line("changed", first, f"came back from {changed.hex()}")


def main():
    with open("modules.json", encoding="utf-8") as file:
        pairs = [(Level(*pair["old"]), Level(*pair["new"]), pair["uses"]) for pair in json.load(file)]
    said = []
    for request in sys.stdin:
        pair, use, direction, checked, data = request.split()
        old, new, uses = pairs[int(pair)]
        one, other = (old, new) if direction == "forward" else (new, old)
        said.append(chain(one, other, uses[int(use)], bytes.fromhex(data), checked == "checked"))
    sys.stdout.reconfigure(encoding="utf-8")
    sys.stdout.write("".join(answer + "\n" for answer in said))


main()
