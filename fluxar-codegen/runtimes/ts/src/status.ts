/** Outcome codes and errors (docs/spec/codes.md). */

/** The names, in the order of their numbers; number 0 is success and no code. */
const NAMES = [
  "cancelled",
  "unknown",
  "invalid_argument",
  "deadline_exceeded",
  "not_found",
  "already_exists",
  "permission_denied",
  "resource_exhausted",
  "failed_precondition",
  "aborted",
  "out_of_range",
  "unimplemented",
  "internal",
  "unavailable",
  "data_loss",
  "unauthenticated",
  "indeterminate",
] as const;

/** Why something did not succeed, in one word. */
export type Code = (typeof NAMES)[number];

/** Who says that it did not succeed. */
export type Origin = "local" | "peer" | "link";

/** Bytes of an error's message [L3.error.5]. */
const MESSAGE_BYTES_MAX = 4096;

/** The number of a code on the wire. */
export function codeNumber(code: Code): number {
  return NAMES.indexOf(code) + 1;
}

/** The code of a number; those of newer peers are unknown [L3.error.2]. */
export function codeName(number: number): Code {
  return NAMES[number - 1] ?? "unknown";
}

/** What an error carries besides its code and message. */
export interface FluxarErrorOptions {
  readonly typeName?: string;
  readonly details?: Uint8Array;
  readonly retryAfterMs?: number;
  readonly origin?: Origin;
  /** The application's own error, decoded. */
  readonly detail?: unknown;
  readonly cause?: unknown;
}

/** The outcome of a call, stream or subscription that did not succeed. */
export class FluxarError extends Error {
  readonly code: Code;
  /** The application's name of its error's type. */
  readonly typeName: string | undefined;
  /** The application's error as it travelled. */
  readonly details: Uint8Array | undefined;
  readonly retryAfterMs: number | undefined;
  readonly origin: Origin;
  /** The application's error, where the client knows its type. */
  readonly detail: unknown;

  constructor(code: Code, message: string, options: FluxarErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "FluxarError";
    this.code = code;
    this.typeName = options.typeName;
    this.details = options.details;
    this.retryAfterMs = options.retryAfterMs;
    this.origin = options.origin ?? "local";
    this.detail = options.detail;
  }

  /** Whether the request certainly never reached its callee [L3.code.1]. */
  get isRetryable(): boolean {
    return this.code === "unavailable";
  }
}

/** Any thrown value as what the peer is told. What is no FluxarError is `internal` [L5.call.6]. */
export function toFluxarError(thrown: unknown): FluxarError {
  if (thrown instanceof FluxarError) return thrown;
  const text = thrown instanceof Error ? thrown.name : typeof thrown;
  return new FluxarError("internal", `[L5.call.6] the handler threw: ${text}`, { cause: thrown });
}

/** A message cut to what an error may carry. */
export function cutMessage(message: string): string {
  if (message.length * 3 <= MESSAGE_BYTES_MAX) return whole(message);
  return `${whole(message.slice(0, Math.floor(MESSAGE_BYTES_MAX / 3) - 1))}…`;
}

/** Halves of surrogate pairs have no UTF-8. */
function whole(text: string): string {
  return text.replace(/\p{Surrogate}/gu, "\uFFFD");
}

/** A rule that the peer broke. It ends the session of the one who broke it [L4.violation.1]. */
export class Violation extends Error {
  readonly rule: string;
  readonly code: Code;

  constructor(rule: string, text: string, code: Code = "invalid_argument") {
    super(`[${rule}] ${text}`);
    this.name = "Violation";
    this.rule = rule;
    this.code = code;
  }
}
