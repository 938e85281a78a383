/** What can be done at the other side, in bytes. Typed clients stand on this. */

import type { Channel } from "./channel.js";
import type { Subscription } from "./subscription.js";

/** How anything is asked of the other side. */
export interface RequestOptions {
  /** Aborting it cancels the work at the callee. */
  readonly signal?: AbortSignal | undefined;
  /** The time until the call ends with `deadline_exceeded`. */
  readonly timeoutMs?: number | undefined;
  /** Entries for the callee's context. */
  readonly meta?: Readonly<Record<string, string>> | undefined;
}

/** How a call is made. */
export interface CallOptions extends RequestOptions {
  /**
   * 16 bytes that name one intention: the callee does it once, however often the call comes. Should the session be lost, a peer
   * that dials again sends the call again, within its time. Methods marked `@idempotent` get a fresh key for each call.
   */
  readonly idempotencyKey?: Uint8Array | undefined;
}

/** How a stream is opened. */
export interface StreamOptions extends RequestOptions {
  /** Bytes that the callee may send ahead. */
  readonly credit?: number | undefined;
}

/** How something is published. */
export interface PublishOptions {
  /** Keeps the event as the topic's value, for those who subscribe later. */
  readonly retain?: boolean | undefined;
  readonly meta?: Readonly<Record<string, string>> | undefined;
}

/** What happens to events that a slow subscriber does not take. */
export type Overflow = "drop_oldest" | "drop_newest" | "latest" | "disconnect";

/** How to subscribe. */
export interface SubscribeOptions {
  /** Aborting it ends the subscription. */
  readonly signal?: AbortSignal | undefined;
  /** Of the subscriptions with one group, one gets each event. */
  readonly group?: string | undefined;
  readonly overflow?: Overflow | undefined;
  /** Bytes that may be sent ahead. */
  readonly credit?: number | undefined;
}

/** Where topics are: the other side of a session, or the broker of this one. */
export interface TopicHost {
  /** Publishes, at most once. */
  publishBytes(topic: string, payload: Uint8Array, options?: PublishOptions): void;
  subscribeBytes(pattern: string, options?: SubscribeOptions): Subscription;
}

/** The other side of a session. */
export interface Caller extends TopicHost {
  /** Whether records travel with numbers for keys: both sides said that they know them. */
  readonly numbers: boolean;
  /** Calls, and waits for the answer's payload. */
  callBytes(target: string, payload: Uint8Array | undefined, options?: CallOptions): Promise<Uint8Array>;
  /** Says something that nobody answers. */
  notifyBytes(target: string, payload: Uint8Array | undefined, options?: RequestOptions): void;
  /** Opens a stream; with `isHalf` we send no items. */
  openBytes(target: string, payload: Uint8Array | undefined, isHalf: boolean, options?: StreamOptions): Channel;
}

/** The circumstances that a request inherits from the handler which makes it. */
export interface Origin {
  readonly signal?: AbortSignal | undefined;
  readonly deadline?: number | undefined;
  readonly hops?: number | undefined;
}
