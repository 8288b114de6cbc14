/**
 * Marks: telling the server how far this device has got, and its owner has read, now and then rather than each time.
 *
 * A mark only moves forward, so of several the last one is enough, and it may be told again.
 */

import { Lost, Refused } from "./errors.js";
import { Gate } from "./gate.js";
import type { Sleep } from "./pauses.js";

export const EVERY_S = 0.5;

export type MarkEvent = "markDelivered" | "markRead";

/** Asks for a mark of a conversation, up to a seq. Rejects with `Lost` or `Refused`. */
export type Tell = (event: MarkEvent, conversation: string, seq: number) => Promise<unknown>;

interface Mark {
  event: MarkEvent;
  conversation: string;
  seq: number;
}

/** What is to be told. `run` tells it. */
export class Marks {
  /** Set while there is nothing to tell. */
  readonly told: Gate;
  private readonly wake: Gate;
  private readonly wanted = new Map<string, Mark>();
  private readonly done = new Map<string, number>();

  constructor(
    private readonly tell: Tell,
    private readonly sleep: Sleep,
    private readonly ended: AbortSignal,
  ) {
    this.wake = new Gate(ended);
    this.told = new Gate(ended, true);
  }

  /** Tell the server soon. */
  move(event: MarkEvent, conversation: string, seq: number): void {
    const key = `${event} ${conversation}`;
    if (seq <= (this.done.get(key) ?? 0)) return;
    this.wanted.set(key, { event, conversation, seq: Math.max(seq, this.wanted.get(key)?.seq ?? 0) });
    this.told.clear();
    this.wake.set();
  }

  /** Tell on, to the end. */
  async run(): Promise<void> {
    while (!this.ended.aborted) {
      await this.wake.wait();
      this.wake.clear();
      for (const [key, mark] of [...this.wanted]) await this.try(key, mark);
      await this.sleep(EVERY_S, this.ended);
    }
  }

  private async try(key: string, { event, conversation, seq }: Mark): Promise<void> {
    try {
      await this.tell(event, conversation, seq);
    } catch (error) {
      const passes = error instanceof Lost || (error instanceof Refused && error.isPassing);
      if (passes) return this.wake.set();
      if (!(error instanceof Refused)) throw error;
    }
    // Also if it is refused for good: there is nothing more to say of it.
    this.done.set(key, Math.max(seq, this.done.get(key) ?? 0));
    if (this.wanted.get(key)?.seq === seq) this.wanted.delete(key);
    if (!this.wanted.size) this.told.set();
  }
}
