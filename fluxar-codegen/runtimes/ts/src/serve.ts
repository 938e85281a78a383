/** The serving side of typed methods. */

import type { Channel } from "./channel.js";
import type { ErrorCodec } from "./codec.js";
import { decodeInput, encode } from "./codec.js";
import type { Context } from "./context.js";
import { FluxarError } from "./status.js";
import type { Method, StreamMethod } from "./stub.js";
import type { CallHandler, StreamHandler } from "./routes.js";

/** Where methods are served: a peer, or routes made before there is one. */
export interface Serving {
  handleBytes(target: string, handler: CallHandler): void;
  handleStreamBytes(target: string, handler: StreamHandler): void;
  /** Says which contract the handlers are of. */
  describe(descriptor: Uint8Array): void;
}

/** What a handler that sends items gives: a generator yields them and returns the result. */
export type Output<O, R> = AsyncIterator<O, R> | AsyncIterable<O, R>;

/** Serves a method with one answer. */
export function serveUnary<A, R, E>(
  serving: Serving,
  method: Method<A, R, E>,
  handler: (args: A, context: Context) => Promise<R> | R,
): void {
  serving.handleBytes(method.target, async (payload, context) => {
    const args = argsOf(method, payload);
    try {
      const answer = await handler(args, context);
      return encode(method.result, answer, context.peer.numbers);
    } catch (thrown) {
      throw outgoing(thrown, method.error, context);
    }
  });
}

/** Serves a method that is given items and answers once. */
export function serveInput<A, I, R, E>(
  serving: Serving,
  method: StreamMethod<A, I, never, R, E>,
  handler: (args: A, items: AsyncIterable<I>, context: Context) => Promise<R> | R,
): void {
  serving.handleStreamBytes(method.target, async (payload, channel, context) => {
    const args = argsOf(method, payload);
    try {
      const answer = await handler(args, inputOf(method, channel), context);
      return encode(method.result, answer, context.peer.numbers);
    } catch (thrown) {
      throw outgoing(thrown, method.error, context);
    }
  });
}

/** Serves a method that sends items; with `input` it is given items too. */
export function serveOutput<A, I, O, R, E>(
  serving: Serving,
  method: StreamMethod<A, I, O, R, E>,
  hasResult: boolean,
  handler: (args: A, items: AsyncIterable<I>, context: Context) => Output<O, R>,
): void {
  serving.handleStreamBytes(method.target, async (payload, channel, context) => {
    const args = argsOf(method, payload);
    try {
      const output = iteratorOf(handler(args, inputOf(method, channel), context));
      const result = await send(output, method, hasResult, channel, context);
      return hasResult ? encode(method.result, result as R, context.peer.numbers) : undefined;
    } catch (thrown) {
      throw outgoing(thrown, method.error, context);
    }
  });
}

function argsOf<A>(method: Method<A, unknown, unknown>, payload: Uint8Array | undefined): A {
  return method.params === undefined ? (undefined as A) : decodeInput(method.params, payload);
}

async function* inputOf<A, I, O, R, E>(method: StreamMethod<A, I, O, R, E>, channel: Channel): AsyncGenerator<I, void> {
  if (method.input === undefined) return;
  for await (const payload of channel) yield decodeInput(method.input, payload);
}

function iteratorOf<O, R>(output: Output<O, R>): AsyncIterator<O, R> {
  return Symbol.asyncIterator in output ? (output[Symbol.asyncIterator]() as AsyncIterator<O, R>) : output;
}

/** Sends what a handler yields. After a cancel its items go nowhere, and only its result is waited for. */
async function send<A, I, O, R, E>(
  output: AsyncIterator<O, R>,
  method: StreamMethod<A, I, O, R, E>,
  hasResult: boolean,
  channel: Channel,
  context: Context,
): Promise<R | undefined> {
  const codec = method.items!;
  for (;;) {
    const { done, value } = await output.next();
    if (done) return value;
    const isWanted = !context.signal.aborted && (await channel.send(encode(codec, value, context.peer.numbers)));
    if (!isWanted && (!hasResult || channel.isOver)) {
      await output.return?.();
      return undefined;
    }
  }
}

/** What a handler throws, as it travels: an application's error gets its details. */
function outgoing<E>(thrown: unknown, codec: ErrorCodec<E> | undefined, context: Context): unknown {
  const isTyped =
    codec !== undefined && thrown instanceof FluxarError && thrown.typeName === codec.typeName && thrown.detail !== undefined;
  if (!isTyped) return thrown;
  return new FluxarError(thrown.code, thrown.message, {
    typeName: codec.typeName,
    details: encode(codec, thrown.detail as E, context.peer.numbers),
    cause: thrown,
    ...(thrown.retryAfterMs === undefined ? {} : { retryAfterMs: thrown.retryAfterMs }),
  });
}
