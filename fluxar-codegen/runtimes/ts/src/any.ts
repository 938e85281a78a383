/** Any CBOR item as a JavaScript value, and back. */

import { Writer } from "./bytes.js";
import { DEPTH_MAX, Reader } from "./reader.js";
import { FluxarError } from "./status.js";

/** A value with a tag. */
export class Tagged {
  readonly tag: number;
  readonly value: unknown;

  constructor(tag: number, value: unknown) {
    this.tag = tag;
    this.value = value;
  }
}

/** One of CBOR's simple values that has no meaning here. */
export class Simple {
  readonly value: number;

  constructor(value: number) {
    this.value = value;
  }
}

/** Reads any item. A map with nothing but names becomes an object, any other a Map. */
export function readAny(reader: Reader): unknown {
  const major = reader.peek() >> 5;
  if (major < 2) return reader.integer();
  if (major === 2) return reader.blob();
  if (major === 3) return reader.text();
  if (major === 4) return reader.array(readAny);
  if (major === 5) return readMap(reader);
  if (major === 6) return readTagged(reader);
  const value = reader.simpleOrFloat();
  if (typeof value === "number") return value;
  if (value.simple === 20 || value.simple === 21) return value.simple === 21;
  if (value.simple === 22) return null;
  return value.simple === 23 ? undefined : new Simple(value.simple);
}

function readTagged(reader: Reader): Tagged {
  const tag = reader.tag()!;
  reader.deepen();
  const value = readAny(reader);
  reader.leave();
  return new Tagged(tag, value);
}

function readMap(reader: Reader): unknown {
  const map = reader.map(readAny, readAny);
  for (const key of map.keys()) if (typeof key !== "string") return map;
  const object: Record<string, unknown> = {};
  for (const [key, value] of map) {
    // As an own property, whatever its name.
    Object.defineProperty(object, key as string, { value, writable: true, enumerable: true, configurable: true });
  }
  return object;
}

/** Writes any value that CBOR can say. */
export function writeAny(writer: Writer, value: unknown, depth = 0): void {
  switch (typeof value) {
    case "undefined":
      return writer.byte(0xf7);
    case "boolean":
      return writer.bool(value);
    case "number":
      return Number.isSafeInteger(value) && !Object.is(value, -0) ? writer.int(value) : writer.f64(value);
    case "bigint":
      return writeBig(writer, value);
    case "string":
      return writer.text(value);
    case "object":
      return writeObject(writer, value, depth + 1);
    default:
      throw new FluxarError("invalid_argument", `a ${typeof value} cannot be sent`);
  }
}

function writeBig(writer: Writer, value: bigint): void {
  if (value > 0xffffffffffffffffn || value < -0x10000000000000000n) {
    throw new FluxarError("invalid_argument", "a bigint that is sent has at most 64 bits");
  }
  writer.big(value);
}

function writeObject(writer: Writer, value: object | null, depth: number): void {
  if (value === null) return writer.null();
  if (value instanceof Uint8Array) return writer.blob(value);
  if (depth > DEPTH_MAX) throw new FluxarError("invalid_argument", `values are nested deeper than ${DEPTH_MAX}`);
  if (value instanceof Tagged) {
    writer.head(0xc0, value.tag);
    writeAny(writer, value.value, depth);
  } else if (value instanceof Simple) {
    if (value.value > 23) writer.byte(0xf8);
    writer.byte(value.value > 23 ? value.value : 0xe0 | value.value);
  } else if (Array.isArray(value)) {
    writer.head(0x80, value.length);
    for (const item of value) writeAny(writer, item, depth);
  } else writeEntries(writer, value instanceof Map ? [...value] : Object.entries(value), depth);
}

function writeEntries(writer: Writer, entries: readonly (readonly [unknown, unknown])[], depth: number): void {
  const present = entries.filter(([, value]) => value !== undefined);
  writer.head(0xa0, present.length);
  for (const [key, value] of present) {
    writeAny(writer, key, depth);
    writeAny(writer, value, depth);
  }
}
