/** What waits to be sent: small messages overtake the fragments of large ones, never their own flow [L1.order.1]. */

import { encodeFrame, frameHeadBytes } from "./frame.js";
import { FRAGMENT_BYTES } from "./limits.js";
import type { Limits } from "./limits.js";
import type { Link } from "./link.js";
import { FluxarError } from "./status.js";

/** Bytes that may wait in the transport before the outbox waits too. */
const LINK_BYTES_MAX = 64 << 10;
/** How often a transport that cannot say so is asked whether it has room again. */
const POLL_MS = 5;
/** Bytes that may wait here before producers of items wait too. */
const SOFT_BYTES_MAX = 256 << 10;

/** A message on its way. */
export interface Parcel {
  /** Whether any of its bytes were handed to the transport [L4.lost.1]. */
  isHanded: boolean;
}

interface Waiting extends Parcel {
  readonly bytes: Uint8Array;
  readonly isVolatile: boolean;
  group: number;
  at: number;
}

/** What belongs together in order: an id, all publications, all HELLOs, the rest. */
export type FlowKey = number | bigint | "events" | "hello" | "session";

export class Outbox {
  private readonly link: Link;
  private readonly bytesMax: number;
  private frameBytesMax = FRAGMENT_BYTES;
  private messageBytesMax = FRAGMENT_BYTES;
  private groupsMax = 0;
  private reassemblyBytesMax = 0;
  private whole: Waiting[] = [];
  private readonly flows = new Map<FlowKey, Waiting[]>();
  private nextGroup = 1;
  private openGroups = 0;
  private openBytes = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private isPumping = false;
  private isOver = false;
  /** Bytes that wait here. */
  bytes = 0;
  /** When something was last handed to the transport. */
  lastSent = 0;
  /** Bytes that were handed to the transport. */
  handedBytes = 0;
  /** Told when all was handed over. */
  onEmpty: () => void = () => {};
  /** Told when producers may go on. */
  onRoom: () => void = () => {};
  private waiting: (() => void)[] = [];

  constructor(link: Link, bytesMax: number) {
    this.link = link;
    this.bytesMax = bytesMax;
    link.onRoom = () => this.isEmpty || this.pump();
  }

  /** From here on the other side's limits count. */
  setPeer(limits: Limits): void {
    this.frameBytesMax = limits.frameBytesMax;
    this.messageBytesMax = limits.messageBytesMax;
    this.groupsMax = limits.groupsMax;
    this.reassemblyBytesMax = limits.reassemblyBytesMax;
  }

  get isEmpty(): boolean {
    return this.whole.length === 0 && this.flows.size === 0;
  }

  /** Refuses what can never be sent, before anything is counted. */
  checkSize(length: number): void {
    if (length > this.messageBytesMax) {
      const text = `the message has ${length} bytes, the peer takes ${this.messageBytesMax}: send it as a stream`;
      throw new FluxarError("resource_exhausted", text);
    }
  }

  /** Whether producers of items may go on. */
  get hasRoom(): boolean {
    return this.bytes < SOFT_BYTES_MAX;
  }

  /** Waits until there is room. */
  room(): Promise<void> {
    return this.hasRoom || this.isOver ? Promise.resolve() : new Promise((resolve) => this.waiting.push(resolve));
  }

  private release(): void {
    const waiting = this.waiting;
    this.waiting = [];
    for (const resolve of waiting) resolve();
    if (!this.isOver) this.onRoom();
  }

  put(flow: FlowKey, bytes: Uint8Array, isVolatile: boolean): Parcel {
    const parcel: Waiting = { bytes, isVolatile, isHanded: false, group: 0, at: 0 };
    if (this.isOver) return parcel;
    this.bytes += bytes.length;
    const busy = this.flows.get(flow);
    if (busy !== undefined) busy.push(parcel);
    else if (this.fits(parcel)) this.whole.push(parcel);
    else this.flows.set(flow, [parcel]);
    this.pump();
    return parcel;
  }

  private fits(parcel: Waiting): boolean {
    return parcel.bytes.length <= Math.min(FRAGMENT_BYTES, this.frameBytesMax - 1);
  }

  /** Hands over what the transport has room for. */
  pump(): void {
    if (this.isPumping || this.isOver) return;
    this.isPumping = true;
    try {
      while (this.link.bufferedBytes < LINK_BYTES_MAX && this.step());
    } finally {
      this.isPumping = false;
    }
    if (this.bytes > this.bytesMax) {
      this.link.close();
      return;
    }
    if (this.hasRoom) this.release();
    if (this.isEmpty) this.onEmpty();
    else if (this.timer === undefined) {
      this.timer = setTimeout(() => {
        this.timer = undefined;
        this.pump();
      }, POLL_MS);
    }
  }

  /** All whole messages, then a fragment of each large one; false when nothing was left to do. */
  private step(): boolean {
    let did = false;
    if (this.whole.length > 0) {
      const ready = this.whole;
      this.whole = [];
      for (const parcel of ready) this.send(parcel, encodeFrame(parcel.bytes, parcel.isVolatile), parcel.bytes.length);
      did = true;
    }
    for (const [flow, queue] of this.flows) did = this.fragment(flow, queue) || did;
    return did;
  }

  private fragment(flow: FlowKey, queue: Waiting[]): boolean {
    const parcel = queue[0]!;
    if (parcel.group === 0) {
      const isFull =
        this.openGroups >= this.groupsMax ||
        (this.openGroups > 0 && this.openBytes + parcel.bytes.length > this.reassemblyBytesMax);
      if (isFull) return false;
      parcel.group = this.nextGroup++;
      this.openGroups += 1;
      this.openBytes += parcel.bytes.length;
    }
    const room = Math.min(FRAGMENT_BYTES, this.frameBytesMax - frameHeadBytes(parcel.group));
    const part = parcel.bytes.subarray(parcel.at, parcel.at + room);
    parcel.at += part.length;
    const more = parcel.at < parcel.bytes.length;
    this.send(parcel, encodeFrame(part, parcel.isVolatile, parcel.group, more), part.length);
    if (!more) {
      this.openGroups -= 1;
      this.openBytes -= parcel.bytes.length;
      this.advance(flow, queue);
    }
    return true;
  }

  /** The head of a flow is sent: what is small and follows it is whole again. */
  private advance(flow: FlowKey, queue: Waiting[]): void {
    queue.shift();
    while (queue.length > 0 && this.fits(queue[0]!)) this.whole.push(queue.shift()!);
    if (queue.length === 0) this.flows.delete(flow);
  }

  private send(parcel: Waiting, frame: Uint8Array, length: number): void {
    parcel.isHanded = true;
    this.bytes -= length;
    this.lastSent = Date.now();
    this.handedBytes += frame.length;
    this.link.send(frame);
  }

  /** Nothing more is sent. */
  end(): void {
    this.isOver = true;
    clearTimeout(this.timer);
    this.whole = [];
    this.flows.clear();
    this.bytes = 0;
    this.release();
  }
}
