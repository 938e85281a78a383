/** A buffer that grows, and the heads of CBOR items. */

import { TWO_32 } from "./number.js";
import { FluxarError } from "./status.js";
import { encodeTextInto, isWellFormed } from "./utf8.js";

const START_BYTES = 256;
/** A buffer above this is not kept for the next message. */
const KEEP_BYTES_MAX = 64 << 10;
/** Longer texts are measured by the platform rather than by a loop. */
const LOOP_UNITS_MAX = 64;

/** Writes CBOR items in their shortest form. */
export class Writer {
  bytes: Uint8Array = new Uint8Array(START_BYTES);
  at = 0;
  /** True when keys of records are numbers, false when they are names. */
  numbers = false;

  /** What was written, as a copy; the writer is empty afterwards. */
  take(): Uint8Array {
    const out = this.bytes.slice(0, this.at);
    this.at = 0;
    if (this.bytes.length > KEEP_BYTES_MAX) this.bytes = new Uint8Array(START_BYTES);
    return out;
  }

  /** Makes room for `more` bytes. */
  room(more: number): void {
    const need = this.at + more;
    if (need <= this.bytes.length) return;
    const next = new Uint8Array(Math.max(2 * this.bytes.length, need));
    next.set(this.bytes.subarray(0, this.at));
    this.bytes = next;
  }

  byte(value: number): void {
    this.room(1);
    this.bytes[this.at++] = value;
  }

  raw(part: Uint8Array): void {
    this.room(part.length);
    this.bytes.set(part, this.at);
    this.at += part.length;
  }

  /** A head: `major` in the three highest bits (0x00, 0x20, … 0xe0), then a safe integer. */
  head(major: number, value: number): void {
    this.room(9);
    const b = this.bytes;
    if (value < 24) {
      b[this.at++] = major | value;
    } else if (value < 0x100) {
      b[this.at++] = major | 24;
      b[this.at++] = value;
    } else if (value < 0x10000) {
      b[this.at++] = major | 25;
      b[this.at++] = value >> 8;
      b[this.at++] = value;
    } else if (value < TWO_32) {
      b[this.at++] = major | 26;
      this.word(value);
    } else {
      b[this.at++] = major | 27;
      this.word(Math.floor(value / TWO_32));
      this.word(value % TWO_32);
    }
  }

  private word(value: number): void {
    const b = this.bytes;
    b[this.at++] = value >>> 24;
    b[this.at++] = value >>> 16;
    b[this.at++] = value >>> 8;
    b[this.at++] = value;
  }

  /** A head with an integer of up to 64 bits. */
  headBig(major: number, value: bigint): void {
    if (value <= 0xffffffffn) {
      this.head(major, Number(value));
      return;
    }
    this.room(9);
    this.bytes[this.at++] = major | 27;
    this.word(Number(value >> 32n));
    this.word(Number(value & 0xffffffffn));
  }

  /** A safe integer. */
  int(value: number): void {
    if (value >= 0) this.head(0, value);
    else this.head(0x20, -1 - value);
  }

  /** An integer of up to 64 bits. */
  big(value: bigint): void {
    if (value >= 0n) this.headBig(0, value);
    else this.headBig(0x20, -1n - value);
  }

  null(): void {
    this.byte(0xf6);
  }

  bool(value: boolean): void {
    this.byte(value ? 0xf5 : 0xf4);
  }

  f32(value: number): void {
    this.room(5);
    this.bytes[this.at++] = 0xfa;
    SCRATCH.setFloat32(0, value);
    this.bytes.set(SCRATCH_4, this.at);
    this.at += 4;
  }

  f64(value: number): void {
    this.room(9);
    this.bytes[this.at++] = 0xfb;
    SCRATCH.setFloat64(0, value);
    this.bytes.set(SCRATCH_8, this.at);
    this.at += 8;
  }

  blob(value: Uint8Array): void {
    this.head(0x40, value.length);
    this.raw(value);
  }

  text(value: string): void {
    const units = value.length;
    this.room(9 + 3 * units);
    const start = this.at;
    if (units <= LOOP_UNITS_MAX) {
      const head = units < 24 ? 1 : 2;
      const b = this.bytes;
      let at = start + head;
      let any = 0;
      for (let i = 0; i < units; i += 1) {
        const unit = value.charCodeAt(i);
        any |= unit;
        b[at++] = unit;
      }
      if (any < 0x80) {
        if (head === 1) b[start] = 0x60 | units;
        else (b[start] = 0x78), (b[start + 1] = units);
        this.at = at;
        return;
      }
    }
    this.longText(value, start);
  }

  private longText(value: string, start: number): void {
    if (!isWellFormed(value)) {
      throw new FluxarError("invalid_argument", "a text holds half of a surrogate pair: it has no UTF-8");
    }
    // The head's length depends on the text's: the text is written behind room for the longest head, and moved.
    const body = start + 9;
    const length = encodeTextInto(value, this.bytes, body);
    this.head(0x60, length);
    this.bytes.copyWithin(this.at, body, body + length);
    this.at += length;
  }
}

const SCRATCH_8 = new Uint8Array(8);
const SCRATCH_4 = SCRATCH_8.subarray(0, 4);
const SCRATCH = new DataView(SCRATCH_8.buffer);

/** Whether two byte strings are the same. */
export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i += 1) if (a[i] !== b[i]) return false;
  return true;
}

/** Bytewise order. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i += 1) {
    const difference = a[i]! - b[i]!;
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

/** Parts in one piece. */
export function concat(parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}
