/** Handlers at work for the peer: deadlines, cancelling, and the one answer that each request gets. */

import type { Id } from "./envelope.js";
import { clampTimeout } from "./request.js";
import { FluxarError, toFluxarError } from "./status.js";

/** The reason of a signal whose work has ended by itself. */
export const ENDED = new FluxarError("cancelled", "the work has ended");

/** What a request is answered with: an error, or else a result. */
export type Answer = (error: FluxarError | undefined, payload: Uint8Array | undefined) => void;

/** One request that a handler works on. */
export class Job {
  readonly controller = new AbortController();
  private readonly answer: Answer;
  private readonly graceMs: number;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private graceTimer: ReturnType<typeof setTimeout> | undefined;
  private isAnswered = false;

  constructor(answer: Answer, deadline: number | undefined, graceMs: number) {
    this.answer = answer;
    this.graceMs = graceMs;
    if (deadline !== undefined) this.timer = setTimeout(() => this.expire(), clampTimeout(deadline - Date.now()));
  }

  /** Runs the handler; the promise is done when it has really ended. */
  async run(handler: () => Promise<Uint8Array | undefined> | Uint8Array): Promise<void> {
    try {
      const payload = await handler();
      this.reply(undefined, payload);
    } catch (thrown) {
      this.reply(this.errorOf(thrown), undefined);
    } finally {
      clearTimeout(this.timer);
      clearTimeout(this.graceTimer);
    }
  }

  /** What a handler throws because it was stopped is no fault of its own. */
  private errorOf(thrown: unknown): FluxarError {
    const { signal } = this.controller;
    if (!signal.aborted || thrown instanceof FluxarError) return toFluxarError(thrown);
    return toFluxarError(signal.reason);
  }

  /** The caller has cancelled [L5.cancel.1]; the handler has some time to come to an end [L5.cancel.2]. */
  cancel(): FluxarError {
    const error = new FluxarError("cancelled", "[L5.cancel.2] cancelled by the caller", { origin: "peer" });
    if (!this.controller.signal.aborted) {
      this.controller.abort(error);
      this.graceTimer = setTimeout(() => this.reply(error, undefined), this.graceMs);
    }
    return error;
  }

  /** The deadline has passed [L5.deadline.2]. */
  private expire(): void {
    const error = new FluxarError("deadline_exceeded", "[L5.deadline.2] the handler took too long");
    this.reply(error, undefined);
    this.controller.abort(error);
  }

  /** The session is over: nobody is there to be answered. */
  abandon(error: FluxarError): void {
    this.isAnswered = true;
    clearTimeout(this.timer);
    clearTimeout(this.graceTimer);
    this.controller.abort(error);
  }

  private reply(error: FluxarError | undefined, payload: Uint8Array | undefined): void {
    if (this.isAnswered) return;
    this.isAnswered = true;
    this.answer(error, payload);
  }
}

/** The jobs of one pattern, counted until their handlers have ended [L5.call.5]. */
export class Jobs {
  private readonly byId = new Map<Id, Job>();
  private readonly atWork = new Set<Job>();

  add(id: Id | null, job: Job): void {
    this.atWork.add(job);
    if (id !== null) this.byId.set(id, job);
  }

  /** Its handler has ended. */
  ended(job: Job): void {
    this.atWork.delete(job);
  }

  /** Handlers that have not ended, notifications among them. */
  get running(): number {
    return this.atWork.size;
  }

  get(id: Id): Job | undefined {
    return this.byId.get(id);
  }

  /** The request is answered. */
  remove(id: Id): void {
    this.byId.delete(id);
  }

  get open(): number {
    return this.byId.size;
  }

  abandon(error: FluxarError): void {
    for (const job of this.atWork) job.abandon(error);
    this.byId.clear();
  }
}
