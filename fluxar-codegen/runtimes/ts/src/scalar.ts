/** The scalars of contracts that CBOR does not have: uuid, timestamp, decimal, url. */

import type { Reader } from "./reader.js";
import type { Writer } from "./bytes.js";
import { FluxarError } from "./status.js";

declare const brand: unique symbol;
/** A type under a name of its own, so that two that look alike are not mixed up. */
export type Brand<T, Name extends string> = T & { readonly [brand]: Name };

/** Microseconds since 1970, UTC. */
export type Timestamp = Brand<number, "Timestamp">;

/** Points in time. */
export const Timestamp = {
  now: (): Timestamp => (Date.now() * 1000) as Timestamp,
  fromDate: (date: Date): Timestamp => (date.getTime() * 1000) as Timestamp,
  fromMicros: (micros: number): Timestamp => micros as Timestamp,
  toDate: (timestamp: Timestamp): Date => new Date(Math.floor(timestamp / 1000)),
} as const;

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const NIBBLE = Array.from("0123456789abcdef", (digit) => digit.charCodeAt(0));

/** A uuid: 16 bytes, tagged or not, or its text. */
export function readUuid(reader: Reader): string {
  const b = reader.bytes;
  const at = reader.at;
  if (b[at] === 0x50 && at + 17 <= b.length) {
    reader.at = at + 17;
    return uuidText(b, at + 1);
  }
  const tag = reader.tag();
  if (tag !== undefined && tag !== 37) reader.fail("a uuid is wanted");
  if (reader.peek() >> 5 === 3) {
    const text = reader.text();
    return UUID.test(text) ? text.toLowerCase() : reader.fail("a uuid is wanted, such as 123e4567-e89b-12d3-a456-426614174000");
  }
  const bytes = reader.blob();
  return bytes.length === 16 ? uuidText(bytes, 0) : reader.fail("a uuid has 16 bytes");
}

const DASH = 0x2d;

function uuidText(b: Uint8Array, at: number): string {
  const n = NIBBLE;
  const h = (i: number) => n[b[at + i]! >> 4]!;
  const l = (i: number) => n[b[at + i]! & 15]!;
  return String.fromCharCode(
    h(0), l(0), h(1), l(1), h(2), l(2), h(3), l(3), DASH, h(4), l(4), h(5), l(5), DASH,
    h(6), l(6), h(7), l(7), DASH, h(8), l(8), h(9), l(9), DASH,
    h(10), l(10), h(11), l(11), h(12), l(12), h(13), l(13), h(14), l(14), h(15), l(15),
  );
}

/** The value of each hexadecimal digit, by its character. */
const DIGIT = Uint8Array.from({ length: 128 }, (_, code) => {
  const value = Number.parseInt(String.fromCharCode(code), 16);
  return Number.isNaN(value) ? 255 : value;
});
/** Where the digits of each byte stand in the text. */
const PLACES = [0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34];

export function writeUuid(writer: Writer, value: string): void {
  writer.room(17);
  const start = writer.at;
  writer.bytes[start] = 0x50;
  const isSplit =
    value.length === 36 &&
    value.charCodeAt(8) === DASH && value.charCodeAt(13) === DASH && value.charCodeAt(18) === DASH && value.charCodeAt(23) === DASH;
  let bad = isSplit ? 0 : 255;
  for (let i = 0; i < 16; i += 1) {
    const place = PLACES[i]!;
    const high = DIGIT[value.charCodeAt(place)] ?? 255;
    const low = DIGIT[value.charCodeAt(place + 1)] ?? 255;
    bad |= (high | low) & 0xf0;
    writer.bytes[start + 1 + i] = (high << 4) | low;
  }
  if (bad !== 0) throw new FluxarError("invalid_argument", `\`${value}\` is no uuid`);
  writer.at = start + 17;
}

/** A timestamp: microseconds, or tag 0 (text) or 1 (seconds). */
export function readTimestamp(reader: Reader): Timestamp {
  const tag = reader.tag();
  if (tag === undefined) return reader.int() as Timestamp;
  if (tag === 0) return parseTime(reader);
  if (tag !== 1) reader.fail("a timestamp is wanted");
  const micros = Math.round(reader.f64() * 1_000_000);
  return Number.isSafeInteger(micros) ? (micros as Timestamp) : reader.fail("a timestamp is beyond what it can say");
}

const RFC_3339 = /^(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(?:\.(\d{1,9})\d*)?([Zz]|[+-]\d\d:\d\d)$/;

function parseTime(reader: Reader): Timestamp {
  const parts = RFC_3339.exec(reader.text());
  const millis = parts === null ? NaN : Date.parse(`${parts[1]}T${parts[2]}${parts[4]!.toUpperCase()}`);
  if (Number.isNaN(millis)) reader.fail("a timestamp in text is as 2026-11-20T08:00:00Z");
  const micros = Math.floor(Number((parts![3] ?? "").padEnd(9, "0")) / 1000);
  return (millis * 1000 + micros) as Timestamp;
}

/** A safe integer, or the reason why not. */
export function writeInt(writer: Writer, value: number, least = Number.MIN_SAFE_INTEGER, most = Number.MAX_SAFE_INTEGER): void {
  if (!(Number.isInteger(value) && value >= least && value <= most)) {
    throw new FluxarError("invalid_argument", `${value} is no whole number within ${least} to ${most}`);
  }
  writer.int(value + 0);
}

export function writeU64(writer: Writer, value: bigint): void {
  writeBig(writer, value, 0n, 0xffffffffffffffffn);
}

export function writeI64(writer: Writer, value: bigint): void {
  writeBig(writer, value, -0x8000000000000000n, 0x7fffffffffffffffn);
}

function writeBig(writer: Writer, value: bigint, least: bigint, most: bigint): void {
  if (typeof value !== "bigint" || value < least || value > most) {
    throw new FluxarError("invalid_argument", `${String(value)} is no bigint within ${least} to ${most}`);
  }
  writer.big(value);
}

const DECIMAL = /^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?$/;

/** A decimal number, as text. */
export function readDecimal(reader: Reader): string {
  const text = reader.text();
  return DECIMAL.test(text) ? text : reader.fail("a decimal number is wanted, such as 12.50");
}

export function writeDecimal(writer: Writer, value: string): void {
  if (!DECIMAL.test(value)) throw new FluxarError("invalid_argument", `\`${value}\` is no decimal number`);
  writer.text(value);
}

/** Hexadecimal text of bytes. */
export function toHex(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += HEX[byte];
  return text;
}
