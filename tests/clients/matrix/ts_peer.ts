// The TypeScript peer of the matrix: see README.md. Compiled beside the generated contract, as strictly as that.
import { FluxarError, descriptorHash, memoryLinks } from "./fluxar/index.js";
import type { ConnectOptions, Context, Peer, WebSocketConstructor } from "./fluxar/index.js";
import { BackClient, HASH, LastTopic, Matrix, Mirror, TicksTopic, isMatrixError, matrixError } from "./matrix_v1.js";
import type { Back, Item, Odd, Say, Shapes, ShapesClient, Tick, Word } from "./matrix_v1.js";

/** Milliseconds that a case may take. */
const PATIENCE = 30_000;

function refuse(text: string): void {
  if (text === "refuse") throw matrixError({ kind: "refused", value: { reason: "as asked" } });
  if (text === "empty") throw matrixError({ kind: "empty" });
}

/** The time of a pause, cut short by a signal. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => (clearTimeout(timer), resolve()), { once: true });
  });
}

/** The side that is called. */
class Served implements Shapes {
  /** Set when there is a session. */
  home: Peer | undefined;
  private stopped = 0;
  private runs = 0;
  private sum = 0;

  unary({ item }: { item: Item }): Item {
    refuse(item.text);
    return { n: item.n + 1, text: item.text };
  }

  nothing(): void {}

  note({ item }: { item: Item }): void {
    this.sum += item.n;
  }

  notes(): number {
    return this.sum;
  }

  async *items({ count, text }: { count: number; text: string }): AsyncGenerator<Item, void> {
    for (let n = 0; n < count; n += 1) yield { n, text };
    refuse(text);
  }

  async collect({ prefix }: { prefix: string }, items: AsyncIterable<Item>) {
    let count = 0;
    let text = prefix;
    for await (const item of items) {
      count += 1;
      text += item.text;
    }
    return { count, text };
  }

  async *chat({ prefix }: { prefix: string }, items: AsyncIterable<Item>): AsyncGenerator<Item, void> {
    for await (const item of items) yield { n: item.n, text: prefix + item.text };
  }

  async *then_({ count, text }: { count: number; text: string }) {
    for (let n = 0; n < count; n += 1) yield { n, text };
    refuse(text);
    return { count, text };
  }

  async *both(items: AsyncIterable<Item>) {
    let count = 0;
    for await (const item of items) {
      count += 1;
      yield item;
    }
    return { count, text: "" };
  }

  async slow({ ms }: { ms: number }, { signal }: Context): Promise<number> {
    await pause(ms, signal);
    if (signal.aborted) this.stopped += 1;
    return ms;
  }

  async *forever({ signal }: Context): AsyncGenerator<Item, void> {
    for (let n = 0; !signal.aborted; n += 1) {
      yield { n, text: "" };
      await pause(1, signal);
    }
    this.stopped += 1;
  }

  cancelled(): number {
    return this.stopped;
  }

  async once({ ms }: { ms: number }, { signal }: Context): Promise<number> {
    this.runs += 1;
    const run = this.runs;
    await pause(ms, signal);
    return run;
  }

  back({ text }: { text: string }, { peer }: Context): Promise<string> {
    return new BackClient(peer).answer({ text });
  }

  announce({ colour, tick }: { colour: "red" | "green" | object; tick: Tick }): void {
    if (this.home === undefined) throw new FluxarError("unavailable", "not ready yet");
    new TicksTopic(this.home.broker).publish({ colour: colour as "red", name: tick.name }, tick.item);
  }

  async *watch({ colour, count }: { colour: "red" | "green" | object; count: number }, { peer }: Context): AsyncGenerator<Tick, void> {
    const ticks = new TicksTopic(peer).subscribe({ colour: colour as "red" });
    await ticks.granted;
    yield { name: "", item: { n: 0, text: "" } };
    let left = count;
    for await (const { key, value } of ticks) {
      yield { name: key.name, item: value };
      if ((left -= 1) === 0) return;
    }
  }

  await({ self }: { self: Odd }): Odd {
    return self;
  }

  constructor_(params: { __proto__: Say }): Say {
    return params.__proto__;
  }

  None({ type }: { type: Word }): Word {
    return type;
  }
}

/** What the caller offers. */
const answers: Back = {
  answer({ text }) {
    if (text === "refuse") throw matrixError({ kind: "refused", value: { reason: "not me" } });
    return [...text].reverse().join("");
  },
};

/** The value as text, whatever the order of its keys. */
function shown(value: unknown): string {
  const sorted = (of: unknown): unknown => {
    if (Array.isArray(of)) return of.map(sorted);
    if (typeof of !== "object" || of === null) return of;
    return Object.entries(of).sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, inner]) => [key, sorted(inner)]);
  };
  return JSON.stringify(sorted(value)) ?? "undefined";
}

function same(got: unknown, wanted: unknown): void {
  if (shown(got) !== shown(wanted)) throw new Error(`got ${shown(got)}, not ${shown(wanted)}`.slice(0, 500));
}

async function failure(work: PromiseLike<unknown>): Promise<FluxarError> {
  const thrown = await Promise.resolve(work).then(() => undefined, (error: unknown) => error);
  if (!(thrown instanceof FluxarError)) throw new Error(`did not fail as it should: ${thrown}`);
  return thrown;
}

function detailOf(error: FluxarError): unknown {
  return isMatrixError(error) ? error.detail : error.message;
}

const item = (n: number, text = ""): Item => ({ n, text });

/** The side that calls: every method named in CASES is a case. */
class Calls {
  private readonly peer: Peer;
  private readonly shapes: ShapesClient;

  constructor(peer: Peer, shapes: ShapesClient) {
    this.peer = peer;
    this.shapes = shapes;
  }

  async unary() {
    same(await this.shapes.unary({ item: item(1, "é") }), item(2, "é"));
  }

  async typed_error() {
    const refused = await failure(this.shapes.unary({ item: item(1, "refuse") }));
    same([refused.code, detailOf(refused)], ["permission_denied", { kind: "refused", value: { reason: "as asked" } }]);
    const empty = await failure(this.shapes.unary({ item: item(1, "empty") }));
    same([empty.code, detailOf(empty)], ["not_found", { kind: "empty" }]);
  }

  async nothing() {
    same(await this.shapes.nothing(), undefined);
  }

  async notification() {
    const before = await this.shapes.notes();
    this.shapes.note({ item: item(5) });
    this.shapes.note({ item: item(7) });
    await this.reaches(() => this.shapes.notes(), before + 12);
  }

  async names() {
    const say: Say = {
      kind: "self",
      value: [
        { kind: "type", value: "t" }, { kind: "await", value: 7 }, { kind: "constructor" },
        { kind: "__proto__", value: { self: "s", None: 1 } }, { kind: "None" },
      ],
    };
    const words: Word[] = ["type", "await", "constructor", "__proto__", "None", "self"];
    const odd: Odd = { type: "t", await: 200, constructor: words, ["__proto__"]: "p", None: true, self: say };
    const got = await this.shapes.await({ self: odd });
    same(got, odd);
    same([Object.hasOwn(got, "__proto__"), Object.getPrototypeOf(got) === Object.prototype], [true, true]);
    const bare: Odd = { type: "", await: 0, constructor: [], None: false, self: { kind: "None" } };
    same(await this.shapes.await({ self: bare }), bare);
    same(await this.shapes.constructor_({ ["__proto__"]: say }), say);
    for (const type of words) same(await this.shapes.None({ type }), type);
  }

  async server_stream(count = 5, text = "x") {
    let n = 0;
    for await (const got of this.shapes.items({ count, text })) same(got, item(n++, text));
    same(n, count);
  }

  async stream_error() {
    let got = 0;
    const read = async () => {
      for await (const _ of this.shapes.items({ count: 2, text: "refuse" })) got += 1;
    };
    same(detailOf(await failure(read())), { kind: "refused", value: { reason: "as asked" } });
    same(got, 2);
  }

  async client_stream() {
    const items = ["a", "b", "c"].map((text) => item(1, text));
    same(await this.shapes.collect({ prefix: "p:" }, items), { count: 3, text: "p:abc" });
  }

  async both_ways() {
    const { source, push, end } = queue<Item>();
    const back = this.shapes.chat({ prefix: "p:" }, source);
    for (let n = 0; n < 3; n += 1) {
      push(item(n, "x"));
      same(await back.next(), item(n, "p:x"));
    }
    end();
    same(await back.next(), undefined);
  }

  async stream_then() {
    const stream = this.shapes.then_({ count: 3, text: "x" });
    for (let n = 0; n < 3; n += 1) same(await stream.next(), item(n, "x"));
    same(await stream.finish(), { count: 3, text: "x" });
  }

  async both_then() {
    const { source, push, end } = queue<Item>();
    const back = this.shapes.both(source);
    for (let n = 0; n < 3; n += 1) {
      push(item(n));
      same(await back.next(), item(n));
    }
    end();
    same(await back.finish(), { count: 3, text: "" });
  }

  async large() {
    const text = "x".repeat(200_000);
    same(await this.shapes.unary({ item: item(1, text) }), item(2, text));
  }

  async many_items() {
    await this.server_stream(20_000, "y".repeat(40));
    const items = Array.from({ length: 20_000 }, (_, n) => item(n, "y".repeat(10)));
    same((await this.shapes.collect({ prefix: "" }, items)).count, 20_000);
  }

  async cancel_call() {
    const before = await this.shapes.cancelled();
    const controller = new AbortController();
    const call = this.shapes.slow({ ms: 60_000 }, { signal: controller.signal });
    await this.shapes.nothing();
    controller.abort(new FluxarError("cancelled", "enough"));
    same((await failure(call)).message, "enough");
    await this.counts(before + 1);
  }

  async cancel_stream() {
    const before = await this.shapes.cancelled();
    for await (const _ of this.shapes.forever()) break;
    await this.counts(before + 1);
  }

  async deadline() {
    const before = await this.shapes.cancelled();
    same((await failure(this.shapes.slow({ ms: 60_000 }, { timeoutMs: 50 }))).code, "deadline_exceeded");
    await this.counts(before + 1);
  }

  async idempotent() {
    const before = await this.shapes.once({ ms: 0 });
    const idempotencyKey = crypto.getRandomValues(new Uint8Array(16));
    const attempt = (ms: number) => this.shapes.once({ ms }, { idempotencyKey });
    same(await Promise.all([attempt(20), attempt(20)]), [before + 1, before + 1]);
    same(await attempt(20), before + 1);
    same((await failure(attempt(21))).code, "failed_precondition");
    same(await this.shapes.once({ ms: 0 }), before + 2);
  }

  private counts(wanted: number) {
    return this.reaches(() => this.shapes.cancelled(), wanted);
  }

  /** Asks until the other side has counted so many. A link in memory would leave timers no turn. */
  private async reaches(count: () => Promise<number>, wanted: number) {
    while ((await count()) < wanted) await pause(1, new AbortController().signal);
    same(await count(), wanted);
  }

  async reverse_call() {
    same(await this.shapes.back({ text: "abc" }), "cba");
  }

  async reverse_error() {
    same(detailOf(await failure(this.shapes.back({ text: "refuse" }))), { kind: "refused", value: { reason: "not me" } });
  }

  async topic_there() {
    const ticks = new TicksTopic(this.peer);
    await using events = ticks.subscribe({ colour: "green" });
    await events.granted;
    ticks.publish({ colour: "red", name: "ts" }, item(1));
    ticks.publish({ colour: "green", name: "ts. *>%é" }, item(2));
    const first = await events.next();
    same([first?.key, first?.value], [{ colour: "green", name: "ts. *>%é" }, item(2)]);
    await this.shapes.announce({ colour: "green", tick: { name: "a.b", item: item(3, "announced") } });
    const second = await events.next();
    same([second?.key, second?.value], [{ colour: "green", name: "a.b" }, item(3, "announced")]);
  }

  async topic_here() {
    const ticks = this.shapes.watch({ colour: "green", count: 2 });
    same((await ticks.next())?.name, "");
    const here = new TicksTopic(this.peer.broker);
    here.publish({ colour: "red", name: "no" }, item(1));
    here.publish({ colour: "green", name: "a. b" }, item(2));
    here.publish({ colour: "green", name: "ü>" }, item(3));
    same(await ticks.next(), { name: "a. b", item: item(2) });
    same(await ticks.next(), { name: "ü>", item: item(3) });
    same(await ticks.next(), undefined);
  }

  async topic_kept() {
    const last = new LastTopic(this.peer);
    for (const n of [1, 2]) last.publish({ name: "ts" }, item(n));
    await using events = last.subscribe({ name: "ts" });
    await events.granted;
    last.publish({ name: "ts" }, item(3));
    for (const [n, isKept] of [[2, true], [3, false]] as const) {
      const event = await events.next();
      same([event?.value, event?.isRetained], [item(n), isKept]);
    }
  }

  async topic_meta() {
    const last = new LastTopic(this.peer);
    await using live = last.subscribe({ name: "meta ts" });
    await live.granted;
    last.publish({ name: "meta ts" }, item(1), { meta: { by: "ts", "ü": "é" } });
    same([...((await live.next())?.meta ?? [])], [["by", "ts"], ["ü", "é"]]);
    await using late = last.subscribe({ name: "meta ts" });
    const kept = await late.next();
    same([kept?.isRetained, kept?.meta.get("by"), kept?.meta.get("ü")], [true, "ts", "é"]);
  }

  async describe() {
    same(descriptorHash(await this.peer.callBytes("fluxar.describe", undefined)), HASH);
  }

  /** Goes through all cases, and says what came of each; whether all passed. */
  async all(): Promise<boolean> {
    let passed = true;
    for (const name of CASES) {
      let timer: ReturnType<typeof setTimeout> | undefined;
      const late = new Promise<never>((_, reject) => (timer = setTimeout(() => reject(new Error("it took too long")), PATIENCE)));
      const why = await Promise.race([this[name](), late]).then(() => "", String);
      clearTimeout(timer);
      passed &&= why === "";
      say({ case: name, ok: why === "", why });
    }
    return passed;
  }
}

const CASES = [
  "unary", "typed_error", "nothing", "notification", "names", "server_stream", "stream_error", "client_stream", "both_ways",
  "stream_then", "both_then", "large", "many_items", "cancel_call", "cancel_stream", "deadline", "idempotent", "reverse_call", "reverse_error",
  "topic_there", "topic_here", "topic_kept", "topic_meta", "describe",
] as const satisfies readonly (keyof Calls)[];

/** A source of items that are pushed one by one. */
function queue<T>() {
  const waiting: T[] = [];
  let isOver = false;
  let wake = () => {};
  const source = async function* (): AsyncGenerator<T, void> {
    for (;;) {
      while (waiting.length > 0) yield waiting.shift()!;
      if (isOver) return;
      await new Promise<void>((resolve) => (wake = resolve));
    }
  };
  const push = (value: T) => (waiting.push(value), wake());
  const end = () => ((isOver = true), wake());
  return { source: source(), push, end };
}

function say(what: object): void {
  console.log(JSON.stringify(what));
}

/** Dials and calls. */
async function call(url: string, options: ConnectOptions): Promise<boolean> {
  const { peer, shapes } = await Matrix.connect(url, { back: answers }, options);
  const passed = await new Calls(peer, shapes).all();
  await peer.close();
  return passed;
}

/** Dials and is called. */
async function offer(url: string, options: ConnectOptions): Promise<boolean> {
  const served = new Served();
  const { peer, back } = await Mirror.connect(url, { shapes: served }, options);
  served.home = peer;
  await back.answer({ text: "ready" });
  await peer.closed;
  return true;
}

/** Both sides of a link in memory: this runtime does not listen. */
async function alone(isMirrored: boolean): Promise<boolean> {
  const [near, far] = memoryLinks();
  const served = new Served();
  const [calling, called] = isMirrored
    ? await Promise.all([Mirror.accept(near, { back: answers }), Mirror.over(far, { shapes: served })])
    : await Promise.all([Matrix.over(near, { back: answers }), Matrix.accept(far, { shapes: served })]);
  served.home = called.peer;
  const passed = await new Calls(calling.peer, calling.shapes).all();
  await calling.peer.close();
  return passed;
}

/** Does what the command line says; whether all went well. */
export function main(command: string, url: string, webSocket: WebSocketConstructor): Promise<boolean> {
  const options: ConnectOptions = { webSocket, reconnect: false };
  switch (command) {
    case "call":
      return call(url, options);
    case "offer":
      return offer(url, options);
    case "alone":
      return alone(url === "mirrored");
    default:
      throw new Error("usage: ts_peer call|offer URL, or alone straight|mirrored");
  }
}
