/** How long to wait before dialing again. */

/** Waits grow from the first to the longest; each is drawn between nothing and that. */
export interface Backoff {
  readonly firstMs: number;
  readonly longestMs: number;
  readonly factor: number;
}

export const DEFAULT_BACKOFF: Backoff = { firstMs: 200, longestMs: 30_000, factor: 2 };

/** The wait before attempt `attempt`, from 0. The jitter keeps many clients from coming back at one moment. */
export function waitMs(backoff: Backoff, attempt: number, random: () => number = Math.random): number {
  const most = Math.min(backoff.longestMs, backoff.firstMs * backoff.factor ** attempt);
  return most * (0.5 + 0.5 * random());
}
