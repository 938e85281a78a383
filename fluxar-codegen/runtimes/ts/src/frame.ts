/** L1: length-delimited frames, and fragments put together (docs/spec/frame.md). */

import { concat } from "./bytes.js";
import { PREAUTH_FRAME_BYTES_MAX } from "./limits.js";
import type { Limits } from "./limits.js";
import { Violation } from "./status.js";

const GROUP = 0x10;
const MORE = 0x20;
const VOLATILE = 0x40;

/** One frame. */
export interface Frame {
  readonly isVolatile: boolean;
  /** The message that the body is a fragment of; undefined for a whole one. */
  readonly group: bigint | number | undefined;
  readonly more: boolean;
  readonly body: Uint8Array;
}

/** A frame around a whole message or a fragment. */
export function encodeFrame(body: Uint8Array, isVolatile: boolean, group?: number, more = false): Uint8Array {
  const varint = group === undefined ? 0 : varintBytes(group);
  const out = new Uint8Array(5 + varint + body.length);
  const view = new DataView(out.buffer);
  view.setUint32(0, 1 + varint + body.length);
  out[4] = (isVolatile ? VOLATILE : 0) | (group === undefined ? 0 : GROUP) | (more ? MORE : 0);
  if (group !== undefined) writeVarint(view, group, varint);
  out.set(body, 5 + varint);
  return out;
}

/** Bytes of a frame's head with this group. */
export function frameHeadBytes(group: number): number {
  return 1 + varintBytes(group);
}

function varintBytes(value: number): number {
  return value < 64 ? 1 : value < 16384 ? 2 : value < 2 ** 30 ? 4 : 8;
}

function writeVarint(view: DataView, value: number, length: number): void {
  if (length === 1) view.setUint8(5, value);
  else if (length === 2) view.setUint16(5, value | 0x4000);
  else if (length === 4) view.setUint32(5, (value | 0x80000000) >>> 0);
  else view.setBigUint64(5, BigInt(value) | (3n << 62n));
}

/** Cuts what arrives into frames. */
export class FrameReader {
  /** From the moment the session is ready, frames may be as long as declared. */
  isReady = false;
  private rest: Uint8Array[] = [];
  private restBytes = 0;
  private readonly limits: Limits;

  constructor(limits: Limits) {
    this.limits = limits;
  }

  /** Bytes of a frame that is not whole. */
  get pending(): number {
    return this.restBytes;
  }

  /** Takes bytes, and hands over each frame that is whole. Stops when `take` says false. */
  feed(chunk: Uint8Array, take: (frame: Frame) => boolean): void {
    let bytes = chunk;
    if (this.restBytes > 0) {
      this.rest.push(chunk);
      this.restBytes += chunk.length;
      if (!this.isWhole()) return;
      bytes = concat(this.rest);
      this.rest = [];
      this.restBytes = 0;
    }
    let at = 0;
    while (bytes.length - at >= 4) {
      const length = readLength(bytes, at);
      this.checkLength(length);
      const early = bytes.length - at > 4 ? bytes[at + 4]! : undefined;
      if (bytes.length - at - 4 < length) {
        if (early !== undefined) checkFlags(early);
        break;
      }
      const body = bytes.subarray(at + 4, at + 4 + length);
      at += 4 + length;
      if (!take(decodeFrame(body))) return;
    }
    if (at < bytes.length) {
      this.rest = [bytes.slice(at)];
      this.restBytes = bytes.length - at;
    }
  }

  /** Whether the frame at the front is whole, looking at its length once four bytes are there. */
  private isWhole(): boolean {
    if (this.restBytes < 4) return false;
    if (this.rest[0]!.length < 4) this.rest = [concat(this.rest)];
    const length = readLength(this.rest[0]!, 0);
    this.checkLength(length);
    return this.restBytes >= 4 + length;
  }

  private checkLength(length: number): void {
    if (length < 1) throw new Violation("L1.len.2", "a frame is empty: its length counts the flags");
    if (this.isReady) {
      if (length > this.limits.frameBytesMax) {
        const text = "a frame is longer than the limit in HELLO: cut the message into fragments";
        throw new Violation("L1.len.3", text, "resource_exhausted");
      }
    } else if (length > PREAUTH_FRAME_BYTES_MAX) {
      throw new Violation("L1.len.4", "a frame above 16 KiB came before the session was ready", "resource_exhausted");
    }
  }
}

function readLength(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
}

function checkFlags(flags: number): void {
  if (flags & 0x80) throw new Violation("L1.flags.1", "bit 7 of the flags is reserved: clear it");
  if (flags & 0x03) throw new Violation("L1.flags.2", "a frame is compressed: send codec 0", "unimplemented");
  if (flags & 0x04) throw new Violation("L1.flags.3", "a frame is sealed: clear SEALED", "unimplemented");
  if (flags & 0x08) throw new Violation("L1.flags.4", "a frame has a sequence number: clear SEQ", "unimplemented");
  if (flags & MORE && !(flags & GROUP)) throw new Violation("L1.flags.5", "MORE needs GROUP");
}

function decodeFrame(bytes: Uint8Array): Frame {
  const flags = bytes[0]!;
  checkFlags(flags);
  let at = 1;
  let group: bigint | number | undefined;
  if (flags & GROUP) {
    const length = bytes.length > 1 ? 1 << (bytes[1]! >> 6) : Infinity;
    if (bytes.length < 1 + length) throw new Violation("L1.group.1", "the group id is not a whole varint");
    group = readVarint(bytes, length);
    at += length;
  }
  if (at >= bytes.length) throw new Violation("L1.body.1", "a frame has no body");
  return { isVolatile: (flags & VOLATILE) !== 0, group, more: (flags & MORE) !== 0, body: bytes.subarray(at) };
}

function readVarint(bytes: Uint8Array, length: number): bigint | number {
  let value = BigInt(bytes[1]! & 0x3f);
  for (let i = 1; i < length; i += 1) value = (value << 8n) | BigInt(bytes[1 + i]!);
  if (length > 1 && value < 1n << BigInt(4 * length - 2)) {
    throw new Violation("L1.group.1", "the group id is not in its shortest form");
  }
  return value <= Number.MAX_SAFE_INTEGER ? Number(value) : value;
}

interface Open {
  readonly parts: Uint8Array[];
  readonly isVolatile: boolean;
  bytes: number;
}

/** Puts the fragments of messages together. */
export class Assembler {
  private readonly limits: Limits;
  private readonly open = new Map<bigint | number, Open>();
  private highest: bigint | number = 0;
  private bytes = 0;

  constructor(limits: Limits) {
    this.limits = limits;
  }

  /** Whether some message is not whole. */
  get isBusy(): boolean {
    return this.open.size > 0;
  }

  /** Takes a fragment; the message when this one was its last. */
  take(frame: Frame, group: bigint | number): Uint8Array | undefined {
    const entry = this.open.get(group) ?? this.begin(frame, group);
    if (entry.isVolatile !== frame.isVolatile) {
      throw new Violation("L1.volatile.2", "the fragments of a group differ in VOLATILE");
    }
    entry.bytes += frame.body.length;
    if (entry.bytes > this.limits.messageBytesMax) {
      const text = "a message is longer than the limit in HELLO: send it as a stream";
      throw new Violation("L1.group.5", text, "resource_exhausted");
    }
    this.bytes += frame.body.length;
    if (this.bytes > this.limits.reassemblyBytesMax) {
      const text = "unfinished fragmented messages hold more bytes than the limit in HELLO";
      throw new Violation("L1.group.4", text, "resource_exhausted");
    }
    // A copy: a small part must not keep alive the buffer that it arrived in.
    entry.parts.push(frame.body.slice());
    if (frame.more) return undefined;
    this.open.delete(group);
    this.bytes -= entry.bytes;
    return concat(entry.parts);
  }

  private begin(frame: Frame, group: bigint | number): Open {
    if (group <= this.highest) throw new Violation("L1.group.2", "group ids must rise from 1");
    if (this.open.size >= this.limits.groupsMax) {
      const text = "more fragmented messages are open than the limit in HELLO";
      throw new Violation("L1.group.3", text, "resource_exhausted");
    }
    this.highest = group;
    const entry = { parts: [], isVolatile: frame.isVolatile, bytes: 0 };
    this.open.set(group, entry);
    return entry;
  }
}
