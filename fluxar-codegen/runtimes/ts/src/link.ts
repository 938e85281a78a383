/** L0: one live connection, and a pair of them in memory for tests and workers (docs/spec/transport.md). */

/** One live transport connection. It delivers bytes in order, or ends. */
export interface Link {
  /** Hands over whole frames. */
  send(bytes: Uint8Array): void;
  /** Closes when what was handed over is sent. */
  close(): void;
  /** Bytes that wait in the transport. */
  readonly bufferedBytes: number;
  onBytes: (bytes: Uint8Array) => void;
  onClose: (reason: string) => void;
  /** Told by links that can say so when bytes have left; others are asked now and then. */
  onRoom: () => void;
}

class MemoryLink implements Link {
  other: MemoryLink | undefined;
  private isOpen = true;
  bufferedBytes = 0;
  onBytes: (bytes: Uint8Array) => void = () => {};
  onClose: (reason: string) => void = () => {};
  onRoom: () => void = () => {};

  send(bytes: Uint8Array): void {
    if (!this.isOpen) return;
    this.bufferedBytes += bytes.length;
    queueMicrotask(() => {
      this.bufferedBytes -= bytes.length;
      if (this.other?.isOpen) this.other.onBytes(bytes);
      this.onRoom();
    });
  }

  close(): void {
    if (!this.isOpen) return;
    // What was sent before is delivered before.
    queueMicrotask(() => {
      this.end("closed");
      this.other?.end("closed by the other side");
    });
  }

  private end(reason: string): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    this.onClose(reason);
  }
}

/** Two links, each the other's far end. */
export function memoryLinks(): readonly [Link, Link] {
  const one = new MemoryLink();
  const two = new MemoryLink();
  one.other = two;
  two.other = one;
  return [one, two];
}
