// Names of fields and members are found by their bytes: as a table of texts would find them, and nothing else.
import assert from "node:assert/strict";
import { test } from "node:test";
import { DecodeError, Reader, Writer, enumTable, names, readEnum } from "../dist/index.js";

const LONG = "a_name_of_more_than_23_bytes";
const table = names([["id", 1], ["ip", 2], ["", 3], ["ü", 4], [LONG, 5], ["a_name_of_23_bytes_here", 6], ["toString", 7]]);

function written(text) {
  const writer = new Writer();
  writer.text(text);
  return writer.take();
}

test("a name stands for its number, an unknown one for none, and either is passed over", () => {
  for (const [text, number] of [["id", 1], ["ip", 2], ["", 3], ["ü", 4], [LONG, 5], ["a_name_of_23_bytes_here", 6], ["toString", 7]]) {
    const reader = new Reader(written(text));
    assert.equal(reader.key(table), number, text);
    reader.end();
  }
  for (const text of ["i", "iq", "idx", "uu", "__proto__", "constructor", `${LONG}_`, LONG.replace("23", "24")]) {
    const reader = new Reader(written(text));
    assert.equal(reader.key(table), 0, text);
    assert.equal(reader.unknownKey, text);
    reader.end();
  }
});

test("the same name in more bytes than it needs, or in pieces, is the same name", () => {
  for (const hex of ["78026964", "7900026964", "7f6169616" + "4ff", "7f626964ff"]) {
    const reader = new Reader(Uint8Array.from(Buffer.from(hex, "hex")));
    assert.equal(reader.key(table), 1, hex);
    reader.end();
  }
});

test("a name that is cut off or no UTF-8 is refused", () => {
  for (const hex of ["62", "6269", "78", "62c328", "7f6269", "5f"]) {
    const reader = new Reader(Uint8Array.from(Buffer.from(hex, "hex")));
    assert.throws(() => reader.key(table), DecodeError, hex);
  }
});

test("members of an enum are found the same way, old names too, and an unknown one is kept", () => {
  const open = enumTable(true, [[1, "admin", "admin"], [2, "member", "member"]], [["root", "admin"]]);
  const closed = enumTable(false, [[1, "admin", "admin"]]);
  for (const [text, value] of [["admin", "admin"], ["member", "member"], ["root", "admin"]]) {
    assert.equal(readEnum(new Reader(written(text)), open), value);
  }
  assert.deepEqual(readEnum(new Reader(written("guest")), open), { kind: "$unknown", key: "guest" });
  assert.deepEqual(readEnum(new Reader(Uint8Array.of(9)), open), { kind: "$unknown", key: 9 });
  assert.throws(() => readEnum(new Reader(written("guest")), closed), /"guest" is no value/);
  assert.throws(() => readEnum(new Reader(Uint8Array.of(0xf5)), open), DecodeError);
  assert.throws(() => readEnum(new Reader(new Uint8Array()), open), DecodeError);
});
