// Vectors of what this runtime does not do: it reads them, and passes over or refuses what the spec says that one may.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { Broker } from "../dist/broker.js";
import { decodeEnvelope } from "../dist/envelope.js";
import { formOf } from "../dist/forms.js";
import { FrameReader } from "../dist/frame.js";
import { decodeHello } from "../dist/hello.js";
import { DEFAULT_LIMITS } from "../dist/limits.js";
import { memoryLinks } from "../dist/link.js";
import { Session } from "../dist/session.js";
import { acceptor, bytes, cases, hex, messagesIn, settle } from "./vectors.mjs";

const SEALED = JSON.parse(readFileSync(new URL("../../../../tests/vectors/seal/sessions.json", import.meta.url), "utf8")).sessions;

/** The first message of some frames: its form, and its body if that is an offer's or an answer's. */
function read(data) {
  const frames = [];
  new FrameReader(DEFAULT_LIMITS).feed(bytes(data), (frame) => frames.push(frame) < 1);
  const message = decodeEnvelope(frames[0].body);
  const form = formOf(message);
  const isBody = form === "offer" || form === "answer";
  return { form, message, body: isBody ? decodeHello(message.payload, form) : undefined };
}

/** What a dialer of ours, or an acceptor, says to some frames; and the rule that it finds broken. */
async function said(party, ...frames) {
  for (const frame of frames) {
    party.near.send(bytes(frame));
    await settle();
  }
  const messages = messagesIn(party.sent);
  const goodbye = messages.find(([kind, , , , , , error]) => kind === 7 && error);
  const { phase } = party.session;
  party.session.abort(new Error("done"));
  return { messages, phase, broken: goodbye?.[6].get(1).match(/^\[([^\]]+)\]/)[1] };
}

async function dialer() {
  const [near, far] = memoryLinks();
  const routes = { call: () => undefined, stream: () => undefined, missing: () => "" };
  const session = new Session(far, {
    role: "dialer", routes, broker: new Broker(), instance: new Uint8Array(16), name: "", roles: [], limits: DEFAULT_LIMITS, numbers: true,
  });
  const sent = [];
  near.onBytes = (data) => sent.push(data);
  await settle();
  sent.length = 0;
  return { session, near, sent };
}

const fresh = () => acceptor({ phase: "handshake" });

test("sessions that resume are read, and go on as if that had not been offered [L4.resume.1]", async () => {
  let count = 0;
  for (const { title, steps } of cases("resume")) {
    count += 1;
    const all = steps.map((step) => read(step.hex));
    assert.deepEqual(all.map(({ form }) => form), ["offer", "answer", "confirm", "notification", "offer", "answer", "confirm"], title);
    for (const { body } of all) if (body !== undefined) assert.ok(body.capabilities.resume, title);
    assert.equal(hex(all[1].body.session), hex(all[5].body.session), title);
    const [offer, answer, confirm, note, claim, , proof] = steps.map((step) => step.hex);
    const plain = await fresh();
    const first = await said(plain, offer, confirm, note);
    assert.deepEqual([first.broken, first.phase], [undefined, "ready"], title);
    assert.equal(plain.taken.length, 3, title);
    const body = decodeHello(first.messages[0][5], "answer");
    assert.deepEqual([first.messages.length, body.capabilities.resume], [1, false], title);
    assert.deepEqual(await said(await fresh(), claim).then(({ broken, phase }) => [broken, phase]), [undefined, "handshake"], title);
    // No proof was due.
    assert.equal((await said(await fresh(), claim, proof)).broken, "L3.hello.3", title);
    // Nothing was offered that could be resumed.
    assert.equal((await said(await dialer(), answer)).broken, "L4.caps.1", title);
    // What is sent again has its number, and a session of ours has none.
    const again = proof.slice(2 * (4 + parseInt(proof.slice(0, 8), 16)));
    assert.equal((await said(await acceptor({}), again)).broken, "L1.flags.4", title);
  }
  assert.ok(count > 1);
});

test("HELLOs that seal are read, and go on as if that had not been offered; sealed frames are refused [L1.flags.3]", async () => {
  for (const { name, seal, offer, answer, confirm, welcome, call } of SEALED) {
    const [asked, chosen, last] = [offer, answer, confirm].map(read);
    assert.deepEqual([asked.form, chosen.form, last.form], ["offer", "answer", "confirm"], name);
    assert.deepEqual([asked.body.capabilities.seals, chosen.body.capabilities.seals], [[seal], [seal]], name);
    const plain = await said(await fresh(), offer);
    assert.deepEqual([plain.broken, plain.phase], [undefined, "handshake"], name);
    assert.deepEqual(decodeHello(plain.messages[0][5], "answer").capabilities.seals, [], name);
    assert.equal((await said(await fresh(), offer, confirm)).broken, "L3.hello.3", name);
    assert.equal((await said(await dialer(), answer)).broken, "L4.caps.1", name);
    for (const record of [welcome, call]) assert.equal((await said(await acceptor({}), record)).broken, "L1.flags.3", name);
  }
  assert.equal(SEALED.length, 12);
});
