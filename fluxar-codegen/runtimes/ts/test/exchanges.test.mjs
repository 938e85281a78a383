// Whole sessions of tests/vectors/session/exchanges, with this runtime as the side that dials: the exact bytes that it sends.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Broker } from "../dist/broker.js";
import { Session } from "../dist/session.js";
import { Subscription } from "../dist/subscription.js";
import { memoryLinks } from "../dist/link.js";
import { DEFAULT_LIMITS } from "../dist/limits.js";
import { Checked } from "../dist/cbor.js";
import { decodeHello } from "../dist/hello.js";
import { bytes, cases, hex, settle } from "./vectors.mjs";

/** The application at the dialer: it does what the steps say. */
class Dialer {
  constructor(entry) {
    const [near, far] = memoryLinks();
    this.far = far;
    this.sent = [];
    far.onBytes = (data) => this.sent.push(data);
    this.pending = new Map();
    this.open = new Map();
    const offer = decodeHello(new Checked(bytes(entry.steps[0].hex).subarray(5)).item()[5], "offer");
    const routes = {
      call: (target) => () => new Promise((resolve) => this.pending.set(target, resolve)),
      stream: (target) => (_, channel) => new Promise((resolve) => this.pending.set(target, Object.assign(resolve, { channel }))),
      missing: () => "",
    };
    this.session = new Session(near, {
      role: "dialer",
      routes,
      broker: new Broker(),
      instance: offer.peer.instance,
      name: offer.peer.name,
      roles: offer.peer.roles,
      numbers: false,
      limits: { ...DEFAULT_LIMITS, ...offer.limits, heartbeatMs: offer.heartbeatMs },
      credential: offer.auth,
    });
  }

  act(step) {
    const payload = step.payload === undefined || step.payload === null ? undefined : bytes(step.payload);
    const { session } = this;
    const quiet = (promise) => promise.catch(() => {});
    switch (step.do) {
      case "call": {
        const controller = new AbortController();
        quiet(session.call(step.target, payload, { signal: controller.signal }, {}));
        return this.open.set(step.id, { cancel: () => controller.abort() });
      }
      case "notify":
        return session.notify(step.target, payload, {}, {});
      case "cancel":
        return this.open.get(step.id).cancel();
      case "respond":
        return [...this.pending.values()].at(-1)(payload);
      case "open":
        return this.open.set(step.id, session.stream(step.target, payload, step.half_closed, { credit: step.credit }, {}));
      case "consumed":
        return quiet(this.open.get(step.id).next());
      case "item":
        return [...this.pending.values()].at(-1).channel.send(payload);
      case "end":
        return [...this.pending.values()].at(-1)(payload);
      case "subscribe": {
        const home = { ask: (one) => session.subscriptions.ask(one), forget() {}, isLasting: false };
        return this.open.set(step.id, new Subscription(home, step.pattern, { credit: step.credit }));
      }
      case "unsubscribe":
        return this.open.get(step.id).unsubscribe();
      case "publish":
        return session.publish(step.topic, payload, {});
      case "ping":
        return quiet(session.ping());
      case "close":
        return void session.goodbye();
      default:
        throw new Error(`the test cannot ${step.do}`);
    }
  }

  /** The frames that were sent, each once. */
  takeFrame() {
    const frame = this.sent.shift();
    return frame === undefined ? "nothing" : hex(frame);
  }
}

for (const entry of cases("session", "exchanges")) {
  test(entry.name, async () => {
    const dialer = new Dialer(entry);
    for (const step of entry.steps) {
      if (step.at === "dialer" && step.do) dialer.act(step);
      else if (step.from === "acceptor") dialer.far.send(bytes(step.hex));
      await settle();
      if (step.from === "dialer") assert.equal(dialer.takeFrame(), step.hex);
      if (step.at === "dialer" && step.event === "closed") assert.equal(dialer.session.phase, "closed");
    }
    assert.deepEqual(dialer.sent.map(hex), [], "nothing else was sent");
    dialer.session.abort(new Error("done"));
  });
}
