/** The canonical descriptor of a contract, and its hash (docs/spec/contract.md). */

import { Writer, compareBytes } from "./bytes.js";
import { DecodeError, Reader } from "./reader.js";
import { sha256 } from "./sha256.js";

/** The key under which every map keeps its documentation [IDL.desc.7]. */
const DOCS = 15;

/** The hash of a contract: of its descriptor without documentation, in hexadecimal. */
export function descriptorHash(descriptor: Uint8Array): string {
  return sha256(canonical(descriptor, false));
}

/** A descriptor written anew: deterministic, with or without its documentation [IDL.desc.2]. */
export function canonical(descriptor: Uint8Array, withDocs: boolean): Uint8Array {
  const reader = new Reader(descriptor);
  const writer = new Writer();
  copy(reader, writer, withDocs);
  reader.end();
  return writer.take();
}

function copy(reader: Reader, writer: Writer, withDocs: boolean): void {
  const first = reader.peek();
  switch (first >> 5) {
    case 0:
    case 1:
      return writer.big(BigInt(reader.integer()));
    case 2:
      return writer.blob(reader.blob());
    case 3:
      return writer.text(reader.text());
    case 4: {
      const items = reader.array((inner) => part(inner, withDocs));
      writer.head(0x80, items.length);
      return items.forEach((item) => writer.raw(item));
    }
    case 5:
      return copyMap(reader, writer, withDocs);
    case 7:
      return copySimple(reader, writer);
    default:
      throw new DecodeError("a descriptor has no tags");
  }
}

/** One item, written by itself. */
function part(reader: Reader, withDocs: boolean): Uint8Array {
  const writer = new Writer();
  copy(reader, writer, withDocs);
  return writer.take();
}

function copyMap(reader: Reader, writer: Writer, withDocs: boolean): void {
  const entries: (readonly [key: Uint8Array, value: Uint8Array])[] = [];
  for (let left = reader.enterMap(); reader.more(left); left -= 1) {
    const key = reader.integer();
    const value = part(reader, withDocs);
    if (key === DOCS && !withDocs) continue;
    const name = new Writer();
    name.big(BigInt(key));
    entries.push([name.take(), value]);
  }
  reader.leave();
  entries.sort(([a], [b]) => compareBytes(a, b));
  writer.head(0xa0, entries.length);
  for (const [key, value] of entries) {
    writer.raw(key);
    writer.raw(value);
  }
}

function copySimple(reader: Reader, writer: Writer): void {
  const value = reader.simpleOrFloat();
  if (typeof value === "number") writer.f64(value);
  else if (value.simple === 22) writer.null();
  else writer.bool(value.simple === 21);
}

/** Bytes from text in base 64. */
export function fromBase64(text: string): Uint8Array {
  return Uint8Array.from(atob(text), (unit) => unit.charCodeAt(0));
}
