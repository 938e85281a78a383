/** What every request carries: deadline, hops, the user's meta. */

import type { Origin, RequestOptions } from "./caller.js";
import { META, byteLength } from "./meta.js";
import type { Meta } from "./meta.js";
import { FluxarError } from "./status.js";

/** The longest that a timer of the platform can wait. */
const TIMER_MAX_MS = 2 ** 31 - 1;
const USER_ENTRIES_MAX = 32;
const USER_BYTES_MAX = 4096;

export function clampTimeout(ms: number): number {
  return Math.min(Math.max(0, ms), TIMER_MAX_MS);
}

/** When a request must be done: its own time, and no later than the handler's that makes it [L5.deadline.3]. */
export function deadlineOf(options: RequestOptions, origin: Origin): number | undefined {
  const own = options.timeoutMs === undefined ? undefined : Date.now() + options.timeoutMs;
  if (own === undefined || origin.deadline === undefined) return own ?? origin.deadline;
  return Math.min(own, origin.deadline);
}

/** Meta of a request. Refuses one for which there is no time or whose signal is aborted. */
export function requestMeta(options: RequestOptions, origin: Origin, deadline: number | undefined): Meta {
  options.signal?.throwIfAborted();
  origin.signal?.throwIfAborted();
  const meta = new Map<number | string, number | string>();
  if (deadline !== undefined) {
    const left = Math.floor(deadline - Date.now());
    if (!(left > 0)) throw new FluxarError("deadline_exceeded", "[L5.deadline.1] no time was left to send the request");
    meta.set(META.deadline, left);
  }
  if (origin.hops !== undefined) meta.set(META.hops, origin.hops + 1);
  addUserMeta(meta, options.meta);
  return meta;
}

/** Adds the user's entries, within what a receiver takes. */
export function addUserMeta(meta: { set(key: string, value: string): unknown }, entries: Readonly<Record<string, string>> | undefined): void {
  if (entries === undefined) return;
  let bytes = 0;
  let count = 0;
  for (const [key, value] of Object.entries(entries)) {
    bytes += byteLength(key) + byteLength(value);
    count += 1;
    meta.set(key, value);
  }
  if (count > USER_ENTRIES_MAX || bytes > USER_BYTES_MAX) {
    const text = `meta has at most ${USER_ENTRIES_MAX} entries and ${USER_BYTES_MAX} bytes`;
    throw new FluxarError("invalid_argument", text);
  }
}
