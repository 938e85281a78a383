// The cases of tests/vectors, and sessions that they are played against.
import { readFileSync, readdirSync } from "node:fs";
import { Broker } from "../dist/broker.js";
import { memoryLinks } from "../dist/link.js";
import { DEFAULT_LIMITS } from "../dist/limits.js";
import { Session } from "../dist/session.js";
import { Checked } from "../dist/cbor.js";

const ROOT = new URL("../../../../tests/vectors/", import.meta.url);

export function* cases(folder, file) {
  const names = file ? [`${file}.json`] : readdirSync(new URL(folder, ROOT)).sort();
  for (const name of names) {
    for (const entry of JSON.parse(readFileSync(new URL(`${folder}/${name}`, ROOT), "utf8"))) {
      yield { title: `${folder}/${name}: ${entry.name}`, ...entry };
    }
  }
}

export const bytes = (hex) => Uint8Array.from(Buffer.from(hex, "hex"));
export const hex = (data) => Buffer.from(data).toString("hex");

const snake = (name) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/** The limits of a case, under the names that this runtime has for them. */
export function limitsOf(entry) {
  const own = { ...DEFAULT_LIMITS };
  for (const name of Object.keys(own)) {
    const value = entry.limits?.[snake(name)];
    if (value !== undefined) own[name] = value;
  }
  if (own.messageBytesMax > own.reassemblyBytesMax) own.messageBytesMax = own.reassemblyBytesMax;
  return own;
}

const never = () => new Promise(() => {});
/** Takes every call and stream, and does nothing with them. */
const idle = { call: () => never, stream: () => never, missing: () => "" };

/** An acceptor whose far end the test holds: what it says, and which messages it took. */
export async function acceptor(entry) {
  const [near, far] = memoryLinks();
  const limits = limitsOf(entry);
  const session = new Session(far, {
    role: "acceptor", routes: idle, broker: new Broker(), instance: new Uint8Array(16), name: "acceptor", roles: [], limits, numbers: true,
  });
  const sent = [];
  near.onBytes = (data) => sent.push(data);
  const taken = [];
  const take = session.inbound.message.bind(session.inbound);
  session.inbound.message = (body, isVolatile, inFragments) => {
    taken.push(hex(body));
    take(body, isVolatile, inFragments);
  };
  if (entry.phase !== "handshake") {
    near.send(bytes(HELLO));
    await settle();
    near.send(bytes("00000009408701f602f6f6f6f6"));
    await settle();
    if (session.phase !== "ready") throw new Error("the handshake failed");
    sent.length = 0;
    taken.length = 0;
  }
  return { session, near, sent, taken };
}

const HELLO = [...cases("session", "exchanges")][0].steps[0].hex;

/** Lets everything that is due happen. */
export async function settle() {
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

/** The messages in some frames, as arrays of seven. */
export function messagesIn(parts) {
  const all = Buffer.concat(parts);
  const list = [];
  for (let at = 0; at < all.length; ) {
    const length = all.readUInt32BE(at);
    list.push(new Checked(Uint8Array.from(all.subarray(at + 5, at + 4 + length))).item());
    at += 4 + length;
  }
  return list;
}
