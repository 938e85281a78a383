/** What one side takes (docs/spec/limits.md). */

/** Limits that HELLO declares to the other side, which keeps to them [L4.limits.1]. */
export interface Limits {
  readonly frameBytesMax: number;
  readonly messageBytesMax: number;
  readonly callsMax: number;
  readonly streamsMax: number;
  readonly subscriptionsMax: number;
  readonly initialCredit: number;
  readonly groupsMax: number;
  readonly reassemblyBytesMax: number;
}

/** Limits that only this side knows. */
export interface OwnLimits extends Limits {
  readonly budgetBurst: number;
  readonly handshakeTimeoutMs: number;
  readonly heartbeatMs: number;
  readonly drainTimeoutMs: number;
  readonly cancelGraceMs: number;
  readonly stallTimeoutMs: number;
  readonly sessionCreditMax: number;
  readonly wildcardsMax: number;
  readonly subscriptionBytesMax: number;
  readonly sessionQueueBytesMax: number;
  readonly outboxBytesMax: number;
}

export const DEFAULT_LIMITS: OwnLimits = {
  frameBytesMax: 1 << 20,
  messageBytesMax: 16 << 20,
  callsMax: 1024,
  streamsMax: 1024,
  subscriptionsMax: 1000,
  initialCredit: 256 << 10,
  groupsMax: 32,
  reassemblyBytesMax: 32 << 20,
  budgetBurst: 2048,
  handshakeTimeoutMs: 5000,
  heartbeatMs: 10_000,
  drainTimeoutMs: 5000,
  cancelGraceMs: 5000,
  stallTimeoutMs: 30_000,
  sessionCreditMax: 64 << 20,
  wildcardsMax: 100,
  subscriptionBytesMax: 1 << 20,
  sessionQueueBytesMax: 8 << 20,
  outboxBytesMax: 24 << 20,
};

/** Fixed by the format or by the specification. */
export const PREAUTH_FRAME_BYTES_MAX = 16_384;
export const FRAGMENT_BYTES = 16_384;
export const BUDGET_PER_SECOND = 50;
export const UNKNOWN_REFS_MAX = 64;
export const HOPS_MAX = 64;
export const HEARTBEAT_LEAST_MS = 1000;
export const SILENCE_HEARTBEATS = 2.5;
export const SLOWEST_BYTES_PER_SECOND = 1024;
/** Bytes of a target, and of each text of the protocol in meta or an error. */
export const TEXT_BYTES_MAX = 512;
/** What a sender may hold in all [L5.credit.3]. */
export const CREDIT_MAX = 2 ** 31;
/** What an item costs beside its payload [L5.credit.2]. */
export const ITEM_COST = 32;
/** Entries of the user's in a publication, and their bytes: what is left is for the protocol's own keys [L5.carry.1]. */
export const PUBLISHED_META_MAX = 48;
export const PUBLISHED_META_BYTES_MAX = 7168;
/** Items of one pattern that we open at a peer, whatever it says that it takes. */
export const OUTBOUND_MAX = 65_536;

/** Refuses limits that no session can have [L4.body.5]. */
export function checkLimits(limits: OwnLimits): void {
  const isCount = (value: number, least: number) => Number.isSafeInteger(value) && value >= least;
  const wrong =
    (!isCount(limits.frameBytesMax, 1024) && "frameBytesMax must be at least 1024") ||
    (!isCount(limits.messageBytesMax, 1024) && "messageBytesMax must be at least 1024") ||
    (!isCount(limits.groupsMax, 1) && "groupsMax must be at least 1") ||
    (!(isCount(limits.initialCredit, 1) && limits.initialCredit < 2 ** 31) && "initialCredit must be 1 to 2^31 - 1") ||
    (!isCount(limits.reassemblyBytesMax, limits.messageBytesMax) &&
      "reassemblyBytesMax must be at least messageBytesMax") ||
    (![limits.callsMax, limits.streamsMax, limits.subscriptionsMax].every((value) => isCount(value, 0)) &&
      "callsMax, streamsMax and subscriptionsMax must be whole numbers from 0");
  if (wrong) throw new RangeError(`limits: ${wrong}`);
}
