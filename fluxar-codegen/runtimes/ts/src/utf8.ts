/** Text to bytes and back, with a short way for short ASCII. */

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();
/** Up to here a loop beats the platform's decoder. */
const SHORT_BYTES = 28;

/** The text in `bytes[start..end]`, or undefined when it is not UTF-8. */
export function decodeText(bytes: Uint8Array, start: number, end: number): string | undefined {
  if (end - start <= SHORT_BYTES) {
    const short = decodeAscii(bytes, start, end);
    if (short !== undefined) return short;
  }
  try {
    return decoder.decode(bytes.subarray(start, end));
  } catch {
    return undefined;
  }
}

/** Short ASCII eight units at a time; undefined when some byte is not ASCII. */
function decodeAscii(b: Uint8Array, start: number, end: number): string | undefined {
  let text = "";
  let at = start;
  while (end - at >= 8) {
    const c0 = b[at]!, c1 = b[at + 1]!, c2 = b[at + 2]!, c3 = b[at + 3]!;
    const c4 = b[at + 4]!, c5 = b[at + 5]!, c6 = b[at + 6]!, c7 = b[at + 7]!;
    if ((c0 | c1 | c2 | c3 | c4 | c5 | c6 | c7) > 0x7f) return undefined;
    text += String.fromCharCode(c0, c1, c2, c3, c4, c5, c6, c7);
    at += 8;
  }
  if (end - at >= 4) {
    const c0 = b[at]!, c1 = b[at + 1]!, c2 = b[at + 2]!, c3 = b[at + 3]!;
    if ((c0 | c1 | c2 | c3) > 0x7f) return undefined;
    text += String.fromCharCode(c0, c1, c2, c3);
    at += 4;
  }
  switch (end - at) {
    case 3: {
      const c0 = b[at]!, c1 = b[at + 1]!, c2 = b[at + 2]!;
      return (c0 | c1 | c2) > 0x7f ? undefined : text + String.fromCharCode(c0, c1, c2);
    }
    case 2: {
      const c0 = b[at]!, c1 = b[at + 1]!;
      return (c0 | c1) > 0x7f ? undefined : text + String.fromCharCode(c0, c1);
    }
    case 1: {
      const c0 = b[at]!;
      return c0 > 0x7f ? undefined : text + String.fromCharCode(c0);
    }
    default:
      return text;
  }
}

/** The bytes of a text. Half of a surrogate pair has none: undefined. */
export function encodeText(text: string): Uint8Array | undefined {
  return isWellFormed(text) ? encoder.encode(text) : undefined;
}

/** Writes a text into `bytes` from `at`, for which there must be three bytes a unit. */
export function encodeTextInto(text: string, bytes: Uint8Array, at: number): number {
  return encoder.encodeInto(text, bytes.subarray(at)).written;
}

/** With the flag `u` a whole pair is one character, and no surrogate. */
const LONE_SURROGATE = /\p{Surrogate}/u;

/** Whether a text has no half of a surrogate pair. */
export function isWellFormed(text: string): boolean {
  return !LONE_SURROGATE.test(text);
}
