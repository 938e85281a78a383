/** The calling side of typed methods. */

import type { CallOptions, Caller, RequestOptions, StreamOptions } from "./caller.js";
import type { Channel } from "./channel.js";
import type { Codec, ErrorCodec } from "./codec.js";
import { decode, decodeOutput, encode, unitCodec } from "./codec.js";
import { randomBytes } from "./handshake.js";
import { FluxarError, toFluxarError } from "./status.js";
import { Streaming } from "./streaming.js";

/** A method of a contract: its target, and the types that travel. */
export interface Method<A, R, E = never> {
  readonly target: string;
  /** Absent when there are no parameters. */
  readonly params?: Codec<A>;
  readonly result: Codec<R>;
  readonly error?: ErrorCodec<E>;
  /** The deadline of a caller that sets none. */
  readonly timeoutMs?: number;
  /** Each call gets a key: it may be sent twice, and is done once. */
  readonly idempotent?: true;
}

/** A method with items in at least one direction. */
export interface StreamMethod<A, I, O, R, E = never> extends Method<A, R, E> {
  readonly input?: Codec<I>;
  readonly items?: Codec<O>;
}

/** Items that a caller sends. */
export type Source<T> = AsyncIterable<T> | Iterable<T>;

function payloadOf<A>(caller: Caller, method: Method<A, unknown, unknown>, args: A): Uint8Array | undefined {
  if (method.params === undefined) return undefined;
  method.params.check?.(args, "");
  return encode(method.params, args, caller.numbers);
}

function withTimeout<O extends RequestOptions>(options: O | undefined, method: { timeoutMs?: number }): O | undefined {
  if (method.timeoutMs === undefined || options?.timeoutMs !== undefined) return options;
  return { ...(options as O), timeoutMs: method.timeoutMs };
}

function withKey(options: CallOptions | undefined, method: { idempotent?: true }): CallOptions | undefined {
  if (method.idempotent === undefined || options?.idempotencyKey !== undefined) return options;
  return { ...options, idempotencyKey: randomBytes(16) };
}

/** An error with its details decoded, where the contract knows them. */
export function typedError<E>(thrown: unknown, codec: ErrorCodec<E> | undefined): unknown {
  const isTyped =
    codec !== undefined && thrown instanceof FluxarError && thrown.typeName === codec.typeName && thrown.details !== undefined;
  if (!isTyped) return thrown;
  let detail: E;
  try {
    detail = decode(codec, thrown.details!);
  } catch {
    // The code and the message are still true.
    return thrown;
  }
  return new FluxarError(thrown.code, thrown.message, {
    typeName: codec.typeName,
    details: thrown.details!,
    origin: thrown.origin,
    detail,
    cause: thrown,
    ...(thrown.retryAfterMs === undefined ? {} : { retryAfterMs: thrown.retryAfterMs }),
  });
}

/** Whether something that was thrown is an application's error of this type. */
export function isAppError<E>(thrown: unknown, codec: ErrorCodec<E>): thrown is FluxarError & { readonly detail: E } {
  return thrown instanceof FluxarError && thrown.typeName === codec.typeName && thrown.detail !== undefined;
}

/** An application's error, to be thrown by a handler. */
export function appError<E>(codec: ErrorCodec<E>, detail: E, message?: string): FluxarError {
  const kind = (detail as { kind?: unknown }).kind;
  const text = message ?? `${codec.typeName}${typeof kind === "string" ? `: ${kind}` : ""}`;
  return new FluxarError(codec.code(detail), text, { typeName: codec.typeName, detail });
}

/** Calls a method with one answer. */
export async function call<A, R, E>(caller: Caller, method: Method<A, R, E>, args: A, options?: CallOptions): Promise<R> {
  let payload: Uint8Array;
  try {
    const how = withKey(withTimeout(options, method), method);
    payload = await caller.callBytes(method.target, payloadOf(caller, method, args), how);
  } catch (thrown) {
    throw typedError(thrown, method.error);
  }
  return decodeOutput(method.result, payload);
}

/** Says something that nobody answers. */
export function notify<A>(caller: Caller, method: Pick<Method<A, void>, "target" | "params">, args: A, options?: RequestOptions): void {
  caller.notifyBytes(method.target, payloadOf(caller, method as Method<A, void>, args), options);
}

/** Opens a stream whose items the callee sends. */
export function serverStream<A, O, R, E>(
  caller: Caller,
  method: StreamMethod<A, never, O, R, E>,
  args: A,
  options?: StreamOptions,
): Streaming<O, R> {
  const channel = caller.openBytes(method.target, payloadOf(caller, method, args), true, withTimeout(options, method));
  return streaming(channel, method, undefined);
}

/** Opens a stream to which both send items. */
export function duplex<A, I, O, R, E>(
  caller: Caller,
  method: StreamMethod<A, I, O, R, E>,
  args: A,
  source: Source<I>,
  options?: StreamOptions,
): Streaming<O, R> {
  const channel = caller.openBytes(method.target, payloadOf(caller, method, args), false, withTimeout(options, method));
  const feeding: { failure?: { thrown: unknown } } = {};
  void feed(channel, method.input!, source, caller.numbers).catch((thrown) => {
    feeding.failure = { thrown };
    // The callee learns that there is no more, and why.
    channel.end({ error: toFluxarError(thrown) });
    channel.abort(thrown);
  });
  return streaming(channel, method, feeding);
}

/** Sends items, and gets one answer. */
export async function clientStream<A, I, R, E>(
  caller: Caller,
  method: StreamMethod<A, I, never, R, E>,
  args: A,
  source: Source<I>,
  options?: StreamOptions,
): Promise<R> {
  return duplex(caller, method, args, source, options).finish();
}

async function feed<I>(channel: Channel, codec: Codec<I>, source: Source<I>, numbers: boolean): Promise<void> {
  for await (const item of source) {
    codec.check?.(item, "");
    if (!(await channel.send(encode(codec, item, numbers)))) return;
  }
  channel.end();
}

function streaming<A, I, O, R, E>(
  channel: Channel,
  method: StreamMethod<A, I, O, R, E>,
  feeding: { failure?: { thrown: unknown } } | undefined,
): Streaming<O, R> {
  const items = method.items ?? (unitCodec as Codec<unknown> as Codec<O>);
  const readResult = (payload: Uint8Array | undefined) => decodeOutput(method.result, payload ?? new Uint8Array());
  // What the source threw is nearer to the truth than what the callee made of it.
  const fail = (thrown: unknown) => feeding?.failure?.thrown ?? typedError(thrown, method.error);
  return new Streaming(channel, (payload) => decodeOutput(items, payload), readResult, fail);
}
