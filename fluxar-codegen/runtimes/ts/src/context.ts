/** What a handler knows about the request it works on. */

import type { Caller } from "./caller.js";
import type { Meta } from "./meta.js";
import { userMeta } from "./meta.js";

/** The circumstances of one inbound call or stream. */
export interface Context {
  /** What was called. */
  readonly target: string;
  /** Who calls, where `authenticate` has said so. */
  readonly identity: string | undefined;
  /** Aborted when the caller cancels, the deadline passes or the session ends; for a call with a key, by the deadline alone. */
  readonly signal: AbortSignal;
  /** When the work must be done (as `Date.now()`), if there is such a time. */
  readonly deadline: number | undefined;
  /** The calls above this one in a chain of nested calls. */
  readonly hops: number;
  /** The user's entries of meta. */
  readonly meta: ReadonlyMap<string, string>;
  /** The other side. What is opened here ends with this work, and no later than its deadline [L5.deadline.3]. */
  readonly peer: Caller;
}

/** What surrounds the work, and what it opens in turn. */
type Surroundings = Pick<Context, "signal" | "deadline" | "hops">;

export function makeContext(
  target: string,
  meta: Meta,
  identity: string | undefined,
  around: Surroundings,
  bind: (around: Surroundings) => Caller,
): Context {
  return { target, identity, ...around, meta: userMeta(meta), peer: bind(around) };
}
