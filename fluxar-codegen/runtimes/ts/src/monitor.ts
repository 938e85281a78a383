/** Whether the link lives: heartbeats, silence, a peer that takes nothing or sends too slowly. */

import { HEARTBEAT_LEAST_MS, SILENCE_HEARTBEATS, SLOWEST_BYTES_PER_SECOND } from "./limits.js";
import { Violation } from "./status.js";

/** What the monitor looks at. */
export interface Watched {
  /** When something was last handed to the transport. */
  readonly lastSent: number;
  /** Bytes that have left the transport. */
  readonly leftBytes: number;
  /** Whether something waits to be sent. */
  readonly isWaiting: boolean;
  /** Whether a frame or message has come in part. */
  readonly isPartial: boolean;
  beat(): void;
  lost(): void;
  fail(violation: Violation): void;
}

export class Monitor {
  private readonly watched: Watched;
  private readonly stallMs: number;
  private intervalMs = 0;
  private timer: ReturnType<typeof setInterval> | undefined;
  private lastHeard = Date.now();
  private receivedBytes = 0;
  private partial: { since: number; bytes: number } | undefined;
  private stall: { since: number; left: number } | undefined;

  constructor(watched: Watched, stallMs: number) {
    this.watched = watched;
    this.stallMs = stallMs;
  }

  /** The session is ready; the smaller of both heartbeats counts [L4.beat.1]. */
  start(ownMs: number, theirMs: number): void {
    this.intervalMs = Math.max(HEARTBEAT_LEAST_MS, Math.min(ownMs, theirMs));
    this.lastHeard = Date.now();
    this.timer = setInterval(() => this.look(), this.intervalMs / 4);
  }

  stop(): void {
    clearInterval(this.timer);
  }

  /** Bytes came. Browsers slow the timers of hidden pages down, but not what arrives: so this beats, too. */
  heard(bytes: number): void {
    this.lastHeard = Date.now();
    this.receivedBytes += bytes;
    if (this.timer !== undefined) this.beatIfDue();
  }

  private beatIfDue(): void {
    if (Date.now() - this.watched.lastSent >= 0.7 * this.intervalMs) this.watched.beat();
  }

  private look(): void {
    const now = Date.now();
    this.beatIfDue();
    if (now - this.lastHeard > SILENCE_HEARTBEATS * this.intervalMs) return this.watched.lost();
    this.lookAtPartial(now);
    this.lookAtStall(now);
  }

  private lookAtPartial(now: number): void {
    if (!this.watched.isPartial) this.partial = undefined;
    else if (this.partial === undefined) this.partial = { since: now, bytes: this.receivedBytes };
    else if (now - this.partial.since >= this.stallMs) {
      const least = (SLOWEST_BYTES_PER_SECOND * (now - this.partial.since)) / 1000;
      if (this.receivedBytes - this.partial.bytes < least) {
        this.watched.fail(new Violation("L4.bound.5", "a message came in slower than 1 KiB/s", "resource_exhausted"));
      }
      this.partial = undefined;
    }
  }

  private lookAtStall(now: number): void {
    const left = this.watched.leftBytes;
    if (!this.watched.isWaiting) this.stall = undefined;
    else if (this.stall === undefined || this.stall.left !== left) this.stall = { since: now, left };
    else if (now - this.stall.since >= this.stallMs) {
      const text = "the peer took nothing from the link for 30 s";
      this.watched.fail(new Violation("L4.bound.4", text, "resource_exhausted"));
    }
  }
}
