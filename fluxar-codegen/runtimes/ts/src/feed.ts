/** One granted subscription: its events leave as far as its credit goes, and wait within a bound (docs/spec/patterns.md, Topics). */

import type { Id } from "./envelope.js";
import { userBytes } from "./meta.js";
import type { UserMeta } from "./meta.js";
import { FluxarError } from "./status.js";
import { hasWildcard } from "./target.js";
import { addCredit, cost } from "./window.js";

/** About what the bookkeeping of a waiting event takes, and of each entry of its meta. */
const ENTRY_BYTES = 64;

/** What becomes of events that a slow subscriber does not take, by number on the wire. */
export const OVERFLOW = { drop_oldest: 0, drop_newest: 1, latest: 2, disconnect: 3 } as const;

/** Something that was published. */
export interface Publication {
  readonly topic: string;
  readonly payload: Uint8Array;
  /** What its publisher says beside it [L5.carry.1]. */
  readonly meta: UserMeta;
  /** What it takes to hold it. */
  readonly bytes: number;
  /** What it takes of a subscriber's credit. */
  readonly cost: number;
}

export function publication(topic: string, payload: Uint8Array, meta: UserMeta): Publication {
  const metaBytes = userBytes(meta);
  const bytes = payload.length + topic.length + metaBytes + ENTRY_BYTES * (1 + meta.size);
  return { topic, payload, meta, bytes, cost: cost(payload, metaBytes) };
}

/** Where the events of feeds go, and what they hold together. */
export interface Outlet {
  readonly hasRoom: boolean;
  /** Bytes that wait in all queues. */
  queuedBytes: number;
  readonly queueBytesMax: number;
  readonly queuedBytesMax: number;
  /** Sends an event; false when it is larger than the subscriber takes. */
  send(feed: Feed, event: Publication, isRetained: boolean, dropped: number): boolean;
  /** It has events and credit. */
  waits(feed: Feed): void;
  /** Ends it: its subscriber is too slow. */
  end(feed: Feed, error: FluxarError): void;
}

export interface FeedOptions {
  readonly id: Id;
  readonly pattern: string;
  readonly group: string | undefined;
  readonly overflow: number;
  readonly credit: number;
}

export class Feed {
  readonly id: Id;
  readonly pattern: string;
  readonly group: string | undefined;
  readonly isExact: boolean;
  /** When its group last chose it. */
  chosen = 0;
  isOver = false;
  private readonly outlet: Outlet;
  private readonly overflow: number;
  private credit: number;
  private queue: { readonly event: Publication; readonly isRetained: boolean }[] = [];
  private queueBytes = 0;
  private dropped = 0;

  constructor(outlet: Outlet, options: FeedOptions) {
    this.outlet = outlet;
    this.id = options.id;
    this.pattern = options.pattern;
    this.group = options.group;
    this.overflow = options.overflow;
    this.credit = options.credit;
    this.isExact = !hasWildcard(options.pattern);
  }

  /** Whether an event waits that its credit allows. */
  get canSend(): boolean {
    return this.queue.length > 0 && this.credit > 0;
  }

  /** Sends an event, lets it wait, or drops it [L5.overflow.1]. */
  deliver(event: Publication, isRetained: boolean): void {
    if (this.isOver) return;
    if (this.credit > 0 && this.queue.length === 0 && this.outlet.hasRoom) return this.send(event, isRetained);
    if (this.overflow === OVERFLOW.latest) while (this.queue.length > 0) this.dropOldest();
    if (this.overflow === OVERFLOW.drop_oldest) while (this.queue.length > 0 && !this.fits(event)) this.dropOldest();
    if (this.fits(event)) {
      this.queue.push({ event, isRetained });
      this.hold(event.bytes);
      if (this.credit > 0) this.outlet.waits(this);
    } else if (this.overflow === OVERFLOW.disconnect) {
      const text = "the subscriber is too slow for its overflow policy `disconnect`";
      this.outlet.end(this, new FluxarError("resource_exhausted", text));
    } else this.dropped += 1;
  }

  /** The subscriber takes more [L5.credit.3]. */
  granted(credit: number): void {
    this.credit = addCredit(this.credit, credit);
    if (this.canSend) this.outlet.waits(this);
  }

  /** Sends the event that has waited longest. */
  sendNext(): void {
    const next = this.queue.shift();
    if (next === undefined) return;
    this.hold(-next.event.bytes);
    this.send(next.event, next.isRetained);
  }

  /** Nothing is delivered any more. */
  close(): void {
    this.isOver = true;
    this.hold(-this.queueBytes);
    this.queue = [];
  }

  private fits(event: Publication): boolean {
    const { queuedBytes, queueBytesMax, queuedBytesMax } = this.outlet;
    return this.queueBytes + event.bytes <= queueBytesMax && queuedBytes + event.bytes <= queuedBytesMax;
  }

  private hold(bytes: number): void {
    this.queueBytes += bytes;
    this.outlet.queuedBytes += bytes;
  }

  private dropOldest(): void {
    this.hold(-this.queue.shift()!.event.bytes);
    this.dropped += 1;
  }

  private send(event: Publication, isRetained: boolean): void {
    if (!this.outlet.send(this, event, isRetained, this.dropped)) {
      this.dropped += 1;
      return;
    }
    this.credit -= event.cost;
    this.dropped = 0;
  }
}
