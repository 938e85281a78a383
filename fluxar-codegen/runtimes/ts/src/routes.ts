/** What this side serves. */

import { compareBytes } from "./bytes.js";
import type { Channel } from "./channel.js";
import type { Context } from "./context.js";
import { DESCRIBE, describe } from "./describe.js";
import { checkTarget } from "./target.js";

/** Answers a call; an empty result is an empty payload. `numbers` says what the caller understands. */
export type CallHandler = (payload: Uint8Array | undefined, context: Context) => Promise<Uint8Array> | Uint8Array;

/** Works on a stream; what it gives back is the result behind the items. */
export type StreamHandler = (
  payload: Uint8Array | undefined,
  channel: Channel,
  context: Context,
) => Promise<Uint8Array | undefined>;

export class Routes {
  private readonly calls = new Map<string, CallHandler>();
  private readonly streams = new Map<string, StreamHandler>();
  private readonly contracts: Uint8Array[] = [];

  /** Serves calls and notifications of a target. */
  handleBytes(target: string, handler: CallHandler): void {
    this.claim(target);
    this.calls.set(target, handler);
  }

  /** Serves streams of a target. */
  handleStreamBytes(target: string, handler: StreamHandler): void {
    this.claim(target);
    this.streams.set(target, handler);
  }

  /** Says which contract the handlers are of: what `fluxar.describe` answers with. */
  describe(descriptor: Uint8Array): void {
    if (!this.contracts.some((known) => compareBytes(known, descriptor) === 0)) this.contracts.push(descriptor);
  }

  private claim(target: string): void {
    checkTarget(target);
    if (this.calls.has(target) || this.streams.has(target)) throw new Error(`${target} is served already`);
  }

  call(target: string): CallHandler | undefined {
    return this.calls.get(target) ?? (target === DESCRIBE ? () => this.description() : undefined);
  }

  private description(): Uint8Array {
    return describe(this.contracts, [...this.calls.keys(), ...this.streams.keys()]);
  }

  stream(target: string): StreamHandler | undefined {
    return this.streams.get(target);
  }

  /** Why a target has no handler of the wanted shape. */
  missing(target: string): string {
    if (this.streams.has(target)) return `[L5.call.3] \`${target}\` is a stream: open it`;
    if (this.calls.has(target)) return `[L5.call.3] \`${target}\` is no stream: call it`;
    return `[L5.call.3] nobody serves \`${target}\``;
  }
}
