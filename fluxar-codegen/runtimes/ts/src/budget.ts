/** The budget for messages that cost their sender less than their receiver [L4.calm.1]. */

import { BUDGET_PER_SECOND, UNKNOWN_REFS_MAX } from "./limits.js";
import { Violation } from "./status.js";

export class Budget {
  private readonly burst: number;
  private left: number;
  private last = Date.now();
  private unknownRefs = 0;

  constructor(burst: number) {
    this.burst = burst;
    this.left = burst;
  }

  /** A cheap message came. */
  charge(): void {
    const now = Date.now();
    this.earn((Math.max(0, now - this.last) / 1000) * BUDGET_PER_SECOND);
    this.last = now;
    if (this.left < 1) {
      const text = "too many cheap messages: send fewer pings, cancels, grants and bad references";
      throw new Violation("L4.calm.1", text, "resource_exhausted");
    }
    this.left -= 1;
  }

  /** The peer did something of worth, or was sent something. */
  earn(amount: number): void {
    this.left = Math.min(this.burst, this.left + amount);
  }

  /** A message referred to what never was. */
  chargeUnknownRef(): void {
    this.charge();
    this.unknownRefs += 1;
    if (this.unknownRefs > UNKNOWN_REFS_MAX) {
      throw new Violation("L3.ref.2", "too many refs to ids that never existed or are of another kind");
    }
  }
}
