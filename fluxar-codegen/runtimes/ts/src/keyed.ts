/** Calls that may come more than once and are done once (docs/spec/patterns.md, Keyed calls). */

import { clampTimeout } from "./request.js";
import { toHex } from "./scalar.js";
import { sha256 } from "./sha256.js";
import type { Code } from "./status.js";
import { FluxarError, toFluxarError } from "./status.js";
import { ENDED } from "./work.js";

/** What calls with keys may hold [L5.idempotent.4]. */
export interface KeyedLimits {
  /** How long an outcome is kept, in milliseconds. */
  readonly keptForMs: number;
  /** Keys of one caller; the oldest that are done make room. */
  readonly keysMax: number;
  /** Of these, calls that run. */
  readonly runningMax: number;
  /** Calls with keys that run, of all callers: their handlers outlive the sessions that count them. */
  readonly runningAllMax: number;
  /** Attempts that wait for one outcome. */
  readonly attemptsMax: number;
  /** Bytes of an outcome that is kept. A larger one is not, and the call is done anew. */
  readonly outcomeBytesMax: number;
  /** Bytes of all outcomes; the oldest make room. */
  readonly bytesMax: number;
}

const DEFAULTS: KeyedLimits = {
  keptForMs: 24 * 3600 * 1000,
  keysMax: 10_000,
  runningMax: 1024,
  runningAllMax: 8192,
  attemptsMax: 64,
  outcomeBytesMax: 64 << 10,
  bytesMax: 64 << 20,
};
/** About what the bookkeeping of an outcome takes. */
const ENTRY_BYTES = 256;
const NO_BYTES = new Uint8Array();

/** Who calls: an identity, or a nameless instance. */
export interface Owner {
  readonly identity: string | undefined;
  readonly instance: Uint8Array;
}

/** One attempt at a call. */
export interface Attempt {
  readonly owner: Owner;
  readonly target: string;
  readonly key: Uint8Array;
  readonly payload: Uint8Array | undefined;
  readonly deadline: number | undefined;
  /** Aborted when nobody waits for this attempt any more. */
  readonly signal?: AbortSignal | undefined;
}

type Handler = (signal: AbortSignal) => Promise<Uint8Array | undefined> | Uint8Array;

/** What a handler came to. */
interface Outcome {
  readonly error?: FluxarError;
  readonly payload?: Uint8Array | undefined;
}

interface Running {
  readonly hash: string;
  /** Attempts that wait for the outcome. */
  readonly waiting: Set<(outcome: Outcome) => void>;
}

interface Done {
  readonly hash: string;
  readonly outcome: Outcome;
  readonly bytes: number;
  readonly at: number;
  readonly share: Share;
}

/** What one caller has. All that have no name are one: whoever dials chooses its instance, and must not get room by choosing many. */
interface Share {
  readonly name: string;
  keys: number;
  running: number;
  /** Those that are done, the oldest first. */
  readonly done: Set<string>;
}

export class KeyedCalls {
  private readonly limits: KeyedLimits;
  private readonly now: () => number;
  private readonly running = new Map<string, Running>();
  /** The oldest first. */
  private readonly done = new Map<string, Done>();
  private readonly shares = new Map<string, Share>();
  private handlers = 0;
  private bytes = 0;

  constructor(limits: Partial<KeyedLimits> = {}, now: () => number = () => performance.now()) {
    this.limits = { ...DEFAULTS, ...limits };
    this.now = now;
  }

  /** Gives what the call comes to. The handler runs for the first attempt, whatever becomes of the session that made it. */
  async run(attempt: Attempt, handler: Handler): Promise<Uint8Array | undefined> {
    const { error, payload } = await this.join(attempt, handler);
    if (error !== undefined) throw error;
    return payload;
  }

  private join(attempt: Attempt, handler: Handler): Promise<Outcome> | Outcome {
    this.expire();
    const { owner, target, key, payload } = attempt;
    const caller = owner.identity === undefined ? "" : `=${owner.identity}`;
    const instance = owner.identity === undefined ? toHex(owner.instance) : "";
    // No target has a line feed, nor what stands beside it.
    const name = `${caller}\n${instance}\n${target}\n${toHex(key)}`;
    const hash = sha256(payload ?? NO_BYTES);
    const running = this.running.get(name);
    const done = this.done.get(name);
    const known = running ?? done;
    if (known !== undefined && known.hash !== hash) {
      return refused("failed_precondition", "[L5.idempotent.3] the idempotency key was used with other parameters");
    }
    if (done !== undefined) return done.outcome;
    if (running !== undefined) {
      if (running.waiting.size < this.limits.attemptsMax) return outcomeFor(running, attempt.signal);
      return refused("resource_exhausted", "too many attempts wait for this key: wait for one of them");
    }
    const share = this.shares.get(caller) ?? { name: caller, keys: 0, running: 0, done: new Set<string>() };
    if (share.running >= this.limits.runningMax || this.handlers >= this.limits.runningAllMax) {
      return refused("resource_exhausted", "too many calls with keys run already: wait for some of them");
    }
    return outcomeFor(this.start(name, hash, share, attempt.deadline, handler), attempt.signal);
  }

  private start(name: string, hash: string, share: Share, deadline: number | undefined, handler: Handler): Running {
    this.shares.set(share.name, share);
    share.keys += 1;
    share.running += 1;
    this.handlers += 1;
    const controller = new AbortController();
    const running: Running = { hash, waiting: new Set() };
    const settle = (outcome: Outcome) => {
      for (const tell of running.waiting) tell(outcome);
      running.waiting.clear();
    };
    this.running.set(name, running);
    const expire = () => {
      const error = new FluxarError("deadline_exceeded", "[L5.deadline.2] the handler took too long");
      // What it comes to is not known: the next attempt runs it anew.
      this.running.delete(name);
      this.leave(share);
      settle({ error });
      controller.abort(error);
    };
    const timer = deadline === undefined ? undefined : setTimeout(expire, clampTimeout(deadline - Date.now()));
    void outcomeOf(handler, controller.signal).then((outcome) => {
      clearTimeout(timer);
      this.handlers -= 1;
      share.running -= 1;
      if (this.running.get(name) === running) this.keep(name, hash, share, outcome);
      else this.release(share);
      settle(outcome);
      controller.abort(ENDED);
    });
    return running;
  }

  /** The handler came to its end: its outcome is there for later attempts. */
  private keep(name: string, hash: string, share: Share, outcome: Outcome): void {
    const { keysMax, outcomeBytesMax, bytesMax } = this.limits;
    this.running.delete(name);
    const bytes = bytesOf(outcome) + name.length;
    if (bytes > outcomeBytesMax) return this.leave(share);
    this.done.set(name, { hash, outcome: bare(outcome), bytes, at: this.now(), share });
    share.done.add(name);
    this.bytes += bytes;
    if (share.keys > keysMax) this.drop(first(share.done.keys())!);
    while (this.bytes > bytesMax) this.drop(first(this.done.keys())!);
  }

  private drop(name: string): void {
    const { bytes, share } = this.done.get(name)!;
    this.done.delete(name);
    share.done.delete(name);
    this.bytes -= bytes;
    this.leave(share);
  }

  /** One key less. */
  private leave(share: Share): void {
    share.keys -= 1;
    this.release(share);
  }

  private release(share: Share): void {
    if (share.keys === 0 && share.running === 0) this.shares.delete(share.name);
  }

  private expire(): void {
    const oldest = this.now() - this.limits.keptForMs;
    for (const [name, { at }] of this.done) {
      if (at > oldest) return;
      this.drop(name);
    }
  }
}

function refused(code: Code, message: string): Outcome {
  return { error: new FluxarError(code, message) };
}

async function outcomeOf(handler: Handler, signal: AbortSignal): Promise<Outcome> {
  try {
    return { payload: await handler(signal) };
  } catch (thrown) {
    return { error: toFluxarError(thrown) };
  }
}

/** Waits for the outcome, until nobody waits for the attempt: it takes no place after that, and nothing is held for it. */
function outcomeFor({ waiting }: Running, signal: AbortSignal | undefined): Promise<Outcome> {
  return new Promise((resolve) => {
    waiting.add(resolve);
    const leave = () => void (waiting.delete(resolve) && resolve({ error: toFluxarError(signal?.reason) }));
    signal?.addEventListener("abort", leave, { once: true });
  });
}

/** What an outcome says, without what else its error or its buffer holds on to: that has no bound. */
function bare({ error, payload }: Outcome): Outcome {
  if (error === undefined) return { payload: payload?.slice() };
  const { code, message, typeName, details, retryAfterMs } = error;
  return {
    error: new FluxarError(code, message, {
      ...(typeName === undefined ? {} : { typeName }),
      ...(details === undefined ? {} : { details: details.slice() }),
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    }),
  };
}

/** What an outcome holds, with about what its bookkeeping takes. */
function bytesOf({ error, payload }: Outcome): number {
  const said = (error?.message.length ?? 0) + (error?.typeName?.length ?? 0) + (error?.details?.length ?? 0);
  return said + (payload?.length ?? 0) + ENTRY_BYTES;
}

function first<T>(values: Iterator<T>): T | undefined {
  const { done, value } = values.next();
  return done ? undefined : value;
}
