/**
 * Pauses between attempts: exponential backoff with full jitter, so that a thousand clients whose server restarts do
 * not all come back at once (M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015).
 */

export const FIRST_S = 0.5;
export const LONGEST_S = 30;

/** Waits for so many seconds, or until it is called off: both end it in the same way. */
export type Sleep = (seconds: number, calledOff: AbortSignal) => Promise<void>;

export const sleep: Sleep = (seconds, calledOff) =>
  new Promise((resolve) => {
    if (calledOff.aborted) return resolve();
    const end = () => {
      clearTimeout(timer);
      calledOff.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, seconds * 1000);
    calledOff.addEventListener("abort", end);
  });

/** How long to wait before each next attempt; `reset` when one has worked. */
export class Pauses {
  private attempts = 0;

  constructor(
    private readonly firstS = FIRST_S,
    private readonly longestS = LONGEST_S,
  ) {}

  /** Seconds: somewhere between `atLeast` and that plus a span that doubles each time. */
  nextS(atLeast = 0): number {
    const span = Math.min(this.longestS, this.firstS * 2 ** this.attempts);
    this.attempts = Math.min(this.attempts + 1, 32);
    return atLeast + Math.random() * span;
  }

  /** It has worked. */
  reset(): void {
    this.attempts = 0;
  }
}
