/** Calls in both directions (docs/spec/patterns.md, Calls). */

import type { CallOptions, Origin } from "./caller.js";
import { clampTimeout, deadlineOf, requestMeta } from "./request.js";
import type { Envelope, Id, Outgoing } from "./envelope.js";
import { KIND } from "./envelope.js";
import { OUTBOUND_MAX } from "./limits.js";
import { META } from "./meta.js";
import type { Meta } from "./meta.js";
import type { Parcel } from "./outbox.js";
import { FluxarError } from "./status.js";

/** What the table of calls needs of its session. */
export interface CallHost {
  send(message: Outgoing): Parcel;
  mint(): number;
  readonly callsMax: number;
  /** Something has ended: perhaps it was the last. */
  settled(): void;
}

interface Outbound {
  parcel: Parcel;
  /** Undefined when nobody waits for the answer any more; the id is kept until it came [L5.cancel.4]. */
  finish: ((error: FluxarError | undefined, payload: Uint8Array | undefined, reason?: unknown) => void) | undefined;
}

/** Calls that we make. */
export class OutboundCalls {
  private readonly host: CallHost;
  private readonly open = new Map<Id, Outbound>();

  constructor(host: CallHost) {
    this.host = host;
  }

  get size(): number {
    return this.open.size;
  }

  has(id: Id): boolean {
    return this.open.has(id);
  }

  call(target: string, payload: Uint8Array | undefined, options: CallOptions, origin: Origin): Promise<Uint8Array> {
    const max = Math.min(this.host.callsMax, OUTBOUND_MAX);
    if (this.open.size >= max) {
      const text = `${max} calls are open at the peer already: wait for one to end`;
      return Promise.reject(new FluxarError("resource_exhausted", text));
    }
    return new Promise((resolve, reject) => {
      const deadline = deadlineOf(options, origin);
      const meta = withKey(requestMeta(options, origin, deadline), options.idempotencyKey);
      const signal = options.signal;
      const abort = () => this.stop(id, options.signal?.reason, true);
      const stopped = () => this.stop(id, origin.signal?.reason, true);
      const id = this.host.mint();
      const parcel = this.host.send({ kind: KIND.call, id, target, meta, payload });
      const expire = () =>
        this.stop(id, new FluxarError("deadline_exceeded", "[L5.deadline.2] no answer came in time"), false);
      const timer = deadline === undefined ? undefined : setTimeout(expire, clampTimeout(deadline - Date.now()));
      const entry: Outbound = {
        parcel,
        finish: (error, answer, reason) => {
          entry.finish = undefined;
          clearTimeout(timer);
          signal?.removeEventListener("abort", abort);
          origin.signal?.removeEventListener("abort", stopped);
          if (answer !== undefined) resolve(answer);
          else reject(error ?? reason);
        },
      };
      this.open.set(id, entry);
      signal?.addEventListener("abort", abort, { once: true });
      origin.signal?.addEventListener("abort", stopped, { once: true });
    });
  }

  /** The caller gives up. */
  private stop(id: Id, reason: unknown, tellPeer: boolean): void {
    const entry = this.open.get(id);
    if (entry?.finish === undefined) return;
    if (tellPeer) this.host.send({ kind: KIND.cancel, ref: id });
    entry.finish(undefined, undefined, reason ?? new FluxarError("cancelled", "the call was aborted"));
  }

  answered(message: Envelope): void {
    const entry = this.open.get(message.ref!);
    this.open.delete(message.ref!);
    // A copy, so that a small answer does not keep a large buffer alive.
    entry?.finish?.(message.error ?? undefined, message.payload?.slice());
    this.host.settled();
  }

  /** The link is gone [L4.lost.1]. */
  lost(why: string): void {
    const entries = [...this.open.values()];
    this.open.clear();
    for (const entry of entries) entry.finish?.(lostError(entry.parcel.isHanded, why), undefined);
  }
}

function withKey(meta: Meta, key: Uint8Array | undefined): Meta {
  if (key === undefined) return meta;
  if (key.length !== 16) throw new FluxarError("invalid_argument", "an idempotency key has 16 bytes");
  return new Map(meta).set(META.idempotencyKey, key);
}

/** What becomes of something that was open when its link was lost. */
export function lostError(isHanded: boolean, why: string): FluxarError {
  return isHanded
    ? new FluxarError("indeterminate", `it was sent, and then the session was lost: ${why}`, { origin: "link" })
    : new FluxarError("unavailable", `it was not sent, the session was lost: ${why}`, { origin: "link" });
}
