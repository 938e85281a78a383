/** Credit: the receiver's side of it, and how it adds up [L5.credit.1 to 5]. */

import { CREDIT_MAX, ITEM_COST } from "./limits.js";
import { Violation } from "./status.js";

/** What an item costs; of an event its meta, too. */
export function cost(payload: Uint8Array, metaBytes = 0): number {
  return payload.length + metaBytes + ITEM_COST;
}

/** Credit with a grant added. */
export function addCredit(credit: number, grant: number): number {
  if (credit + grant > CREDIT_MAX) throw new Violation("L5.credit.3", "credit adds up to more than 2^31");
  return credit + grant;
}

export class Window {
  private readonly size: number;
  private left: number;
  private taken = 0;

  constructor(size: number) {
    this.size = size;
    this.left = size;
  }

  /** The peer sent something of this cost. */
  arrived(cost: number): void {
    if (this.left <= 0) throw new Violation("L5.credit.1", "an item or event came without credit", "resource_exhausted");
    this.left -= cost;
  }

  /** The application took something of this cost; what is to be granted, or 0. */
  consumed(cost: number): number {
    this.taken += cost;
    if (2 * this.taken < this.size || this.taken === 0) return 0;
    const grant = this.taken;
    this.left += grant;
    this.taken = 0;
    return grant;
  }
}
