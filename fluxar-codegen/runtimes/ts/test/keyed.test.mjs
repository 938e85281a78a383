// Calls with keys: sent again when their session is lost, done once.
import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { after, test } from "node:test";
import { Broker, FluxarError, KeyedCalls, Peer, Routes, anyCodec, call, memoryLinks, serveUnary } from "../dist/index.js";
import { settle } from "./vectors.mjs";

const method = (target, extra = {}) => ({ params: anyCodec, result: anyCodec, target, ...extra });
const pay = method("bank.pay", { idempotent: true });
const look = method("bank.look");
const key = (n) => new Uint8Array(16).fill(n);

const peers = [];
// A session that is left open keeps its timers, and the process.
after(() => peers.forEach((peer) => peer.abort()));

const failsWith = (code) => (thrown) => {
  assert.ok(thrown instanceof FluxarError, String(thrown));
  assert.equal(thrown.code, code, thrown.message);
  return true;
};

function defer() {
  let resolve;
  const promise = new Promise((done) => (resolve = done));
  return { promise, resolve };
}

/** A bank whose handlers wait for `go`; its sessions share the calls with keys. */
function bank(keyed = new KeyedCalls()) {
  const self = { runs: 0, started: defer(), go: defer(), keys: [], links: [], isThere: true };
  const routes = new Routes();
  for (const one of [pay, look]) {
    serveUnary(routes, one, async (n) => {
      self.runs += 1;
      self.started.resolve();
      await self.go.promise;
      return n * 100 + self.runs;
    });
  }
  self.accept = (link, options) => Peer.accept(link, { routes, keyed, ...options });
  /** The constructor of WebSockets that lead here. */
  self.webSocket = class {
    binaryType = "";
    protocol = "fluxar.1";
    bufferedAmount = 0;
    constructor() {
      const [near, far] = memoryLinks();
      self.links.push(near);
      near.onBytes = (data) => this.onmessage({ data });
      near.onClose = () => this.onclose({});
      this.near = near;
      queueMicrotask(() => (self.isThere ? this.onopen() : this.onclose({})));
      if (self.isThere) self.accept(far).then((peer) => peers.push(peer), () => {});
    }
    send(data) {
      this.near.send(data);
    }
    close() {
      this.near.close();
    }
  };
  self.client = async () => {
    const peer = await Peer.connect("ws://bank", { webSocket: self.webSocket, reconnect: { firstMs: 1, longestMs: 1 } });
    peers.push(peer);
    return peer;
  };
  self.cut = () => self.links.at(-1).close();
  return self;
}

const isReady = (peer) => new Promise((resolve) => peer.onState((state) => state === "ready" && resolve()));

test("a marked method outlives its session and runs once [L5.idempotent.1] [L5.idempotent.2]", async () => {
  const there = bank();
  const client = await there.client();
  const paid = call(client, pay, 7);
  const looked = call(client, look, 8);
  await there.started.promise;
  await settle();
  assert.equal(there.runs, 2);
  for (let n = 0; n < 3; n += 1) {
    there.cut();
    // What is not marked has one attempt, and nobody knows what became of it.
    if (n === 0) await assert.rejects(looked, failsWith("indeterminate"));
    await isReady(client);
  }
  await client.ping();
  there.go.resolve();
  assert.equal(await paid, 702);
  assert.equal(there.runs, 2, "once each");
  // Another call is another intention, though its parameters are the same.
  assert.equal(await call(client, pay, 7), 703);
});

test("a call with a key that is made between two sessions waits for the next", async () => {
  const there = bank();
  there.go.resolve();
  const client = await there.client();
  there.cut();
  await new Promise((resolve) => client.onState((state) => state === "disconnected" && resolve()));
  await assert.rejects(call(client, look, 1), failsWith("unavailable"));
  assert.equal(await call(client, pay, 1), 101);
});

test("an attempt that is sent again keeps to the deadline of the first, and to its signal", async () => {
  const there = bank();
  const client = await there.client();
  const controller = new AbortController();
  const late = call(client, pay, 1, { timeoutMs: 30 });
  const aborted = call(client, pay, 2, { signal: controller.signal });
  await there.started.promise;
  there.isThere = false;
  there.cut();
  await assert.rejects(late, failsWith("deadline_exceeded"));
  controller.abort(new Error("enough"));
  await assert.rejects(aborted, /enough/);
});

test("what was sent once stays unknown when there is no other session", async () => {
  const there = bank();
  const client = await there.client();
  const paid = call(client, pay, 1);
  await there.started.promise;
  there.isThere = false;
  there.cut();
  await new Promise((resolve) => client.onState((state) => state === "disconnected" && resolve()));
  client.abort();
  await assert.rejects(paid, failsWith("indeterminate"));
});

test("a refusal does not say what became of an earlier attempt [L5.idempotent.2]", async () => {
  const keyed = new KeyedCalls();
  const there = bank(keyed);
  const client = await there.client();
  const paid = call(client, pay, 1);
  await there.started.promise;
  keyed.run = async () => {
    throw new FluxarError("unavailable", "the server is going: try another");
  };
  there.cut();
  await assert.rejects(paid, failsWith("indeterminate"));
  await assert.rejects(call(client, pay, 1), failsWith("unavailable"));
});

test("a key names one intention of one caller [L5.idempotent.3]", async () => {
  const there = bank();
  there.go.resolve();
  const keyed = new KeyedCalls();
  const dial = async (name) => {
    const [near, far] = memoryLinks();
    const authenticate = () => name;
    const [dialer, acceptor] = await Promise.all([Peer.over(near), there.accept(far, { authenticate, keyed })]);
    peers.push(dialer, acceptor);
    return (n, value, target = pay) => call(dialer, target, n, { idempotencyKey: key(value) });
  };
  const ann = await dial("ann");
  assert.equal(await ann(1, 1), 101);
  assert.equal(await ann(1, 1), 101);
  await assert.rejects(ann(2, 1), failsWith("failed_precondition"));
  assert.equal(await ann(2, 2), 202);
  assert.equal(await (await dial("ann"))(1, 1), 101, "another session of hers");
  assert.equal(await (await dial("bob"))(1, 1), 103, "another caller");
  assert.equal(await (await dial(undefined))(1, 1), 104, "an instance");
  assert.equal(await (await dial(true))(1, 1), 104, "what is no text is no name");
  assert.equal(await ann(1, 1, look), 105, "another target");
  assert.equal(there.runs, 5);
});

test("peers with one broker are one callee, and of two servers in a process each is its own", async () => {
  const there = bank();
  there.go.resolve();
  const [north, south] = [new Broker(), new Broker()];
  const pays = async (broker) => {
    const [near, far] = memoryLinks();
    const [dialer, acceptor] = await Promise.all([Peer.over(near), there.accept(far, { keyed: undefined, broker })]);
    peers.push(dialer, acceptor);
    return call(dialer, pay, 1, { idempotencyKey: key(77) });
  };
  assert.deepEqual([await pays(north), await pays(south), await pays(undefined)], [101, 102, 103]);
  assert.deepEqual([await pays(north), await pays(south), await pays(undefined)], [101, 102, 103]);
});

test("a peer that is closed leaves its signal alone", async () => {
  const there = bank();
  const { signal } = new AbortController();
  const client = await Peer.connect("ws://bank", { webSocket: there.webSocket, signal });
  assert.equal(getEventListeners(signal, "abort").length, 1);
  await client.close();
  assert.equal(getEventListeners(signal, "abort").length, 0);
});

test("a caller that gives up leaves the handler at work, and its context tells who called", async () => {
  const [near, far] = memoryLinks();
  const routes = new Routes();
  const [started, go] = [defer(), defer()];
  const seen = [];
  serveUnary(routes, pay, async (n, ctx) => {
    started.resolve();
    await go.promise;
    seen.push([ctx.identity, ctx.signal.aborted]);
    return n;
  });
  const [dialer, acceptor] = await Promise.all([
    Peer.over(near), Peer.accept(far, { routes, keyed: new KeyedCalls(), limits: { cancelGraceMs: 1 }, authenticate: () => "ann" }),
  ]);
  peers.push(dialer, acceptor);
  const controller = new AbortController();
  const first = call(dialer, pay, 1, { idempotencyKey: key(1), signal: controller.signal });
  await started.promise;
  controller.abort(new Error("enough"));
  await assert.rejects(first, /enough/);
  const second = call(dialer, pay, 1, { idempotencyKey: key(1) });
  await dialer.ping();
  go.resolve();
  assert.equal(await second, 1);
  assert.deepEqual(seen, [["ann", false]]);
  // The first was answered, too: nothing is open when we go.
  await dialer.close();
});

test("only a call that is answered has a key", async () => {
  const [near, far] = memoryLinks();
  const [dialer, acceptor] = await Promise.all([Peer.over(near), Peer.accept(far)]);
  peers.push(dialer, acceptor);
  await assert.rejects(dialer.callBytes("a.b", undefined, { idempotencyKey: new Uint8Array(15) }), failsWith("invalid_argument"));
});

const bytes = (n) => new Uint8Array(n);
const nameless = { identity: undefined, instance: key(9) };
const attempt = (n, extra = {}) => ({ owner: nameless, target: "a.b", key: key(n), payload: undefined, deadline: undefined, ...extra });
const never = () => new Promise(() => {});

test("calls with keys are bounded [L5.idempotent.4]", async () => {
  const keyed = new KeyedCalls({ runningMax: 2, runningAllMax: 3, attemptsMax: 2 });
  const other = (n) => ({ owner: { identity: "ann", instance: key(9) }, target: "a.b", key: key(n) });
  keyed.run(attempt(1), never);
  keyed.run(attempt(1), never);
  await assert.rejects(keyed.run(attempt(1), never), failsWith("resource_exhausted"), "attempts");
  // Whoever dials chooses its instance: the nameless share one bound.
  keyed.run(attempt(2, { owner: { identity: undefined, instance: key(8) } }), never);
  await assert.rejects(keyed.run(attempt(3), never), failsWith("resource_exhausted"), "of one caller");
  keyed.run(other(1), never);
  await assert.rejects(keyed.run(other(2), never), failsWith("resource_exhausted"), "of all");
});

test("attempts that gave up take no place, and are answered at once", async () => {
  const keyed = new KeyedCalls({ attemptsMax: 1 });
  for (let n = 0; n < 3; n += 1) {
    const controller = new AbortController();
    const waits = keyed.run(attempt(1, { signal: controller.signal }), never);
    await assert.rejects(keyed.run(attempt(1), never), failsWith("resource_exhausted"));
    controller.abort(new FluxarError("cancelled", "enough"));
    await assert.rejects(waits, failsWith("cancelled"));
  }
  const [near, far] = memoryLinks();
  const routes = new Routes();
  serveUnary(routes, pay, never);
  const [dialer, acceptor] = await Promise.all([Peer.over(near), Peer.accept(far, { routes, keyed, limits: { callsMax: 1 } })]);
  peers.push(dialer, acceptor);
  for (let n = 0; n < 3; n += 1) {
    const controller = new AbortController();
    const gone = call(dialer, pay, 1, { idempotencyKey: key(1), signal: controller.signal });
    await dialer.ping();
    controller.abort(new Error("enough"));
    await assert.rejects(gone, /enough/);
    await dialer.ping();
    assert.equal(dialer.session.calls.size, 0, "well before the time that a handler has to stop");
  }
});

test("a kept outcome holds nothing that is not counted", async () => {
  const keyed = new KeyedCalls();
  const told = { typeName: "Poor", details: bytes(3), retryAfterMs: 5 };
  const fails = () => {
    throw new FluxarError("aborted", "no", { ...told, cause: bytes(1 << 20), detail: bytes(1 << 20) });
  };
  await assert.rejects(keyed.run(attempt(1), fails), failsWith("aborted"));
  await assert.rejects(keyed.run(attempt(1), fails), ({ code, typeName, details, retryAfterMs, cause, detail }) => {
    assert.deepEqual({ typeName, details, retryAfterMs }, told);
    assert.deepEqual([code, cause, detail], ["aborted", undefined, undefined]);
    return true;
  });
  const large = bytes(1 << 20);
  await keyed.run(attempt(2), () => large.subarray(0, 2));
  large.fill(9);
  const kept = await keyed.run(attempt(2), () => large);
  assert.deepEqual([kept, kept.buffer.byteLength], [bytes(2), 2]);
});

test("outcomes are bounded in number, bytes and time [L5.idempotent.4]", async () => {
  let now = 0;
  const keyed = new KeyedCalls({ keysMax: 3, outcomeBytesMax: 1000, bytesMax: 3000, keptForMs: 100 }, () => now);
  let runs = 0;
  const runsFor = async (n, size = 1) => {
    const before = runs;
    await keyed.run(attempt(n), () => ((runs += 1), bytes(size)));
    return runs - before;
  };
  for (const n of [1, 2, 3]) assert.equal(await runsFor(n), 1);
  for (const n of [1, 2, 3]) assert.equal(await runsFor(n), 0);
  assert.equal(await runsFor(4), 1);
  assert.deepEqual([await runsFor(2), await runsFor(1)], [0, 1], "the oldest has made room");
  assert.deepEqual([await runsFor(5, 2000), await runsFor(5, 2000)], [1, 1], "it is too large to be kept");
  now = 101;
  assert.deepEqual([await runsFor(1), await runsFor(1)], [1, 0], "its time was over");
  const small = new KeyedCalls({ bytesMax: 1000 });
  let count = 0;
  for (const n of [1, 2, 1]) await small.run(attempt(n), () => ((count += 1), bytes(500)));
  assert.equal(count, 3, "bytes of all");
});

test("an outcome that the deadline cut off is not kept, one that failed is", async () => {
  const keyed = new KeyedCalls();
  let reason;
  const slow = (signal) => new Promise((_, reject) => signal.addEventListener("abort", () => ((reason = signal.reason), reject(reason))));
  const first = keyed.run(attempt(1, { deadline: Date.now() + 5 }), slow);
  const attached = keyed.run(attempt(1), slow);
  await assert.rejects(first, failsWith("deadline_exceeded"));
  await assert.rejects(attached, failsWith("deadline_exceeded"));
  assert.equal(reason.code, "deadline_exceeded");
  const fails = () => {
    throw new FluxarError("not_found", "no such account");
  };
  await assert.rejects(keyed.run(attempt(1), fails), failsWith("not_found"));
  await assert.rejects(keyed.run(attempt(1), () => bytes(1)), failsWith("not_found"));
});
