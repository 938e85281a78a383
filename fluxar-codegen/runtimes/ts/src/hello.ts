/** The body of a HELLO (docs/spec/session.md). */

import { Writer } from "./bytes.js";
import { Checked, check, numbered, writeItem } from "./cbor.js";
import type { Item } from "./cbor.js";
import { PREAUTH_FRAME_BYTES_MAX } from "./limits.js";
import type { Limits } from "./limits.js";
import { byteLength } from "./meta.js";
import { Violation } from "./status.js";
import { encodeText } from "./utf8.js";

export const VERSION = 1;
/** Payloads whose records have numbers for keys. */
export const ENCODING_NUMBERS = 1;
const LIST_MAX = 16;
const TEXT_BYTES_MAX = 256;
const DATA_BYTES_MAX = 8192;

/** Who the other side is. */
export interface PeerInfo {
  readonly instance: Uint8Array;
  readonly name: string;
  readonly roles: readonly string[];
}

export interface Capabilities {
  readonly codecs: readonly number[];
  readonly seals: readonly number[];
  readonly resume: boolean;
  readonly qos: number;
  readonly encodings: readonly number[];
}

export interface Credential {
  readonly scheme: string;
  readonly data: Uint8Array;
}

export interface HelloBody {
  readonly versions: readonly number[];
  readonly peer: PeerInfo;
  readonly capabilities: Capabilities;
  readonly limits: Limits;
  readonly heartbeatMs: number;
  readonly auth?: Credential | undefined;
  readonly session?: Uint8Array | undefined;
}

const LIMIT_KEYS = [
  "frameBytesMax",
  "messageBytesMax",
  "callsMax",
  "streamsMax",
  "subscriptionsMax",
  "initialCredit",
  "groupsMax",
  "reassemblyBytesMax",
] as const satisfies readonly (keyof Limits)[];

export function encodeHello(body: HelloBody): Uint8Array {
  const { peer, capabilities, limits, auth } = body;
  const writer = new Writer();
  writeItem(
    writer,
    numbered([
      [0, body.versions],
      [1, numbered([[0, peer.instance], [1, peer.name], [2, peer.roles]])],
      [
        2,
        numbered([
          [0, capabilities.codecs],
          [1, capabilities.seals],
          [2, capabilities.resume],
          [3, capabilities.qos],
          [4, capabilities.encodings],
        ]),
      ],
      [3, numbered(LIMIT_KEYS.map((key, index) => [index, limits[key]] as const))],
      [4, body.heartbeatMs],
      [5, auth === undefined ? undefined : numbered([[0, auth.scheme], [1, auth.data.length > 0 ? auth.data : undefined]])],
      [6, body.session],
    ]),
  );
  return writer.take();
}

function missing(what: string): Violation {
  return new Violation("L4.body.1", `the HELLO body lacks a key, or a value has the wrong type: ${what}`);
}

function tooLong(what: string): Violation {
  return new Violation("L4.body.4", `too long in the HELLO body: ${what}`);
}

/** Takes a body; which keys it must not have depends on the form. */
export function decodeHello(bytes: Uint8Array, form: "offer" | "answer"): HelloBody {
  check(bytes);
  if (bytes.length > PREAUTH_FRAME_BYTES_MAX) throw tooLong("the body");
  const map = known(new Checked(bytes).item(), 7, "the body");
  const versions = uints(need(map, 0, "versions"), "versions");
  const peer = readPeer(known(need(map, 1, "peer"), 2, "peer"));
  const capabilities = readCapabilities(known(need(map, 2, "capabilities"), 4, "capabilities"));
  const limits = readLimits(known(need(map, 3, "limits"), 7, "limits"));
  const heartbeatMs = uint(need(map, 4, "heartbeat_ms"), "heartbeat_ms");
  const auth = map.has(5) ? readAuth(known(map.get(5)!, 1, "auth")) : undefined;
  const session = map.has(6) ? bstr(map.get(6)!, "session", 16) : undefined;
  // For challenges, which this runtime neither makes nor takes.
  if (map.has(7)) bstr(map.get(7)!, "nonce", 32);
  else if (auth?.scheme === "challenge" && auth.data.length === 32) throw new Violation("L4.challenge.1", "a challenge needs a nonce");
  if (form === "answer" && session === undefined) throw missing("session");
  if (form === "answer" ? auth !== undefined : session !== undefined) {
    throw new Violation("L4.body.2", "the HELLO body has a key that belongs to another HELLO");
  }
  return { versions, peer, capabilities, limits, heartbeatMs, auth, session };
}

/** A map with uint keys; unknown ones are refused or ignored [L4.body.3]. */
function known(item: Item, highest: number, what: string): ReadonlyMap<Item, Item> {
  if (!(item instanceof Map)) throw missing(what);
  for (const key of (item as ReadonlyMap<Item, Item>).keys()) {
    if ((typeof key !== "number" && typeof key !== "bigint") || key < 0) throw missing(`a key of ${what}`);
    if ((key > highest && key < 32) || key > 63) {
      throw new Violation("L4.body.3", "the HELLO body has an unknown key below 32 or above 63");
    }
  }
  return item as ReadonlyMap<Item, Item>;
}

function need(map: ReadonlyMap<Item, Item>, key: number, what: string): Item {
  const value = map.get(key);
  if (value === undefined) throw missing(what);
  return value;
}

/** What may be left out; null is not that. */
function may(map: ReadonlyMap<Item, Item>, key: number, otherwise: Item): Item {
  const value = map.get(key);
  return value === undefined ? otherwise : value;
}

function uint(item: Item, what: string): number {
  if ((typeof item !== "number" && typeof item !== "bigint") || item < 0) throw missing(what);
  return Math.min(Number(item), 2 ** 32 - 1);
}

function uints(item: Item, what: string): readonly number[] {
  if (!Array.isArray(item)) throw missing(what);
  const list = item.map((part: Item) => uint(part, what));
  if (list.length > LIST_MAX) throw tooLong(what);
  return list;
}

function text(item: Item, what: string): string {
  if (typeof item !== "string") throw missing(what);
  if (byteLength(item) > TEXT_BYTES_MAX) throw tooLong(what);
  return item;
}

function bstr(item: Item, what: string, length?: number): Uint8Array {
  if (!(item instanceof Uint8Array) || (length !== undefined && item.length !== length)) throw missing(what);
  return item.slice();
}

function readPeer(map: ReadonlyMap<Item, Item>): PeerInfo {
  const roles = may(map, 2, []);
  if (!Array.isArray(roles)) throw missing("roles");
  const texts = roles.map((role: Item) => text(role, "roles"));
  if (texts.length > LIST_MAX) throw tooLong("roles");
  return {
    instance: bstr(need(map, 0, "instance"), "instance", 16),
    name: text(need(map, 1, "name"), "name"),
    roles: texts,
  };
}

function readCapabilities(map: ReadonlyMap<Item, Item>): Capabilities {
  const resume = may(map, 2, false);
  if (typeof resume !== "boolean") throw missing("resume");
  return {
    codecs: uints(may(map, 0, []), "codecs"),
    seals: uints(may(map, 1, []), "seals"),
    resume,
    qos: uint(may(map, 3, 0), "qos"),
    encodings: uints(may(map, 4, []), "encodings"),
  };
}

function readLimits(map: ReadonlyMap<Item, Item>): Limits {
  const [frameBytesMax, messageBytesMax, callsMax, streamsMax, subscriptionsMax, initialCredit, groupsMax, reassemblyBytesMax] =
    LIMIT_KEYS.map((name, key) => uint(need(map, key, name), name)) as [
      number, number, number, number, number, number, number, number,
    ];
  const limits: Limits = {
    frameBytesMax, messageBytesMax, callsMax, streamsMax, subscriptionsMax, initialCredit, groupsMax, reassemblyBytesMax,
  };
  const works =
    frameBytesMax >= 1024 &&
    messageBytesMax >= 1024 &&
    groupsMax >= 1 &&
    initialCredit >= 1 &&
    initialCredit < 2 ** 31 &&
    reassemblyBytesMax >= messageBytesMax;
  if (!works) throw new Violation("L4.body.5", "a limit in HELLO is below the least that works");
  return limits;
}

function readAuth(map: ReadonlyMap<Item, Item>): Credential {
  const scheme = text(need(map, 0, "scheme"), "scheme");
  const data = map.has(1) ? bstr(map.get(1)!, "data") : new Uint8Array();
  if (data.length > DATA_BYTES_MAX) throw tooLong("data");
  return { scheme, data };
}

/** What to present to the acceptor. */
export type Auth =
  | { readonly scheme: "bearer"; readonly token: string }
  | { readonly scheme: "basic"; readonly user: string; readonly password: string }
  | { readonly scheme: "api_key"; readonly key: string };

/** A credential as it travels. */
export function credentialOf(auth: Auth): Credential {
  if (auth.scheme === "basic" && auth.user.includes(":")) throw new TypeError("a user of `basic` has no colon");
  const secret =
    auth.scheme === "bearer" ? auth.token : auth.scheme === "basic" ? `${auth.user}:${auth.password}` : auth.key;
  const data = encodeText(secret);
  if (data === undefined || data.length > DATA_BYTES_MAX) throw new TypeError("a credential is at most 8,192 bytes of text");
  return { scheme: auth.scheme, data };
}
