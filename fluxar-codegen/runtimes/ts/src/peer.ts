/** A peer: one side of a relation that outlives its sessions. */

import { DEFAULT_BACKOFF, waitMs } from "./backoff.js";
import type { Backoff } from "./backoff.js";
import { Broker } from "./broker.js";
import type { CallOptions, Caller, Origin, PublishOptions, RequestOptions, StreamOptions, SubscribeOptions } from "./caller.js";
import type { Channel } from "./channel.js";
import type { Authenticate } from "./handshake.js";
import { randomBytes } from "./handshake.js";
import { credentialOf } from "./hello.js";
import type { Auth, PeerInfo } from "./hello.js";
import { KeyedCalls } from "./keyed.js";
import { DEFAULT_LIMITS, checkLimits } from "./limits.js";
import type { OwnLimits } from "./limits.js";
import type { Link } from "./link.js";
import { clampTimeout, deadlineOf } from "./request.js";
import { Routes } from "./routes.js";
import type { CallHandler, StreamHandler } from "./routes.js";
import { Session } from "./session.js";
import { FluxarError } from "./status.js";
import { Subscription } from "./subscription.js";
import { checkTarget } from "./target.js";
import { dialWebSocket } from "./websocket.js";
import type { WebSocketConstructor } from "./websocket.js";

/** What a session is at. */
export type State = "connecting" | "ready" | "draining" | "disconnected" | "closed";

export interface PeerOptions {
  /** A name for people to know this peer by. */
  readonly name?: string | undefined;
  /** Roles that this peer offers. */
  readonly roles?: readonly string[] | undefined;
  readonly limits?: Partial<OwnLimits> | undefined;
  /** What this side serves, from the first moment on. */
  readonly routes?: Routes | undefined;
  /** The topics of this side, where the other one subscribes; one of its own unless several peers are to share it. */
  readonly broker?: Broker | undefined;
  /** The calls with keys at this side; if none are given, those of all peers with this `broker`, or of all without one. */
  readonly keyed?: KeyedCalls | undefined;
  /** Whether payloads may have numbers for keys; true unless said otherwise. */
  readonly numbers?: boolean | undefined;
}

export interface ConnectOptions extends PeerOptions {
  /** What to present; a function is asked again for every link. */
  readonly auth?: Auth | (() => Auth | Promise<Auth>) | undefined;
  /** When a lost link is made anew; false for never. */
  readonly reconnect?: Partial<Backoff> | false | undefined;
  /** Where there is no global WebSocket. */
  readonly webSocket?: WebSocketConstructor | undefined;
  /** Aborting it gives the first dialing up, and ends the peer later. */
  readonly signal?: AbortSignal | undefined;
}

export interface AcceptOptions extends PeerOptions {
  /** Throws for a credential that is not valid, and may give the name of who it is. Without it everybody is let in. */
  readonly authenticate?: Authenticate | undefined;
}

/** Random, drawn when the process starts. */
const INSTANCE = randomBytes(16);
/** As the instance is that of the process, so are the calls that it does once; peers that share a broker are a node. */
const KEYED = new KeyedCalls();
const KEYED_OF_NODES = new WeakMap<Broker, KeyedCalls>();
const NO_ORIGIN: Origin = {};

/** Makes the next session, or says why there will be none. */
type Dial = (signal: AbortSignal | undefined) => Promise<Session>;

export class Peer implements Caller, AsyncDisposable {
  readonly routes: Routes;
  /** The topics of this side: what is published here reaches whoever has subscribed here. */
  readonly broker: Broker;
  /** Resolved at the end, with the reason if it was no goodbye. */
  readonly closed: Promise<FluxarError | undefined>;
  private session: Session;
  private readonly dial: Dial | undefined;
  private readonly backoff: Backoff;
  private readonly subscriptions = new Set<Subscription>();
  private readonly listeners = new Set<(state: State, reason: FluxarError | undefined) => void>();
  private readonly ownsBroker: boolean;
  private readonly redialing = new AbortController();
  private current: State = "ready";
  private isClosing = false;
  private becomeClosed: (reason: FluxarError | undefined) => void = () => {};
  private present: (auth: Auth) => void = () => {};
  private readonly home;

  private constructor(session: Session, options: PeerOptions, dial: Dial | undefined, backoff: Backoff) {
    this.session = session;
    this.routes = session.options.routes;
    this.broker = session.options.broker;
    this.ownsBroker = options.broker === undefined;
    this.dial = dial;
    this.backoff = backoff;
    this.closed = new Promise((resolve) => (this.becomeClosed = resolve));
    const peer = this;
    this.home = {
      ask: (subscription: Subscription) =>
        peer.session.phase === "ready" ? peer.session.subscriptions.ask(subscription) : undefined,
      forget: (subscription: Subscription) => void peer.subscriptions.delete(subscription),
      get isLasting() {
        return peer.dial !== undefined && !peer.isClosing;
      },
    };
    this.watch(session);
  }

  /** Dials `ws://…` or `wss://…`, and waits until the session is ready. */
  static async connect(address: string, options: ConnectOptions = {}): Promise<Peer> {
    const own = introduction(options);
    const home = { auth: options.auth };
    const dial: Dial = async (signal) => {
      const presented = typeof home.auth === "function" ? await home.auth() : home.auth;
      const credential = presented === undefined ? undefined : credentialOf(presented);
      const link = await dialWebSocket(address, options.webSocket, signal);
      return ready(new Session(link, { ...own, role: "dialer", credential }), signal);
    };
    const backoff = options.reconnect === false ? undefined : { ...DEFAULT_BACKOFF, ...options.reconnect };
    const peer = new Peer(await dial(options.signal), options, backoff && dial, backoff ?? DEFAULT_BACKOFF);
    peer.present = (auth) => (home.auth = auth);
    const give = () => void peer.close();
    options.signal?.addEventListener("abort", give, { once: true });
    // The signal may outlive many peers.
    void peer.closed.then(() => options.signal?.removeEventListener("abort", give));
    return peer;
  }

  /** Speaks over a link that is there, as the one who made it. */
  static async over(link: Link, options: PeerOptions = {}): Promise<Peer> {
    const session = await ready(new Session(link, { ...introduction(options), role: "dialer" }), undefined);
    return new Peer(session, options, undefined, DEFAULT_BACKOFF);
  }

  /** Speaks over a link that somebody else has made. */
  static async accept(link: Link, options: AcceptOptions = {}): Promise<Peer> {
    const { authenticate } = options;
    const session = await ready(new Session(link, { ...introduction(options), role: "acceptor", authenticate }), undefined);
    return new Peer(session, options, undefined, DEFAULT_BACKOFF);
  }

  // ---- what it is

  get state(): State {
    return this.current;
  }

  /** Who the other side is. */
  get remote(): PeerInfo {
    return this.session.peer!;
  }

  get numbers(): boolean {
    return this.session.numbers;
  }

  /** Tells of every change of state; gives what ends that. */
  onState(listener: (state: State, reason: FluxarError | undefined) => void): () => void {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }

  // ---- what it serves

  handleBytes(target: string, handler: CallHandler): void {
    this.routes.handleBytes(target, handler);
  }

  handleStreamBytes(target: string, handler: StreamHandler): void {
    this.routes.handleStreamBytes(target, handler);
  }

  describe(descriptor: Uint8Array): void {
    this.routes.describe(descriptor);
  }

  // ---- what it does at the other side

  callBytes(target: string, payload: Uint8Array | undefined, options: CallOptions = {}): Promise<Uint8Array> {
    if (options.idempotencyKey !== undefined) return this.callKeyed(target, payload, options);
    return this.session.call(target, payload, options, NO_ORIGIN);
  }

  /** Sends a call with a key again while its session is lost and there will be another [L5.idempotent.2]. */
  private async callKeyed(target: string, payload: Uint8Array | undefined, options: CallOptions): Promise<Uint8Array> {
    const deadline = deadlineOf(options, NO_ORIGIN);
    const attempt = { ...options, timeoutMs: undefined };
    let sent: FluxarError | undefined;
    for (;;) {
      try {
        return await this.session.call(target, payload, attempt, { deadline });
      } catch (thrown) {
        // A refusal says nothing of what an earlier attempt came to.
        if (!isLost(thrown)) throw isUndone(thrown) ? (sent ?? thrown) : thrown;
        if (thrown.code === "indeterminate") sent = thrown;
        // What an earlier attempt came to stays unknown when the last one never left.
        if (this.dial === undefined || this.isClosing) throw sent ?? thrown;
      }
      await this.relinked(deadline, options.signal);
      options.signal?.throwIfAborted();
      if (deadline !== undefined && Date.now() >= deadline) {
        throw new FluxarError("deadline_exceeded", "[L5.deadline.2] no answer came in time");
      }
    }
  }

  /** Waits for the next session, the end, the deadline or the signal. */
  private relinked(deadline: number | undefined, signal: AbortSignal | undefined): Promise<void> {
    const ms = deadline === undefined ? undefined : deadline - Date.now();
    return pause(ms, signal, (done) =>
      this.onState((state) => {
        if (state === "ready" || state === "closed") done();
      }),
    );
  }

  notifyBytes(target: string, payload: Uint8Array | undefined, options: RequestOptions = {}): void {
    this.session.notify(target, payload, options, NO_ORIGIN);
  }

  openBytes(target: string, payload: Uint8Array | undefined, isHalf: boolean, options: StreamOptions = {}): Channel {
    return this.session.stream(target, payload, isHalf, options, NO_ORIGIN);
  }

  publishBytes(topic: string, payload: Uint8Array, options: PublishOptions = {}): void {
    this.session.publish(topic, payload, options);
  }

  /** Lives on over reconnects; what was published meanwhile is missed. */
  subscribeBytes(pattern: string, options: SubscribeOptions = {}): Subscription {
    checkTarget(pattern, true);
    if (this.current === "closed" || this.isClosing) throw new FluxarError("unavailable", "the session is closed: reconnect");
    const subscription = new Subscription(this.home, pattern, options);
    this.subscriptions.add(subscription);
    return subscription;
  }

  /**
   * Presents another credential on the live session: a token that was refreshed, say. Nothing is dropped, whatever the answer;
   * links made anew present it, too. Only the side that dialed may.
   */
  reauthenticate(auth: Auth): Promise<void> {
    const credential = credentialOf(auth);
    return this.session.reauthenticate(credential, () => this.present(auth));
  }

  /** The time to the other side and back, in milliseconds. */
  ping(): Promise<number> {
    return this.session.ping();
  }

  // ---- the end

  /** Opens nothing more, waits for what is open, says goodbye. */
  async close(): Promise<void> {
    this.isClosing = true;
    this.redialing.abort();
    await this.session.goodbye();
    this.finish(undefined);
  }

  /** Ends at once. */
  abort(message = "closed by the application"): void {
    this.isClosing = true;
    this.redialing.abort();
    const error = new FluxarError("cancelled", message);
    this.session.abort(error);
    this.finish(error);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  private watch(session: Session): void {
    void session.closed.then((reason) => this.over(reason));
  }

  private over(reason: FluxarError | undefined): void {
    if (this.dial === undefined || this.isClosing) return this.finish(reason);
    this.advance("disconnected", reason);
    void this.redial();
  }

  private async redial(): Promise<void> {
    for (let attempt = 0; !this.isClosing; attempt += 1) {
      await pause(waitMs(this.backoff, attempt), this.redialing.signal);
      if (this.isClosing) return;
      this.advance("connecting", undefined);
      try {
        const session = await this.dial!(this.redialing.signal);
        if (this.isClosing) return void session.goodbye();
        this.session = session;
      } catch (thrown) {
        const error = thrown instanceof FluxarError ? thrown : new FluxarError("internal", String(thrown), { cause: thrown });
        if (this.isClosing) return;
        // A credential that is refused now will be refused again.
        if (error.code === "unauthenticated") return this.finish(error);
        this.advance("disconnected", error);
        continue;
      }
      this.watch(this.session);
      this.advance("ready", undefined);
      for (const subscription of [...this.subscriptions]) subscription.renew();
      return;
    }
  }

  private finish(reason: FluxarError | undefined): void {
    if (this.current === "closed") return;
    this.isClosing = true;
    this.advance("closed", reason);
    for (const subscription of [...this.subscriptions]) subscription.onOver(reason);
    if (this.ownsBroker) this.broker.close();
    this.becomeClosed(reason);
  }

  private advance(state: State, reason: FluxarError | undefined): void {
    this.current = state;
    for (const listener of [...this.listeners]) listener(state, reason);
  }
}

/** Whether the peer says that nothing was done, and not its application. */
function isUndone(thrown: unknown): boolean {
  return thrown instanceof FluxarError && thrown.code === "unavailable" && thrown.typeName === undefined;
}

/** Whether something ended with its session. */
function isLost(thrown: unknown): thrown is FluxarError {
  return thrown instanceof FluxarError && thrown.origin === "link" && (thrown.code === "unavailable" || thrown.code === "indeterminate");
}

function introduction(options: PeerOptions) {
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  checkLimits(limits);
  return {
    instance: INSTANCE,
    name: options.name ?? "",
    roles: options.roles ?? [],
    limits,
    numbers: options.numbers ?? true,
    routes: options.routes ?? new Routes(),
    broker: options.broker ?? new Broker(),
    keyed: options.keyed ?? keyedOf(options.broker),
  };
}

/** Who has the same key at another node has not the same call. */
function keyedOf(broker: Broker | undefined): KeyedCalls {
  if (broker === undefined) return KEYED;
  const keyed = KEYED_OF_NODES.get(broker) ?? new KeyedCalls();
  KEYED_OF_NODES.set(broker, keyed);
  return keyed;
}

async function ready(session: Session, signal: AbortSignal | undefined): Promise<Session> {
  const give = () => session.abort(new FluxarError("cancelled", "dialing was given up"));
  signal?.addEventListener("abort", give, { once: true });
  try {
    await session.ready;
    return session;
  } finally {
    signal?.removeEventListener("abort", give);
  }
}

/** Waits for so long, for the signal, or for what is listened to, whichever is first. */
function pause(ms: number | undefined, signal: AbortSignal | undefined, listen = (_done: () => void) => () => {}): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const done = () => {
      clearTimeout(timer);
      leave();
      signal?.removeEventListener("abort", done);
      resolve();
    };
    const timer = ms === undefined ? undefined : setTimeout(done, clampTimeout(ms));
    const leave = listen(done);
    signal?.addEventListener("abort", done, { once: true });
  });
}
