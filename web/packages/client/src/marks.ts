/**
 * Marks: telling the server how far this device has got, and its owner has read, now and then rather than each time.
 *
 * A mark only moves forward, so of several the last one is enough, and it may be told again. After a long absence
 * thousands of conversations may have been delivered: a few are told of at once, and of no conversation two; what
 * somebody has read goes first; and where the server says that it is too much, all of them wait.
 */

import { Lost, Refused } from "./errors.js";
import { Gate } from "./gate.js";
import type { Sleep } from "./pauses.js";

export const EVERY_S = 0.5;
export const AT_ONCE = 16;

const EVENTS = ["markRead", "markDelivered"] as const;

export type MarkEvent = (typeof EVENTS)[number];

/** Asks for a mark of a conversation, up to a seq. Rejects with `Lost` or `Refused`. */
export type Tell = (event: MarkEvent, conversation: string, seq: number) => Promise<unknown>;

interface Mark {
  event: MarkEvent;
  conversation: string;
  seq: number;
}

/** By conversation, how far. */
type Seqs = Map<string, number>;

/** What is to be told. `run` tells it. */
export class Marks {
  /** Set while there is nothing to tell. */
  readonly told: Gate;
  private readonly wake: Gate;
  private readonly wanted: Record<MarkEvent, Seqs> = { markRead: new Map(), markDelivered: new Map() };
  private readonly done: Record<MarkEvent, Seqs> = { markRead: new Map(), markDelivered: new Map() };
  private readonly busy = new Set<string>();
  /** Something went wrong: for how many seconds to stop. */
  private troubleS: number | null = null;

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
    const wanted = this.wanted[event];
    if (seq <= (this.done[event].get(conversation) ?? 0)) return;
    wanted.set(conversation, Math.max(seq, wanted.get(conversation) ?? 0));
    this.told.clear();
    this.wake.set();
  }

  /** Tell on, to the end. */
  async run(): Promise<void> {
    while (!this.ended.aborted) {
      await this.wake.wait();
      this.wake.clear();
      this.troubleS = null;
      await Promise.all(Array.from({ length: AT_ONCE }, () => this.tellOn()));
      if (this.troubleS !== null) this.wake.set();
      await this.sleep(Math.max(EVERY_S, this.troubleS ?? 0), this.ended);
    }
  }

  /** One mark after the other, as long as there are any and all goes well. */
  private async tellOn(): Promise<void> {
    for (let mark = this.next(); mark; mark = this.next()) {
      this.busy.add(mark.conversation);
      await this.try(mark);
      this.busy.delete(mark.conversation);
    }
  }

  private next(): Mark | undefined {
    if (this.troubleS !== null || this.ended.aborted) return undefined;
    for (const event of EVENTS) {
      for (const [conversation, seq] of this.wanted[event]) {
        if (!this.busy.has(conversation)) return { event, conversation, seq };
      }
    }
    return undefined;
  }

  private async try({ event, conversation, seq }: Mark): Promise<void> {
    try {
      await this.tell(event, conversation, seq);
    } catch (error) {
      if (error instanceof Lost) return this.stop(0);
      if (!(error instanceof Refused)) throw error;
      if (error.isPassing) return this.stop(error.retryAfterS);
    }
    this.settle(event, conversation, seq);
  }

  private stop(seconds: number): void {
    this.troubleS = Math.max(this.troubleS ?? 0, seconds);
  }

  /** It has arrived, or is refused for good: there is nothing more to say of it. */
  private settle(event: MarkEvent, conversation: string, seq: number): void {
    const [wanted, done] = [this.wanted[event], this.done[event]];
    done.set(conversation, Math.max(seq, done.get(conversation) ?? 0));
    if (wanted.get(conversation) === seq) wanted.delete(conversation);
    if (EVENTS.every((each) => !this.wanted[each].size)) this.told.set();
  }
}
