/** One session over one link: its life from the handshake to the end. What comes from the peer is in `inbound`. */

import type { Broker } from "./broker.js";
import { Budget } from "./budget.js";
import type { CallOptions, Origin, PublishOptions, RequestOptions, StreamOptions } from "./caller.js";
import { OutboundCalls, lostError } from "./calls.js";
import { Channel } from "./channel.js";
import type { Envelope, Id, Outgoing } from "./envelope.js";
import { KIND, encodeEnvelope, isVolatile } from "./envelope.js";
import { Feeds } from "./feeds.js";
import { Assembler, FrameReader, encodeFrame } from "./frame.js";
import { knowsNumbers, ownBody, randomBytes, takeAnswer, takeOffer, verdict } from "./handshake.js";
import type { Authenticate, Introduction } from "./handshake.js";
import { encodeHello } from "./hello.js";
import type { Credential, HelloBody, PeerInfo } from "./hello.js";
import { Ids } from "./ids.js";
import { Inbound } from "./inbound.js";
import type { KeyedCalls } from "./keyed.js";
import { CREDIT_MAX, OUTBOUND_MAX } from "./limits.js";
import type { Limits, OwnLimits } from "./limits.js";
import type { Link } from "./link.js";
import { META } from "./meta.js";
import { Monitor } from "./monitor.js";
import { Outbox } from "./outbox.js";
import type { FlowKey, Parcel } from "./outbox.js";
import { addUserMeta, clampTimeout, deadlineOf, requestMeta } from "./request.js";
import type { Routes } from "./routes.js";
import { FluxarError, Violation } from "./status.js";
import { Subscriptions } from "./subscriptions.js";
import { checkTarget } from "./target.js";

type HelloForm = "offer" | "answer" | "confirm";
export type Phase = "handshake" | "ready" | "draining" | "closed";

export interface SessionOptions extends Introduction {
  readonly role: "dialer" | "acceptor";
  readonly routes: Routes;
  /** The topics of this side. */
  readonly broker: Broker;
  /** The calls with keys at this side. */
  readonly keyed: KeyedCalls;
  readonly credential?: Credential | undefined;
  readonly authenticate?: Authenticate | undefined;
}

/** Who waits for the answer to a ping, or to a credential. */
interface Waiter {
  resolve(): void;
  reject(error: FluxarError): void;
}

export class Session {
  readonly options: SessionOptions;
  readonly limits: OwnLimits;
  readonly ids: Ids;
  readonly budget: Budget;
  readonly calls: OutboundCalls;
  readonly streams = new Map<Id, Channel>();
  readonly subscriptions: Subscriptions;
  /** The peer's subscriptions here. */
  readonly feeds: Feeds;
  /** Resolved when both sides are ready, rejected when there will be no session. */
  readonly ready: Promise<void>;
  /** Resolved at the end, with the reason if it was no goodbye. */
  readonly closed: Promise<FluxarError | undefined>;
  readonly pongs = new Map<Id, Waiter>();
  phase: Phase = "handshake";
  /** The newest ping that is not answered. */
  lastPing: Id | undefined;
  peer: PeerInfo | undefined;
  /** Who that is, where `authenticate` has said so. */
  identity: string | undefined;
  /** Whether records travel with numbers for keys. */
  numbers = false;
  private readonly link: Link;
  private readonly outbox: Outbox;
  private readonly inbound: Inbound;
  private readonly monitor: Monitor;
  private readonly frames: FrameReader;
  private readonly assembler: Assembler;
  private readonly handshakeTimer: ReturnType<typeof setTimeout>;
  private drainTimer: ReturnType<typeof setTimeout> | undefined;
  private peerLimits: Limits | undefined;
  /** Credit of our windows that are open. */
  private committed = 0;
  private awaited: { form: HelloForm | "decision"; ref: number } | undefined;
  /** Who authenticates again. */
  private reauthenticating: Waiter | undefined;
  /** An offer that was taken, and who made it. */
  private offered: { readonly body: HelloBody; readonly identity: string | undefined } | undefined;
  private saidGoodbye = false;
  private heardGoodbye = false;
  private becomeReady: () => void = () => {};
  private becomeFailed: (error: FluxarError) => void = () => {};
  private becomeClosed: (reason: FluxarError | undefined) => void = () => {};

  constructor(link: Link, options: SessionOptions) {
    this.options = options;
    this.limits = options.limits;
    this.link = link;
    this.ids = new Ids(options.role === "dialer");
    this.budget = new Budget(this.limits.budgetBurst);
    this.outbox = new Outbox(link, this.limits.outboxBytesMax);
    this.outbox.onEmpty = () => this.settled();
    this.outbox.onRoom = () => this.feeds.flush();
    this.frames = new FrameReader(this.limits);
    this.assembler = new Assembler(this.limits);
    this.inbound = new Inbound(this);
    this.calls = new OutboundCalls(this.callHost());
    this.subscriptions = new Subscriptions(this.subscriptionHost());
    this.feeds = new Feeds(this.feedHost(), options.broker, this.limits);
    this.monitor = new Monitor(this.watched(), this.limits.stallTimeoutMs);
    this.ready = new Promise((resolve, reject) => {
      this.becomeReady = resolve;
      this.becomeFailed = reject;
    });
    this.ready.catch(() => {});
    this.closed = new Promise((resolve) => (this.becomeClosed = resolve));
    this.handshakeTimer = setTimeout(() => this.fail(handshakeLate()), this.limits.handshakeTimeoutMs);
    link.onBytes = (bytes) => this.arrived(bytes);
    link.onClose = (reason) => this.finish(new FluxarError("unavailable", reason, { origin: "link" }));
    if (options.role === "dialer") this.offer(options.credential);
    else this.awaited = { form: "offer", ref: 0 };
  }

  // ---- handshake

  private offer(credential: Credential | undefined): void {
    const { numbers } = this.options;
    const id = this.ids.mint();
    const body = encodeHello(ownBody(this.options, { auth: credential }, numbers));
    this.send({ kind: KIND.hello, id, payload: body });
    this.awaited = { form: "answer", ref: id };
  }

  /** A HELLO came while one is due. */
  hello(form: HelloForm, message: Envelope): void {
    const { id, ref, payload, error } = message;
    const awaited = this.awaited;
    if (awaited?.form !== form) throw phaseEarly();
    this.awaited = undefined;
    if (form !== "offer" && ref !== awaited.ref) {
      throw new Violation("L4.hello.2", "the HELLO refers to another one than the last", "failed_precondition");
    }
    if (id !== null) this.ids.take(id, false, false);
    if (error !== null) return this.refused(error);
    if (form === "confirm" && payload !== null) {
      throw new Violation("L3.hello.3", "a confirmation has a ref, and at most an error, or the payload that is due");
    }
    if (form === "offer") this.decideOn(message);
    else if (form === "answer") {
      // Its limits and capabilities are those of the session, whatever it says [L4.reauth.1].
      const body = takeAnswer(payload!, this.options.numbers);
      this.send({ kind: KIND.hello, ref: id! });
      this.begin(body);
    } else {
      const { body, identity } = this.offered!;
      this.identity = identity;
      this.begin(body);
    }
  }

  /** A HELLO on a session that is ready: the dialer authenticates again [L4.reauth.1]. */
  helloAgain(form: HelloForm, message: Envelope): void {
    if (form !== "offer") {
      if (this.awaited?.form !== form) throw new Violation("L4.phase.2", "no HELLO of this form is due", "unimplemented");
      return this.hello(form, message);
    }
    if (this.options.role === "acceptor" && this.awaited === undefined) return this.decideOn(message);
    this.budget.charge();
    const text = "[L4.phase.2] the side that dialed authenticates again, and not before its last offer was answered";
    this.refuse(message.id!, new FluxarError("unimplemented", text));
  }

  /** Presents another credential; a refusal changes nothing [L4.reauth.2]. `onOffer` is told when it is really on its way. */
  reauthenticate(credential: Credential, onOffer: () => void): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.phase !== "ready") return reject(new FluxarError("unavailable", "there is no session"));
      if (this.options.role !== "dialer" || this.awaited !== undefined) {
        return reject(new FluxarError("failed_precondition", "the side that dialed authenticates again, once at a time"));
      }
      this.reauthenticating = { resolve, reject };
      onOffer();
      this.offer(credential);
    });
  }

  private decideOn(offer: Envelope): void {
    this.decide(offer.id!, takeOffer(offer.payload!)).catch((thrown) => this.finish(thrown));
  }

  /** Decides on an offer, and answers. */
  private async decide(id: Id, offer: HelloBody): Promise<void> {
    const isFirst = this.phase === "handshake";
    this.awaited = { form: "decision", ref: 0 };
    const { authenticate, limits } = this.options;
    // The first handshake has a timer of its own [L4.phase.3].
    const { refusal, identity } = await verdict(offer, authenticate, isFirst ? undefined : limits.handshakeTimeoutMs);
    if (this.phase === "closed") return;
    this.awaited = undefined;
    if (refusal !== undefined) {
      this.refuse(id, refusal);
      if (isFirst) this.refused(refusal);
      return;
    }
    const answer = this.ids.mint();
    this.offered = { body: offer, identity };
    const numbers = knowsNumbers(this.options.numbers, offer.capabilities);
    const body = encodeHello(ownBody(this.options, { session: randomBytes(16) }, numbers));
    this.send({ kind: KIND.hello, id: answer, ref: id, payload: body });
    this.awaited = { form: "confirm", ref: answer };
  }

  private refuse(offer: Id, error: FluxarError): void {
    this.send({ kind: KIND.hello, id: this.ids.mint(), ref: offer, error });
  }

  private refused(error: FluxarError): void {
    if (this.reauthenticating !== undefined) return this.reauthenticated(error);
    this.link.close();
    this.finish(error);
  }

  private reauthenticated(error: FluxarError | undefined): void {
    const waiter = this.reauthenticating;
    this.reauthenticating = undefined;
    if (error === undefined) waiter?.resolve();
    else waiter?.reject(error);
  }

  private begin(body: HelloBody): void {
    if (this.phase !== "handshake") return this.reauthenticated(undefined);
    clearTimeout(this.handshakeTimer);
    this.peer = body.peer;
    this.peerLimits = body.limits;
    this.numbers = knowsNumbers(this.options.numbers, body.capabilities);
    this.outbox.setPeer(body.limits);
    this.frames.isReady = true;
    this.phase = "ready";
    this.monitor.start(this.limits.heartbeatMs, body.heartbeatMs);
    this.becomeReady();
  }

  // ---- bytes

  private arrived(bytes: Uint8Array): void {
    if (this.phase === "closed") return;
    this.monitor.heard(bytes.length);
    try {
      this.frames.feed(bytes, (frame) => {
        if (frame.group === undefined) this.inbound.message(frame.body, frame.isVolatile, false);
        else {
          if (this.phase === "handshake") throw groupEarly();
          const whole = this.assembler.take(frame, frame.group);
          if (whole !== undefined) this.inbound.message(whole, frame.isVolatile, true);
        }
        return (this.phase as Phase) !== "closed";
      });
      this.answerPing();
    } catch (thrown) {
      if (thrown instanceof Violation) this.fail(thrown);
      else throw thrown;
    }
  }

  /** The answer to a ping answers those before it as well. False when nobody waits for it. */
  ponged(ref: Id): boolean {
    if (!this.pongs.has(ref)) return false;
    for (const [id, pong] of this.pongs) {
      this.pongs.delete(id);
      pong.resolve();
      if (id === ref) break;
    }
    return true;
  }

  /** Answers to pings coalesce to the newest of what came together [L4.ping.1]. */
  private answerPing(): void {
    const ping = this.lastPing;
    this.lastPing = undefined;
    if (ping !== undefined && this.phase !== "closed") this.send({ kind: KIND.ack, ref: ping });
  }

  /** Sends a message behind those of its flow. */
  send(message: Outgoing): Parcel {
    const bytes = encodeEnvelope(message);
    if (this.phase !== "handshake") this.outbox.checkSize(bytes.length);
    return this.outbox.put(flowOf(message), bytes, isVolatile(message));
  }

  // ---- what we open

  /** Refuses while nothing can be opened. */
  private open(target: string, isPattern = false): Limits {
    checkTarget(target, isPattern);
    if (this.phase === "ready" && this.peerLimits !== undefined) return this.peerLimits;
    const text = `the session is ${this.phase === "draining" ? "closing" : "closed"}: reconnect`;
    throw new FluxarError("unavailable", text, { origin: "link" });
  }

  call(target: string, payload: Uint8Array | undefined, options: CallOptions, origin: Origin): Promise<Uint8Array> {
    try {
      this.open(target);
      return this.calls.call(target, payload, options, origin);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  notify(target: string, payload: Uint8Array | undefined, options: RequestOptions, origin: Origin): void {
    this.open(target);
    const meta = requestMeta(options, origin, deadlineOf(options, origin));
    this.send({ kind: KIND.call, target, meta, payload });
  }

  stream(target: string, payload: Uint8Array | undefined, isHalf: boolean, options: StreamOptions, origin: Origin): Channel {
    const limits = this.open(target);
    const max = Math.min(limits.streamsMax, OUTBOUND_MAX);
    if (this.streams.size >= max) {
      throw new FluxarError("resource_exhausted", `${max} streams are open at the peer already: wait for one to end`);
    }
    const window = options.credit ?? this.limits.initialCredit;
    this.commit(window);
    const deadline = deadlineOf(options, origin);
    const meta = new Map(requestMeta(options, origin, deadline));
    if (isHalf) meta.set(META.end, true);
    if (options.credit !== undefined) meta.set(META.credit, options.credit);
    const id = this.ids.mint();
    const parcel = this.send({ kind: KIND.stream, id, target, meta, payload });
    const channel = new Channel(this.channelHost(window), id, true, limits.initialCredit, window, isHalf);
    channel.parcel = parcel;
    this.streams.set(id, channel);
    watch(channel, deadline, options.signal, origin.signal);
    return channel;
  }

  /** Credit that we grant is memory that we promise. */
  commit(window: number): void {
    if (!Number.isSafeInteger(window) || window < 0 || window > CREDIT_MAX) {
      throw new FluxarError("invalid_argument", "credit is a whole number of bytes up to 2^31");
    }
    if (this.committed + window > this.limits.sessionCreditMax) {
      const text = `the windows of all open streams would pass ${this.limits.sessionCreditMax} bytes: use less credit`;
      throw new FluxarError("resource_exhausted", text);
    }
    this.committed += window;
  }

  publish(topic: string, payload: Uint8Array, options: PublishOptions): void {
    this.open(topic);
    const meta = new Map<number | string, boolean | string>();
    if (options.retain) meta.set(META.retain, true);
    addUserMeta(meta, options.meta);
    this.send({ kind: KIND.event, target: topic, meta, payload });
  }

  /** Refuses here what no session would take. */
  checkPattern(pattern: string): void {
    this.open(pattern, true);
  }

  /** The time to the peer and back, in milliseconds. */
  ping(): Promise<number> {
    const id = this.ids.mint();
    const start = performance.now();
    return new Promise((resolve, reject) => {
      if (this.phase !== "ready" && this.phase !== "draining") return reject(new FluxarError("unavailable", "there is no session"));
      this.pongs.set(id, { resolve: () => resolve(performance.now() - start), reject });
      this.send({ kind: KIND.ack, id });
    });
  }

  // ---- what the tables need

  channelHost(window: number) {
    return {
      sendStream: (message: Outgoing) => {
        // An item that is sent is worth a grant that comes for it [L4.calm.1].
        if (message.kind === KIND.stream) this.budget.earn(1);
        return this.send(message);
      },
      room: () => this.outbox.room(),
      hasRoom: () => this.outbox.hasRoom,
      grant: (id: Id, credit: number) => this.grant(id, credit),
      closed: (channel: Channel) => {
        this.committed -= window;
        this.streams.delete(channel.id);
        this.settled();
      },
    };
  }

  private callHost() {
    const session = this;
    return {
      send: (message: Outgoing) => this.send(message),
      mint: () => this.ids.mint(),
      get callsMax() {
        return session.peerLimits?.callsMax ?? 0;
      },
      settled: () => this.settled(),
    };
  }

  private subscriptionHost() {
    const session = this;
    return {
      send: (message: Outgoing) => this.send(message),
      mint: () => this.ids.mint(),
      grant: (id: Id, credit: number) => this.grant(id, credit),
      get subscriptionsMax() {
        return Math.min(session.peerLimits?.subscriptionsMax ?? 0, OUTBOUND_MAX);
      },
      get initialCredit() {
        return session.limits.initialCredit;
      },
    };
  }

  private feedHost() {
    const session = this;
    return {
      send: (message: Outgoing) => this.send(message),
      get hasRoom() {
        return session.outbox.hasRoom;
      },
      get isDraining() {
        return session.phase === "draining";
      },
      get peerInitialCredit() {
        return session.peerInitialCredit;
      },
      earn: () => this.budget.earn(1),
    };
  }

  private watched() {
    const session = this;
    return {
      get lastSent() {
        return session.outbox.lastSent;
      },
      get leftBytes() {
        return session.outbox.handedBytes - session.link.bufferedBytes;
      },
      get isWaiting() {
        return session.link.bufferedBytes > 0 || !session.outbox.isEmpty;
      },
      get isPartial() {
        return session.frames.pending > 0 || session.assembler.isBusy;
      },
      beat: () => void this.send({ kind: KIND.ack }),
      lost: () => {
        this.link.close();
        const text = "[L4.beat.2] nothing was heard for 2.5 heartbeats";
        this.finish(new FluxarError("unavailable", text, { origin: "link" }));
      },
      fail: (violation: Violation) => this.fail(violation),
    };
  }

  private grant(id: Id, credit: number): void {
    this.send({ kind: KIND.ack, ref: id, meta: new Map([[META.credit, credit]]) });
  }

  /** Credit of a stream or subscription that the peer opens, unless it says otherwise. */
  get peerInitialCredit(): number {
    return this.peerLimits?.initialCredit ?? 0;
  }

  // ---- the end

  /** Opens nothing more, waits for what is open, and closes the link [L4.bye.4]. */
  goodbye(): Promise<FluxarError | undefined> {
    if (this.phase === "handshake") this.abort(new FluxarError("cancelled", "closed before the session was ready"));
    else this.drain();
    return this.closed;
  }

  /** Ends at once, telling the peer why [L4.bye.6]. */
  abort(error: FluxarError): void {
    if (this.phase === "closed") return;
    this.goodbyeNow(error);
    this.finish(error);
  }

  heard(error: FluxarError | null): void {
    if (error !== null) {
      this.link.close();
      return this.finish(error);
    }
    if (this.phase === "handshake") {
      this.link.close();
      return this.finish(new FluxarError("unavailable", "the peer said goodbye during the handshake"));
    }
    this.heardGoodbye = true;
    this.drain();
  }

  private drain(): void {
    if (this.phase === "ready") {
      this.phase = "draining";
      this.drainTimer = setTimeout(() => {
        this.link.close();
        this.finish(new FluxarError("unavailable", "[L4.bye.5] what was open did not end in time", { origin: "link" }));
      }, this.limits.drainTimeoutMs);
    }
    this.settled();
  }

  /** Something has ended: perhaps it was the last. */
  settled(): void {
    if (this.phase !== "draining" || !this.outbox.isEmpty) return;
    if (!this.saidGoodbye) {
      // Behind all that was opened before, fragments too [L4.bye.1].
      this.saidGoodbye = true;
      this.send({ kind: KIND.cancel });
    }
    const isOpen = this.calls.size > 0 || this.streams.size > 0 || this.inbound.isBusy;
    if (isOpen || !this.heardGoodbye || !this.outbox.isEmpty) return;
    this.link.close();
    this.finish(undefined);
  }

  /** The peer broke a rule [L4.violation.1]. */
  fail(violation: Violation): void {
    if (this.phase === "closed") return;
    const error = new FluxarError(violation.code, violation.message, { cause: violation });
    this.goodbyeNow(error);
    this.finish(error);
  }

  private goodbyeNow(error: FluxarError): void {
    this.outbox.end();
    this.link.send(encodeFrame(encodeEnvelope({ kind: KIND.cancel, error }), false));
    this.link.close();
  }

  /** Everything ends, once [L4.lost.1]. */
  private finish(reason: FluxarError | undefined): void {
    if (this.phase === "closed") return;
    this.phase = "closed";
    clearTimeout(this.handshakeTimer);
    clearTimeout(this.drainTimer);
    this.monitor.stop();
    this.outbox.end();
    const why = reason === undefined ? "the session was closed" : `${reason.code}: ${reason.message}`;
    this.becomeFailed(reason ?? new FluxarError("unavailable", why));
    for (const pong of this.pongs.values()) pong.reject(new FluxarError("unavailable", "the session ended", { origin: "link" }));
    this.pongs.clear();
    this.reauthenticated(new FluxarError("unavailable", why, { origin: "link" }));
    const lost = lostError(false, why);
    this.inbound.abandon(lost);
    for (const channel of [...this.streams.values()]) channel.lost(lostError(channel.parcel?.isHanded ?? true, why));
    this.streams.clear();
    this.calls.lost(why);
    this.subscriptions.lost(reason === undefined ? undefined : lost);
    this.feeds.close();
    this.becomeClosed(reason);
  }
}

/** Ends a stream of ours when its time is up, or a signal says so. */
function watch(channel: Channel, deadline: number | undefined, ...signals: (AbortSignal | undefined)[]): void {
  const expire = () => channel.expire(new FluxarError("deadline_exceeded", "[L5.deadline.2] the stream did not end in time"));
  const timer = deadline === undefined ? undefined : setTimeout(expire, clampTimeout(deadline - Date.now()));
  const cleanups = signals.map((signal) => {
    const abort = () => channel.abort(signal?.reason);
    signal?.addEventListener("abort", abort, { once: true });
    return () => signal?.removeEventListener("abort", abort);
  });
  channel.onOutcome = () => {
    clearTimeout(timer);
    for (const cleanup of cleanups) cleanup();
  };
}

function flowOf(message: Outgoing): FlowKey {
  if (message.kind === KIND.hello) return "hello";
  if (message.ref !== undefined) return message.ref;
  if (message.kind === KIND.event) return "events";
  // A notification names nothing: it goes with what is published.
  if (message.kind === KIND.call && message.id === undefined) return "events";
  if (message.kind === KIND.ack || message.kind === KIND.cancel) return "session";
  return message.id ?? "session";
}

function handshakeLate(): Violation {
  return new Violation("L4.phase.3", "the handshake took too long", "deadline_exceeded");
}

export function phaseEarly(): Violation {
  const text = "nothing but the HELLO that is due may come before the session is ready";
  return new Violation("L4.phase.1", text, "failed_precondition");
}

function groupEarly(): Violation {
  return new Violation("L1.group.7", "a message before the session is ready must be one frame", "failed_precondition");
}
