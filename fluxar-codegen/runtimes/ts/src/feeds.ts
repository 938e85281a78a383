/** The peer's subscriptions at this side, within one session (docs/spec/patterns.md, Topics). */

import type { Broker } from "./broker.js";
import type { Envelope, Id, Outgoing } from "./envelope.js";
import { KIND } from "./envelope.js";
import { Feed } from "./feed.js";
import type { Outlet, Publication } from "./feed.js";
import type { OwnLimits } from "./limits.js";
import { META, metaNumber, metaText, reservedKey } from "./meta.js";
import { FluxarError } from "./status.js";
import { hasWildcard, isWellFormed } from "./target.js";
import { addCredit } from "./window.js";

const END = new Map([[META.end, true]] as const);

/** What the table needs of its session. */
export interface FeedHost {
  send(message: Outgoing): unknown;
  /** Whether the outbox takes events. */
  readonly hasRoom: boolean;
  readonly isDraining: boolean;
  readonly peerInitialCredit: number;
  /** An event was sent, which is worth a grant that comes for it [L4.calm.1]. */
  earn(): void;
}

export class Feeds implements Outlet {
  readonly queueBytesMax: number;
  readonly queuedBytesMax: number;
  queuedBytes = 0;
  private readonly host: FeedHost;
  private readonly broker: Broker;
  private readonly limits: OwnLimits;
  private readonly open = new Map<Id, Feed>();
  /** Those with events and credit, each once. */
  private readonly waiting = new Set<Feed>();
  private wildcards = 0;
  private isFlushing = false;

  constructor(host: FeedHost, broker: Broker, limits: OwnLimits) {
    this.host = host;
    this.broker = broker;
    this.limits = limits;
    this.queueBytesMax = limits.subscriptionBytesMax;
    this.queuedBytesMax = limits.sessionQueueBytesMax;
  }

  has(id: Id): boolean {
    return this.open.has(id);
  }

  /** The peer subscribes: a grant, or a refusal [L5.topic.1]. */
  ask(message: Envelope): void {
    const id = message.id!;
    const pattern = message.target!;
    const credit = addCredit(0, metaNumber(message.meta, META.credit) ?? this.host.peerInitialCredit);
    const error = this.refusal(message, pattern);
    if (error !== undefined) {
      this.host.send({ kind: KIND.subscribe, ref: id, meta: END, error });
      return;
    }
    const overflow = metaNumber(message.meta, META.overflow) ?? 0;
    const feed = new Feed(this, { id, pattern, group: metaText(message.meta, META.group), overflow, credit });
    this.open.set(id, feed);
    if (!feed.isExact) this.wildcards += 1;
    this.host.send({ kind: KIND.subscribe, ref: id });
    this.broker.add(feed);
  }

  private refusal(message: Envelope, pattern: string): FluxarError | undefined {
    const { subscriptionsMax, wildcardsMax } = this.limits;
    if (this.host.isDraining) {
      return new FluxarError("unavailable", "[L4.bye.3] the peer is closing its session: reconnect");
    }
    if (reservedKey(message.meta) >= 0) {
      return new FluxarError("unimplemented", "[X.open.1] qos 1 and 2, durable subscriptions and `block` are not offered");
    }
    if (!isWellFormed(pattern, true)) {
      return new FluxarError("invalid_argument", `[L3.target.2] \`${pattern}\` is no topic pattern`);
    }
    if (this.open.size >= subscriptionsMax || (hasWildcard(pattern) && this.wildcards >= wildcardsMax)) {
      const text = `[L5.topic.6] at most ${subscriptionsMax} subscriptions, ${wildcardsMax} of them with wildcards`;
      return new FluxarError("resource_exhausted", text);
    }
    return undefined;
  }

  /** The peer takes more of a subscription; false when there is none. */
  granted(id: Id, credit: number): boolean {
    const feed = this.open.get(id);
    feed?.granted(credit);
    return feed !== undefined;
  }

  /** The peer ends a subscription [L5.topic.5]; false when there is none. */
  cancelled(id: Id): boolean {
    const feed = this.open.get(id);
    if (feed !== undefined) this.end(feed, undefined);
    return feed !== undefined;
  }

  end(feed: Feed, error: FluxarError | undefined): void {
    if (!this.open.delete(feed.id)) return;
    this.drop(feed);
    this.host.send({ kind: KIND.subscribe, ref: feed.id, meta: END, error });
  }

  private drop(feed: Feed): void {
    if (!feed.isExact) this.wildcards -= 1;
    this.waiting.delete(feed);
    this.broker.remove(feed);
  }

  // ---- events

  get hasRoom(): boolean {
    return this.host.hasRoom;
  }

  send(feed: Feed, event: Publication, isRetained: boolean, dropped: number): boolean {
    const meta = new Map<number | string, number | string | boolean>(event.meta);
    if (isRetained) meta.set(META.retain, true);
    if (dropped > 0) meta.set(META.dropped, dropped);
    const target = feed.isExact ? undefined : event.topic;
    try {
      this.host.send({ kind: KIND.event, ref: feed.id, target, meta, payload: event.payload });
    } catch (thrown) {
      // Larger than the peer takes.
      if (thrown instanceof FluxarError) return false;
      throw thrown;
    }
    if (!isRetained) this.host.earn();
    return true;
  }

  waits(feed: Feed): void {
    this.waiting.add(feed);
    this.flush();
  }

  /** Sends what waits, one of each subscription by turns, while there is credit and room [L5.overflow.2]. */
  flush(): void {
    // Sending makes room now and then, which ends up here again.
    if (this.isFlushing || this.waiting.size === 0) return;
    this.isFlushing = true;
    for (const feed of this.waiting) {
      if (!this.host.hasRoom) break;
      this.waiting.delete(feed);
      feed.sendNext();
      if (feed.canSend) this.waiting.add(feed);
    }
    this.isFlushing = false;
  }

  /** The session is over. */
  close(): void {
    for (const feed of this.open.values()) this.drop(feed);
    this.open.clear();
  }
}
