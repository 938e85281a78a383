/** The seven fields of a message (docs/spec/message.md). */

import { Writer } from "./bytes.js";
import { Checked, check, numbered, writeItem } from "./cbor.js";
import type { Item } from "./cbor.js";
import { TEXT_BYTES_MAX } from "./limits.js";
import { META, NO_META, byteLength, metaNumber, readMeta, sortMeta } from "./meta.js";
import type { Meta } from "./meta.js";
import { TWO_64 } from "./number.js";
import { FluxarError, Violation, codeName, codeNumber, cutMessage } from "./status.js";

export const KIND = { hello: 1, call: 2, stream: 3, subscribe: 4, event: 5, ack: 6, cancel: 7 } as const;
export type Kind = (typeof KIND)[keyof typeof KIND];

/** An id: of this session below 2^64, a bigint where a number is not exact. */
export type Id = number | bigint;


/** A message as it arrived. */
export interface Envelope {
  readonly kind: Kind;
  readonly id: Id | null;
  readonly ref: Id | null;
  readonly target: string | null;
  readonly meta: Meta;
  readonly payload: Uint8Array | null;
  readonly error: FluxarError | null;
}

/** A message to be sent. */
export interface Outgoing {
  readonly kind: Kind;
  readonly id?: Id | undefined;
  readonly ref?: Id | undefined;
  readonly target?: string | undefined;
  readonly meta?: Meta | undefined;
  readonly payload?: Uint8Array | undefined;
  readonly error?: FluxarError | undefined;
}

const writer = new Writer();

/** The bytes of a message. */
export function encodeEnvelope(message: Outgoing): Uint8Array {
  writer.at = 0;
  writer.byte(0x87);
  writer.byte(message.kind);
  writeId(message.id);
  writeId(message.ref);
  if (message.target === undefined) writer.null();
  else writer.text(message.target);
  const meta = message.meta;
  if (meta === undefined || meta.size === 0) writer.null();
  else writeItem(writer, sortMeta(meta) as ReadonlyMap<Item, Item>);
  if (message.payload === undefined) writer.null();
  else writer.blob(message.payload);
  if (message.error === undefined) writer.null();
  else writeError(message.error);
  return writer.take();
}

function writeId(id: Id | undefined): void {
  if (id === undefined) writer.null();
  else if (typeof id === "number") writer.int(id);
  else writer.big(id);
}

function writeError(error: FluxarError): void {
  const typed = error.typeName !== undefined && byteLength(error.typeName) <= TEXT_BYTES_MAX;
  const map = numbered([
    [0, codeNumber(error.code)],
    [1, cutMessage(error.message)],
    [2, typed ? error.typeName : undefined],
    [3, typed ? error.details : undefined],
    [4, error.retryAfterMs === undefined ? undefined : Math.max(0, Math.floor(error.retryAfterMs))],
  ]);
  writeItem(writer, map);
}

/** Takes a message, or says which rule it breaks. */
export function decodeEnvelope(bytes: Uint8Array): Envelope {
  check(bytes);
  const reader = new Checked(bytes);
  const first = bytes[reader.at++]!;
  if (first >> 5 !== 4) throw new Violation("L3.env.1", "the envelope is an array");
  if (first !== 0x87) throw new Violation("L3.cbor.1", "the envelope is an array of seven");
  const kind = readKind(reader.item());
  const id = readId(reader.item());
  const ref = readId(reader.item());
  const target = readTarget(reader.item());
  const start = reader.at;
  const metaItem = reader.item();
  const metaBytes = reader.at - start;
  const payload = reader.item();
  if (payload !== null && !(payload instanceof Uint8Array)) throw new Violation("L3.env.1", "the payload is a bstr");
  const error = readError(reader.item());
  return { kind, id, ref, target, meta: readMeta(metaItem, metaBytes), payload, error };
}

function readKind(item: Item): Kind {
  if (typeof item !== "number" && typeof item !== "bigint") throw new Violation("L3.env.1", "the kind is a uint");
  if (item < 0) throw new Violation("L3.env.1", "the kind is a uint");
  if (item < 1 || item > 7) throw new Violation("L3.kind.1", "the kind must be 1 to 7");
  return Number(item) as Kind;
}

function readId(item: Item): Id | null {
  if (item === null) return null;
  if (item instanceof Uint8Array) {
    if (item.length !== 16) throw new Violation("L3.id.1", "an id is a uint or a bstr of 16");
    let value = 0n;
    for (const byte of item) value = (value << 8n) | BigInt(byte);
    if (value < TWO_64) throw new Violation("L3.id.1", "an id below 2^64 must be an unsigned integer");
    return value;
  }
  if ((typeof item !== "number" && typeof item !== "bigint") || item < 0) {
    throw new Violation("L3.env.1", "an id is a uint or a bstr of 16");
  }
  if (item === 0) throw new Violation("L3.id.2", "id 0 names nothing");
  return item;
}

function readTarget(item: Item): string | null {
  if (item === null) return null;
  if (typeof item !== "string") throw new Violation("L3.env.1", "the target is text");
  const length = byteLength(item);
  if (length < 1 || length > TEXT_BYTES_MAX) throw new Violation("L3.target.1", "a target is 1 to 512 bytes");
  return item;
}

function readError(item: Item): FluxarError | null {
  if (item === null) return null;
  if (!(item instanceof Map)) throw new Violation("L3.env.1", "an error is a map");
  const map = item as ReadonlyMap<Item, Item>;
  for (const key of map.keys()) checkErrorKey(key);
  const code = map.get(0);
  if (code === undefined) throw new Violation("L3.error.1", "an error needs a code");
  if (!isUint(code)) throw new Violation("L3.env.1", "an error's code is a uint");
  if (code < 1 || code > 255) throw new Violation("L3.error.1", "an error's code is 1 to 255");
  const message = typed(map.get(1), "string");
  const typeName = typed(map.get(2), "string");
  const details = map.get(3);
  if (details !== undefined && !(details instanceof Uint8Array)) throw new Violation("L3.env.1", "details are a bstr");
  const retry = map.get(4);
  if (retry !== undefined && !isUint(retry)) throw new Violation("L3.env.1", "retry_after_ms is a uint");
  if (details !== undefined && typeName === undefined) {
    throw new Violation("L3.error.4", "details of an error need a type name");
  }
  if (byteLength(message ?? "") > 4096 || byteLength(typeName ?? "") > TEXT_BYTES_MAX) {
    throw new Violation("L3.error.5", "the message of an error is at most 4 KiB, its type name 512 bytes");
  }
  return new FluxarError(codeName(Number(code)), message ?? "", {
    origin: "peer",
    ...(typeName === undefined ? {} : { typeName }),
    ...(details === undefined ? {} : { details }),
    ...(retry === undefined ? {} : { retryAfterMs: Number(retry) }),
  });
}

function checkErrorKey(key: Item): void {
  if (!isUint(key)) throw new Violation("L3.env.1", "the key of an error is a uint");
  if ((key > 4 && key < 32) || key > 63) throw new Violation("L3.error.3", "an error has an unknown key");
}

function isUint(item: Item): item is number | bigint {
  return (typeof item === "number" || typeof item === "bigint") && item >= 0;
}

function typed(item: Item | undefined, type: "string"): string | undefined {
  if (item === undefined) return undefined;
  if (typeof item !== type) throw new Violation("L3.env.1", "an error's message and type name are text");
  return item as string;
}

/** Whether a message is outside of the sequence [L1.volatile.1]. */
export function isVolatile(message: Pick<Outgoing, "kind" | "ref" | "meta"> | Envelope): boolean {
  if (message.kind === KIND.hello) return true;
  if (message.kind === KIND.ack) return message.ref === undefined || message.ref === null;
  return message.kind === KIND.event && (metaNumber(message.meta ?? NO_META, META.qos) ?? 0) === 0;
}
