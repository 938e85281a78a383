/** The other side as a handler sees it: what it opens ends with it. */

import type { CallOptions, Caller, Origin, PublishOptions, RequestOptions, StreamOptions, SubscribeOptions } from "./caller.js";
import type { Channel } from "./channel.js";
import type { Session } from "./session.js";
import { Subscription } from "./subscription.js";

export class BoundCaller implements Caller {
  private readonly session: Session;
  private readonly origin: Origin;

  constructor(session: Session, origin: Origin) {
    this.session = session;
    this.origin = origin;
  }

  get numbers(): boolean {
    return this.session.numbers;
  }

  callBytes(target: string, payload: Uint8Array | undefined, options: CallOptions = {}): Promise<Uint8Array> {
    return this.session.call(target, payload, options, this.origin);
  }

  notifyBytes(target: string, payload: Uint8Array | undefined, options: RequestOptions = {}): void {
    this.session.notify(target, payload, options, this.origin);
  }

  openBytes(target: string, payload: Uint8Array | undefined, isHalf: boolean, options: StreamOptions = {}): Channel {
    return this.session.stream(target, payload, isHalf, options, this.origin);
  }

  publishBytes(topic: string, payload: Uint8Array, options: PublishOptions = {}): void {
    this.session.publish(topic, payload, options);
  }

  subscribeBytes(pattern: string, options: SubscribeOptions = {}): Subscription {
    this.session.checkPattern(pattern);
    const ask = (subscription: Subscription) => this.session.subscriptions.ask(subscription);
    const signals = [options.signal, this.origin.signal].filter((signal) => signal !== undefined);
    const signal = signals.length > 1 ? AbortSignal.any(signals) : signals[0];
    return new Subscription({ ask, forget: () => {}, isLasting: false }, pattern, { ...options, signal });
  }
}
