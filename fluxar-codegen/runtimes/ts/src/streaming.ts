/** Typed streams, as their opener holds them. */

import type { Channel } from "./channel.js";
import { iterate } from "./iterate.js";

/** Items of a stream, and the one value behind them. */
export class Streaming<T, R = void> implements AsyncIterable<T>, AsyncDisposable {
  /** The callee's result, once its items are through. Rejects with its error. */
  readonly result: Promise<R>;
  private readonly channel: Channel;
  private readonly read: (payload: Uint8Array) => T;
  private readonly fail: (thrown: unknown) => unknown;

  constructor(
    channel: Channel,
    read: (payload: Uint8Array) => T,
    readResult: (payload: Uint8Array | undefined) => R,
    fail: (thrown: unknown) => unknown,
  ) {
    this.channel = channel;
    this.read = read;
    this.fail = fail;
    this.result = channel.result.then(readResult, (thrown) => {
      throw fail(thrown);
    });
    // Who does not ask for the result need not handle its error.
    this.result.catch(() => {});
  }

  /** Asks the callee to stop. Nothing is delivered after this; the result may still come. */
  cancel(): void {
    this.channel.cancel();
  }

  /** The next item, or undefined after the last. */
  async next(): Promise<T | undefined> {
    let payload: Uint8Array | undefined;
    try {
      payload = await this.channel.next();
    } catch (thrown) {
      throw this.fail(thrown);
    }
    if (payload === undefined) return undefined;
    try {
      return this.read(payload);
    } catch (thrown) {
      this.channel.cancel();
      throw thrown;
    }
  }

  /** Passes over the items that are left, and waits for the result. */
  async finish(): Promise<R> {
    while ((await this.channel.next()) !== undefined);
    return this.result;
  }

  /** Leaving the loop cancels the stream. */
  [Symbol.asyncIterator](): AsyncIterator<T> {
    return iterate(() => this.next(), () => this.channel.stop());
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.channel.stop();
    return Promise.resolve();
  }
}
