/** Events of a pattern, over as many sessions as it takes. */

import type { SubscribeOptions } from "./caller.js";
import { iterate } from "./iterate.js";
import { FluxarError } from "./status.js";
import type { Subscriber, TopicEvent } from "./subscriptions.js";

/** Where a subscription asks; it asks again when a session is lost and another takes its place. */
export interface SubscriptionHome {
  /** Asks now if there is a session. Gives what ends it. */
  ask(subscription: Subscription): (() => void) | undefined;
  forget(subscription: Subscription): void;
  /** Whether there will be another session. */
  readonly isLasting: boolean;
}

interface Queued {
  readonly event: TopicEvent;
  readonly take: () => void;
}

export class Subscription implements Subscriber, AsyncIterable<TopicEvent>, AsyncDisposable {
  readonly pattern: string;
  readonly options: SubscribeOptions;
  /** Resolved when the peer has granted it for the first time; rejected when it does not. */
  readonly granted: Promise<void>;
  private readonly home: SubscriptionHome;
  private queue: Queued[] = [];
  private wakers: (() => void)[] = [];
  private endSession: (() => void) | undefined;
  private isOver = false;
  private error: unknown;
  private grant: () => void = () => {};
  private refuse: (error: unknown) => void = () => {};
  private readonly onAbort = () => this.finish(this.options.signal?.reason);

  constructor(home: SubscriptionHome, pattern: string, options: SubscribeOptions) {
    this.home = home;
    this.pattern = pattern;
    this.options = options;
    this.granted = new Promise((resolve, reject) => {
      this.grant = resolve;
      this.refuse = reject;
    });
    // Who iterates without waiting for the grant is told there.
    this.granted.catch(() => {});
    options.signal?.throwIfAborted();
    options.signal?.addEventListener("abort", this.onAbort, { once: true });
    this.renew();
  }

  /** Asks at the session that there is now. */
  renew(): void {
    if (this.isOver) return;
    try {
      this.endSession = this.home.ask(this);
    } catch (error) {
      this.finish(error);
    }
  }

  onGranted(): void {
    this.grant();
  }

  onEvent(event: TopicEvent, take: () => void): void {
    if (this.isOver) return take();
    this.queue.push({ event, take });
    this.wake();
  }

  onOver(error: FluxarError | undefined): void {
    this.endSession = undefined;
    this.finish(error);
  }

  onLost(error: FluxarError | undefined): void {
    this.endSession = undefined;
    // The next session makes up for it.
    if (!this.home.isLasting) this.finish(error);
  }

  /** Ends it. Nothing is delivered after this. */
  unsubscribe(): void {
    if (this.isOver) return;
    const queued = this.queue.splice(0);
    this.finish(undefined);
    queued.forEach(({ take }) => take());
  }

  private finish(error: unknown): void {
    if (this.isOver) return;
    this.isOver = true;
    this.error = error;
    if (this.options.signal?.aborted) this.queue.length = 0;
    this.options.signal?.removeEventListener("abort", this.onAbort);
    this.endSession?.();
    this.home.forget(this);
    this.refuse(error ?? new FluxarError("cancelled", "unsubscribed before the grant"));
    this.wake();
  }

  /** The next event, or undefined after the last. */
  async next(): Promise<TopicEvent | undefined> {
    for (;;) {
      const queued = this.queue.shift();
      if (queued !== undefined) {
        queued.take();
        return queued.event;
      }
      if (this.isOver) {
        if (this.error !== undefined) throw this.error;
        return undefined;
      }
      await new Promise<void>((resolve) => this.wakers.push(resolve));
    }
  }

  [Symbol.asyncIterator](): AsyncIterator<TopicEvent> {
    return iterate(() => this.next(), () => this.unsubscribe());
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.unsubscribe();
    return Promise.resolve();
  }

  private wake(): void {
    const wakers = this.wakers;
    this.wakers = [];
    for (const wake of wakers) wake();
  }
}
