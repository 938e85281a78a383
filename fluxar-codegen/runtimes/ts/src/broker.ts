/** Topics at this side: who has subscribed here, over one session or many, and the last values of topics. */

import type { PublishOptions, SubscribeOptions, TopicHost } from "./caller.js";
import { Feed, OVERFLOW, publication } from "./feed.js";
import type { Outlet, Publication } from "./feed.js";
import { DEFAULT_LIMITS } from "./limits.js";
import { addUserMeta } from "./request.js";
import { FluxarError } from "./status.js";
import { Subscription } from "./subscription.js";
import { checkTarget, matches } from "./target.js";

/** How much may be retained. */
export interface BrokerLimits {
  /** Topics with a value. */
  readonly retainedMax: number;
  /** Bytes of all topics and values. */
  readonly retainedBytesMax: number;
}

/** Published here, an event reaches whoever subscribed here: the other sides of sessions, and this program itself. */
export class Broker implements TopicHost {
  private readonly limits: BrokerLimits;
  private readonly exact = new Map<string, Set<Feed>>();
  private readonly wild = new Set<Feed>();
  private readonly retained = new Map<string, Publication>();
  private readonly outlet: LocalOutlet;
  private retainedBytes = 0;
  private choices = 0;
  private isClosed = false;
  private hasToldFull = false;

  constructor(limits: Partial<BrokerLimits> = {}) {
    this.limits = { retainedMax: 10_000, retainedBytesMax: 64 << 20, ...limits };
    this.outlet = new LocalOutlet((feed) => this.remove(feed));
  }

  // ---- this program

  publishBytes(topic: string, payload: Uint8Array, options: PublishOptions = {}): void {
    checkTarget(topic);
    const meta = new Map<string, string>();
    addUserMeta(meta, options.meta);
    if (this.publish(publication(topic, payload.slice(), meta), options.retain === true)) return;
    throw new FluxarError("resource_exhausted", "the value was delivered and not kept: too many topics or bytes are retained");
  }

  subscribeBytes(pattern: string, options: SubscribeOptions = {}): Subscription {
    checkTarget(pattern, true);
    if (this.isClosed) throw new FluxarError("unavailable", "the peer whose topics these are is closed");
    return new Subscription(this.home(), pattern, options);
  }

  /** Ends the subscriptions of this program. */
  close(): void {
    this.isClosed = true;
    for (const feed of [...this.outlet.subscribers.keys()]) this.outlet.end(feed, undefined);
  }

  private home() {
    return {
      ask: (subscription: Subscription) => {
        const { group, overflow, credit } = subscription.options;
        const policy = OVERFLOW[overflow ?? "drop_oldest"];
        const window = credit ?? DEFAULT_LIMITS.initialCredit;
        const feed = new Feed(this.outlet, { id: 0, pattern: subscription.pattern, group, overflow: policy, credit: window });
        this.outlet.subscribers.set(feed, subscription);
        subscription.onGranted();
        this.add(feed);
        return () => this.outlet.forget(feed);
      },
      forget: () => {},
      isLasting: false,
    };
  }

  // ---- sessions

  /** A granted subscription: the kept values come first [L5.retain.2]. */
  add(feed: Feed): void {
    if (feed.group === undefined) {
      for (const value of this.retained.values()) if (matches(feed.pattern, value.topic)) feed.deliver(value, true);
    }
    // It may have been too slow for so many.
    if (feed.isOver) return;
    if (!feed.isExact) this.wild.add(feed);
    else {
      const feeds = this.exact.get(feed.pattern);
      if (feeds === undefined) this.exact.set(feed.pattern, new Set([feed]));
      else feeds.add(feed);
    }
  }

  /** It gets nothing more. */
  remove(feed: Feed): void {
    feed.close();
    this.wild.delete(feed);
    const feeds = this.exact.get(feed.pattern);
    if (feeds?.delete(feed) && feeds.size === 0) this.exact.delete(feed.pattern);
  }

  /** Delivers to every subscription that matches, and to one of each group [L5.topic.2]. False when it was to be kept, and is not. */
  publish(event: Publication, retain: boolean): boolean {
    const isKept = !retain || this.keep(event);
    const hit: Feed[] = [];
    const groups = new Map<string, Feed>();
    const take = (feed: Feed) => {
      if (feed.group === undefined) return void hit.push(feed);
      // Whose turn is longest past.
      const rival = groups.get(feed.group);
      if (rival === undefined || feed.chosen < rival.chosen) groups.set(feed.group, feed);
    };
    this.exact.get(event.topic)?.forEach(take);
    for (const feed of this.wild) if (matches(feed.pattern, event.topic)) take(feed);
    for (const feed of groups.values()) {
      feed.chosen = this.choices += 1;
      hit.push(feed);
    }
    for (const feed of hit) feed.deliver(event, false);
    return isKept;
  }

  /** Keeps a value in place of the one before; an empty one removes it [L5.retain.1]. */
  private keep(event: Publication): boolean {
    const before = this.retained.get(event.topic);
    const bytes = this.retainedBytes - (before?.bytes ?? 0);
    if (event.payload.length === 0) {
      this.retained.delete(event.topic);
      this.retainedBytes = bytes;
      return true;
    }
    const isFull = before === undefined && this.retained.size >= this.limits.retainedMax;
    if (isFull || bytes + event.bytes > this.limits.retainedBytesMax) {
      // Nobody answers a peer's publication, so this is how it is known [L5.retain.3].
      if (!this.hasToldFull) console.warn(`fluxar: no more values are kept, not that of ${event.topic} either`);
      this.hasToldFull = true;
      return false;
    }
    this.hasToldFull = false;
    this.retained.set(event.topic, event);
    this.retainedBytes = bytes + event.bytes;
    return true;
  }
}

/** Subscriptions within the program: what a subscriber has taken is credit again at once. */
class LocalOutlet implements Outlet {
  readonly hasRoom = true;
  readonly queueBytesMax = DEFAULT_LIMITS.subscriptionBytesMax;
  readonly queuedBytesMax = DEFAULT_LIMITS.sessionQueueBytesMax;
  readonly subscribers = new Map<Feed, Subscription>();
  queuedBytes = 0;
  private readonly remove: (feed: Feed) => void;

  constructor(remove: (feed: Feed) => void) {
    this.remove = remove;
  }

  send(feed: Feed, event: Publication, isRetained: boolean, dropped: number): boolean {
    const { topic, payload, meta } = event;
    this.subscribers.get(feed)?.onEvent({ topic, payload, isRetained, dropped, meta }, () => {
      if (!feed.isOver) feed.granted(event.cost);
    });
    return true;
  }

  waits(feed: Feed): void {
    while (feed.canSend) feed.sendNext();
  }

  end(feed: Feed, error: FluxarError | undefined): void {
    const subscriber = this.subscribers.get(feed);
    this.forget(feed);
    subscriber?.onOver(error);
  }

  forget(feed: Feed): void {
    this.subscribers.delete(feed);
    this.remove(feed);
  }
}
