// The generated client of idl/llm.fluxar, and the runtime, against the command `fluxar`.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { node, require } from "./node.mjs";
import { Demo } from "./build/llm.js";
import { FluxarError, Peer, Routes, anyCodec, call, serveOutput, serveUnary, webSocketLink } from "../../../fluxar-codegen/runtimes/ts/fluxar.js";

const { WebSocket, WebSocketServer } = require("ws");
const options = { webSocket: WebSocket };
const failsWith = (code) => (thrown) => thrown instanceof FluxarError && thrown.code === code;

/** Ends with the test. */
function use(t, connected) {
  t.after(() => (connected.peer ?? connected).close());
  return connected;
}

let up;
before(async () => {
  up = await node("up", "--listen", "ws://127.0.0.1:0", "--tokens-per-second", "500");
});
after(() => up.stop());

const yes = { approvals: { approve: () => ({ approved: true }) } };

test("tokens stream, then the typed summary", async (t) => {
  const demo = use(t, await Demo.connect(up.url, yes, options));
  const stream = demo.llm.complete({ prompt: "How do tides work?", maxTokens: 8, seed: 1n });
  let text = "";
  let count = 0;
  for await (const token of stream) {
    text += token.text;
    count += 1;
  }
  const summary = await stream.result;
  assert.equal(count, 8);
  assert.equal(summary.completionTokens, 8);
  assert.equal(summary.finishReason, "length");
  assert.equal(summary.model, "fluxar-ngram");
  assert.ok(text.length > 8, text);
});

test("the model calls back in the middle of its answer", async (t) => {
  const asked = [];
  const approvals = {
    approve({ action }, context) {
      asked.push([action, context.target]);
      return { approved: asked.length > 0 };
    },
  };
  const demo = use(t, await Demo.connect(up.url, { approvals }, options));
  const stream = demo.llm.complete({ prompt: "tell me about the sea", approvals: true, seed: 7n });
  const summary = await stream.finish();
  assert.equal(asked.length, 1);
  assert.equal(asked[0][1], "approvals.approve");
  assert.ok(asked[0][0].length > 0);
  assert.equal(summary.finishReason, "stop");
});

test("a cancelled stream still has its summary", async (t) => {
  const demo = use(t, await Demo.connect(up.url, yes, options));
  const stream = demo.llm.complete({ prompt: "tell me everything", seed: 2n });
  let count = 0;
  for await (const _ of stream) if ((count += 1) === 3) stream.cancel();
  assert.equal(count, 3);
  assert.equal((await stream.result).finishReason, "cancelled");
});

test("an aborted signal ends the loop with its reason", async (t) => {
  const demo = use(t, await Demo.connect(up.url, yes, options));
  const controller = new AbortController();
  const stream = demo.llm.complete({ prompt: "tell me everything", seed: 2n }, { signal: controller.signal });
  await assert.rejects(async () => {
    for await (const _ of stream) controller.abort();
  }, { name: "AbortError" });
});

test("wrong parameters and deadlines have their codes", async (t) => {
  const demo = use(t, await Demo.connect(up.url, yes, options));
  await assert.rejects(demo.llm.complete({ prompt: "" }).finish(), failsWith("invalid_argument"));
  const late = demo.llm.complete({ prompt: "tell me everything", seed: 3n }, { timeoutMs: 30 });
  // Both sides keep the deadline, each by its own clock; where the node's is first, the model still says what there was.
  const outcome = await late.finish().catch((thrown) => thrown);
  assert.ok(outcome.code === "deadline_exceeded" || outcome.finishReason === "cancelled", String(outcome));
});

test("two clients share a typed topic", async (t) => {
  const one = use(t, await Demo.connect(up.url, yes, options));
  const two = use(t, await Demo.connect(up.url, yes, options));
  const room = "a.b c*ü";
  const heard = two.chat.subscribe({ room });
  const all = two.chat.subscribe();
  await Promise.all([heard.granted, all.granted]);
  one.chat.publish({ room: "elsewhere" }, { who: "one", text: "not here" });
  one.chat.publish({ room }, { who: "one", text: "hello" });
  const { key, value, topic } = await heard.next();
  assert.deepEqual([key, value], [{ room }, { who: "one", text: "hello" }]);
  assert.equal(topic, "demo.chat.a%2Eb%20c%2Aü");
  assert.deepEqual([(await all.next()).key.room, (await all.next()).key.room], ["elsewhere", room]);
  assert.throws(() => one.chat.publish({ room: "" }, { who: "one", text: "x" }), failsWith("invalid_argument"));
  heard.unsubscribe();
  assert.equal(await heard.next(), undefined);
});

test("an event that is of another type is counted, and harms nobody", async (t) => {
  const one = use(t, await Demo.connect(up.url, yes, options));
  const heard = one.chat.subscribe({ room: "odd" });
  await heard.granted;
  one.peer.publishBytes("demo.chat.odd", Uint8Array.of(0x01));
  one.chat.publish({ room: "odd" }, { who: "one", text: "right" });
  const { value, dropped } = await heard.next();
  assert.deepEqual([value.text, dropped], ["right", 1]);
});

test("a retained value is there for who comes later", async (t) => {
  const one = use(t, await Demo.connect(up.url, yes, options));
  one.chat.publish({ room: "kept" }, { who: "one", text: "still here" }, { retain: true });
  await one.peer.ping();
  const two = use(t, await Demo.connect(up.url, yes, options));
  const kept = await two.chat.subscribe({ room: "kept" }).next();
  assert.deepEqual([kept.value.text, kept.isRetained], ["still here", true]);
  two.chat.clear({ room: "kept" });
});

test("any program's answers come as values", async (t) => {
  const echo = await node("serve", "ws://127.0.0.1:0", "echo.say", "--exec", "cat");
  try {
    const peer = use(t, await Peer.connect(echo.url, options));
    const value = { a: [1, 2.5, null, true], text: "ü" };
    assert.deepEqual(await call(peer, { target: "echo.say", params: anyCodec, result: anyCodec }, value), value);
  } finally {
    await echo.stop();
  }
});

test("a token is asked for", async (t) => {
  const closed = await node("up", "--listen", "ws://127.0.0.1:0", "--token", "s3cret");
  try {
    await assert.rejects(Peer.connect(closed.url, options), failsWith("unauthenticated"));
    const peer = use(t, await Peer.connect(closed.url, { ...options, auth: async () => ({ scheme: "bearer", token: "s3cret" }) }));
    assert.equal(peer.state, "ready");
  } finally {
    await closed.stop();
  }
});

test("a node that comes back is dialed again, and subscriptions with it", async (t) => {
  const first = await node("serve", "ws://127.0.0.1:0");
  const peer = await Peer.connect(first.url, { ...options, reconnect: { firstMs: 5, longestMs: 50 } });
  const events = peer.subscribeBytes("news.*");
  await events.granted;
  const states = [];
  const isReady = new Promise((resolve) => peer.onState((state) => {
    states.push(state);
    if (state === "ready") resolve();
  }));
  await first.stop();
  const second = await node("serve", first.url);
  try {
    await isReady;
    assert.equal(states[0], "disconnected");
    // The subscription was asked for again when the session was ready, before this is.
    peer.publishBytes("news.today", Uint8Array.of(1));
    const { topic, payload } = await events.next();
    assert.deepEqual([topic, [...payload]], ["news.today", [1]]);
  } finally {
    await peer.close();
    await second.stop();
  }
});

test("the command calls a peer that listens in TypeScript", async (t) => {
  const any = { params: anyCodec, result: anyCodec, items: anyCodec };
  const routes = new Routes();
  serveUnary(routes, { target: "math.double", ...any }, (n) => 2 * n);
  serveOutput(routes, { target: "words.count", ...any }, true, async function* (count) {
    for (let n = 0; n < count; n += 1) yield `word ${n}`;
    return "done";
  });
  const handleProtocols = (offered) => offered.has("fluxar.1") && "fluxar.1";
  const listener = new WebSocketServer({ port: 0, host: "127.0.0.1", path: "/fluxar", perMessageDeflate: false, handleProtocols });
  listener.on("connection", (socket) => void Peer.accept(webSocketLink(socket), { routes, name: "typescript" }));
  t.after(() => listener.close());
  await new Promise((resolve) => listener.once("listening", resolve));
  const url = `ws://127.0.0.1:${listener.address().port}/fluxar`;
  const run = async (...args) => (await promisify(execFile)(process.env.FLUXAR_BIN, ["call", url, ...args])).stdout;
  assert.equal(await run("math.double", "21"), "42\n");
  assert.equal(await run("words.count", "2", "--stream"), '"word 0"\n"word 1"\n{"$result":"done"}\n');
});
