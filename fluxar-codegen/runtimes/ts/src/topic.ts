/** Typed topics: dotted paths with parameters. */

import type { PublishOptions, SubscribeOptions, TopicHost } from "./caller.js";
import type { Codec } from "./codec.js";
import { decodeOutput, encode } from "./codec.js";
import { iterate } from "./iterate.js";
import { FluxarError } from "./status.js";
import type { Subscription } from "./subscription.js";
import { isWellFormed as isUtf8 } from "./utf8.js";

/** How a value stands in a path, and how it is read from there. */
export interface Param<T> {
  write(value: T): string;
  read(segment: string): T;
}

/** A segment of a path: a fixed text, or a parameter by its name. */
export type Segment = string | { readonly param: string };

const RESERVED = /[.*>%\u0000-\u0020\u007f]/g;
const encoder = new TextEncoder();

/** A text as one segment: what has a meaning in topics is written in percent. */
export function encodeSegment(text: string, name: string): string {
  if (text === "" || !isUtf8(text)) {
    throw new FluxarError("invalid_argument", `${name}: a part of a topic's path must not be empty`);
  }
  return text.replace(RESERVED, (unit) => {
    let out = "";
    for (const byte of encoder.encode(unit)) out += `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
    return out;
  });
}

/** The text of a segment. */
export function decodeSegment(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch (cause) {
    throw new FluxarError("internal", `the topic's segment \`${segment}\` is not well-formed`, { cause });
  }
}

function invalid(segment: string, what: string): never {
  throw new FluxarError("internal", `the topic's segment \`${segment}\` is no ${what}`);
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

export const stringParam: Param<string> = { write: (value) => value, read: (segment) => segment };

export const boolParam: Param<boolean> = {
  write: (value) => String(value),
  read: (segment) => (segment === "true" ? true : segment === "false" ? false : invalid(segment, "boolean")),
};

export const uuidParam: Param<string> = {
  write: (value) => {
    const lower = value.toLowerCase();
    if (!UUID.test(lower)) throw new FluxarError("invalid_argument", `\`${value}\` is no uuid`);
    return lower;
  },
  read: (segment) => (UUID.test(segment) ? segment : invalid(segment, "uuid")),
};

/** A whole number within bounds. */
export function intParam(least: number, most: number): Param<number> {
  const fits = (value: number) => Number.isInteger(value) && value >= least && value <= most;
  return {
    write: (value) => {
      if (!fits(value)) throw new FluxarError("invalid_argument", `${value} is no whole number within ${least} to ${most}`);
      return String(value + 0);
    },
    read: (segment) => {
      const value = /^-?\d+$/.test(segment) ? Number(segment) : NaN;
      return fits(value) ? value + 0 : invalid(segment, `whole number within ${least} to ${most}`);
    },
  };
}

/** A whole number of 64 bits. */
export function bigParam(least: bigint, most: bigint): Param<bigint> {
  const fits = (value: bigint) => value >= least && value <= most;
  return {
    write: (value) => {
      if (!fits(value)) throw new FluxarError("invalid_argument", `${value} is not within ${least} to ${most}`);
      return String(value);
    },
    read: (segment) => {
      const value = /^-?\d{1,20}$/.test(segment) ? BigInt(segment) : undefined;
      return value !== undefined && fits(value) ? value : invalid(segment, "whole number");
    },
  };
}

/** A member of an enum, by its name on the wire. */
export function enumParam<T>(members: readonly (readonly [value: string, wire: string])[], isOpen: boolean): Param<T> {
  const wire = new Map(members);
  const value = new Map(members.map(([name, text]) => [text, name]));
  return {
    write: (member) => {
      const key = typeof member === "string" ? wire.get(member) : (member as { key?: unknown }).key;
      if (typeof key !== "string") throw new FluxarError("invalid_argument", "an enum in a path needs a member with a name");
      return key;
    },
    read: (segment) => {
      const known = value.get(segment);
      if (known === undefined && !isOpen) invalid(segment, "member of the enum");
      return (known ?? { kind: "$unknown", key: segment }) as T;
    },
  };
}

/** One event of a typed topic. */
export interface TypedEvent<K, V> {
  /** The parameters of its path. */
  readonly key: K;
  readonly value: V;
  readonly topic: string;
  readonly isRetained: boolean;
  /** Events since the one before that this subscriber was too slow for, or that did not decode. */
  readonly dropped: number;
  /** What the publisher said beside it. */
  readonly meta: ReadonlyMap<string, string>;
}

/** What a contract says of a topic. */
export interface TopicDef<K, V> {
  readonly path: readonly Segment[];
  readonly params: { readonly [N in keyof K]: Param<NonNullable<K[N]>> };
  readonly codec: Codec<V>;
  /** Whether a value is kept for those who subscribe later, unless its publisher says otherwise. */
  readonly retain?: boolean;
}

/** A topic of a contract: at the other side of a session, or at a broker of this one. */
export class Topic<K extends object, V> {
  private readonly host: TopicHost;
  private readonly def: TopicDef<K, V>;

  constructor(host: TopicHost, def: TopicDef<K, V>) {
    this.host = host;
    this.def = def;
  }

  /** Publishes. Names stand for keys, since a publisher does not know who subscribes. */
  publish(key: K, value: V, options?: PublishOptions): void {
    this.def.codec.check?.(value, "");
    const retain = options?.retain ?? this.def.retain;
    this.host.publishBytes(pathOf(this.def, key, false), encode(this.def.codec, value, false), { ...options, retain });
  }

  /** Removes the kept value. */
  clear(key: K): void {
    this.host.publishBytes(pathOf(this.def, key, false), new Uint8Array(), { retain: true });
  }

  /** Subscribes to the topics whose parameters are these; what is left out matches everything. */
  subscribe(key: Partial<K> = {}, options?: SubscribeOptions): TopicSubscription<K, V> {
    return new TopicSubscription(this.def, this.host.subscribeBytes(pathOf(this.def, key, true), options));
  }
}

function pathOf<K, V>(def: TopicDef<K, V>, key: Partial<K>, isPattern: boolean): string {
  const segments = def.path.map((segment) => {
    if (typeof segment === "string") return segment;
    const name = segment.param as keyof K & string;
    const value = Object.hasOwn(key, name) ? key[name] : undefined;
    if (value === undefined || value === null) {
      if (isPattern) return "*";
      throw new FluxarError("invalid_argument", `${name}: a part of the topic's path is missing`);
    }
    return encodeSegment(def.params[name].write(value), name);
  });
  return segments.join(".");
}

/** Events of a typed topic. */
export class TopicSubscription<K, V> implements AsyncIterable<TypedEvent<K, V>>, AsyncDisposable {
  private readonly def: TopicDef<K, V>;
  private readonly subscription: Subscription;

  constructor(def: TopicDef<K, V>, subscription: Subscription) {
    this.def = def;
    this.subscription = subscription;
  }

  /** Resolved when the peer has granted it. */
  get granted(): Promise<void> {
    return this.subscription.granted;
  }

  unsubscribe(): void {
    this.subscription.unsubscribe();
  }

  /** The next event, or undefined after the last. A removed value is passed over. */
  async next(): Promise<TypedEvent<K, V> | undefined> {
    let missed = 0;
    for (;;) {
      const event = await this.subscription.next();
      if (event === undefined) return undefined;
      const { topic, payload, isRetained, meta } = event;
      missed += event.dropped;
      if (payload.length === 0) continue;
      try {
        return { key: keyOf(this.def, topic), value: decodeOutput(this.def.codec, payload), topic, isRetained, dropped: missed, meta };
      } catch (thrown) {
        if (!(thrown instanceof FluxarError)) throw thrown;
        // Whoever may publish could end every subscription with one wrong event.
        missed += 1;
      }
    }
  }

  [Symbol.asyncIterator](): AsyncIterator<TypedEvent<K, V>> {
    return iterate(() => this.next(), () => this.unsubscribe());
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.unsubscribe();
    return Promise.resolve();
  }
}

function keyOf<K, V>(def: TopicDef<K, V>, topic: string): K {
  const segments = topic.split(".");
  const key: Record<string, unknown> = {};
  def.path.forEach((segment, index) => {
    if (typeof segment === "string") return;
    const value = def.params[segment.param as keyof K].read(decodeSegment(segments[index] ?? ""));
    Object.defineProperty(key, segment.param, { value, writable: true, enumerable: true, configurable: true });
  });
  return key as K;
}
