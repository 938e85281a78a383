/** What comes from the peer: forms to tables and handlers. */

import { BoundCaller } from "./bound.js";
import { Channel } from "./channel.js";
import { makeContext } from "./context.js";
import type { Context } from "./context.js";
import { KIND, decodeEnvelope, isVolatile } from "./envelope.js";
import type { Envelope, Id } from "./envelope.js";
import { formOf } from "./forms.js";
import type { Form } from "./forms.js";
import { HOPS_MAX, PUBLISHED_META_BYTES_MAX, PUBLISHED_META_MAX } from "./limits.js";
import { META, metaNumber, reservedKey, userBytes, userMeta } from "./meta.js";
import type { CallHandler } from "./routes.js";
import { phaseEarly } from "./session.js";
import type { Session } from "./session.js";
import { publication } from "./feed.js";
import { FluxarError, Violation } from "./status.js";
import { isWellFormed } from "./target.js";
import { ENDED, Job, Jobs } from "./work.js";
import { addCredit } from "./window.js";
import type { Answer } from "./work.js";

/** What is done for a request. */
type Handle = (payload: Uint8Array | undefined, context: Context) => Promise<Uint8Array | undefined> | Uint8Array;

export class Inbound {
  private readonly session: Session;
  private readonly calls = new Jobs();
  private readonly streams = new Jobs();
  /** Streams that were refused and whose opener has not ended [L5.stream.3]. */
  private refused = 0;

  constructor(session: Session) {
    this.session = session;
  }

  /** Whether requests of the peer are open. */
  get isBusy(): boolean {
    return this.calls.open > 0 || this.streams.open > 0;
  }

  abandon(error: FluxarError): void {
    this.calls.abandon(error);
    this.streams.abandon(error);
  }

  /** One whole message. */
  message(bytes: Uint8Array, hasVolatile: boolean, inFragments: boolean): void {
    const message = decodeEnvelope(bytes);
    if (isVolatile(message) !== hasVolatile) {
      throw new Violation("L1.volatile.1", "VOLATILE belongs on HELLO, ref-less ACK and EVENT of qos 0, and nowhere else");
    }
    const form = formOf(message);
    if (this.session.phase === "handshake") this.early(form, message);
    else this.take(form, message, inFragments);
  }

  private early(form: Form, message: Envelope): void {
    if (form === "goodbye") this.session.heard(message.error);
    else if (form === "offer" || form === "answer" || form === "confirm") {
      this.session.hello(form, message);
    } else throw phaseEarly();
  }

  private take(form: Form, message: Envelope, inFragments: boolean): void {
    const { budget } = this.session;
    switch (form) {
      case "request":
      case "notification":
        return this.request(message, inFragments);
      case "response":
        if (!this.session.calls.has(message.ref!)) return this.stray(message.ref!);
        return this.session.calls.answered(message);
      case "open":
        return this.open(message, inFragments);
      case "item":
      case "end":
        return this.item(form, message);
      case "ask":
        return this.ask(message, inFragments);
      case "granted":
      case "over":
        if (!this.session.subscriptions.has(message.ref!)) return this.stray(message.ref!);
        if (!this.session.subscriptions.answered(message)) budget.charge();
        return;
      case "publish":
        return this.published(message);
      case "deliver":
        if (!this.session.subscriptions.has(message.ref!)) return this.stray(message.ref!);
        checkEvent(message);
        return this.session.subscriptions.delivered(message);
      case "heartbeat":
        return budget.charge();
      case "ping":
        this.takeId(message.id!, inFragments);
        budget.charge();
        this.session.lastPing = message.id!;
        return;
      case "pong":
        if (!this.session.ponged(message.ref!)) return this.stray(message.ref!);
        return budget.charge();
      case "credit":
        return this.credit(message);
      case "goodbye":
        budget.charge();
        return this.session.heard(message.error);
      case "cancel":
        return this.cancel(message);
      case "offer":
        this.takeId(message.id!, inFragments);
        return this.session.helloAgain(form, message);
      default:
        return this.session.helloAgain(form, message);
    }
  }

  // ---- ids

  private isOpen(id: Id): boolean {
    const { calls, streams, subscriptions, feeds } = this.session;
    return calls.has(id) || streams.has(id) || subscriptions.has(id) || feeds.has(id) || this.calls.get(id) !== undefined;
  }

  private takeId(id: Id, inFragments: boolean): void {
    this.session.ids.take(id, inFragments, this.isOpen(id));
  }

  /** A ref to what is not open as such [L3.ref.1 to 3]. */
  private stray(ref: Id): void {
    if (!this.isOpen(ref) && this.session.ids.wasMinted(ref)) this.session.budget.charge();
    else this.session.budget.chargeUnknownRef();
  }

  // ---- requests

  /** Why a request is not admitted. */
  private refusal(message: Envelope, open: number, max: number): FluxarError | undefined {
    const { meta } = message;
    const target = message.target!;
    const reserved = reservedKey(meta, message.kind === KIND.call && message.id !== null);
    if (this.session.phase === "draining" && message.id !== null) {
      return new FluxarError("unavailable", "[L4.bye.3] the callee is closing its session: reconnect");
    }
    if (reserved >= 0) {
      return new FluxarError("unimplemented", `[X.open.1] meta key ${reserved} asks for what was not offered`);
    }
    if (!isWellFormed(target, false)) {
      return new FluxarError("invalid_argument", `[L3.target.2] \`${target}\` is no target: use segments joined by dots`);
    }
    if (metaNumber(meta, META.deadline) === 0) {
      return new FluxarError("deadline_exceeded", "[L5.deadline.2] no time was left on arrival");
    }
    if (open >= max) {
      return new FluxarError("resource_exhausted", `[L5.call.5] ${max} are open already: wait for one to end`);
    }
    if ((metaNumber(meta, META.hops) ?? 0) > HOPS_MAX) {
      return new FluxarError("resource_exhausted", `[L5.hops.1] the chain of calls is longer than ${HOPS_MAX}`);
    }
    return undefined;
  }

  private context(message: Envelope, signal: AbortSignal, deadline: number | undefined): Context {
    const hops = metaNumber(message.meta, META.hops) ?? 0;
    const around = { signal, deadline, hops };
    return makeContext(message.target!, message.meta, this.session.identity, around, (origin) => new BoundCaller(this.session, origin));
  }

  private request(message: Envelope, inFragments: boolean): void {
    const { id } = message;
    const { routes, limits } = this.session.options;
    if (id !== null) this.takeId(id, inFragments);
    const handler = routes.call(message.target!);
    const refusal =
      this.refusal(message, this.calls.running, limits.callsMax) ??
      (handler === undefined ? new FluxarError("unimplemented", routes.missing(message.target!)) : undefined);
    if (refusal !== undefined || handler === undefined) {
      this.session.budget.charge();
      if (id !== null) this.session.send({ kind: KIND.call, ref: id, error: refusal });
      return;
    }
    const key = id === null ? undefined : message.meta.get(META.idempotencyKey);
    const work = key instanceof Uint8Array ? this.keyed(message, key, handler) : handler;
    this.start(message, this.calls, (error, payload) => this.answer(id, error, payload), work);
  }

  /** An attempt at a call that may come more than once: its handler is no work of this session [L5.idempotent.1]. */
  private keyed(message: Envelope, key: Uint8Array, handler: CallHandler): Handle {
    const { identity, peer, options } = this.session;
    const owner = { identity, instance: peer!.instance };
    return (payload, { target, deadline, signal }) => {
      const attempt = { owner, target, key: key.slice(), payload, deadline, signal };
      return options.keyed.run(attempt, async (signal) => handler(payload, this.context(message, signal, deadline)));
    };
  }

  /** Puts a handler to work, which counts until it has really ended. */
  private start(
    message: Envelope,
    jobs: Jobs,
    answer: Answer,
    handle: Handle,
  ): void {
    const deadline = deadlineAt(message);
    const job = new Job(answer, deadline, this.session.limits.cancelGraceMs);
    jobs.add(message.id, job);
    const context = this.context(message, job.controller.signal, deadline);
    const payload = message.payload?.slice();
    void job.run(async () => handle(payload, context)).finally(() => {
      jobs.ended(job);
      this.session.budget.earn(1);
      job.controller.abort(ENDED);
    });
  }

  private answer(id: Id | null, error: FluxarError | undefined, payload: Uint8Array | undefined): void {
    if (id === null) return;
    this.calls.remove(id);
    const result = error === undefined ? { payload: payload ?? new Uint8Array() } : { error };
    try {
      this.session.send({ kind: KIND.call, ref: id, ...result });
    } catch (thrown) {
      // Too large for the peer: an error may be that, too.
      if (!(thrown instanceof FluxarError)) throw thrown;
      this.session.send({ kind: KIND.call, ref: id, error: thrown });
    }
    this.session.settled();
  }

  // ---- streams

  private open(message: Envelope, inFragments: boolean): void {
    const id = message.id!;
    const { routes, limits } = this.session.options;
    this.takeId(id, inFragments);
    const credit = addCredit(0, metaNumber(message.meta, META.credit) ?? this.session.peerInitialCredit);
    const openerEnded = message.meta.has(META.end);
    const handler = routes.stream(message.target!);
    const window = openerEnded ? 0 : limits.initialCredit;
    let refusal =
      this.refusal(message, this.streams.running, limits.streamsMax) ??
      (handler === undefined ? new FluxarError("unimplemented", routes.missing(message.target!)) : undefined);
    try {
      if (refusal === undefined) this.session.commit(window);
    } catch (thrown) {
      refusal = thrown as FluxarError;
    }
    if (refusal !== undefined || handler === undefined) return this.refuse(id, openerEnded, refusal!);
    const channel = new Channel(this.session.channelHost(window), id, false, credit, window, openerEnded);
    this.session.streams.set(id, channel);
    const answer: Answer = (error, payload) => this.finish(channel, error, payload);
    this.start(message, this.streams, answer, (payload, context) => handler(payload, channel, context));
  }

  private finish(channel: Channel, error: FluxarError | undefined, payload: Uint8Array | undefined): void {
    this.streams.remove(channel.id);
    if (error !== undefined) channel.stopReading(error);
    try {
      channel.end({ payload, error });
    } catch (thrown) {
      if (!(thrown instanceof FluxarError)) throw thrown;
      channel.end({ error: thrown });
    }
    this.session.settled();
  }

  /** Until the opener's end comes a refused stream takes a place like any other. */
  private refuse(id: Id, openerEnded: boolean, error: FluxarError): void {
    const { limits } = this.session.options;
    this.session.budget.charge();
    if (!openerEnded && this.refused >= limits.streamsMax) {
      const text = "streams that were refused are opened again and again without their end";
      throw new Violation("L5.stream.3", text, "resource_exhausted");
    }
    if (!openerEnded) this.refused += 1;
    const host = this.session.channelHost(0);
    const channel = new Channel(
      {
        ...host,
        closed: (closed) => {
          if (!openerEnded) this.refused -= 1;
          host.closed(closed);
        },
      },
      id,
      false,
      0,
      openerEnded ? 0 : limits.initialCredit,
      openerEnded,
    );
    this.session.streams.set(id, channel);
    channel.end({ error });
  }

  private item(form: "item" | "end", message: Envelope): void {
    const channel = this.session.streams.get(message.ref!);
    if (channel === undefined) return this.stray(message.ref!);
    // A copy, so that a small item does not keep a large buffer alive.
    if (form === "item") return channel.arrived(message.payload!.slice());
    channel.ended({ payload: message.payload?.slice(), error: message.error ?? undefined });
  }

  private credit(message: Envelope): void {
    const { streams, feeds, budget } = this.session;
    const channel = streams.get(message.ref!);
    if (channel === undefined && !feeds.has(message.ref!)) return this.stray(message.ref!);
    budget.charge();
    const credit = metaNumber(message.meta, META.credit) ?? 0;
    if (channel !== undefined) channel.granted(credit);
    else feeds.granted(message.ref!, credit);
  }

  private cancel(message: Envelope): void {
    const ref = message.ref!;
    const call = this.calls.get(ref);
    const channel = this.session.streams.get(ref);
    if (call !== undefined) {
      this.session.budget.charge();
      call.cancel();
    } else if (channel !== undefined && !channel.isOurs) {
      this.session.budget.charge();
      const error = this.streams.get(ref)?.cancel();
      if (error !== undefined) channel.stopReading(error);
    } else if (this.session.feeds.cancelled(ref)) this.session.budget.charge();
    else this.stray(ref);
  }

  // ---- topics

  private ask(message: Envelope, inFragments: boolean): void {
    this.takeId(message.id!, inFragments);
    this.session.budget.charge();
    this.session.feeds.ask(message);
  }

  private published(message: Envelope): void {
    checkEvent(message);
    const { target, payload, meta } = message;
    const own = userMeta(meta);
    // With keys of ours beside more than that no subscriber would take it [L5.carry.1].
    const fits = own.size <= PUBLISHED_META_MAX && userBytes(own) <= PUBLISHED_META_BYTES_MAX;
    // A copy, since it may wait or be kept.
    if (!fits || !isWellFormed(target!, false)) this.session.budget.charge();
    else this.session.options.broker.publish(publication(target!, payload!.slice(), own), meta.has(META.retain));
  }
}

/** An event can be refused by nobody's answer, so what asks for more than qos 0 ends the session. */
function checkEvent(message: Envelope): void {
  const { id, meta } = message;
  if (id !== null || (metaNumber(meta, META.qos) ?? 0) > 0) {
    throw new Violation("L5.qos.1", "an event asks for more than qos 0, which HELLO did not offer", "unimplemented");
  }
  const key = reservedKey(meta);
  if (key >= 0 && key !== META.overflow) {
    throw new Violation("X.event.1", `an event carries meta key ${key}, which HELLO did not offer`, "unimplemented");
  }
}

/** When an inbound request must be done [L5.deadline.1]. */
function deadlineAt(message: Envelope): number | undefined {
  const left = metaNumber(message.meta, META.deadline);
  return left === undefined ? undefined : Date.now() + left;
}
