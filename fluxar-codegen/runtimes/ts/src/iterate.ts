/** What `for await` does with whatever has a `next`. */

/** All that comes; whoever leaves the loop is done with the rest. */
export async function* iterate<T>(next: () => Promise<T | undefined>, leave: () => void): AsyncGenerator<T, void> {
  try {
    for (;;) {
      const one = await next();
      if (one === undefined) return;
      yield one;
    }
  } finally {
    leave();
  }
}
