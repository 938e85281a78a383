/**
 * The envelope's CBOR: deterministic, and of that only what the protocol allows (docs/spec/message.md).
 * `check` looks at all rules of form before anything is read, since they are reported first.
 */

import { Writer, compareBytes } from "./bytes.js";
import { TWO_32 } from "./number.js";
import { Violation } from "./status.js";
import { decodeText } from "./utf8.js";

/** Whatever an envelope may hold. */
export type Item = null | boolean | number | bigint | string | Uint8Array | readonly Item[] | ReadonlyMap<Item, Item>;

/** Arrays and maps within each other [L3.cbor.10]. */
const DEPTH_MAX = 16;

/** Refuses bytes that are not one item under the L3.cbor rules. */
export function check(bytes: Uint8Array): void {
  const checker = new Checker(bytes);
  checker.item(1);
  if (checker.at !== bytes.length) throw new Violation("L3.cbor.8", "bytes follow the envelope");
}

class Checker {
  at = 0;
  private readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  item(depth: number): void {
    const first = this.take(1);
    const major = first >> 5;
    const info = first & 31;
    if (major === 7) return this.simple(info);
    const length = this.argument(info);
    switch (major) {
      case 0:
      case 1:
        return;
      case 2:
        return this.skip(length);
      case 3:
        return this.text(length);
      case 4:
        if (length > 0) this.container(length, depth, false);
        return;
      case 5:
        if (length > 0) this.container(length, depth, true);
        return;
      default:
        throw new Violation("L3.cbor.4", "tags are not allowed in the envelope");
    }
  }

  private container(length: number, depth: number, isMap: boolean): void {
    if (depth > DEPTH_MAX) throw new Violation("L3.cbor.10", "items are nested deeper than 16");
    let last: Uint8Array | undefined;
    for (let i = 0; i < length; i += 1) {
      if (isMap) {
        const start = this.at;
        this.item(depth + 1);
        const key = this.bytes.subarray(start, this.at);
        if (last !== undefined && compareBytes(last, key) >= 0) {
          throw new Violation("L3.cbor.7", "map keys must be unique and in canonical order");
        }
        last = key;
      }
      this.item(depth + 1);
    }
  }

  private text(length: number): void {
    const start = this.at;
    this.skip(length);
    if (decodeText(this.bytes, start, this.at) === undefined) {
      throw new Violation("L3.cbor.6", "text is not UTF-8");
    }
  }

  private simple(info: number): void {
    if (info >= 20 && info <= 22) return;
    if (info === 31) throw new Violation("L3.cbor.3", "indefinite lengths are not deterministic CBOR");
    if (info > 27) throw new Violation("L3.cbor.2", "additional information 28 to 30 is reserved");
    throw new Violation("L3.cbor.5", "of the simple values only false, true and null are allowed, and no floats");
  }

  private argument(info: number): number {
    if (info < 24) return info;
    if (info === 31) throw new Violation("L3.cbor.3", "indefinite lengths are not deterministic CBOR");
    if (info > 27) throw new Violation("L3.cbor.2", "additional information 28 to 30 is reserved");
    const size = 1 << (info - 24);
    let value = 0;
    for (let i = 0; i < size; i += 1) value = value * 256 + this.take(1);
    const least = size === 1 ? 24 : 2 ** (4 * size);
    if (value < least) throw new Violation("L3.cbor.2", "a number or length is not in its shortest form");
    return value;
  }

  private take(size: number): number {
    const byte = this.bytes[this.at];
    if (byte === undefined) throw new Violation("L3.cbor.9", "the message ends in the middle of an item");
    this.at += size;
    return byte;
  }

  private skip(length: number): void {
    if (length > this.bytes.length - this.at) {
      throw new Violation("L3.cbor.9", "the message ends in the middle of an item");
    }
    this.at += length;
  }
}

/** Reads items that `check` has taken. */
export class Checked {
  at = 0;
  readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  /** A number of up to 64 bits behind the first byte: a bigint where a number is not exact. */
  argument(info: number): number | bigint {
    if (info < 24) return info;
    const size = 1 << (info - 24);
    let high = 0;
    let low = 0;
    for (let i = 0; i < size; i += 1) {
      if (i < size - 4) high = high * 256 + this.bytes[this.at]!;
      else low = low * 256 + this.bytes[this.at]!;
      this.at += 1;
    }
    if (high < 0x200000) return high * TWO_32 + low;
    return (BigInt(high) << 32n) | BigInt(low);
  }

  item(): Item {
    const first = this.bytes[this.at++]!;
    const major = first >> 5;
    if (major === 7) return first === 0xf6 ? null : first === 0xf5;
    const argument = this.argument(first & 31);
    if (major === 0) return argument;
    if (major === 1) return typeof argument === "number" && argument < 2 ** 53 - 1 ? -1 - argument : -1n - BigInt(argument);
    const length = Number(argument);
    const start = this.at;
    if (major === 2) {
      this.at += length;
      return this.bytes.subarray(start, this.at);
    }
    if (major === 3) {
      this.at += length;
      return decodeText(this.bytes, start, this.at) ?? "";
    }
    if (major === 4) return Array.from({ length }, () => this.item());
    const map = new Map<Item, Item>();
    for (let i = 0; i < length; i += 1) {
      const key = this.item();
      map.set(key, this.item());
    }
    return map;
  }
}

/** Writes an item; keys of maps must come in canonical order. */
export function writeItem(writer: Writer, item: Item): void {
  if (item === null) writer.null();
  else if (typeof item === "boolean") writer.bool(item);
  else if (typeof item === "number") writer.int(item);
  else if (typeof item === "bigint") writer.big(item);
  else if (typeof item === "string") writer.text(item);
  else if (item instanceof Uint8Array) writer.blob(item);
  else if (item instanceof Map) {
    writer.head(0xa0, item.size);
    for (const [key, value] of item as ReadonlyMap<Item, Item>) {
      writeItem(writer, key);
      writeItem(writer, value);
    }
  } else {
    const list = item as readonly Item[];
    writer.head(0x80, list.length);
    for (const value of list) writeItem(writer, value);
  }
}

/** A map with integer keys in rising order; undefined values are left out. */
export function numbered(entries: readonly (readonly [number, Item | undefined])[]): ReadonlyMap<Item, Item> {
  const map = new Map<Item, Item>();
  for (const [key, value] of entries) if (value !== undefined) map.set(key, value);
  return map;
}
