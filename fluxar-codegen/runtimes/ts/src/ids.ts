/** Ids of one session: odd ones are the dialer's, even ones the acceptor's [L3.id.3]. */

import type { Id } from "./envelope.js";
import { TWO_64 } from "./number.js";
import { Violation } from "./status.js";

/** Whether an id is odd. */
export function isOdd(id: Id): boolean {
  return typeof id === "number" ? id % 2 === 1 : (id & 1n) === 1n;
}

export class Ids {
  private readonly isDialer: boolean;
  private next: number;
  private highestTheirs: Id = 0;

  constructor(isDialer: boolean) {
    this.isDialer = isDialer;
    this.next = isDialer ? 1 : 2;
  }

  mint(): number {
    const id = this.next;
    this.next += 2;
    return id;
  }

  isOurs(id: Id): boolean {
    return isOdd(id) === this.isDialer;
  }

  /** Takes the id of something that the peer opens; `isOpen` when it names what is open. */
  take(id: Id, inFragments: boolean, isOpen: boolean): void {
    if (id >= TWO_64) {
      throw new Violation("L3.id.5", "16-byte ids are reserved for qos 1 and 2: use a session id", "unimplemented");
    }
    if (this.isOurs(id)) throw new Violation("L3.id.3", "the dialer mints odd ids, the acceptor even ones");
    // What came in fragments was minted before some that came whole.
    if (isOpen || (id <= this.highestTheirs && !inFragments)) {
      throw new Violation("L3.id.4", "ids must rise: this one was used before");
    }
    if (id > this.highestTheirs) this.highestTheirs = id;
  }

  /** Whether a ref names something that there has been [L3.ref.2]. */
  wasMinted(ref: Id): boolean {
    if (ref >= TWO_64) return false;
    return this.isOurs(ref) ? ref < this.next : ref <= this.highestTheirs;
  }
}
