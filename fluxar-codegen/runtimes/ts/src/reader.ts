/** Reads payloads: any well-formed CBOR, without trusting any of it. Generated code drives it. */

import type { Code } from "./status.js";
import type { Names } from "./names.js";
import { FluxarError } from "./status.js";
import { TWO_32, halfToNumber } from "./number.js";
import { decodeText } from "./utf8.js";

/** Arrays, maps and tags within each other. */
export const DEPTH_MAX = 64;

/** A payload that does not say what it should. Readers on the way out add where. */
export class DecodeError extends Error {
  private where = "";

  /** The place, as `rows[3].email`. */
  get path(): string {
    return this.where;
  }

  within(part: string): this {
    if (part === "") return this;
    this.where = this.where === "" || this.where.startsWith("[") ? part + this.where : `${part}.${this.where}`;
    return this;
  }

  /** As an outcome. */
  asError(code: Code, rule: string): FluxarError {
    const place = this.where === "" ? "" : `${this.where}: `;
    return new FluxarError(code, `${rule}${place}${this.message}`, { cause: this });
  }
}

export class Reader {
  readonly bytes: Uint8Array;
  at = 0;
  private depth = 0;
  /** After `variant`: whether content follows. */
  hasContent = false;
  /** After `name` or `variant`: the key itself when it is unknown. */
  unknownKey: number | string = 0;
  private isIndefinite = false;

  constructor(bytes: Uint8Array) {
    // A Buffer of Node is a Uint8Array whose slices are no copies.
    const isPlain = bytes.constructor === Uint8Array;
    this.bytes = isPlain ? bytes : new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  fail(text: string): never {
    throw new DecodeError(text);
  }

  /** Adds where it was to an error. */
  within(thrown: unknown, part: string): unknown {
    return thrown instanceof DecodeError ? thrown.within(part) : thrown;
  }

  /** Nothing may follow. */
  end(): void {
    if (this.at !== this.bytes.length) this.fail("bytes follow the value");
  }

  // ---- heads

  private first(): number {
    const first = this.bytes[this.at];
    if (first === undefined) this.fail("the value ends too early");
    this.at += 1;
    return first;
  }

  /** The argument of a head; not exact above 2^53. */
  private argument(info: number): number {
    if (info < 24) return info;
    const b = this.bytes;
    const at = this.at;
    const size = 1 << (info - 24);
    if (info > 27 || at + size > b.length) this.fail("a head that is cut off or not well-formed");
    this.at += size;
    if (size === 1) return b[at]!;
    if (size === 2) return (b[at]! << 8) | b[at + 1]!;
    const word = this.word(at);
    return size === 4 ? word : word * TWO_32 + this.word(at + 4);
  }

  private word(at: number): number {
    const b = this.bytes;
    return ((b[at]! << 24) | (b[at + 1]! << 16) | (b[at + 2]! << 8) | b[at + 3]!) >>> 0;
  }

  /** An argument of up to 64 bits. */
  private bigArgument(info: number): bigint {
    if (info !== 27) return BigInt(this.argument(info));
    const at = this.at;
    this.argument(info);
    return (BigInt(this.word(at)) << 32n) | BigInt(this.word(at + 4));
  }

  // ---- numbers

  /** An integer within ±(2^53 - 1). Integral floats count. */
  int(): number {
    const first = this.first();
    if (first < 24) return first;
    const major = first >> 5;
    let value: number;
    if (major === 0) value = this.argument(first & 31);
    else if (major === 1) value = -1 - this.argument(first & 31);
    else value = this.integral(first);
    if (!(Math.abs(value) <= Number.MAX_SAFE_INTEGER)) this.fail("the number is beyond 2^53 - 1");
    return value;
  }

  /** An integer within bounds. */
  ranged(least: number, most: number): number {
    const value = this.int();
    if (value < least || value > most) this.fail(`${value} is not within ${least} to ${most}`);
    return value;
  }

  private integral(first: number): number {
    const value = this.float(first);
    // Minus zero is zero.
    return Number.isInteger(value) ? value + 0 : this.fail("a whole number is wanted");
  }

  u64(): bigint {
    return this.big(0n, 0xffffffffffffffffn);
  }

  i64(): bigint {
    return this.big(-0x8000000000000000n, 0x7fffffffffffffffn);
  }

  private big(least: bigint, most: bigint): bigint {
    const first = this.first();
    const major = first >> 5;
    let value: bigint;
    if (major === 0) value = this.bigArgument(first & 31);
    else if (major === 1) value = -1n - this.bigArgument(first & 31);
    else value = BigInt(this.integral(first));
    if (value < least || value > most) this.fail(`${value} is not within ${least} to ${most}`);
    return value;
  }

  /** A float of any width; integers count. */
  f64(): number {
    const first = this.first();
    const major = first >> 5;
    if (major === 0) return Number(this.bigArgument(first & 31));
    if (major === 1) return Number(-1n - this.bigArgument(first & 31));
    return this.float(first);
  }

  f32(): number {
    return Math.fround(this.f64());
  }

  private float(first: number): number {
    const at = this.at;
    if (first === 0xfb) {
      this.argument(27);
      return this.view(at).getFloat64(0);
    }
    if (first === 0xfa) {
      this.argument(26);
      return this.view(at).getFloat32(0);
    }
    if (first === 0xf9) return halfToNumber(this.argument(25));
    return this.fail(`a number is wanted, not ${kindOf(first)}`);
  }

  private view(at: number): DataView {
    return new DataView(this.bytes.buffer, this.bytes.byteOffset + at, this.bytes.length - at);
  }

  // ---- scalars

  bool(): boolean {
    const first = this.first();
    if (first === 0xf5) return true;
    if (first === 0xf4) return false;
    return this.fail(`true or false is wanted, not ${kindOf(first)}`);
  }

  /** Takes a null, if one is there. */
  isNull(): boolean {
    const first = this.bytes[this.at];
    if (first !== 0xf6 && first !== 0xf7) return false;
    this.at += 1;
    return true;
  }

  text(): string {
    const first = this.first();
    if (first === 0x7f) return this.chunks(3, (start, end) => this.slice(start, end)).join("");
    if (first >> 5 !== 3) this.fail(`text is wanted, not ${kindOf(first)}`);
    const length = this.argument(first & 31);
    return this.slice(this.at, this.skipBytes(length));
  }

  private slice(start: number, end: number): string {
    const text = decodeText(this.bytes, start, end);
    return text === undefined ? this.fail("text is not UTF-8") : text;
  }

  /** Bytes, as a copy. */
  blob(): Uint8Array {
    const first = this.first();
    if (first === 0x5f) {
      const parts = this.chunks(2, (start, end) => this.bytes.subarray(start, end));
      const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
      let at = 0;
      for (const part of parts) {
        out.set(part, at);
        at += part.length;
      }
      return out;
    }
    if (first >> 5 !== 2) this.fail(`bytes are wanted, not ${kindOf(first)}`);
    const length = this.argument(first & 31);
    return this.bytes.slice(this.at, this.skipBytes(length));
  }

  /** The pieces of a text or bytes of indefinite length. */
  private chunks<T>(major: number, take: (start: number, end: number) => T): T[] {
    const parts: T[] = [];
    for (;;) {
      const first = this.first();
      if (first === 0xff) return parts;
      if (first >> 5 !== major || (first & 31) > 27) this.fail("a piece of an indefinite length has another type");
      const length = this.argument(first & 31);
      parts.push(take(this.at, this.skipBytes(length)));
    }
  }

  private skipBytes(length: number): number {
    if (length > this.bytes.length - this.at) this.fail("a text or bytes reach past the end");
    this.at += length;
    return this.at;
  }

  /** A tag, if one is there. */
  tag(): number | undefined {
    const first = this.bytes[this.at];
    if (first === undefined || first >> 5 !== 6) return undefined;
    this.at += 1;
    return this.argument(first & 31);
  }

  // ---- containers

  deepen(): void {
    this.depth += 1;
    if (this.depth > DEPTH_MAX) this.fail(`values are nested deeper than ${DEPTH_MAX}`);
  }

  leave(): void {
    this.depth -= 1;
  }

  /** Enters a map; its entries, or -1 for an indefinite length. Each `more` takes one. */
  enterMap(): number {
    const first = this.first();
    if (first >> 5 !== 5) this.fail(`a map is wanted, not ${kindOf(first)}`);
    this.deepen();
    return first === 0xbf ? -1 : this.argument(first & 31);
  }

  enterArray(): number {
    const first = this.first();
    if (first >> 5 !== 4) this.fail(`an array is wanted, not ${kindOf(first)}`);
    this.deepen();
    return first === 0x9f ? -1 : this.argument(first & 31);
  }

  /** Whether there is another entry when `left` are. */
  more(left: number): boolean {
    if (left >= 0) return left > 0;
    if (this.bytes[this.at] !== 0xff) return true;
    this.at += 1;
    return false;
  }

  /** The key of a record's field: its number, or 0 for a name that is unknown. */
  key(names: Names): number {
    const first = this.bytes[this.at];
    if (first !== undefined && first < 24) {
      this.at += 1;
      return first;
    }
    if (first !== undefined && first >> 5 === 0) {
      this.at += 1;
      return this.argument(first & 31);
    }
    if (first === undefined || first >> 5 !== 3) this.fail("the key of a field is a number or a name");
    return this.name(names) ?? 0;
  }

  /** What a name stands for, of which a text is made only when it is unknown. */
  name<T>(names: Names<T>): T | undefined {
    const length = this.bytes[this.at]! - 0x60;
    if (length >= 0 && length < 24) {
      const found = names.find(this.bytes, this.at + 1, length);
      if (found !== undefined) {
        this.at += 1 + length;
        return found;
      }
    }
    const text = this.text();
    this.unknownKey = text;
    return names.get(text);
  }

  /** A key of a field or variant came twice. */
  twice(): never {
    return this.fail("the key came twice");
  }

  array<T>(read: (reader: Reader) => T): T[] {
    const list: T[] = [];
    const count = this.enterArray();
    try {
      for (let left = count; this.more(left); left -= 1) list.push(read(this));
    } catch (thrown) {
      throw this.within(thrown, `[${list.length}]`);
    }
    this.depth -= 1;
    return list;
  }

  /** A map whose keys are data. */
  map<K, V>(readKey: (reader: Reader) => K, readValue: (reader: Reader) => V): Map<K, V> {
    const map = new Map<K, V>();
    const seen = new Set<unknown>();
    const count = this.enterMap();
    for (let left = count; this.more(left); left -= 1) {
      const key = readKey(this);
      const identity = identityOf(key);
      if (seen.has(identity)) this.fail("a key of a map came twice");
      seen.add(identity);
      try {
        map.set(key, readValue(this));
      } catch (thrown) {
        throw this.within(thrown, `[${JSON.stringify(String(identity))}]`);
      }
    }
    this.depth -= 1;
    return map;
  }

  // ---- variants

  /** The key of a variant: its number or 0 when it is unknown. Content follows when `hasContent`. */
  variant(names: Names, numbers: ReadonlySet<number>): number {
    const first = this.bytes[this.at];
    this.hasContent = first !== undefined && first >> 5 === 5;
    if (this.hasContent) {
      this.isIndefinite = first === 0xbf;
      const count = this.enterMap();
      if (count !== 1 && count !== -1) this.fail("a variant with content is a map of one entry");
    }
    const number = this.isText() ? (this.name(names) ?? 0) : this.number();
    return numbers.has(number) ? number : 0;
  }

  /** The content of a variant was read; the map of one entry ends here. */
  endVariant(wasIndefinite: boolean): void {
    if (wasIndefinite && this.first() !== 0xff) this.fail("a variant with content is a map of one entry");
    this.depth -= 1;
  }

  /** Whether the map that the last variant stands in has an indefinite length: to be asked before the content is read. */
  get isOpenEnded(): boolean {
    return this.isIndefinite;
  }

  /** A variant that must have content has none. */
  needContent(): void {
    if (!this.hasContent) this.fail("the variant needs its content");
  }

  /** Whether a text is next. */
  isText(): boolean {
    return this.bytes[this.at]! >> 5 === 3;
  }

  /** A key that is a number, where a name might have been. */
  number(): number {
    const first = this.bytes[this.at];
    if (first === undefined || first >> 5 !== 0) {
      this.fail(`a number or a name is wanted, not ${first === undefined ? "the end" : kindOf(first)}`);
    }
    const key = this.int();
    this.unknownKey = key;
    return key;
  }

  // ---- what is not known

  /** Skips one item. */
  skip(): void {
    const first = this.first();
    const major = first >> 5;
    const info = first & 31;
    if (info > 27 && !(info === 31 && major > 1 && major < 6)) this.fail("a head that is not well-formed");
    if (major === 2 || major === 3) {
      this.at -= 1;
      if (major === 2) this.blob();
      else this.text();
    } else if (major === 4 || major === 5) {
      this.at -= 1;
      const count = major === 4 ? this.enterArray() : this.enterMap();
      for (let left = count; this.more(left); left -= 1) {
        this.skip();
        if (major === 5) this.skip();
      }
      this.depth -= 1;
    } else if (major === 6) {
      this.argument(info);
      this.deepen();
      this.skip();
      this.depth -= 1;
    } else if (this.argument(info) < 32 && major === 7 && info === 24) this.fail("a simple value that is not well-formed");
  }

  /** One item as it stands. */
  raw(): Uint8Array {
    const start = this.at;
    this.skip();
    return this.bytes.slice(start, this.at);
  }

  /** The first byte of the next item. */
  peek(): number {
    return this.bytes[this.at] ?? this.fail("the value ends too early");
  }

  /** A simple value or a float, for `any`. */
  simpleOrFloat(): { readonly simple: number } | number {
    const first = this.first();
    if (first >= 0xf9 && first <= 0xfb) return this.float(first);
    const value = this.argument(first & 31);
    if (first === 0xf8 && value < 32) this.fail("a simple value that is not well-formed");
    return { simple: value };
  }

  /** An integer of up to 64 bits, as a number where that is exact. */
  integer(): number | bigint {
    const first = this.first();
    const value = this.bigArgument(first & 31);
    const signed = first >> 5 === 0 ? value : -1n - value;
    const isSafe = signed <= Number.MAX_SAFE_INTEGER && signed >= Number.MIN_SAFE_INTEGER;
    return isSafe ? Number(signed) : signed;
  }
}

/** What makes two keys of a map the same. */
function identityOf(key: unknown): unknown {
  if (typeof key !== "object" || key === null) return key;
  const unknown = (key as { key?: unknown }).key;
  return typeof unknown === "number" ? `#${unknown}` : `$${String(unknown)}`;
}

function kindOf(first: number): string {
  const kinds = ["a number", "a number", "bytes", "text", "an array", "a map", "a tag"] as const;
  if (first >> 5 < 7) return kinds[(first >> 5) as 0];
  if (first === 0xf6 || first === 0xf7) return "null";
  return first === 0xf4 || first === 0xf5 ? "true or false" : "a float";
}
