/** The receiver's side of credit [L5.credit.1 to 5]. */

import { ITEM_COST } from "./limits.js";
import { Violation } from "./status.js";

/** What an item costs. */
export function cost(payload: Uint8Array): number {
  return payload.length + ITEM_COST;
}

export class Window {
  private readonly size: number;
  private left: number;
  private taken = 0;

  constructor(size: number) {
    this.size = size;
    this.left = size;
  }

  /** The peer sent this. */
  arrived(payload: Uint8Array): void {
    if (this.left <= 0) throw new Violation("L5.credit.1", "an item or event came without credit", "resource_exhausted");
    this.left -= cost(payload);
  }

  /** The application took this; what is to be granted, or 0. */
  consumed(payload: Uint8Array): number {
    this.taken += cost(payload);
    if (2 * this.taken < this.size || this.taken === 0) return 0;
    const grant = this.taken;
    this.left += grant;
    this.taken = 0;
    return grant;
  }
}
