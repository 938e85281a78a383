// Runs through everything that the spec offers against a node: `main.mjs URL [TOKEN]`.
// The node is that of tests/conformance/client.rs. Says each step that went well.
import assert from "node:assert/strict";
import {
  FluxarError, Peer, anyCodec, call, clientStream, decode, duplex, encode, notify, serveOutput, serveUnary, serverStream, unitCodec,
} from "../../../fluxar-codegen/runtimes/ts/fluxar.js";

const any = { params: anyCodec, result: anyCodec, items: anyCodec, input: anyCodec };
const method = (target, extra = {}) => ({ target, ...any, ...extra });
const said = (step) => console.log(step);

async function fails(code, work) {
  try {
    await work;
  } catch (thrown) {
    assert.ok(thrown instanceof FluxarError, String(thrown));
    assert.equal(thrown.code, code, thrown.message);
    return thrown;
  }
  throw new Error(`did not fail with ${code}`);
}

async function calls(peer) {
  const double = (n) => call(peer, method("math.double"), n);
  assert.equal(await double(21), 42);
  assert.equal(await call(peer, method("text.length"), "x".repeat(100_000)), 100_000);
  assert.equal(await call(peer, method("text.repeat"), 70_000), "x".repeat(70_000));
  said("calls, whole and in fragments");
  assert.deepEqual(await Promise.all(Array.from({ length: 200 }, (_, n) => double(n))), Array.from({ length: 200 }, (_, n) => 2 * n));
  said("200 calls at once");
  await fails("unimplemented", call(peer, method("no.such"), 1));
  assert.ok((await fails("invalid_argument", double("one"))).message);
  await fails("invalid_argument", call(peer, method("math..double"), 1));
  await fails("internal", call(peer, method("bad.panics"), 1));
  assert.equal((await fails("not_found", call(peer, method("bad.fails"), 1))).message, "no such thing");
  assert.equal(await double(1), 2);
  said("errors have their codes");
}

async function bothDirections(peer) {
  serveUnary(peer, method("tools.approve"), (amount, ctx) => call(ctx.peer, method("math.double"), amount));
  serveUnary(peer, method("tools.fail"), () => {
    throw new FluxarError("already_exists", "twice");
  });
  const ask = (target) => call(peer, method("ask.back"), { target, amount: 4 });
  assert.equal(await ask("tools.approve"), 8);
  await fails("already_exists", ask("tools.fail"));
  await fails("unimplemented", ask("tools.none"));
  said("the node calls back");
  serveOutput(peer, method("tools.squares"), true, async function* (count) {
    for (let n = 0; n < count; n += 1) yield n * n;
    return "done";
  });
  assert.equal(await call(peer, method("ask.squares"), 100), 328_350);
  said("the node opens a stream here");
}

async function cancelling(peer) {
  await fails("deadline_exceeded", call(peer, method("slow.work"), null, { timeoutMs: 50 }));
  const controller = new AbortController();
  const work = call(peer, method("slow.work"), null, { signal: controller.signal });
  await peer.ping();
  controller.abort();
  await assert.rejects(work, { name: "AbortError" });
  said("deadlines and cancelling");
}

async function streams(peer) {
  const words = serverStream(peer, method("words.count"), 500, { credit: 64 });
  const list = [];
  for await (const word of words) list.push(word);
  assert.deepEqual(list, Array.from({ length: 500 }, (_, n) => `word ${n}`));
  assert.equal(await words.result, 500);
  said("a stream of 500 items with a window of 64 bytes, then a result");

  function* texts() {
    for (let n = 0; n < 20_000; n += 1) yield "y".repeat(40);
  }
  assert.equal(await clientStream(peer, method("sum.up"), null, texts()), 800_000);
  said("a stream of 20,000 items to the node, more than its window");

  const echo = duplex(peer, method("chat.echo", { result: unitCodec }), null, ["one", "two", "z".repeat(40_000)]);
  const back = [];
  for await (const text of echo) back.push(text);
  assert.deepEqual(back, ["ONE", "TWO", "Z".repeat(40_000)]);
  said("a stream both ways, one item in fragments");

  const forever = serverStream(peer, method("words.forever"), null);
  for (let n = 0; n < 10; n += 1) await forever.next();
  forever.cancel();
  assert.equal(await forever.result, "stopped");
  said("a cancelled stream still gives its result");

  await fails("unimplemented", serverStream(peer, method("no.such"), null).result);
  said("a refused stream");
}

async function topics(peer) {
  const publish = (topic, value, options) => {
    peer.publishBytes(topic, encodeAny(value), options);
  };
  publish("orders.last", "before", { retain: true });
  await peer.ping();
  const orders = peer.subscribeBytes("orders.*");
  await orders.granted;
  const seen = async (subscription) => {
    const { topic, payload, isRetained } = await subscription.next();
    return [topic, decodeAny(payload), isRetained];
  };
  assert.deepEqual(await seen(orders), ["orders.last", "before", true]);
  publish("orders.created", { id: 7 });
  assert.deepEqual(await seen(orders), ["orders.created", { id: 7 }, false]);
  publish("other.created", 1);
  orders.unsubscribe();
  publish("orders.created", 8);
  const exact = peer.subscribeBytes("log.lines", { credit: 100 });
  await exact.granted;
  notify(peer, method("log.line"), "hello");
  assert.deepEqual(await seen(exact), ["log.lines", "hello", false]);
  for (let n = 0; n < 300; n += 1) {
    publish("log.lines", `line ${n}`);
    assert.deepEqual(await seen(exact), ["log.lines", `line ${n}`, false]);
  }
  exact.unsubscribe();
  assert.equal(await orders.next(), undefined);
  await assert.rejects(async () => peer.subscribeBytes("a.>.b").granted, /topic pattern/);
  said("topics: wildcards, retained values, notifications, credit");
}

const encodeAny = (value) => encode(anyCodec, value, false);
const decodeAny = (payload) => decode(anyCodec, payload);

const [url, token] = process.argv.slice(2);
try {
  const peer = await Peer.connect(url, {
    name: "stranger",
    reconnect: false,
    ...(token === undefined ? {} : { auth: { scheme: "bearer", token } }),
  });
  said(`ready: ${peer.remote.name}`);
  assert.ok((await peer.ping()) < 5000);
  if (token !== undefined) {
    await fails("permission_denied", call(peer, method("bad.panics"), 1));
    assert.equal(await call(peer, method("math.double"), 4), 8);
    await peer.close();
    said("rights");
  } else {
    await calls(peer);
    await bothDirections(peer);
    await cancelling(peer);
    await streams(peer);
    await topics(peer);
    const last = call(peer, method("slow.answer"), 5);
    await peer.ping();
    const closing = peer.close();
    assert.equal(await last, 5);
    await closing;
    assert.equal(await peer.closed, undefined);
    said("goodbye, after what was open");
  }
} catch (thrown) {
  said(`failed: ${thrown.code ?? "error"}`);
  console.error(thrown);
  process.exitCode = 1;
}
