/** From a link to a session: who offers what, and what came of it (docs/spec/session.md, Handshake). */

import { ENCODING_NUMBERS, VERSION, decodeHello } from "./hello.js";
import type { Capabilities, Credential, HelloBody, PeerInfo } from "./hello.js";
import type { OwnLimits } from "./limits.js";
import { FluxarError, Violation } from "./status.js";

/** Who we are, and what we take. */
export interface Introduction {
  readonly instance: Uint8Array;
  readonly name: string;
  readonly roles: readonly string[];
  readonly limits: OwnLimits;
  /** Whether payloads may have numbers for keys. */
  readonly numbers: boolean;
}

/** Decides on a credential, on the accepting side. An error refuses it [L4.auth.1]; what it gives is the name of who it is. */
export type Authenticate = (credential: Credential, peer: PeerInfo) => Promise<string | void> | string | void;

/** What was decided: a refusal, or who it is if that has a name. */
export interface Verdict {
  readonly refusal?: FluxarError | undefined;
  readonly identity?: string | undefined;
}

export function capabilities(numbers: boolean): Capabilities {
  return { codecs: [], seals: [], resume: false, qos: 0, encodings: numbers ? [ENCODING_NUMBERS] : [] };
}

/** The body of our offer or answer. */
export function ownBody(who: Introduction, extra: Pick<HelloBody, "auth" | "session">, numbers: boolean): HelloBody {
  return {
    versions: [VERSION],
    peer: { instance: who.instance, name: who.name, roles: who.roles },
    capabilities: capabilities(numbers),
    limits: who.limits,
    heartbeatMs: who.limits.heartbeatMs,
    ...extra,
  };
}

/** What an offer asks for. */
export function takeOffer(payload: Uint8Array): HelloBody {
  return decodeHello(payload, "offer");
}

/** No version in common: told to the other side in an answer. */
function versionRefusal(offer: HelloBody): FluxarError | undefined {
  if (offer.versions.includes(VERSION)) return undefined;
  return new FluxarError("unimplemented", "[L4.version.1] no common protocol version: this side speaks version 1");
}

/** Whether an offer is taken, by its version and its credential [L4.auth.1]; not when nobody decided for so long [L4.reauth.3]. */
export async function verdict(
  offer: HelloBody,
  authenticate: Authenticate | undefined,
  limitMs: number | undefined,
): Promise<Verdict> {
  const refusal = versionRefusal(offer);
  if (refusal !== undefined || authenticate === undefined) return { refusal };
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<Verdict>((resolve) => {
    const refusal = new FluxarError("deadline_exceeded", "[L4.reauth.3] nobody decided in time");
    if (limitMs !== undefined) timer = setTimeout(() => resolve({ refusal }), limitMs);
  });
  const decision = async () => authenticate(offer.auth ?? { scheme: "none", data: new Uint8Array() }, offer.peer);
  const decided = decision().then(
    // In plain JavaScript it may be anything: only a text is a name, and what is none must not be one that many share.
    (identity): Verdict => ({ identity: typeof identity === "string" ? identity : undefined }),
    (): Verdict => ({ refusal: new FluxarError("unauthenticated", "[L4.auth.1] no valid credential") }),
  );
  try {
    return await Promise.race([decided, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** The answer to our offer; whether records may travel with numbers is among its capabilities. */
export function takeAnswer(payload: Uint8Array, numbersOffered: boolean): HelloBody {
  const body = decodeHello(payload, "answer");
  if (body.versions.length !== 1 || body.versions[0] !== VERSION) {
    throw new Violation("L4.version.1", "no common protocol version: this side speaks version 1", "unimplemented");
  }
  const { codecs, seals, resume, qos, encodings } = body.capabilities;
  const isOffered =
    codecs.length === 0 &&
    seals.length === 0 &&
    !resume &&
    qos === 0 &&
    encodings.every((encoding) => numbersOffered && encoding === ENCODING_NUMBERS);
  if (!isOffered) throw new Violation("L4.caps.1", "the answer's capabilities must be among the offered");
  return body;
}

/** Whether both sides list numbers for keys. */
export function knowsNumbers(own: boolean, theirs: Capabilities): boolean {
  return own && theirs.encodings.includes(ENCODING_NUMBERS);
}

/** Random bytes for ids. */
export function randomBytes(length: number): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(length));
}
