/** What generated code and stubs share: codecs of types. */

import { readAny, writeAny } from "./any.js";
import { Writer } from "./bytes.js";
import { Names } from "./names.js";
import { DecodeError, Reader } from "./reader.js";
import type { Code } from "./status.js";
import { FluxarError } from "./status.js";

/** Reads, writes and checks one type. */
export interface Codec<T> {
  write(writer: Writer, value: T): void;
  read(reader: Reader): T;
  /** Throws for a value that breaks a constraint of the contract. */
  check?(value: T, path: string): void;
}

/** The codec of an application's error. */
export interface ErrorCodec<E> extends Codec<E> {
  /** The error's name on the wire. */
  readonly typeName: string;
  code(error: E): Code;
}

/** A key that this side's contract does not have: it is kept, and written back. */
export interface UnknownKey {
  readonly kind: "$unknown";
  readonly key: number | string;
}

/** A variant that this side's contract does not have, with its content as it came. */
export interface UnknownVariant extends UnknownKey {
  readonly content?: Uint8Array;
}

const EMPTY_MAP = Uint8Array.of(0xa0);
const NULL = Uint8Array.of(0xf6);
const spare = new Writer();

/** The payload of a value. */
export function encode<T>(codec: Codec<T>, value: T, numbers: boolean): Uint8Array {
  spare.at = 0;
  spare.numbers = numbers;
  codec.write(spare, value);
  return spare.take();
}

/** The value of a payload. An empty one is null. */
export function decode<T>(codec: Codec<T>, payload: Uint8Array): T {
  const reader = new Reader(payload.length === 0 ? NULL : payload);
  const value = codec.read(reader);
  reader.end();
  return value;
}

/** Parameters, checked; what is wrong with them is the caller's fault [L5.call.4]. */
export function decodeInput<T>(codec: Codec<T>, payload: Uint8Array | undefined): T {
  try {
    const value = decode(codec, payload === undefined || payload.length === 0 ? EMPTY_MAP : payload);
    codec.check?.(value, "");
    return value;
  } catch (thrown) {
    throw thrown instanceof DecodeError ? thrown.asError("invalid_argument", "[L5.call.4] ") : thrown;
  }
}

/** A result or an item; what is wrong with it is the callee's fault. */
export function decodeOutput<T>(codec: Codec<T>, payload: Uint8Array): T {
  try {
    return decode(codec, payload);
  } catch (thrown) {
    throw thrown instanceof DecodeError ? thrown.asError("internal", "the callee's answer does not decode: ") : thrown;
  }
}

/** Any value. */
export const anyCodec: Codec<unknown> = { write: (writer, value) => writeAny(writer, value), read: readAny };

/** Nothing: null on the wire. What a newer callee answers is passed over. */
export const unitCodec: Codec<void> = { write: (writer) => writer.null(), read: (reader) => reader.skip() };

// ---- keys

/** The key of a field or variant, as number and as name. */
export interface Key {
  readonly number: Uint8Array;
  readonly name: Uint8Array;
}

export function key(number: number, name: string): Key {
  const writer = new Writer();
  writer.int(number);
  const bytes = writer.take();
  writer.text(name);
  return { number: bytes, name: writer.take() };
}

export function writeKey(writer: Writer, { number, name }: Key): void {
  const bytes = writer.numbers ? number : name;
  const { length } = bytes;
  writer.room(length);
  for (let i = 0; i < length; i += 1) writer.bytes[writer.at++] = bytes[i]!;
}

/** The head of a map with so many entries. */
export function writeMapHead(writer: Writer, entries: number): void {
  writer.head(0xa0, entries);
}

export function writeList<T>(writer: Writer, list: readonly T[], write: (writer: Writer, item: T) => void): void {
  writer.head(0x80, list.length);
  for (const item of list) write(writer, item);
}

export function writeMap<K, V>(
  writer: Writer,
  map: ReadonlyMap<K, V>,
  writeK: (writer: Writer, key: K) => void,
  writeV: (writer: Writer, value: V) => void,
): void {
  writer.head(0xa0, map.size);
  for (const [entry, value] of map) {
    writeK(writer, entry);
    writeV(writer, value);
  }
}

/** A list of a fixed length. */
export function readFixed<T>(reader: Reader, length: number, read: (reader: Reader) => T): T[] {
  const list = reader.array(read);
  return list.length === length ? list : reader.fail(`${length} items are wanted, not ${list.length}`);
}

export function writeFixed<T>(writer: Writer, length: number, list: readonly T[], write: (w: Writer, item: T) => void): void {
  if (list.length !== length) throw new FluxarError("invalid_argument", `${length} items are wanted, not ${list.length}`);
  writeList(writer, list, write);
}

/** Names of fields or variants. */
export function names(entries: readonly (readonly [string, number])[]): Names {
  return new Names(entries);
}

/** Fields that must be there and are not. */
export function missing(reader: Reader, fields: readonly (readonly [string, boolean])[]): never {
  const absent = fields.filter(([, isThere]) => !isThere).map(([name]) => `\`${name}\``);
  return reader.fail(`missing: ${absent.join(", ")}`);
}

// ---- enums

/** One member: its number, its name on the wire, its value here. */
export type Member = readonly [number: number, wire: string, value: string];

export interface EnumTable {
  readonly byNumber: ReadonlyMap<number, string>;
  readonly byName: Names<string>;
  readonly keys: ReadonlyMap<string, Key>;
  readonly isOpen: boolean;
}

/** `old` are names that were, and the values that they are now. */
export function enumTable(isOpen: boolean, members: readonly Member[], old: readonly (readonly [string, string])[] = []): EnumTable {
  return {
    isOpen,
    byNumber: new Map(members.map(([number, , value]) => [number, value])),
    byName: new Names([...old, ...members.map(([, wire, value]) => [wire, value] as const)]),
    keys: new Map(members.map(([number, wire, value]) => [value, key(number, wire)])),
  };
}

export function readEnum(reader: Reader, table: EnumTable): string | UnknownKey {
  const value = reader.isText() ? reader.name(table.byName) : table.byNumber.get(reader.number());
  if (value !== undefined) return value;
  const key = reader.unknownKey;
  return table.isOpen ? { kind: "$unknown", key } : reader.fail(`${JSON.stringify(key)} is no value of a closed enum`);
}

export function writeEnum(writer: Writer, table: EnumTable, value: string | UnknownKey): void {
  const found = typeof value === "string" ? table.keys.get(value) : undefined;
  if (found !== undefined) writeKey(writer, found);
  else if (typeof value === "object" && value.kind === "$unknown") writeUnknownKey(writer, value.key);
  else throw new FluxarError("invalid_argument", `${JSON.stringify(value)} is no value of the enum`);
}

function writeUnknownKey(writer: Writer, unknown: number | string): void {
  if (typeof unknown === "string") writer.text(unknown);
  else writer.int(unknown);
}

/** Writes back a variant that is not known here. */
export function writeUnknown(writer: Writer, value: unknown, isOpen: boolean): void {
  const unknown = value as UnknownVariant;
  if (!isOpen || unknown?.kind !== "$unknown") {
    throw new FluxarError("invalid_argument", `${JSON.stringify(unknown?.kind)} is no variant of the union`);
  }
  if (unknown.content === undefined) return writeUnknownKey(writer, unknown.key);
  writer.head(0xa0, 1);
  writeUnknownKey(writer, unknown.key);
  writer.raw(unknown.content);
}

/** Keeps a variant that is not known here; in a closed union there are none. */
export function readUnknown(reader: Reader, isOpen: boolean): UnknownVariant {
  const { unknownKey, hasContent, isOpenEnded } = reader;
  if (!isOpen) reader.fail(`${JSON.stringify(unknownKey)} is no variant of a closed union`);
  if (!hasContent) return { kind: "$unknown", key: unknownKey };
  const content = reader.raw();
  reader.endVariant(isOpenEnded);
  return { kind: "$unknown", key: unknownKey, content };
}

/** An own property, whatever its name is also on Object.prototype. */
export function own<T extends object, K extends keyof T>(value: T, name: K): T[K] | undefined {
  return Object.hasOwn(value, name) ? value[name] : undefined;
}

/** Sets an own property, whatever its name. */
export function define<T extends object, K extends PropertyKey>(object: T, name: K, value: unknown): void {
  Object.defineProperty(object, name, { value, writable: true, enumerable: true, configurable: true });
}

/** A record while it is built. */
export type Building<T> = { -readonly [K in keyof T]: T[K] };

/** Begins to build a record; what is missing follows. */
export function building<T>(start: object): Building<T> {
  return start as Building<T>;
}

/** A record in which what has a default may be missing. */
export type Lenient<T> = { readonly [K in keyof T]?: T[K] | undefined };

/** A field that must be there. */
export function present<T>(value: T | undefined, name: string): T {
  if (value === undefined) throw new FluxarError("invalid_argument", `${name}: the field is missing`);
  return value;
}

/** The name of a key's number. */
export function nameOf(table: Names, number: number): string {
  return table.nameOf(number);
}

/** Whether a value equals a default. */
export function same(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((item, index) => same(item, b[index]));
  if (a instanceof Map && b instanceof Map) return same([...a], [...b]);
  if (Array.isArray(a) !== Array.isArray(b) || a instanceof Map !== b instanceof Map) return false;
  const [left, right] = [Object.entries(a), Object.entries(b)];
  if (left.length !== right.length) return false;
  return left.every(([name, value]) => Object.hasOwn(b, name) && same(value, (b as Record<string, unknown>)[name]));
}
