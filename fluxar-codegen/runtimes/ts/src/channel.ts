/** One stream, as either side sees it (docs/spec/patterns.md, Streams). */

import type { Id, Outgoing } from "./envelope.js";
import { KIND } from "./envelope.js";
import { iterate } from "./iterate.js";
import { META } from "./meta.js";
import type { Parcel } from "./outbox.js";
import { FluxarError, Violation } from "./status.js";
import { Window, addCredit, cost } from "./window.js";

/** What a stream needs of its session. */
export interface ChannelHost {
  sendStream(message: Outgoing): Parcel;
  /** Waits while the link is full. */
  room(): Promise<void>;
  hasRoom(): boolean;
  grant(id: Id, credit: number): void;
  /** Both directions have ended. */
  closed(channel: Channel): void;
}

/** How a stream ended. */
export interface Outcome {
  readonly payload?: Uint8Array | undefined;
  readonly error?: FluxarError | undefined;
}

const END = new Map([[META.end, true]] as const);

export class Channel implements AsyncIterable<Uint8Array>, AsyncDisposable {
  readonly id: Id;
  readonly isOurs: boolean;
  /** The callee's result, after its items. Rejects with its error. */
  readonly result: Promise<Uint8Array | undefined>;
  private readonly host: ChannelHost;
  private readonly window: Window;
  private credit: number;
  private weEnded: boolean;
  private theyEnded: boolean;
  /** We sent CANCEL, or are no longer interested: nothing is delivered any more. */
  private isMuted = false;
  private hasCancelled = false;
  private readonly items: Uint8Array[] = [];
  private readers: (() => void)[] = [];
  /** Items that wait for credit or room. */
  private sending = 0;
  private tail: Promise<unknown> = Promise.resolve();
  private wakeSender: () => void = () => {};
  private outcome: Outcome | undefined;
  private settle: (outcome: Outcome) => void = () => {};
  /** The reason of an abort from outside, which iterating reports. */
  private abortReason: { readonly reason: unknown } | undefined;
  /** The open, for what becomes of a stream whose link is lost. */
  parcel: Parcel | undefined;
  /** Told once when the outcome is known; for timers and signals. */
  onOutcome: () => void = () => {};

  constructor(host: ChannelHost, id: Id, isOurs: boolean, credit: number, window: number, openerEnded: boolean) {
    this.host = host;
    this.id = id;
    this.isOurs = isOurs;
    this.credit = credit;
    this.window = new Window(window);
    this.weEnded = isOurs && openerEnded;
    this.theyEnded = !isOurs && openerEnded;
    this.result = new Promise((resolve, reject) => {
      this.settle = ({ payload, error }) => (error === undefined ? resolve(payload) : reject(error));
    });
    // Who does not ask for the result need not handle its error.
    this.result.catch(() => {});
  }

  // ---- from the application

  /** Whether there is nobody left to send items to. */
  get isOver(): boolean {
    return this.weEnded || this.outcome !== undefined || (this.isOurs && this.theyEnded);
  }

  /** Sends an item when there is credit and room for it; false when the other side takes no more. */
  send(payload: Uint8Array): Promise<boolean> {
    if (this.sending === 0 && this.host.hasRoom() && this.credit > 0 && !this.isOver) {
      this.put(payload);
      return Promise.resolve(true);
    }
    return this.sendLater(payload);
  }

  private sendLater(payload: Uint8Array): Promise<boolean> {
    this.sending += 1;
    // One after the other, so that items keep their order.
    const sent = this.tail.then(() => this.sendWhenFree(payload));
    this.tail = sent.then(
      () => (this.sending -= 1),
      () => (this.sending -= 1),
    );
    return sent;
  }

  private async sendWhenFree(payload: Uint8Array): Promise<boolean> {
    while (!this.isOver) {
      if (!this.host.hasRoom()) await this.host.room();
      else if (this.credit <= 0) await new Promise<void>((resolve) => (this.wakeSender = resolve));
      else {
        this.put(payload);
        return true;
      }
    }
    return false;
  }

  private put(payload: Uint8Array): void {
    this.credit -= cost(payload);
    this.host.sendStream({ kind: KIND.stream, ref: this.id, payload });
  }

  /** Ends our direction, once [L5.stream.1]. A callee's end carries the result or the error. */
  end(outcome: Outcome = {}): void {
    if (this.weEnded) return;
    const { payload, error } = outcome;
    this.host.sendStream({ kind: KIND.stream, ref: this.id, meta: END, payload, error });
    this.weEnded = true;
    this.wakeSender();
    this.closeIfEnded();
  }

  /** Asks the callee to stop. Nothing is delivered after this; the result may still come [L5.cancel.1]. */
  cancel(): void {
    if (!this.isOurs || this.theyEnded) return this.mute();
    if (!this.hasCancelled) {
      this.hasCancelled = true;
      this.host.sendStream({ kind: KIND.cancel, ref: this.id });
    }
    this.mute();
  }

  /** Cancels because of somebody else's signal, which iterating then reports. */
  abort(reason: unknown): void {
    if (this.outcome !== undefined) return;
    this.abortReason = { reason };
    this.cancel();
  }

  /** The next item, or undefined after the last. */
  async next(): Promise<Uint8Array | undefined> {
    for (;;) {
      const item = this.items.shift();
      if (item !== undefined) {
        this.consumed(item);
        return item;
      }
      if (this.abortReason !== undefined) throw this.abortReason.reason;
      if (this.isMuted) return undefined;
      if (this.outcome?.error !== undefined) throw this.outcome.error;
      if (this.theyEnded || this.outcome !== undefined) return undefined;
      await new Promise<void>((resolve) => this.readers.push(resolve));
    }
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    return iterate(() => this.next(), () => this.stop());
  }

  /** Whoever read has left: early, that is a cancel. */
  stop(): void {
    if (!this.theyEnded) this.cancel();
    else this.mute();
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.stop();
    return Promise.resolve();
  }

  private mute(): void {
    this.isMuted = true;
    for (const item of this.items.splice(0)) this.consumed(item);
    this.wakeReaders();
  }

  private consumed(item: Uint8Array): void {
    const grant = this.window.consumed(cost(item));
    if (grant > 0 && !this.theyEnded) this.host.grant(this.id, grant);
  }

  // ---- from the peer

  /** An item came. */
  arrived(payload: Uint8Array): void {
    if (this.theyEnded) throw new Violation("L5.stream.4", "an item or end came after the end of this direction");
    this.window.arrived(cost(payload));
    if (this.isMuted || this.outcome !== undefined || (!this.isOurs && this.weEnded)) return this.consumed(payload);
    this.items.push(payload);
    this.wakeReaders();
  }

  /** The other side's end came. */
  ended(outcome: Outcome): void {
    if (this.theyEnded) throw new Violation("L5.stream.4", "an item or end came after the end of this direction");
    if (!this.isOurs && outcome.payload !== undefined) {
      throw new Violation("L5.stream.5", "only the callee's end carries a result");
    }
    this.theyEnded = true;
    if (this.isOurs) {
      // The callee's end is final: ours follows at once [L5.stream.2].
      this.end();
      this.conclude(outcome);
    } else if (outcome.error !== undefined) {
      this.outcome ??= outcome;
    }
    this.wakeReaders();
    this.closeIfEnded();
  }

  /** The peer grants credit. */
  granted(credit: number): void {
    if (this.weEnded) return;
    this.credit = addCredit(this.credit, credit);
    if (this.credit > 0) this.wakeSender();
  }

  // ---- from the session

  /** The outcome is known before the other side's end: a deadline, a lost link. */
  conclude(outcome: Outcome): void {
    if (this.outcome !== undefined) return;
    this.outcome = outcome;
    this.settle(outcome);
    this.onOutcome();
    this.wakeReaders();
    this.wakeSender();
  }

  /** Our clock says that it is over: what the callee still sends is not delivered. */
  expire(error: FluxarError): void {
    this.conclude({ error });
    this.items.length = 0;
    this.end();
  }

  /** What the other side sends is of no use any more; whoever reads is told why. */
  stopReading(error: FluxarError): void {
    this.abortReason = { reason: error };
    this.mute();
  }

  /** The link is gone. */
  lost(error: FluxarError): void {
    this.weEnded = true;
    this.theyEnded = true;
    this.conclude({ error });
  }

  private closeIfEnded(): void {
    if (this.weEnded && this.theyEnded) this.host.closed(this);
  }

  private wakeReaders(): void {
    const readers = this.readers;
    this.readers = [];
    for (const wake of readers) wake();
  }
}
