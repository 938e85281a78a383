/** Parts of descriptors as bytes: maps with numbers for keys, lists and texts (docs/spec/contract.md). */

import { Writer } from "./bytes.js";
import { Reader } from "./reader.js";

export type Entries = Map<number, Uint8Array>;

export function entriesOf(map: Uint8Array): Entries {
  const reader = new Reader(map);
  const entries: Entries = new Map();
  for (let left = reader.enterMap(); reader.more(left); left -= 1) entries.set(Number(reader.integer()), reader.raw());
  return entries;
}

export function listOf(list: Uint8Array | undefined): Uint8Array[] {
  return list === undefined ? [] : new Reader(list).array((inner) => inner.raw());
}

export function textOf(entries: Entries, key: number): string | undefined {
  const bytes = entries.get(key);
  return bytes === undefined ? undefined : new Reader(bytes).text();
}

export function item(write: (to: Writer) => void): Uint8Array {
  const writer = new Writer();
  write(writer);
  return writer.take();
}

export function text(value: string): Uint8Array {
  return item((to) => to.text(value));
}

export function listing(items: readonly Uint8Array[]): Uint8Array {
  return item((to) => {
    to.head(0x80, items.length);
    items.forEach((one) => to.raw(one));
  });
}

/** A map with its keys rising. */
export function mapping(entries: Entries): Uint8Array {
  return item((to) => {
    to.head(0xa0, entries.size);
    for (const [key, value] of [...entries].sort(([a], [b]) => a - b)) {
      to.int(key);
      to.raw(value);
    }
  });
}
