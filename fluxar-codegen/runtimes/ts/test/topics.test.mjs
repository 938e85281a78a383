// Subscriptions of the other side, at this one: what patterns.md says of topics.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { Broker, FluxarError, Peer, memoryLinks } from "../dist/index.js";

const peers = [];
after(() => peers.forEach((peer) => peer.abort()));

async function pair(options = {}) {
  const [near, far] = memoryLinks();
  const [dialer, acceptor] = await Promise.all([
    Peer.over(near, { name: "dialer", ...options.dialer }),
    Peer.accept(far, { name: "acceptor", ...options.acceptor }),
  ]);
  peers.push(dialer, acceptor);
  return { dialer, acceptor };
}

const text = (event) => Buffer.from(event.payload).toString();
const bytes = (value) => Uint8Array.from(Buffer.from(value));

async function take(subscription, count) {
  const events = [];
  while (events.length < count) events.push(await subscription.next());
  return events;
}

const failsWith = (code) => (thrown) => {
  assert.ok(thrown instanceof FluxarError, String(thrown));
  assert.equal(thrown.code, code, thrown.message);
  return true;
};

test("either side takes subscriptions, and gets what is published there by anybody [L5.topic.2]", async () => {
  const { dialer, acceptor } = await pair();
  for (const [here, there] of [[dialer, acceptor], [acceptor, dialer]]) {
    const one = there.subscribeBytes("orders.*.new");
    const rest = there.subscribeBytes("orders.>");
    const own = here.broker.subscribeBytes("orders.eu.new");
    await Promise.all([one.granted, rest.granted, own.granted]);
    here.broker.publishBytes("orders.eu.new", bytes("a"), { meta: { who: "me" } });
    here.broker.publishBytes("orders.eu.old.too", bytes("b"));
    here.broker.publishBytes("orders", bytes("no"));
    there.publishBytes("orders.eu.new", bytes("c"), { meta: { who: "they" } });
    assert.deepEqual((await take(one, 2)).map((event) => [event.topic, text(event), event.meta.get("who")]), [
      ["orders.eu.new", "a", "me"], ["orders.eu.new", "c", "they"],
    ]);
    assert.deepEqual((await take(rest, 3)).map(text), ["a", "b", "c"]);
    assert.deepEqual((await take(own, 2)).map((event) => [event.topic, text(event)]), [["orders.eu.new", "a"], ["orders.eu.new", "c"]]);
  }
});

test("a kept value comes first to who subscribes later, and an empty one removes it [L5.retain.1, L5.retain.2]", async () => {
  const { dialer, acceptor } = await pair();
  acceptor.broker.publishBytes("state.a", bytes("old"), { retain: true });
  acceptor.broker.publishBytes("state.a", bytes("kept"), { retain: true });
  dialer.publishBytes("state.b", bytes("gone"), { retain: true });
  dialer.publishBytes("state.b", new Uint8Array(), { retain: true });
  await dialer.ping();
  const grouped = dialer.subscribeBytes("state.*", { group: "g" });
  const late = dialer.subscribeBytes("state.*");
  await Promise.all([late.granted, grouped.granted]);
  acceptor.broker.publishBytes("state.a", bytes("live"));
  const events = await take(late, 2);
  assert.deepEqual(events.map((event) => [text(event), event.isRetained]), [["kept", true], ["live", false]]);
  assert.deepEqual((await take(grouped, 1)).map(text), ["live"]);
});

test("what is kept is bounded, and the value before stays [L5.retain.3]", async (t) => {
  const warned = t.mock.method(console, "warn", () => {});
  const broker = new Broker({ retainedMax: 1, retainedBytesMax: 200 });
  broker.publishBytes("a", bytes("1"), { retain: true });
  assert.throws(() => broker.publishBytes("b", bytes("2"), { retain: true }), failsWith("resource_exhausted"));
  assert.throws(() => broker.publishBytes("a", new Uint8Array(200), { retain: true }), failsWith("resource_exhausted"));
  const meta = { a: "", b: "", c: "" };
  assert.throws(() => broker.publishBytes("a", bytes("1"), { retain: true, meta }), failsWith("resource_exhausted"), "entries take room");
  const { dialer } = await pair({ acceptor: { broker } });
  const live = dialer.subscribeBytes("b");
  await live.granted;
  dialer.publishBytes("b", bytes("3"), { retain: true });
  assert.deepEqual((await take(live, 1)).map(text), ["3"], "it is delivered all the same");
  assert.deepEqual(warned.mock.calls.map((call) => call.arguments), [["fluxar: no more values are kept, not that of b either"]]);
  live.unsubscribe();
  await dialer.close();
  const all = broker.subscribeBytes(">");
  assert.deepEqual((await take(all, 1)).map(text), ["1"]);
  broker.close();
  assert.equal(await all.next(), undefined);
  assert.equal(broker.exact.size + broker.wild.size + broker.outlet.subscribers.size, 0, "it holds none of them");
  assert.throws(() => broker.subscribeBytes("a"), failsWith("unavailable"));
});

test("what a publisher says beside an event comes with it, kept or not, and costs credit [L5.carry.1, L5.credit.2]", async () => {
  const { dialer, acceptor } = await pair();
  const meta = { trace: "v".repeat(1900), by: "ann" };
  const size = 32 + 1 + (1 + 5) + (3 + 1900) + (1 + 2) + (1 + 3);
  const own = acceptor.broker.subscribeBytes("a.b");
  const slow = dialer.subscribeBytes("a.b", { credit: 2 * size + 1, overflow: "drop_newest" });
  await Promise.all([own.granted, slow.granted]);
  for (let n = 0; n < 3; n += 1) acceptor.broker.publishBytes("a.b", bytes(String(n)), { meta, retain: true });
  await dialer.ping();
  assert.deepEqual((await take(own, 3)).map((event) => [...event.meta]), Array(3).fill(Object.entries(meta)));
  assert.equal(slow.queue.length, 3, "one more byte of credit is one more event");
  acceptor.broker.publishBytes("a.b", bytes("late"));
  await dialer.ping();
  assert.equal(slow.queue.length, 3, "and then there is none");
  const got = await take(slow, 4);
  assert.deepEqual(got.map((event) => [text(event), event.meta.get("by")]), [["0", "ann"], ["1", "ann"], ["2", "ann"], ["late", undefined]]);
  const later = dialer.subscribeBytes("a.*");
  const [kept] = await take(later, 1);
  assert.deepEqual([kept.isRetained, kept.meta.get("trace")?.length], [true, 1900]);
});

test("a publication with more entries than a delivery has room for is dropped [L5.carry.1]", async () => {
  const { dialer, acceptor } = await pair();
  const all = acceptor.broker.subscribeBytes("*");
  await all.granted;
  const { send } = dialer.session;
  const publish = (count) => {
    const meta = new Map(Array.from({ length: count }, (_, n) => [`k${n}`, "v"]));
    send.call(dialer.session, { kind: 5, target: "t", meta, payload: bytes(String(count)) });
  };
  publish(49);
  publish(48);
  assert.deepEqual((await take(all, 1)).map(text), ["48"]);
});

test("of a group one gets each event, by turns, over all sessions of a broker", async () => {
  const broker = new Broker();
  const { dialer: one } = await pair({ acceptor: { broker } });
  const { dialer: two } = await pair({ acceptor: { broker } });
  const subscriptions = [one.subscribeBytes("jobs.*", { group: "g" }), two.subscribeBytes("jobs.>", { group: "g" })];
  await Promise.all(subscriptions.map(({ granted }) => granted));
  for (let n = 0; n < 6; n += 1) broker.publishBytes("jobs.x", bytes(String(n)));
  const got = await Promise.all(subscriptions.map((subscription) => take(subscription, 3)));
  assert.deepEqual(got.map((events) => events.map(text)), [["0", "2", "4"], ["1", "3", "5"]]);
});

test("events wait for credit within a bound, and the next one says how many were dropped [L5.overflow.1]", async () => {
  const limits = { subscriptionBytesMax: 300 };
  for (const [overflow, want] of [
    ["drop_oldest", [["0", 0], ["6", 5], ["7", 0], ["8", 0], ["9", 0]]],
    ["drop_newest", [["0", 0], ["1", 5], ["2", 0], ["3", 0], ["4", 0]]],
    ["latest", [["0", 0], ["9", 8]]],
  ]) {
    const { dialer, acceptor } = await pair({ acceptor: { limits } });
    const slow = dialer.subscribeBytes("t", { credit: 1, overflow });
    const quick = dialer.subscribeBytes("t");
    await Promise.all([slow.granted, quick.granted]);
    for (let n = 0; n < 10; n += 1) acceptor.broker.publishBytes("t", bytes(String(n)));
    // Who takes nothing delays nobody [L5.overflow.2].
    assert.equal((await take(quick, 10)).length, 10);
    const got = await take(slow, want.length);
    assert.deepEqual(got.map((event) => [text(event), event.dropped]), want, overflow);
  }
});

test("a slow subscriber that asked for it is disconnected", async () => {
  const { dialer, acceptor } = await pair({ acceptor: { limits: { subscriptionBytesMax: 200 } } });
  const slow = dialer.subscribeBytes("t", { credit: 1, overflow: "disconnect" });
  await slow.granted;
  for (let n = 0; n < 10; n += 1) acceptor.broker.publishBytes("t", bytes(String(n)));
  assert.equal(text(await slow.next()), "0");
  await assert.rejects(slow.next(), failsWith("resource_exhausted"));
});

test("all queues of a session are bounded together, and free again at their end", async () => {
  const limits = { subscriptionBytesMax: 1000, sessionQueueBytesMax: 1000 };
  const { dialer, acceptor } = await pair({ acceptor: { limits } });
  const big = dialer.subscribeBytes("big", { credit: 0 });
  const small = dialer.subscribeBytes("small", { credit: 0 });
  await Promise.all([big.granted, small.granted]);
  acceptor.broker.publishBytes("big", new Uint8Array(900));
  acceptor.broker.publishBytes("small", bytes("lost"));
  big.unsubscribe();
  await dialer.ping();
  acceptor.broker.publishBytes("small", bytes("kept"));
  small.unsubscribe();
  await dialer.ping();
  assert.equal(acceptor.session.feeds.queuedBytes, 0);
});

test("subscriptions are bounded, and refused above that [L5.topic.6]", async () => {
  const { dialer } = await pair({ acceptor: { limits: { subscriptionsMax: 3, wildcardsMax: 1 } } });
  const first = dialer.subscribeBytes("a.*");
  await first.granted;
  await assert.rejects(dialer.subscribeBytes("b.>").granted, failsWith("resource_exhausted"));
  first.unsubscribe();
  await dialer.subscribeBytes("b.>").granted;
  for (const pattern of ["a", "b"]) await dialer.subscribeBytes(pattern).granted;
  await assert.rejects(dialer.subscribeBytes("c").granted, failsWith("resource_exhausted"));
});

test("nothing is delivered after the end of a subscription, or of its session", async () => {
  const broker = new Broker();
  const { dialer, acceptor } = await pair({ acceptor: { broker } });
  const left = dialer.subscribeBytes("t");
  const kept = dialer.subscribeBytes("t");
  await Promise.all([left.granted, kept.granted]);
  left.unsubscribe();
  broker.publishBytes("t", bytes("a"));
  assert.equal(await left.next(), undefined);
  assert.equal(text(await kept.next()), "a");
  await dialer.close();
  await acceptor.closed;
  broker.publishBytes("t", bytes("b"));
  assert.equal(await kept.next(), undefined);
  // The broker holds nothing of the session any more.
  assert.equal(broker.exact.size, 0);
});

test("events that are more than the link takes wait their turn, in order [L5.topic.4]", async () => {
  const { dialer, acceptor } = await pair();
  const one = dialer.subscribeBytes("t", { credit: 8 << 20 });
  const two = dialer.subscribeBytes("*", { credit: 8 << 20 });
  await Promise.all([one.granted, two.granted]);
  const payload = new Uint8Array(4000);
  for (let n = 0; n < 100; n += 1) {
    new DataView(payload.buffer).setUint32(0, n);
    acceptor.broker.publishBytes("t", payload);
  }
  for (const subscription of [one, two]) {
    const events = await take(subscription, 100);
    assert.deepEqual(events.map(({ payload: got }) => new DataView(got.buffer, got.byteOffset).getUint32(0)), [...events.keys()]);
    assert.ok(events.every(({ dropped }) => dropped === 0));
  }
});

test("a program's own subscription is bounded by its credit, and asks nobody", async () => {
  const broker = new Broker();
  const own = broker.subscribeBytes("t", { credit: 1, overflow: "latest" });
  await own.granted;
  for (let n = 0; n < 5; n += 1) broker.publishBytes("t", bytes(String(n)));
  const got = await take(own, 2);
  assert.deepEqual(got.map((event) => [text(event), event.dropped]), [["0", 0], ["4", 3]]);
  broker.publishBytes("t", bytes("late"));
  own.unsubscribe();
  assert.equal(await own.next(), undefined);
});
