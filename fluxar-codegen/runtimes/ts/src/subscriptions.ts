/** Our subscriptions at the peer, within one session (docs/spec/patterns.md, Topics). */

import type { SubscribeOptions } from "./caller.js";
import type { Envelope, Id, Outgoing } from "./envelope.js";
import { KIND } from "./envelope.js";
import { OVERFLOW } from "./feed.js";
import { META, NO_META, metaNumber, userBytes, userMeta } from "./meta.js";
import type { UserMeta } from "./meta.js";
import { FluxarError, Violation } from "./status.js";
import { hasWildcard } from "./target.js";
import { Window, cost } from "./window.js";

/** One event of a subscription. */
export interface TopicEvent {
  readonly topic: string;
  readonly payload: Uint8Array;
  /** It is the topic's kept value, published before the subscription. */
  readonly isRetained: boolean;
  /** Events dropped since the one before, because this subscriber was slow. */
  readonly dropped: number;
  /** What its publisher said beside it. */
  readonly meta: UserMeta;
}

/** Whoever wants the events. */
export interface Subscriber {
  readonly pattern: string;
  readonly options: SubscribeOptions;
  onGranted(): void;
  /** `take` must be called when the application has it. */
  onEvent(event: TopicEvent, take: () => void): void;
  /** The peer has ended it. */
  onOver(error: FluxarError | undefined): void;
  /** The session is over, after a goodbye without an error. */
  onLost(error: FluxarError | undefined): void;
}

interface Entry {
  readonly subscriber: Subscriber;
  readonly window: Window;
  readonly isWild: boolean;
  isGranted: boolean;
  isCancelled: boolean;
}

export interface SubscriptionHost {
  send(message: Outgoing): unknown;
  mint(): number;
  grant(id: Id, credit: number): void;
  readonly subscriptionsMax: number;
  readonly initialCredit: number;
}

export class Subscriptions {
  private readonly host: SubscriptionHost;
  private readonly open = new Map<Id, Entry>();

  constructor(host: SubscriptionHost) {
    this.host = host;
  }

  has(id: Id): boolean {
    return this.open.has(id);
  }

  /** Asks for events; gives what ends the subscription. */
  ask(subscriber: Subscriber): () => void {
    const { pattern, options } = subscriber;
    if (this.open.size >= this.host.subscriptionsMax) {
      const text = `[L5.topic.6] ${this.open.size} subscriptions are open: the peer takes no more`;
      throw new FluxarError("resource_exhausted", text);
    }
    const meta = new Map<number, number | string>();
    if (options.credit !== undefined) meta.set(META.credit, options.credit);
    if (options.group !== undefined) meta.set(META.group, options.group);
    if (options.overflow !== undefined) meta.set(META.overflow, OVERFLOW[options.overflow]);
    const id = this.host.mint();
    const window = new Window(options.credit ?? this.host.initialCredit);
    const isWild = hasWildcard(pattern);
    const entry: Entry = { subscriber, window, isWild, isGranted: false, isCancelled: false };
    this.open.set(id, entry);
    this.host.send({ kind: KIND.subscribe, id, target: pattern, meta: meta.size > 0 ? meta : NO_META });
    return () => {
      if (entry.isCancelled || !this.open.has(id)) return;
      entry.isCancelled = true;
      this.host.send({ kind: KIND.cancel, ref: id });
    };
  }

  /** A grant or an end came. False when it was granted before, which is cheap. */
  answered(message: Envelope): boolean {
    const id = message.ref!;
    const entry = this.open.get(id)!;
    if (message.meta.has(META.end)) {
      this.open.delete(id);
      entry.subscriber.onOver(message.error ?? undefined);
      return true;
    }
    if (entry.isGranted) return false;
    entry.isGranted = true;
    entry.subscriber.onGranted();
    return true;
  }

  delivered(message: Envelope): void {
    const id = message.ref!;
    const entry = this.open.get(id)!;
    const payload = message.payload!.slice();
    if (message.target === null && entry.isWild) {
      throw new Violation("L5.topic.3", "a delivery to a pattern with a wildcard needs its topic");
    }
    const meta = userMeta(message.meta);
    const size = cost(payload, userBytes(meta));
    entry.window.arrived(size);
    const take = () => {
      const grant = entry.window.consumed(size);
      if (grant > 0 && this.open.has(id) && !entry.isCancelled) this.host.grant(id, grant);
    };
    // Nothing is delivered after we cancelled.
    if (entry.isCancelled) return take();
    const event: TopicEvent = {
      topic: message.target ?? entry.subscriber.pattern,
      payload,
      isRetained: message.meta.has(META.retain),
      dropped: metaNumber(message.meta, META.dropped) ?? 0,
      meta,
    };
    entry.subscriber.onEvent(event, take);
  }

  /** The session is over. */
  lost(error: FluxarError | undefined): void {
    const entries = [...this.open.values()];
    this.open.clear();
    for (const entry of entries) entry.subscriber.onLost(error);
  }
}
