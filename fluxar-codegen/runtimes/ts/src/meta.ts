/** The fifth field of an envelope: the protocol's keys and the user's (docs/spec/message.md, Meta). */

import type { Item } from "./cbor.js";
import { TEXT_BYTES_MAX } from "./limits.js";
import { Violation } from "./status.js";

export const META = {
  end: 0,
  deadline: 1,
  credit: 2,
  qos: 3,
  retain: 4,
  contentType: 5,
  traceparent: 6,
  tracestate: 7,
  idempotencyKey: 8,
  to: 9,
  from: 10,
  hops: 11,
  position: 12,
  group: 13,
  expiry: 14,
  durable: 15,
  producer: 16,
  delivery: 17,
  sealed: 18,
  overflow: 19,
  encoding: 20,
  receipt: 21,
  dropped: 22,
} as const;

/** What a message says besides its fields. */
export type Meta = ReadonlyMap<number | string, Item>;

export const NO_META: Meta = new Map();

const ENTRIES_MAX = 64;
const BYTES_MAX = 8192;

const isUint = (value: Item, max = Infinity): boolean =>
  (typeof value === "number" || typeof value === "bigint") && value >= 0 && value <= max;
const isText = (value: Item): boolean =>
  typeof value === "string" && value.length > 0 && byteLength(value) <= TEXT_BYTES_MAX;
const isBytes = (value: Item, length: number): boolean => value instanceof Uint8Array && value.length === length;

/** The registry: what the value of each key must be [L3.meta.7]. */
const VALUES: readonly ((value: Item) => boolean)[] = [
  (value) => value === true,
  (value) => isUint(value),
  (value) => isUint(value),
  (value) => isUint(value, 2),
  (value) => value === true,
  isText,
  (value) => isBytes(value, 25),
  isText,
  (value) => isBytes(value, 16),
  isText,
  isText,
  (value) => isUint(value),
  (value) => Array.isArray(value) && value.length === 2 && value.every((part: Item) => isUint(part)),
  isText,
  (value) => isUint(value),
  isText,
  (value) =>
    Array.isArray(value) && value.length === 3 && isBytes(value[0], 16) && isUint(value[1]) && isUint(value[2]),
  (value) => isUint(value),
  (value) => value instanceof Uint8Array,
  (value) => isUint(value, 4),
  (value) => isUint(value, 1),
  (value) => isUint(value),
  (value) => isUint(value),
];

/** Bytes of a text in UTF-8. */
export function byteLength(text: string): number {
  let bytes = text.length;
  for (let i = 0; i < text.length; i += 1) {
    const unit = text.charCodeAt(i);
    if (unit > 0x7f) bytes += unit > 0x7ff && (unit < 0xd800 || unit > 0xdfff) ? 2 : 1;
  }
  return bytes;
}

/** Takes a meta field of `bytes` bytes; null is an empty one. */
export function readMeta(item: Item, bytes: number): Meta {
  if (item === null) return NO_META;
  if (!(item instanceof Map)) throw new Violation("L3.env.1", "meta is a map or null");
  if (item.size === 0) throw new Violation("L3.meta.2", "an empty meta map must be null");
  if (item.size > ENTRIES_MAX) throw new Violation("L3.meta.3", "meta has more than 64 entries");
  if (bytes > BYTES_MAX) throw new Violation("L3.meta.4", "meta has more than 8 KiB");
  const meta = new Map<number | string, Item>();
  for (const [key, value] of item as ReadonlyMap<Item, Item>) {
    const taken = readKey(key);
    if (taken === undefined) continue;
    checkValue(taken, value);
    meta.set(taken, value);
  }
  return meta;
}

/** The key, or undefined for one that is ignored [L3.meta.6]. */
function readKey(key: Item): number | string | undefined {
  if (typeof key === "string") return key;
  if ((typeof key !== "number" && typeof key !== "bigint") || key < 0) {
    throw new Violation("L3.meta.1", "a meta key must be an unsigned integer or text");
  }
  if (key < VALUES.length) return Number(key);
  if (key < 32 || key > 63) throw new Violation("L3.meta.5", "a meta key below 32 or above 63 is not in the registry");
  return undefined;
}

function checkValue(key: number | string, value: Item): void {
  if (typeof key === "string") {
    if (typeof value !== "string") throw new Violation("L3.meta.9", "the value of a user's meta key must be text");
    return;
  }
  if ((key === META.end || key === META.retain) && value === false) {
    throw new Violation("L3.meta.8", "a meta value of false must be left out");
  }
  if (VALUES[key]?.(value) !== true) throw new Violation("L3.meta.7", "a meta value has the wrong type or range");
}

/** A number of meta, bounded so that arithmetic stays exact. */
export function metaNumber(meta: Meta, key: number): number | undefined {
  const value = meta.get(key);
  return value === undefined ? undefined : Math.min(Number(value), Number.MAX_SAFE_INTEGER);
}

/** A text of meta. */
export function metaText(meta: Meta, key: number): string | undefined {
  const value = meta.get(key);
  return typeof value === "string" ? value : undefined;
}

/** Meta in canonical order: numbers rising, then texts, the shorter first. */
export function sortMeta(meta: Meta): Meta {
  const bytes = new TextEncoder();
  const entries = [...meta].sort(([a], [b]) => {
    if (typeof a === "number") return typeof b === "number" ? a - b : -1;
    if (typeof b === "number") return 1;
    const left = bytes.encode(a);
    const right = bytes.encode(b);
    if (left.length !== right.length) return left.length - right.length;
    for (let i = 0; i < left.length; i += 1) if (left[i] !== right[i]) return left[i]! - right[i]!;
    return 0;
  });
  return new Map(entries);
}

/** Keys of a request that ask for what this version does not offer [X.open.1]; -1 when there is none. */
export function reservedKey(meta: Meta, mayHaveKey = false): number {
  if (meta.has(META.idempotencyKey) && !mayHaveKey) return META.idempotencyKey;
  for (const key of [META.to, META.position, META.durable, META.producer, META.sealed]) if (meta.has(key)) return key;
  if ((metaNumber(meta, META.qos) ?? 0) > 0) return META.qos;
  if (metaNumber(meta, META.encoding) === 1) return META.encoding;
  if (metaNumber(meta, META.overflow) === 4) return META.overflow;
  return -1;
}

/** Entries that are the user's. */
export type UserMeta = ReadonlyMap<string, string>;

const NO_USER_META: UserMeta = new Map();

/** The entries that are the user's. */
export function userMeta(meta: Meta): UserMeta {
  let own: Map<string, string> | undefined;
  for (const [key, value] of meta) if (typeof key === "string" && typeof value === "string") own = (own ?? new Map<string, string>()).set(key, value);
  return own ?? NO_USER_META;
}

/** Bytes of the user's entries, as they are written. */
export function userBytes(meta: UserMeta): number {
  let bytes = 0;
  for (const [key, value] of meta) bytes += textBytes(key) + textBytes(value);
  return bytes;
}

function textBytes(text: string): number {
  const length = byteLength(text);
  return length + (length < 24 ? 1 : length < 0x100 ? 2 : 3);
}
