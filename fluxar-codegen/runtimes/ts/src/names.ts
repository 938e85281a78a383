/** Names of fields, variants and members, found by their bytes: no text is made of a name that is known. */

import { encodeText } from "./utf8.js";

/** Names up to here have a head of one byte, and are found by their bytes. */
const SHORT_BYTES = 23;

interface Known<T> {
  readonly bytes: Uint8Array;
  readonly value: T;
}

export class Names<T = number> {
  private readonly byText: ReadonlyMap<string, T>;
  /** By their length in bytes. */
  private readonly short: readonly (readonly Known<T>[])[];

  constructor(entries: Iterable<readonly [string, T]>) {
    this.byText = new Map(entries);
    const short: Known<T>[][] = Array.from({ length: SHORT_BYTES + 1 }, () => []);
    for (const [text, value] of this.byText) {
      const bytes = encodeText(text)!;
      short[bytes.length]?.push({ bytes, value });
    }
    this.short = short;
  }

  /** What the name in `bytes[at..at + length]` stands for, if it is known and short. */
  find(bytes: Uint8Array, at: number, length: number): T | undefined {
    const candidates = this.short[length]!;
    for (let i = 0; i < candidates.length; i += 1) {
      const known = candidates[i]!;
      const name = known.bytes;
      let same = 0;
      while (same < length && name[same] === bytes[at + same]) same += 1;
      if (same === length) return known.value;
    }
    return undefined;
  }

  /** What a name stands for. */
  get(text: string): T | undefined {
    return this.byText.get(text);
  }

  /** The name of a value. */
  nameOf(value: T): string {
    for (const [text, found] of this.byText) if (found === value) return text;
    return "";
  }
}
